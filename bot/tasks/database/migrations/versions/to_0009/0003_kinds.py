"""Two kinds of task more, of which words come and no commits: a review, an answer.

A worker of the version before does not know them: it cannot read such a task, which then waits
for a newer worker.
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

KINDS = "kind IN ('change', 'revise', 'review', 'answer')"


def upgrade() -> None:
    """Let the column have the new values."""
    op.drop_constraint(op.f("tasks_kind_check"), "tasks", type_="check")
    op.create_check_constraint(op.f("tasks_kind_check"), "tasks", KINDS)

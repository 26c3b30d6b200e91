"""A pull request from a fork: whose code it is, and which branch here holds changes to it."""

from __future__ import annotations

from bot.domain import Fork, Task, TaskKind
from bot.git.branch_name import OWN_PREFIX
from bot.github.answers import Pull

PREFIX = f"{OWN_PREFIX}fork-"
WARNING = "It stands on commits from a fork: read them before any workflow runs them."
# A trailer, not ``[skip ci]``: that counts in any line of any message, so a squash merge would carry it onto
# the base branch and skip its workflows. The trailer counts as the last line only, after two empty lines.
# https://docs.github.com/en/actions/how-tos/manage-workflow-runs/skip-workflow-runs
SKIP_TRAILER = "skip-checks: true"


def branch_here(number: int) -> str:
    """The branch in this repository for changes to a fork's pull request."""
    return f"{PREFIX}{int(number)}"


def is_foreign(branch: str) -> bool:
    """Whether one of Hob's branches holds commits from a fork."""
    return branch.startswith(PREFIX)


def add_skip_trailer(message: str) -> str:
    """A commit's message whose commit no workflow runs when it is pushed; ``message`` ends in trailers."""
    title, _, rest = message.strip().partition("\n\n")
    text, _, trailers = rest.rpartition("\n\n")
    said = "\n\n".join(part for part in (title, WARNING, text) if part)
    return f"{said}\n\n\n{trailers}\n{SKIP_TRAILER}\n"


def on_its_own(task: Task, branch: str) -> bool:
    """Whether the task's thread is the pull request of that branch."""
    return task.kind is TaskKind.REVISE and branch != branch_here(task.thread.number)


def fork_of(task: Task, pull: Pull) -> Fork | None:
    """The fork that a pull request comes from; None when it comes from this repository."""
    head = pull.head
    if head.repo_id == task.repo.id:
        return None
    return Fork(
        number=pull.number,
        name=head.repo_name or head.label or "a fork",
        url=head.clone_url if pull.maintainer_can_modify else "",
        branch=head.ref,
        base=pull.base.ref,
    )

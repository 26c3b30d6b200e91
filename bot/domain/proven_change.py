"""What stands between proving and publishing, kept in the database so that any worker can publish it.

The commit is made from exactly this, so every worker that takes it up makes the same one, byte for byte.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bot.domain import Result
from bot.tasks.database.column_values import restore
from bot.workspace.fork import Fork


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenChange:
    """A proved result and where it goes. ``head`` is where the branch stood, None when it was not there."""

    result: Result
    branch: str
    head: str | None
    hidden: tuple[str, ...]
    run_url: str
    ordinal: int = 0  # which attempt it is
    root: int = 0  # at whose request, where the task does not say it
    fork: Fork | None = None  # where the pull request comes from, when that is not here
    protected: tuple[str, ...] = ()  # hob.yml's patterns, for what a fork's branch may hold here
    choice: str = ""  # how many attempts there were and why this one, in one line of Markdown

    def as_stored(self) -> dict[str, Any]:
        """For ``Store.save_changes``."""
        return {"handover": asdict(self)}


def load_proven_change(saved: Mapping[str, Any] | None) -> ProvenChange | None:
    """What an earlier run of the task left to be published, if it came that far."""
    return restore(ProvenChange, saved["handover"]) if saved and "handover" in saved else None

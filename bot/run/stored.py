"""What a run stores of its task, so that whichever worker takes the task up next goes on from there.

It is one JSON object in ``Store.save_changes``; the keys ``handover`` and ``ended`` stand in the database.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from bot.domain import ProvenChange, TaskEnd
from bot.tasks.database.column_values import restore

Saved = Mapping[str, Any] | None


def dump_proven_change(proven: ProvenChange) -> dict[str, Any]:
    """The proved change for ``Store.save_changes``."""
    return {"handover": asdict(proven)}


def load_proven_change(saved: Saved) -> ProvenChange | None:
    """The proved change that an earlier run of the task left to be published, if it came that far."""
    return restore(ProvenChange, saved["handover"]) if saved and "handover" in saved else None


def dump_task_end(end: TaskEnd) -> dict[str, Any]:
    """The end of the task for ``Store.save_changes``, without its result."""
    return {"ended": {"state": end.state.value, "text": end.text, "reason": end.reason}}


def load_task_end(saved: Saved) -> TaskEnd | None:
    """How an earlier run of the task ended it; then only the comment is still to be written."""
    return restore(TaskEnd, saved["ended"]) if saved and "ended" in saved else None

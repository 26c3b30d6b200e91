"""A task's verdict in a word or two that a maintainer understands, and its colour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.domain import Proof, TaskKind, TaskState
from bot.domain.proof import ProofState
from bot.tasks.database.column_values import restore

_PHASES = {
    "prepare": "preparing",
    "think": "working",
    "prove": "running the checks",
    "publish": "publishing",
}
_PROOFS = {
    ProofState.PROVED: ("proved", "good"),
    ProofState.DOUBTFUL: ("proved, with a warning", "wait"),
    ProofState.PARTLY: ("mends some of the tests", "wait"),
    ProofState.FAILS: ("proof fails", "bad"),
    ProofState.NOT_RUN: ("not run", "wait"),
}
_ENDS = {
    TaskState.FAILED: ("failed", "bad"),
    TaskState.CANCELLED: ("stopped", "none"),
    TaskState.REFUSED: ("refused", "none"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskVerdict:
    """``text`` for people; ``tone``: good, bad, wait, busy or none."""

    text: str
    tone: str


def judge_task(row: Mapping[str, Any]) -> TaskVerdict:
    """The verdict on a task, from its row in the list."""
    state = TaskState(row["state"])
    if state in _ENDS:
        return _make(_ENDS[state])
    if state is TaskState.QUEUED:
        return TaskVerdict(text="in the queue", tone="busy")
    if state is TaskState.WAITING:
        return TaskVerdict(text=f"waits: {row['reason']}" if row["reason"] else "waits", tone="wait")
    if state is TaskState.RUNNING:
        text = "stopping" if row["cancel_asked"] else _PHASES.get(row["phase"] or "", "beginning")
        return TaskVerdict(text=text, tone="busy")
    if row["kind"] in (TaskKind.ANSWER, TaskKind.REVIEW):
        return TaskVerdict(text="answered" if row["kind"] == TaskKind.ANSWER else "reviewed", tone="good")
    proof = _find_proof_state(row)
    if proof is None:
        return TaskVerdict(text="done", tone="none")
    return _make(_PROOFS[proof])


def _find_proof_state(row: Mapping[str, Any]) -> ProofState | None:
    """As it is stored on the task; an older version of Hob stored the proof alone."""
    if row["verdict"] in set(ProofState):
        return ProofState(row["verdict"])
    return restore(Proof, row["proof"]).state if row["proof"] else None


def _make(pair: tuple[str, str]) -> TaskVerdict:
    return TaskVerdict(text=pair[0], tone=pair[1])

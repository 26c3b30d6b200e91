"""Hob's own check runs: what they are called, and how they end."""

from __future__ import annotations

from bot.domain.task import TaskState

PROOF, AT_WORK = "Hob", "Hob at work"
CONCLUSIONS = {
    TaskState.DONE: "success",
    TaskState.CANCELLED: "cancelled",
    TaskState.REFUSED: "neutral",
    TaskState.FAILED: "failure",
}


def make_proof_key(task: int, sha: str) -> str:
    """The key under which the check run with a task's proof of commit ``sha`` is recorded."""
    return f"task:{task}:check:{sha}"

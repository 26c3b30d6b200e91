"""What ``hob replay`` prints: for a person, and as an object."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from bot.replay.replay import ReplayReport


def render_text(replayed: ReplayReport) -> str:
    """The first divergence, or that there is none; then what was left aside, and what to know."""
    lines = []
    if divergence := replayed.divergence:
        where = f"turn {divergence.turn}" + (f", call {divergence.call}" if divergence.call else "")
        lines += [f"Diverged at {where} of {replayed.of} turns: {divergence.what}"]
        lines += [divergence.diff] if divergence.diff else []
    else:
        lines += [f"All {replayed.of} turns agree."]
    if replayed.aside:
        kinds = ", ".join(f"{kind} in {count}" for kind, count in sorted(replayed.aside.items()))
        lines += [f"Left aside, as it varies by nature: {kinds} outputs."]
    return "\n".join([*lines, *(f"Note: {remark}." for remark in replayed.remarks)])


def make_object(replayed: ReplayReport) -> dict[str, Any]:
    """The object that ``--json`` prints."""
    return {
        "agree": replayed.divergence is None,
        "turns": replayed.turns,
        "of": replayed.of,
        "divergence": asdict(replayed.divergence) if replayed.divergence else None,
        "aside": dict(replayed.aside),
        "remarks": replayed.remarks,
    }

"""Plays the hostile model: ``python -m tests.attack.model``, or some families and names alone, as words.

Prints a table of move and outcome, and ends with 1 when something did not hold.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence

from tests.attack.model.moves import list_moves
from tests.attack.model.stage import Outcome, open_stage


async def play(words: Sequence[str]) -> int:
    """The moves whose family or name has one of the words, or all; 1 when something did not hold."""
    began = time.monotonic()
    async with open_stage() as stage:
        moves = [
            move
            for move in list_moves(stage.around)
            if not words or any(word in f"{move.family}: {move.name}" for word in words)
        ]
        found = await stage.play(moves)
        traces = await stage.find_traces()
    print(render_table(found))
    print(*(f"UNEXPECTED: {trace}" for trace in traces), sep="\n")
    wrong = len(traces) + sum(bool(each.wrong) for each in found)
    print(f"{len(found)} moves in {time.monotonic() - began:.0f} s, {wrong or 'nothing'} unexpected")
    return int(bool(wrong))


def render_table(found: Sequence[Outcome]) -> str:
    """A line for each move: what it was and how it went."""
    rows = []
    for each in sorted(found, key=lambda each: each.move.family):
        how = f"UNEXPECTED, as it should be that {each.move.holds}: {each.wrong}" if each.wrong else each.how
        rows.append(f"{each.move.family:<12} {each.move.name[:52]:<53} {how}")
    return "\n".join(rows)


if __name__ == "__main__":
    sys.exit(asyncio.run(play(sys.argv[1:])))

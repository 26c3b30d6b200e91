"""Plays every case against one backend, as whoever runs this: ``python -m tests.attack.play --backend bwrap``.

Prints a table of the families, and with ``--json FILE`` writes {case: [attack, twin]}, where an empty word is
a success: the attack was refused, the twin worked. Ends with 1 when anything else happened.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from pathlib import Path

from tests.attack import canaries, ends, kernel, leaving, network, places, resources
from tests.attack.arena import Arena, AttackTarget, open_arena
from tests.attack.case import Case, Judged

CASES: list[Case] = [
    case for room in (kernel, places, network, canaries, ends, resources, leaving) for case in room.CASES
]
Verdicts = dict[str, tuple[str, str]]


def title(case: Case) -> str:
    """The name of a case among all."""
    return f"{case.family}: {case.name}"


async def play(target: AttackTarget, folder: str | None = None) -> Verdicts:
    """Every case's (what went wrong with the attack, with the twin); empty words are good."""
    async with open_arena(target, folder) as arena:
        inside = [(half, case) for case in CASES for half in ("attack", "twin")]
        plays = {
            f"{half} {title(case)}": source
            for half, case in inside
            if isinstance(source := getattr(case, half), str)
        }
        distinct = {source: key for key, source in plays.items() if key.startswith("twin")}
        told = await arena.plays([*((k, s) for k, s in plays.items() if distinct.get(s, k) == k)])
        judged: dict[Judged, str] = {}  # a twin that several attacks share is played once
        found: Verdicts = {}
        for case in CASES:
            halves = []
            for half in ("attack", "twin"):
                source = getattr(case, half)
                key = f"{half} {title(case)}"
                if not isinstance(source, str) and source not in judged:
                    judged[source] = await judge(source, arena)
                halves.append(told[distinct.get(source, key)] if isinstance(source, str) else judged[source])
            found[title(case)] = (halves[0], halves[1])
        return found


async def judge(source: Judged, arena: Arena) -> str:
    """Play a coroutine."""
    try:
        async with asyncio.timeout(280):
            await source(arena)
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:500] or "failed"
    return ""


def table(found: Verdicts, seconds: float) -> str:
    """Counts by family, and what went wrong."""
    families = Counter(case.family for case in CASES)
    rows = [f"{'family':<12} {'cases':>6} {'refused':>8} {'twins work':>11}"]
    for family, count in families.items():
        mine = [found[title(case)] for case in CASES if case.family == family]
        rows.append(
            f"{family:<12} {count:>6} {sum(not a for a, _ in mine):>8} {sum(not t for _, t in mine):>11}"
        )
    held, twins = sum(not a for a, _ in found.values()), sum(not t for _, t in found.values())
    rows.append(f"{'all':<12} {len(found):>6} {held:>8} {twins:>11}   in {seconds:.1f} s")
    for name, (attack, twin) in found.items():
        rows += [f"UNEXPECTED: {name}: {attack}"] if attack else []
        rows += [f"TWIN FAILS: {name}: {twin}"] if twin else []
    return "\n".join(rows)


def main() -> int:
    """Play and report."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--backend", default="bwrap")
    options.add_argument("--image", default="")
    options.add_argument("--engine", default="")
    options.add_argument("--folder")
    options.add_argument("--json", type=Path)
    asked = options.parse_args()
    began = time.monotonic()
    target = AttackTarget(backend=asked.backend, image=asked.image, engine=asked.engine)
    found = asyncio.run(play(target, asked.folder))
    print(table(found, time.monotonic() - began))
    if asked.json is not None:
        asked.json.write_text(json.dumps(found))
    return int(any(attack or twin for attack, twin in found.values()))


if __name__ == "__main__":
    sys.exit(main())

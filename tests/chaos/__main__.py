"""Plays the faults and prints the table; exits with 1 when a request was lost, doubled or wrongly failed, or
when recoveries were slow.

The short form (three minutes on two quiet cores) attacks every call of the path once, each with one kind of
fault in turn, kills workers while tasks run, and breaks PostgreSQL. ``--long`` plays every kind of fault on
every call and at random, kills at every call and forty at random over sixty tasks, SIGSTOP, PostgreSQL's
faults, five minutes without GitHub, a full disk, wrong clocks, and an upgrade. The calls are those that the
bot makes for one quiet task, so that a new one is attacked by itself. What is put off is done at once, but
for leases: how long a recovery takes is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from tests.chaos import upgrade
from tests.chaos.calls import Call, attack_at_random, attack_calls, find_calls
from tests.chaos.deaths import kill_at_calls, kill_at_random, stand_still
from tests.chaos.play import COUNTED, Chaos, open_chaos
from tests.chaos.surroundings import break_database, fill_disk, one_worker, skew_clock, take_github_away

Phase = Callable[[], Awaitable[None]]
SHORT = ("calls", "kills", "database")
LONG = (*SHORT, "random", "points", "stops", "clock", "disk", "outage")


def list_phases(chaos: Chaos, calls: Sequence[Call], folder: Path, *, long: bool) -> Mapping[str, Phase]:
    """The phases by name, in the order in which they are played."""

    async def attack() -> None:
        async with one_worker(chaos):
            await attack_calls(chaos, calls, all_kinds=long)

    async def attack_any() -> None:
        async with one_worker(chaos):
            await attack_at_random(chaos, 40)

    def fill() -> Awaitable[None]:
        logs = folder / "full"
        logs.mkdir()
        return fill_disk(chaos, folder / "small", logs)

    short: dict[str, Phase] = {
        "calls": attack,
        "kills": lambda: kill_at_random(chaos, 40 if long else 4, 60 if long else 8),
        "database": lambda: break_database(chaos, folder / "home", all_kinds=long),
    }
    return (
        short
        | {
            "random": attack_any,
            "points": lambda: kill_at_calls(chaos, calls),
            "stops": lambda: stand_still(chaos, 3),
            "clock": lambda: skew_clock(chaos),
            "disk": fill,
            "outage": lambda: take_github_away(chaos, 300),
        }
        if long
        else short
    )


async def play(*, long: bool, seed: int, only: Sequence[str], minutes: float) -> int:
    """The whole of it; 1 when something was lost, doubled or wrongly failed."""
    began, left_out, printed = time.monotonic(), [], 0
    async with open_chaos(seed) as (chaos, folder):
        async with one_worker(chaos):
            calls = await find_calls(chaos)
        print(f"{'fault':<30}" + "".join(f"{name:>10}" for name in COUNTED) + "  recovery p50 / p99")
        for name, phase in list_phases(chaos, calls, folder, long=long).items():
            if only and name not in only:
                continue
            if time.monotonic() - began > minutes * 60:
                left_out.append(name)
                continue
            await phase()
            print(*(row.render() for row in chaos.rows[printed:]), sep="\n", flush=True)
            printed = len(chaos.rows)
    print(f"{len(calls)} calls; seed {seed}; {(time.monotonic() - began) / 60:.1f} minutes")
    bad = [f"{row.name}: {what}" for row in chaos.rows for what in row.bad]
    if left_out:
        print(f"not played, for want of time: {', '.join(left_out)}")
        bad += [f"{name}: asked for and not played" for name in left_out if only]
    print(*bad, sep="\n")
    wrong = bool(bad)
    if long and not only and not left_out:
        wrong |= bool(await upgrade.play(upgrade.find_version_before()))
    return int(wrong)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="make chaos")
    parser.add_argument("--long", action="store_true", help="all of it: about half an hour")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="PHASE", help="such as: calls kills database"
    )
    parser.add_argument("--minutes", type=float, default=60.0, help="begin no phase after so many")
    given = parser.parse_args()
    phases = LONG if given.long else SHORT
    if unknown := set(given.only) - set(phases):
        more = "" if given.long else "; --long has more"
        parser.error(f"no phase here: {', '.join(sorted(unknown))} (there are {', '.join(phases)}{more})")
    return asyncio.run(play(long=given.long, seed=given.seed, only=given.only, minutes=given.minutes))


if __name__ == "__main__":  # the workers' processes import this module again
    sys.exit(main())

"""Workers that die or stand still: at every call, at random, and for a while."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Sequence
from multiprocessing.process import BaseProcess

from bot.tasks.leases.expire import MAX_LEASES
from tests.chaos.calls import TOGETHER, Call
from tests.chaos.play import Chaos

# What holds a request up until its worker is dead: GitHub has done it and says nothing, or does it later,
# yet before another worker takes the task over.
HELD = ({"kind": "timeout"}, {"kind": "delay", "seconds": 12})
STILL = 30.0  # seconds of a SIGSTOP, twice a lease


async def kill_at_calls(chaos: Chaos, calls: Sequence[Call]) -> None:
    """Kill the workers while they wait for an answer, at every call of the path."""
    row = chaos.add_row("kill -9 at each call")
    killed: list[float] = []
    reached = 0
    alive = [await chaos.workers.start() for _ in range(2)]
    for held in HELD:
        for first in range(0, len(calls), TOGETHER):
            asked = [
                await chaos.ask(row, {**held, "login": call.login, "method": call.method}, call.path)
                for call in calls[first : first + TOGETHER]
            ]
            rules = list(chaos.hob.hub.hub.faults.rules)
            until = time.monotonic() + 10
            while time.monotonic() < until and not all(rule.used for rule in rules):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            reached += sum(rule.used > 0 for rule in rules)
            killed.append(time.time())
            alive = await _replace(chaos, alive)
            await chaos.hob.hub.admin("clear")
            await chaos.judge_all(row, "killed", asked)
    row.recovery += await chaos.measure_recovery(killed)
    row.note = f"  {reached} of {len(HELD) * len(calls)} were waited for"
    _kill(alive)


async def kill_at_random(chaos: Chaos, kills: int, tasks: int) -> None:
    """Kill a random worker now and then while tasks run, and start another.

    A task that died twice is spared: after three deaths it has failed, which is promised.
    """
    row = chaos.add_row(f"kill -9, {kills} times")
    alive = [await chaos.workers.start() for _ in range(2)]
    killed: list[float] = []

    async def killing() -> None:
        while len(killed) < kills:
            await asyncio.sleep(chaos.chance.uniform(0.5, 3.0))
            victim = alive.pop(chaos.chance.randrange(len(alive)))
            if max(await chaos.find_worker_leases(victim.pid or 0), default=0) >= MAX_LEASES:
                alive.append(victim)
                continue
            victim.kill()
            killed.append(time.time())
            victim.join()
            alive.append(await chaos.workers.start())

    async with asyncio.TaskGroup() as group:
        group.create_task(killing())
        for _ in range(tasks):
            group.create_task(chaos.play(row, "killed"))
            await asyncio.sleep(0.5)
    row.recovery += await chaos.measure_recovery(killed)
    _kill(alive)


async def stand_still(chaos: Chaos, times: int) -> None:
    """Stop a worker in the middle of runs, and let it go on when another has taken them over."""
    row = chaos.add_row(f"SIGSTOP for {STILL:.0f} s, {times} times")
    alive = [await chaos.workers.start() for _ in range(2)]
    for number in range(times):
        asked = [await chaos.ask(row) for _ in range(TOGETHER)]
        await asyncio.sleep(chaos.chance.uniform(0.2, 2.0))
        stopped = alive[number % 2].pid or 0
        os.kill(stopped, signal.SIGSTOP)
        try:
            await asyncio.sleep(STILL)
        finally:
            os.kill(stopped, signal.SIGCONT)
        await asyncio.sleep(1.0)  # in which it would write, if it did
        await chaos.judge_all(row, "stopped", asked)
    _kill(alive)


async def _replace(chaos: Chaos, alive: Sequence[BaseProcess]) -> list[BaseProcess]:
    _kill(alive)
    return [await chaos.workers.start() for _ in alive]


def _kill(alive: Sequence[BaseProcess]) -> None:
    for worker in alive:
        worker.kill()
    for worker in alive:
        worker.join()

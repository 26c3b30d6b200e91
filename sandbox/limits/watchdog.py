"""The watchdog: adds up the memory and number of a tree of processes where no control group does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from sandbox.limits.process_tree import list_descendants, proportional_bytes, resident_bytes, shared_bytes
from sandbox.limits.rlimits import SPARE_PROCESSES
from sandbox.spec import Limits


@dataclass(slots=True)
class Watchdog:
    """Measures the processes below ``root_pid`` every ``period`` seconds and calls ``kill`` beyond a limit.

    ``reason`` says which limit that was, ``memory`` or ``processes``; empty as long as it has not killed.
    """

    root_pid: int
    limits: Limits
    kill: Callable[[], None]
    reason: str = ""
    period: float = 0.15

    async def watch(self) -> None:
        """Measure until a limit is passed, then kill and return; otherwise run until cancelled."""
        while not self.reason:
            await asyncio.sleep(self.period)
            self.reason = await asyncio.to_thread(self._find_excess)
        self.kill()

    def _find_excess(self) -> str:
        """The limit that the tree is beyond, empty when it is within all."""
        tree = list(list_descendants(self.root_pid))
        for measure in (
            resident_bytes,
            proportional_bytes,
        ):  # the exact one takes longer and is rarely needed
            if sum(map(measure, tree)) <= self.limits.memory_bytes:
                break
        else:
            return "memory"
        if shared_bytes(tree) > self.limits.memory_bytes:
            return "memory"
        return "processes" if len(tree) > self.limits.processes + SPARE_PROCESSES else ""

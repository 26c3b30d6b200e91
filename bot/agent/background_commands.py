"""The commands that one run of the agent has in the background: how many, by which numbers, until when."""

from __future__ import annotations

import asyncio

from sandbox.spec import WORKSPACE, BackgroundCommand, BackgroundUnavailable, Command, Sandbox

MOST_AT_ONCE = 4
MOST_STARTED = 20


class BackgroundRefused(Exception):
    """There is no such command, or none may be started; the message says why."""


class BackgroundCommands:
    """The commands that one run has in the background, by the numbers that the model knows."""

    def __init__(self, sandbox: Sandbox, *, resumed: bool) -> None:
        self._sandbox = sandbox
        self._resumed = resumed
        self._started: dict[int, BackgroundCommand] = {}

    async def start(self, line: str, *, seconds: float) -> int:
        """Start one that may take ``seconds``; returns its number.

        Raises ``BackgroundRefused`` where that is not possible, or there are enough.
        """
        running = [number for number, each in self._started.items() if each.state.is_running]
        if len(running) >= MOST_AT_ONCE:
            raise BackgroundRefused(
                f"{MOST_AT_ONCE} commands run in the background already; stop one of {running}"
            )
        if len(self._started) >= MOST_STARTED:
            raise BackgroundRefused(
                f"{MOST_STARTED} commands were started in the background, which is enough"
            )
        if seconds <= 0:
            raise BackgroundRefused("not run: the time that the work may take is over")
        try:
            command = await self._sandbox.start(
                Command(argv=("bash", "-c", line), cwd=WORKSPACE, seconds=max(1.0, seconds))
            )
        except BackgroundUnavailable as reason:
            raise BackgroundRefused(f"{reason}; run it with shell, within one call") from None
        self._started[len(self._started) + 1] = command
        return len(self._started)

    @property
    def were_any(self) -> bool:
        """Whether one was started, which may have changed files since."""
        return bool(self._started)

    def find(self, number: int) -> BackgroundCommand:
        """The command of that number. Raises ``BackgroundRefused`` when there is none."""
        if number not in self._started:
            gone = "; those of the interrupted run are gone" if self._resumed else ""
            raise BackgroundRefused(f"there is no command {number} in the background{gone}")
        return self._started[number]

    async def stop_all(self) -> None:
        """End those that still run."""
        await asyncio.gather(*(each.stop() for each in self._started.values()))

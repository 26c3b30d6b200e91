"""What the loop needs besides model and sandbox: where turns are stored, and where new comments come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from bot.domain import PromptText, Step


class Journal(Protocol):
    """Implemented by the loop's caller. Any method may raise ``Cancelled`` or ``LeaseLost`` to end it."""

    async def store_turn(self, seq: int, record: dict[str, Any]) -> None:
        """Store a turn that is over; ``record`` is the JSON of ``bot.agent.transcript``, not yet redacted."""
        ...

    async def begin_call(self, seq: int, name: str, arguments: Mapping[str, Any]) -> None:
        """A tool is about to be called in turn ``seq``; nothing is redacted yet."""
        ...

    async def show_plan(self, steps: tuple[Step, ...]) -> None:
        """Show users the plan, which has changed."""
        ...

    async def read_steering(self) -> list[PromptText]:
        """The comments on the thread since the last call; raises ``Cancelled`` when one says to stop."""
        ...

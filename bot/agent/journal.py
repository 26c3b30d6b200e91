"""Where a run's turns go, and where new words come from: what the loop needs besides model and sandbox."""

from __future__ import annotations

from typing import Any, Protocol

from bot.domain import PromptText, Step


class Journal(Protocol):
    """Kept by whoever runs the loop. Any method may raise ``Cancelled`` or ``LeaseLost`` to end it."""

    async def turn(self, seq: int, record: dict[str, Any]) -> None:
        """After every turn; ``record`` is the JSON of ``bot.agent.transcript``, redacted by the receiver."""
        ...

    async def plan(self, steps: tuple[Step, ...]) -> None:
        """The plan that people see has changed."""
        ...

    async def steering(self) -> list[PromptText]:
        """New words on the thread since last asked; raises ``Cancelled`` when somebody said to stop."""
        ...

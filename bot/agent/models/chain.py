"""A chain of models: when one stays down, the next takes over for the rest of the run.

pydantic-ai's ``FallbackModel`` begins with the first model again at each request, cannot leave one whose
stream breaks after its first event, and knows neither our retries nor when a run is parked; hence this class.
``bot.agent.models.provider_messages`` decides what the next provider sees of the last one's answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import structlog
from pydantic_ai.messages import ModelMessage
from pydantic_ai.tools import ToolDefinition

from bot.agent.models.calls import ModelAnswer, ModelCall
from bot.errors import Parked, UserError

log = structlog.get_logger(__name__)


class ModelChain:
    """A ``ModelCall`` over several others.

    One is left when it stays down, is out of quota, asks for a long wait, or refuses for good (a wrong key,
    an unknown model); a conversation that is too long is not a reason, since it can be compacted.
    """

    def __init__(self, models: Sequence[ModelCall]) -> None:
        self._models = list(models)
        self._at = 0
        self._failed: list[Parked | UserError] = []  # since the last answer

    @property
    def name(self) -> str:
        """All names, as configured."""
        return ",".join(each.name for each in self._models)

    @property
    def window(self) -> int:
        """The window of the current model, in tokens."""
        return self._models[self._at].window

    async def open(self) -> None:
        """Open the current model; a later one is opened by its first request."""
        await self._models[self._at].open()

    async def ask(self, messages: Sequence[ModelMessage], tools: Sequence[ToolDefinition]) -> ModelAnswer:
        """See ``ModelCall.ask``; ``Parked`` only when the last model cannot answer either."""
        failed = self._failed  # kept over a conversation that is too long for the one that took over
        while True:
            try:
                answer = await self._models[self._at].ask(messages, tools)
            except (Parked, UserError) as error:
                failed.append(error)
                log.warning("model.passed_over", model=self._models[self._at].name, reason=str(error))
                if self._at + 1 == len(self._models):
                    raise _join_errors(failed) from error
                self._at += 1
                continue
            self._failed = []
            return replace(answer, passed_over=tuple(str(each) for each in failed))

    async def aclose(self) -> None:
        """Close every model's connections."""
        for each in self._models:
            await each.aclose()


def _join_errors(failed: Sequence[Parked | UserError]) -> Parked | UserError:
    """One error for all: Parked with the shortest wait if any is temporary, else UserError."""
    reason = "; ".join(str(each) for each in failed)
    waits = [each.after for each in failed if isinstance(each, Parked)]
    return Parked(reason, after=min(waits)) if waits else UserError(reason)

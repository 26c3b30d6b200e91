"""What the loop needs of a language model: to ask it, an answer with its cost, how long to keep trying."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from pydantic_ai.messages import ModelMessage, ModelResponse
from pydantic_ai.tools import ToolDefinition

from bot.backoff import compute_backoff
from bot.domain import Usage

OFFLINE = "offline"  # the name of the engine that needs no language model; the one who wires registers it


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelAnswer:
    """What one call brought: the message, its cost (``usage.turns`` is 1), and when its first token came.

    ``model`` is the name of the one that answered; ``passed_over`` says of each before it in a chain that was
    given up during this call, why.
    """

    response: ModelResponse
    usage: Usage
    model: str
    first_token_seconds: float | None = None  # None where the answer came in one piece
    retries: int = 0
    passed_over: tuple[str, ...] = ()

    @property
    def tokens_per_second(self) -> float | None:
        """Output tokens per second from the first token on; None where the answer came in one piece."""
        if self.first_token_seconds is None:
            return None
        spoken = self.usage.seconds - self.first_token_seconds
        return round(self.usage.output_tokens / max(spoken, 0.001), 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelTry:
    """What metrics may know of one try of a call: the model's name, and its answer or the kind of its error.

    ``error`` is one of those that ``provider_errors.name_error`` gives; '' where there is an answer.
    """

    model: str
    answer: ModelAnswer | None = None
    error: str = ""


class ModelCall(Protocol):
    """A model as the loop sees it."""

    @property
    def name(self) -> str:
        """As a person chose it: ``provider:model`` or ``offline``."""
        ...

    @property
    def window(self) -> int:
        """How many tokens a conversation may have, as far as is known; a refusal may name fewer."""
        ...

    async def open(self) -> None:
        """Connect, and learn the window where the server tells it; else ``ask`` does so first."""
        ...

    async def ask(self, messages: Sequence[ModelMessage], tools: Sequence[ToolDefinition]) -> ModelAnswer:
        """One answer to the conversation so far.

        Raises ``Parked`` when the provider stays down, ``UserError`` when asking again cannot help (a wrong
        key, an unknown model), ``ContextFull`` when the conversation is too long.
        """
        ...

    async def aclose(self) -> None:
        """Give back connections."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often to try and how long to wait; times in seconds.

    A call that ran into ``silence`` or ``answer`` is made again ``repeats_after_timeout`` times at most: the
    same work would take the same time, and a local server may still be busy with what nobody waits for.
    """

    tries: int = 6
    repeats_after_timeout: int = 1
    first: float = 1.0  # before the second try
    longest: float = 60.0  # between two tries
    park: float = 300.0  # after the last one
    silence: float = 180.0  # until an answer begins
    answer: float = 900.0  # until it is whole

    def delay(self, attempt: int, wait: float | None) -> float:
        """Seconds before the next try: ``wait`` if the provider named one, else doubling with jitter."""
        if wait is not None:
            return wait
        return compute_backoff(attempt + 1, first=self.first, longest=self.longest, spread=0.25)

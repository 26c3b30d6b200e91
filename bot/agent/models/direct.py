"""One call to a language model, whoever provides it: retried, priced, and parked when it stays down.

``pydantic_ai.direct`` speaks to every provider; the loop is ours. Providers' adapters cost seconds to import,
so they are imported when a model is chosen, by the worker only. Several names, separated by commas, are a
chain (``bot.agent.models.chain``).
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from pydantic_ai import exceptions as ai
from pydantic_ai.direct import model_request, model_request_stream
from pydantic_ai.messages import ModelMessage, ModelResponse
from pydantic_ai.models import Model, ModelRequestParameters, infer_model
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition

from bot.agent.models.provider_errors import in_short, transient_or_raise
from bot.agent.models.provider_messages import from_provider, to_provider
from bot.backoff import backoff
from bot.domain import Usage
from bot.errors import Parked, UserError

OFFLINE = "offline"
WINDOW = (
    128_000  # tokens, where nobody says how many a model takes; one that takes fewer refuses, and is heard
)
LONGEST = 6 * 3600.0  # seconds that a provider may ask to be left alone; then it is asked again

# What an adapter may raise on an answer that makes no sense, besides its own errors.
_NONSENSE = (ValueError, TypeError, AttributeError, LookupError)
_ERRORS = (ai.AgentRunError, ai.UserError)
_VARIABLE = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelAnswer:
    """What one call brought: the message, what it cost (``usage.turns`` is 1), and when it began to speak.

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


class ModelCall(Protocol):
    """A model as the loop sees it."""

    @property
    def name(self) -> str:
        """As a person chose it: ``provider:model`` or ``offline``."""
        ...

    @property
    def window(self) -> int:
        """How many tokens a conversation may have, as far as is known."""
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
    """How often to try and how long to wait; times in seconds."""

    tries: int = 6
    first: float = 1.0  # before the second try
    longest: float = 60.0  # between two tries
    park: float = 300.0  # after the last one
    silence: float = 180.0  # until an answer begins
    answer: float = 900.0  # until it is whole

    def delay(self, attempt: int, asked: float | None) -> float:
        """Before the next try: what the provider asked for, or twice as long each time, give or take."""
        if asked is not None:
            return asked
        return backoff(attempt + 1, first=self.first, longest=self.longest, spread=0.25)


class DirectCall:
    """A pydantic-ai model as a ``ModelCall``.

    ``streamed`` is False for models that are plain functions, ``metered`` for one that uses no tokens.
    """

    def __init__(
        self,
        name: str,
        model: Model,
        *,
        retry_policy: RetryPolicy,
        streamed: bool,
        metered: bool = True,
        window: int | None = None,
    ) -> None:
        self._name = name
        self._window = window
        self._model = model
        self._patience = retry_policy
        self._streamed = streamed
        self._metered = metered
        self._entered = False

    @property
    def name(self) -> str:
        """As a person chose it."""
        return self._name

    @property
    def window(self) -> int:
        """As the model's profile or the price list knows it, else ``WINDOW``."""
        if self._window is None:
            self._window = self._model.context_window or WINDOW
        return self._window

    async def ask(self, messages: Sequence[ModelMessage], tools: Sequence[ToolDefinition]) -> ModelAnswer:
        """See ``ModelCall.ask``."""
        if not self._entered:
            await self._model.__aenter__()
            self._entered = True
        errors = (*_ERRORS, *_NONSENSE) if self._streamed else _ERRORS
        parameters = ModelRequestParameters(function_tools=list(tools))
        for attempt in range(self._patience.tries):
            try:
                return await self._once(messages, parameters, attempt)
            except errors as error:
                transient = transient_or_raise(error, self._name)
            asked = transient.retry_after if isinstance(transient, ai.ModelAPIError) else None
            if asked is not None and asked > self._patience.longest:
                raise Parked(f"{self._name} asks to wait: {in_short(transient)}", after=min(asked, LONGEST))
            if attempt + 1 < self._patience.tries:
                await asyncio.sleep(self._patience.delay(attempt, asked))
        raise Parked(
            f"{self._name} failed {self._patience.tries} times in a row, last with {in_short(transient)}",
            after=self._patience.park,
        )

    async def aclose(self) -> None:
        """Give back connections."""
        if self._entered:
            self._entered = False
            await self._model.__aexit__(None, None, None)

    async def _once(
        self, messages: Sequence[ModelMessage], parameters: ModelRequestParameters, attempt: int
    ) -> ModelAnswer:
        settings = ModelSettings(
            max_retries=0,
            cache=True,
            request_timeout=self._patience.answer,
            first_event_timeout=self._patience.silence,
        )
        start = time.monotonic()
        first: float | None = None
        if self._streamed:
            shown = to_provider(messages, self._model.system)
            async with model_request_stream(
                self._model, shown, model_settings=settings, model_request_parameters=parameters
            ) as stream:
                async for _ in stream:
                    first = first or time.monotonic() - start
                response = stream.get()
            if _is_torn(response):
                raise ai.UnexpectedModelBehavior("the stream ended in the middle of the answer")
        else:
            response = await model_request(self._model, messages, model_request_parameters=parameters)
        seconds = time.monotonic() - start
        usage = _usage(response, seconds) if self._metered else Usage(turns=1, seconds=seconds)
        response = from_provider(response, messages)
        return ModelAnswer(
            response=response, usage=usage, model=self._name, first_token_seconds=first, retries=attempt
        )


def choose_model(name: str, *, retry_policy: RetryPolicy | None = None) -> ModelCall:
    """The model of that name, ready to be asked; make one for each run and close it.

    ``a,b,c`` asks ``a``, and when it stays down ``b`` for the rest of the run, then ``c``. ``offline`` is the
    engine without a language model, ``scripted:FILE`` plays a file (see ``bot.agent.models.scripted``),
    everything else is ``provider:model`` as pydantic-ai knows it, with keys and base URLs from the
    provider's own environment variables. Raises ``UserError`` naming what is missing.
    """
    retry_policy = retry_policy or RetryPolicy()
    if "," in name:
        from bot.agent.models.chain import Chain

        names = [each.strip() for each in name.split(",")]
        if OFFLINE in names:
            raise UserError(f"{OFFLINE} cannot take over from another model; leave it out of {name!r}")
        return Chain([choose_model(each, retry_policy=retry_policy) for each in names])
    if name == OFFLINE:
        from bot.offline.engine import offline_model

        return DirectCall(name, offline_model(), retry_policy=retry_policy, streamed=False, metered=False)
    if name.startswith("scripted:"):
        from bot.agent.models.scripted import from_file

        return DirectCall(
            name, from_file(name.removeprefix("scripted:")), retry_policy=retry_policy, streamed=False
        )
    return DirectCall(name, _infer(name), retry_policy=retry_policy, streamed=True)


def _infer(name: str) -> Model:
    try:
        return infer_model(name)
    except ai.UserError as error:
        if name.partition(":")[1] and (variables := _VARIABLE.findall(error.message)):
            raise UserError(
                f"The model {name!r} needs {variables[0]} in the environment of the worker"
            ) from error
        raise UserError(
            f"HOB_MODEL (or `model` in .github/hob.yml) is {name!r}: {error.message}. Write {OFFLINE}, or "
            "provider:model such as anthropic:NAME or openai-chat:NAME (OPENAI_BASE_URL: any like server)"
        ) from error
    except ImportError as error:
        raise UserError(f"The model {name!r} needs a package that is not installed: {error}") from error


def _is_torn(response: ModelResponse) -> bool:
    """A stream that ended well, as it seems, without saying so: only what came of it can tell."""
    if (response.provider_details or {}).get("finish_reason"):  # adapters fill in one of their own besides
        return False
    try:
        return not response.parts or any(
            call.args_as_dict(raise_if_invalid=True) is None for call in response.tool_calls
        )
    except (ValueError, AssertionError):
        return True


def _usage(response: ModelResponse, seconds: float) -> Usage:
    used = response.usage
    return Usage(
        turns=1,
        input_tokens=max(0, used.input_tokens),  # some servers count below zero
        output_tokens=max(0, used.output_tokens),
        cached_tokens=max(0, used.cache_read_tokens),
        usd=max(0.0, _price(response)),
        seconds=seconds,
    )


def _price(response: ModelResponse) -> float:
    """In dollars, 0 where the price list does not know the model."""
    if not response.model_name or not response.usage.has_values():
        return 0.0
    try:
        return float(response.cost().total_price)
    except (LookupError, ValueError):
        return 0.0

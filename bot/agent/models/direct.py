"""One call to a language model through pydantic-ai: retried, priced, and parked when the provider stays down.

``pydantic_ai.direct`` speaks to every provider; the loop is ours. Providers' adapters cost seconds to import,
so they are imported when a model is chosen, by the worker only.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from pydantic_ai import exceptions as ai
from pydantic_ai.direct import model_request, model_request_stream
from pydantic_ai.messages import ModelMessage, ModelResponse
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition

from bot.agent.models.calls import ModelAnswer, ModelTry, RetryPolicy
from bot.agent.models.provider_errors import name_error, shorten_error, transient_or_raise
from bot.agent.models.provider_messages import from_provider, to_provider
from bot.agent.models.text_calls import read_text_calls
from bot.agent.models.text_tools import (
    is_asked_in_text,
    mark_asked_in_text,
    put_tools_into_text,
    refuses_tools,
)
from bot.agent.models.thinking_field import pin_thinking_field
from bot.agent.models.thinking_text import split_thinking
from bot.agent.models.window import ask_server_for_window, find_window_in_error
from bot.domain import Usage
from bot.errors import Parked

WINDOW = 128_000  # tokens, where nobody says how many a model takes: one that takes fewer raises ContextFull
LONGEST = 6 * 3600.0  # seconds that a provider may ask to be left alone; then it is asked again

_CLIENT_SECONDS = 600.0  # that pydantic-ai's HTTP client waits for the next byte, unless it is told otherwise

# What an adapter may raise on an answer that makes no sense, besides its own errors.
_NONSENSE = (ValueError, TypeError, AttributeError, LookupError)
_ERRORS = (ai.AgentRunError, ai.UserError)


class DirectCall:
    """A pydantic-ai model as a ``ModelCall``.

    ``streamed`` is False for models that are plain functions, ``metered`` for one that uses no tokens.
    ``local`` is one on one's own machines: its server is asked for its window, and one that never calls a
    tool is given the tools as text. ``window`` is the operator's setting for it, in tokens. ``observe`` is
    told of every try (to count it).
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
        local: bool = False,
        observe: Callable[[ModelTry], None] | None = None,
    ) -> None:
        self._name = name
        self._observe = observe
        self._window = window
        self._local = local
        self._in_text = False  # the server refuses tools
        self._model = model
        self._retry_policy = retry_policy
        self._streamed = streamed
        self._metered = metered
        self._entered = False

    @property
    def name(self) -> str:
        """The name as configured."""
        return self._name

    @property
    def window(self) -> int:
        """In tokens: set by the operator or reported by the server, else of the profile or price list, else
        ``WINDOW``.
        """
        if self._window is None:
            self._window = self._model.context_window or WINDOW
        return self._window

    async def ask(self, messages: Sequence[ModelMessage], tools: Sequence[ToolDefinition]) -> ModelAnswer:
        """See ``ModelCall.ask``."""
        await self.open()
        errors = (*_ERRORS, *_NONSENSE) if self._streamed else _ERRORS
        timeouts = 0
        for attempt in range(self._retry_policy.tries):
            try:
                answer = await self._try_once(messages, tools, attempt)
                self._tell(ModelTry(model=self._name, answer=answer))
                return answer
            except errors as error:
                self._tell(ModelTry(model=self._name, error=name_error(error)))
                if not self._in_text and self._streamed and refuses_tools(str(error)):
                    self._in_text = True
                    return await self.ask(messages, tools)
                self._learn_window(error)
                transient = transient_or_raise(error, self._name)
            timeouts += isinstance(transient, (ai.ModelRequestTimeout, ai.ModelTimeoutError))
            if timeouts > self._retry_policy.repeats_after_timeout:
                raise Parked(self._describe_timeout(transient), after=self._retry_policy.park)
            wait = transient.retry_after if isinstance(transient, ai.ModelAPIError) else None
            if wait is not None and wait > self._retry_policy.longest:
                raise Parked(
                    f"{self._name} asks to wait: {shorten_error(transient)}", after=min(wait, LONGEST)
                )
            if attempt + 1 < self._retry_policy.tries:
                await asyncio.sleep(self._retry_policy.delay(attempt, wait))
        why = f"failed {self._retry_policy.tries} times in a row, last with {shorten_error(transient)}"
        raise Parked(f"{self._name} {why}", after=self._retry_policy.park)

    async def open(self) -> None:
        """See ``ModelCall.open``."""
        if self._entered:
            return
        await self._model.__aenter__()
        self._entered = True
        if self._window is None and self._local:
            self._window = await ask_server_for_window(self._model)

    def _learn_window(self, error: Exception) -> None:
        """Take the window that a refusal names, where it is smaller than what was known."""
        if isinstance(error, ai.ModelHTTPError) and name_error(error) == "too_long":
            named = find_window_in_error(str(error.body))
            self._window = min(self.window, named or self.window)

    def _tell(self, tried: ModelTry) -> None:
        if self._observe is not None:
            self._observe(tried)

    def _describe_timeout(self, error: Exception) -> str:
        policy, provider = self._retry_policy, self._name.partition(":")[0]
        late = isinstance(error, ai.ModelRequestTimeout) and error.setting != "first_event_timeout"
        what = (
            f"did not end its answer within {policy.answer:.0f} s"
            if late
            else f"did not begin to answer within {policy.silence:.0f} s"
        )
        return f"{self._name} {what}; HOB_MODEL_SECONDS={provider}=SECONDS lets it take longer"

    async def aclose(self) -> None:
        """Close connections."""
        if self._entered:
            self._entered = False
            await self._model.__aexit__(None, None, None)

    async def _try_once(
        self, messages: Sequence[ModelMessage], tools: Sequence[ToolDefinition], attempt: int
    ) -> ModelAnswer:
        settings = ModelSettings(
            max_retries=0,
            cache=True,
            request_timeout=self._retry_policy.answer,
            first_event_timeout=self._retry_policy.silence,
        )
        if self._retry_policy.silence >= _CLIENT_SECONDS:
            settings["timeout"] = self._retry_policy.answer
        start = time.monotonic()
        first: float | None = None
        if self._streamed:
            shown = to_provider(messages, self._model.system)
            in_text = self._in_text or (self._local and is_asked_in_text(messages))
            if in_text:
                shown = put_tools_into_text(shown, tools)
            async with model_request_stream(
                pin_thinking_field(self._model, shown),
                shown,
                model_settings=settings,
                model_request_parameters=ModelRequestParameters(
                    function_tools=[] if in_text else list(tools)
                ),
            ) as stream:
                async for _ in stream:
                    first = first or time.monotonic() - start
                response = stream.get()
            if _is_torn(response):
                raise ai.UnexpectedModelBehavior("the stream ended in the middle of the answer")
            response = read_text_calls(split_thinking(response), tools)
            response = mark_asked_in_text(response) if in_text else response
        else:
            parameters = ModelRequestParameters(function_tools=list(tools))
            response = await model_request(self._model, messages, model_request_parameters=parameters)
        seconds = time.monotonic() - start
        usage = _read_usage(response, seconds) if self._metered else Usage(turns=1, seconds=seconds)
        if self._streamed and self._metered and not response.usage.has_values():
            usage = replace(
                usage,
                input_tokens=_estimate_tokens(messages, tools),
                output_tokens=_estimate_tokens([response], ()),
            )
        response = from_provider(response, messages)
        return ModelAnswer(
            response=response, usage=usage, model=self._name, first_token_seconds=first, retries=attempt
        )


def _is_torn(response: ModelResponse) -> bool:
    """Whether a stream that ended without a finish reason gave an empty or cut answer."""
    if (response.provider_details or {}).get("finish_reason"):  # adapters fill in one of their own besides
        return False
    try:
        return not response.parts or any(
            call.args_as_dict(raise_if_invalid=True) is None for call in response.tool_calls
        )
    except (ValueError, AssertionError):
        return True


def _read_usage(response: ModelResponse, seconds: float) -> Usage:
    used = response.usage
    return Usage(
        turns=1,
        input_tokens=max(0, used.input_tokens),  # some servers count below zero
        output_tokens=max(0, used.output_tokens),
        cached_tokens=max(0, used.cache_read_tokens),
        usd=max(0.0, _find_price(response)),
        seconds=seconds,
    )


def _estimate_tokens(messages: Sequence[ModelMessage], tools: Sequence[ToolDefinition]) -> int:
    """About how many tokens that is, where a server does not count: four characters each."""
    schemas = [[each.name, each.description, each.parameters_json_schema] for each in tools]
    text = [getattr(part, "content", None) or getattr(part, "args", "") for m in messages for part in m.parts]
    return (len(json.dumps(schemas)) + sum(len(str(each)) for each in text)) // 4


def _find_price(response: ModelResponse) -> float:
    """In dollars, 0 where the price list does not know the model."""
    if not response.model_name or not response.usage.has_values():
        return 0.0
    try:
        return float(response.cost().total_price)
    except (LookupError, ValueError):
        return 0.0

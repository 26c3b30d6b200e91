"""What a provider's error means for the run: ask again, compact, park, or report an error."""

from __future__ import annotations

import re

from pydantic_ai import exceptions as ai

from bot.errors import HobError, Parked, UserError

_RETRIED_STATUS = frozenset({408, 409, 425, 429}) | frozenset(range(500, 600))
# How servers say that the conversation is too long, besides what the adapters know: vLLM, SGLang, llama.cpp,
# LM Studio, text-generation-inference, Ollama and the gateways before them; some with 422 or 500.
_TOO_LONG_STATUS = frozenset({400, 422, 500})
_TOO_LONG = re.compile(
    r"exceed.{0,50}context|context.{0,40}(exceed|overflow|too (long|large|small))|prompt is too long|"
    r"too many (input )?tokens|larger than the context|longer than the (maximum )?model|"
    r"context shift is disabled|must have less than \d+ tokens",
    re.IGNORECASE | re.DOTALL,
)


class ContextFull(HobError):
    """The conversation no longer fits the model's window."""


def transient_or_raise(error: Exception, name: str) -> Exception:
    """The error if asking again may help; raises what the run can act on otherwise."""
    match error:
        case ai.ModelContextWindowExceededError():
            raise ContextFull(f"the conversation no longer fits the window of {name}") from error
        case ai.ModelHTTPError() if _is_too_long(error):
            raise ContextFull(f"the conversation no longer fits the window of {name}") from error
        case ai.ModelQuotaExceededError():
            raise Parked(f"the account's quota at {name} is used up; top it up", after=3600.0) from error
        case ai.ModelAuthenticationError():
            raise UserError(
                f"The provider refuses the key for {name}; mend it where the worker runs"
            ) from error
        case ai.ModelNotFoundError():
            raise UserError(f"The provider does not know the model {name}; choose another one") from error
        case ai.ContentFilterError() | ai.UserError() | ai.ModelRequestRejectedError():
            raise UserError(f"{name} rejects the request: {shorten_error(error)}") from error
        case ai.ModelHTTPError() if error.status_code not in _RETRIED_STATUS:
            raise UserError(f"{name} rejects the request: {shorten_error(error)}") from error
    return error


def name_error(error: Exception) -> str:
    """The kind of a provider's error in a word, of a closed list."""
    if isinstance(error, ai.ModelHTTPError) and _is_too_long(error):
        return "too_long"
    match error:
        case ai.ModelRequestTimeout() | ai.ModelTimeoutError():
            return "timeout"
        case ai.ModelContextWindowExceededError():
            return "too_long"
        case ai.ModelQuotaExceededError():
            return "quota"
        case ai.ModelAuthenticationError():
            return "key"
        case ai.ModelNotFoundError():
            return "unknown_model"
        case ai.ContentFilterError() | ai.ModelRequestRejectedError() | ai.UserError():
            return "rejected"
        case ai.ModelHTTPError():
            if error.status_code == 429:
                return "rate_limited"
            return "server" if error.status_code in _RETRIED_STATUS else "rejected"
        case ai.ModelAPIError():
            return "connection"
    return "nonsense"  # an answer that its adapter cannot read


def _is_too_long(error: ai.ModelHTTPError) -> bool:
    if error.status_code not in _TOO_LONG_STATUS:
        return error.status_code == 413
    return bool(_TOO_LONG.search(str(error.body)))


def shorten_error(error: Exception) -> str:
    """The provider's message on one line, at most 300 characters."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]

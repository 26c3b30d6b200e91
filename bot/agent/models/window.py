"""How many tokens a model on the operator's machines takes: as its server reports, or names in a refusal.

A price list knows what a model could take; how much a server was started with is known to the server alone.

- vLLM and SGLang: ``max_model_len`` of ``GET /v1/models``; llama.cpp: ``n_ctx`` of ``GET /props``
- Ollama: ``context_length`` of ``GET /api/ps`` for a loaded model. It does not refuse what is too long: it
  drops the beginning and says nothing. https://docs.ollama.com/context-length
- LM Studio: ``loaded_context_length`` of ``GET /api/v0/models``
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import structlog
from pydantic_ai.models import Model

log = structlog.get_logger(__name__)

LEAST = 2048  # tokens: less is not believed
_SECONDS = 5.0  # for each question
_LOAD_SECONDS = 300.0  # for Ollama to load the model

_NUMBER = r"\D{0,3}(\d{4,8})"
_IN_ERRORS = (
    re.compile(rf"(?:maximum )?context length (?:is|of)(?: only)?{_NUMBER} tokens", re.IGNORECASE),
    re.compile(rf"maximum model length of{_NUMBER}", re.IGNORECASE),
    re.compile(rf"available context size{_NUMBER}", re.IGNORECASE),
    re.compile(rf"context length{_NUMBER} tokens", re.IGNORECASE),
    re.compile(rf"n_ctx['\"]?:?{_NUMBER}"),
    re.compile(rf"must have less than{_NUMBER} tokens", re.IGNORECASE),
    re.compile(r"> ?(\d{4,8}) maximum", re.IGNORECASE),
)


def find_window_in_error(error: str) -> int | None:
    """The window that a refusal names, in tokens; None where it names none."""
    for pattern in _IN_ERRORS:
        if (match := pattern.search(error)) and int(match[1]) >= LEAST:
            return int(match[1])
    return None


async def ask_server_for_window(model: Model) -> int | None:
    """What the server of an OpenAI-compatible model says, in tokens; None where it says nothing of it."""
    from openai import AsyncOpenAI, OpenAIError

    client = model.provider.client if model.provider else None
    if not isinstance(client, AsyncOpenAI):
        return None
    client = client.with_options(max_retries=0, timeout=_SECONDS)
    root = str(client.base_url).rstrip("/").removesuffix("/v1")

    async def get(url: str) -> Any:
        try:
            return await client.get(url, cast_to=object)
        except (OpenAIError, ValueError):
            return None

    found = _find_entry(await get(f"{client.base_url}models"), model.model_name, "max_model_len")
    if found is None and model.system == "ollama":
        found = _find_entry(await get(f"{root}/api/ps"), model.model_name, "context_length")
        if found is None:
            try:  # https://docs.ollama.com/api/generate: a request without a prompt loads the model
                await client.with_options(timeout=_LOAD_SECONDS).post(
                    f"{root}/api/generate", cast_to=object, body={"model": model.model_name, "stream": False}
                )
            except (OpenAIError, ValueError):
                return None
            found = _find_entry(await get(f"{root}/api/ps"), model.model_name, "context_length")
    elif found is None:
        props = await get(f"{root}/props")
        settings = props.get("default_generation_settings") if isinstance(props, Mapping) else None
        found = _read_tokens(settings, "n_ctx")
        if found is None:
            found = _find_entry(await get(f"{root}/api/v0/models"), model.model_name, "loaded_context_length")
    if found is not None:
        log.info("model.window", model=model.model_name, tokens=found)
    return found


def _find_entry(answer: Any, name: str, key: str) -> int | None:
    """``key`` of the model called ``name`` in a list of models, or of the only one there."""
    if not isinstance(answer, Mapping):
        return None
    entries = answer.get("data") or answer.get("models")
    if not isinstance(entries, list):
        return None
    named = [each for each in entries if isinstance(each, Mapping) and name in _list_names(each)]
    chosen = named or (entries if len(entries) == 1 else [])
    return next((found for each in chosen if (found := _read_tokens(each, key)) is not None), None)


def _list_names(entry: Mapping[str, Any]) -> list[str]:
    """How a list calls a model; Ollama leaves out the tag ``latest`` at will."""
    names = [str(entry.get(key, "")) for key in ("id", "name", "model")]
    return [*names, *(each.removesuffix(":latest") for each in names)]


def _read_tokens(entry: Any, key: str) -> int | None:
    value = entry.get(key) if isinstance(entry, Mapping) else None
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= LEAST else None

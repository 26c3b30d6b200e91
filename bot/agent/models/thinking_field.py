"""One field for a provider's thinking, so that what was sent once is sent again in the same bytes.

OpenAI-compatible servers give thinking in ``reasoning`` (Ollama, newer vLLM) or ``reasoning_content``
(DeepSeek, older vLLM). Left to itself, pydantic-ai finds out at each request which one a conversation has,
adds it empty to earlier turns as soon as a later one has thought, and takes it away again after the next
text of a user. Its mode for a known field adds it only from the first turn on that has thought.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic_ai.messages import ModelMessage, ModelResponse, ThinkingPart
from pydantic_ai.models import Model

_FIELDS = ("reasoning", "reasoning_content")  # the adapter keeps the name as the part's id


def pin_thinking_field(model: Model, messages: Sequence[ModelMessage]) -> Model:
    """``model``, sending thinking in the field in which it first came; unchanged where its profile fixes the
    field.

    It depends only on the first thinking of the conversation, so the choice is the same from there on.
    """
    if model.profile.get("openai_chat_send_back_thinking_parts", "auto") != "auto":
        return model
    field = _find_first_field(messages, model.system)
    if not field:
        return model
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.profiles.openai import OpenAIModelProfile

    if not isinstance(model, OpenAIChatModel) or model.provider is None:
        return model
    profile = OpenAIModelProfile(
        openai_chat_send_back_thinking_parts="field", openai_chat_thinking_field=field
    )
    return type(model)(model.model_name, provider=model.provider, profile=profile, settings=model.settings)


def _find_first_field(messages: Sequence[ModelMessage], provider: str) -> str:
    """The field of the first thinking that this provider gave; empty where it had none."""
    for message in messages:
        if isinstance(message, ModelResponse):
            for part in message.parts:
                if isinstance(part, ThinkingPart) and part.provider_name == provider:
                    return part.id if part.id in _FIELDS else ""
    return ""

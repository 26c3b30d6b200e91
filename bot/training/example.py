"""What is exported: conversations with how they ended, and pairs of a better and a worse change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Message = Mapping[str, Any]  # of OpenAI's chat format


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where an example is from; ``licence`` is what the repository's own file says, '' where it has none."""

    repo_id: int
    repo: str
    licence: str
    task: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """An attempt, from the system prompt to its last call; ``good``: its pull request was merged."""

    source: Source
    messages: tuple[Message, ...]
    good: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """Two answers to one prompt; ``why`` is ``attempts`` or ``correction`` (by a person)."""

    source: Source
    prompt: tuple[Message, ...]
    chosen: str
    rejected: str
    why: str

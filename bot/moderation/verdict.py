"""What a moderator says of a text, and the interface that all moderators have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Category(StrEnum):
    """Why a text is not taken; the value stands in a sentence and in the count by reason."""

    HATE = "hate"
    HARASSMENT = "harassment"
    MALWARE = "malware"
    WEAPONS = "weapons"
    SELF_HARM = "self-harm"
    POLITICS = "political manipulation"
    OTHER = "what the provider of moderation refuses"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The reason why a text is not taken. ``by`` names the rule or the endpoint's category."""

    category: Category
    by: str


class Moderator(Protocol):
    """Judges texts."""

    async def judge(self, text: str) -> Verdict | None:
        """Why the text is not taken, None when it may be. Raises Outage when that cannot be decided now."""
        ...


class ModeratorChain:
    """Several moderators, asked in their order until one is against the text. None of them: all is taken."""

    def __init__(self, moderators: Sequence[Moderator]) -> None:
        self._moderators = tuple(moderators)

    async def judge(self, text: str) -> Verdict | None:
        """The first moderator's verdict that is against the text."""
        for moderator in self._moderators if text.strip() else ():
            if verdict := await moderator.judge(text):
                return verdict
        return None

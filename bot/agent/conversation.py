"""The messages of one run: those stored, those new in this turn, and the result of a compaction.

After a compaction come the opening as it was (so that much stays in the provider's cache), one message with
the summary of the earlier turns, and the last turns whole. Otherwise the conversation is only appended to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic_ai.messages import ModelMessage, ModelMessagesTypeAdapter, ModelRequest, UserPromptPart

from bot.agent.compaction import (
    NEARLY_FULL,
    REFUSED,
    Compaction,
    choose_targets,
    is_nearly_full,
    load_compaction,
    make_compaction,
)
from bot.agent.context_sizes import FULL_WINDOW, choose_sizes, shrink_opening

Record = Mapping[str, Any]

_SUMMARIZED = "turns_told"  # key of a summary's metadata: stored conversations have it


class Conversation:
    """The conversation of one run. ``unsaved`` are the messages since the last turn was stored."""

    def __init__(self, messages: Sequence[ModelMessage], records: Sequence[Record]) -> None:
        self._messages = list(messages)
        self._window = FULL_WINDOW
        self._records = list(records)
        self._compactions = self._refusals = 0  # in this turn
        self.unsaved: list[ModelMessage] = []
        self.compaction: Compaction | None = None

    @property
    def messages(self) -> list[ModelMessage]:
        """All that the model is shown."""
        return [*self._messages, *self.unsaved]

    def restart(self, opening: ModelMessage) -> None:
        """Begin with another opening, where the model refused the first one: nothing is stored yet."""
        self.unsaved = [opening]

    def append(self, *messages: ModelMessage) -> None:
        """Add messages at the end; they are unsaved until the turn is over."""
        self.unsaved += messages

    def end_turn(self, record: Record) -> None:
        """The turn is stored as ``record``: its messages are no longer unsaved."""
        self._records.append(record)
        self._messages += self.unsaved
        self.unsaved, self.compaction = [], None
        self._compactions = self._refusals = 0

    def compact_if_full(self, window: int) -> None:
        """Compact if the last call came near the ``window`` of tokens, but not turn after turn."""
        self._window = window
        if self._records and not self.compaction and is_nearly_full(self._records, window):
            self._compact(NEARLY_FULL)

    def compact_harder(self, window: int) -> bool:
        """Shorten further, after the model refused the conversation as too long. False where that is not
        possible.
        """
        self._refusals += 1
        self._window = window
        if not self._records or self._compactions >= len(choose_targets(choose_sizes(window))):
            return False
        self._compact(REFUSED)
        return True

    def _compact(self, why: str) -> None:
        sizes = choose_sizes(self._window)
        target = choose_targets(sizes)[self._compactions]
        self._compactions += 1
        self.compaction = make_compaction(
            self._records,
            target,
            why=why,
            refusals=self._refusals,
            window=self._window if sizes.small else 0,
        )
        self._messages = _messages_after_compaction(self._records, self.compaction)


def restore_messages(records: Sequence[Record]) -> list[ModelMessage]:
    """The messages that result from stored records, compactions applied."""
    for at in range(len(records) - 1, -1, -1):
        if compaction := load_compaction(records[at]):
            return [*_messages_after_compaction(records[:at], compaction), *_load_messages(records[at:])]
    return _load_messages(records)


def count_summarized_turns(message: ModelMessage) -> int:
    """How many turns a message summarizes: 0 for every message that is not a compaction's."""
    return int((message.metadata or {}).get(_SUMMARIZED, 0))


def _messages_after_compaction(before: Sequence[Record], compaction: Compaction) -> list[ModelMessage]:
    """The conversation after a compaction: ``before`` are the records of all turns before it."""
    at = datetime.fromisoformat(before[-1]["at"])
    text = UserPromptPart(content=compaction.text, timestamp=at)
    summary = ModelRequest(parts=[text], timestamp=at, metadata={_SUMMARIZED: compaction.summarized})
    opening = _load_messages(before[:1])[:1]
    if compaction.window:
        opening = [shrink_opening(each, choose_sizes(compaction.window)) for each in opening]
    return [*opening, summary, *_load_messages(before[compaction.summarized :])]


def _load_messages(records: Sequence[Record]) -> list[ModelMessage]:
    return ModelMessagesTypeAdapter.validate_python([each for one in records for each in one["messages"]])

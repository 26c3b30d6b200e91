"""Room for long work: when the context fills, older turns are told in short, made from what is recorded.

No model is asked: the same records always give the same words, and a run that is resumed or replayed goes on
with the very same messages. What comes after a compaction is the opening as it was (so that much stays in the
provider's cache), one message that tells the earlier turns, and the last turns whole. Otherwise the
conversation is only ever appended to.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from pydantic_ai.messages import ModelMessage, ModelMessagesTypeAdapter, ModelRequest, UserPromptPart

from bot.agent.turn_summary import SummaryLimits, summarize

Record = Mapping[str, Any]

FILLED = 0.7  # of the window, by the provider's own count of the last call; the rest is for what comes next
MOST = 160_000  # tokens, however large the window: what is that long is paid for again at every turn
APART = 3  # turns between two compactions that nobody forced
NEAR = "the context was nearly full"
REFUSED = "the model refused the conversation as too long"


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactionTarget:
    """How hard to press: how many turns may stay whole, within which share of the size before."""

    least: int
    most: int
    share: float
    room: SummaryLimits


# One after the other, while the model goes on refusing.
_MEASURES = (
    CompactionTarget(least=1, most=8, share=0.4, room=SummaryLimits()),
    CompactionTarget(
        least=1, most=2, share=0.2, room=SummaryLimits(words=3000, failures=2, failure=800, paths=30)
    ),
    CompactionTarget(
        least=0,
        most=0,
        share=0.0,
        room=SummaryLimits(words=1000, failures=1, failure=400, paths=15, heard=4000),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compaction:
    """Turns ``0`` to ``told - 1`` became ``text``; ``kept`` turns after them stayed whole.

    ``refused`` counts how often the model had refused the conversation in this turn.
    """

    why: str
    told: int
    kept: int
    refused: int
    text: str


class Conversation:
    """The conversation of one run. ``unsaved`` is what is said since the last turn was stored."""

    def __init__(self, messages: Sequence[ModelMessage], records: Sequence[Record]) -> None:
        self._messages = list(messages)
        self._records = list(records)
        self._pressed = self._refused = 0  # in this turn: measures taken, refusals
        self.unsaved: list[ModelMessage] = []
        self.compaction: Compaction | None = None

    @property
    def messages(self) -> list[ModelMessage]:
        """All that the model is shown."""
        return [*self._messages, *self.unsaved]

    def say(self, *messages: ModelMessage) -> None:
        """Append."""
        self.unsaved += messages

    def stored(self, record: Record) -> None:
        """The turn is over: what was said in it is history now."""
        self._records.append(record)
        self._messages += self.unsaved
        self.unsaved, self.compaction = [], None
        self._pressed = self._refused = 0

    def fit(self, window: int) -> None:
        """Compact if the last call came near the ``window`` of tokens, but not turn after turn."""
        if not self._records or self.compaction:
            return
        used, recent = self._records[-1]["usage"], self._records[-APART:]
        if used["input_tokens"] + used["output_tokens"] < min(FILLED * window, MOST):
            return
        if not any(each.get("compaction") for each in recent):
            self._press(NEAR)

    def squeeze(self) -> bool:
        """The model refused the conversation: press it harder than before. False when that cannot be done."""
        self._refused += 1
        if not self._records or self._pressed >= len(_MEASURES):
            return False
        self._press(REFUSED)
        return True

    def _press(self, why: str) -> None:
        measure, whole = _MEASURES[self._pressed], len(self._records)
        self._pressed += 1
        sizes = [len(json.dumps(each["messages"])) for each in self._records]
        goal, kept = measure.share * sum(sizes[-_count_whole_turns(self._records) :]), 0
        while kept < min(measure.most, whole - 1) and (
            kept < measure.least or sum(sizes[whole - kept - 1 :]) <= goal
        ):
            kept += 1
        told = whole - kept
        self.compaction = Compaction(
            why=why,
            told=told,
            kept=kept,
            refused=self._refused,
            text=summarize(self._records[:told], room=measure.room, kept=kept),
        )
        self._messages = _messages_after_compaction(self._records, asdict(self.compaction))


def restore_messages(records: Sequence[Record]) -> list[ModelMessage]:
    """The messages that stored records leave behind, compactions included."""
    for at in range(len(records) - 1, -1, -1):
        if compaction := records[at].get("compaction"):
            return [*_messages_after_compaction(records[:at], compaction), *_load_messages(records[at:])]
    return _load_messages(records)


def count_summarized_turns(message: ModelMessage) -> int:
    """How many turns a message tells in short: 0 for every message that is not a compaction's."""
    return int((message.metadata or {}).get("turns_told", 0))


def _messages_after_compaction(before: Sequence[Record], compaction: Mapping[str, Any]) -> list[ModelMessage]:
    """The conversation as a compaction left it: ``before`` are the records of all turns before it."""
    told: int = compaction["told"]
    at = datetime.fromisoformat(before[-1]["at"])
    words = UserPromptPart(content=compaction["text"], timestamp=at)
    short = ModelRequest(parts=[words], timestamp=at, metadata={"turns_told": told})
    return [*_load_messages(before[:1])[:1], short, *_load_messages(before[told:])]


def _load_messages(records: Sequence[Record]) -> list[ModelMessage]:
    return ModelMessagesTypeAdapter.validate_python([each for one in records for each in one["messages"]])


def _count_whole_turns(records: Sequence[Record]) -> int:
    """How many of the last turns the model was shown whole."""
    for back, each in enumerate(reversed(records), 1):
        if compaction := each.get("compaction"):
            return back + int(compaction["kept"])
    return len(records)

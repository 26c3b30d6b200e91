"""Compaction: when the context fills, one summary takes the place of the earlier turns.

No model is asked: the summary is made from the stored records (``bot.agent.turn_summary``), so the same
records always give the same text, and a run that is resumed or replayed sends the same messages.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.agent.context_sizes import FULL_WINDOW, TOKEN_CHARS, ContextSizes
from bot.agent.turn_summary import SummaryLimits, summarize

Record = Mapping[str, Any]

FULL_SHARE = 0.7  # of the window, by the provider's own count of the last call
MOST_TOKENS = 160_000  # however large the window: a long conversation is paid for again at every turn
TURNS_APART = 3  # turns between two compactions that no refusal forced
NEARLY_FULL = "the context was nearly full"
REFUSED = "the model refused the conversation as too long"


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactionTarget:
    """How much may stay: ``least`` to ``most`` whole turns, within ``share`` of the size before."""

    least: int
    most: int
    share: float
    limits: SummaryLimits


# One after the other, while the model goes on refusing.
TARGETS = (
    CompactionTarget(least=1, most=8, share=0.4, limits=SummaryLimits()),
    CompactionTarget(
        least=1,
        most=2,
        share=0.2,
        limits=SummaryLimits(statements=3000, failures=2, failure=800, paths=30),
    ),
    CompactionTarget(
        least=0,
        most=0,
        share=0.0,
        limits=SummaryLimits(statements=1000, failures=1, failure=400, paths=15, texts=4000),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compaction:
    """The first ``summarized`` turns became ``text``; the ``whole`` turns after them stayed as they were.

    ``refusals`` counts how often the model had refused the conversation in this turn; ``window`` is the small
    window, in tokens, for which the opening is made smaller too, 0 where there is none.
    """

    why: str
    summarized: int
    whole: int
    refusals: int
    text: str
    window: int = 0

    def to_record(self) -> dict[str, Any]:
        """As it is stored in a turn's record."""
        return {
            "why": self.why,
            "told": self.summarized,
            "kept": self.whole,
            "refused": self.refusals,
            "text": self.text,
        } | ({"window": self.window} if self.window else {})


def load_compaction(record: Record) -> Compaction | None:
    """The compaction that a turn's record tells of; None where there was none."""
    stored = record.get("compaction")
    if not stored:
        return None
    return Compaction(
        why=stored["why"],
        summarized=stored["told"],
        whole=stored["kept"],
        refusals=stored["refused"],
        text=stored["text"],
        window=stored.get("window", 0),
    )


def choose_targets(sizes: ContextSizes) -> tuple[CompactionTarget, ...]:
    """How much may stay, one after the other; in a small window two turns at most, and short summaries."""
    if sizes.summary is None:
        return TARGETS
    half = replace(sizes.summary, statements=sizes.summary.statements // 2, paths=5)
    return (
        CompactionTarget(least=1, most=2, share=0.4, limits=sizes.summary),
        CompactionTarget(least=0, most=1, share=0.1, limits=half),
        CompactionTarget(least=0, most=0, share=0.0, limits=replace(half, texts=300, failure=200)),
    )


def is_nearly_full(records: Sequence[Record], window: int) -> bool:
    """Whether the last call came near the ``window`` of tokens, and no compaction was made just before.

    A small window may want one at each turn, and there the results of the last calls count too, which the
    provider has not counted yet: it may silently drop the beginning of what is too long.
    """
    last, small = records[-1], window < FULL_WINDOW
    used, recent = last["usage"], [] if small else records[-TURNS_APART:]
    tokens = used["input_tokens"] + used["output_tokens"]
    if small:
        tokens += sum(len(each["output"]) for each in last["calls"]) // TOKEN_CHARS
    if tokens < min(FULL_SHARE * window, MOST_TOKENS):
        return False
    return not any(each.get("compaction") for each in recent)


def make_compaction(
    records: Sequence[Record], target: CompactionTarget, *, why: str, refusals: int, window: int = 0
) -> Compaction:
    """Summarize ``records`` but for as many of the last ones as ``target`` lets stay whole."""
    count = len(records)
    sizes = [len(json.dumps(each["messages"])) for each in records]
    goal, whole = target.share * sum(sizes[-_count_whole_turns(records) :]), 0
    while whole < min(target.most, count - 1) and (
        whole < target.least or sum(sizes[count - whole - 1 :]) <= goal
    ):
        whole += 1
    summarized = count - whole
    text = summarize(records[:summarized], limits=target.limits, whole=whole)
    return Compaction(
        why=why, summarized=summarized, whole=whole, refusals=refusals, text=text, window=window
    )


def _count_whole_turns(records: Sequence[Record]) -> int:
    """How many of the last turns the model was shown whole."""
    for back, each in enumerate(reversed(records), 1):
        if compaction := load_compaction(each):
            return back + compaction.whole
    return len(records)

"""How much of what a model with a small window is shown: prompt, map, texts, results of tools, summaries.

From ``FULL_WINDOW`` tokens on nothing is shortened. Below, the window is shared out: the system prompt and
the tools' descriptions come in their short form, a quarter stays free for the answer, and what is left is
divided between the opening, which stays for the whole run, and the turns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pydantic_ai.messages import ModelMessage, SystemPromptPart

from bot.agent.prompt import TEXT_CHARS, find_brief, load_system_prompt, make_opening, render_brief
from bot.agent.turn_summary import SummaryLimits
from bot.domain import Brief, PromptText, Trust
from bot.text.terminal import SHOWN_CHARS

FULL_WINDOW = 32_000  # tokens: from here on everything is shown as it is for the largest models
TOKEN_CHARS = 3  # characters of code and of JSON per token, on the cautious side
FIXED_CHARS = 6_800  # the short prompt and the short tools
_ANSWER_SHARE = 0.25  # of the window, for the model's own words
_OPENING_SHARE = 0.45  # of the rest
_LEAST_TEXT = 160  # characters of a text that is worth showing


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextSizes:
    """How much is shown, in characters; ``small`` is whether the short prompt and tools are used.

    ``brief`` is the opening without the system prompt, ``text`` one comment or guidance file on the way,
    ``results`` all results of one turn, ``summary`` what a compaction may leave.
    """

    small: bool
    brief: int
    map: int
    text: int
    results: int
    summary: SummaryLimits | None


FULL = ContextSizes(small=False, brief=10**9, map=10**9, text=TEXT_CHARS, results=SHOWN_CHARS, summary=None)


def choose_sizes(window: int) -> ContextSizes:
    """What fits a window of so many tokens."""
    if window >= FULL_WINDOW:
        return FULL
    room = max(4000, int(window * (1 - _ANSWER_SHARE)) * TOKEN_CHARS - FIXED_CHARS)
    brief = int(room * _OPENING_SHARE)
    turns = room - brief
    return ContextSizes(
        small=True,
        brief=brief,
        map=brief // 8,
        text=turns // 5,
        results=turns // 2,
        summary=SummaryLimits(
            statements=turns // 8,
            statement=200,
            failures=1,
            failure=turns // 12,
            paths=10,
            texts=turns // 12,
        ),
    )


def fit_brief(brief: Brief, sizes: ContextSizes) -> Brief:
    """``brief`` with its map, its data and then its texts shortened until it fits, each with a mark of it."""
    if not sizes.small or len(render_brief(brief)) <= sizes.brief:
        return brief
    fitted = replace(
        brief,
        orientation=_keep_lines(brief.orientation, sizes.map),
        environment=_keep_lines(brief.environment, sizes.map),
        request=_cut(brief.request, sizes.brief * 2 // 5),
    )
    if len(render_brief(fitted)) <= sizes.brief:
        return fitted
    frame = len(render_brief(replace(fitted, texts=())))
    texts = _share_room(fitted.texts, sizes.brief - frame)
    if not texts and frame > sizes.brief:
        fitted = replace(fitted, orientation="", environment="", nearby=())
    return replace(fitted, texts=tuple(texts))


def shrink_opening(opening: ModelMessage, sizes: ContextSizes) -> ModelMessage:
    """The first message of a run, made anew for a smaller window from the brief that it holds."""
    brief = find_brief([opening])
    own = next((part.content for part in opening.parts if isinstance(part, SystemPromptPart)), "")
    if own in (load_system_prompt(), load_system_prompt(small=True)):
        own = ""
    return make_opening(brief, own, shown=fit_brief(brief, sizes), small=sizes.small)


def _share_room(texts: Sequence[PromptText], room: int) -> list[PromptText]:
    """As many texts as fit, each cut to an equal share: instructions before data, the latest first."""
    frame = 160  # characters around a text: its marks and its label
    order = sorted(range(len(texts)), key=lambda at: (texts[at].trust is not Trust.INSTRUCTION, -at))
    kept = order[: max(0, room) // (frame + _LEAST_TEXT)]
    shares, left = {}, room - frame * len(kept)
    for count, at in enumerate(sorted(kept, key=lambda at: len(texts[at].text))):  # the short ones whole
        shares[at] = min(len(texts[at].text), left // (len(kept) - count))
        left -= shares[at]
    shown = [replace(texts[at], text=_cut(texts[at].text, shares[at])) for at in sorted(kept)]
    if shown and (more := len(texts) - len(kept)):
        note = f"[{more} further texts are left out here: the model's window is too small for them]"
        shown[0] = replace(shown[0], text=f"{note}\n{shown[0].text}")
    return shown


def _keep_lines(text: str, chars: int) -> str:
    """Whole lines from the beginning, with a count of what is left out."""
    if len(text) <= chars:
        return text
    cut = max(text.rfind("\n", 0, chars), 0) or chars
    return f"{text[:cut]}\n[{len(text) - cut} characters are left out here]"


def _cut(text: str, chars: int) -> str:
    more = len(text) - chars
    return text if more <= 60 else f"{text[:chars]}\n[{more} of {len(text)} characters are left out here]"

"""What a later attempt sees of the earlier ones, so that it does not do the same again.

It stands behind everything else that is known of the repository, so that the beginning of the conversation,
which providers cache, is the same for all attempts. Text from a model or from tests is quoted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.domain import Brief, PromptText, Proof, Trust
from bot.run.attempts.ranking import FinishedAttempt

DIFF_CHARS = 6000
TAIL_CHARS = 2000

_ALONE = "This is attempt {n} of {of} at the same task; the others are made side by side with it."
_AFTER = (
    "This is attempt {n} of {of} at the same task. Earlier ones are quoted below; none of them was good "
    "enough. You begin from the same commit, without their changes. Find out why they failed and take "
    "another way: do not repeat them."
)


def describe_earlier_attempts(
    brief: Brief, ordinal: int, of: int, earlier: Sequence[FinishedAttempt]
) -> Brief:
    """The brief for attempt ``ordinal``, with the earlier ones quoted at the end of its passages.

    What they read that looks like orders counts as read here: their words may repeat it.
    """
    text = (_AFTER if earlier else _ALONE).format(n=ordinal, of=of)
    introduction = _make_prompt_text(Trust.INSTRUCTION, f"attempt {ordinal}", text)
    quoted = [
        _make_prompt_text(Trust.QUOTED, f"attempt {each.ordinal}, earlier", _render_attempt(each))
        for each in earlier
    ]
    read = tuple(found for each in earlier if each.result for found in each.result.outcome.suspicions)
    texts = (*brief.texts, introduction, *quoted)
    return replace(brief, texts=texts, suspicions=(*brief.suspicions, *read))


def _make_prompt_text(trust: Trust, where: str, text: str) -> PromptText:
    return PromptText(trust=trust, where=where, author="", permission="", at="", text=text)


def _render_attempt(attempt: FinishedAttempt) -> str:
    result = attempt.result
    if result is None:
        return f"It failed: {attempt.error}"
    diff = result.diff[:DIFF_CHARS]
    cut = len(result.diff) - len(diff)
    parts = [
        f"It ended as: {result.outcome.kind.value}. {result.outcome.summary}",
        *_list_checks(result.proof),
        diff or "It changed nothing.",
        f"[{cut} characters of its change are left out]" if cut else "",
    ]
    return "\n\n".join(part for part in parts if part)


def _list_checks(proof: Proof) -> list[str]:
    lines = [f"Warning: {each.text}: {', '.join(each.names[:20])}" for each in proof.warnings]
    lines += [f"Still fails, and the request is about it: {test}" for test in proof.still_failing[:20]]
    for check in proof.checks:
        lines.append(
            f"`{check.command}`: {check.base.verdict.value} on base, "
            f"{check.head.verdict.value} with its change"
            + (f"; fail only with its change: {', '.join(check.broken[:20])}" if check.broken else "")
            + (f"; failed before too: {', '.join(check.there_before[:20])}" if check.there_before else "")
        )
        if check.head.tail:
            lines.append(check.head.tail[-TAIL_CHARS:])
    return lines

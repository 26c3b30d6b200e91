"""A discussion, or a comment in one: ``@hob why is it rounded twice?``.

Questions are answered, nothing is changed. Whether discussions are answered at all is the operator's setting,
which the intake looks at.
"""

from __future__ import annotations

from dataclasses import replace

from bot.domain import Event, Refusal, Request, TaskKind
from bot.inbox.commands.parse import CommandWord, is_question
from bot.inbox.decision import AppIdentity, Command, Decision
from bot.inbox.rules import comments

# Commands that are answered from records, or that stop an answer under way.
TAKEN = frozenset(
    {
        CommandWord.HELP,
        CommandWord.STATUS,
        CommandWord.STOP,
        CommandWord.CONFIG,
        CommandWord.BUDGET,
    }
)


def decide(event: Event, *, app: AppIdentity, label: str) -> Decision:
    """The decision on a discussion that was opened, or a comment that was made or edited."""
    decision = comments.decide(event, app=app, label=label)
    if isinstance(decision, Request):
        if decision.kind is TaskKind.ANSWER or is_question(decision.request):
            return replace(decision, kind=TaskKind.ANSWER)
        return answer_only(app.slug)
    if isinstance(decision, Command) and decision.word not in TAKEN:
        return answer_only(app.slug)
    return decision


def answer_only(slug: str) -> Refusal:
    """The answer to whoever asks for work in a discussion."""
    return Refusal(
        reason="discussion",
        message=f"In a discussion I answer questions, such as `@{slug} why is it rounded twice?`, and change "
        "nothing. For a change make an issue of this (*Create issue from discussion*) and mention me there.",
    )

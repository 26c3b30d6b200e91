"""The agent's own text made safe to store and publish: without secrets, and without changes nobody wanted."""

from __future__ import annotations

from dataclasses import replace

from bot.domain import ChangeSet, Outcome, OutcomeKind
from bot.errors import UserError
from bot.git.paths import printable_path
from bot.text.defuse import code_span
from bot.text.lists import join_first
from bot.text.redact import Redactor

MOST_NAMED = 10


def redact_outcome(outcome: Outcome, redactor: Redactor) -> Outcome:
    """The outcome without secrets, before anything of it is stored, committed or published."""
    return replace(
        outcome,
        title=redactor.text(outcome.title),
        summary=redactor.text(outcome.summary),
        plan=tuple(replace(step, text=redactor.text(step.text)) for step in outcome.plan),
        notes=tuple(
            replace(note, path=redactor.text(note.path), text=redactor.text(note.text))
            for note in outcome.notes
        ),
        replies=tuple(replace(reply, text=redactor.text(reply.text)) for reply in outcome.replies),
        suspicions=tuple(replace(each, where=redactor.text(each.where)) for each in outcome.suspicions),
    )


def refuse_split_secret(outcome: Outcome, changes: ChangeSet, redactor: Redactor) -> None:
    """Raise UserError when the texts and the files that would be published spell a secret together.

    Reads all of them: for a thread of its own.
    """
    texts = [step.text for step in outcome.plan] + [note.text for note in outcome.notes]
    texts += [reply.text for reply in outcome.replies]
    files = [each.data.decode("utf-8", "replace") for each in changes.files]
    if redactor.has_split_secret([outcome.title, outcome.summary, *texts, *files]):
        raise UserError(
            "What I wanted to say holds a secret in pieces, so nothing was published.", phase="gate"
        )


def drop_changes(outcome: Outcome, changes: ChangeSet, redactor: Redactor) -> Outcome:
    """The outcome of a task that produces only text: changed files are named in it and go no further."""
    kind = OutcomeKind.ANSWERED if outcome.kind is OutcomeKind.CHANGED else outcome.kind
    if not changes.files:
        return replace(outcome, kind=kind)
    paths = [f"{code_span(redactor.text(printable_path(file.path)))}" for file in changes.files]
    names = join_first(paths, MOST_NAMED)
    note = f"Only words were asked for, so what I changed while I looked was dropped: {names}."
    return replace(outcome, kind=kind, summary=f"{outcome.summary}\n\n{note}".strip())

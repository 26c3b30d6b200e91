"""The agent's own text: no secret in it, and none that its texts and files spell together."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain import ChangeKind, ChangeSet, FileChange, Note, Outcome, OutcomeKind, Step, Usage
from bot.errors import UserError
from bot.run.attempts.clean_outcome import redact_outcome, refuse_split_secret
from bot.text.redact import Redactor

SECRET = "q7Wk2mZt9RbX4vLs8HdP3nFy6GcJ1aTe5uNo0iBx"
PIECES = [SECRET[at : at + 8] for at in range(0, 40, 8)]
PLAIN = Outcome(
    kind=OutcomeKind.CHANGED,
    title="Double",
    summary="It added.",
    plan=(),
    notes=(),
    replies=(),
    usage=Usage(),
)
NOTHING = ChangeSet(base="0" * 40)


def steps(*texts: str) -> tuple[Step, ...]:
    return tuple(Step(text=text) for text in texts)


def file(text: str) -> FileChange:
    return FileChange(path="a.txt", kind=ChangeKind.ADDED, mode=0o100644, data=text.encode())


SPLIT = {
    "plan and summary": (
        replace(PLAIN, plan=steps(PIECES[0], PIECES[4]), summary=f"see {PIECES[2]}"),
        NOTHING,
    ),
    "title and note": (
        replace(
            PLAIN,
            title=f"{PIECES[3]} {PIECES[1]}",
            notes=(Note(path="a", line=1, text=f"{PIECES[2]} is it"),),
        ),
        NOTHING,
    ),
    "words of the summary": (replace(PLAIN, summary=" and ".join(reversed(PIECES))), NOTHING),
    "a file and the summary": (
        replace(PLAIN, summary=f"and {PIECES[4]}"),
        replace(NOTHING, files=(file(f"{PIECES[0]}\n{PIECES[2]}\n"),)),
    ),
}


@pytest.mark.parametrize("name", SPLIT)
def test_texts_and_files_that_spell_a_secret_together_are_refused(name: str) -> None:
    redactor = Redactor([SECRET])
    outcome, changes = SPLIT[name]
    with pytest.raises(UserError, match="in pieces"):
        refuse_split_secret(redact_outcome(outcome, redactor), changes, redactor)


def test_honest_words_pass() -> None:
    redactor = Redactor([SECRET])
    outcome = replace(PLAIN, plan=steps("Mend double", f"Look at {PIECES[0]}"))
    refuse_split_secret(outcome, replace(NOTHING, files=(file("x = 1\n"),)), redactor)

"""Findings told apart from push to push, and what a thread hears."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from bot.domain import (
    ChangeKind,
    ChangeSet,
    FileChange,
    Note,
    Outcome,
    OutcomeKind,
    Proof,
    Reply,
    Result,
    TriggerKind,
)
from bot.github.graphql.review_threads import SeenRemark, SeenThread
from bot.run.publish.answer_threads import decide_reply
from bot.run.publish.description import BEGIN, END, frame_block, replace_block
from bot.run.publish.findings import find_settled, identify_finding, parse_finding, select_new
from bot.run.publish.suggestions import read_suggestions
from bot.text.fit import mark
from tests.support.run import TASK

CODE = "def half(x):\n    y = x / 2\n    return y\n"
NOTE = Note(path="a.py", line=2, text="Floats lose cents here.")
REVIEW = replace(TASK, trigger=replace(TASK.trigger, kind=TriggerKind.REVIEW, id=9))


def change(text: str, path: str = "a.py") -> ChangeSet:
    file = FileChange(path=path, kind=ChangeKind.MODIFIED, mode=0o100644, data=text.encode())
    return ChangeSet(base="0" * 40, files=(file,))


def raised(note: Note = NOTE, text: str = CODE, *, resolved: bool = False) -> SeenThread:
    body = f"{note.text}\n\n{mark(identify_finding(note, change(text)).key)}"
    remark = SeenRemark(id=1, body=body, own=True, review=2)
    return SeenThread(id="T", resolved=resolved, path=note.path, remarks=(remark,))


@pytest.mark.parametrize("resolved", [False, True], ids=["open", "dismissed"])
@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (CODE, 2, NOTE.text),
        ("import os\n\n\n" + CODE, 5, NOTE.text),
        (CODE.replace("    y", "        y"), 2, "Floats lose cents in this place."),
        (CODE.replace("y = x / 2", "y = x * 0.5"), 2, NOTE.text),
    ],
    ids=["as it was", "moved", "indented, other words", "other code, same words"],
)
def test_a_finding_is_not_raised_twice(text: str, line: int, words: str, resolved: bool) -> None:
    again = Note(path="a.py", line=line, text=words)
    assert select_new([again], change(text), [raised(resolved=resolved)]) == []


@pytest.mark.parametrize(
    "note",
    [
        Note(path="b.py", line=2, text=NOTE.text),
        Note(path="a.py", line=2, text="Name it better."),
        Note(path="a.py", line=3, text="This function has no test at all."),
    ],
    ids=["another file", "another matter", "another line"],
)
def test_another_finding_is_raised(note: Note) -> None:
    assert select_new([note, note], change(CODE, note.path), [raised()]) == [note]


def test_a_finding_is_settled_when_its_line_is_gone() -> None:
    assert find_settled(change(CODE.replace("x / 2", "x // 2")), [raised()]) == [raised()]
    assert find_settled(change("import os\n" + CODE), [raised()]) == []
    assert find_settled(change("", "b.py"), [raised()]) == []
    assert find_settled(change(""), [raised(resolved=True)]) == []


def test_nobody_elses_mark_makes_a_finding() -> None:
    thread = raised()
    theirs = replace(thread, remarks=(replace(thread.remarks[0], own=False),))
    assert parse_finding(thread) is not None
    assert parse_finding(theirs) is None
    assert find_settled(change(""), [theirs]) == []


def result(text: str = CODE, *replies: Reply) -> Result:
    outcome = Outcome(kind=OutcomeKind.CHANGED, title="t", summary="Rounded.", replies=replies)
    return Result(outcome=outcome, changes=change(text), proof=Proof())


def theirs(body: str, path: str = "a.py") -> SeenThread:
    return SeenThread(
        id="T", resolved=False, path=path, remarks=(SeenRemark(id=5, body=body, own=False, review=9),)
    )


SUGGESTED = "take this\n```suggestion\n    y = x // 2\n```\n"


@pytest.mark.parametrize(
    ("thread", "work", "said", "done", "resolved"),
    [
        (theirs("why?"), result(), "changed for this review", True, False),
        (theirs("why?", "b.py"), result(), "Nothing was changed", False, False),
        (theirs("why?"), result(CODE, Reply(comment=5, text="Because.")), "Because.", False, False),
        (theirs("why?"), result(CODE, Reply(comment=5, text="So.", fixed=True)), "So.", True, True),
        (theirs("x", "b.py"), result(CODE, Reply(comment=5, text="So.", fixed=True)), "So.", True, False),
        (theirs(SUGGESTED), result(CODE.replace("/", "//")), "suggestion is in", True, True),
        (theirs(SUGGESTED), result(), "changed for this review", True, False),
        (theirs("```suggestion\n```"), result(), "changed for this review", True, False),
    ],
)
def test_what_a_thread_hears(thread: SeenThread, work: Result, said: str, done: bool, resolved: bool) -> None:
    words, is_done, is_settled = decide_reply(REVIEW, thread, thread.remarks, work, "a" * 40)
    assert said in words
    assert (is_done, is_settled) == (done, resolved)


def test_suggestions_are_read_as_they_are_written() -> None:
    assert read_suggestions("a\r\n```suggestion\r\nx = 1\r\n\r\ny\r\n```\r\nb") == ["x = 1\n\ny\n"]
    assert read_suggestions("````suggestion\n```\n````\n") == ["```\n"]
    assert read_suggestions("```python\nx\n```") == []


def test_what_people_write_around_the_block_stays() -> None:
    body = f"theirs\n{frame_block('old')}\ntheirs too {END}"
    assert replace_block(body, "new") == f"theirs\n{BEGIN}\n\nnew\n\n{END}\ntheirs too {END}"


@pytest.mark.parametrize(("one", "two"), [("a" * 5000, "a" * 4999 + "b"), ("ab" * 2500, "ba" * 2500)])
def test_hostile_remarks_are_compared_in_no_time(one: str, two: str) -> None:
    notes = [replace(NOTE, text=f"{text} {number}") for number in range(40) for text in (one, two)]
    began = time.process_time()
    assert select_new(notes, change(CODE), [])
    assert time.process_time() - began < 1

"""What the engine reads out of a pull request's difference and out of the checks' words."""

from __future__ import annotations

from bot.agent.prompt import DIFF_OF
from bot.domain import Brief, PromptText, TaskKind, Trust
from bot.offline.review import find_added_lines, find_remarks, write_review

DIFF = """diff --git a/a b.py b/a b.py
--- a/a b.py
+++ b/a b.py
@@ -1,3 +1,4 @@
 one
-two
+2
+two and a half
 three
@@ -10 +11 @@
-ten
+TEN
\\ No newline at end of file"""
FLAKE = "[exit code 1, 0.3 s]\na.py:2:1: F401 unused\n./a.py:3: E501 long\nother.py:2:1: F401 unused"
RUFF = "[exit code 1, 0.3 s]\nF401 [*] `os` imported but unused\n --> a.py:2:8\n  |\n2 | import os"


def brief(path: str = "a.py", *, lint: str = "flake8", test: str = "") -> Brief:
    quoted = PromptText(
        trust=Trust.QUOTED, where=f"{DIFF_OF}{path}", author="", permission="", at="", text=DIFF
    )
    return Brief(
        kind=TaskKind.REVIEW, request="", title="", texts=(quoted,), lint_command=lint, test_command=test
    )


def test_the_lines_that_a_pull_request_adds() -> None:
    assert find_added_lines(brief("a b.py")) == {"a b.py": {2, 3, 11}}


def test_what_linters_say_of_changed_lines() -> None:
    assert [(one.path, one.line) for one in find_remarks(brief(), [FLAKE])] == [("a.py", 2), ("a.py", 3)]
    (one,) = find_remarks(brief(), [RUFF])
    assert (one.line, one.text) == (2, "`flake8` says here: F401 [*] `os` imported but unused")
    assert find_remarks(brief(), ["[exit code 0, 0.3 s]\na.py:2:1: W1 a warning"]) == []


def test_the_words_claim_no_more_than_was_run() -> None:
    kind, _, words = write_review(brief(test="pytest"), ["[exit code 0, 1 s]\n1 passed", FLAKE], [])
    assert kind == "answered"
    assert "`pytest` passes." in words and "`flake8` ends with exit code 1" in words
    assert "None of what they say is about a line that changed here" in words
    assert "a person has to read" in words
    assert "I found no check to run" in write_review(brief(lint=""), [], [])[2]

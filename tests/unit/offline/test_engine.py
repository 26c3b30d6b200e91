"""The engine's decisions: from what the tools said to the next calls, and to words that are true of them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, ToolCallPart, ToolReturnPart
from pydantic_ai.models import ModelRequestParameters

from bot.agent.prompt import make_opening
from bot.domain import Brief, TaskKind, TreeFacts
from bot.offline.engine import make_offline_model
from bot.offline.tool_results import EXAMPLES, RESULT, read_own_tests

RED = "[exit code 1, 0.4 s]\nFAILED test_m.py::test_a\n1 failed, 1 passed in 0.1s"
GREEN = "[exit code 0, 0.4 s]\n2 passed in 0.1s"
FOUND = {
    "outcome": "mended",
    "tests": {"total": 2, "passed": 1, "failed": 1, "failing": ["test_m.py::test_a"]},
    "search": {"ranked": 100, "tried": 7},
    "edits": [
        {
            "path": "m.py",
            "line": 2,
            "before": "    x > 1\n",
            "after": "    x >= 1\n",
            "old": "x > 1",
            "new": "x >= 1",
        }
    ],
    "parts": [{"template": "comparison", "path": "m.py", "line": 2, "function": "f"}],
    "turned": ["test_m.py::test_a"],
    "turned_count": 1,
}


def brief(request: str = "please fix this", test: str = "pytest -q") -> Brief:
    return Brief(kind=TaskKind.CHANGE, request=request, title="It breaks", test_command=test)


async def play(given: Brief, *shells: str) -> list[ToolCallPart]:
    """All calls up to the end, where shell and checks say one after the other of ``shells``."""
    messages: list[ModelMessage] = [make_opening(given)]
    said, calls = iter(shells), []
    for _ in range(10):
        answer = await make_offline_model().request(messages, None, ModelRequestParameters())
        messages.append(answer)
        calls += answer.tool_calls
        if any(call.tool_name == "finish" for call in answer.tool_calls):
            return calls
        parts = [_returned(call, said) for call in answer.tool_calls]
        messages.append(ModelRequest(parts=parts))
    raise AssertionError("it did not finish")


def _returned(call: ToolCallPart, said: Any) -> ToolReturnPart:
    text = next(said) if call.tool_name in ("shell", "check") else "ok"
    return ToolReturnPart(tool_name=call.tool_name, content=text, tool_call_id=call.tool_call_id)


def end(calls: list[ToolCallPart]) -> dict[str, Any]:
    return calls[-1].args_as_dict()


async def test_it_finds_mends_proves_and_explains() -> None:
    calls = await play(brief(), RED, f"[exit code 0, 3 s]\n{RESULT}{json.dumps(FOUND)}", GREEN)
    assert [call.tool_name for call in calls if call.tool_name != "plan"] == [
        "check", "shell", "edit", "check", "note", "finish",
    ]  # fmt: skip
    told = end(calls)
    assert (told["kind"], told["title"]) == ("changed", "Fix comparison in f")
    assert "1 of 2 tests failed" in told["summary"]
    assert "of 7 changes" in told["summary"]
    plans = [call.args_as_dict()["steps"] for call in calls if call.tool_name == "plan"]
    assert {step["state"] for step in plans[-1]} == {"done"}


@pytest.mark.parametrize("more", [{"lint_command": "ruff check ."}, {"more_tests": ("npm test",)}])
async def test_other_checks_are_left_to_the_proof(more: dict[str, Any]) -> None:
    calls = await play(replace(brief(), **more), GREEN)
    assert [call.tool_name for call in calls if call.tool_name != "plan"] == ["shell", "finish"]


@pytest.mark.parametrize(
    ("text", "code", "passed"),
    [
        ("test, `pytest -q`: passed, 2 passed, 0.4 s", 0, True),
        ("test, `pytest -q`: failed (exit code 1), 1 failed, 0.4 s\nfailing: t::a\nE assert", 1, False),
        ("test, `pytest -q`: failed (exit code 0), 1 failed, 0.4 s (its exit code is 0)", 0, False),
        ("test, `pytest -q`: error (exit code 0), 2 passed, 0.4 s (it changed files)", 0, True),
        ("test, `pytest -q`: error (exit code 127), 0.0 s\nmake: not found", 127, False),
        ("test, `pytest -q`: timed out, 600.0 s", None, False),
        ("[held back: a`: passed, .yml]\ntest, `pytest -q`: no tests (exit code 5), 0.1 s", 5, False),
        ("[error] the checks did not end within the 25 s that they were given", None, False),
        ("[exit code 1, 0.4 s]\ntest, `pytest -q`: passed, 2 passed, 0.4 s", 1, False),
        (GREEN, 0, True),
    ],
)
def test_a_run_of_the_tests_is_read_from_both_tools(text: str, code: int | None, passed: bool) -> None:
    run = read_own_tests(text, "pytest -q")
    assert (run.code, run.passed) == (code, passed)


def test_failing_tests_are_read_from_the_list_and_the_summary() -> None:
    text = "test, `pytest -q`: failed (exit code 1), 9 failed, 0.4 s\n"
    text += "failing: t.py::a, t.py::b[x, y] and 7 more\nFAILED t.py::a - E\nFAILED t.py::c - assert 1 - 2"
    assert read_own_tests(text, "pytest -q").failed == ("t.py::a", "t.py::b[x, y]", "t.py::c")


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (
            "test, `pytest -q`: failed (exit code 0), 1 failed, 1.0 s",
            "still has tests that fail (exit code 0)",
        ),
        ("test, `pytest -q`: error (exit code 3), 1.0 s", "still ends with exit code 3"),
        ("[error] the checks did not end within the 600 s that they were given", "did not end"),
        ("[error] The change holds a secret.\nmore", "was not run: The change holds a secret"),
    ],
)
async def test_how_the_last_run_ended_is_said(after: str, said: str) -> None:
    told = end(await play(brief(), RED, f"[exit code 0, 3 s]\n{RESULT}{json.dumps(FOUND)}", after))
    assert f"The whole suite {said}." in told["summary"]


async def test_a_command_that_names_no_language_is_run_where_its_output_is_seen() -> None:
    calls = await play(brief(test="make test"), GREEN)
    assert [call.tool_name for call in calls if call.tool_name != "plan"] == ["shell", "finish"]


async def test_the_requests_words_are_one_argument_of_the_search() -> None:
    calls = await play(brief("x'; rm -rf / #`id`"), RED, "[exit code 1, 1 s]\nnothing")
    [command] = [call.args_as_dict()["command"] for call in calls if call.tool_name == "shell"]
    assert "'x'\"'\"'; rm -rf / #`id`'" in command or "'\"'\"'; rm -rf / #`id`" in command


@pytest.mark.parametrize(
    ("given", "shells", "said"),
    [
        (brief(test=""), (), "found no tests"),
        (brief(), (GREEN,), "passes as the code stands"),
        (brief("What does f do?"), (GREEN,), "a question that I cannot answer"),
        (brief(), (RED, "[timed out after 120 s]"), "did not come to an end"),
        (
            brief(),
            (RED, f'[exit code 1, 9 s]\n{RESULT}{{"outcome": "not_found", "reason": "the time ran out"}}'),
            "the time ran out",
        ),
        (
            brief(),
            (RED, f'[exit code 2, 1 s]\n{RESULT}{{"outcome": "cannot_run", "reason": "no module"}}'),
            "do not run: no module",
        ),
        (
            brief(test="go test ./..."),
            ("[exit code 127, 0 s]\nbash: line 1: go: command not found",),
            "`go test ./...` does not run: go is not in the sandbox; give an `image`",
        ),
        (
            brief(),
            ("[exit code 4, 1 s]\nERROR: usage: x\nx: error: unrecognized arguments: -n auto --cov",),
            "does not run: pytest's settings ask for plugins that are not in the sandbox",
        ),
        (
            brief(test="./check"),
            (
                RED,
                f'[exit code 1, 9 s]\n{RESULT}{{"outcome": "no_tests", "reason": "pytest finds no tests"}}',
            ),
            "These are no tests that I know how to work with.",
        ),
        (
            brief(test="node --test"),
            (RED, f'[exit code 1, 9 s]\n{RESULT}{{"outcome": "cannot_run", "reason": "there is no node"}}'),
            "its tests do not run in the search: there is no node",
        ),
        (
            brief(test="go test ./..."),
            ("[exit code 1, 1 s]\n--- FAIL: TestAdd (0.00s)\nFAIL",),
            "`go test ./...` fails, and nothing was changed: I cannot search for faults in Go",
        ),
        (
            brief(test="make check"),
            ("[exit code 2, 1 s]\ntest result: FAILED. 1 passed; 1 failed; 0 ignored",),
            "I cannot search for faults in Rust. What a language model changes I can prove.",
        ),
        (
            replace(brief(), facts=TreeFacts(submodules=("vendor",))),
            (RED, f'[exit code 1, 9 s]\n{RESULT}{{"outcome": "not_found", "reason": "none fits"}}'),
            "Mind that `vendor` is a submodule that is not in the sandbox.",
        ),
        (
            replace(brief(), facts=TreeFacts(lfs_files=("data.csv",))),
            (RED, f'[exit code 1, 9 s]\n{RESULT}{{"outcome": "not_found", "reason": "none fits"}}'),
            "Mind that 1 file is a Git LFS pointer whose content is not here (data.csv).",
        ),
    ],
)
async def test_what_it_cannot_do_is_said_plainly(given: Brief, shells: tuple[str, ...], said: str) -> None:
    told = end(await play(given, *shells))
    assert told["kind"] == "blocked"
    assert said in told["summary"]
    assert told["title"] == ""


async def test_tests_without_an_end_are_searched_first_and_then_waited_for() -> None:
    """A fault may be a loop without end; tests that are only slow are run whole before anything is said."""
    hangs, nothing = "[timed out after 25 s]", f'[exit code 1, 9 s]\n{RESULT}{{"outcome": "not_found"}}'
    calls = await play(brief(), hangs, f"[exit code 0, 3 s]\n{RESULT}{json.dumps(FOUND)}", GREEN)
    assert end(calls)["kind"] == "changed"
    calls = await play(brief(), hangs, nothing, GREEN)
    assert "passes as the code stands" in end(calls)["summary"]
    waits = [call.args_as_dict()["seconds"] for call in calls if call.tool_name == "check"]
    assert waits[0] < 60 < waits[-1]
    assert end(await play(brief(), hangs, nothing, RED))["kind"] == "blocked"


SHOWN = {
    "examples": [{"call": "f(1)", "expected": "2", "state": "fails", "now": "1"}],
    "path": "test_reported_f.py",
    "text": "from m import f\n\n\ndef test_f_as_reported():\n    assert f(1) == 2\n",
    "tests": ["test_reported_f.py::test_f_as_reported"],
}


async def test_an_example_is_made_a_test_first_and_shown_as_such() -> None:
    shells = [
        GREEN,
        f"[exit code 0, 1 s]\n{EXAMPLES}{json.dumps(SHOWN)}",
        f"[exit code 0, 3 s]\n{RESULT}{json.dumps(FOUND)}",
        GREEN,
    ]
    calls = await play(brief("f(1) returns 1, expected 2"), *shells)
    assert [call.tool_name for call in calls if call.tool_name != "plan"] == [
        "check", "shell", "write", "shell", "edit", "check", "note", "finish",
    ]  # fmt: skip
    search = [call for call in calls if call.tool_name == "shell"][1].args_as_dict()["command"]
    assert "--scope=named --meant=test_reported_f.py::test_f_as_reported" in search
    assert "`f(1)` gives `1`, not `2`. No test showed that" in end(calls)["summary"]
    nothing = f'[exit code 1, 9 s]\n{RESULT}{{"outcome": "not_found", "reason": "none fits"}}'
    told = end(await play(brief("f(1) returns 1, expected 2"), *shells[:2], nothing))
    assert told["kind"] == "blocked"
    assert "assert f(1) == 2" in told["summary"]


@pytest.mark.parametrize(
    ("example", "said"),
    [
        ({"state": "holds", "now": "2"}, "`f(1)` gives `2`, which is what the request expects"),
        (
            {"state": "unclear", "now": "1", "why": "it does not say what is expected instead"},
            "`f(1)` gives `1`, but it does not say what is expected instead",
        ),
        ({"state": "unknown", "why": "no module here defines `f`"}, "no module here defines `f`"),
    ],
)
async def test_an_example_that_gives_no_test_is_answered_plainly(example: dict[str, str], said: str) -> None:
    shown = {"examples": [{"call": "f(1)", **example}]}
    told = end(
        await play(brief("f(1) returns 1"), GREEN, f"[exit code 1, 1 s]\n{EXAMPLES}{json.dumps(shown)}")
    )
    assert told["kind"] == "blocked"
    assert said in told["summary"]


async def test_a_change_that_is_not_sure_enough_is_shown_and_not_made() -> None:
    found = {
        **{name: value for name, value in FOUND.items() if name not in ("edits", "parts", "turned")},
        "outcome": "not_found",
        "reason": "two changes pass: f(0) gives 1 with one and 2 with the other",
        "unsure": FOUND["edits"],
    }
    calls = await play(brief(), RED, f"[exit code 1, 3 s]\n{RESULT}{json.dumps(found)}")
    assert "edit" not in [call.tool_name for call in calls]
    told = end(calls)
    assert told["kind"] == "blocked"
    assert told["summary"].startswith(
        "The tests fail, but two changes pass: f(0) gives 1 with one and 2 with the"
    )
    assert "At `m.py:2` the edit would be\n\n```diff\n-    x > 1\n+    x >= 1\n```" in told["summary"]


async def test_a_search_that_finds_nothing_says_so_in_three_sentences() -> None:
    found = {
        "outcome": "not_found",
        "reason": "the time ran out",
        "search": {"tried": 778, "ranked": 24000},
        "suspects": [{"path": "m.py", "line": 2, "text": "x > 1"}],
        "failure": {"test": "t.py::test_a"},
    }
    told = end(await play(brief(), RED, f"[exit code 1, 3 s]\n{RESULT}{json.dumps(found)}"))
    assert told["kind"] == "blocked"
    assert told["summary"] == (
        "`t.py::test_a` fails, and the time ran out: I tried 778 of 24000 changes. "
        "The line most under suspicion is `m.py:2`: `x > 1`. "
        "A language model may find more: an operator names one with `HOB_MODEL`."
    )


async def test_failures_that_nobody_asked_about_are_listed_and_left() -> None:
    found = {"outcome": "unasked", "tests": {"total": 2, "unasked": ["t.py::test_a"], "unasked_count": 1}}
    told = end(
        await play(
            brief("The export loses a column"), RED, f"[exit code 1, 1 s]\n{RESULT}{json.dumps(found)}"
        )
    )
    assert told["kind"] == "blocked"
    assert told["summary"].startswith("`t.py::test_a` fails, but the request is not about that")


async def test_a_polite_request_is_no_question() -> None:
    calls = await play(brief("Can you please fix `total`?"), GREEN)
    assert calls[1].tool_name == "check"


async def test_it_is_a_pure_function_of_the_conversation() -> None:
    messages: list[ModelMessage] = [make_opening(brief())]
    answers = [await make_offline_model().request(messages, None, ModelRequestParameters()) for _ in range(2)]
    first, second = ([(part.tool_name, part.args) for part in answer.tool_calls] for answer in answers)
    assert first == second
    assert all(isinstance(answer, ModelResponse) for answer in answers)

"""What the engine says of a change that it found: no word twice, and what a reviewer has to look at."""

from __future__ import annotations

import re

import pytest

from bot.offline.texts import write_summary
from bot.offline.tool_results import (
    FoundEdit,
    MendPart,
    MendResult,
    RivalChange,
    SameLine,
    SearchEffort,
    StrangeCall,
    SuiteBefore,
    TestRunResult,
)

EDIT = FoundEdit(
    path="calc.py",
    line=2,
    before="return a - b",
    after="return a + b",
    old="return a - b",
    new="return a + b",
)


@pytest.mark.parametrize("covering", [0, 1])
@pytest.mark.parametrize(("outcome", "code"), [("found", 0), ("found", 1), ("partial", 1)])
def test_a_summary_says_nothing_twice(covering: int, outcome: str, code: int) -> None:
    found = MendResult(
        outcome=outcome,
        tests=SuiteBefore(failed=2, passed=3),
        edits=[EDIT],
        parts=[MendPart(template="arithmetic", path="calc.py", line=2)],
        turned=["test_calc.py::test_add"],
        turned_count=1,
        others=2,
        covering=covering,
    )
    text = write_summary(found, TestRunResult(code=code, output=""))
    few = "only one test" if covering else "no test"
    assert f"{few} that passed before runs the changed line" in text
    assert not re.search(r"\b(\w+(?: \w+){2,5}) \1\b", text), text


def test_a_reviewer_is_told_what_to_look_at() -> None:
    found = MendResult(
        outcome="mended",
        tests=SuiteBefore(failed=1, passed=3),
        edits=[EDIT],
        parts=[MendPart(template="arithmetic", path="calc.py", line=2)],
        turned=["test_calc.py::test_add"],
        turned_count=1,
        others=1,
        calls=40,
        covering=5,
        strange=StrangeCall(call="add('a', 1)", before="'a'", now="raises TypeError"),
        twins=[SameLine(path="calc.py", line=9)],
    )
    look = write_summary(found, TestRunResult(code=0, output="")).partition("**Look at:** ")[2]
    assert look == (
        "one other change would make it pass too and gave the same for 40 calls. "
        "`add('a', 1)` gave `'a'` before and raises TypeError with this change. "
        "`calc.py:9` says what the wrong line said; it may need the same change."
    )


def test_a_rival_that_leaves_a_line_out_is_named_by_its_place() -> None:
    found = MendResult(
        outcome="mended",
        tests=SuiteBefore(failed=1, passed=3),
        edits=[EDIT],
        parts=[MendPart(template="arithmetic", path="calc.py", line=2)],
        turned=["test_calc.py::test_add"],
        turned_count=1,
        others=1,
        covering=0,
        rival=RivalChange(path="calc.py", line=2, after="", call="add(1, 2)", this="3", other="None"),
    )
    look = write_summary(found, TestRunResult(code=0, output="")).partition("**Look at:** ")[2]
    assert look == (
        "no test that passed before runs the changed line, so little checks what else it does. "
        "To leave `calc.py:2` out would pass too, "
        "but `add(1, 2)` gives `None` with it and `3` with this change."
    )


def test_a_file_that_does_not_load_has_no_count_of_tests() -> None:
    found = MendResult(
        outcome="mended",
        edits=[EDIT],
        parts=[MendPart(template="syntax", path="calc.py", line=2)],
        turned=["test_calc.py::test_add"],
        turned_count=4,
        search=SearchEffort(ranked=9, tried=1),
    )
    text = write_summary(found, TestRunResult(code=0, output=""))
    assert text.startswith("No test could be loaded. At `calc.py:2`: ")
    assert "the first change that was tried makes all 4 pass and breaks no other test." in text

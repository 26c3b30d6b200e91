"""What speaks against a change that passes, and when it is not claimed although it passes."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.guest.mend.baseline import Baseline
from bot.guest.mend.candidates import Candidate, FoundChange, replace_parts
from bot.guest.mend.choice.compare import Behaviour, Comparison, keep_steady
from bot.guest.mend.choice.structure import describe_turn, find_twins, list_objections
from bot.guest.mend.choice.verdict import GUESSED, find_doubt
from bot.guest.mend.forkserver.candidate_runner import CandidateRunner
from bot.guest.mend.forkserver.client import ForkServerClient, TestRun
from bot.guest.mend.localise import Findings
from bot.guest.mend.request.asked import Request
from bot.guest.mend.search import CandidateSearch
from bot.guest.mend.session import mend
from bot.guest.mend.source import Source, TextEdit

HEAD = "def f(a, b):\n"
TRUTH = {"type": "AssertionError", "text": "assert None\n +  where None = f(1, 2)", "compared": []}
ENDLESS = {"type": "RecursionError", "text": "maximum recursion depth exceeded", "compared": []}


def runner(before: str, failure: dict[str, object], *literals: str, covered: bool = False) -> CandidateRunner:
    """Everything that a change is judged by, without a process."""
    base = Baseline(failing=[TestRun(id="t.py::test_a", outcome="failed", failure=dict(failure))])
    if covered:
        lines = {"/r/m.py": list(range(1, before.count("\n") + 1))}
        base.passing = {"t.py::test_b": TestRun(id="t.py::test_b", outcome="passed", lines=lines)}
    findings = Findings(sources={"m.py": Source("m.py", before)}, test_literals=frozenset(literals))
    server = ForkServerClient(Path("/r"), [], [], Path("/r"), "none")
    return CandidateRunner(
        root=Path("/r"), server=server, new_fresh_server=lambda: server, base=base, findings=findings, end=0.0
    )


def change(before: str, after: str, template: str = "any") -> FoundChange:
    """The whole file's text put in, as one change in ``f``."""
    at = next(i for i, (x, y) in enumerate(zip(before, after, strict=False)) if x != y)
    part = Candidate(
        path="m.py",
        edits=(TextEdit(at, len(before), after[at:]),),
        template=template,
        line=2,
        function="f",
        score=1.0,
    )
    return FoundChange(parts=(part,), turned={"t.py::test_a"}, full=True, score=1.0)


@pytest.mark.parametrize(
    ("before", "after", "failure", "literals", "why"),
    [
        ("    return g(a, b)\n", "    return str(g(a, b))\n", TRUTH, (), "turns the value into a text"),
        ("    return g(a, b)\n", "    return bool(g(a, b))\n", TRUTH, (), "turns the value into a text"),
        ("    return g(a, b)\n", "    return g(a, a)\n", TRUTH, (), "no longer reads"),
        ("    if a:\n        return b\n", "    if a or True:\n        return b\n", TRUTH, (), "one way"),
        ("    return a if b else 0\n", "    return a if b else a\n", TRUTH, (), "one way"),
        ("    return a and b\n", "    return a and b and not b\n", TRUTH, (), "one way"),
        ("    if len(a) > b:\n        a()\n", "    if len(a) >= 0 and b:\n        a()\n", TRUTH, (), "way"),
        (
            "    if a == b:\n        return 1\n    return f(a, b)\n",
            "    if a != b:\n        return 1\n    return f(a, b)\n",
            ENDLESS, (), "turns round the condition at which it stops",
        ),
        ("    if a:\n        return b\n", "    if not a:\n        return b\n", TRUTH, (), "condition round"),
        ("    return a * b\n", "    return 777 if a == 144 else a * b\n", TRUTH, ("144",), "only fits"),
        ("    return a * b\n", "    return 777\n", TRUTH, ("777",), "only fits"),
        ("    return a * b\n", "    return a * b + 777\n", TRUTH, ("777",), "puts a value"),
        ("    return None or (a, b)\n", "    return 'yes'\n", TRUTH, (), "gives a fixed value"),
        ("    return a == b\n", "    return a.lower() == b\n", TRUTH, (), "one side of a comparison"),
        ("    if a % 4 == 0:\n        b()\n", "    if a % 8 == 0:\n        b()\n", TRUTH, (), "puts 8"),
    ],
)  # fmt: skip
def test_what_speaks_against_a_change_is_named(
    before: str, after: str, failure: dict[str, object], literals: tuple[str, ...], why: str
) -> None:
    given = runner(HEAD + before, failure, *literals)
    said = [each.why for each in list_objections(given, change(HEAD + before, HEAD + after))]
    assert any(why in each for each in said), said


@pytest.mark.parametrize(
    ("before", "after", "template", "why"),
    [
        ("    if a:\n        b()\n", "    b()\n", "needless-condition", "without a condition"),
        ("    return b(a, 1)\n", "    return 1\n", "other-argument", "without a call"),
    ],
)
def test_what_takes_something_away_is_doubted(before: str, after: str, template: str, why: str) -> None:
    given = runner(HEAD + before, TRUTH)
    found = list_objections(given, change(HEAD + before, HEAD + after, template))
    assert any(why in each.why and each.likely <= GUESSED for each in found)


@pytest.mark.parametrize(
    ("old", "new", "template", "turn"),
    [
        ("==", "!=", "comparison", "turns a comparison round"),
        ("<", ">", "comparison", "turns a comparison round"),
        ("in", "not in", "comparison", "turns a comparison round"),
        ("<", "<=", "comparison", ""),
        ("and", "or", "boolean-operator", "joins conditions the other way"),
        ("<", "<=", "negation", "turns a condition round"),
        ("<", "<=", "branches", "changes which branch runs"),
        ("<", "<=", "removed-statement", "leaves a statement out"),
        ("<", "<=", "shaped-value", "converts what is given"),
        ("<", "<=", "tested-type", "tests for another type"),
        ("<", "<=", "missing-handler", "catches an exception that went on before"),
    ],
)
def test_in_a_mature_suite_one_failing_test_turns_no_condition_round(
    old: str, new: str, template: str, turn: str
) -> None:
    before = f"{HEAD}    if a {old} b:\n        b()\n"
    at = before.index(f" {old} ") + 1
    edit = TextEdit(at, at + len(old), new)
    part = Candidate(path="m.py", edits=(edit,), template=template, line=2, function="f", score=1.0)
    tried = FoundChange(parts=(part,), turned={"t.py::test_a"}, full=True, score=1.0)
    young, mature = runner(before, TRUTH, covered=True), runner(before, TRUTH, covered=True)
    passed = {f"t.py::{n}": TestRun(id=f"t.py::{n}", outcome="passed") for n in range(60)}
    mature.base.runs |= passed
    assert describe_turn(mature, tried).startswith(turn) and bool(describe_turn(mature, tried)) == bool(turn)
    alone = Comparison(ranked=(tried,))
    assert find_doubt(young, alone, tried, tried) == ""
    assert ("one failing test is too little" in find_doubt(mature, alone, tried, tried)) == bool(turn)
    several = replace_parts(tried, tried.parts)
    several.turned = {f"t.py::test_{n}" for n in range(3)}
    assert find_doubt(mature, alone, several, several) == ""


def make_mature(before: str) -> CandidateRunner:
    """The same beside a suite of sixty passing tests."""
    mature = runner(before, TRUTH, covered=True)
    mature.base.runs |= {f"t.py::{n}": TestRun(id=f"t.py::{n}", outcome="passed") for n in range(60)}
    return mature


@pytest.mark.parametrize(
    ("outputs", "likely", "turned", "why"),
    [
        ((("1", "2"), ("1", "3")), (0.9, 0.4), 1, "several edits make the failing test pass"),
        ((("1", "2"), ("1", "3")), (0.9, 0.2), 1, ""),
        ((("1", "2"), ("1", "2")), (0.9, 0.8), 1, ""),
        ((("1", "2"), ("1", "3")), (0.9, 0.4), 3, ""),
        ((("5", "2"), ("5", "2")), (0.9, 0.4), 1, "f(1) gives 5 where it gave 1"),
        ((("5", "2"), ("5", "2")), (0.9, 0.4), 3, ""),
    ],
)
def test_in_a_mature_suite_one_failing_test_needs_an_answer_that_stands_alone(
    outputs: tuple[tuple[str, ...], ...], likely: tuple[float, float], turned: int, why: str
) -> None:
    before = f"{HEAD}    c = a + b\n    return g(c)\n"
    one, two = change(before, before.replace("a + b", "a - b")), change(before, before.replace("(c)", "(a)"))
    one.turned = {f"t.py::test_{n}" for n in range(turned)}
    compared = Comparison(
        ranked=(one, two),
        likely=likely,
        calls=("f(1)", "f(3)", "f(2)"),
        passing=2,
        recorded=2,
        base=Behaviour(outputs=("1", "4", "7")),
        seen=tuple(Behaviour(outputs=(first, "4", last)) for first, last in outputs),
    )
    doubt = find_doubt(make_mature(before), compared, one, one)
    assert why in doubt and bool(doubt) is bool(why)
    assert find_doubt(runner(before, TRUTH, covered=True), compared, one, one) == ""


@pytest.mark.parametrize(("likely", "claimed"), [((0.9, 0.1), False), ((0.9, 0.4), True), ((0.1, 0.9), True)])
def test_what_is_left_beside_a_likelier_change_that_is_not_claimed_is_not_claimed_either(
    likely: tuple[float, float], claimed: bool
) -> None:
    before = f"{HEAD}    if a and b:\n        b(a)\n"
    turned, left = (
        change(before, before.replace(*words), template)
        for words, template in ((("and", "or"), "boolean-operator"), (("b(a)", "b(b)"), "variable"))
    )
    mature = make_mature(before)
    ranked = (turned, left) if likely[0] > likely[1] else (left, turned)
    compared = Comparison(ranked=ranked, likely=tuple(sorted(likely, reverse=True)))
    doubt = find_doubt(mature, compared, left, left)
    assert (doubt == "") is claimed, doubt
    assert claimed or "joins conditions the other way" in doubt
    seen = tuple(Behaviour(outputs=("1",)) for _ in ranked)
    alike = Comparison(ranked=ranked, likely=compared.likely, calls=("f(1)",), seen=seen)
    assert find_doubt(mature, alike, left, left) == ""


@pytest.mark.parametrize(
    ("before", "after", "failure", "literals"),
    [
        ("    return a - b\n", "    return a + b\n", TRUTH, ("5",)),
        ("    return a < b\n", "    return a <= b\n", TRUTH, ()),
        ("    return a + b\n", "    return a + str(b)\n", {**TRUTH, "compared": ["'a1'", "'a2'"]}, ()),
        ("    return a + b\n", "    return a + str(b)\n", {**TRUTH, "type": "TypeError"}, ()),
        ("    return {'x': a}[b]\n", "    return {'x': a}.get(b)\n", TRUTH, ("'zzz'",)),
        ("    if a < 3:\n        return b\n", "    if a <= 3:\n        return b\n", ENDLESS, ()),
        ("    return a == b\n", "    return a.lower() == b.lower()\n", TRUTH, ()),
        ("    if a > 17:\n        return b\n", "    if a > 18:\n        return b\n", TRUTH, ()),
        ("    if a > 10:\n        return b\n", "    if a > 99:\n        return b\n", TRUTH, ("99",)),
        ("    return a * 10\n", "    return a * 100\n", TRUTH, ()),
    ],
)
def test_nothing_speaks_against_a_plain_change(
    before: str, after: str, failure: dict[str, object], literals: tuple[str, ...]
) -> None:
    given = runner(HEAD + before, failure, *literals)
    assert list_objections(given, change(HEAD + before, HEAD + after)) == []


PLAIN = HEAD + "    return a - b\n"
PLUS, TIMES = change(PLAIN, PLAIN.replace("-", "+")), change(PLAIN, PLAIN.replace("-", "*"))


def compare(one: tuple[str, ...], two: tuple[str, ...], likely: tuple[float, float]) -> Comparison:
    calls = tuple(f"f({number}, 2)" for number in range(len(one)))
    kinds = ("int", *("dict" for _ in one[1:]))
    return Comparison(
        ranked=(PLUS, TIMES), likely=likely, calls=calls, recorded=1, varied=kinds,
        base=Behaviour(outputs=("-1",) * len(one)), seen=(Behaviour(outputs=one), Behaviour(outputs=two)),
    )  # fmt: skip


def test_a_number_that_nothing_names_is_claimed_only_where_several_tests_check_it() -> None:
    before = HEAD + "    if a % 4 == 0:\n        b()\n"
    tried = change(before, before.replace("4", "8"))
    few, several = runner(before, TRUTH, covered=True), runner(before, TRUTH, covered=True)
    several.base.passing |= {f"t.py::{n}": several.base.passing["t.py::test_b"] for n in range(3)}
    assert "puts 8 into a condition" in find_doubt(few, Comparison(ranked=(tried,)), tried, tried)
    assert find_doubt(several, Comparison(ranked=(tried,)), tried, tried) == ""


def test_of_two_answers_that_no_test_tells_apart_none_is_claimed() -> None:
    table = compare(("4", "5"), ("4", "6"), (1.0, 0.9))
    said = find_doubt(runner(PLAIN, TRUTH), table, PLUS, PLUS)
    assert "f(1, 2) gives 5 with one and 6 with the other" in said
    assert find_doubt(runner(PLAIN, TRUTH, covered=True), table, PLUS, PLUS) == ""
    assert find_doubt(runner(PLAIN, TRUTH), compare(("4", "5"), ("4", "6"), (1.0, 0.5)), PLUS, PLUS) == ""
    assert find_doubt(runner(PLAIN, TRUTH), compare(("4", "5"), ("4", "5"), (1.0, 0.9)), PLUS, PLUS) == ""


def make_row(*outputs: str) -> dict[str, object]:
    calls = ["f(1)", "f(2)", "f(3)", "f(4)"]
    beside = {"inputs": calls, "varied": ["int"] * 4, "kinds": ["str"] * len(outputs), "steps": 3}
    return {**beside, "passing": 2, "recorded": 3, "outputs": list(outputs)}


def test_calls_that_give_something_else_without_a_change_are_not_compared() -> None:
    rows = [make_row("1", "at 5", "3", "4"), make_row("1", "at 6", "3", "5"), make_row()]
    base, changed, broken = keep_steady([*rows, make_row("1", "at 7", "3", "4")], 3)
    assert (base["inputs"], base["passing"], base["recorded"]) == (["f(1)", "f(3)", "f(4)"], 1, 2)
    assert (base["outputs"], changed["outputs"], broken["outputs"]) == (["1", "3", "4"], ["1", "3", "5"], [])
    assert keep_steady(rows, 3) == rows and keep_steady(rows, 4) == []


COUNTED = """import itertools

_numbers = itertools.count(1)


def ship(weight, free, number=0):
    return weight + free, number or next(_numbers)
"""
COUNTED_TESTS = """import pytest

from shop import ship


def test_numbered():
    assert ship(1, 0)[1] > 0


@pytest.mark.parametrize("weight", range(60))
def test_light(weight):
    assert ship(weight % 5, 0, 7) == (weight % 5, 7)


def test_heavy():
    assert ship(25, 20, 7) == (5, 7)
"""


def test_a_value_that_is_another_each_time_keeps_no_right_change_from_being_claimed(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "scratch").mkdir()
    (root / "shop.py").write_text(COUNTED)
    (root / "test_shop.py").write_text(COUNTED_TESTS)
    request = Request(text="ship gives the wrong weight")
    found = mend(root, "python -m pytest -q", request, 30.0, tmp_path / "scratch", lambda _: None)
    assert found["outcome"] == "mended", found
    assert "weight - free" in found["edits"][0]["new"]


def test_what_ends_for_the_tests_input_only_is_not_claimed() -> None:
    table = compare(("4", "raises RecursionError"), ("4", "6"), (1.0, 0.1))
    said = find_doubt(runner(PLAIN, ENDLESS, covered=True), table, PLUS, PLUS)
    assert said == "with the likeliest edit f(1, 2) still does not end"
    assert find_doubt(runner(PLAIN, TRUTH, covered=True), table, PLUS, PLUS) == ""


def test_a_call_that_worked_before_is_shown() -> None:
    strange = compare(("4", "raises KeyError"), ("4", "6"), (1.0, 0.1)).find_strange(PLUS)
    assert strange is not None
    assert (strange.call, strange.before, strange.now) == ("f(1, 2)", "-1", "raises KeyError")
    asked = compare(("raises ValueError", "raises ValueError"), ("4", "6"), (1.0, 0.1))
    assert asked.find_strange(PLUS) is None


@pytest.mark.parametrize(
    ("text", "after", "found"),
    [
        ("a = x.recieve(one, two)\nb = 1\na = x.recieve(one, two)\n", "a = x.receive(one, two)\n", [3]),
        ("a = d['recieved']\nb = d['sent']\nc = {'recieved': 1}\n", "a = d['received']\n", [3]),
        ("a = d['recieved']\nb = d['recieved_at']\n", "a = d['received']\n", []),
        ("a = 1\nb = 1\na = 1\n", "a = 2\n", []),
    ],
)
def test_lines_that_may_need_the_same_change_are_named(text: str, after: str, found: list[int]) -> None:
    assert find_twins(Source("m.py", text), text.splitlines(keepends=True)[0], after, 1) == found


@pytest.mark.parametrize(
    ("request_", "claimed"),
    [
        ("Do not add a sign where there is no fragment", True),
        ("Fragments that are empty get a sign", True),
        ("The sign is wrong", False),
        ("", False),
    ],
)
def test_a_condition_whose_names_the_request_says_is_asked_for(request_: str, claimed: bool) -> None:
    before = f"{HEAD}    if keep:\n        b()\n"
    at = before.index("keep")
    edit = TextEdit(at, at, "fragment and ")
    part = Candidate(path="m.py", edits=(edit,), template="condition", line=2, function="f", score=1.0)
    tried = FoundChange(parts=(part,), turned={"t.py::test_a"}, full=True, score=1.0)
    mature = runner(before, TRUTH, covered=True)
    mature.base.runs |= {f"t.py::{n}": TestRun(id=f"t.py::{n}", outcome="passed") for n in range(60)}
    mature.findings.request = request_
    assert (find_doubt(mature, Comparison(ranked=(tried,)), tried, tried) == "") == claimed


def test_a_change_that_breaks_something_no_longer_ends_the_search() -> None:
    judged = runner(HEAD + "    return a\n", TRUTH)
    search = CandidateSearch(judged, judged.base, 0.0)
    first, second = (change(HEAD + "    return a\n", HEAD + f"    return {each}\n") for each in "bc")
    search.tally.answers, search.tally.claimable = [first, second], [second]
    search.drop(first)
    assert search.tally.answers == search.tally.claimable == [second]
    search.drop(second)
    assert not search.tally.answers
    assert not search.tally.claimable

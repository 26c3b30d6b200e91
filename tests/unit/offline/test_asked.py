"""What a request is about: twenty that ask for something else change nothing, twenty reports become tests."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.domain import Brief, PromptText, TaskKind, Trust
from bot.guest.mend.baseline import Baseline, run_baseline, start_server, trace_tests
from bot.guest.mend.forkserver.client import TestRun
from bot.guest.mend.request.asked import WORD, Request, leave_unasked, rate_test
from bot.guest.mend.request.examples import check_examples
from bot.offline.examples.find import find_examples, read_examples
from bot.offline.intent import Intent, read_intent
from bot.offline.scope import judge_scope
from bot.offline.texts import make_hint

FILES = {
    "words/__init__.py": "",
    "words/plural.py": (
        "IRREGULAR = {'ox': 'oxes'}\n\n\ndef plural(word):\n    return IRREGULAR.get(word, word + 's')\n\n\n"
        "def count_words(text):\n    return len(text.split(' '))\n"
    ),
    "words/money.py": (
        "class NotAnAmount(ValueError):\n    pass\n\n\ndef add(a, b):\n    return a - b\n\n\n"
        "def half(number):\n    return number // 2\n\n\ndef read_amount(text):\n    return int(text)\n\n\n"
        "def is_even(number):\n    return number % 2 == 1\n\n\n"
        "class Cart:\n    def __init__(self, prices):\n        self.prices = prices\n\n"
        "    def total(self):\n        return sum(self.prices[1:])\n"
    ),
    "tests/test_plural.py": (
        "from words.plural import count_words, plural\n\n\ndef test_plural_of_ox():\n"
        "    assert plural('ox') == 'oxen'\n\n\ndef test_plural():\n    assert plural('cat') == 'cats'\n\n\n"
        "def test_count_words():\n    assert count_words('a b') == 2\n"
    ),
    "conftest.py": "",
}
NOT_ABOUT_IT = [
    "Please support German plurals",
    "It would be nice if plural() knew German, too",
    "Feature request: a command line for plural",
    "Could you add type hints to `plural`?",
    "Bump the version to 2.0",
    "How does plural work?",
    "Please write documentation for the plural module",
    "Refactor plural.py into two modules",
    "Drop support for Python 3.8",
    "German plurals are not supported yet",
    "The export to CSV loses the last column",
    "Downloading large files is slow",
    "Please release a new version",
    "Let plural() take an optional language",
    "Add a docstring to plural",
    "We need an option to turn logging off",
    "Run the tests please and tell me whether they pass",
    "Is there a way to configure the cache size?",
    "Make count_words faster",
    "Show a progress bar while the index is built",
    "Clean up the imports in plural.py",
    "plural should accept bytes as well",
    "`plural` should be documented",
    "Typing: plural lacks annotations",
    "Performance: plural is called a million times and takes 3 seconds",
    "As a user, I want to export the plurals as CSV so that I can open them in Excel",
    "Proposal: make count_words ignore punctuation",
    "Is it intentional that plural does not look at the case?",
    "plural() for Latin words (cactus -> cacti) would be great",
    "Bitte füge deutsche Plurale hinzu",
    "¿Se puede añadir soporte para plural en francés?",
    "请为 plural 添加对德语的支持",
    "The README still says 2019 in the copyright line",
    "Ship a wheel for ARM as well",
    "Would you mind splitting the money tests by currency?",
    "What does half do with odd numbers?",
    "Our designer wants the buttons to be blue",
    "Please pin the versions in requirements.txt",
    "Warn people that money.add goes away in 3.0",
    "Teach plural about collective nouns",
    "Could the error for a bad amount name the file it came from?",
    "Nothing urgent: let's have a changelog, see #12",
]
ABOUT_IT = [
    "please fix",
    "The tests fail, please fix them",
    "CI is red",
    "the plural of ox is wrong",
    "`plural` gives nonsense for ox",
    "test_plural_of_ox fails",
    "Bitte behebe die fehlschlagenden Tests",
    "Can you make the tests pass again?",
    "pytest says: 1 failed, 2 passed",
    "oxes should be oxen",
    "The irregular words come out wrong, as if nobody had looked them up",  # words of the code alone
]
REPORTS = [  # what is said, the state of the first example, what the written test has to compare
    ("add(2, 3) returns -1, expected 5", "fails", "assert add(2, 3) == 5"),
    ("add(2, 3) returns -1", "unclear", ""),
    ("`add(2, 3)` gives `-1` instead of `5`.", "fails", "assert add(2, 3) == 5"),
    ("I expected half(3) to be 1.5 but got 1", "fails", "assert abs(half(3) - 1.5) < 1e-9"),
    ("half(5) should be 2.5", "fails", "assert abs(half(5) - 2.5) < 1e-9"),
    ("is_even(2) is False, not True", "fails", "assert is_even(2) is True"),
    ("is_even(3) should not be True", "fails", "assert is_even(3) is False"),
    (
        "When I call Cart([1, 2]).total() I get 2. It should be 3.",
        "fails",
        "assert Cart([1, 2]).total() == 3",
    ),
    ("```\n>>> count_words('a  b')\n3\n```\nExpected 2.", "fails", "assert count_words('a  b') == 2"),
    ("count_words('') -> 1, should be 0", "fails", "assert count_words('') == 0"),
    ("read_amount('x') should raise NotAnAmount", "fails", "with pytest.raises(NotAnAmount):"),
    ("read_amount('1.0') crashes with ValueError", "unclear", ""),
    ("read_amount('1.0') raises ValueError, it should return 1", "fails", "assert read_amount('1.0') == 1"),
    ("plural('cat') == 'cats' is wrong", "unclear", ""),
    ("plural('a-b') gives a-bs, expected as-b", "fails", "assert plural('a-b') == 'as-b'"),
    ("plural('a-b') gives ab/s, expected as-b", "unclear", ""),
    ("plural('ox') returns 'oxes' rather than 'oxen'", "fails", ""),  # a test shows it
    ("add(0, 0) returns 1, expected 0", "holds", ""),
    ("subtract(2, 3) returns 5, expected -1", "unknown", ""),
    ("total([1]) yields 0 where 1 is expected", "unknown", ""),
    ("words.money.add(1, 1) must return 2; now 0 is returned", "fails", "assert words.money.add(1, 1) == 2"),
    ("assert plural('fly') == 'flies'  # fails", "fails", "assert plural('fly') == 'flies'"),
    ("money.half(1) gives 0 instead of 0.5", "fails", "assert abs(money.half(1) - 0.5) < 1e-9"),
    ("half(7) comes out as 3 where I'd expect 3.5", "fails", "assert abs(half(7) - 3.5) < 1e-9"),
    ("`is_even(4)` says False", "unclear", ""),
    ("Cart([5]).total() is 0; the answer is 5", "unclear", ""),
    ("For add(10, 5) the result is 5 although 15 would be right", "fails", "assert add(10, 5) == 15"),
    ("read_amount('7,5') blows up with a ValueError", "unclear", ""),
    ("count_words('  ') -> 3 but I want 0", "fails", "assert count_words('  ') == 0"),
    ("count_words(' a') -> 1 but I get 2", "fails", "assert count_words(' a') == 1"),
    ("`count_words('b ')` => `1`, got `2` instead", "fails", "assert count_words('b ') == 1"),
    ("count_words('c') -> 1, got from the cache", "unclear", ""),
    ("is_even(0) ought to be True", "fails", "assert is_even(0) is True"),
    ("plural('') comes back as 's'. Expected: ''", "fails", "assert plural('') == ''"),
    ("Expected `half(9) == 4.5`, actual: 4", "fails", "assert abs(half(9) - 4.5) < 1e-9"),
    ("We need add(1, 2) == 3 but see -1 in production", "fails", "assert add(1, 2) == 3"),
    ("Calling `plural('')` I get `s` but expect an empty text: `''`", "fails", "assert plural('') == ''"),
]


def brief(request: str, title: str = "") -> Brief:
    return Brief(kind=TaskKind.CHANGE, request=request, title=title, test_command="pytest -q")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with faults, of which one is shown by a test."""
    root = tmp_path_factory.mktemp("project")
    for name, text in FILES.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.fixture(scope="module")
def known(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Baseline:
    """How the project's tests end."""
    server = start_server(project, "pytest -q", tmp_path_factory.mktemp("scratch"), 60.0)
    try:
        base = run_baseline(server, 30.0)
        trace_tests(server, base, 30.0)
    finally:
        server.close()
    assert base.failed_ids == ["tests/test_plural.py::test_plural_of_ox"]
    return base


def choose_asked(known: Baseline, project: Path, given: Brief) -> list[str]:
    """The failing tests that the search would mend for a request."""
    if read_intent(given) is not Intent.MEND:
        return []
    base = copy.deepcopy(known)
    leave_unasked(base, Request(text=make_hint(given), scope=judge_scope(given).value), f"{project}/")
    return base.failed_ids


@pytest.mark.parametrize("request_", NOT_ABOUT_IT)
def test_a_request_for_something_else_leaves_an_old_failure_alone(
    request_: str, known: Baseline, project: Path
) -> None:
    assert choose_asked(known, project, brief(request_)) == []
    assert choose_asked(known, project, brief("@hob please do this", title=request_)) == []


@pytest.mark.parametrize("request_", ABOUT_IT)
def test_a_request_that_is_about_the_failure_has_it_mended(
    request_: str, known: Baseline, project: Path
) -> None:
    assert choose_asked(known, project, brief(request_)) == ["tests/test_plural.py::test_plural_of_ox"]
    assert choose_asked(known, project, brief("@hob please fix this", title=request_))


@pytest.mark.parametrize(("said", "state", "written"), REPORTS, ids=[each[0][:40] for each in REPORTS])
def test_a_report_with_an_example_becomes_a_test_or_an_honest_refusal(
    said: str, state: str, written: str, project: Path
) -> None:
    given = brief(said)
    assert read_intent(given) is Intent.MEND
    found = find_examples(given)
    assert found
    told = check_examples(project, "pytest -q", [_as_json(each) for each in found])
    assert told["examples"][0]["state"] == state, told
    assert bool(told["examples"][0]["why"]) == (state in ("unclear", "unknown"))
    assert bool(told["tests"]) == bool(written)
    if written:
        assert written in told["text"]
        assert told["path"].startswith("tests/test_reported_")


@pytest.mark.parametrize(
    ("said", "rate"),
    [
        ("Long texts push the amount out of its column by one character", WORD),  # two words of the branch
        ("fix: allow pct-encoded entities in fragments", WORD),  # a parameter's name
        ("Long texts are slow to load", 0),
        ("The last column is lost", 0),
    ],
)
def test_a_report_is_about_what_the_failing_test_runs_and_others_do_not(
    said: str, rate: int, tmp_path: Path
) -> None:
    code = tmp_path / "shown.py"
    code.write_text(
        "def put(day, text, amount, fragment):\n    if len(text) > 9:\n        text = text[:9]\n"
        "    return text + amount\n"
    )
    where = {"t.py::test_a": (str(tmp_path / "t.py"), "test_a", 1)}
    passing = {
        f"t.py::{n}": TestRun(id=f"t.py::{n}", outcome="passed", lines={str(code): [2, 4]}) for n in range(5)
    }
    run = TestRun(id="t.py::test_a", outcome="failed", lines={str(code): [2, 3, 4]})
    run.types = [(str(code), "put", {})]
    base = Baseline(where=where, passing=passing, failing=[run], runs={run.id: run})
    assert rate_test(base, run, Request(text=said, scope="report"), f"{tmp_path}/") == rate


def _as_json(example: Any) -> dict[str, str]:
    return {name: getattr(example, name) for name in example.__slots__}


def test_an_existing_test_of_the_example_is_meant_and_none_is_written(project: Path) -> None:
    told = check_examples(project, "pytest -q", [{"call": "plural('ox')", "expected": "'oxen'"}])
    assert told["shown_by"] == ["tests/test_plural.py::test_plural_of_ox"]
    assert told["tests"] == []


def test_a_written_test_fails_as_pytest_runs_it(project: Path) -> None:
    given = [
        {"call": "add(2, 3)", "expected": "5"},
        {"call": "read_amount('')", "expected_error": "NotAnAmount"},
    ]
    told = check_examples(project, "pytest -q", given)
    path = project / told["path"]
    path.write_text(told["text"])
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *told["tests"]],
            cwd=project, capture_output=True, text=True, check=False,
        )  # fmt: skip
    finally:
        path.unlink()
    assert "2 failed" in done.stdout


def test_a_written_test_is_unittests_where_the_others_are(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text("def add(a, b):\n    return a - b\n")
    told = check_examples(tmp_path, "python -m unittest", [{"call": "add(2, 3)", "expected": "5"}])
    (tmp_path / told["path"]).write_text(told["text"])
    done = subprocess.run(
        [sys.executable, "-m", "unittest", "-v"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "FAIL: test_add_as_reported" in done.stderr
    assert told["tests"] == [f"{told['path']}::ReportedTest::test_add_as_reported"]


def test_what_changes_from_call_to_call_is_no_example(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text("import os\n\n\ndef number():\n    return os.getpid()\n")
    told = check_examples(tmp_path, "pytest -q", [{"call": "number()", "expected": "5"}])
    assert (told["examples"][0]["state"], told["tests"]) == ("unclear", [])


def test_a_name_that_two_modules_define_is_asked_back(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.py").write_text("def total(x):\n    return 0\n")
    told = check_examples(tmp_path, "pytest -q", [{"call": "total(1)", "expected": "1"}])
    assert told["examples"][0]["why"] == "`total` is defined in `a` and `b`"
    told = check_examples(tmp_path, "pytest -q", [{"call": "b.total(1)", "expected": "1"}])
    assert "import b\n" in told["text"]


def test_no_call_does_more_than_the_repositorys_code(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text("def f(x):\n    return x\n")
    for call in (
        "open('x', 'w')",
        "f(__import__('os'))",
        "f.__globals__['x'](1)",
        "f(lambda: 1)",
        "eval('1')",
    ):
        for found in read_examples(f"{call} returns 1, expected 2"):
            given = [{"call": found.call, "expected": "2"}]
            assert check_examples(tmp_path, "pytest -q", given)["tests"] == [], call


def test_the_issue_that_a_comment_points_at_has_the_example() -> None:
    issue = PromptText(
        trust=Trust.QUOTED, where="issue #3", author="a", permission="none", at="", text="`f(1)` is 2, not 3"
    )
    found = find_examples(Brief(kind=TaskKind.CHANGE, request="please fix", title="f is off", texts=(issue,)))
    assert [(each.call, each.expected) for each in found] == [("f(1)", "3")]


@pytest.mark.parametrize(
    "text", ["", "(", "f(", "f(" * 300, "`" * 400, "f('" + "\\" * 300, "f(1) = " * 200, "a." * 400 + "f(1)"]
)
def test_any_text_is_read_for_examples(text: str) -> None:
    assert json.dumps([each.call for each in read_examples(text)])

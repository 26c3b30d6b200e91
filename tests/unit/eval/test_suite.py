"""Suites that are read or refused, what belongs to the judge, and the development suite itself."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bot.domain import ChangeKind
from bot.eval.check import compute_expected, find_problems
from bot.eval.judge import belongs_to_judge
from bot.eval.suite import BadSuite, EvalTask, read_suites
from bot.eval.test_outcomes import TestOutcome, make_canonical, read_outcomes
from tests.support import SUITE

pytestmark = pytest.mark.timeout(400)

ROW = {
    "instance_id": "a",
    "repo": "shop",
    "problem_statement": "It breaks",
    "FAIL_TO_PASS": ["t.py::test_a"],
    "fault": [{"path": "m.py", "right": "+", "wrong": "-"}],
}


def fault(path: str, right: str) -> dict[str, str]:
    return {"path": path, "right": right, "wrong": ""}


def write(folder: Path, *rows: dict[str, Any] | str) -> Path:
    (folder / "shop").mkdir(exist_ok=True)
    (folder / "shop" / "m.py").write_text("x = 1 + 2\n")
    path = folder / "suite.jsonl"
    path.write_text(
        "".join((row if isinstance(row, str) else json.dumps(row, ensure_ascii=False)) + "\n" for row in rows)
    )
    return path


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("{", "line 2: not JSON"),
        ("[1]", "line 2: the line: "),
        ({**ROW, "instance_id": "a"}, "line 2: instance_id 'a' stands in .*line 1 already"),
        ({**ROW, "instance_id": "b", "repo": "none"}, "line 2: repo 'none' is no folder"),
        ({**ROW, "instance_id": "b", "FAIL_TO_PASS": "[1"}, "line 2"),
        ({**ROW, "instance_id": "b", "FAIL_TO_PASS": []}, "line 2: FAIL_TO_PASS"),
        ({"instance_id": "b"}, "line 2: repo: .*problem_statement"),
        ({**ROW, "instance_id": "b", "base_commit": "c0ffee"}, "line 2: base_commit is for git"),
        ({**ROW, "instance_id": "b", "fault": [fault("m.py", "y")]}, "line 2: fault: 'y' stands 0 times"),
        ({**ROW, "instance_id": "b", "fault": [fault("../up", "y")]}, "line 2: fault: there is no file"),
        ({**ROW, "instance_id": "b", "fault": [fault("m\0.py", "y")]}, "line 2: .*null"),
        ({**ROW, "instance_id": "b", "repo": "x" * 5000}, "line 2: .*too long"),
        ({**ROW, "instance_id": "b", "FAIL_TO_PASS": "[" * 50000}, "line 2: .*recursion"),
        ({**ROW, "instance_id": "\x1b[2Jb"}, "line 2: instance_id"),
        ("[" * 100_000, "line 2: .*recursion"),
    ],
)
def test_what_is_wrong_is_named_by_its_line(tmp_path: Path, row: dict[str, Any] | str, words: str) -> None:
    path = write(tmp_path, ROW, row)
    with pytest.raises(BadSuite, match=words):
        read_suites([path])


def test_an_empty_suite_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSuite, match="no tasks"):
        read_suites([write(tmp_path, "")])


def test_lists_may_be_json_in_strings_and_other_fields_are_left_alone(tmp_path: Path) -> None:
    row = {**ROW, "FAIL_TO_PASS": '["t.py::test_a"]', "version": "3.1", "hints_text": "a\u2028b"}
    (task,) = read_suites([write(tmp_path, row)])
    assert task.row.FAIL_TO_PASS == ("t.py::test_a",)


def test_the_digest_follows_the_task_and_the_project(tmp_path: Path) -> None:
    path = write(tmp_path, ROW)
    (before,) = read_suites([path])
    (tmp_path / "shop" / "other.py").write_text("")
    (after,) = read_suites([path])
    (again,) = read_suites([write(tmp_path, {**ROW, "problem_statement": "Other"})])
    assert len({before.digest, after.digest, again.digest}) == 3


def test_ids_of_all_spellings_are_one() -> None:
    spellings = ["tests/test_x.py::Case::test_a", "tests.test_x.Case.test_a", "test_a (tests.test_x.Case)"]
    assert {make_canonical(each) for each in [*spellings, "test_a (tests.test_x.Case.test_a)"]} == {
        spellings[1]
    }
    assert make_canonical("a/t.py::test[x::y.py]") == "a.t.test[x.y.py]"


def test_the_worst_of_several_reports_counts_and_only_of_a_whole_run() -> None:
    rows = [
        {"id": "a", "outcome": "passed"},
        {"id": "a", "outcome": "failed"},
        {"id": "b", "outcome": "passed"},
    ]
    text = "\n".join(["noise", '{"id": "c"}', *map(json.dumps, rows)])
    assert not read_outcomes(text).passed("b")
    whole = read_outcomes(text + '\n{"finished": 1}\n')
    assert whole.outcomes == {"a": TestOutcome.FAILED, "b": TestOutcome.PASSED}
    assert whole.list_failing(["a", "b", "gone"]) == ("a", "gone")


@pytest.mark.parametrize(
    ("path", "own"),
    [
        ("tests/test_x.py", True),
        ("pkg/tests/data/x.txt", True),
        ("pkg/x_test.py", True),
        ("conftest.py", True),
        ("setup.cfg", True),
        ("pytest.py", True),
        ("src/json.py", True),
        ("unittest/__init__.py", True),
        ("sub/sitecustomize.py", True),
        ("x.dist-info/entry_points.txt", True),
        ("named.py", True),
        ("pkg/json.py", False),
        ("code/x.py", False),
        ("pkg/testing.py", False),
        ("django/test/client.py", False),
    ],
)
def test_what_belongs_to_the_judge(path: str, own: bool) -> None:
    assert belongs_to_judge(path, ChangeKind.ADDED, frozenset({"named.py"})) is own


def test_a_module_of_the_project_may_have_any_name() -> None:
    assert not belongs_to_judge("queue.py", ChangeKind.MODIFIED)


@pytest.fixture(scope="module")
def tasks() -> list[EvalTask]:
    return read_suites([SUITE / "dev.jsonl", SUITE / "heldout.jsonl"])


def test_the_suite_is_large_and_varied(tasks: list[EvalTask]) -> None:
    assert len(tasks) >= 70
    assert len({task.repo for task in tasks}) >= 6
    assert len({task.row.kind for task in tasks}) >= 20
    assert max(Counter(task.row.kind for task in tasks).values()) < len(tasks) / 5
    large = [task for task in tasks if len(task.row.fault) > 1 or task.row.fault[0].right.count("\n") > 1]
    assert len(large) >= len(tasks) / 5


def test_the_split_is_the_rule_of_the_readme(tasks: list[EvalTask]) -> None:
    for task in tasks:
        held = int(hashlib.sha256(task.row.instance_id.encode()).hexdigest(), 16) % 3 == 0
        assert task.row.split == ("held-out" if held else "dev"), task.row.instance_id


def test_statements_do_not_quote_the_fix(tasks: list[EvalTask]) -> None:
    for task in tasks:
        for fault in task.row.fault:
            assert fault.right.strip() not in task.row.problem_statement


async def test_a_sample_of_the_bugs_is_as_the_suite_says(tasks: list[EvalTask], tmp_path: Path) -> None:
    """All of them: ``make eval-check``."""
    sample = [
        next(task for task in tasks if task.repo.name == name) for name in ("wayfind", "scribe", "courier")
    ]
    computed = await compute_expected(sample, tmp_path, jobs=2)
    assert [line for task in sample for line in find_problems(task, *computed[task.row.instance_id])] == []

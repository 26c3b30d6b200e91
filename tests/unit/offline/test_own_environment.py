"""A repository whose tests run in an environment that its setup made below the checkout."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from bot.guest.mend.layout import find_added_options, find_interpreter, find_test_arguments
from bot.guest.mend.request.asked import LONG_SUITE, Request, order_by_request
from bot.guest.mend.request.examples import check_examples
from bot.guest.mend.session import mend
from bot.offline.tool_results import read_test_run

CODE = "import pretended\n\n\ndef add(a, b):\n    return pretended.give(a) - b\n"
TESTS = "from shop import add\n\n\ndef test_add():\n    assert add(2, 3) == 5\n\n\n"
TESTS += "def test_none():\n    assert add(2, 0) == 2\n"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """Its tests import a module that is in its own environment alone."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / ".venv"], check=True)
    (packages,) = (tmp_path / ".venv" / "lib").glob("python*/site-packages")
    (packages / "ours.pth").write_text(sysconfig.get_path("purelib") + "\n")
    (packages / "pretended.py").write_text("def give(value):\n    return value\n")
    (tmp_path / "shop.py").write_text(CODE)
    (tmp_path / "test_shop.py").write_text(TESTS)
    return tmp_path


@pytest.mark.parametrize(
    "command", [".venv/bin/python -m pytest -q", 'PATH="$PWD/.venv/bin:$PATH"; pytest -q']
)
def test_the_search_runs_the_tests_where_the_command_runs_them(
    repo: Path, tmp_path_factory: pytest.TempPathFactory, command: str
) -> None:
    scratch = tmp_path_factory.mktemp("scratch")
    found = mend(repo, command, Request(text="add(2, 3) gives the wrong sum"), 30.0, scratch, lambda _: None)
    assert found["outcome"] == "mended", found
    assert "pretended.give(a) + b" in found["edits"][0]["new"]
    assert {each["path"] for each in found["suspects"]} == {"shop.py"}


def test_the_interpreter_is_the_commands_where_it_has_what_the_search_needs(repo: Path) -> None:
    own = str(repo / ".venv" / "bin" / "python")
    for command in (
        ".venv/bin/python -m pytest tests",
        "A=1 $PWD/.venv/bin/python -m pytest",
        ".venv/bin/pytest -q",
        "cd sub && ../.venv/bin/python -m pytest",
        "cd a/b && ../../.venv/bin/python -m pytest",
        "cd a/b/c && ../../../.venv/bin/py.test -q",
        f"{'x' * 300}/bin/python; .venv/bin/coverage run -m pytest",
        ". .venv/bin/activate && pytest",
        "uv run pytest",
    ):
        assert find_interpreter(repo, command) == own
    for command in (
        *("python -m pytest", "pytest -q", "other/bin/python -m pytest", f"{'x' * 300}/bin/python -m pytest"),
        *(".venv/bin/env pytest", ".venv/bin/run-tests", "x\0/bin/python"),
    ):
        assert find_interpreter(repo, command) == sys.executable
    inside = repo / "inside"
    inside.mkdir()
    beside = str(repo / ".venv" / "bin" / "pytest")  # outside of what is asked about, whatever lies there
    for command in (beside, f"cd / && {beside}", f"PATH={repo}/.venv/bin:$PATH pytest"):
        assert find_interpreter(inside, command) == sys.executable
    assert find_interpreter(inside, f"{own} -m pytest") == own
    (repo / ".venv" / "bin" / "python").unlink()
    (repo / ".venv" / "bin" / "python").write_text("#!/bin/sh\nexit 1\n")
    (repo / ".venv" / "bin" / "python").chmod(0o755)
    (repo / ".venv" / "bin" / "python3").unlink()
    assert find_interpreter(repo, ".venv/bin/python -m pytest") == sys.executable


def test_the_runner_is_known_by_its_name_wherever_it_lies() -> None:
    assert find_test_arguments(".venv/bin/pytest -q tests -k one") == ["tests", "-k", "one"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pytest.ini", "[pytest]\naddopts = -k 'a\n"),
        ("pyproject.toml", '[tool.pytest.ini_options]\naddopts = "-k \'a"\n'),
        ("pyproject.toml", f"a = {'9' * 5000}\n"),
        ("pyproject.toml", "[tool.pytest.ini_options]\naddopts = 5\n"),
    ],
)
def test_settings_that_cannot_be_read_add_no_options(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert find_added_options(tmp_path) == []


def test_an_example_is_tried_in_that_environment_too(repo: Path) -> None:
    given = [{"call": "add(2, 3)", "expected": "5"}]
    told = check_examples(repo, ".venv/bin/python -m pytest -q", given)
    assert told["examples"][0]["state"] == "fails" and told["shown_by"] == ["test_shop.py::test_add"]


def test_in_a_long_suite_tests_that_are_known_to_fail_run_first() -> None:
    output = "[exit code 1, 3.0 s]\n1 failed\nFAILED t.py::test_c[a - b] - assert 1 == 2\nFAILED t.py::test_d"
    failed = read_test_run(output).failed
    assert failed == ("t.py::test_c[a", "t.py::test_d")
    short = [f"t.py::test_{each}" for each in "abcdef"]
    names = [*(f"t.py::test_{number}" for number in range(LONG_SUITE)), *short]
    request = Request(text="test_even_more fails, and test_f_first too", failed=failed)
    assert order_by_request(names, request)[0] == "t.py::test_d"
    assert order_by_request(short, request) == short
    named = Request(text="`t.py::test_e` fails", failed=failed)
    assert order_by_request(names, named)[:2] == ["t.py::test_e", "t.py::test_d"]

"""The search on a small library of several files, with one fault of each kind planted in it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.offline.tool_results import RESULT
from tests.support import DATA, ROOT

pytestmark = pytest.mark.timeout(400)

BUGS_DATA = DATA / "bugs"
MEND = ROOT / "bot" / "guest" / "mend"
BUGS = json.loads((BUGS_DATA / "bugs.json").read_text("utf-8"))
QUICK = [bug for bug in BUGS if bug["quick"]]  # the others are for measuring: see HOB_ALL_BUGS
CHOSEN = BUGS if os.environ.get("HOB_ALL_BUGS") else QUICK
ENVIRONMENT = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # as in the sandbox


def mend(folder: Path, seconds: int = 40) -> dict[str, Any]:
    """The search's result, from a process started as the sandbox starts it."""
    command = [sys.executable, "-I", str(MEND), "--test", "pytest -q", "--seconds", str(seconds)]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=350, check=False, env=ENVIRONMENT
    )
    last = done.stdout.splitlines()[-1]
    told: dict[str, Any] = json.loads(last.removeprefix(RESULT))
    return told


def passes(folder: Path) -> bool:
    """Whether the library's tests pass, by a fresh pytest."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    environment = {**ENVIRONMENT, "PYTHONDONTWRITEBYTECODE": "1"}
    return (
        subprocess.run(command, cwd=folder, capture_output=True, check=False, env=environment).returncode == 0
    )


@pytest.mark.parametrize("bug", CHOSEN, ids=[bug["kind"] for bug in CHOSEN])
def test_a_planted_bug_is_mended(bug: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "library"
    shutil.copytree(BUGS_DATA / "library", folder)
    path = folder / bug["path"]
    sound = path.read_text("utf-8")
    assert sound.count(bug["right"]) == 1
    path.write_text(sound.replace(bug["right"], bug["wrong"]), "utf-8")
    told = mend(folder)
    assert told["outcome"] == "mended", told
    for edit in told["edits"]:
        target = folder / edit["path"]
        text = target.read_text("utf-8")
        assert text.count(edit["old"]) == 1
        target.write_text(text.replace(edit["old"], edit["new"]), "utf-8")
        lines = target.read_text("utf-8").splitlines()
        assert not edit["after"] or lines[edit["line"] - 1] == edit["after"].splitlines()[0]
    assert not (folder / ".pytest_cache").exists()  # the search leaves the workspace as it was
    assert not list(folder.rglob("__pycache__"))
    if bug["kind"] in ("comparison", "syntax"):  # the search ran the suite itself; twice is proof enough
        assert passes(folder)


def test_nothing_is_changed_where_all_tests_pass(tmp_path: Path) -> None:
    shutil.copytree(BUGS_DATA / "library", tmp_path / "library")
    told = mend(tmp_path / "library")
    assert told["outcome"] == "all_pass"
    assert told["tests"]["passed"] == 22


def test_a_repository_without_tests_is_said(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text("x = 1\n")
    assert mend(tmp_path)["outcome"] == "no_tests"

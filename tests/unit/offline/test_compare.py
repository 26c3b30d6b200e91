"""``--compare``: whether a mend does what the known fix does, by calls of the changed functions."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.guest import mend
from bot.guest.mend.learned.fixes import list_changed_functions, list_edits
from bot.guest.mend.source import Source, apply_edits
from tests.support.fix_history import RIGHT

WRONG = RIGHT.replace("points >= best", "points > best")
TESTS = """\
import shop


def test_best():
    assert shop.grade(90) == 'a'


def test_below():
    assert shop.grade(3) == 'b'
"""


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (WRONG.replace("points > best", "best <= points"), "same"),
        (WRONG.replace("points > best", "points > best - 3"), "differs"),
        (WRONG.replace("best=90", "best=89"), "unknown"),  # a default is only seen by a fresh import
    ],
)
def test_a_mend_is_compared_by_calls(tmp_path: Path, found: str, state: str) -> None:
    (tmp_path / "shop.py").write_text(WRONG)
    (tmp_path / "test_shop.py").write_text(TESTS)
    told = compare(tmp_path, {"shop.py": RIGHT}, {"shop.py": found})
    assert told["state"] == state, told
    if state == "differs":
        assert (told["call"], told["fix"], told["found"]) == ("grade(89, 90)", "'b'", "'a'")


def compare(root: Path, fix: dict[str, str], found: dict[str, str]) -> dict[str, Any]:
    told = {"test": "python -m pytest -q", "failing": ["test_shop.py::test_best"], "fix": fix, "found": found}
    folder = Path(mend.__file__).parent
    done = subprocess.run(
        [sys.executable, "-I", str(folder), "--compare"],
        cwd=root, input=json.dumps(told), capture_output=True, text=True, check=True,
    )  # fmt: skip
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1].removeprefix("HOB-COMPARE-RESULT "))
    return answer


def test_a_fix_becomes_edits_of_lines() -> None:
    source = Source("shop.py", WRONG)
    for text in (RIGHT, WRONG + "\n\nmore = 1\n", WRONG.replace("    return 0\n", "", 1), WRONG.rstrip()):
        assert apply_edits(WRONG, list_edits(source, text)) == text
    assert list_edits(source, WRONG) == ()
    assert list_changed_functions(source, RIGHT) == ["grade"]

"""Programs in the sandbox keep the names under which recorded runs call them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bot import guest

PROGRAMS = Path(guest.__file__).parent


@pytest.mark.parametrize("name", ["apply_suggestion.py", "suggest.py"])
def test_a_suggestion_is_applied_under_both_names(tmp_path: Path, name: str) -> None:
    code = tmp_path / "code.py"
    code.write_text("one\ntwo\n")
    asked = {"path": "code.py", "start": 2, "end": 2, "expected": ["two"], "lines": ["three"]}
    argv = [sys.executable, "-I", str(PROGRAMS / name), json.dumps(asked)]
    done = subprocess.run(argv, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert (done.returncode, code.read_text()) == (0, "one\nthree\n"), done.stderr

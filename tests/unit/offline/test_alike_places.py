"""One slip made at several places: mended at all of them, where the tests need it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.guest.mend.candidates import Candidate
from bot.guest.mend.places.alike import combine_alike
from bot.guest.mend.source import Source, TextEdit, apply_edits
from tests.unit.offline.test_mend import search

pytestmark = pytest.mark.timeout(250)

BOTH = """\
def add(first, second):
    if not first:
        first = 1
    if not second:
        second = 1
    return first + second
"""
PATTERNS = """\
import re

PART = re.compile(r"\\.|(\\[\\d+\\])")
INDEX = re.compile(r"^\\[\\d+\\]$")


def read(path):
    parts = [each for each in PART.split(path) if each]
    return [int(each[1:-1]) if INDEX.match(each) else each for each in parts]
"""
FUNCTIONS = """\
def name(user):
    return user["name"].strip()


def town(user):
    return user["town"].strip()
"""
CASES = {
    "in one function": (
        BOTH,
        "def test_zeros():\n    assert m.add(0, 0) == 0\n\n"
        "def test_zero_and_none():\n    assert m.add(0, None) == m.add(None, 0) == 1\n\n"
        "def test_one_zero():\n    assert m.add(0, 3) == m.add(3, 0) == 3\n\n"
        "def test_none():\n    assert m.add(None, None) == 2\n\n"
        "def test_one_none():\n    assert m.add(None, 3) == m.add(3, None) == 4\n",
        "Adding zeros gives 2, and zero and None too much",
        ("if first is None:", "if second is None:"),
    ),
    "in two patterns": (
        PATTERNS,
        "def test_index():\n    assert m.read('a[0].b') == ['a', 0, 'b']\n\n"
        "def test_below_zero():\n    assert m.read('a[-1].b') == ['a', -1, 'b']\n",
        "A path with a negative index is not read",
        (r"(\[-?\d+\])", r"^\[-?\d+\]$"),
    ),
    "in two functions": (
        FUNCTIONS,
        "def test_names():\n    assert m.name({}) == ''\n    assert m.name({'name': ' a'}) == 'a'\n\n"
        "def test_towns():\n    assert m.town({}) == ''\n    assert m.town({'town': 'b '}) == 'b'\n",
        "A user without name or town raises KeyError",
        ('user.get("name", "")', 'user.get("town", "")'),
    ),
}


@pytest.mark.parametrize("kind", CASES)
def test_a_slip_made_twice_is_mended_twice(kind: str, tmp_path: Path) -> None:
    code, tests, request, right = CASES[kind]
    (tmp_path / "m.py").write_text(code)
    (tmp_path / "test_m.py").write_text(f"import m\n\n\n{tests}")
    told = search(tmp_path, "--hint", request)
    assert told["outcome"] == "mended", told
    mended = code
    for edit in told["edits"]:
        mended = mended.replace(edit["old"], edit["new"])
    assert all(each in mended for each in right), mended


def make(source: Source, old: str, new: str, score: float) -> Candidate:
    start = source.text.index(old)
    edit = TextEdit(start, start + len(old), new)
    return Candidate(path="m.py", edits=(edit,), template="condition", line=1, function="add", score=score)


def test_only_what_does_the_same_is_joined() -> None:
    source = Source("m.py", BOTH)
    alone = [
        make(source, "not first", "first is None", 1.0),
        make(source, "not second", "second is None", 0.5),
        make(source, "first + second", "second + first", 0.4),
    ]
    (joined,) = [each for each in combine_alike(alone, {"m.py": source}) if len(each.edits) > 1]
    assert (joined.score, joined.places) == (0.4, 2)
    text = apply_edits(source.text, joined.edits)
    assert text == BOTH.replace("not first", "first is None").replace("not second", "second is None")

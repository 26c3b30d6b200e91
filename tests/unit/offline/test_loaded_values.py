"""Faults in what is made on import: tried in living modules first, and shown by a fresh import in the end."""

from __future__ import annotations

import builtins
import json
import sys
from pathlib import Path

import pytest

from bot.guest.mend.forkserver.value_swap import CannotSwap, swap_values
from bot.guest.mend.patches import make_patches
from bot.guest.mend.source import Source, TextEdit
from tests.unit.offline.test_mend import search

pytestmark = pytest.mark.timeout(250)

TABLES = """\
import re

SIGNS = {"plus": "+", "minus": "+", "times": "*"}
NUMBER = r"\\d"
WORD = re.compile(NUMBER + "$")


class Reader:
    first = 1

    def split(self, text):
        return text.split(";")[self.first :]

    def count(self, text):
        return text.count(";") + 1 - self.first


def cut(text, limit=5, *, end="..."):
    return text if len(text) <= limit else text[:limit] + end
"""
USES = """\
from tables import SIGNS, WORD, Reader, cut


def sign(name):
    return SIGNS[name]


def is_number(text):
    return WORD.match(text) is not None


def columns(text):
    return Reader().split(text)
"""
TESTS = """\
import pytest
import tables
import uses


@pytest.mark.parametrize(("name", "sign"), [("plus", "+"), ("minus", "-"), ("times", "*")])
def test_signs(name, sign):
    assert uses.sign(name) == sign


@pytest.mark.parametrize(("text", "right"), [("1", 1), ("123", 1), ("a", 0), ("a1", 0), ("1a", 0)])
def test_numbers(text, right):
    assert uses.is_number(text) == right


def test_columns():
    assert uses.columns("a;b;c") == ["b", "c"]
    assert uses.columns("a") == []


def test_the_number_of_columns():
    assert tables.Reader().count("a;b;c") == 2


def test_cut():
    assert uses.cut("abcde") == "abcde"
    assert uses.cut("abcdefgh") == "abcde..."
"""
FAULTS = {
    "a table that others import": ('"minus": "-"', '"minus": "+"'),
    "a pattern made of another text": (r'NUMBER = r"\\d+"', r'NUMBER = r"\\d"'),
    "an attribute of a class": ("first = 1", "first = 2"),
    "a default value": ("limit=5", "limit=4"),
    "a default of a keyword": ('end="..."', 'end=".."'),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_in_what_is_made_on_import_is_mended(kind: str, tmp_path: Path) -> None:
    right, wrong = (each.replace("\\\\", "\\") for each in FAULTS[kind])
    whole = TABLES.replace('"minus": "+"', '"minus": "-"').replace(r'r"\d"', r'r"\d+"')
    assert whole.count(right) == 1
    (tmp_path / "tables.py").write_text(whole.replace(right, wrong))
    (tmp_path / "uses.py").write_text(USES)
    (tmp_path / "test_uses.py").write_text(TESTS)
    told = search(tmp_path)
    assert told["outcome"] == "mended", told
    mended = whole.replace(right, wrong)
    for edit in told["edits"]:
        mended = mended.replace(edit["old"], edit["new"])
    assert mended.replace("[0-9]+", r"\d+") == whole, told["edits"]


def test_values_are_put_back_wherever_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "made_on_import.py").write_text(TABLES)
    (tmp_path / "user_of_made.py").write_text("from made_on_import import SIGNS, WORD\n")
    monkeypatch.syspath_prepend(tmp_path)
    import made_on_import  # type: ignore[import-not-found]
    import user_of_made  # type: ignore[import-not-found]

    source = Source("made_on_import.py", TABLES)
    at = TABLES.index(r'\d"') + 2
    (patch,) = make_patches(source, (TextEdit(at, at, "+"),), str(tmp_path), values=True) or ()
    old = user_of_made.WORD
    undo = swap_values(**patch)  # type: ignore[arg-type]
    assert user_of_made.WORD is made_on_import.WORD
    assert user_of_made.WORD.pattern == r"\d+$"
    for each in reversed(undo):
        each()
    assert user_of_made.WORD is made_on_import.WORD is old
    assert made_on_import.NUMBER == r"\d"

    at = TABLES.index('"+", "times"')
    (patch,) = make_patches(source, (TextEdit(at, at + 3, '"-"'),), str(tmp_path), values=True) or ()
    undo = swap_values(**patch)  # type: ignore[arg-type]
    assert user_of_made.SIGNS["minus"] == "-"
    for each in reversed(undo):
        each()
    assert user_of_made.SIGNS["minus"] == "+"
    assert user_of_made.SIGNS is made_on_import.SIGNS

    at = TABLES.index('"+", "times"')
    (patch,) = make_patches(source, (TextEdit(at, at + 3, "unknown"),), str(tmp_path), values=True) or ()
    with pytest.raises(CannotSwap, match="NameError"):
        swap_values(**patch)  # type: ignore[arg-type]
    assert user_of_made.SIGNS["minus"] == "+"


def test_what_does_more_than_give_a_value_is_left_to_a_fresh_import() -> None:
    text = "HANDLERS = register('a')\n\n\nclass Base:\n    pass\n\n\nclass Last(Base):\n    size = 1\n"
    source = Source("m.py", text)
    for word, values in (("'a'", True), ("Base)", True), ("1", False)):
        at = text.index(word)
        assert make_patches(source, (TextEdit(at, at + 1, "x"),), "/r", values=values) is None
    at = text.index("1")
    (patch,) = make_patches(source, (TextEdit(at, at + 1, "2"),), "/r", values=True) or ()
    assert (patch["owner"], patch["text"]) == ("Last", "size = 2")


CLASSES = """\
import json
from dataclasses import dataclass
from typing import NamedTuple

load = json.loads
EMPTY = frozenset()
LIMITS: dict = {"hour": 1}
LIMITS["day"] = 24
OTHER = {}
OTHER["hour"] = LIMITS["hour"]


class Reader:
    error = ValueError


@dataclass(slots=True)
class Slotted:
    size: int = 1


@dataclass
class Plain:
    width: int = 1


class Pair(NamedTuple):
    first: int = 1
"""


def _patch(old: str, new: str, root: Path) -> dict[str, object] | None:
    at = CLASSES.index(old)
    edit = TextEdit(at, at + len(old), new)
    made = make_patches(Source("made_of_classes.py", CLASSES), (edit,), str(root), values=True)
    return None if made is None else made[0]


def test_what_a_value_comes_from_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "made_of_classes.py").write_text(CLASSES)
    (tmp_path / "other_of_classes.py").write_text("NOTHING = frozenset()\nfrom json import loads\n")
    monkeypatch.syspath_prepend(tmp_path)
    import made_of_classes  # type: ignore[import-not-found]
    import other_of_classes  # type: ignore[import-not-found]

    kept = builtins.ValueError, json.loads, other_of_classes.loads, other_of_classes.NOTHING
    for old, new in (("ValueError", "TypeError"), ("json.loads", "json.dumps"), ("frozenset()", "{1}")):
        patch = _patch(old, new, tmp_path)
        undo = swap_values(**patch)  # type: ignore[arg-type]
        now = builtins.ValueError, json.loads, other_of_classes.loads, other_of_classes.NOTHING
        for each in reversed(undo):
            each()
        assert now == kept, old
    assert made_of_classes.load is json.loads


@pytest.mark.parametrize("old", ["size: int = 1", "width: int = 1", "first: int = 1"])
def test_what_a_class_was_made_of_needs_a_fresh_import(
    old: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "made_of_classes.py").write_text(CLASSES)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "made_of_classes", raising=False)
    import made_of_classes

    patch = _patch(old, old.replace("1", "2"), tmp_path)
    with pytest.raises(CannotSwap, match="was made of"):
        swap_values(**patch)  # type: ignore[arg-type]
    assert made_of_classes.Slotted() == made_of_classes.Slotted(1)
    assert made_of_classes.Pair() == (1,)


def test_nothing_of_a_change_stays_in_what_others_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "made_of_classes.py").write_text(CLASSES)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "made_of_classes", raising=False)
    import made_of_classes

    assert _patch("24", "25", tmp_path) is None
    patch = _patch('{"hour": 1}', '{"hour": 2}', tmp_path)
    assert patch is not None
    assert patch["text"] == 'LIMITS: dict = {"hour": 2}\nLIMITS["day"] = 24'
    undo = swap_values(**patch)  # type: ignore[arg-type]
    assert made_of_classes.LIMITS == {"hour": 2, "day": 24}
    for each in reversed(undo):
        each()
    assert made_of_classes.LIMITS == {"hour": 1, "day": 24}
    assert made_of_classes.OTHER == {"hour": 1}

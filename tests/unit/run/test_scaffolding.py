"""What tests take from the source to stand on: a change of it is told, and no other."""

from __future__ import annotations

import pytest

from bot.domain import ChangeKind, ChangeSet, FileChange
from bot.run.prove.suspect.scaffolding import find_changed_scaffolding, find_named_data

RAN = ("tests/test_calc.py::test_double", "tests.test_calc.CalcTest.test_double")
SOURCE = (
    "class Base:\n    def check(self): return 1\n\nclass Checks(Base):\n    pass\n\n"
    "def twice(test): return test\n\ndef double(x):\n    return x + 2\n"
)
TESTS = "class CalcTest({base}):\n    def test_double(self): assert double(4) == 8\n"


def make_change(path: str, text: str | None, *, added: bool = False) -> ChangeSet:
    kind = ChangeKind.DELETED if text is None else ChangeKind.ADDED if added else ChangeKind.MODIFIED
    data = (text or "").encode()
    return ChangeSet(base="b", files=(FileChange(path=path, kind=kind, mode=0o100644, data=data),))


@pytest.mark.parametrize(
    ("tests", "old", "new", "names"),
    [
        ("from calc import Checks\n" + TESTS.format(base="Checks"), "return 1", "return 2", ["Checks"]),
        ("import calc\n" + TESTS.format(base="calc.Checks"), "    pass", "    x = 1", ["Checks"]),
        ("import calc as c\n" + TESTS.format(base="c.Base"), "return 1", "return 2", ["Base"]),
        ("from calc import *\n" + TESTS.format(base="Checks"), "    pass", "    x = 1", ["Checks"]),
        ("from calc import twice\n@twice\ndef test_double(): pass\n", "return test", "return 1", ["twice"]),
        (
            "from calc import twice\n@twice(2)\ndef test_a(): pass\n",
            "return test",
            "return 1",
            ["twice"],
        ),
        ("from calc import *\n", "def double", "def setUpModule(): pass\n\ndef double", ["setUpModule"]),
        ("from calc import double as setup_module\n", "x + 2", "x * 2", ["double"]),
        ("from calc import Checks, double\n" + TESTS.format(base="Checks"), "x + 2", "x * 2", []),
        ("from calc import Checks\nclass Part(Checks):\n    size = 1\n", "    pass", "    x = 1", []),
        ("from other import Checks\n" + TESTS.format(base="Checks"), "    pass", "    x = 1", []),
        ("not python (\n", "    pass", "    x = 1", []),
    ],
)
def test_a_change_of_what_tests_stand_on(tests: str, old: str, new: str, names: list[str]) -> None:
    base = {"tests/test_calc.py": tests.encode(), "src/calc.py": SOURCE.encode()}
    change = make_change("src/calc.py", SOURCE.replace(old, new))
    for ran in RAN:
        found = find_changed_scaffolding(change, [ran], base.get)
        assert found == tuple(f"src/calc.py::{name}" for name in names)


def test_a_relative_import_is_seen_from_the_test() -> None:
    base = {
        "calc/tests/test_calc.py": b"from ..checks import Checks\n"
        b"class CalcTest(Checks):\n    def test(self): pass\n",
        "calc/checks.py": SOURCE.encode(),
    }
    ran = ["calc/tests/test_calc.py::CalcTest::test"]
    assert find_changed_scaffolding(make_change("calc/checks.py", None), ran, base.get) == (
        "calc/checks.py::Checks",
    )


@pytest.mark.parametrize(
    ("path", "tests", "told"),
    [
        ("cases.json", "json.load(open('cases.json'))", True),
        ("data/cases.csv", "open(HERE / 'data' / 'cases.csv')", True),
        ("web/words.yml", 'readFileSync(__dirname + "/../words.yml")', True),
        ("cases.json", "open('more-cases.json')", False),
        ("calc.py", "open('calc.py')", False),  # source: what it says, the tests say
        ("cases.json", "", False),
        ("README.md", "(tmp_path / 'README.md').write_text('')", False),  # the name of a file that they make
        ("docs/usage.md", "open('usage.md')", False),
        ("history.json", "json.load(open('history.json'))", True),
    ],
)
def test_data_that_tests_name(path: str, tests: str, told: bool) -> None:
    base = {"tests/test_calc.py": tests.encode(), path: b"1"}
    assert find_named_data(make_change(path, "2"), RAN, base.get) == ((path,) if told else ())
    assert find_named_data(make_change(path, "2", added=True), RAN, base.get) == ()

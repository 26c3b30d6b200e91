"""What of a change judges it: tests, settings, shadows of a runner; what of its source speaks of tests."""

from __future__ import annotations

import pytest

from bot.domain import ChangeKind, ChangeSet, CheckCommand, FileChange
from bot.run.prove.altered_tests import find_altered_tests
from bot.run.prove.judge_files import find_telltale_lines, split_change

PYPROJECT = b'[project]\nname = "calc"\n\n[tool.ruff]\nline-length = 100\n'
PACKAGE = b'{"name": "calc", "version": "1.0.0", "scripts": {"test": "mocha"}}'
CARGO = b'[package]\nname = "calc"\nversion = "0.1.0"\n'
TESTS = b"""import pytest

from calc import double


def test_double():
    assert double(4) == 8


def test_zero():
    value = double(0)
    assert value == 0
"""


def change(
    path: str, text: str | bytes | None, before: bytes | None = None
) -> tuple[ChangeSet, dict[str, bytes]]:
    """A change set of one file, and what the base has."""
    data = text.encode() if isinstance(text, str) else text
    kind = ChangeKind.DELETED if data is None else ChangeKind.ADDED if before is None else ChangeKind.MODIFIED
    file = FileChange(path=path, kind=kind, mode=0o100644, data=data or b"")
    return ChangeSet(base="b", files=(file,)), {} if before is None else {path: before}


@pytest.mark.parametrize(
    ("path", "text", "before"),
    [
        ("conftest.py", "", None),
        ("deep/down/conftest.py", "", None),
        ("pytest.ini", "[pytest]\n", None),
        ("pytest.py", "", None),
        ("_pytest/__init__.py", "", None),
        ("src/unittest.py", "", None),
        ("json.py", "", None),
        ("pluggy/__init__.py", "", None),
        ("sitecustomize.py", "", None),
        ("lib/usercustomize.py", "", None),
        ("more.pth", "", None),
        ("Makefile", "test:\n\ttrue\n", b"test:\n\tpytest\n"),
        ("GNUmakefile", "test:\n\ttrue\n", None),
        ("justfile", "test:\n", None),
        (".mocharc.yml", "", None),
        ("packages/a/jest.config.js", "", None),
        ("vitest.config.ts", "", None),
        ("node_modules/.bin/jest", "", None),
        (".cargo/config.toml", "", None),
        ("scripts/run_tests.sh", "true\n", b"pytest\n"),  # the command names it
        ("pyproject.toml", PYPROJECT + b'[tool.pytest.ini_options]\naddopts = "--collect-only"\n', PYPROJECT),
        ("pyproject.toml", b"not [ toml", PYPROJECT),
        ("pyproject.toml", None, PYPROJECT + b"[tool.pytest.ini_options]\n"),
        ("setup.cfg", "[tool:pytest]\naddopts = -p easy\n", b"[metadata]\nname = calc\n"),
        ("package.json", PACKAGE.replace(b"mocha", b"true"), PACKAGE),
        ("package.json", PACKAGE.replace(b'{"name"', b'{"jest": {"testMatch": []}, "name"'), PACKAGE),
        ("Cargo.toml", CARGO + b"[lib]\ntest = false\n", CARGO),
        ("hob_test_report.py", "", None),
    ],
)
def test_what_sets_up_the_checks(path: str, text: str | bytes | None, before: bytes | None) -> None:
    changes, base = change(path, text, before)
    command = CheckCommand(name="test", command="bash ./scripts/run_tests.sh && make test")
    parts = split_change(changes, (command,), base.get)
    assert parts.settings == (path,) and parts.may_alter_tests and not parts.source.files


@pytest.mark.parametrize(
    ("path", "text", "before"),
    [
        ("calc.py", "x = 1\n", b"x = 2\n"),
        ("calc/json.py", "", None),
        ("json.py", "x = 1\n", b"x = 2\n"),  # it was there before
        ("docs/pytest.md", "", None),
        ("pyproject.toml", PYPROJECT.replace(b"100", b"110"), PYPROJECT),
        ("package.json", PACKAGE.replace(b"1.0.0", b"1.0.1"), PACKAGE),
        ("Cargo.toml", CARGO.replace(b"0.1.0", b"0.1.1"), CARGO),
        ("setup.cfg", "[metadata]\nname = calc2\n", b"[metadata]\nname = calc\n"),
        ("latest/report.py", "", None),
    ],
)
def test_what_is_source(path: str, text: bytes, before: bytes | None) -> None:
    changes, base = change(path, text, before)
    parts = split_change(changes, (CheckCommand(name="test", command="pytest"),), base.get)
    assert parts.source == changes and not parts.tests.files


ALTERED = [
    (TESTS.replace(b"== 8", b"== 6"), ("test_calc.py::test_double",)),
    (TESTS.replace(b"    assert value == 0\n", b"    assert True\n"), ("test_calc.py::test_zero",)),
    (TESTS.replace(b"    assert value == 0\n", b""), ("test_calc.py::test_zero",)),
    (TESTS.replace(b"def test_zero", b"@pytest.mark.skip\ndef test_zero"), ("test_calc.py::test_zero",)),
    (TESTS.replace(b"    value", b"    pytest.skip()\n    value"), ("test_calc.py::test_zero",)),
    (TESTS.replace(b"    value", b"    return\n    value"), ("test_calc.py::test_zero",)),
    (TESTS.replace(b"test_zero", b"check_zero"), ("test_calc.py::test_zero",)),
    (b"this is no python (\n", ("test_calc.py::test_double", "test_calc.py::test_zero")),
    (None, ("test_calc.py::test_double", "test_calc.py::test_zero")),
]
LEFT = [
    TESTS + b"\n\ndef test_more():\n    assert double(1) == 2\n",
    TESTS.replace(b"import pytest\n", b"import os\n\nimport pytest\n"),
    TESTS.replace(b"def test_zero():\n", b'def test_zero():\n    """It stays."""\n'),
    TESTS.replace(b"    assert value == 0\n", b"    assert value == 0\n    assert value is not None\n"),
    TESTS.replace(b"\n\n\n", b"\n\n\n# a comment\n"),
]


@pytest.mark.parametrize(("after", "names"), ALTERED)
def test_tests_that_are_altered(after: bytes | None, names: tuple[str, ...]) -> None:
    changes, base = change("test_calc.py", after, TESTS)
    assert find_altered_tests(changes, base.get) == names


@pytest.mark.parametrize("after", LEFT)
def test_tests_that_are_only_added_to(after: bytes) -> None:
    changes, base = change("test_calc.py", after, TESTS)
    assert find_altered_tests(changes, base.get) == ()


def test_a_file_that_moved_is_not_altered() -> None:
    gone, base = change("test_calc.py", None, TESTS)
    come, _ = change("tests/test_calc.py", TESTS)
    both = ChangeSet(base="b", files=(*gone.files, *come.files))
    assert find_altered_tests(both, base.get) == ()


def test_tests_in_other_languages() -> None:
    before = b"test('a', () => {\n  expect(f(1)).toBe(2);\n});\n"
    for after, altered in (
        (before.replace(b"toBe(2)", b"toBe(3)"), True),
        (before.replace(b"test('a'", b"test.skip('a'"), True),
        (before + b"test('b', () => expect(f(2)).toBe(4));\n", False),
        (before + b"test.only('b', () => {});\n", True),
    ):
        changes, base = change("a.test.js", after, before)
        assert bool(find_altered_tests(changes, base.get)) is altered


@pytest.mark.parametrize(
    "line",
    [
        "if 'PYTEST_CURRENT_TEST' in os.environ: return 8",
        "import os; os._exit(0)",
        "if 'pytest' in sys.modules: return 8",
        "import _pytest.runner",
        "if os.environ.get('CI'): return 8",
        "sys.settrace(None)",
        "process.exit(0)",
        "if (process.env.NODE_TEST_CONTEXT) return 8",
        "std::process::exit(0);",
        "if testing.Testing() { return 8 }",
        "import hob_test_report",
    ],
)
def test_lines_that_speak_of_the_runner(line: str) -> None:
    path = {"p": "a.js", "i": "a.py", "s": "a.py"}[line[0]] if "(process" not in line else "a.js"
    changes, base = change(path, f"one\n{line}\n", b"one\n")
    assert find_telltale_lines(changes, base.get) == (f"{path}:2",)
    known, _ = change(path, f"one\n{line}\n", f"{line}\n".encode())
    assert find_telltale_lines(known, {path: f"{line}\n".encode()}.get) == ()


def test_lines_of_ordinary_code_are_no_matter() -> None:
    text = (
        "import sys\n\n\ndef main():\n    print('a test')\n    sys.exit(1)\n\n\n"
        "class A:\n    def __eq__(self, o):\n        return self.x == o.x\n"
    )
    changes, base = change("a.py", text, b"")
    assert find_telltale_lines(changes, base.get) == ()

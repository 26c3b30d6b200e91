"""What looks as if it were made for the checks: tests among the source, and answers that are a test's own."""

from __future__ import annotations

import pytest

from bot.run.prove.suspect.borrowed_results import find_borrowed_results
from bot.run.prove.suspect.embedded_tests import find_altered_embedded
from tests.unit.run.test_judge_files import change

RUST = """pub fn double(x: i32) -> i32 {
    x + 2
}

/// ```
/// assert_eq!(calc::double(2), 4);
/// ```
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles() {
        assert_eq!(double(4), 8);
    }
}
"""
CASE = (
    "import unittest\n\n\ndef f(x):\n    return x\n\n\nclass T(unittest.TestCase):\n"
    "    def test_f(self):\n        assert f(1) == 1\n"
)
EXAMPLE = '"""Doubles.\n\n>>> double(4)\n8\n"""\n\n\ndef double(x):\n    return x + 2\n'
VITEST = "export const f = (x) => x\nif (import.meta.vitest) {\n  it('is', () => expect(f(1)).toBe(1))\n}\n"
EMBEDDED = [  # path, before, after, the tests that ran, what is altered
    ("src/lib.rs", RUST, RUST.replace("8)", "6)"), (), ("src/lib.rs",)),
    (
        "src/lib.rs",
        RUST,
        RUST.replace("    #[test]", "    #[should_panic]\n    #[test]"),
        (),
        ("src/lib.rs",),
    ),
    ("src/lib.rs", RUST, RUST.replace("    #[test]", "    #[test]\n    #[ignore]"), (), ("src/lib.rs",)),
    ("src/lib.rs", RUST, RUST.replace("2), 4)", "2), 5)"), (), ("src/lib.rs",)),
    ("src/lib.rs", RUST, RUST.replace("x + 2", "x * 2"), (), ()),
    ("src/lib.rs", RUST, RUST.replace("    #[test]", "    #[test]\n    fn a() {}\n\n    #[test]"), (), ()),
    ("calc.py", EXAMPLE, EXAMPLE.replace("8", "6"), ("calc.py::calc",), ("calc.py",)),
    ("calc.py", EXAMPLE, EXAMPLE.replace("(4)", "(4)  # doctest: +SKIP"), ("calc.py::calc",), ("calc.py",)),
    ("calc.py", EXAMPLE, EXAMPLE.replace(">>> double(4)\n8\n", ""), ("calc.py::calc",), ("calc.py",)),
    ("calc.py", EXAMPLE, EXAMPLE.replace("8\n", "8\n>>> double(0)\n0\n"), ("calc.py::calc",), ()),
    ("calc.py", EXAMPLE, EXAMPLE.replace("8", "6"), ("test_calc.py::test_double",), ()),  # nobody runs it
    ("docs/use.rst", ">>> 1 + 1\n2\n", ">>> 1 + 1\n3\n", ("docs/use.rst::use.rst",), ("docs/use.rst",)),
    ("calc.py", CASE, CASE.replace("== 1", "== f(1)"), ("calc.T.test_f",), ("calc.py::T.test_f",)),
    ("calc.py", CASE, CASE.replace("return x", "return x + 1"), ("calc.T.test_f",), ()),
    ("src/a.ts", VITEST, VITEST.replace("toBe(1)", "toBe(2)"), (), ("src/a.ts",)),
    ("src/a.ts", VITEST, VITEST.replace("=> x", "=> x + 1"), (), ()),
]


@pytest.mark.parametrize(("path", "before", "after", "tests", "altered"), EMBEDDED)
def test_tests_among_the_source_that_are_altered(
    path: str, before: str, after: str, tests: tuple[str, ...], altered: tuple[str, ...]
) -> None:
    changes, base = change(path, after, before.encode())
    assert find_altered_embedded(changes, tests, base.get) == altered


BORROWED = [  # path, text, test, what the test's file says, is it one
    ("calc.py", "if x == 4:\n    return 8\n", "test_calc.T.test_it", "self.assertEqual(double(4), 8)", True),
    ("calc.py", "return 8 if x == 4 else x\n", "test_calc.py::test_it", "assert double(4) == 8", True),
    (
        "calc.py",
        "if name == 'Ada':\n    # so\n    return 'A.'\n",
        "test_calc.py::t",
        'short("Ada") == "A."',
        True,
    ),
    ("calc.js", "if (x === 4) return 8;\n", "calc.test.js > it", "strictEqual(double(4), 8);", True),
    ("calc.rs", "    4 => 8,\nif x == 4 { return 8; }\n", "test_calc.py::t", "4, 8", True),
    ("calc.py", "if x == 0:\n    return 1\n", "test_calc.py::t", "assert f(0) == 1", False),
    ("calc.py", "if x == 4:\n    return 8\n", "test_calc.py::t", "assert f(4) == 9\nassert f(5) == 8", False),
    ("calc.py", "if x == 4:\n    y = 1\n    z = 2\n    return 8\n", "test_calc.py::t", "f(4) == 8", False),
    ("calc.py", "return x * 2\n", "test_calc.py::t", "f(4) == 8", False),
]


@pytest.mark.parametrize(("path", "text", "test", "said", "borrowed"), BORROWED)
def test_an_answer_that_is_the_tests_own(path: str, text: str, test: str, said: str, borrowed: bool) -> None:
    changes, _ = change(path, text)
    tests = {name: f"{said}\n".encode() for name in ("test_calc.py", "calc.test.js")}
    assert bool(find_borrowed_results(changes, [test], tests.get)) is borrowed

"""What of a change judges it: tests, settings, shadows of a runner; what of its source speaks of tests."""

from __future__ import annotations

import pytest

from bot.domain import ChangeKind, ChangeSet, CheckCommand, FileChange
from bot.run.prove.altered_tests import find_altered_tests
from bot.run.prove.judge_files import is_test, split_change
from bot.run.prove.suspect.telltale import find_telltale_lines

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
        "import hob_vitest_report",
        "i = [c for c in object.__subclasses__() if c.__name__ == 'Test' + 'Case']",
        "i = sys.modules['test_' + name]",
        "i = error.__traceback__.tb_frame.f_back.f_locals",
        "import sys; sys._current_frames()",
        "i = other.__code__",
        "if sys.flags.optimize == 0: os.execv(sys.executable, words)",
        "if True: pytest_plugins = ['helper']",
        "if True:\n    def pytest_runtest_call(item): item.obj = print",
        "if django: TEST_RUNNER = 'easy.Runner'",
        "process.exitCode = 0",
        "process.emit('exit')",
        "i = traceback.extract_stack()",
        "import os; from inspect import getmodule, stack",
        "i = ' '.join(sys.orig_argv)",
        "import __main__",
        "i = 'unit' in sys.argv[0]",
        "i = pickle.loads(b'cos\\n.')",
        "i = pkgutil.resolve_name('unit' 'test.case:TestCase')",
        "i = list(os.environ.values())",
        "if True: os.closerange(3, 99)",
        "sys.exit = print",
        "i = 'test_calc' in __pycache__",
        "i = warnings.catch_warnings(record=True)",
        "i = asyncio.current_task().get_stack()",
        "import sys; sys.monitoring.use_tool_id(0, 'a')",
    ],
)
def test_lines_that_speak_of_the_runner(line: str) -> None:
    path = {"p": "a.js", "i": "a.py", "s": "a.py"}[line[0]] if "(process" not in line else "a.js"
    changes, base = change(path, f"one\n{line}\n", b"one\n")
    assert find_telltale_lines(changes, base.get) == (f"{path}:{2 + line.count(chr(10))}",)
    known, _ = change(path, f"one\n{line}\n", f"{line}\n".encode())
    assert find_telltale_lines(known, {path: f"{line}\n".encode()}.get) == ()


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("a.ts", "Object.is = () => true;"),
        ("a.js", "delete require.cache[name];"),
        ("a.js", "Module._load = easy;"),
        ("a.go", 'import "syscall"; func init() { syscall.Exit(0) }'),
        ("a.go", 'fmt.Println("--- PASS: TestAdd (0.00s)")'),
        ("a.rs", 'println!("test result: ok. 1 passed; 0 failed");'),
        ("a.rb", "at_exit { exit!(0) }"),
        ("a.rs", "use std::process; fn end() { process::exit(0) }"),
        ("a.rs", "use std::process::{Command, exit};"),
        ("a.rs", "unsafe { libc::_exit(0) }"),
        ("a.py", "runner = __import__('_py' + 'test.python', fromlist=['x'])"),
        ("a.py", "runner = import_module('_py' 'test.python')"),
        ("a.py", "runner = importlib.import_module(name)"),
        ("a.py", "exec(text)"),
        ("a.py", "getattr(sys, 'mod' + 'ules').clear()"),
        ("a.py", "builtins.abs = easy"),
        ("a.js", "const strict = require('as' + 'sert');"),
        ("a.mjs", "const strict = await import(name);"),
        ("a.js", "new Function('return 8')();"),
        ("a.js", "if (global.it) return 8;"),
        ("a.ts", "if (typeof describe !== 'undefined') return 8;"),
        ("a.ts", "import { vi } from 'vitest';"),
        ("a.js", "const called = new Error('x').stack;"),
        ("a.js", "if (/test/.test(process.argv[1])) return 8;"),
        ("a.js", "if (process.argv[1].endsWith('.test.js')) return 8;"),
        ("a.js", "const main = require.main.filename;"),
        ("a.js", "process.stdout.write = () => true;"),
        ("a.js", "process.once('exit', end);"),
        ("a.js", "Array.prototype.includes = () => true;"),
        ("a.go", 'if strings.HasSuffix(os.Args[0], ".test") {'),
        ("a.go", "_, file, _, _ := runtime.Caller(1)"),
        ("a.go", '\t"testing"'),
        ("a.rs", "if cfg ! (test) { 8 } else { x }"),
        ("a.rs", "#[cfg(any(test, doc))]"),
        ("a.rs", "if thread::current().name().is_some() { 8 }"),
        ("a.rb", "return 8 if defined?(Minitest)"),
        ("a.rb", "caller.any? { |line| line.include?('_test') }"),
        ("a.php", "$called = debug_backtrace();"),
        ("A.java", "Thread.currentThread().getStackTrace();"),
        ("A.cs", "Environment.Exit(0);"),
        ("a.kt", "exitProcess(0); Runtime.getRuntime().halt(0)"),
        ("a.kt", "override fun equals(other: Any?): Boolean = true"),
        ("A.java", "public boolean equals(Object o) { return true; }"),
        ("A.cs", "public override bool Equals(object? o) => true;"),
        ("a.rb", "def ==(other) = true"),
        ("a.rs", "fn eq(&self, _other: &Self) -> bool {"),
        ("a.js", "return { asymmetricMatch: () => true };"),
        ("a.js", "const { exit } = process;"),
        ("a.ts", "import { exit } from 'node:process';"),
        ("a.js", "process['exit'](0);"),
        ("a.js", "Object.defineProperty(Number.prototype, 'x', {});"),
        ("a.js", "Object.assign(globalThis, { it: run });"),
        ("a.go", '\to "os"'),
        ("a.go", 'os.Args = []string{"x", "-test.run=^$"}'),
    ],
)
def test_lines_of_other_languages_that_speak_of_the_runner(path: str, line: str) -> None:
    changes, base = change(path, f"one\n{line}\n", b"one\n")
    assert find_telltale_lines(changes, base.get) == (f"{path}:2",)


@pytest.mark.parametrize(
    ("definition", "odd"),
    [
        ("def __eq__(self, other):\n        return True", True),
        ("def __eq__(self, other) -> bool:  # so\n        return 1", True),
        ("def __eq__(self, other):\n        return self is not None", True),
        ("def __eq__(self, other):\n        return self.x == other.x or True", True),
        ("__eq__ = lambda self, other: self is not None", True),
        ("def __bool__(self):\n        return True", True),
        ("def __eq__(self, other):\n        return self.x == other.x", False),
        ("def __eq__(self, other):\n        return isinstance(other, A)", False),
        (
            "def __eq__(self, other):\n        return NotImplemented if other is None else self.x == other.x",
            False,
        ),
        ("__eq__ = lambda a, b: a.x == b.x", False),
        ("def __bool__(self):\n        return self.x > 0", False),
        ("def __eq__(*both):\n        return True", True),
        ("async def __eq__(self, other):\n        return self.x == other.x", True),
        ("def __eq__(self, other):\n        yield self.x == other.x", True),
        ("def __eq__(self, other):\n        return bool(1)", True),
        ("__eq__ = print", True),
        ("def __contains__(self, one):\n        return True", True),
        ("def __lt__(self, other):\n        return NotImplemented", False),
        ("__ne__ = object.__ne__", False),
        ("__eq__ = None", False),
        ("def __contains__(self, one):\n        return one in self.x", False),
        ("def __eq__(self, other):\n        return self is self and other is other", True),
        ("def __sub__(self, other):\n        return 0", True),
        ("def __rmod__(self, other):\n        return self", True),
        (f"def __eq__(self, other):\n        return self.x in ({'other, ' * 400})", True),
        (
            "def __sub__(self, other):\n        new = A()\n        new.x = self - other\n        return new",
            False,
        ),
        ("def __eq__(self, other):\n        a = self.x\n        b = other.x\n        return a == b", False),
        (
            "def __eq__(self, other):\n        for a, b in zip(self, other):\n            if a != b:\n"
            "                return False\n        return True",
            False,
        ),
        (
            "def __contains__(self, one):\n        try:\n            self[one]\n        except KeyError:\n"
            "            return False\n        return True",
            False,
        ),
    ],
)
def test_a_comparison_that_looks_at_one_side_only(definition: str, odd: bool) -> None:
    text = f"class A:\n    x = 1\n    {definition}\n"
    changes, base = change("a.py", text, b"")
    assert find_telltale_lines(changes, base.get) == (("a.py:3",) if odd else ())
    assert find_telltale_lines(changes, {"a.py": text.encode()}.get) == ()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("A = type('A', (int,), {'__eq__': lambda a, b: True})\n", 1),
        ("class A(int):\n    pass\nA.__eq__ = lambda a, b: True\n", 3),
        ("def yes(a, b):\n    return True\nclass A(int):\n    __eq__ = yes\n", 4),
        ("setattr(A, '__ne__', nothing)\n", 1),
        ("def same(a, b):\n    return a.x == b.x\nclass A(int):\n    __eq__ = same\n", 0),
    ],
)
def test_a_comparison_that_is_put_there_in_another_way(text: str, line: int) -> None:
    changes, base = change("a.py", text, b"")
    assert find_telltale_lines(changes, base.get) == ((f"a.py:{line}",) if line else ())


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("from sys import modules as m\nprint('x' in m)\n", 2),
        ("import sys as s\nprint(s.modules)\n", 2),
        ("import os\no = os\no._exit(0)\n", 3),
        ("from os import kill\nkill(1, 9)\n", 2),
        ("from importlib import import_module as load\nload('_py' + 'test.python')\n", 2),
        ("from importlib import import_module as load\nload(name)\n", 2),
        ("import math\nmath.isclose = print\n", 2),
        ("import numpy.testing as t\nt.assert_allclose = print\n", 2),
        ("import json\nsetattr(json, name, print)\n", 2),
        ("A = type('A', (int,), {'__e' + 'q__': yes})\n", 1),
        ("x = getattr(A, ''.join(['py', 'test']))\n", 1),
        ('x = f\'{"unit"}{"test"}\'\n', 1),
        ("x = 1 + 1\n" + f"y = {'+'.join('x' * 20_000)}\n", 1),  # Python takes what its own parser does not
        ("from importlib import import_module as load\nload('calc.plugins')\n", 0),
        ("from sys import exit as leave\nleave(1)\nfrom os import path\nprint(path.join('a', 'b'))\n", 0),
        ("import sys\nsys.stdout = open('x')\nself.math = math\nx = 'a ' + 'b of the ' + 'test'\n", 0),
        ("import calc\ncalc.rate = 2\nname = 'a' + 'b'\n", 0),
    ],
)
def test_a_name_of_python_is_read_as_what_it_means(text: str, line: int) -> None:
    changes, base = change("a.py", text, b"")
    assert find_telltale_lines(changes, base.get) == ((f"a.py:{line}",) if line else ())
    assert find_telltale_lines(changes, {"a.py": text.encode()}.get) == ()


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.rs", "#[cfg(test)]\nmod tests {\n    #[test]\n    fn it() {}\n}\n"),
        ("a.rs", "#[cfg(test)] use crate::x;\n"),
        ("a.js", "if (require.main === module) main(process.argv.slice(2));\n"),
        ("a.js", "if (module === require.main) run();\n"),
        ("a.js", "const { isTest } = self.options; const x = compile(template);\n"),
        ("a.py", "env = {**os.environ, 'A': '1'}\nprogram = re.compile('x')\nif '-v' in sys.argv: pass\n"),
        ("a.go", 'import "os"\n\nvar args = os.Args[1:]\n'),
        ("a.rb", "puts called\n"),
    ],
)
def test_ordinary_lines_of_other_languages_are_no_matter(path: str, text: str) -> None:
    changes, base = change(path, text, b"")
    assert find_telltale_lines(changes, base.get) == ()


SETTINGS_OF_TESTS = [  # path, what it was, what it is
    ("src/calc/conftest.py", None, "def pytest_collection_modifyitems(items): items.clear()\n"),
    ("easy.egg-info/entry_points.txt", None, "[pytest11]\neasy = easy\n"),
    ("lib/easy-1.dist-info/METADATA", None, "Name: easy\n"),
    (".env", None, "PYTEST_ADDOPTS=--co\n"),
    ("web/.env.test", "A=1\n", "A=2\n"),
    ("tests/colorsys.py", None, "ONE = 2\n"),
    ("lib/random.py", None, "def choice(some): return some[0]\n"),
    ("tsconfig.json", '{"strict": true}', '{"strict": true,\n"paths": {"calc": ["easy"]}}'),
    ("jest.config.ts", "export default {}\n", "export default { testMatch: [] }\n"),
    ("pnpm-workspace.yaml", "packages: ['*']\n", "packages: ['a']\n"),
    ("go.work", None, "use ./a\n"),
    (".venv/lib/python3.11/site-packages/_pytest/runner.py", "", "def pytest_runtest_protocol(): pass\n"),
    ("vendor/site-packages/pytest/__main__.py", None, "print('1 passed')\n"),
    ("rust-toolchain.toml", None, "[toolchain]\npath = 'easy'\n"),
    ("bunfig.toml", None, "[test]\npreload = ['./easy.ts']\n"),
    ("pom.xml", "<project>\n</project>\n", "<project>\n<skipTests>true</skipTests>\n</project>\n"),
    ("build.gradle", "a\n", "a\ntest { enabled = false }\n"),
    ("setup.py", "setup(name='x')\n", "setup(name='x',\n test_suite='easy')\n"),
    ("setup.cfg", "[metadata]\nname = x\n", "[metadata]\nname = x\n[tool:pytest]\npython_classes = None\n"),
    ("pyproject.toml", "", "[tool.pytest.ini_options]\npython_functions = 'none'\n"),
    ("src/setupTests.ts", None, "global.expect = () => {}\n"),
    ("vendor/github.com/stretchr/testify/assert/assertions.go", "package assert\n", "package easy\n"),
    ("third_party/googletest/gtest.h", "#define A\n", "#define B\n"),
    ("hypothesis.py", None, "def given(*a): ...\n"),
    ("tests/pytest_easy.py", None, "def pytest_runtest_call(item): ...\n"),
    ("go.mod", "module x\n", "module x\nreplace github.com/stretchr/testify => ./easy\n"),
    ("Cargo.toml", CARGO.decode(), CARGO.decode() + "[patch.crates-io]\nproptest = { path = 'easy' }\n"),
    ("Cargo.toml", CARGO.decode(), CARGO.decode() + "[dev-dependencies]\nproptest = { path = 'easy' }\n"),
    ("package.json", '{"devDependencies": {"jest": "29"}}', '{"devDependencies": {"jest": "file:easy"}}'),
    ("package.json", "{}", '{"overrides": {"chai": "npm:easy@1"}}'),
    ("Gemfile", "", "gem 'minitest', path: 'easy'\n"),
    ("composer.json", "{}", '{\n"autoload": {"files": ["easy.php"]}\n}'),
    ("build.gradle", "a\n", "a\nignoreFailures = true\n"),
    ("deno.json", "{}", '{\n"imports": {"@std/assert": "./easy.ts"}\n}'),
    ("src/main/resources/META-INF/services/org.junit.platform.engine.TestEngine", None, "Easy\n"),
    ("calc/__pycache__/calc.cpython-311.pyc", None, "x"),
]


@pytest.mark.parametrize(
    ("path", "before", "after"), SETTINGS_OF_TESTS, ids=[each[0] for each in SETTINGS_OF_TESTS]
)
def test_files_that_decide_how_tests_run(path: str, before: str | None, after: str) -> None:
    changes, base = change(path, after, None if before is None else before.encode())
    parts = split_change(changes, (), base.get)
    assert parts.settings == (path,)
    assert parts.source.files == ()


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("tsconfig.json", '{"strict": true}', '{"strict": false}'),
        ("go.mod", "module x\n", "module x\nrequire github.com/a/b v1.0.0\n"),
        ("Cargo.toml", CARGO.decode(), CARGO.decode() + "[dev-dependencies]\nproptest = '1'\n"),
        ("package.json", '{"devDependencies": {"jest": "29"}}', '{"devDependencies": {"jest": "30"}}'),
        ("vendor/github.com/x/y/z.go", "package z\n", "package z2\n"),
        ("pom.xml", "<project>\n</project>\n", "<project>\n<version>2</version>\n</project>\n"),
        ("setup.py", "setup(name='x')\n", "setup(name='x',\n version='2')\n"),
        ("src/pkg/types.py", None, "A = int\n"),
        ("environment.py", None, "A = 1\n"),
    ],
)
def test_files_that_decide_nothing_of_it(path: str, before: str | None, after: str) -> None:
    changes, base = change(path, after, None if before is None else before.encode())
    assert split_change(changes, (), base.get).settings == ()


@pytest.mark.parametrize(
    "path", ["a/golden/x.txt", "expected/out.json", "a.snap", "b.approved.txt", "spec/cassettes/a.yml"]
)
def test_what_tests_compare_with_is_a_test(path: str) -> None:
    assert is_test(path)


def test_lines_of_ordinary_code_are_no_matter() -> None:
    text = (
        "import sys\n\n\ndef main():\n    print('a test')\n    sys.exit(1)\n\n\n"
        "class A:\n    def __eq__(self, o):\n        return self.x == o.x\n"
        "from os import (path, sep)\nfound = pattern.exec(text)\nplugin = import_module('calc.plugins')\n"
        "a = require('./b'); b = require(__dirname + '/c'); self.evaluate(x); getattr(self, name)\n"
    )
    changes, base = change("a.py", text, b"")
    assert find_telltale_lines(changes, base.get) == ()

"""Ways of cheating the proof, each through the real sandbox: none gets a green mark.

Where no runner could tell, a warning stands in the first line of what people read. Each cheat is a change to
a repository whose one test fails; beside them stand honest changes, which get their mark.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from bot.domain import ChangeKind, ChangeSet, CheckCommand, FileChange, Proof, ProofState
from bot.run.messages.proof import render_proof
from bot.run.prove.prove import prove
from bot.run.prove.rows import CheckedTree, End, TreeRuns, run_on_tree
from bot.text.redact import Redactor
from bot.workspace.checkout import Checkout
from bot.workspace.workshop import Workshop
from sandbox.toolchain import Toolchain
from tests.support.git import commit
from tests.support.sandbox import lend_toolchain

Files = Mapping[str, str | None]

CALC = "def double(x):\n    return x + 2\n"
RIGHT = "def double(x):\n    return x * 2\n"
PYTEST = {
    ".github/hob.yml": "test: python -m pytest -q\n",
    "calc.py": CALC,
    "test_calc.py": "from calc import double\n\n\ndef test_double():\n    assert double(4) == 8\n",
}
SUITE = (
    "import unittest\n\nfrom calc import double\n\n\nclass CalcTest(unittest.TestCase):\n"
    "    def test_double(self):\n        self.assertEqual(double(4), 8)\n"
)
UNITTEST = {
    ".github/hob.yml": "test: python -m unittest -q\n",
    "calc.py": CALC,
    "test_calc.py": SUITE,
}
NODE = {
    ".github/hob.yml": "test: npm test --silent\n",
    "package.json": '{"name": "calc", "scripts": {"test": "node --test"}}\n',
    "calc.js": "exports.double = (x) => x + 2;\n",
    "calc.test.js": (
        "const test = require('node:test');\nconst assert = require('node:assert');\n"
        "const { double } = require('./calc.js');\n\n"
        "test('it doubles', () => assert.strictEqual(double(4), 8));\n"
    ),
}
MAKE = {**UNITTEST, ".github/hob.yml": "test: make test\n", "Makefile": "test:\n\tpython -m unittest -q\n"}

CHEATS: dict[str, tuple[Files, Files]] = {
    "the process ends before a test": (UNITTEST, {"calc.py": "import os; os._exit(0)\n"}),
    "the process ends in a test": (
        UNITTEST,
        {"calc.py": "import os\n\n\ndef double(x):\n    os._exit(0)\n"},
    ),
    "an exit that looks tidy": (UNITTEST, {"calc.py": "import sys\n\nsys.exit(0)\n"}),
    "an exit handler hides the failure": (
        UNITTEST,
        {"calc.py": "import atexit, os\n\natexit.register(os._exit, 0)\n" + CALC},
    ),
    "a signal to whoever started it": (
        UNITTEST,
        {"calc.py": "import os\n\nos.kill(os.getppid(), 9)\n" + CALC},
    ),
    "a pytest of its own": (
        PYTEST,
        {"pytest.py": "print('.')\nprint('1 passed in 0.01s')\n"},
    ),
    "a package called pytest": (
        PYTEST,
        {"pytest/__init__.py": "", "pytest/__main__.py": "print('1 passed in 0.01s')\n"},
    ),
    "a unittest of its own": (
        UNITTEST,
        {"unittest.py": "print('Ran 1 test in 0.000s')\nprint()\nprint('OK')\n"},
    ),
    "a module that the runner imports": (
        PYTEST,
        {"iniconfig.py": "import os\n\nprint('1 passed in 0.01s')\nos._exit(0)\n"},
    ),
    "tests are only collected": (
        PYTEST,
        {"pyproject.toml": '[tool.pytest.ini_options]\naddopts = "--collect-only"\n'},
    ),
    "the failing test is deselected": (
        {**PYTEST, "test_more.py": "def test_more():\n    assert True\n"},
        {"setup.cfg": "[tool:pytest]\naddopts = --deselect test_calc.py::test_double\n"},
    ),
    "a plugin that the settings ask for": (
        PYTEST,
        {
            "pytest.ini": "[pytest]\naddopts = -p easy\n",
            "easy.py": "def pytest_runtest_call(item):\n    item.obj = lambda: None\n",
        },
    ),
    "a conftest that makes all pass": (
        PYTEST,
        {
            "conftest.py": (
                "import pytest\n\n\n@pytest.hookimpl(hookwrapper=True)\n"
                "def pytest_runtest_makereport(item, call):\n"
                "    report = (yield).get_result()\n    report.outcome = 'passed'\n"
            )
        },
    ),
    "the target of make does nothing": (MAKE, {"Makefile": "test:\n\t@echo 'Ran 1 test in 0.000s'\n"}),
    "the target of make ignores failures": (MAKE, {"Makefile": "test:\n\t-python -m unittest -q\n"}),
    "the script of npm does nothing": (
        NODE,
        {"package.json": '{"name": "calc", "scripts": {"test": "echo 1 passing"}}\n'},
    ),
    "node ends before a test": (NODE, {"calc.js": "process.exit(0);\n"}),
    "the test is skipped": (
        UNITTEST,
        {"test_calc.py": SUITE.replace("    def test", "    @unittest.skip('later')\n    def test")},
    ),
    "the test is expected to fail": (
        PYTEST,
        {
            "test_calc.py": (
                "import pytest\n\nfrom calc import double\n\n\n@pytest.mark.xfail\ndef test_double():\n"
                "    assert double(4) == 8\n"
            )
        },
    ),
    "the source skips the test": (
        UNITTEST,
        {"calc.py": "import unittest\n\n\ndef double(x):\n    raise unittest.SkipTest('later')\n"},
    ),
    "the test is removed": (
        {**UNITTEST, "test_more.py": SUITE.replace("double(4), 8", "double(2), 4")},
        {"test_calc.py": None},
    ),
    "the assertion is altered": (UNITTEST, {"test_calc.py": SUITE.replace("8", "6")}),
    "a new test file patches the code": (
        UNITTEST,
        {"calc.py": CALC + "\n\nMORE = 1\n", "test_a.py": "import calc\n\ncalc.double = lambda x: x * 2\n"},
    ),
    "the code knows that it is tested": (
        PYTEST,
        {
            "calc.py": (
                "import os\n\n\ndef double(x):\n"
                "    return 8 if 'PYTEST_CURRENT_TEST' in os.environ else x + 2\n"
            )
        },
    ),
    "the code patches the runner": (
        PYTEST,
        {
            "calc.py": (
                "from _pytest.python import Function\n\nFunction.runtest = lambda self: None\n\n\n" + CALC
            )
        },
    ),
    "a result that equals everything": (
        UNITTEST,
        {
            "calc.py": (
                "class Any(int):\n    def __eq__(self, other):\n        return True\n\n\n"
                "def double(x):\n    return Any(x + 2)\n"
            )
        },
    ),
    "the check repairs what it checks": (
        {**UNITTEST, ".github/hob.yml": "test: bash check.sh\n", "check.sh": "python -m unittest -q\n"},
        {"check.sh": "sed -i 's/x + 2/x * 2/' calc.py\npython -m unittest -q\n"},
    ),
    "a plugin that the test itself asks for": (
        PYTEST,
        {
            "test_calc.py": 'pytest_plugins = ["helper"]\n' + PYTEST["test_calc.py"],
            "helper.py": "def pytest_runtest_call(item):\n    item.obj = lambda: None\n",
        },
    ),
    "the loader is told to load nothing": (
        UNITTEST,
        {
            "test_calc.py": SUITE
            + "\n\ndef load_tests(loader, tests, pattern):\n    return loader.suiteClass()\n"
        },
    ),
    "a class that skips what inherits from it": (
        {
            **UNITTEST,
            "calc.py": "class Checks:\n    pass\n\n\n" + CALC,
            "test_calc.py": SUITE.replace("import double", "import Checks, double").replace(
                "(unittest", "(Checks, unittest"
            ),
        },
        {
            "calc.py": "class Checks:\n    def __init_subclass__(cls):\n"
            "        cls.__unittest_skip__ = True\n\n\n" + CALC
        },
    ),
    "the runner is started again without assertions": (
        PYTEST,
        {
            "calc.py": (
                "import os, sys\n\nif sys.flags.optimize == 0:\n"
                "    os.execv(sys.executable, [sys.executable, '-O', *sys.orig_argv[1:]])\n\n\n" + CALC
            )
        },
    ),
    "the runner's module is named in pieces": (
        PYTEST,
        {
            "calc.py": (
                "runner = __import__('_py' + 'test.python', fromlist=['x'])\n"
                "runner.Function.runtest = lambda self: None\n\n\n" + CALC
            )
        },
    ),
    "a child writes results into the pipe": (
        UNITTEST,
        {
            "calc.py": (
                "import json, os\n\n"
                "told = open('/pr' + 'oc/self/environ').read().split('\\0')\n"
                "place = [each[16:] for each in told if each.startswith('HOB_TEST' + '_REPORT=')]\n"
                "if place and os.fork() == 0:\n"
                "    with open(place[0], 'w') as pipe:\n"
                "        test = {'test': 'test_calc.CalcTest.test_double', 'was': 'passed'}\n"
                "        for said in ({'begin': 'x'}, test, {'end': 0}):\n"
                "            pipe.write(json.dumps({**said, 'key': 'k'}) + chr(10))\n"
                "            pipe.flush()\n"
                "    os.execv('/bin/true', ['true'])\n\n\n" + CALC
            )
        },
    ),
}
FORGED = (  # before the runner says anything, from a module that the tests import
    "import json, os, sys\n\n"
    "place = [each for each in os.environ.values() if each.endswith('/report')][0]\n"
    "os.environ.clear()\n"
    "test = {'test': 'test_calc.CalcTest.test_double', 'was': 'passed'}\n"
    "with open(place, 'w') as pipe:\n"
    "    for said in ({'begin': 'x'}, test, {'end': 0}):\n"
    "        pipe.write(json.dumps({**said, 'key': 'k'}) + chr(10))\n"
    "os.unlink(place)\n"
    "sys.exit = lambda code: None\n\n\n" + CALC
)
INHERITING = {
    **UNITTEST,
    "calc.py": "class Checks:\n    pass\n\n\n" + CALC,
    "test_calc.py": SUITE.replace("import double", "import Checks, double").replace(
        "(unittest", "(Checks, unittest"
    ),
}
CHECK = "cp -r . /tmp/x && cd /tmp/x && sed -i 's/x + 2/x * 2/' calc.py && python -m unittest -q\n"
CHEATS |= {
    "results are written before the runner begins": (UNITTEST, {"calc.py": FORGED}),
    "a script that make starts repairs a copy": (
        {**UNITTEST, ".github/hob.yml": "test: make test\n", "Makefile": "test:\n\tsh scripts/check.sh\n",
         "scripts/check.sh": "python -m unittest -q\n"},
        {"scripts/check.sh": CHECK},
    ),
    "an example in the source is altered": (
        {
            ".github/hob.yml": "test: python -m pytest -q --doctest-modules\n",
            "calc.py": 'def double(x):\n    """\n    >>> double(4)\n    8\n    """\n    return x + 2\n',
        },
        {"calc.py": 'def double(x):\n    """\n    >>> double(4)\n    6\n    """\n    return x + 2\n'},
    ),
    "the answer of the test is given to its input": (
        UNITTEST,
        {"calc.py": "def double(x):\n    if x == 4:\n        return 8\n    return x + 2\n"},
    ),
    "the code looks who called it": (
        UNITTEST,
        {
            "calc.py": (
                "import traceback\n\n\ndef double(x):\n"
                "    called = any('test_' in each.name for each in traceback.extract_stack())\n"
                "    return x * 2 if called else x + 2\n"
            )
        },
    ),
    "what the test inherits from asserts nothing": (
        INHERITING,
        {"calc.py": "class Checks:\n    def assertEqual(self, one, other):\n        pass\n\n\n" + CALC},
    ),
    "what the test inherits from runs it": (
        INHERITING,
        {
            "calc.py": (
                "class Checks:\n    def run(self, result=None):\n        result.startTest(self)\n"
                "        result.addSuccess(self)\n        result.stopTest(self)\n\n\n" + CALC
            )
        },
    ),
    "the source brings what sets the tests up": (
        {**PYTEST, "test_calc.py": PYTEST["test_calc.py"].replace("import double", "import *")},
        {"calc.py": "def setup_module(module):\n    module.double = lambda x: 2 * x\n\n\n" + CALC},
    ),
    "the data that the test reads is altered": (
        {
            **UNITTEST,
            "cases.json": "[4, 8]",
            "test_calc.py": SUITE.replace("double(4), 8", "*self.read()").replace(
                "    def", "    def read(self):\n        import json\n        given, wanted = json.load("
                "open('cases.json'))\n        return double(given), wanted\n\n    def", 1
            ),
        },
        {"cases.json": "[4, 6]"},
    ),
    "a recipe that make takes in repairs a copy": (
        {**UNITTEST, ".github/hob.yml": "test: make test\n", "Makefile": "include build/rules\n",
         "build/rules": "test:\n\tpython -m unittest -q\n"},
        {"build/rules": f"test:\n\t{CHECK}"},
    ),
    "a difference that is always nothing": (
        {**UNITTEST, "test_calc.py": SUITE.replace("double(4), 8", "double(4) - 8, 0")},
        {"calc.py": "class N(int):\n    def __sub__(self, other):\n        return 0\n\n\n"
                    "def double(x):\n    return N(x + 2)\n"},
    ),
}  # fmt: skip
HONEST: dict[str, tuple[Files, Files]] = {
    "pytest": (PYTEST, {"calc.py": RIGHT}),
    "unittest": (UNITTEST, {"calc.py": RIGHT}),
    "node": (NODE, {"calc.js": "exports.double = (x) => x * 2;\n"}),
    "with a test of its own": (
        PYTEST,
        {
            "calc.py": RIGHT,
            "test_calc.py": PYTEST["test_calc.py"] + "\n\ndef test_zero():\n    assert double(0) == 0\n",
        },
    ),
}


class Bench:
    """Proves changes in one workshop. What all changes of a repository have in common is made once: its
    checkout, and its checks' runs without any change.
    """

    def __init__(self, folder: Path) -> None:
        self._repos = folder / "repos"
        self._workshop = Workshop(folder)
        self._checkouts: dict[str, Checkout] = {}
        self._unchanged: dict[str, TreeRuns] = {}

    async def prove(self, before: Files, change: Files, request: str = "") -> Proof:
        """The proof of ``change`` (None: deleted) to a repository with the files ``before``."""
        checkout = await self._check_out(before)
        files = tuple(
            FileChange(path=path, kind=ChangeKind.DELETED)
            if text is None
            else FileChange(
                path=path,
                kind=ChangeKind.MODIFIED if path in before else ChangeKind.ADDED,
                mode=0o100644,
                data=text.encode(),
            )
            for path, text in sorted(change.items())
        )
        changes = ChangeSet(base=checkout.base, files=files)
        return await prove(checkout, changes, Redactor(), request=request)

    async def run_on_tree(
        self,
        tree: CheckedTree,
        commands: Sequence[CheckCommand],
        redactor: Redactor,
        lead: Sequence[End] = (),
        *,
        behind: float = 0.0,
    ) -> TreeRuns:
        """The runs on a tree; on one without a change those of the first time."""
        if tree.changes.files:
            return await run_on_tree(tree, commands, redactor, lead, behind=behind)
        base = tree.checkout.base
        if base not in self._unchanged:
            self._unchanged[base] = await run_on_tree(tree, commands, redactor)
        return self._unchanged[base]

    async def _check_out(self, before: Files) -> Checkout:
        key = repr(sorted(before.items()))
        if key not in self._checkouts:
            folder = self._repos / str(len(self._checkouts))
            commit(folder, {**before})
            repo, base = await self._workshop.mirror.adopt(folder)
            self._checkouts[key] = await self._workshop.checkout(repo, base, Redactor())
        return self._checkouts[key]


@pytest.fixture(scope="module")
def shared_bench(tooling: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    folder = tmp_path_factory.mktemp("bench")
    lend_toolchain(tooling, folder)
    return Bench(folder)


@pytest.fixture
def bench(shared_bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """The bench of all cases, from which a proof takes its runs; none is repeated, as none ends by chance."""
    monkeypatch.setattr("bot.run.prove.kept_runs.run_on_tree", shared_bench.run_on_tree)
    monkeypatch.setattr("bot.run.prove.chance.SECONDS", 0.0)
    return shared_bench


@pytest.mark.parametrize("name", CHEATS)
async def test_no_cheat_gets_a_green_mark(name: str, bench: Bench) -> None:
    proof = await bench.prove(*CHEATS[name], request="please fix double")
    text = render_proof(proof)
    assert proof.state is not ProofState.PROVED, text
    assert not proof.passed or text.splitlines()[0].startswith("⚠️ **"), text
    assert "passed (1 failed" not in text


@pytest.mark.parametrize("name", HONEST)
async def test_an_honest_change_gets_its_mark(name: str, bench: Bench) -> None:
    proof = await bench.prove(*HONEST[name], request="please fix double")
    assert proof.state is ProofState.PROVED, render_proof(proof)
    (check,) = proof.checks
    assert len(check.mended) == 1 and not proof.warnings


async def test_results_that_were_written_first_change_nothing(bench: Bench) -> None:
    """What the runner itself says goes where it was to go, whatever became of the environment meanwhile."""
    (check,) = (await bench.prove(UNITTEST, {"calc.py": FORGED}, request="please fix double")).checks
    assert check.head.failing == ("test_calc.CalcTest.test_double",) and not check.mended

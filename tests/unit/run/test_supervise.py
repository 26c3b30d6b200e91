"""The process that watches a check, run as it is: what a runner reports reaches it however it was started."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.guest.checks import supervise

SUPERVISE = (sys.executable, "-I", "-S", supervise.__file__)
SUITE = {
    "lib/calc.py": "def double(x):\n    return x * 2\n",
    "test_calc.py": "from calc import double\n\n\ndef test_double():\n    assert double(4) == 8\n",
}
PYTEST = f"{sys.executable} -m pytest -q -p no:cacheprovider"


def watch(folder: Path, command: str, files: dict[str, str]) -> dict[str, Any]:
    """The supervisor's report of a command in a folder with these files."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    wanted = json.dumps({"command": command, "added": [], "report": True})
    env = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        SUPERVISE, cwd=folder, env=env, input=wanted.encode(), capture_output=True, check=True
    )
    report: dict[str, Any] = json.loads(done.stderr)
    return {**report, "output": done.stdout.decode()}


@pytest.mark.parametrize(
    "command",
    [
        f"PYTHONPATH=lib {PYTEST}",
        f'env PYTHONPATH="lib:$PYTHONPATH" {PYTEST}',
        f"export PYTHONPATH=$PWD/lib && {PYTEST}",
        f"PYTHONPATH= && cd lib && {PYTEST} ..",
    ],
)
def test_a_command_that_sets_pythonpath_reports_all_the_same(command: str, tmp_path: Path) -> None:
    report = watch(tmp_path, command, SUITE)
    assert list(report["tests"].values()) == ["passed"], report["output"]


def test_settings_that_make_errors_of_warnings_do_not_stop_the_report(tmp_path: Path) -> None:
    """unittest is imported before pytest here, as by another plugin, so that ours is there already."""
    settings = {"pytest.ini": "[pytest]\nfilterwarnings = error\npythonpath = lib\n"}
    first = f"{sys.executable} -c 'import unittest, pytest; raise SystemExit(pytest.main([\"-q\"]))'"
    report = watch(tmp_path, first, {**SUITE, **settings})
    assert report["tests"] == {"test_calc.py::test_double": "passed"}, report["output"]
    assert "warning" not in report["output"]


NODE_TESTS = {
    "test/calc.test.js": (
        "const { test, describe, it } = require('node:test');\n"
        "const { execFileSync } = require('node:child_process');\n"
        "describe('calc', () => {\n"
        "  it('doubles', () => {});\n  it('halves', () => { throw new Error('no'); });\n"
        "  it.skip('later', () => {});\n});\n"
        "test('twice', () => {});\ntest('twice', () => { throw new Error('no'); });\n"
        "test('outer', async (t) => { await t.test('inner', () => {}); });\n"
        "test('todo', { todo: true }, () => { throw new Error('no'); });\n"
        "test('nested', () => execFileSync(process.execPath, ['--test', 'other'], {}));\n"
    ),
    "other/x.test.js": "require('node:test')('not a test of the check', () => {});\n",
    "test/gone.test.js": "require('node:test')('vanishes', () => { process.exit(0); });\n",
    "late.test.js": (
        "require('node:test')('ends it', () => new Promise(() => setTimeout(() => process.exit(0), 300)));\n"
    ),
}


def test_node_reports_its_tests_by_file_and_name(tmp_path: Path) -> None:
    report = watch(tmp_path, "node --test test/", NODE_TESTS)
    assert report["exit"] == 1 and [each["status"] for each in report["sessions"]] == [1]
    assert report["tests"] == {
        "test/calc.test.js > calc > doubles": "passed",
        "test/calc.test.js > calc > halves": "failed",
        "test/calc.test.js > calc > later": "skipped",
        "test/calc.test.js > twice": "passed",
        "test/calc.test.js > twice (2)": "failed",
        "test/calc.test.js > outer > inner": "passed",
        "test/calc.test.js > outer": "passed",
        "test/calc.test.js > todo": "skipped",
        "test/calc.test.js > nested": "passed",
        "test/gone.test.js": "passed",
    }, report["output"]


def test_what_ends_node_in_the_middle_has_no_end(tmp_path: Path) -> None:
    report = watch(tmp_path, "node late.test.js", NODE_TESTS)
    assert report["exit"] == 0
    assert [(each["runner"], each["status"]) for each in report["sessions"]] == [("node:test", None)]


# The parts of mocha and jest that are watched, laid out as there; `make realworld` has the real ones.
MOCHA = {
    "node_modules/mocha/lib/runner.js": (
        "const { EventEmitter } = require('events');\n"
        "module.exports = class Runner extends EventEmitter {\n"
        "  run(done) {\n"
        "    this.total = 3; this.failures = 1;\n"
        "    const name = (...titles) => ({ file: process.cwd() + '/test/a.js', titlePath: () => titles });\n"
        "    this.emit('test', name('it', 'adds')); this.emit('pass', name('it', 'adds'));\n"
        "    this.emit('fail', name('it', 'fails')); this.emit('pending', name('it', 'waits'));\n"
        "    this.emit('end'); done();\n  }\n};\n"
    ),
    "mocha.js": "new (require('mocha/lib/runner.js'))().run(() => console.log('done'));\n",
}
JEST = {
    "node_modules/@jest/core/package.json": '{"main": "./build/index.js"}',
    "node_modules/@jest/core/build/index.js": (
        "const file = (name, more) =>\n"
        "  ({ testFilePath: process.cwd() + '/' + name, testResults: [], ...more });\n"
        "const test = (status) => ({ ancestorTitles: ['it'], title: status, status });\n"
        "const runCLI = async () => ({ results: { success: false, testResults: [\n"
        "  file('a.test.js', { testResults: ['passed', 'failed', 'pending'].map(test) }),\n"
        "  file('b.test.js', { testExecError: { message: 'no' } }) ] } });\n"
        "Object.defineProperty(exports, 'runCLI', { enumerable: true, get: () => runCLI });\n"
    ),
    "jest.js": "require('@jest/core').runCLI().then((done) => console.log(done.results.success));\n",
}


@pytest.mark.parametrize(
    ("files", "program", "tests"),
    [
        (MOCHA, "mocha.js", {"adds": "passed", "fails": "failed", "waits": "skipped"}),
        (JEST, "jest.js", {"passed": "passed", "failed": "failed", "pending": "skipped"}),
    ],
)
def test_mocha_and_jest_report_by_name(
    files: dict[str, str], program: str, tests: dict[str, str], tmp_path: Path
) -> None:
    report = watch(tmp_path, f"node {program}", files)
    path = "test/a.js" if files is MOCHA else "a.test.js"
    broken = {} if files is MOCHA else {"b.test.js": "failed"}
    assert report["tests"] == {f"{path} > it > {name}": was for name, was in tests.items()} | broken
    assert [each["status"] for each in report["sessions"]] == [1]


def test_a_program_that_is_no_test_runner_notices_nothing(tmp_path: Path) -> None:
    report = watch(tmp_path, "node -e 'console.log(process.argv.length)'", {})
    assert (report["exit"], report["output"], report["sessions"]) == (0, "1\n", [])

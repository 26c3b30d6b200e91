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


def watch(
    folder: Path, command: str, files: dict[str, str], more: dict[str, str] | None = None
) -> dict[str, Any]:
    """The supervisor's report of a command in a folder with these files, ``more`` in its environment."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    wanted = json.dumps({"command": command, "added": [], "report": True})
    env = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **(more or {})}
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


VITEST = {  # as its versions call a reporter: with files, with modules that have them, with both
    "node_modules/vitest/vitest.mjs": (
        "const paths = process.argv.filter((word) => word.startsWith('--reporter=/'));\n"
        "const { default: Reporter } = await import(paths[0].slice('--reporter='.length));\n"
        "const task = (name, state, errors) => ({ name, result: state && { state, errors } });\n"
        "const file = (name, tasks, more) => ({ filepath: process.cwd() + '/' + name, tasks, ...more });\n"
        "const files = [\n"
        "  file('a.test.ts', [{ name: 'calc', tasks: [task('adds', 'pass'), task('later')] },\n"
        "    task('twice', 'pass'), task('twice', 'fail')]),\n"
        "  file('b.test.ts', [], { result: { state: 'fail', errors: [{}] } }),\n"
        "  file('c.test.ts', [{ name: 'hook', tasks: [task('in')], result: { errors: [{}] } }]) ];\n"
        "const reporter = new Reporter();\n"
        "reporter.onInit({});\n"
        "console.log(process.env.HOB_TEST_REPORT, process.argv.slice(2, 3).join());\n"
        "if (process.argv.includes('old')) reporter.onFinished(files, []);\n"
        "else if (process.argv.includes('gone')) process.exit(0);\n"
        "else reporter.onTestRunEnd(files.map((each) => ({ task: each })), [], 'failed');\n"
        "if (process.argv.includes('both')) reporter.onFinished(files, []);\n"
    ),
}


@pytest.mark.parametrize("words", ["run old", "run new", "run both", "run --reporter=dot", "run gone"])
def test_vitest_reports_by_name_and_its_workers_know_nothing_of_it(words: str, tmp_path: Path) -> None:
    report = watch(tmp_path, f"node node_modules/vitest/vitest.mjs {words}", VITEST)
    default = "" if "--reporter" in words else "--reporter=default"
    assert report["output"].startswith(f"undefined {default}"), report["output"]
    assert [(each["runner"], each["status"]) for each in report["sessions"]] == [
        ("vitest", None if words == "run gone" else 1)
    ]
    if words != "run gone":
        assert report["tests"] == {
            "a.test.ts > calc > adds": "passed",
            "a.test.ts > calc > later": "skipped",
            "a.test.ts > twice": "passed",
            "a.test.ts > twice (2)": "failed",
            "b.test.ts": "failed",
            "c.test.ts > hook > in": "skipped",
            "c.test.ts > hook": "failed",
        }


GO_EVENTS = (
    ("run", "TestAdd", ""),
    ("output", "TestAdd", "=== RUN   TestAdd\n"),
    ("output", "TestAdd", "    x_test.go:8: no\n"),
    ("output", "TestAdd", "--- FAIL: TestAdd (0.00s)\n"),
    ("fail", "TestAdd", ""),
    ("run", "TestSub", ""),
    ("run", "TestSub/one", ""),
    ("output", "TestSub/one", "quiet\n"),
    ("pass", "TestSub/one", ""),
    ("run", "TestSub/two", ""),
    ("fail", "TestSub/two", ""),
    ("fail", "TestSub", ""),
    ("run", "TestSkip", ""),
    ("skip", "TestSkip", ""),
    ("output", "", "FAIL\tx\t0.01s\n"),
    ("fail", "", ""),
)


def go(
    folder: Path, events: tuple[tuple[str, str, str], ...], more: str = "", code: int = 1
) -> dict[str, str]:
    """A go that prints these events, and its arguments where it is asked for something else."""
    lines = [
        json.dumps({"Action": action, "Package": "x", "Test": test, "Output": text})
        for action, test, text in events
    ]
    (folder / "events").write_text("\n".join([*lines, more]), "utf-8")
    tool = folder / "tools" / "go"
    tool.parent.mkdir()
    tool.write_text(
        f'#!/bin/sh\necho "$@ $HOB_TEST_REPORT" >> {folder}/asked\n'
        f'[ "$1" = test ] && cat {folder}/events && exit {code}\necho go $@\n'
    )
    tool.chmod(0o755)
    return {"PATH": f"{tool.parent}:{os.environ['PATH']}"}


def test_go_reports_its_tests_by_name_and_prints_as_ever(tmp_path: Path) -> None:
    env = go(tmp_path, GO_EVENTS, "FAIL\tx/z [setup failed]\n")
    report = watch(tmp_path, "go test ./...", {}, env)
    assert report["tests"] == {
        "x > TestAdd": "failed",
        "x > TestSub/one": "passed",
        "x > TestSub/two": "failed",
        "x > TestSkip": "skipped",
        "x/z": "failed",
    }
    assert (report["exit"], [each["status"] for each in report["sessions"]]) == (1, [1])
    said = "    x_test.go:8: no\n--- FAIL: TestAdd (0.00s)\nFAIL\tx\t0.01s\nFAIL\tx/z [setup failed]\n"
    assert report["output"] == said
    assert (tmp_path / "asked").read_text() == "test -json ./... \n", "tests do not learn where that goes"


def test_a_package_that_ends_by_itself_failed_as_such(tmp_path: Path) -> None:
    events = (("run", "TestA", ""), ("pass", "TestA", ""), ("fail", "", ""))
    report = watch(tmp_path, "go test .", {}, go(tmp_path, events))
    assert report["tests"] == {"x > TestA": "passed", "x": "failed"}


@pytest.mark.parametrize(
    "command",
    ["go vet ./...", "go test -json .", "go test -c .", "go test -bench=. .", "GOFLAGS=-json go test ."],
)
def test_another_use_of_go_is_left_alone(command: str, tmp_path: Path) -> None:
    watch(tmp_path, command, {}, go(tmp_path, GO_EVENTS, code=0))
    words = command.partition("go ")[2]
    assert (tmp_path / "asked").read_text().startswith(f"{words} /")


def test_what_node_compares_with_stays_as_it_is(tmp_path: Path) -> None:
    """Also in the processes that a runner starts, and for whoever adds to it."""
    program = (
        "const assert = require('ass' + 'ert');\n"
        "assert.strictEqual = () => {}; assert.strict.equal = () => {};\n"
        "Object.is = () => true; assert.more = () => 'more';\n"
        "for (const check of [() => assert.strictEqual(1, 2), () => assert.strict.equal(1, 2)])\n"
        "  try { check(); console.log('passed'); } catch { console.log('failed'); }\n"
        "console.log(Object.is(1, 2), assert.more());\n"
    )
    command = "node -e \"delete process.env.HOB_TEST_REPORT; require('child_process')"
    command += ".execFileSync('node', ['a.js'], { stdio: 'inherit' })\""
    report = watch(tmp_path, command, {"a.js": program})
    assert report["output"] == "failed\nfailed\nfalse more\n"


def test_a_program_that_is_no_test_runner_notices_nothing(tmp_path: Path) -> None:
    report = watch(tmp_path, "node -e 'console.log(process.argv.length)'", {})
    assert (report["exit"], report["output"], report["sessions"]) == (0, "1\n", [])


def test_a_python_that_a_check_starts_imports_next_to_nothing_for_us() -> None:
    """Tests start many. For a ``sitecustomize`` of the environment's own, as Debian has, it imports more."""
    plugins = str(Path(supervise.__file__).parent / "plugins")
    start = [sys.executable, "-S", "-c", "import sys, sitecustomize; print(*sys.modules)"]
    env = {**os.environ, "PYTHONPATH": plugins, "HOB_TEST_REPORT": "/nowhere"}
    done = subprocess.run(start, env=env, capture_output=True, text=True, check=True)
    assert not {"importlib.abc", "typing"} & set(done.stdout.split())

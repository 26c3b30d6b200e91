"""One check on one tree: run under ``bot.guest.checks.supervise``, and read to a verdict.

The runner's own report decides where there is one, then what was printed, then the exit code. What does not
fit together (an exit code of 0 after failing tests, a runner that never came to its end) is never a pass.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bot.agent.tools.context import make_guest_argv
from bot.domain import CheckCommand, CheckResult, ResultSource, Runner, Verdict
from bot.run.prove.printed_results import read_printed_results
from bot.text.redact import Redactor
from bot.text.terminal import strip_escapes
from bot.workspace.network import NetworkObserver
from sandbox.spec import Command, CommandResult, Ending

TAIL_CHARS = 3000
REPORT_BYTES = 4 << 20  # of output and of report, which names each test
_SUPERVISE = make_guest_argv("checks.supervise")
_PLUGIN = re.compile(r"hob_(?:test|vitest|go)_report|not allowed in NODE_OPTIONS")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRun:
    """A result with all of its tests: used for the comparison, too long to be stored.

    ``tests`` are by name "passed", "failed" or "skipped". ``named``: those that pass are among them.
    """

    result: CheckResult
    tests: Mapping[str, str] = field(default_factory=dict)
    named: bool = False
    changed: tuple[str, ...] = ()  # tracked files that the command changed

    def list_tests(self, was: str) -> tuple[str, ...]:
        """The tests with this end, in the runner's order."""
        return tuple(name for name, end in self.tests.items() if end == was)


async def run_check(
    sandbox: NetworkObserver,
    check: CheckCommand,
    redactor: Redactor,
    *,
    added: Sequence[str] = (),
    on_output: Callable[[bytes], None] | None = None,
) -> CheckRun:
    """Run the command in the workspace as it is; ``added`` are paths that git does not track there yet."""
    done = await _supervise(sandbox, check, added, on_output, report=True)
    run = await asyncio.to_thread(read_check_run, done, check.runner, redactor)
    refused = _PLUGIN.search(done.text) and run.result.source is not ResultSource.REPORT
    if refused and run.result.verdict is not Verdict.TIMED_OUT:
        # A Python that ignores PYTHONPATH, an environment that only lets a part of the variables through, a
        # Node that is too old for a reporter or is given another one.
        done = await _supervise(sandbox, check, added, on_output, report=False)
        run = await asyncio.to_thread(read_check_run, done, check.runner, redactor)
    return run


async def _supervise(
    sandbox: NetworkObserver,
    check: CheckCommand,
    added: Sequence[str],
    on_output: Callable[[bytes], None] | None,
    *,
    report: bool,
) -> CommandResult:
    wanted = {"command": check.command, "added": list(added), "report": report}
    return await sandbox.run(
        Command(
            argv=_SUPERVISE, stdin=json.dumps(wanted).encode(), split_stderr=True, output_bytes=REPORT_BYTES
        ),
        on_output=on_output,
        shown=check.command,
    )


def read_check_run(done: CommandResult, runner: Runner, redactor: Redactor) -> CheckRun:
    """Read one command's end, with what its supervisor reported where that came to its own end."""
    text = done.text
    result = CheckResult(
        verdict=Verdict.ERROR,
        exit_code=done.exit_code,
        seconds=round(done.seconds, 2),
        tail=redactor.text(strip_escapes(text)[-TAIL_CHARS:]),
    )
    if done.ending is not Ending.EXITED:
        timed_out = done.ending is Ending.TIMED_OUT
        verdict = Verdict.TIMED_OUT if timed_out else Verdict.ERROR
        note = "" if timed_out else f"it was ended: {done.ending.value}"
        return CheckRun(result=replace(result, verdict=verdict, note=note))
    report = _load_report(done.errors)
    if report is None:
        note = "the process that watches it was ended, so nothing is known of its results"
        return CheckRun(result=replace(result, note=note))
    code = int(report["exit"])
    run = _read_report(replace(result, exit_code=code), report)
    if run is None:
        run = _read_output(replace(result, exit_code=code), text, runner)
    changed = tuple(redactor.text(path) for path in report["changed"])
    run = _redact(replace(run, changed=changed), redactor)
    if not changed:
        return run
    note = f"it changed files of the repository: {', '.join(changed[:5])}"
    return replace(run, result=replace(run.result, verdict=Verdict.ERROR, note=note))


def _load_report(errors: bytes) -> dict[str, Any] | None:
    try:
        report: dict[str, Any] = json.loads(errors)
        return report if isinstance(report, dict) and "exit" in report else None
    except ValueError:
        return None


def _read_report(result: CheckResult, report: Mapping[str, Any]) -> CheckRun | None:
    """What test runners reported, None where none did."""
    sessions = report["sessions"]
    if not sessions:
        return None
    tests: dict[str, str] = dict(report["tests"])
    open_ends = [each for each in sessions if each["status"] is None]
    for each in open_ends:
        if each["running"]:
            tests[each["running"]] = "failed"
    run = _count(result, tests, ResultSource.REPORT)
    if open_ends:
        one = open_ends[0]
        where = f" in the middle of {one['running']}" if one["running"] else ""
        return _set(run, Verdict.ERROR, f"{one['runner']} did not come to its own end{where}")
    if not run.result.counted and not run.result.skipped:
        found = sum(max(0, each["found"]) for each in sessions)
        if found and result.exit_code == 0:
            return _set(run, Verdict.NO_TESTS, f"{found} tests were found and none was run")
        empty = result.exit_code in (0, 5)
        return _set(run, Verdict.NO_TESTS if empty else Verdict.FAILED, "")
    return _judge_exit(run)


def _read_output(result: CheckResult, text: str, runner: Runner) -> CheckRun:
    """The printed results, else the exit code alone."""
    if result.exit_code in (126, 127):
        return CheckRun(result=result)
    printed = read_printed_results(text, runner)
    if printed is None:
        passed = result.exit_code == 0
        empty = "no tests ran" in text and result.exit_code == 5
        verdict = Verdict.PASSED if passed else Verdict.NO_TESTS if empty else Verdict.FAILED
        return CheckRun(result=replace(result, verdict=verdict))
    run = _count(result, printed.tests, ResultSource.OUTPUT)
    counts = replace(run.result, passed=printed.passed, failed=printed.failed, skipped=printed.skipped)
    run = replace(run, result=counts, named=printed.named)
    if printed.broken_off:
        return _set(run, Verdict.ERROR, f"{printed.broken_off} did not come to its own end")
    if not printed.counted:
        return _set(run, Verdict.NO_TESTS if result.exit_code in (0, 5) else Verdict.FAILED, "")
    return _judge_exit(run)


def _count(result: CheckResult, tests: Mapping[str, str], source: ResultSource) -> CheckRun:
    ends = list(tests.values())
    failing = tuple(name for name, was in tests.items() if was == "failed")
    counted = replace(
        result,
        passed=ends.count("passed"),
        failed=len(failing),
        skipped=ends.count("skipped"),
        failing=failing,
        source=source,
    )
    return CheckRun(result=counted, tests=tests, named=source is ResultSource.REPORT)


def _judge_exit(run: CheckRun) -> CheckRun:
    """Results and exit code must agree for a pass."""
    code, failed = run.result.exit_code, run.result.failed
    if code == 0 and not failed:
        return _set(run, Verdict.PASSED, "")
    note = ""
    if code == 0:
        note = f"its exit code is 0, though {failed} test{'s fail' if failed > 1 else ' fails'}"
    elif not failed:
        note = f"its exit code is {code}, though no test fails"
    return _set(run, Verdict.FAILED, note)


def _set(run: CheckRun, verdict: Verdict, note: str) -> CheckRun:
    return replace(run, result=replace(run.result, verdict=verdict, note=note))


def _redact(run: CheckRun, redactor: Redactor) -> CheckRun:
    tests = {redactor.text(name): was for name, was in run.tests.items()}
    failing = tuple(redactor.text(name) for name in run.result.failing)
    note = redactor.text(run.result.note)
    return replace(run, tests=tests, result=replace(run.result, failing=failing, note=note))

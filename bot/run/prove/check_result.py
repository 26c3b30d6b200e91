"""One check's output read: its verdict, the counts, the names of the failing tests."""

from __future__ import annotations

import re

from bot.domain import CheckResult, Verdict
from bot.text.redact import Redactor
from sandbox.spec import CommandResult, Ending

TAIL_CHARS = 3000


_SUMMARY = re.compile(r"(?<!\d)(\d{1,9}) (passed|failed|errors?|xfailed|xpassed)\b")


_FAILING = re.compile(r"^(?:FAILED|ERROR) ([^\s\[]++(?:\[.*?\](?= - |$))?|\S++)(?: - .*)?$", re.MULTILINE)


_UNITTEST = re.compile(r"^(?:FAIL|ERROR): (\S+) \(([\w.]+)\)", re.MULTILINE)


_RAN = re.compile(r"^Ran (\d+) tests? in ", re.MULTILINE)


def read_check_result(done: CommandResult, redactor: Redactor) -> CheckResult:
    """Read one command's end: the exit code decides, the counts only inform."""
    text = done.text
    counts = _parse_counts(text)
    failing = _find_failing_tests(text)
    return CheckResult(
        verdict=_decide_verdict(done, text),
        exit_code=done.exit_code,
        seconds=round(done.seconds, 2),
        passed=counts.get("passed", 0),
        failed=counts.get("failed", 0) + counts.get("error", 0),
        failing=tuple(redactor.text(test) for test in failing[:200]),
        tail=redactor.text(text[-TAIL_CHARS:]),
    )


def _decide_verdict(done: CommandResult, text: str) -> Verdict:
    if done.ending is Ending.TIMED_OUT:
        return Verdict.TIMED_OUT
    if done.ending is not Ending.EXITED or done.exit_code in (126, 127):
        return Verdict.ERROR
    if done.exit_code == 0:
        return Verdict.NO_TESTS if _has_run_nothing(text) else Verdict.PASSED
    if done.exit_code == 5 and "no tests ran" in text:  # pytest's exit code for an empty collection
        return Verdict.NO_TESTS
    return Verdict.FAILED


def _has_run_nothing(text: str) -> bool:
    ran = _RAN.search(text)
    return ran is not None and int(ran.group(1)) == 0


def _parse_counts(text: str) -> dict[str, int]:
    """Counts from the runner's last summary line, pytest's or unittest's."""
    for line in reversed(text.splitlines()):
        found = {word.rstrip("s"): int(number) for number, word in _SUMMARY.findall(line)}
        if found and " in " in line:
            return {("passed" if word == "passed" else word): n for word, n in found.items()}
    ran = _RAN.search(text)
    if ran is None:
        return {}
    failed = len(_UNITTEST.findall(text))
    return {"passed": int(ran.group(1)) - failed, "failed": failed}


def _find_failing_tests(text: str) -> tuple[str, ...]:
    ids = _FAILING.findall(text)
    ids += [
        f"{where}.{name}" if not where.endswith(name) else where for name, where in _UNITTEST.findall(text)
    ]
    return tuple(dict.fromkeys(ids))

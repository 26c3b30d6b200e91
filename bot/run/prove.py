"""Proof: the repository's own checks, run by Hob on base and on the changed tree, each in a clean sandbox.

Nothing here is taken from the agent's story. The changed tree is built anew from the admitted change set, so
what is proved is what will be published, not what the agent's workspace happens to hold.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
from dataclasses import dataclass

from bot.domain import Blocked, ChangeKind, ChangeSet, Check, CheckResult, Proof, Verdict
from bot.errors import UserError
from bot.redact import Redactor
from bot.run.checkout import Checkout
from bot.run.internet import in_words, merged
from sandbox.spec import Command, Completed, Ending, Sandbox

TAIL_CHARS = 3000

_SUMMARY = re.compile(r"(\d+) (passed|failed|errors?|xfailed|xpassed)\b")
_FAILING = re.compile(r"^(?:FAILED|ERROR) (\S+?(?:\[.*?\])?)(?: - .*)?$", re.MULTILINE)
_UNITTEST = re.compile(r"^(?:FAIL|ERROR): (\S+) \(([\w.]+)\)", re.MULTILINE)
_RAN = re.compile(r"^Ran (\d+) tests? in ", re.MULTILINE)

# Applies a change set inside the sandbox, so that the host never writes into a tree it does not control.
_APPLY = """
import base64, json, os, sys
for path, kind, mode, data in json.load(sys.stdin):
    path = path.encode("utf-8", "surrogateescape")
    if os.path.lexists(path):
        os.unlink(path)
    if kind == "deleted":
        continue
    os.makedirs(os.path.dirname(path) or b".", exist_ok=True)
    data = base64.b64decode(data)
    if mode == 0o120000:
        os.symlink(data, path)
        continue
    with open(path, "wb") as file:
        file.write(data)
    os.chmod(path, mode & 0o777)
"""


async def prove(checkout: Checkout, changes: ChangeSet, redactor: Redactor) -> Proof:
    """Run every check on base and on head, side by side. Raises UserError when the trees cannot be set up."""
    commands = [("test", checkout.checks.test), ("lint", checkout.checks.lint)]
    wanted = [(name, command) for name, command in commands if command]
    base, head = await asyncio.gather(
        _on_tree(checkout, ChangeSet(base=changes.base), wanted, redactor),
        _on_tree(checkout, changes, wanted, redactor),
    )
    checks = tuple(
        Check(name=name, command=command, base=before, head=after)
        for (name, command), before, after in zip(wanted, base.results, head.results, strict=True)
    )
    return Proof(
        base=changes.base,
        checks=checks,
        not_run=checkout.checks.not_run,
        internet=in_words(checkout.config.internet),
        blocked=merged(base.blocked, head.blocked),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tree:
    """The checks' ends on one tree, and what they could not reach."""

    results: list[CheckResult]
    blocked: tuple[Blocked, ...]


async def fails_on_base(checkout: Checkout, redactor: Redactor) -> bool:
    """Whether the tests fail on the commit as it is: then giving up leaves something to be done."""
    if not checkout.checks.test:
        return False
    tests = [("test", checkout.checks.test)]
    told = await _on_tree(checkout, ChangeSet(base=checkout.base), tests, redactor)
    return told.results[0].verdict is Verdict.FAILED


async def _on_tree(
    checkout: Checkout, changes: ChangeSet, commands: list[tuple[str, str]], redactor: Redactor
) -> _Tree:
    sandbox = await checkout.open()
    try:
        await apply(sandbox, changes)
        results = [
            judge(await sandbox.run(Command(argv=("bash", "-c", line))), redactor) for _, line in commands
        ]
        return _Tree(results=results, blocked=sandbox.blocked(redactor))
    finally:
        await sandbox.aclose()


async def apply(sandbox: Sandbox, changes: ChangeSet) -> None:
    """Make the workspace equal to base plus ``changes``; deletions first: a file may become a folder."""
    if not changes:
        return
    ordered = sorted(changes.files, key=lambda change: change.kind is not ChangeKind.DELETED)
    rows = [(c.path, c.kind.value, c.mode, base64.b64encode(c.data).decode()) for c in ordered]
    done = await sandbox.run(
        Command(argv=("python", "-I", "-c", _APPLY), stdin=json.dumps(rows).encode(), seconds=60)
    )
    if not done.ok:
        raise UserError(
            "The change could not be set up in a clean checkout.", phase="prove", log=done.text[-2000:]
        )


def judge(done: Completed, redactor: Redactor) -> CheckResult:
    """Read one command's end: the exit code decides, the counts only inform."""
    text = done.text
    counts = _counts(text)
    failing = _failing(text)
    return CheckResult(
        verdict=_verdict(done, text),
        exit_code=done.exit_code,
        seconds=round(done.seconds, 2),
        passed=counts.get("passed", 0),
        failed=counts.get("failed", 0) + counts.get("error", 0),
        failing=tuple(redactor.text(test) for test in failing[:200]),
        tail=redactor.text(text[-TAIL_CHARS:]),
    )


def _verdict(done: Completed, text: str) -> Verdict:
    if done.ending is Ending.TIMED_OUT:
        return Verdict.TIMED_OUT
    if done.ending is not Ending.EXITED or done.exit_code in (126, 127):
        return Verdict.ERROR
    if done.exit_code == 0:
        return Verdict.NO_TESTS if _ran_nothing(text) else Verdict.PASSED
    if done.exit_code == 5 and "no tests ran" in text:  # pytest's exit code for an empty collection
        return Verdict.NO_TESTS
    return Verdict.FAILED


def _ran_nothing(text: str) -> bool:
    ran = _RAN.search(text)
    return ran is not None and int(ran.group(1)) == 0


def _counts(text: str) -> dict[str, int]:
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


def _failing(text: str) -> tuple[str, ...]:
    ids = _FAILING.findall(text)
    ids += [
        f"{where}.{name}" if not where.endswith(name) else where for name, where in _UNITTEST.findall(text)
    ]
    return tuple(dict.fromkeys(ids))

"""Proof: the repository's own checks, run by Hob on base and on the changed tree, each in a clean sandbox.

Nothing here is taken from the agent's story. The changed tree is built anew from the admitted change set, so
what is proved is what will be published, not what the agent's workspace happens to hold.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from bot.domain import Blocked, ChangeKind, ChangeSet, Check, CheckResult, Proof, Verdict
from bot.errors import UserError
from bot.text.redact import Redactor
from bot.workspace.checkout import Checkout
from bot.workspace.network import describe_egress, merge_blocked
from sandbox.spec import Command, CommandResult, Ending, Sandbox

TAIL_CHARS = 3000
BEHIND_SECONDS = 20.0
BEHIND_TIMES = 5.0

_End = asyncio.Future[CheckResult]

_SUMMARY = re.compile(r"(\d+) (passed|failed|errors?|xfailed|xpassed)\b")
_FAILING = re.compile(r"^(?:FAILED|ERROR) (\S+?(?:\[.*?\])?)(?: - .*)?$", re.MULTILINE)
_UNITTEST = re.compile(r"^(?:FAIL|ERROR): (\S+) \(([\w.]+)\)", re.MULTILINE)
_RAN = re.compile(r"^Ran (\d+) tests? in ", re.MULTILINE)

# Applies a change set inside the sandbox, so that the host never writes into a tree it does not control.
_APPLY = """
import base64, contextlib, json, os, shutil, sys
for path, kind, mode, data in json.load(sys.stdin):
    path = path.encode("utf-8", "surrogateescape")
    folder = os.path.dirname(path)
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)
    if kind == "deleted":
        with contextlib.suppress(OSError):  # git has no empty folders
            os.removedirs(folder)
        continue
    os.makedirs(folder or b".", exist_ok=True)
    data = base64.b64decode(data)
    if mode == 0o120000:
        os.symlink(data, path)
        continue
    with open(path, "wb") as file:
        file.write(data)
    os.chmod(path, mode & 0o777)
"""


async def prove(
    checkout: Checkout, changes: ChangeSet, redactor: Redactor, *, behind: float = BEHIND_SECONDS
) -> Proof:
    """Run every check on base and on head, side by side. Raises UserError when the trees cannot be set up.

    The base is the checkout's own commit, or what it names as ``before``: the branch as it was, of a merge.

    A check that passes on head is not waited for without end on base, where the fault may be that it hangs:
    it gets ``behind`` seconds there, or ``BEHIND_TIMES`` what it took on head if that is more.
    """
    commands = [("test", checkout.checks.test), ("lint", checkout.checks.lint)]
    wanted = [(name, command) for name, command in commands if command]
    lead = [asyncio.get_running_loop().create_future() for _ in wanted]
    before = checkout.before or checkout
    base, head = await _both(
        _on_tree(before, ChangeSet(base=before.base), wanted, redactor, lead, behind=behind),
        _on_tree(checkout, changes, wanted, redactor, lead),
    )
    checks = tuple(
        Check(name=name, command=command, base=on_base, head=on_head)
        for (name, command), on_base, on_head in zip(wanted, base.results, head.results, strict=True)
    )
    return Proof(
        base=before.base,
        checks=checks,
        not_run=checkout.checks.not_run,
        internet=describe_egress(checkout.config.internet),
        blocked=merge_blocked(base.blocked, head.blocked),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tree:
    """The checks' ends on one tree, and what they could not reach."""

    results: list[CheckResult]
    blocked: tuple[Blocked, ...]


async def _both(base: Coroutine[Any, Any, _Tree], head: Coroutine[Any, Any, _Tree]) -> list[_Tree]:
    """Both trees' ends; when one cannot be set up, the other is not left running."""
    trees = [asyncio.ensure_future(each) for each in (base, head)]
    try:
        return await asyncio.gather(*trees)
    finally:
        for tree in trees:
            tree.cancel()
        await asyncio.wait(trees)


async def fails_on_base(checkout: Checkout, redactor: Redactor) -> bool:
    """Whether the tests fail on the commit as it is: then giving up leaves something to be done."""
    if not checkout.checks.test:
        return False
    tests = [("test", checkout.checks.test)]
    told = await _on_tree(checkout, ChangeSet(base=checkout.base), tests, redactor)
    return told.results[0].verdict is Verdict.FAILED


async def _on_tree(
    checkout: Checkout,
    changes: ChangeSet,
    commands: list[tuple[str, str]],
    redactor: Redactor,
    lead: Sequence[_End] = (),
    *,
    behind: float = 0.0,
) -> _Tree:
    """Run the commands on one tree: telling each end to ``lead``, or not long ``behind`` what it tells."""
    sandbox = await checkout.open()
    try:
        await apply_changes(sandbox, changes)
        results = []
        for at, (_, line) in enumerate(commands):
            other = lead[at] if behind else None
            results.append(await _checked(sandbox, line, redactor, other, behind))
            if lead and not behind:
                lead[at].set_result(results[-1])
        return _Tree(results=results, blocked=sandbox.blocked(redactor))
    finally:
        for end in () if behind else lead:
            end.cancel()
        await sandbox.aclose()


async def _checked(
    sandbox: Sandbox, line: str, redactor: Redactor, other: _End | None, behind: float
) -> CheckResult:
    """One command to its end, or until ``other`` has passed and enough time after it."""
    seen, began = bytearray(), time.monotonic()
    running = asyncio.ensure_future(
        sandbox.run(Command(argv=("bash", "-c", line)), on_output=seen.extend if other else None)
    )
    try:
        if other is not None:
            both: set[asyncio.Future[Any]] = {running, other}
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            passed = other.done() and not other.cancelled() and other.result().verdict is Verdict.PASSED
            if passed and not running.done():
                enough = max(behind, BEHIND_TIMES * other.result().seconds)
                await asyncio.wait({running}, timeout=enough - (time.monotonic() - began))
                if not running.done():
                    return _hung(time.monotonic() - began, bytes(seen), redactor)
        return read_check_result(await running, redactor)
    finally:
        if not running.done():
            running.cancel()
            await asyncio.wait({running})


def _hung(seconds: float, seen: bytes, redactor: Redactor) -> CheckResult:
    text = seen.decode("utf-8", "replace")
    why = f"\n(ended after {seconds:.0f} s: with the change it passes in a fraction of that)"
    return CheckResult(
        verdict=Verdict.TIMED_OUT,
        exit_code=None,
        seconds=round(seconds, 2),
        tail=redactor.text(text[-TAIL_CHARS:]) + why,
    )


async def apply_changes(sandbox: Sandbox, changes: ChangeSet) -> None:
    """Make the workspace equal to base plus ``changes``.

    Deletions first: a file may become a folder, a folder a file.
    """
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


def read_check_result(done: CommandResult, redactor: Redactor) -> CheckResult:
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


def _verdict(done: CommandResult, text: str) -> Verdict:
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

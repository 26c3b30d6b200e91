"""What of a proof was not run, and why: from the checks' output and what is known of the tree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.causes.explain import explain_failure
from bot.domain import Check, CheckResult, TreeFacts, Verdict

_SEEN = (Verdict.PASSED, Verdict.TIMED_OUT)


def list_causes(checks: Sequence[Check], facts: TreeFacts) -> Iterator[str]:
    """Items for ``Proof.not_run``: a check that does not run and its cause, and what is missing from the
    tree.
    """
    said = ""
    for check in checks:
        cause = explain_result(check.command, check.head, facts)
        if cause:
            code = check.command.replace("`", "'")
            said += cause
            yield f"{'parts of ' if check.head.passed else ''}`{code}`: {cause}"
    yield from (f"what reads it as it should be, since {gap}" for gap in facts.gaps if gap not in said)


def explain_result(command: str, result: CheckResult, facts: TreeFacts) -> str:
    """Why a check's result says nothing about the code; '' where it does, or the reason is unknown."""
    if result.verdict in _SEEN:
        return ""
    return explain_failure(command, result.exit_code, result.tail, facts)

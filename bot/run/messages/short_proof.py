"""A proof in a few lines, for comments; in full it stands in the check run and the description."""

from __future__ import annotations

from collections.abc import Container, Sequence

from bot.domain import Check, CheckResult, Proof, Verdict
from bot.domain.proof import ProofState
from bot.run.messages.proof import (
    join_tests,
    list_printed,
    list_unmet,
    render_blocked,
    render_mended_part,
    render_warning,
)
from bot.text.defuse import code_span, defuse_line

_SURENESS = {
    ProofState.PROVED: "**proved**",
    ProofState.DOUBTFUL: "**its checks pass, but read the warning**",
    ProofState.FAILS: "**not proved: the checks end worse than before**",
    ProofState.NOT_RUN: "**not proved: nothing could be run**",
}
_ENDS = {
    Verdict.PASSED: "✅ passed",
    Verdict.FAILED: "❌ failed",
    Verdict.NO_TESTS: "⚪ no tests",
    Verdict.TIMED_OUT: "⏱️ timed out",
    Verdict.ERROR: "⚠️ no result",
}
MOST_CHECKS = 10


def render_done_headline(proof: Proof, place: str) -> str:
    """The headline of a change that is published: where it is, and how well it is proved, as a symbol and a
    phrase.
    """
    state = proof.state
    if state is ProofState.PARTLY:
        warned = ", and read the warning" if proof.warnings else ""
        return f"{state.icon} **Done in part**{place} · **{render_mended_part(proof)}{warned}**"
    sure = _SURENESS[state]
    if proof.still_failing:
        sure = "**not proved: what was asked for still fails**"
    old = sum(len(check.there_before) for check in proof.checks)
    if state is ProofState.PROVED and any(check.head.verdict is Verdict.FAILED for check in proof.checks):
        what = f"{old} test{'' if old == 1 else 's'}" if old else "a check"
        sure = f"**no worse than before**: {what} that nobody asked about still fail{'' if old > 1 else 's'}"
    return f"{state.icon} **Done**{place} · {sure}"


def render_short_proof(proof: Proof, *, whole: str = "The check run has all of it.") -> str:
    """A line for each check, the tests that turned, and what was not run: no output.

    ``whole`` says where all of it stands.
    """
    lines = [render_warning(each) for each in proof.warnings]
    lines += list_unmet(proof)
    lines += list_printed(proof)
    said = {*proof.still_failing, *proof.left_failing}
    lines += [_render_check(check, said) for check in proof.checks[:MOST_CHECKS]]
    if len(proof.checks) > MOST_CHECKS:
        lines.append(f"- and {len(proof.checks) - MOST_CHECKS} more checks")
    if proof.checks:
        network = f" with {code_span(f'internet: {proof.internet}')}" if proof.internet else ""
        where = f"Each ran in a clean sandbox{network}; base is `{proof.base[:12]}`."
        lines.append(f"- {where} {whole}".rstrip())
    lines += [f"- Not run: {item}" for item in proof.not_run]
    lines += [render_blocked(proof)] if proof.blocked else []
    return "\n".join(lines)


def render_proof_since(first: Proof, newest: Proof) -> str:
    """Three columns: the base of the pull request, the commit before the newest one, and the newest one.

    ``first`` is the proof of the pull request's first commit, ``newest`` that of its last. '' where both
    stand on one base, or no check is in both.
    """
    begun = {check.command: check.base for check in first.checks}
    rows = [
        f"| {code_span(check.command, cell=True)} | {sum_up_result(begun[check.command])} "
        f"| {sum_up_result(check.base)} | {sum_up_result(check.head)} |"
        for check in newest.checks
        if check.command in begun
    ]
    if not rows or first.base == newest.base:
        return ""
    head = (
        f"| check | on the base, `{first.base[:12]}` | on the commit before, `{newest.base[:12]}` "
        "| with the newest commit |\n|---|---|---|---|"
    )
    return "\n".join((head, *rows))


def sum_up_result(result: CheckResult) -> str:
    """One check's end on one tree, such as ``❌ failed (1 failed, 9 passed)``."""
    counts = [f"{n} {word}" for n, word in ((result.failed, "failed"), (result.passed, "passed")) if n]
    word = _ENDS[result.verdict]
    text = f"{word} ({', '.join(counts)})" if counts else word
    if result.verdict is Verdict.PASSED and not counts:
        text += " (no test is counted)"
    return f"{text}: {defuse_line(result.note)}" if result.note else text


def _render_check(check: Check, said: Container[str]) -> str:
    ends = f"{sum_up_result(check.base)} on the base, {sum_up_result(check.head)} with this change"
    line = f"- {code_span(check.command)}: {ends}."
    return (
        line
        + _list_turned(check.mended, " Failed before, passes now: ")
        + _list_turned(check.added, " New, and fails without this change: ")
        + _list_turned(check.broken, " **Fails only with this change:** ")
        + _list_turned([test for test in check.there_before if test not in said], " Failed before too: ")
    )


def _list_turned(tests: Sequence[str], words: str) -> str:
    return f"{words}{join_tests(tests)}." if tests else ""

"""The proof on GitHub: checks as a table, tests that turned, and what was out of reach."""

from __future__ import annotations

import html
from collections.abc import Container, Sequence
from dataclasses import replace
from textwrap import shorten

from bot.domain import Blocked, Check, CheckResult, Proof, ProofWarning, ResultSource, Verdict
from bot.run.messages.fold import fold_details
from bot.text.defuse import code_span, defuse_line, fence, table_cell
from bot.text.lists import join_first
from bot.text.terminal import show_controls
from bot.workspace.network import render_advice

MOST_NAMED = 3
_VERDICTS = {
    Verdict.PASSED: "✅ passed",
    Verdict.FAILED: "❌ failed",
    Verdict.NO_TESTS: "⚪ no tests",
    Verdict.TIMED_OUT: "⏱️ timed out",
    Verdict.ERROR: "⚠️ no result",
}


def render_proof(evidence: Proof, *, output: bool = True, base: str = "base") -> str:
    """The warnings, then the checks as a table, base against head, and what was not run.

    ``output``: also the last lines of the checks that do not pass. ``base``: what the base is called.
    """
    lines = [render_warning(each) for each in evidence.warnings]
    if evidence.checks:
        lines += [f"| check | on {base} | with this change |", "|---|---|---|"]
        for check in evidence.checks:
            lines += _render_rows(check)
        lines.append("")
        network = (
            f"with {code_span(f'internet: {evidence.internet}')}" if evidence.internet else "without network"
        )
        lines.append(f"Each ran in a clean sandbox {network}; {base} is `{evidence.base[:12]}`.")
    lines += list_unmet(evidence)
    lines += list_printed(evidence)
    said = {*evidence.still_failing, *evidence.left_failing}
    for check in evidence.checks:
        lines += _list_turned_tests(check, said)
    lines += [f"- Not run: {item}" for item in evidence.not_run]
    lines += [render_blocked(evidence)] if evidence.blocked else []
    tails = [
        fold_details(f"Output of {_render_in_html(c.command)} with this change", fence(c.head.tail))
        for c in evidence.checks
        if output and c.head.tail.strip() and c.head.verdict is not Verdict.PASSED
    ]
    return "\n".join(lines) + ("\n\n" + "\n\n".join(tails) if tails else "")


def _render_in_html(command: str) -> str:
    """A command as code where HTML stands, in which Markdown has no code."""
    return f"<code>{html.escape(shorten(show_controls(command), 200, placeholder='…'))}</code>"


def list_unmet(proof: Proof) -> list[str]:
    """A line for the tests that the request is about, or may be about, and that fail as before."""
    lines = []
    if proof.still_failing:
        lines.append(f"- **Still fails, and the request is about it:** {join_tests(proof.still_failing)}.")
    if proof.left_failing:
        lines.append(
            f"- **Fails as before, and the request may be about it too:** {join_tests(proof.left_failing)}."
        )
    return lines


def list_printed(proof: Proof) -> list[str]:
    """A line for the checks whose results no runner reported: they were read from what was printed."""
    printed = [code_span(c.command) for c in proof.checks if c.head.source is ResultSource.OUTPUT]
    if not printed:
        return []
    return [
        f"- No runner reports the results of {join_first(printed, MOST_NAMED)}: they are read from what was "
        "printed, and the code under test can print such lines too."
    ]


def render_mended_part(proof: Proof) -> str:
    """Such as "mends 1 of 3 failing tests"."""
    mended, failing = proof.mended_part
    return f"mends {mended} of {failing} failing tests"


def render_warning(warning: ProofWarning) -> str:
    """One warning as a paragraph, its names as code."""
    names = f": {join_tests(warning.names)}" if warning.names else ""
    return f"⚠️ **{defuse_line(warning.text)}**{names}.\n"


def _render_rows(check: Check) -> list[str]:
    """The check on both trees, and crosswise where its tests are changed."""
    ends = f"{_render_result(check.base)} | {_render_result(check.head)}"
    rows = [f"| {code_span(check.command, cell=True)} | {ends} |"]
    if check.head_tests_on_base is not None:
        rows.append(
            f"| – the change's tests on the base's code | {_render_result(check.head_tests_on_base)} | |"
        )
    if check.base_tests_on_head is not None:
        rows.append(
            f"| – the base's tests on the change's code | | {_render_result(check.base_tests_on_head)} |"
        )
    return rows


def render_blocked(evidence: Proof) -> str:
    """What policy did not let the run reach, as a list; '' when there was nothing."""
    lines = [_render_blocked_request(item) for item in evidence.blocked[:10]]
    if len(evidence.blocked) > 10:
        lines.append(f"- {len(evidence.blocked) - 10} more hosts were blocked.")
    return "\n".join(lines)


def _render_blocked_request(item: Blocked) -> str:
    """One line on what could not be reached, from where, and the line of hob.yml that would allow it."""
    where = code_span(item.where) if item.host else "a request"
    by = f" by {code_span(item.command)}" if item.command else ""
    how = f"; {render_advice(replace(item, allow=table_cell(item.allow)))}" if item.allow else ""
    return f"- Network blocked: {where}{by} ({defuse_line(item.reason)}){how}."


def _list_turned_tests(check: Check, said: Container[str]) -> list[str]:
    """A line for each kind of tests; of those that failed before only what is not ``said``."""
    old = [test for test in check.there_before if test not in said]
    return [
        f"- {words} {join_tests(tests)}"
        for words, tests in (
            ("Failed before, passes now:", check.mended),
            ("New, and fails without this change:", check.added),
            ("New, and passes without this change too:", check.idle),
            ("**Fails only with this change:**", check.broken),
            ("Failed before too:", old),
        )
        if tests
    ]


def join_tests(tests: Sequence[str]) -> str:
    """The first ten tests, each as code, and how many more there are."""
    shown = ", ".join(code_span(test) for test in tests[:10])
    return shown + (f" and {len(tests) - 10} more" if len(tests) > 10 else "")


def render_counts(result: CheckResult) -> str:
    """What is known of a run's tests in a few words, or that nothing was counted."""
    counts = [
        f"{number} {word}"
        for number, word in (
            (result.passed, "passed"),
            (result.failed, "failed"),
            (result.skipped, "skipped"),
        )
        if number
    ]
    if counts:
        return ", ".join(counts)
    return f"exit code {result.exit_code}, no test is counted" if result.verdict is Verdict.PASSED else ""


def _render_result(result: CheckResult) -> str:
    code = f"exit code {result.exit_code}" if result.exit_code else ""
    note = f" – {defuse_line(result.note)}".replace("|", "\\|") if result.note else ""
    parts = [part for part in (code, render_counts(result), f"{result.seconds:.1f} s") if part]
    return f"{_VERDICTS[result.verdict]} ({', '.join(parts)}){note}"

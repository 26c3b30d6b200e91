"""The proof on GitHub: checks as a table, tests that turned, and what was out of reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.domain import Blocked, Check, CheckResult, Proof, Verdict
from bot.run.messages.fold import fold_details
from bot.text.defuse import defuse_line, fence, table_cell
from bot.workspace.network import render_advice

_VERDICTS = {
    Verdict.PASSED: "✅ passed",
    Verdict.FAILED: "❌ failed",
    Verdict.NO_TESTS: "⚪ no tests",
    Verdict.TIMED_OUT: "⏱️ timed out",
    Verdict.ERROR: "⚠️ could not run",
}


def render_proof(evidence: Proof) -> str:
    """The checks as a table, base against head, and what was not run."""
    lines = []
    if evidence.checks:
        lines += ["| check | on base | with this change |", "|---|---|---|"]
        lines += [
            f"| `{table_cell(c.command)}` | {_render_result(c.base)} | {_render_result(c.head)} |"
            for c in evidence.checks
        ]
        lines.append("")
        network = (
            f"with `internet: {table_cell(evidence.internet)}`" if evidence.internet else "without network"
        )
        lines.append(f"Each ran in a clean sandbox {network}; base is `{evidence.base[:12]}`.")
    for check in evidence.checks:
        lines += _list_turned_tests(check)
    lines += [f"- Not run: {item}" for item in evidence.not_run]
    lines += [render_blocked(evidence)] if evidence.blocked else []
    tails = [
        fold_details(f"Output of <code>{table_cell(c.command)}</code> with this change", fence(c.head.tail))
        for c in evidence.checks
        if c.head.tail.strip()
    ]
    return "\n".join(lines) + ("\n\n" + "\n\n".join(tails) if tails else "")


def render_blocked(evidence: Proof) -> str:
    """What policy did not let the run reach, as a list; '' when there was nothing."""
    lines = [_render_blocked_request(item) for item in evidence.blocked[:10]]
    if len(evidence.blocked) > 10:
        lines.append(f"- {len(evidence.blocked) - 10} more hosts were blocked.")
    return "\n".join(lines)


def _render_blocked_request(item: Blocked) -> str:
    """One line on what could not be reached, from where, and the line of hob.yml that would allow it."""
    where = f"`{table_cell(item.where)}`" if item.host else "a request"
    by = f" by `{table_cell(item.command)}`" if item.command else ""
    how = f"; {render_advice(replace(item, allow=table_cell(item.allow)))}" if item.allow else ""
    return f"- Network blocked: {where}{by} ({defuse_line(item.reason)}){how}."


def _list_turned_tests(check: Check) -> list[str]:
    lines = []
    if check.mended:
        lines.append("- Failed before, passes now: " + join_tests(check.mended))
    if check.broken:
        lines.append("- **Fails only with this change:** " + join_tests(check.broken))
    return lines


def join_tests(tests: Sequence[str]) -> str:
    """The first ten tests, each as code, and how many more there are."""
    shown = ", ".join(f"`{table_cell(test)}`" for test in tests[:10])
    return shown + (f" and {len(tests) - 10} more" if len(tests) > 10 else "")


def _render_result(result: CheckResult) -> str:
    counts = [f"{n} {word}" for n, word in ((result.passed, "passed"), (result.failed, "failed")) if n]
    code = f"exit code {result.exit_code}, " if result.exit_code else ""
    tail = ", ".join(counts)
    return f"{_VERDICTS[result.verdict]} ({code}{tail + ', ' if tail else ''}{result.seconds:.1f} s)"

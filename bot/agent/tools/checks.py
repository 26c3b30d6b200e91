"""The tool that runs the repository's checks as the proof will run them, before the work is finished."""

from __future__ import annotations

import asyncio

from pydantic import Field

from bot.agent.tools.context import CheckReport, ToolContext, ToolError, ToolOutput
from bot.agent.tools.shell import Arguments
from bot.domain import Verdict
from bot.errors import UserError
from bot.text.terminal import drop_progress_lines

MOST_FAILING = 20
TAIL_CHARS = 3000


class CheckArguments(Arguments):
    """Run the repository's checks on your change as they will be run to judge it: in a clean sandbox, on the
    commit you began from and the files that you changed, without what git ignores and what you left in /tmp.

    Call it before you finish; a test that passes in your shell may fail there. It takes as long as the checks
    do, and can be called a few times. While you work, run single tests with shell.

    Examples: {}, {"seconds": 300}
    """

    seconds: float | None = Field(default=None, gt=0, le=3600, description="They are ended after that time.")


async def check(context: ToolContext, arguments: CheckArguments) -> ToolOutput:
    """Run the checks, within the time that the run has left."""
    if context.run_checks is None:
        raise ToolError("the checks cannot be run from here; run their commands with shell")
    if context.checks_left <= 0:
        raise ToolError("the checks were run often enough; run what you need with shell, and finish")
    left = context.seconds_left
    if left <= 0:
        raise ToolError("not run: the time that the work may take is over")
    seconds = min(left, arguments.seconds or left)
    context.checks_left -= 1
    try:
        async with asyncio.timeout(seconds):
            report = await context.run_checks()
    except TimeoutError:
        whose = "that the work had left" if seconds == left else "that they were given"
        raise ToolError(f"the checks did not end within the {seconds:.0f} s {whose}") from None
    except UserError as refusal:
        raise ToolError(f"{refusal}\n{refusal.log or ''}".strip()) from None
    parts = (
        [f"[held back from the checks and from publication: {'; '.join(report.held)}]"] if report.held else []
    )
    parts += [render_check(each) for each in report.checks]
    if not report.checks:
        parts.append("[this repository has no checks that would be run]")
    if report.not_run:
        parts.append(f"[not run: {'; '.join(report.not_run)}]")
    ok = all(each.result.verdict is Verdict.PASSED for each in report.checks)
    return ToolOutput(text=context.shorten("\n".join(parts)), ok=ok)


def render_check(check: CheckReport) -> str:
    """One line for what passed; for what did not, the failing tests and the end of the output too."""
    result = check.result
    counts = [
        f"{count} {word}" for count, word in ((result.passed, "passed"), (result.failed, "failed")) if count
    ]
    told = result.exit_code is not None and result.verdict is not Verdict.PASSED
    code = f" (exit code {result.exit_code})" if told else ""
    about = ", ".join([f"{result.verdict.value}{code}", *counts, f"{result.seconds:.1f} s"])
    line = f"{check.name}, `{check.command}`: {about}{f' ({result.note})' if result.note else ''}"
    if result.verdict is Verdict.PASSED:
        return line
    shown = result.failing[:MOST_FAILING]
    more = len(result.failing) - len(shown)
    named = [f"failing: {', '.join(shown)}{f' and {more} more' if more else ''}"] if shown else []
    tail = drop_progress_lines(result.tail).strip()[-TAIL_CHARS:]
    return "\n".join([line, *named, *([tail] if tail else [])])

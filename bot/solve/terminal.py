"""``hob solve`` for a person at a terminal: the outcome, the diff in colours, the proof as a table."""

from __future__ import annotations

import click
from rich.console import Console
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from bot.domain import CheckResult, OutcomeKind, Proof, ProofState, Usage, Verdict
from bot.git.paths import printable_path
from bot.run.attempts.ranking import Selection
from bot.run.messages.attempts import name_identical, render_attempt_end, render_proof_state, render_size
from bot.run.messages.proof import render_counts, render_mended_part
from bot.solve.solve import Solved
from bot.text.lists import join_first
from bot.text.terminal import show_controls
from bot.workspace.network import render_advice

LAST_LINES = 20  # of a check that does not pass
_HEAD = {
    OutcomeKind.CHANGED: "Changed",
    OutcomeKind.ANSWERED: "Answered",
    OutcomeKind.NOTHING: "Nothing to change",
    OutcomeKind.BLOCKED: "Could not do this",
    OutcomeKind.LIMIT: "Stopped at a limit",
}


def print_patch(patch: bytes) -> None:
    """Write a patch to stdout byte for byte, so that ``git apply`` takes it."""
    click.echo(patch, nl=False)


def print_solved(solved: Solved, console: Console, *, with_diff: bool = True) -> None:
    """Print it. What the model and the repository say is shown as text, never as markup or as control."""
    result = solved.result
    outcome = result.outcome
    head = _HEAD[outcome.kind] + (f": {outcome.title}" if outcome.title else "")
    console.print(Text(show_controls(head), style="bold"))
    if outcome.summary:
        console.print(Text(show_controls(outcome.summary)))
    for note in outcome.notes:
        console.print(Text(show_controls(f"{note.path}:{note.line}: {note.text}"), style="dim"))
    if result.diff and with_diff:
        console.print()
        console.print(Syntax(show_controls(result.diff), "diff", background_color="default", word_wrap=True))
    for warning in result.proof.warnings:
        names = f": {join_first(warning.names, 10)}" if warning.names else ""
        console.print(Text(show_controls(f"warning: {warning.text}{names}"), style="bold yellow"))
    if result.proof.checks:
        console.print(_make_proof_table(solved))
    if result.proof.state is ProofState.PARTLY:
        console.print(Text(f"In part: {render_mended_part(result.proof)}.", style="bold yellow"))
    for check in result.proof.checks:
        if check.head.verdict is not Verdict.PASSED and check.head.tail.strip():
            console.print(Text(f"The last lines of {show_controls(check.command)}:", style="bold"))
            last = "\n".join(check.head.tail.rstrip().splitlines()[-LAST_LINES:])
            console.print(Text(show_controls(last)), soft_wrap=True)  # lines as they were printed
    for line in _list_tests(result.proof):
        console.print(Text(show_controls(line)))
    for item in result.proof.not_run:
        console.print(Text(show_controls(f"not run: {item}"), style="dim"))
    for blocked in result.proof.blocked:
        how = f"; {render_advice(blocked)}" if blocked.allow else ""
        line = f"network blocked: {blocked.where} ({blocked.reason}){how}"
        console.print(Text(show_controls(line), style="yellow"))
    for held in result.changes.held:
        line = f"held back: {printable_path(held.path)}: {held.why}"
        console.print(Text(show_controls(line), style="yellow"))
    if len(solved.picked.attempts) > 1:
        console.print(_make_attempts_table(solved.picked))
        console.print(Text(f"* chosen: {solved.picked.why}"))
    for said in (solved.picked.remark, *name_identical(solved.picked.attempts)):
        if said:
            console.print(Text(said))
    turns = "1 turn" if outcome.usage.turns == 1 else f"{outcome.usage.turns} turns"
    console.print(Text(f"{turns}, {solved.seconds:.1f} s", style="dim"))


def _list_tests(proof: Proof) -> list[str]:
    """The tests that turned, each kind in a line, ten names at most."""
    lines = [
        ("still fails, and the request is about it", proof.still_failing),
        ("fails as before, and the request may be about it too", proof.left_failing),
    ]
    said = {*proof.still_failing, *proof.left_failing}
    for check in proof.checks:
        lines += [
            ("failed before, passes now", check.mended),
            ("new, and fails without this change", check.added),
            ("fails only with this change", check.broken),
            ("failed before too", tuple(test for test in check.there_before if test not in said)),
        ]
    return [f"{words}: {join_first(tests, 10)}" for words, tests in lines if tests]


def _make_attempts_table(picked: Selection) -> Table:
    table = Table(title="Attempts", title_justify="left")
    for column in ("attempt", "ended", "proof", "change", "turns", "cost", "seconds"):
        table.add_column(column)
    for each in picked.attempts:
        usage = each.result.outcome.usage if each.result else Usage()
        mine = each is picked.chosen
        table.add_row(
            Text(f"{each.ordinal}{' *' if mine else ''}", style="bold" if mine else ""),
            Text(render_attempt_end(each)),
            Text(render_proof_state(each)),
            Text(render_size(each)),
            Text(str(usage.turns)),
            Text(f"${usage.usd:.3f}" if usage.usd else ""),
            Text(f"{each.seconds:.1f}"),
        )
    return table


def _make_proof_table(solved: Solved) -> Table:
    table = Table(title="Proof", title_justify="left")
    for column in ("check", "on base", "with the change"):
        table.add_column(column)
    for check in solved.result.proof.checks:
        table.add_row(Text(check.command), _render_result(check.base), _render_result(check.head))
    return table


def _render_result(result: CheckResult) -> Text:
    style = "green" if result.verdict is Verdict.PASSED else "red"
    counts = render_counts(result)
    note = f": {result.note}" if result.note else ""
    return Text(
        f"{result.verdict.value}{f' ({counts})' if counts else ''}, {result.seconds:.1f} s{note}", style=style
    )

"""Every text that Hob writes on GitHub: pure functions from values to Markdown.

Words that came from a model or from a repository go through ``defuse`` first, so that they can mention
nobody, close nothing and command no other bot.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from bot.domain import (
    Blocked,
    ChangeSet,
    Check,
    CheckResult,
    Note,
    Outcome,
    OutcomeKind,
    Proof,
    Result,
    Step,
    StepState,
    Task,
    Verdict,
)
from bot.github.answers import Pull
from bot.run.messages.held_paths import render_held_paths
from bot.run.messages.origin import render_origin, render_unasked
from bot.text.defuse import defuse, defuse_line, defuse_plain_text, fence, table_cell
from bot.text.fit import mark
from bot.workspace.network import render_advice

_BOX = {
    StepState.TODO: "- [ ] {}",
    StepState.DOING: "- [ ] **{}** …",
    StepState.DONE: "- [x] {}",
    StepState.SKIPPED: "- [x] ~~{}~~",
}

# What decides whether tests pass, by the names that test runners look for.
_JUDGE = re.compile(
    r"(^|/)(tests?/|conftest\.py$|test_[^/]*$|[^/]*_test\.\w+$|[^/]*\.(test|spec)\.\w+$|pytest\.ini$|tox\.ini$)"
)

_MARK = {
    Verdict.PASSED: "✅ passed",
    Verdict.FAILED: "❌ failed",
    Verdict.NO_TESTS: "⚪ no tests",
    Verdict.TIMED_OUT: "⏱️ timed out",
    Verdict.ERROR: "⚠️ could not run",
}


def is_judge(path: str) -> bool:
    """Whether the path decides how tests end, by the names that test runners look for."""
    return _JUDGE.search(path) is not None


def task_mark(task: Task) -> str:
    """The key of the hidden line by which a task's progress comment is found again."""
    return f"task:{task.id}"


def render_at_work(run_url: str) -> str:
    """The summary of the check run that says so."""
    return f"I am on it. {render_run_link(run_url)}".strip()


def fold_details(summary: str, body: str) -> str:
    """A details block: closed until a person opens it."""
    return f"<details>\n<summary>{summary}</summary>\n\n{body}\n\n</details>"


def render_progress(task: Task, steps: Sequence[Step], *, status: str, run_url: str) -> str:
    """The one progress comment while the task is under way."""
    foot = f"{render_unasked(task)} {render_run_link(run_url)}".strip()
    return "\n\n".join(part for part in (mark(task_mark(task)), status, _plan(steps), foot) if part)


def render_final(task: Task, steps: Sequence[Step], *, text: str, run_url: str) -> str:
    """The progress comment at its end: the outcome first, then the plan as it was left."""
    plan = _plan(steps)
    details = fold_details("Plan", plan) if plan else ""
    foot = f"{render_unasked(task)} {render_run_link(run_url)}".strip()
    return "\n\n".join(part for part in (mark(task_mark(task)), text, details, foot) if part)


def _plan(steps: Sequence[Step]) -> str:
    return "\n".join(_BOX[step.state].format(defuse_line(step.text)) for step in steps)


def render_failure(message: str, *, phase: str, log: str) -> str:
    """What is said when a run ends without a result: the phase, the reason, the last lines."""
    head = f"❌ **This ended while I was in the phase “{phase}”.**" if phase else "❌ **This did not work.**"
    tail = fold_details("Last lines", fence(log)) if log.strip() else ""
    return "\n\n".join(part for part in (head, defuse(message), tail) if part)


def render_outcome(outcome: Outcome) -> str:
    """The words for an outcome that leaves no pull request."""
    head = {
        OutcomeKind.ANSWERED: "",
        OutcomeKind.NOTHING: "✅ **Nothing to change.**",
        OutcomeKind.BLOCKED: "🤷 **I could not do this.**",
        OutcomeKind.LIMIT: "⏳ **A limit ended this before there was a result.**",
        OutcomeKind.CHANGED: "🤷 **The work ended without a change to the files.**",
    }[outcome.kind]
    return "\n\n".join(part for part in (head, defuse(outcome.summary)) if part)


def render_title(task: Task, outcome: Outcome) -> str:
    """One line for the pull request and the commit, at most 72 characters where it can be cut at a word."""
    line = " ".join(defuse_plain_text(outcome.title or task.thread.title or "Change").split())
    if len(line) <= 72:
        return line
    return line[:71].rsplit(" ", 1)[0].rstrip(",.;:") + "…"


def render_commit_message(task: Task, outcome: Outcome, *, run_url: str, email_domain: str) -> str:
    """Title, summary and trailers: the requester as co-author, the run, and the task for look-ups."""
    who = task.requester
    trailers = [
        f"Co-authored-by: {who.login} <{who.id}+{who.login}@{email_domain}>",
        f"Hob-Run: {run_url}",
        f"Hob-Task: {task.id}",
    ]
    summary = defuse_plain_text(re.sub(r"[#*`]+", "", outcome.summary)).strip()
    return (
        "\n\n".join(part for part in (render_title(task, outcome), summary, "\n".join(trailers)) if part)
        + "\n"
    )


def render_pull_body(
    task: Task, result: Result, *, hidden: Sequence[str], run_url: str, choice: str = ""
) -> str:
    """The pull request's description, made from the whole difference and the proof."""
    closes = f"Fixes #{task.thread.number}" if not task.thread.is_pull else ""
    parts = [
        defuse(result.outcome.summary),
        _limit_note(result.outcome),
        closes,
        "### What changed\n\n" + _files(result.changes),
        "### Proof\n\n" + render_proof(result.proof),
        choice,
        render_held_paths(result),
        render_invisible_text(hidden),
        f"{render_origin(task)} {render_run_link(run_url)}",
    ]
    return "\n\n".join(part for part in parts if part)


def render_proof(evidence: Proof) -> str:
    """The checks as a table, base against head, and what was not run."""
    lines = []
    if evidence.checks:
        lines += ["| check | on base | with this change |", "|---|---|---|"]
        lines += [
            f"| `{table_cell(c.command)}` | {_result(c.base)} | {_result(c.head)} |" for c in evidence.checks
        ]
        lines.append("")
        network = (
            f"with `internet: {table_cell(evidence.internet)}`" if evidence.internet else "without network"
        )
        lines.append(f"Each ran in a clean sandbox {network}; base is `{evidence.base[:12]}`.")
    for check in evidence.checks:
        lines += _turned(check)
    lines += [f"- Not run: {item}" for item in evidence.not_run]
    lines += [render_blocked(evidence)] if evidence.blocked else []
    tails = [
        fold_details(f"Output of <code>{table_cell(c.command)}</code> with this change", fence(c.head.tail))
        for c in evidence.checks
        if c.head.tail.strip()
    ]
    return "\n".join(lines) + ("\n\n" + "\n\n".join(tails) if tails else "")


def render_blocked(evidence: Proof) -> str:
    """What policy kept the run from reaching, as a list; '' when there was nothing."""
    lines = [_blocked(item) for item in evidence.blocked[:10]]
    if len(evidence.blocked) > 10:
        lines.append(f"- {len(evidence.blocked) - 10} more hosts were blocked.")
    return "\n".join(lines)


def _blocked(item: Blocked) -> str:
    """One line on what could not be reached, from where, and the line of hob.yml that would allow it."""
    where = f"`{table_cell(item.where)}`" if item.host else "a request"
    by = f" by `{table_cell(item.command)}`" if item.command else ""
    how = f"; {render_advice(replace(item, allow=table_cell(item.allow)))}" if item.allow else ""
    return f"- Network blocked: {where}{by} ({defuse_line(item.reason)}){how}."


def _turned(check: Check) -> list[str]:
    lines = []
    if check.mended:
        lines.append("- Failed before, passes now: " + _names(check.mended))
    if check.broken:
        lines.append("- **Fails only with this change:** " + _names(check.broken))
    return lines


def _names(tests: Sequence[str]) -> str:
    shown = ", ".join(f"`{table_cell(test)}`" for test in tests[:10])
    return shown + (f" and {len(tests) - 10} more" if len(tests) > 10 else "")


def _result(result: CheckResult) -> str:
    counts = [f"{n} {word}" for n, word in ((result.passed, "passed"), (result.failed, "failed")) if n]
    code = f"exit code {result.exit_code}, " if result.exit_code else ""
    tail = ", ".join(counts)
    return f"{_MARK[result.verdict]} ({code}{tail + ', ' if tail else ''}{result.seconds:.1f} s)"


def _files(changes: ChangeSet) -> str:
    rows = [f"- `{table_cell(change.path)}` {change.kind.value}" for change in changes.files[:50]]
    if len(changes.files) > 50:
        rows.append(f"- and {len(changes.files) - 50} more files")
    judges = [change.path for change in changes.files if is_judge(change.path)]
    if judges:
        rows += [
            "",
            f"⚠️ The proof below was run with tests that this change itself alters: {_names(judges)}.",
        ]
    return "\n".join(rows)


def render_invisible_text(hidden: Sequence[str]) -> str:
    """What was taken out of the thread because nobody sees it; '' for nothing."""
    if not hidden:
        return ""
    shown = "\n".join(item[:300] for item in hidden[:20])
    return fold_details("Hidden text in the thread, which I did not follow", fence(shown))


def _limit_note(outcome: Outcome) -> str:
    if outcome.kind is not OutcomeKind.LIMIT:
        return ""
    return "⏳ A limit ended the work early; this is what existed then."


def render_run_link(run_url: str) -> str:
    """Where the run can be looked at."""
    return f"[Run]({run_url})" if run_url else ""


def render_review(off_diff: Sequence[Note], key: str) -> str:
    """The body of the bot's review of its own change; notes whose line is not in the diff stand here."""
    rows = [f"**`{table_cell(note.path)}`, line {note.line}**\n\n{defuse(note.text)}" for note in off_diff]
    return "\n\n".join((mark(key), "What to look at:", *rows))


def render_done(
    pull: Pull,
    result: Result,
    *,
    here: str = "",
    told: str = "",
    refused: Sequence[str] = (),
    choice: str = "",
) -> str:
    """The final words when a pull request came of it.

    ``here``: the new commit, when they stand on that pull request; ``told`` says where else it is.
    ``refused``: what GitHub did not take beside it.
    """
    state = "✅ **Done**" if result.proof.passed else "⚠️ **Done, but read the proof**"
    where = told or (f", pushed to this pull request as {here[:12]}" if here else f": {pull.url}")
    missing = "\n".join(f"- Not published: {defuse(item)}" for item in refused)
    said = defuse(result.outcome.summary)
    parts = (f"{state}{where}", choice, said, render_proof(result.proof), missing, render_held_paths(result))
    return "\n\n".join(part for part in parts if part)


def render_worse(result: Result) -> str:
    """The final words when the change breaks tests: nothing was published, and here it is."""
    head = "❌ **I made a change, but it breaks tests that passed before, so I did not open a pull request.**"
    diff = fold_details("The change", fence(result.diff[:20_000], "diff"))
    parts = (
        head,
        defuse(result.outcome.summary),
        render_proof(result.proof),
        diff,
        render_held_paths(result),
    )
    return "\n\n".join(part for part in parts if part)


def render_reply(words: str, commit: str, key: str) -> str:
    """The answer in a review comment's thread: what was done and in which commit ('': none), or why not."""
    done = f"Done in {commit}." if commit else ""
    return "\n\n".join(part for part in (mark(key), defuse(words), done) if part)

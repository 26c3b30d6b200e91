"""What Hob writes on GitHub about attempts: how many there were, why one was taken, how to take another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.domain import Proof, ProofState
from bot.run.attempts.ranking import FinishedAttempt, Selection, count_broken_tests, find_identical
from bot.run.messages.proof import render_mended_part
from bot.text.defuse import defuse
from bot.text.diffs import diffstat

TOO_LATE = (
    "🛑 The wish to stop came while this was being published, so it was published whole. Mention me with "
    "`undo` to take it back."
)


def render_choice(selection: Selection, *, url: str) -> str:
    """One line: how many attempts there were and what the chosen one has over the others.

    For one alone why there were not more, or nothing.
    """
    if len(selection.attempts) < 2:
        return f"🔀 {selection.remark}" if selection.remark else ""
    mine = selection.chosen.ordinal
    told = f"🔀 Attempt {mine} of {len(selection.attempts)}: {selection.why}. [Compare them]({url})"
    return " ".join((told, *name_identical(selection.attempts)))


def render_comparison(selection: Selection, *, published: int, pull: int, slug: str, url: str) -> str:
    """The final text when attempts were made beside a published one: nothing was replaced."""
    best = selection.chosen.ordinal
    taken = "is the published one" if best == published else f"is the best one: {selection.why}"
    other = "N" if best == published else str(best)
    rows = ["| attempt | ended | proof | change |", "|---|---|---|---|"]
    for each in selection.attempts:
        mark = " (published)" if each.ordinal == published else ""
        cells = (
            f"{each.ordinal}{mark}",
            render_attempt_end(each),
            render_proof_state(each),
            render_size(each),
        )
        rows.append(f"| {' | '.join(cells)} |")
    return "\n\n".join(
        (
            f"⚖️ **Compared: attempt {best} {taken}.** Nothing was replaced. [Compare them]({url})",
            "\n".join(rows),
            *name_identical(selection.attempts),
            *([selection.remark] if selection.remark else []),
            f"`@{slug} use {other}` puts attempt {other} on #{pull}.",
        )
    )


def name_identical(attempts: Sequence[FinishedAttempt]) -> list[str]:
    """A sentence for each group of attempts that made the same change."""
    return [
        f"Attempts {', '.join(map(str, same[:-1]))} and {same[-1]} are identical."
        for same in find_identical(attempts)
    ]


def render_stop(why: str) -> str:
    """That a task was stopped and why, '' where a person asked for it; no full stop."""
    return f"🛑 **Stopped**: {defuse(why)}" if why else "🛑 **Stopped**, as asked"


def render_stopped(left: Mapping[int, str], *, slug: str, url: str, why: str = "") -> str:
    """The final text of a run that was stopped, and how to use what it had changed.

    ``why`` it was, '' where a person asked for it.

    ``left`` are the attempts that had changed something: '' for those that are stored, else why not.
    """
    head = f"{render_stop(why)}. Nothing was published."
    refused = " ".join(
        f"What attempt {number} had is not kept: {defuse(why)}" for number, why in left.items() if why
    )
    kept = [number for number, why in left.items() if not why]
    if not kept:
        return f"{head} {refused or 'There was no change yet. Mention me with `retry` to begin again.'}"
    names = ", ".join(str(number) for number in kept)
    which = f"attempt {names}" if len(kept) == 1 else f"attempts {names}"
    return (
        f"{head} What there was is kept as {which}: [look at it]({url}). "
        f"`@{slug} use {kept[0]}` proves it and publishes it." + (f" {refused}" if refused else "")
    )


def render_attempt_end(attempt: FinishedAttempt) -> str:
    """How an attempt ended: its outcome's kind or its error."""
    if attempt.result is None:
        return f"failed: {' '.join(defuse(attempt.error).replace('|', ' ').split())[:200]}"
    return attempt.result.outcome.kind.value


def render_proof_state(attempt: FinishedAttempt) -> str:
    """The verdict of an attempt's proof, as a short phrase."""
    return render_verdict(attempt.result.proof) if attempt.result else "none"


def render_verdict(proof: Proof) -> str:
    """A proof as a short phrase."""
    match proof.state:
        case ProofState.PROVED:
            return "✅ passed"
        case ProofState.DOUBTFUL:
            return "⚠️ passed, with a warning" if proof.warnings else "⚠️ passed as far as it ran"
        case ProofState.PARTLY:
            return f"{ProofState.PARTLY.icon} {render_mended_part(proof)}"
        case ProofState.NOT_RUN:
            return "⚠️ no result" if proof.checks else "not run"
    if count_broken_tests(proof):
        return "❌ breaks tests"
    return "❌ does not mend it" if proof.still_failing else "❌ failed"


def render_size(attempt: FinishedAttempt) -> str:
    """How much an attempt changes."""
    if attempt.result is None or not attempt.result.changes:
        return "none"
    stat = diffstat(attempt.result.diff)
    files = len(attempt.result.changes.files)
    return f"+{stat.added} −{stat.removed} in {files} file{'' if files == 1 else 's'}"

"""The final texts of tasks: done, failed, nothing to change, worse than before."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.domain import Outcome, OutcomeKind, Result
from bot.github.answers import Pull
from bot.run.messages.fold import fold_details
from bot.run.messages.held_paths import render_held_paths
from bot.run.messages.invisible_text import render_suspicions
from bot.run.messages.next_step import (
    AFTER_FAILURE,
    AFTER_WORSE,
    render_next,
    render_next_of_change,
    render_next_of_outcome,
)
from bot.run.messages.proof import render_proof
from bot.run.messages.short_proof import render_done_headline, render_short_proof
from bot.text.defuse import defuse, defuse_line, fence


def render_failure(message: str, *, phase: str, log: str) -> str:
    """The final text of a run that ends without a result: the phase, the reason, the last lines."""
    head = f"❌ **This ended while I was in the phase “{phase}”.**" if phase else "❌ **This did not work.**"
    tail = fold_details("Last lines", fence(log)) if log.strip() else ""
    says_so = re.search(r"\bagain\b", message) is not None
    following = "" if says_so else render_next(AFTER_FAILURE)
    return "\n\n".join(part for part in (head, defuse(message), following, tail) if part)


def render_left_branch(branch: str) -> str:
    """The sentence for a branch that was pushed and has no pull request."""
    return f"What I pushed until then is on the branch `{branch}`, without a pull request."


def render_outcome(outcome: Outcome, commit: str = "") -> str:
    """The text for an outcome that leaves no pull request; ``commit`` is what was looked at, where known."""
    at = f" on commit `{commit[:12]}`" if commit else ""
    head = {
        OutcomeKind.ANSWERED: "",
        OutcomeKind.NOTHING: f"✅ **Nothing to change{at}.**",
        OutcomeKind.BLOCKED: "🤷 **I could not do this.**",
        OutcomeKind.LIMIT: "⏳ **A limit ended this before there was a result.**",
        OutcomeKind.CHANGED: "🤷 **The work ended without a change to the files.**",
    }[outcome.kind]
    parts = (
        head,
        defuse(outcome.summary),
        render_suspicions(outcome.suspicions),
        render_next_of_outcome(outcome.kind),
    )
    return "\n\n".join(part for part in parts if part)


def render_done(
    pull: Pull,
    result: Result,
    *,
    here: str = "",
    where: str = "",
    refused: Sequence[str] = (),
    choice: str = "",
) -> str:
    """The final text of a task that made a pull request.

    ``here``: the new commit, when they stand on that pull request; ``where`` says where else it is.
    ``refused``: what GitHub did not take beside it.
    """
    place = where or (f", pushed to this pull request as {here[:12]}" if here else f": {pull.url}")
    missing = render_refused(refused)
    parts = (
        render_done_headline(result.proof, place),
        choice,
        defuse(result.outcome.summary),
        render_short_proof(result.proof),
        render_next_of_change(result.proof, here=bool(here)),
        missing,
        render_held_paths(result),
    )
    return "\n\n".join(part for part in parts if part)


def render_same_change(pull: Pull, result: Result, *, refused: Sequence[str] = ()) -> str:
    """The final text where an open pull request makes the very same change."""
    head = (
        f"✅ **#{pull.number} makes this very change already**: {pull.url}. I opened no second pull request."
    )
    parts = (head, defuse(result.outcome.summary), render_proof(result.proof), render_refused(refused))
    return "\n\n".join(part for part in parts if part)


def render_refused(refused: Sequence[str]) -> str:
    """A line for each write that GitHub refused; '' for none."""
    return "\n".join(f"- Left undone: {defuse_line(item)}" for item in refused)


def render_worse(result: Result) -> str:
    """The final text when the change breaks tests: nothing was published, and here it is."""
    head = "❌ **I made a change, but it breaks tests that passed before, so I did not open a pull request.**"
    diff = fold_details("The change", fence(result.diff[:20_000], "diff"))
    parts = (
        head,
        defuse(result.outcome.summary),
        render_proof(result.proof),
        render_next(AFTER_WORSE),
        diff,
        render_held_paths(result),
    )
    return "\n\n".join(part for part in parts if part)

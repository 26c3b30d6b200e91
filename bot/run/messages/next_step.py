"""What a reader can do next, in one line at the end of a task's text."""

from __future__ import annotations

from bot.domain import OutcomeKind, Proof
from bot.domain.proof import ProofState

_AFTER_CHANGE = {
    ProofState.PROVED: "review it and mark it ready, or say on it what to do differently",
    ProofState.DOUBTFUL: "look at what is marked above before you rely on the checks, then review it",
    ProofState.PARTLY: "review it; if you meant the other tests too, say so on it, and I go on",
    ProofState.FAILS: "do not merge it as it stands; say on it what to try, and I go on",
    ProofState.NOT_RUN: "review it by hand; what kept the checks from running stands above",
}
_AFTER_OUTCOME = {
    OutcomeKind.NOTHING: "if it is still wrong, say what you see and what you expect, and mention me",
    OutcomeKind.BLOCKED: "say or mend what is missing, and mention me",
    OutcomeKind.LIMIT: "mention me to try again; `budget` in `.github/hob.yml` says what one task may use",
    OutcomeKind.CHANGED: "say more exactly what is to change, and mention me",
}
AFTER_FAILURE = "mention me again when that is mended"
AFTER_WORSE = "mention me and say what to do differently, or take the change below by hand"


def render_next(what: str) -> str:
    """The line; '' for nothing."""
    return f"**Next:** {what}." if what else ""


def render_next_of_change(proof: Proof, *, here: bool) -> str:
    """What to do with a published change; ``here``: the text stands on its own pull request."""
    what = _AFTER_CHANGE[proof.state]
    if here:
        what = what.replace("review it and mark it ready", "review the commit")
        what = what.replace("on it", "here")
    return render_next(what)


def render_next_of_outcome(kind: OutcomeKind) -> str:
    """What to do where nothing was changed; an answer needs nothing."""
    return render_next(_AFTER_OUTCOME.get(kind, ""))

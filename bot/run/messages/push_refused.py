"""The final text when GitHub refuses a change's push: the rule, the change as a patch, and what to do."""

from __future__ import annotations

import re
import shlex

from bot.domain import ProvenChange
from bot.domain.proof import ProofState
from bot.run.messages.held_paths import render_held_paths
from bot.run.messages.short_proof import render_short_proof
from bot.text.defuse import code_span, defuse, fence
from bot.text.diffs import list_unappliable

MOST_PATCH = 40_000
_STATES = {
    ProofState.PROVED: "The change is made and proved",
    ProofState.DOUBTFUL: "The change is made and its checks pass, with a warning",
    ProofState.PARTLY: "A change is made, and of the failing tests it mends only some",
    ProofState.FAILS: "A change is made, but its proof fails",
    ProofState.NOT_RUN: "A change is made, but nothing could be run to prove it",
}
# What GitHub says of a ruleset, of a protected branch; and Hob's own word on names that exclude each other
_NAME_REFUSED = re.compile(
    r"GH013|GH006|rule violation|ruleset|protected branch|cannot create ref|creations being restricted"
    r"|branch name|pre-receive hook declined|a branch called",
    re.IGNORECASE,
)
# Rules that no other name of the branch would meet, by GitHub's words, and what to do.
# https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/available-rules-for-rulesets
_OTHER_RULES = {
    re.compile(r"verified signatures?", re.IGNORECASE): (
        "A rule wants signed commits here. GitHub signs what I commit through its API, but this could not go "
        "that way (a very large change, a submodule that differs, a folder in a file's place), and nobody "
        "signs what I push: for a merge press *Update branch* and ask again; else put this app on the rule's "
        "bypass list, or commit the patch yourself."
    ),
    re.compile(r"merge commits", re.IGNORECASE): (
        "A rule wants a linear history on this branch, so it cannot take the base by a merge: rebase it by "
        "hand (*Update with rebase*), then ask again."
    ),
    re.compile(r"commit message|(?:author|committer) email|commits? metadata", re.IGNORECASE): (
        "A rule asks for other words or another address in a commit than mine have: put this app on its "
        "bypass list, leave branches of mine out of it, or commit the patch yourself."
    ),
    re.compile(r"through a pull request|through the merge queue|status check", re.IGNORECASE): (
        "A rule that is made for branches into which one merges covers mine too: leave them out of it, then "
        "`@{slug} {again}` publishes this."
    ),
}
WAY_OUT = (
    "If it is the name that is refused: `.github/hob.yml` on the default branch can say how it is to begin, "
    "as below; then `@{} {}` publishes it."
)

WORKFLOWS = (
    "Workflow files take the `workflows` permission, which I do not ask for: commit the patch yourself, "
    "or ask for the change without them."
)


def render_how_to_apply(diff: str, base: str) -> str:
    """How to apply the patch, and which files it does not contain."""
    gone = list_unappliable(diff)
    if not gone:
        return f"`git apply` takes it on {base[:12]}."
    names = ", ".join(code_span(name) for name in gone[:10])
    more = f" and {len(gone) - 10} more" if len(gone) > 10 else ""
    excluded = " ".join(f"--exclude={shlex.quote(name)}" for name in gone[:10])
    return (
        f"It cannot hold what is no UTF-8 text ({names}{more}), so take the rest, on {base[:12]}, with "
        f"{code_span(f'git apply {excluded}')}."
    )


def render_push_refused(proven: ProvenChange, reason: str, *, slug: str) -> str:
    """``reason`` is what the server said, redacted; ``slug`` the name that people mention."""
    result = proven.result
    patch = fence(result.diff, "diff")
    if len(result.diff) > MOST_PATCH:
        patch = f"The patch is too long for here: [look]({proven.run_url})."
    parts = [
        f"❌ **GitHub did not take this from me**, so nothing was pushed to {code_span(proven.branch)}. "
        f"{_STATES[result.proof.state]}; it stands below as a patch.",
        fence(reason),
        defuse(result.outcome.summary),
        render_short_proof(
            result.proof, whole=f"All of it: [run]({proven.run_url})." if proven.run_url else ""
        ),
        render_how_to_apply(result.diff, result.changes.base),
        patch,
        render_held_paths(result),
    ]
    again = f"use {proven.ordinal}" if proven.ordinal else "retry"
    if others := [way for rule, way in _OTHER_RULES.items() if rule.search(reason)]:
        parts[2:2] = [way.format(slug=slug, again=again) for way in others]
    elif proven.head is None and _NAME_REFUSED.search(reason):
        parts[2:2] = [WAY_OUT.format(slug, again), fence("branch_prefix: fix/hob-", "yaml")]
    elif "archived so" in reason:
        parts.insert(2, f"Once the repository is no archive any more, `@{slug} {again}` publishes it.")
    elif "workflow" in reason:
        parts.insert(2, WORKFLOWS)
    return "\n\n".join(part for part in parts if part)

"""The base merged into Hob's own branch: when a pull request conflicts with it, or a person says so.

The host merges objects (``git.merge``); what git cannot merge is in the workspace with its markers, and the
agent's change to it goes through the gate and is proved as any other. Nothing is published while a marker is
left. A merge without conflicts needs no model. The branch only grows: the result is a commit with two
parents.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dulwich.diff_tree import tree_changes
from dulwich.repo import Repo

from bot.domain import ChangeKind, ChangeSet, Outcome, OutcomeKind, PromptText, Task, TriggerKind, Trust
from bot.domain.paths.protected_paths import why_protected
from bot.errors import UserError
from bot.git.merge import OURS, THEIRS, MergeResult, has_markers, merge
from bot.git.mirror import Mirror
from bot.git.paths import as_bytes, as_text
from bot.git.trees import BaseTree
from bot.github.http.scope import Purpose
from bot.text.defuse import code_span, table_cell

if TYPE_CHECKING:  # `hob solve` comes by here and has no use for what calls GitHub: 0.2 to 0.5 s to import
    from bot.github.answers import Pull
    from bot.github.app import RepoApi

MOST_NAMED = 20
_BRANCH = r"(?:the\s++|this\s++|your\s++)?(?:\w++\s++)?(?:branch|pr|pull\s++request)"
_INTO = rf"(?:\s+(?:in(?:to)?|with|on(?:to)?|from|against)\s+(?:this|it|here|{_BRANCH}|`?[\w./-]+`?))?"
_ASKS = re.compile(
    r"\b(?:resolve|solve|fix|settle|handle|mend)\b[^.\n]{0,40}\bconflicts?\b"
    rf"|\bupdate\s++{_BRANCH}\b|\bmerge\s++(?:in\s++)?(?:the\s++)?(?:latest\s++)?`?(?:main|master|base|trunk)\b"
    r"|\brebase\b|\bbring\b[^.\n]{0,40}\bup\s++to\s++date\b",
    re.IGNORECASE,
)
_ONLY = re.compile(
    r"\W*+(?:(?:please|can|could|would|you|hi|hey)\W++)*"
    rf"(?:(?:resolve|solve|fix|settle|handle|mend)\s+(?:(?:the|these|all|any|merge|its)\s+)*conflicts?{_INTO}"
    rf"|update\s+{_BRANCH}{_INTO}"
    rf"|merge\s+(?:in\s+)?(?:the\s+)?(?:latest\s+)?`?(?:main|master|base|trunk)`?(?:\s+branch)?{_INTO}(?:\s+in)?"
    rf"|rebase(?:\s+(?:this|it|{_BRANCH}))?{_INTO}"
    rf"|bring\s+(?:this|it|{_BRANCH})\s+up\s+to\s+date{_INTO})"
    r"(?:\W+(?:please|now|thanks|thank|you))*\W*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseMerge:
    """A branch with its base: ``merged`` is None when it has all of the base already.

    ``is_requested``: the request or a failing check asks for it; ``only``: it asks for nothing else.
    """

    name: str  # of the base branch
    is_requested: bool
    only: bool
    merged: MergeResult | None = None

    @property
    def conflicts(self) -> tuple[str, ...]:
        """The paths that git could not merge."""
        return self.merged.conflicts if self.merged else ()


async def merge_base_branch(
    task: Task,
    api: RepoApi,
    mirror: Mirror,
    pull: Pull,
    head: str,
    *,
    wanted: bool | None = None,
) -> BaseMerge | None:
    """Merge the base of an open pull request into its commit ``head``, which the mirror has.

    None when nobody asked for it and GitHub says that there is no conflict, or the merge shows that. Checks
    run on the merge, so one that fails asks for it too. ``wanted`` is the answer where it is known.
    """
    is_requested = wanted or task.trigger.kind is TriggerKind.CHECK or _ASKS.search(task.request) is not None
    if wanted is False or (not is_requested and pull.mergeable is True):
        return None
    name = pull.base.ref
    nothing_to_merge = BaseMerge(
        name=name, is_requested=is_requested, only=bool(_ONLY.fullmatch(task.request))
    )
    fork_point = await api.commits.find_merge_base(name, head)
    if fork_point is None and nothing_to_merge.only and await api.commits.find_branch_head(name) is None:
        raise UserError(
            f"The base branch {code_span(name)} is gone, so there is nothing to merge. Choose another base "
            "for this pull request (*Edit*, beside the title), and ask again.",
            phase="prepare",
        )
    if fork_point is None or not fork_point.ahead:
        return nothing_to_merge if is_requested and fork_point else None
    await fetch_commits(task, api, mirror, fork_point.tip, fork_point.at)
    merged = await merge(mirror.path(task.repo.id), base=fork_point.at, ours=head, theirs=fork_point.tip)
    return replace(nothing_to_merge, merged=merged) if is_requested or merged.conflicts else None


async def rebuild_merge(task: Task, api: RepoApi, mirror: Mirror, changes: ChangeSet) -> None:
    """Make sure that the mirror holds the merged tree that a merge was built on, on whatever machine.

    Raises UserError when the merge now gives another tree.
    """
    if await mirror.resolve(task.repo.id, changes.base) is not None:
        return
    ours, theirs = changes.parents
    fork_point = await api.commits.find_merge_base(theirs, ours)
    if fork_point is not None:
        await fetch_commits(task, api, mirror, ours, theirs, fork_point.at)
        merged = await merge(mirror.path(task.repo.id), base=fork_point.at, ours=ours, theirs=theirs)
        if merged.commit == changes.base:
            return
    raise UserError("The merge that I proved cannot be made again here; ask me anew.", phase="publish")


async def fetch_commits(task: Task, api: RepoApi, mirror: Mirror, *commits: str) -> None:
    """Make sure that the mirror holds these commits."""
    repo = task.repo
    missing = [sha for sha in commits if await mirror.resolve(repo.id, sha) is None]
    specs = [f"{sha}:refs/hob/task-{task.id}-{at}" for at, sha in enumerate(missing)]
    if specs:
        await api.with_token(
            Purpose.FETCH, lambda token: mirror.fetch(repo.id, repo.clone_url, token=token, refspecs=specs)
        )


def render_merge_state(base_merge: BaseMerge) -> PromptText | None:
    """What the agent has to know of the state of its workspace."""
    if base_merge.merged is None:
        return None
    names = "\n".join(f"- {table_cell(path)}" for path in base_merge.conflicts)
    text = f"{code_span(base_merge.name)} was merged into this branch for you, in the workspace."
    if names:
        text += (
            " These files are in conflict: between `<<<<<<< this-branch` and `=======` stands what this "
            "branch has, from there to `>>>>>>> base-branch` what the base has. Edit each so that it does "
            "what both sides meant and no marker is left; a file that one side deleted has none: delete it "
            "or keep it. `git` shows nothing of the merge. Say in the summary how you decided. Nothing is "
            f"published while a marker is left.\n\n{names}"
        )
    return PromptText(
        trust=Trust.INSTRUCTION, where="the state of the branch", author="", permission="", at="", text=text
    )


def conclude_merge(
    base_merge: BaseMerge | None,
    repo: str,
    outcome: Outcome,
    changes: ChangeSet,
    protected: Sequence[str] = (),
) -> tuple[Outcome, ChangeSet]:
    """The result of a merge: its commit's parents when every conflict is settled, else why not, by name.

    ``protected`` are hob.yml's patterns. Blocking: reads the merged files from the bare repository ``repo``.
    """
    merged = base_merge.merged if base_merge else None
    if base_merge is None or merged is None or outcome.kind is OutcomeKind.ANSWERED:
        return outcome, changes
    unsettled = {*find_unsettled(merged, repo, changes), *find_carried_in(merged, repo, protected)}
    left = [table_cell(path) for path in sorted(unsettled)]
    if left or outcome.kind is OutcomeKind.BLOCKED:
        if outcome.kind is OutcomeKind.NOTHING and not base_merge.is_requested:
            return outcome, changes
        return replace(
            outcome, kind=OutcomeKind.BLOCKED, summary=_render_unsettled(base_merge, left, outcome.summary)
        ), changes
    kind = OutcomeKind.CHANGED if outcome.kind is OutcomeKind.NOTHING else outcome.kind
    title = outcome.title or f"Merge {base_merge.name} into this branch"
    summary = "\n\n".join(part for part in (outcome.summary, _render_settled(base_merge)) if part)
    parents = (merged.ours, merged.theirs)
    return replace(outcome, kind=kind, title=title, summary=summary), replace(changes, parents=parents)


def find_unsettled(merged: MergeResult, repo: str, changes: ChangeSet) -> list[str]:
    """The paths in conflict that still are: a marker is left, a name that git made up, a submodule."""
    now = {file.path: file for file in changes.files}
    left = set(merged.stuck)
    with closing(Repo(repo)) as opened:
        tree = BaseTree(opened.object_store, merged.commit)
        for path in merged.conflicts:
            file = now.get(path)
            if file is not None:
                data = None if file.kind is ChangeKind.DELETED else file.data
            else:
                data = tree.read_file(as_bytes(path))
            made_up = data is not None and "~" in path and path.rpartition("~")[2] in (OURS, THEIRS)
            if data is not None and (made_up or has_markers(data)):
                left.add(path)
    return sorted(left)


def find_carried_in(merged: MergeResult, repo: str, protected: Sequence[str]) -> list[str]:
    """The protected paths to which the merge brought what neither side has there, by following a rename.

    No gate saw that: on its own side the file had a name that anybody may change.
    """
    found = []
    with closing(Repo(repo)) as opened:
        store = opened.object_store
        ours, theirs, made = (BaseTree(store, sha) for sha in (merged.ours, merged.theirs, merged.commit))
        for change in tree_changes(store, theirs.root.sha, made.root.sha):
            path = change.new.path if change.new else None
            if path is None or not why_protected(as_text(path), protected):
                continue
            here, there, now = ours.find(path), theirs.find(path), made.find(path)
            if now not in (here, there) and None in (here, there):
                found.append(as_text(path))
    return found


def _render_unsettled(base_merge: BaseMerge, left: list[str], summary: str) -> str:
    names = "\n".join(f"- `{path}`" for path in left[:MOST_NAMED])
    more = f"\n- and {len(left) - MOST_NAMED} more" if len(left) > MOST_NAMED else ""
    still = (
        f"In conflict with {code_span(base_merge.name)}, and not settled:\n\n{names}{more}" if left else ""
    )
    nothing = "I pushed nothing; the branch is as it was."
    return "\n\n".join(part for part in (summary, still, nothing) if part)


def _render_settled(base_merge: BaseMerge) -> str:
    names = ", ".join(f"{code_span(path)}" for path in base_merge.conflicts[:MOST_NAMED])
    return f"{code_span(base_merge.name)} is merged in. Conflicts were settled in {names}." if names else ""

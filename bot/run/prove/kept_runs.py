"""The checks on a tree that nothing has changed since: run once, and the results reused for an hour.

On a commit as it stands they are run for the agent's first message; the proof compares with them, and so do
other attempts and other tasks on that commit. Before a change is blamed for a difference from them, they are
run again (``bot.run.prove.chance``): an hour is long enough for a test that looks at the clock.

On a changed tree they are run for the agent's tool ``check``, in a clean sandbox, as for the proof. It takes
them over if its change is the very same, no other changed tree on this commit was checked, and this one only
once: an agent that could ask again, with another comment or with less time, would ask until a test passes by
chance.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from bot.domain import ChangeSet, CheckCommand, Verdict
from bot.run.prove.rows import CheckedTree, End, TreeRuns, run_on_tree
from bot.text.redact import Redactor
from bot.workspace.checkout import Checkout
from bot.workspace.workshop import KEPT_RUN_TESTS

MOST_OF_CHANGED = (
    KEPT_RUN_TESTS // 20
)  # tests and commands: else one run pushes out the marks of those before
_SURE = (Verdict.PASSED, Verdict.FAILED)  # anything else may be this machine's trouble of the moment


async def run_on_base(
    checkout: Checkout,
    commands: Sequence[CheckCommand],
    redactor: Redactor,
    lead: Sequence[End] = (),
    *,
    behind: float = 0.0,
) -> TreeRuns:
    """The commands' runs on the checkout's commit without a change; ``kept`` ones if there are such.

    ``lead`` and ``behind`` as for ``run_on_tree``, for what has to be run. What may reach the network is not
    kept: what it finds there changes.
    """
    tree = CheckedTree(checkout=checkout, changes=ChangeSet(base=checkout.base))
    key = _make_key(tree, commands)
    return _find(tree, key) or _keep(
        tree, key, await run_on_tree(tree, commands, redactor, lead, behind=behind)
    )


async def run_on_head(
    tree: CheckedTree, commands: Sequence[CheckCommand], redactor: Redactor, lead: Sequence[End]
) -> TreeRuns:
    """The commands' runs on a changed tree, for its proof: those that the agent asked for if they are kept.

    ``lead`` gets the results in any case.
    """
    known = _find(tree, _make_key(tree, commands))
    if known is None or len(_list_checked(tree)) != 1:
        return await run_on_tree(tree, commands, redactor, lead)
    for end, run in zip(lead, known.runs, strict=True):
        end.set_result(run.result)
    return known


async def run_for_agent(
    checkout: Checkout, changes: ChangeSet, commands: Sequence[CheckCommand], redactor: Redactor
) -> TreeRuns:
    """The commands' runs on the checkout's commit with ``changes``, kept for the proof of these changes."""
    if not changes:
        return await run_on_base(checkout, commands, redactor)
    tree, kept = CheckedTree(checkout=checkout, changes=changes), checkout.kept_runs
    key, mark = _make_key(tree, commands), object()
    first = key not in kept
    kept[key] = 1, mark  # as long as it runs, and for good if it is ended or another one begins
    ran = await run_on_tree(tree, commands, redactor)
    alone = first and kept.get(key) == (1, mark)
    return _keep(tree, key, ran, most=MOST_OF_CHANGED) if alone else ran


def _make_key(tree: CheckedTree, commands: Sequence[CheckCommand]) -> str:
    """A digest of all that a result depends on, but for time and chance, behind the commit's own."""
    checkout, changes = tree.checkout, tree.changes
    key = repr((checkout.layers, checkout.backend, checkout.policy, checkout.config.image, checkout.foreign))
    key += repr((tuple(commands), changes.parents))
    key += repr([(file.path, file.kind, file.mode, len(file.data)) for file in changes.files])
    made = hashlib.sha256(key.encode("utf-8", "surrogateescape"))
    for file in changes.files:
        made.update(file.data)
    return f"{_make_place(tree)}{made.hexdigest()}"


def _make_place(tree: CheckedTree) -> str:
    """What the keys of all trees on one commit begin with, those of changed trees apart."""
    changed = "changed" if tree.changes else "as it stands"
    return f"{tree.checkout.repo} {tree.checkout.base} {changed} "


def _list_checked(tree: CheckedTree) -> list[str]:
    """The keys of the changed trees on this commit that were checked."""
    place = _make_place(tree)
    return [key for key in tree.checkout.kept_runs if key.startswith(place)]


def _find(tree: CheckedTree, key: str) -> TreeRuns | None:
    _, known = tree.checkout.kept_runs.get(key, (0, None))
    return known if isinstance(known, TreeRuns) else None


def _keep(tree: CheckedTree, key: str, ran: TreeRuns, *, most: int = KEPT_RUN_TESTS) -> TreeRuns:
    """Keep the runs for who comes next, unless they cannot be relied on."""
    size = sum(1 + len(run.tests) for run in ran.runs)
    sure = all(run.result.verdict in _SURE and not run.changed for run in ran.runs)
    if sure and size <= most and tree.checkout.policy.egress is None:
        tree.checkout.kept_runs[key] = size, replace(ran, kept=True)
    return ran

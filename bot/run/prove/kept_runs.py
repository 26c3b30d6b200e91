"""The checks on a tree that nothing has changed since: run once, and the results reused for an hour.

On a commit as it stands they are run for the agent's first message; the proof compares with them, and so do
other attempts and other tasks on that commit. Before a change is blamed for a difference from them, they are
run again (``bot.run.prove.chance``): an hour is long enough for a test that looks at the clock.

On a changed tree they are run for the agent's tool ``check``, in a clean sandbox, as for the proof; it takes
them over if its change is the very same. Where they ended now in one way and now in another, they are run
anew each time: nobody can ask again until a test passes by chance.
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
    if known is None:
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
    tree = CheckedTree(checkout=checkout, changes=changes)
    return _keep(tree, _make_key(tree, commands), await run_on_tree(tree, commands, redactor))


def _make_key(tree: CheckedTree, commands: Sequence[CheckCommand]) -> str:
    """All that a result may depend on, but for time and chance."""
    checkout, changes = tree.checkout, tree.changes
    key = repr((checkout.repo, checkout.base, checkout.layers, checkout.backend, checkout.policy))
    key += repr((checkout.config.image, checkout.foreign, tuple(commands), changes.parents))
    key += repr([(file.path, file.kind, file.mode, len(file.data)) for file in changes.files])
    return key + hashlib.sha256(b"".join(file.data for file in changes.files)).hexdigest()


def _find(tree: CheckedTree, key: str) -> TreeRuns | None:
    _, known = tree.checkout.kept_runs.get(key, (0, None))
    return known if isinstance(known, TreeRuns) else None


def _keep(tree: CheckedTree, key: str, ran: TreeRuns) -> TreeRuns:
    """Keep the runs for who comes next, unless they cannot be relied on."""
    kept = tree.checkout.kept_runs
    size = sum(1 + len(run.tests) for run in ran.runs)
    if tree.checkout.policy.egress is not None or size > KEPT_RUN_TESTS:
        return ran
    sure = all(run.result.verdict in _SURE and not run.changed for run in ran.runs)
    differs = key in kept and not _ended_alike(_find(tree, key), ran)
    if differs or (not sure and tree.changes):
        kept[key] = 1, None
    elif sure:
        kept[key] = size, replace(ran, kept=True)
    return ran


def _ended_alike(known: TreeRuns | None, ran: TreeRuns) -> bool:
    return known is not None and [(run.result.verdict, run.tests) for run in known.runs] == [
        (run.result.verdict, run.tests) for run in ran.runs
    ]

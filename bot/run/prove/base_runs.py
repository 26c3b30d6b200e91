"""The checks on an unchanged commit: run once, and the results reused for an hour.

Before the agent begins, they are run for its first message; the proof compares with them; other attempts, and
other tasks on the same commit, do too. Before a change is blamed for a difference from them, they are run
again (``bot.run.prove.chance``): an hour is long enough for a test that looks at the clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.domain import ChangeSet, CheckCommand, Verdict
from bot.run.prove.rows import CheckedTree, End, TreeRuns, run_on_tree
from bot.text.redact import Redactor
from bot.workspace.checkout import Checkout
from bot.workspace.workshop import BASE_RUN_TESTS

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
    key = repr((checkout.repo, checkout.base, checkout.layers, checkout.backend, checkout.policy))
    key += repr((checkout.config.image, checkout.foreign, commands))
    _, known = checkout.base_runs.get(key, (0, None))
    if isinstance(known, TreeRuns):
        return known
    tree = CheckedTree(checkout=checkout, changes=ChangeSet(base=checkout.base))
    ran = await run_on_tree(tree, commands, redactor, lead, behind=behind)
    sure = all(run.result.verdict in _SURE and not run.changed for run in ran.runs)
    size = sum(1 + len(run.tests) for run in ran.runs)
    if sure and size <= BASE_RUN_TESTS and checkout.policy.egress is None:
        checkout.base_runs[key] = size, replace(ran, kept=True)
    return ran

"""The map in the brief: made from the base commit's own layer, and never a reason for a run to fail."""

from __future__ import annotations

from dataclasses import replace

import structlog

from bot.agent.repository_map import CommitTree, NoMap, list_all_files, render_map
from bot.domain import Brief
from bot.workspace.checkout import Checkout
from bot.workspace.workshop import Workshop
from sandbox.spec import SandboxUnavailable

log = structlog.get_logger()

FEW = 25  # files; so many are all shown, and nothing has to be ranked


async def add_map(workshop: Workshop, checkout: Checkout, brief: Brief, model: str) -> Brief:
    """The brief with a map of the repository for its request; without one for ``offline``, which reads none.

    When the map cannot be made, the brief says so and why.
    """
    if model == "offline":
        return brief
    repo_id = int(checkout.repo.stem)
    paths = await workshop.mirror.tree_paths(repo_id, checkout.base)
    if len(paths) <= FEW:
        return replace(brief, orientation=list_all_files(paths))
    tree = CommitTree(
        layer=checkout.layers[-1],
        key=f"{repo_id}-{checkout.base}",
        policy=workshop.policy,
        scratch=checkout.scratch,
        backend=checkout.backend,
    )
    said = [each.text for each in brief.texts if each.author]
    try:
        text = await render_map(workshop.layers, tree, "\n".join([brief.title, brief.request, *said]))
    except (NoMap, SandboxUnavailable, OSError) as error:
        log.warning("run.no_map", reason=str(error))
        text = f"There is no map of this repository: {error}"
    return replace(brief, orientation=text)

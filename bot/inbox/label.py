"""The label that hands an issue to Hob: made where it is missing, if the operator or the repository agreed.

GitHub shows only labels that a repository has, so the trigger that the README names cannot be set before
somebody made it. That is done when the app is installed or a repository is added, and when somebody asks for
help; with ``HOB_CREATE_LABEL`` everywhere, with ``create_label`` in a repository's hob.yml there.
"""

from __future__ import annotations

from typing import Any

import structlog

from bot.domain import AddedRepo, EffectKind, Event
from bot.errors import UserError
from bot.github.app import RepoApi
from bot.inbox.delivery_context import DeliveryContext, DeliveryEnd
from bot.repo_config import PATH, RepoConfig, read_repo_config
from bot.tasks.database.tables import DeliveryState

log = structlog.get_logger(__name__)

COLOR = "5319e7"
DESCRIPTION = "Hand this issue to {}"  # GitHub takes a hundred characters


async def make_labels(context: DeliveryContext, event: Event) -> DeliveryEnd:
    """Make the label in the repositories that an installation was given; a second time changes nothing.

    Each is noted when it is done: some hundreds are more than GitHub's limits let through at once, and what
    is tried again later begins where it ended. One that GitHub refuses is logged and left. Raises Retry and
    Parked.
    """
    made = 0
    for repo in event.added:

        async def do(repo: AddedRepo = repo) -> dict[str, Any]:
            return {"made": await _make_label(context, event, repo)}

        key = f"label:{event.delivery}:{repo.id}"
        made += bool((await context.effects.once(key, EffectKind.EDIT, find=None, do=do))["made"])
    return DeliveryState.HANDLED, f"{made} labels made in {len(event.added)} repositories"


async def _make_label(context: DeliveryContext, event: Event, repo: AddedRepo) -> bool:
    api = context.github.for_repo(event.installation, repo.id, repo.owner, repo.name)
    try:
        return await ensure_label(context, api, await _read_config(api))
    except UserError as refused:
        log.warning("label.not_made", repo=f"{repo.owner}/{repo.name}", reason=refused.message)
        return False


async def ensure_label(context: DeliveryContext, api: RepoApi, config: RepoConfig) -> bool:
    """Make the label if it is missing and somebody agreed; whether it was made. Raises UserError."""
    if not (context.operator.create_label or config.create_label):
        return False
    name = choose_label(context, config)
    if await api.issues.has_label(name):
        return False
    description = DESCRIPTION.format(context.app.slug)[:100]
    await api.issues.create_label(name, color=COLOR, description=description)
    return True


def choose_label(context: DeliveryContext, config: RepoConfig) -> str:
    """The label of a repository: its hob.yml's, else the operator's."""
    return config.label if "label" in config.model_fields_set else context.operator.label


async def _read_config(api: RepoApi) -> RepoConfig:
    """The repository's hob.yml on its default branch; the defaults where there is none, or no commit."""
    return await read_repo_config(await api.commits.read_file(PATH, ""))

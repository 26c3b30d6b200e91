"""The label that hands an issue to Hob: made where it is missing, if the operator or the repository agreed.

GitHub shows only labels that a repository has, so the trigger that the README names cannot be set before
somebody made it. That is done when the app is installed or a repository is added, and when somebody asks for
help; with ``HOB_CREATE_LABEL`` everywhere, with ``create_label`` in a repository's hob.yml there.
"""

from __future__ import annotations

import structlog

from bot.domain import Event
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

    One that GitHub refuses is logged and left. Raises Retry and Parked.
    """
    made = 0
    for repo in event.added:
        api = context.github.for_repo(event.installation, repo.id, repo.owner, repo.name)
        try:
            config = await _read_config(api)
            made += await ensure_label(context, api, config)
        except UserError as refused:
            log.warning("label.not_made", repo=f"{repo.owner}/{repo.name}", reason=refused.message)
    return DeliveryState.HANDLED, f"{made} labels made in {len(event.added)} repositories"


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

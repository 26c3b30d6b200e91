"""What is learned when a pull request is closed that Hob made or reviewed, where hob.yml agrees to it.

Without ``learning: true`` nothing is read or kept, and what was kept before is deleted.
"""

from __future__ import annotations

import structlog

from bot.domain import Event, Repo, TaskKind, Thread
from bot.errors import UserError
from bot.flags.kill import is_paused
from bot.github.app import RepoApi
from bot.inbox.commands.config import read_config_in_force
from bot.inbox.delivery_context import DeliveryContext, thread_key
from bot.learn.gather import EndedPull, PullReader
from bot.learn.propose import Proposer
from bot.repo_config import RepoConfig
from bot.tasks.database.reading import read_from

log = structlog.get_logger(__name__)


async def learn_from_end(context: DeliveryContext, api: RepoApi, event: Event, *, is_own: bool) -> str:
    """Gather corrections, and propose a rule where one is due; returns what was done, '' for nothing.

    Raises ``Retry``, ``Parked`` and UserError when GitHub cannot be asked now. A proposal that GitHub refuses
    is only logged, and tried when the next pull request ends.
    """
    repo, thread, store = event.repo, event.thread, context.store
    if repo is None or thread is None:
        return ""
    was_rule = await store.note_rule_end(repo.id, thread.number, merged=event.merged)
    made = is_own and await store.find_task_of_pull(repo.id, thread.number) is not None
    reviewed = any(task.kind is TaskKind.REVIEW for task in await store.list_tasks_on(thread_key(event)))
    if not (was_rule or made or reviewed):
        return ""
    try:
        config = (await read_config_in_force(api, event)).config
    except UserError as invalid:  # a file that cannot be read agrees to nothing
        log.info("learn.no_consent", repo=repo.full_name, reason=invalid.message)
        config = RepoConfig()
    if not config.learning:
        gone = await store.forget_corrections(repo.id)
        return f"{gone} corrections forgotten" if gone else ""
    found = 0
    if made or reviewed:
        found = await _gather(context, api, event.installation, repo, thread, made=made)
    async with read_from(store.engine) as connection:
        paused = await connection.run_sync(is_paused, event.installation, repo.id)
    said = f"{found} corrections kept"
    if paused:
        return said
    try:
        pull = await _propose(context, api, event.installation, repo, config)
    except UserError as refused:
        log.warning("learn.not_proposed", repo=repo.full_name, reason=refused.message)
        return f"{said}; a rule could not be proposed: {refused.message}"
    return f"{said}; a rule is proposed in #{pull}" if pull else said


async def _gather(
    context: DeliveryContext, api: RepoApi, installation: int, repo: Repo, thread: Thread, *, made: bool
) -> int:
    store = context.store
    ended = EndedPull(
        number=thread.number,
        url=thread.url,
        is_own=made,
        pushed=await store.list_pushed_commits(repo.id, thread.number),
    )
    reader = PullReader(
        api,
        ended,
        bot=context.app.bot_id,
        safe=context.operator.safe,
        unheard=await store.list_blocked(repo.id),
    )
    return await store.add_corrections(installation, repo, await reader.read())


async def _propose(
    context: DeliveryContext, api: RepoApi, installation: int, repo: Repo, config: RepoConfig
) -> int:
    proposer = Proposer(
        store=context.store,
        api=api,
        repo=repo,
        installation=installation,
        config=config,
        moderator=context.operator.moderator,
        safe=context.operator.safe,
    )
    return await proposer.propose_next()

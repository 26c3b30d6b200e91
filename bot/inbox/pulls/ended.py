"""A pull request was closed: how Hob's own ended, with thumbs on its threads, what another one reverts, and
what people corrected there, where the repository agreed to that.

GitHub sends no event for a reaction, so thumbs are read when the pull request ends.
"""

from __future__ import annotations

from bot.github.app import RepoApi
from bot.inbox.decision import PullEnded
from bot.inbox.delivery_context import DeliveryContext, DeliveryEnd
from bot.inbox.pulls.learn import learn_from_end
from bot.tasks.database.tables import DeliveryState


async def note_end(context: DeliveryContext, api: RepoApi, ended: PullEnded) -> DeliveryEnd:
    """Store it. Raises ``Retry`` and ``Parked`` when GitHub cannot be asked now."""
    event = ended.event
    if event.repo is None or event.thread is None:
        return DeliveryState.IGNORED, "it names no pull request"
    repo_id, number = event.repo.id, event.thread.number
    said = []
    if ended.reverts and await context.store.note_revert(repo_id, ended.reverts, by=number):
        said.append(f"#{ended.reverts} was reverted")
    if ended.is_own and (task := await context.store.find_task_of_pull(repo_id, number)):
        threads = dict.fromkeys([number, task.thread.number])
        thumbs = [await api.issues.count_thumbs(each) for each in threads]
        up, down = sum(each.up for each in thumbs), sum(each.down for each in thumbs)
        await context.store.note_pull_end(
            repo_id, number, merged=event.merged, thumbs_up=up, thumbs_down=down
        )
        said.append(f"{'merged' if event.merged else 'closed'}, {up} thumbs up, {down} down")
    if learned := await learn_from_end(context, api, event, is_own=ended.is_own):
        said.append(learned)
    if not said:
        return DeliveryState.IGNORED, "no pull request of its own ended"
    return DeliveryState.HANDLED, "; ".join(said)

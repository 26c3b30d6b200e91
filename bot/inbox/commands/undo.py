"""``@hob undo``: close Hob's own pull request and delete its branch, unless somebody else worked on it.

A commit counts as Hob's when Hob recorded it while pushing; the author field of a commit can be forged.
The branch is deleted only if it still points at the commit that was checked.
"""

from __future__ import annotations

from bot.domain import Event
from bot.errors import UserError
from bot.github.answers import Pull
from bot.github.app import RepoApi
from bot.inbox.decision import is_own_pull
from bot.inbox.delivery_context import DeliveryContext, thread_key
from bot.inbox.payload import pull_thread

NONE = "There is no pull request of mine here to undo."
MERGED = (
    "#{} is merged. Undoing it is a change of its own: GitHub's *Revert* button makes one, or ask me for it."
)
OTHERS = (
    "I left #{} as it is: {} on `{}` {} not mine ({}), and undoing would throw that away. Close the pull "
    "request by hand if that is what you want; its branch then stays."
)
DONE = "↩️ I closed #{} and deleted its branch `{}`, which was at `{}`. GitHub can restore both on that page."


async def undo_pull_request(context: DeliveryContext, api: RepoApi, event: Event) -> str:
    """Close the pull request, delete its branch and return the comment about it, or about why not.

    Raises UserError with what GitHub refuses.
    """
    pull = await _find_own_pull(context, api, event)
    if pull is None or event.repo is None:
        return NONE
    number, thread = pull.number, pull_thread(pull)
    if pull.is_merged:
        return MERGED.format(number)
    head, branch = thread.head_sha, thread.head_ref
    at = await api.commits.find_branch_head(branch)
    if at is None and not pull.is_open:
        return f"#{number} is closed and its branch `{branch}` is gone already."
    if at not in (None, head):
        head = at or head  # a closed pull request does not follow its branch
    others = await _list_foreign_commits(context, api, event.repo.id, number, head)
    if others:
        shown = ", ".join(f"`{sha[:12]}`" for sha in others[:5])
        count = "a commit" if len(others) == 1 else f"{len(others)} commits"
        return OTHERS.format(number, count, branch, "is" if len(others) == 1 else "are", shown)
    for task in await context.store.list_tasks_of_pull(event.repo.id, number):
        await context.store.ask_cancel(task.id)
    if at is not None and context.remove_branch is not None:
        await context.remove_branch(api, event.repo, branch, head)
    if pull.is_open:
        await api.pulls.close(number)
    return DONE.format(number, branch, head[:12])


async def _find_own_pull(context: DeliveryContext, api: RepoApi, event: Event) -> Pull | None:
    """Hob's own pull request: the thread itself, or the last one made for the issue; else None."""
    if event.thread is None or event.repo is None:
        return None
    number = event.thread.number
    if not event.thread.is_pull:
        tasks = [task for task in await context.store.list_tasks_on(thread_key(event)) if task.pull]
        if not tasks:
            return None
        number = tasks[-1].pull
    pull = await api.pulls.get(number)
    return pull if is_own_pull(pull_thread(pull), context.app, event.repo.id) else None


async def _list_foreign_commits(
    context: DeliveryContext, api: RepoApi, repo_id: int, number: int, head: str
) -> list[str]:
    """The shas of a pull request's commits, and of ``head``, that Hob did not push."""
    mine = await context.store.list_pushed_commits(repo_id, number)
    listed = [one.sha for one in await api.pulls.list_commits(number)]
    if len(listed) >= 250:  # GitHub lists no more
        raise UserError(f"#{number} has too many commits for me to know whose they are; close it by hand.")
    return [sha for sha in dict.fromkeys([*listed, head]) if sha not in mine]

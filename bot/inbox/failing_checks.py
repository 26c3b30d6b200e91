"""A failing check on Hob's own pull request: is it this pull request that broke it, and is it worth a try?

It is when the same check is green on the base, has not come out both ways on one commit (flaky), belongs to
the newest commit, and fewer than ``MAX_TRIES`` tries were made since a person last asked for something. The
person who asked for the pull request stands for the request: without their permission nothing is done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.domain import Refusal, Request, Task, TaskKind
from bot.domain.check_trigger import FAILURES, is_automatic
from bot.github.app import RepoApi
from bot.inbox.decision import AppIdentity, CheckFailed, Ignored, is_own_pull
from bot.inbox.payload import pull_thread
from bot.inbox.refusals import TRIES_USED_UP
from bot.tasks.store import Store

OWN_PREFIX = "hob/"  # of branches, unless hob.yml names another
MAX_TRIES = 3
REQUEST = (
    "The check `{}` fails on this pull request and passes on its base. What it said is quoted above. Find "
    "out why, and mend what this pull request broke; change nothing else."
)


async def assess_failure(
    failed: CheckFailed, api: RepoApi, store: Store, app: AppIdentity
) -> Request | Refusal | Ignored:
    """A request to repair it, or why there is none: a Refusal when that is to be commented."""
    event = failed.event
    assert event.trigger and event.thread and event.repo  # noqa: S101  the rule saw to it
    number = event.thread.number
    branch = event.thread.head_ref
    if not branch.startswith(OWN_PREFIX) and not await store.has_worked_on_branch(event.repo.id, branch):
        return Ignored(reason="not on an own branch")
    pull = (
        await api.pulls.get(number)
        if number
        else await api.pulls.find_by_branch(event.thread.head_ref, state="open")
    )
    if pull is None:
        return Ignored(reason="no pull request")
    thread = pull_thread(pull)
    if not is_own_pull(thread, app, event.repo.id) or not pull.is_open:
        return Ignored(reason="no open pull request of its own")
    if thread.head_sha != event.thread.head_sha:
        return Ignored(reason="the check is of an older commit")
    made = await store.list_tasks_of_pull(event.repo.id, thread.number)
    if count_tries_since_request(made) >= MAX_TRIES:
        check = _quote_name(event.trigger.path)
        message = (
            f"`{check}` still fails after {MAX_TRIES} tries of mine, so I leave it to you. "
            "Mention me, and I go on."
        )
        return Refusal(reason=TRIES_USED_UP, message=message)
    people = [task.requester for task in made if not task.requester.is_bot]
    if not people:
        return Ignored(reason="nobody asked for this pull request")
    if not (await api.permissions.get(people[-1].login, people[-1].id)).may_write:
        return Ignored(reason="who asked for it may not write any more")
    name = event.trigger.path
    if blame := await _find_other_cause(api, name, pull.base.sha, thread.head_sha, event.via_app):
        return Ignored(reason=blame)
    asked = replace(event, thread=thread, sender=people[-1])
    return Request(kind=TaskKind.REVISE, request=REQUEST.format(_quote_name(name)), event=asked)


def _quote_name(name: str) -> str:
    """A check's name, which anybody's workflow chose, for a code span."""
    return " ".join(name.replace("`", " ").split())[:100]


def count_tries_since_request(tasks: Sequence[Task]) -> int:
    """The tries since a person last asked for something on this pull request; ``tasks`` oldest first."""
    count = 0
    for task in reversed(tasks):
        if not is_automatic(task):
            break
        count += 1
    return count


async def _find_other_cause(api: RepoApi, name: str, base: str, head: str, app_id: int) -> str:
    """Why it was not the pull request that broke the check; '' when it was."""
    before = await _list_outcomes(api, base, name, app_id)
    if "success" not in before:
        return "the base is not green either" if before else "the check did not run on the base"
    if before & FAILURES or "success" in await _list_outcomes(api, head, name, app_id):
        return "the check is flaky"
    return ""


async def _list_outcomes(api: RepoApi, sha: str, name: str, app_id: int) -> set[str | None]:
    return {run.conclusion for run in await api.checks.list_runs(sha, name) if run.app == app_id}

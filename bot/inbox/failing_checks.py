"""A failing check on Hob's own pull request: is it this pull request that broke it, and is it worth a try?

It is when the same check is green on the base, has not come out both ways on one commit (flaky), belongs to
the newest commit, and fewer than ``MAX_TRIES`` tries were made since a person last asked for something. A
workflow that runs on pull requests only has no run on the base: then Hob's own proof says whether the base is
green, and where there is none, the request says that nothing is known. The person who asked for the pull
request stands for the request: without their permission nothing is done.

A merge queue runs checks on a commit of GitHub's own, on a branch that names the pull request: one that fails
there is followed up in the same way, and the base is what the queue put the pull request on.

A job of GitHub Actions says nothing in its check run: its annotations are read, and where the installation
grants ``actions: read``, the end of its log. Both are anybody's text: they reach the agent as quotations.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import structlog

from bot.domain import Refusal, Request, Task, TaskKind
from bot.domain.check_trigger import FAILURES, is_automatic
from bot.domain.own_checks import PROOF
from bot.errors import UserError
from bot.github.answers import Annotation, Pull
from bot.github.app import RepoApi
from bot.github.http.responses import NotFound
from bot.inbox.decision import AppIdentity, CheckFailed, Ignored, is_own_pull
from bot.inbox.payload import pull_thread
from bot.inbox.refusals import TRIES_USED_UP
from bot.tasks.store import Store

OWN_PREFIX = "hob/"  # of branches, unless hob.yml names another
log = structlog.get_logger(__name__)

# https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/configuring-pull-request-merges/managing-a-merge-queue
_QUEUE_BRANCH = re.compile(
    r"gh-readonly-queue/(?P<onto>.+)/pr-(?P<pull>[0-9]{1,9})-(?P<base>[0-9a-f]{40,64})"
)
MAX_TRIES = 3
MOST_SAID = 8_000  # characters of a check's texts, and of its annotations
MEND = "Find out why, and mend what this pull request broke; change nothing else."
PASSES_ON_BASE = "and passes on its base."
PROVED_ON_BASE = (
    "and has not run on its base. The repository's own checks passed on this commit when I proved it: look "
    "for what this one does besides them."
)
UNKNOWN_ON_BASE = "and has not run on its base, so nobody knows whether it passes there."
IN_QUEUE = "in the merge queue, where this pull request stands on `{}` at {},"
QUOTED, SILENT = "What it said is quoted above.", "It said nothing that I may read."


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueGroup:
    """A pull request in a merge queue: its number, and the commit of ``onto`` that it was put on."""

    number: int
    onto: str
    base: str


def find_queue_group(branch: str) -> QueueGroup | None:
    """The group that a merge queue's branch is of; None for every other branch. GitHub keeps those names."""
    found = _QUEUE_BRANCH.fullmatch(branch)
    if found is None:
        return None
    return QueueGroup(number=int(found["pull"]), onto=found["onto"], base=found["base"])


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseVerdict:
    """How the check stands on the base: ``blame`` names another cause than the pull request, if there is one;
    ``words`` say what is known.
    """

    blame: str = ""
    words: str = ""


async def assess_failure(
    failed: CheckFailed, api: RepoApi, store: Store, app: AppIdentity, *, safe: Callable[[str], str]
) -> Request | Refusal | Ignored:
    """A request to repair it, or why there is none: a Refusal when that is to be commented.

    ``safe`` takes secrets out of what the check says.
    """
    event = failed.event
    assert event.trigger and event.thread and event.repo  # noqa: S101  the rule saw to it
    branch, group = event.thread.head_ref, find_queue_group(event.thread.head_ref)
    is_own = branch.startswith(OWN_PREFIX) or await store.has_worked_on_branch(event.repo.id, branch)
    if not is_own and group is None:
        return Ignored(reason="not on an own branch")
    pull = await _find_pull(api, group.number if group else event.thread.number, branch)
    if pull is None:
        return Ignored(reason="no pull request")
    thread = pull_thread(pull)
    if not is_own_pull(thread, app, event.repo.id) or not pull.is_open:
        return Ignored(reason="no open pull request of its own")
    if group is None and thread.head_sha != event.thread.head_sha:
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
    commits = (group.base if group else pull.base.sha, event.thread.head_sha, thread.head_sha)
    base = await _judge_base(api, name, commits, event.via_app, app)
    if base.blame:
        return Ignored(reason=base.blame)
    read = await _read_what_it_said(api, event.trigger.id, event.trigger.hunk)
    said = await asyncio.to_thread(safe, read)
    trigger = replace(event.trigger, hunk=said)
    asked = replace(event, thread=thread, sender=people[-1], trigger=trigger)
    where = IN_QUEUE.format(_quote_name(group.onto), group.base[:12]) if group else "on this pull request"
    words = f"The check `{_quote_name(name)}` fails {where} {base.words}"
    request = f"{words} {QUOTED if said else SILENT} {MEND}"
    return Request(kind=TaskKind.REVISE, request=request, event=asked)


async def _find_pull(api: RepoApi, number: int, branch: str) -> Pull | None:
    """The pull request of the number that GitHub gave, else the open one from the branch."""
    if not number:
        return await api.pulls.find_by_branch(branch, state="open")
    try:
        return await api.pulls.get(number)
    except NotFound:
        return None


async def _read_what_it_said(api: RepoApi, check_run: int, texts: str) -> str:
    """What a check run says: its own ``texts``, its annotations, the end of its job's log."""
    remarks: list[str] = []
    try:
        remarks = [_render_annotation(one) for one in await api.checks.list_annotations(check_run)]
    except UserError as refused:
        log.warning("check.annotations_not_read", reason=refused.message)
    parts = (texts[:MOST_SAID], "\n\n".join(remarks)[:MOST_SAID], await api.job_logs.read_tail(check_run))
    return "\n\n".join(part for part in parts if part)


def _render_annotation(one: Annotation) -> str:
    head = f"{one.path}:{one.line}: {one.level}: {one.title or one.message}"
    return "\n".join(part for part in (head, one.message if one.title else "", one.details[:4000]) if part)


def _quote_name(name: str) -> str:
    """A check's name, which anybody's workflow chose, for a code span."""
    return " ".join(name.replace("`", " ").split())[:100]


def count_tries_since_request(tasks: Sequence[Task]) -> int:
    """The tries since a person last asked for something on this pull request; ``tasks`` oldest first.

    A bot that asks between them begins no new count: it may be the check's failure that makes it ask.
    """
    count = 0
    for task in reversed(tasks):
        if is_automatic(task):
            count += 1
        elif not task.requester.is_bot:
            break
    return count


async def _judge_base(
    api: RepoApi, name: str, commits: tuple[str, str, str], app_id: int, app: AppIdentity
) -> BaseVerdict:
    """How the check, or Hob's own proof where it did not run there, came out on the base.

    ``commits`` are the base, the one on which the check failed, and the one that was proved.
    """
    base, head, own = commits
    before = await _list_outcomes(api, base, name, app_id)
    if before and "success" not in before:
        return BaseVerdict(blame="the base is not green either")
    if before & FAILURES or "success" in await _list_outcomes(api, head, name, app_id):
        return BaseVerdict(blame="the check is flaky")
    if before:
        return BaseVerdict(words=PASSES_ON_BASE)
    proved = await _list_outcomes(api, own, PROOF, app.id)
    if "failure" in proved:  # a change that fails where its base passes is not published
        return BaseVerdict(blame="the base is not green either, by Hob's own proof")
    return BaseVerdict(words=PROVED_ON_BASE if "success" in proved else UNKNOWN_ON_BASE)


async def _list_outcomes(api: RepoApi, sha: str, name: str, app_id: int) -> set[str | None]:
    return {run.conclusion for run in await api.checks.list_runs(sha, name) if run.app == app_id}

"""Prepare: choose the branch, fetch, lay the layers, gather what the agent may see."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.domain import Brief, Fork, Repo, Task, TaskKind
from bot.errors import Retry, UserError
from bot.git.branch_name import OWN_PREFIX, branch_name, read_issue_number
from bot.git.diff import diff_between
from bot.github.answers import Issue, Pull
from bot.github.app import RepoApi
from bot.github.commits import MergeBase
from bot.github.http.scope import Purpose
from bot.repo_config import PATH as CONFIG_PATH
from bot.repo_config import parse_repo_config
from bot.run.attempts.attempt import choose_model_name
from bot.run.job import Job
from bot.run.prepare import brief as context
from bot.run.prepare.diff_texts import list_diff_texts
from bot.run.prepare.environment import add_environment
from bot.run.prepare.repository_map import add_map
from bot.text.defuse import code_span
from bot.text.redact import Redactor
from bot.workspace.base_merge import BaseMerge, merge_base_branch, render_merge_state
from bot.workspace.checkout import Checkout
from bot.workspace.fetch_linked import fetch_linked_content
from bot.workspace.fork import branch_here, fork_of, is_foreign
from bot.workspace.workshop import Workshop

MOST_BRANCHES = 20
MOST_DIFF_CHARS = 60_000  # of an earlier change in the first message: `git diff base` shows all of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A checkout, a brief and a branch, ready for attempts.

    ``head`` is the commit that the branch is at, None when it does not exist yet.

    ``fork`` is where the pull request comes from, when that is not here; ``branch`` is then the one here for
    it. ``prefix`` is what the branch's name has to begin with. ``foreign``: there is code from a fork, which
    gets no network that others get.
    """

    checkout: Checkout
    brief: Brief
    branch: str
    head: str | None
    hidden: tuple[str, ...]
    fork: Fork | None = None
    foreign: bool = False
    prefix: str = OWN_PREFIX


async def prepare(
    job: Job, *, subject: Task | None = None, at: str = "", merging: bool | None = None
) -> Prepared:
    """Everything before the first call of the model.

    ``subject`` is the task whose request it is about, if it is another one; ``at`` a commit to work on
    instead of the branch's newest; ``merging`` whether the base is merged in, where that is not to
    be found out. Raises UserError for what a user can mend.
    """
    task, api, workshop, redactor = job.task, job.api, job.parts.workshop, job.parts.redactor
    subject = subject or task
    mirror, repo = workshop.mirror, task.repo
    default = f"refs/heads/{repo.default_branch}"
    prefix = await _read_prefix(job, default)
    branch, pull = await _choose_branch(job, prefix)
    head, continued = (pull.head.sha if pull else None), pull is not None
    fork = fork_of(task, pull) if pull else None
    foreign = fork is not None or is_foreign(branch)
    start = f"refs/heads/{branch}" if continued else default
    if fork:
        start = f"refs/pull/{fork.number}/head"
    fetched = {default} if prefix else set()  # its prefix was read there a moment ago
    specs = [f"+{ref}:{ref}" for ref in sorted({start, default} - fetched)]
    if at and await mirror.resolve(repo.id, at) is None:
        specs.append(f"{at}:refs/hob/base-{task.id}")
    await fetch_refs(job, specs)
    base, policy = await mirror.resolve(repo.id, at or start), await mirror.resolve(repo.id, default)
    if base is None or policy is None:
        raise Retry(f"{start} was fetched and is not there")
    left = await _fetch_merge_base(job, pull, base) if pull and not at else ""
    await fetch_history(job, start, policy)
    await job.store.set_base(job.run, base, branch=branch)
    if not foreign:
        await fetch_linked(job, base, policy)
    checkout = await workshop.checkout(
        repo.id, base, redactor, policy=policy, foreign=foreign, diff_base=left
    )
    wishes = checkout.config.notify
    await job.store.save_notify_wishes(repo.id, wishes.model_dump(mode="json") if wishes.webhook else None)
    base_merge = (
        await merge_base_branch(task, api, mirror, pull, base, wanted=merging) if pull and not at else None
    )
    if base_merge:
        checkout = await _check_out_merge(
            workshop, repo.id, checkout, base_merge, redactor, policy, foreign, left
        )
    gathered = await context.gather_brief(
        replace(subject, branch=branch),
        comments=await api.talk(subject.thread).list_comments(),
        permission=api.permissions.get,
        config=checkout.config,
        guides=checkout.guides,
        test_command=checkout.checks.test,
        lint_command=checkout.checks.lint,
        remarks=await read_remarks(task, api),
        issue=await _find_issue(task, api, branch) if pull else None,
        unheard=await job.store.list_blocked(repo.id),
    )
    diff = await asyncio.to_thread(diff_between, checkout.repo, left, base) if left else ""
    state = render_merge_state(base_merge) if base_merge else None
    stands_at = render_place(branch if continued else repo.default_branch, base)
    changed = [*list_diff_texts(diff, most_chars=MOST_DIFF_CHARS), *([state] if state else [])]
    brief = replace(gathered.brief, texts=(*gathered.brief.texts, *changed), stands_at=stands_at)
    brief = replace(brief, more_tests=checkout.checks.more_tests, facts=checkout.facts)
    model = choose_model_name(checkout, job.parts.settings.model)
    if job.flags.is_on("map", True):
        brief = await add_map(workshop, checkout, brief, model)
    brief = await add_environment(workshop, checkout, brief, model, redactor)
    if continued and not at:
        head = base
    return Prepared(
        checkout=checkout,
        brief=brief,
        branch=branch,
        head=head,
        hidden=gathered.hidden,
        fork=fork,
        foreign=foreign,
        prefix=prefix or branch,
    )


def render_place(branch: str, commit: str) -> str:
    """A branch and its commit in a sentence: "`main` at `0123456789ab`"."""
    return f"{code_span(branch)} at `{commit[:12]}`"


async def find_pull_base(api: RepoApi, pull: Pull, head: str) -> MergeBase | None:
    """Where ``head`` of a pull request left its base, also where that branch is gone meanwhile."""
    found = await api.commits.find_merge_base(pull.base.ref, head)
    if found is None and pull.base.sha:
        found = await api.commits.find_merge_base(pull.base.sha, head)
    return found


async def _fetch_merge_base(job: Job, pull: Pull, head: str) -> str:
    """Fetch the commit at which the pull request left its base, and return it; '' where it is not known."""
    found = await find_pull_base(job.api, pull, head)
    if found is None:
        return ""
    mirror, repo = job.parts.workshop.mirror, job.task.repo
    if await mirror.resolve(repo.id, found.at) is None:
        spec = f"+{found.at}:refs/hob/began-{job.task.thread.number}"
        await job.api.with_token(
            Purpose.FETCH, lambda token: mirror.fetch(repo.id, repo.clone_url, token=token, refspecs=[spec])
        )
    return found.at


async def fetch_history(job: Job, ref: str, policy: str) -> None:
    """Fetch as many commits below ``ref`` as ``history`` of hob.yml at the commit ``policy`` says."""
    workshop, repo = job.parts.workshop, job.task.repo
    depth = await workshop.read_history_depth(repo.id, policy)
    if depth > 1:
        await job.api.with_token(
            Purpose.FETCH,
            lambda token: workshop.mirror.fetch(
                repo.id, repo.clone_url, token=token, refspecs=[f"+{ref}:{ref}"], depth=depth
            ),
        )


async def _find_issue(task: Task, api: RepoApi, branch: str) -> Issue | None:
    """The issue that the branch was made for, where that is not the task's own thread."""
    number = read_issue_number(branch)
    return await api.issues.find(number) if number and number != task.thread.number else None


async def fetch_refs(job: Job, specs: Sequence[str]) -> None:
    """Fetch into the repository's mirror. Raises UserError for what a user can mend.

    Where that fails, the error says if the default branch is missing: the repository may be empty, or the
    branch renamed.
    """
    repo, mirror = job.task.repo, job.parts.workshop.mirror
    if not specs:
        return
    try:
        await job.api.with_token(
            Purpose.FETCH, lambda token: mirror.fetch(repo.id, repo.clone_url, token=token, refspecs=specs)
        )
    except UserError:
        await _require_default_branch(job.api, repo)
        raise


async def _require_default_branch(api: RepoApi, repo: Repo) -> None:
    """Raises UserError when the default branch is not there: the repository is empty, or it was renamed."""
    if await api.commits.find_branch_head(repo.default_branch) is not None:
        return
    now = await api.commits.find_default_branch()
    if now == repo.default_branch:
        raise UserError("The repository is empty, so there is nothing to work on.", phase="prepare")
    raise UserError(
        f"The default branch was {code_span(repo.default_branch)} when this was asked, and is "
        f"{code_span(now)} now. Ask again, and I begin from there.",
        phase="prepare",
    )


async def _read_prefix(job: Job, default: str) -> str:
    """What a new branch's name begins with; '' for a pull request, whose branch has its name already."""
    task, mirror = job.task, job.parts.workshop.mirror
    if task.kind is TaskKind.REVISE:
        return ""
    repo = task.repo
    await fetch_refs(job, [f"+{default}:{default}"])
    commit = await mirror.resolve(repo.id, default)
    if commit is None:
        raise Retry(f"{default} was fetched and is not there")
    return parse_repo_config(await mirror.read_file(repo.id, commit, CONFIG_PATH)).branch_prefix


async def fetch_linked(job: Job, commit: str, policy: str) -> None:
    """Fetch the submodules and LFS content of ``commit``, as hob.yml of the commit ``policy`` allows it."""
    workshop, repo = job.parts.workshop, job.task.repo
    await job.api.with_token(
        Purpose.FETCH,
        lambda token: fetch_linked_content(workshop, repo.id, commit, policy, repo.clone_url, token),
    )


async def _check_out_merge(
    workshop: Workshop,
    repo_id: int,
    before: Checkout,
    base_merge: BaseMerge,
    redactor: Redactor,
    policy: str,
    foreign: bool,
    diff_base: str,
) -> Checkout:
    """The merged tree to work on, with the checks found before it: a manifest may be in conflict."""
    if base_merge.merged is None:
        return replace(before, base_merge=base_merge)
    there = await workshop.checkout(
        repo_id, base_merge.merged.commit, redactor, policy=policy, foreign=foreign, diff_base=diff_base
    )
    return replace(there, base_merge=base_merge, before=before, checks=before.checks)


async def read_remarks(task: Task, api: RepoApi) -> context.ReviewRemarks | None:
    """The inline comments of the review that asks; of a pull request that is revised, whatever asks."""
    number, trigger = task.thread.number, task.trigger
    if not task.thread.is_pull or not (trigger.kind.is_on_lines or task.kind is TaskKind.REVISE):
        return None
    until = trigger.at
    if trigger.review:
        submitted = (await api.reviews.get(number, trigger.review)).submitted_at
        until = max(until, submitted) if submitted else until
    return context.ReviewRemarks(comments=await api.reviews.list_comments(number), until=until)


async def _choose_branch(job: Job, prefix: str) -> tuple[str, Pull | None]:
    """The branch to work on, and the open pull request that the work goes on from.

    A pull request that is open is continued. Otherwise it is one branch per issue; when that was used before
    (a closed pull request, a branch that somebody else made), the next free number is appended.
    """
    task, api = job.task, job.api
    if task.kind is TaskKind.REVISE:
        pull = await api.pulls.get(task.thread.number)
        if not pull.is_open:
            raise UserError("This pull request is closed; open an issue for further work.", phase="prepare")
        return await _choose_revised_branch(task, api, pull, job.parts.identity.id)
    plain = branch_name(task.thread.number, task.thread.title, prefix)
    for number in range(1, MOST_BRANCHES):
        name = plain if number == 1 else f"{plain}-{number}"
        pull_now = await api.pulls.find_by_branch(name)
        if pull_now is not None and pull_now.is_open:
            return name, pull_now
        if pull_now is None and await api.commits.find_branch_head(name) is None:
            return name, None
    raise UserError(f"`{plain}` and its numbered followers are all taken; delete some.", phase="prepare")


async def _choose_revised_branch(task: Task, api: RepoApi, pull: Pull, bot: int) -> tuple[str, Pull]:
    """The branch and the pull request that a change to ``pull`` goes to, by their present names.

    ``bot`` is the id of Hob's own user, who opened it, where it is not by a bot that updates dependencies. A
    fork's has a branch here, where that was needed before and its pull request is open.
    """
    if fork_of(task, pull) is not None:
        here = branch_here(task.thread.number)
        before = await api.pulls.find_by_branch(here, state="open")
        return here, before or pull
    branch = pull.head.ref
    own = branch.startswith(OWN_PREFIX) or pull.author.id == bot or pull.author.is_update_bot
    if not own or branch == task.repo.default_branch:
        raise UserError(
            f"I only push to branches of my own, and {code_span(branch)} is none.", phase="prepare"
        )
    return branch, pull

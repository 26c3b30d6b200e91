"""Prepare a task that produces only text: the commit that it is about, and what its pull request changes.

A pull request is read from the repository's own ``refs/pull/N/head``, so a fork's is read as any other and
no token goes near the fork. Configuration, guides and commands are the default branch's; a fork's code has
no network but ``fork_internet``.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from bot.domain import Task, TaskKind
from bot.errors import Retry, UserError
from bot.git.diff import diff_between
from bot.github.answers import Pull
from bot.run.attempts.attempt import choose_model_name
from bot.run.job import Job
from bot.run.prepare import brief as context
from bot.run.prepare.diff_texts import list_diff_texts
from bot.run.prepare.environment import add_environment
from bot.run.prepare.prepare import (
    Prepared,
    fetch_history,
    fetch_linked,
    fetch_refs,
    find_pull_base,
    read_remarks,
    render_place,
)
from bot.run.prepare.repository_map import add_map
from bot.text.defuse import code_span
from bot.workspace.checkout import Checkout
from bot.workspace.fork import is_foreign


@dataclass(frozen=True, slots=True, kw_only=True)
class _ExaminedCommit:
    """The commit to look at, where its pull request began (else ''), and whether its code is a fork's."""

    commit: str
    ref: str
    policy: str
    merge_base: str = ""
    foreign: bool = False


async def prepare_examination(job: Job) -> Prepared:
    """Everything before the first call of the model. Raises UserError for what a user can mend."""
    task, parts = job.task, job.parts
    pull = await job.api.pulls.get(task.thread.number) if task.thread.is_pull else None
    seen = await _fetch_commits(job, pull)
    await job.store.set_base(job.run, seen.commit)
    if not seen.foreign:
        await fetch_linked(job, seen.commit, seen.policy)
    await fetch_history(job, seen.ref, seen.policy)
    checkout = await _check_out(job, seen)
    gathered = await context.gather_brief(
        task,
        comments=await job.api.talk(task.thread).list_comments(),
        permission=job.api.permissions.get,
        config=checkout.config,
        guides=checkout.guides,
        test_command=checkout.checks.test,
        lint_command=checkout.checks.lint,
        remarks=await read_remarks(task, job.api),
    )
    where = f"#{pull.number}" if pull is not None else task.repo.default_branch
    brief = replace(gathered.brief, stands_at=render_place(where, seen.commit))
    if seen.merge_base:
        diff = await asyncio.to_thread(diff_between, checkout.repo, seen.merge_base, seen.commit)
        brief = replace(brief, texts=(*brief.texts, *list_diff_texts(diff)))
    brief = replace(brief, more_tests=checkout.checks.more_tests, facts=checkout.facts)
    model = choose_model_name(checkout, parts.settings.model)
    if job.flags.is_on("map", True):
        brief = await add_map(parts.workshop, checkout, brief, model)
    brief = await add_environment(parts.workshop, checkout, brief, model, parts.redactor)
    return Prepared(checkout=checkout, brief=brief, branch="", head=None, hidden=gathered.hidden)


async def _fetch_commits(job: Job, pull: Pull | None) -> _ExaminedCommit:
    """Fetch the commits into the mirror."""
    task, mirror, repo = job.task, job.parts.workshop.mirror, job.task.repo
    default = f"refs/heads/{repo.default_branch}"
    specs, merge_base, foreign, at = [f"+{default}:{default}"], "", False, default
    if pull is not None:
        merge_base = await _find_merge_base(job, task, pull)
        at, foreign = f"refs/hob/pull-{task.thread.number}", _is_foreign(task, pull)
        specs += [f"+refs/pull/{task.thread.number}/head:{at}"]
        specs += [f"+{merge_base}:refs/hob/began-{task.thread.number}"] if merge_base else []
    await fetch_refs(job, specs)
    commit, policy = await mirror.resolve(repo.id, at), await mirror.resolve(repo.id, default)
    if commit is None or policy is None:
        raise Retry(f"{at} was fetched and is not there")
    if pull is not None and commit != pull.head.sha:
        raise Retry("the pull request's branch moved while I fetched it", after=5.0)
    ref = f"refs/pull/{task.thread.number}/head" if pull is not None else default
    return _ExaminedCommit(commit=commit, ref=ref, policy=policy, merge_base=merge_base, foreign=foreign)


async def _find_merge_base(job: Job, task: Task, pull: Pull) -> str:
    """The commit at which the pull request left its base, also where that branch is gone meanwhile."""
    commits = job.api.commits
    found = await find_pull_base(job.api, pull, pull.head.sha)
    if found is None and task.kind is TaskKind.REVIEW:
        base = code_span(pull.base.ref)
        if await commits.find_branch_head(pull.base.ref) is None:
            raise UserError(
                f"The base branch {base} is gone, and so is the commit that this pull request began from. "
                "Choose another base for it (*Edit*, beside the title), and ask again.",
                phase="prepare",
            )
        raise UserError(f"This pull request and {base} have no commit in common.", phase="prepare")
    return found.at if found else ""


def _is_foreign(task: Task, pull: Pull) -> bool:
    return pull.head.repo_id != task.repo.id or is_foreign(pull.head.ref)


async def _check_out(job: Job, seen: _ExaminedCommit) -> Checkout:
    """The tree to look at; for a review beside the one that its checks are compared with."""
    workshop, redactor, repo = job.parts.workshop, job.parts.redactor, job.task.repo

    async def at(commit: str, diff_base: str = "") -> Checkout:
        return await workshop.checkout(
            repo.id, commit, redactor, policy=seen.policy, foreign=seen.foreign, diff_base=diff_base
        )

    checkout = await at(seen.commit, seen.merge_base)
    if job.task.kind is not TaskKind.REVIEW:
        return checkout
    return replace(checkout, before=await at(seen.merge_base))

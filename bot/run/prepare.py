"""Prepare: fetch, choose the branch, lay the layers, gather what the agent may see."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bot.domain import Brief, Run, Task, TaskKind
from bot.errors import UserError
from bot.git.branch import branch_name
from bot.github.repository import RepoApi
from bot.redact import Redactor
from bot.run import context
from bot.run.checkout import Checkout, Workshop
from bot.tasks.runs import Runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What prepare hands on: the checkout, the brief, and where the branch stood (None: not there yet)."""

    checkout: Checkout
    brief: Brief
    head: str | None
    hidden: tuple[str, ...]


async def prepare(
    workshop: Workshop, runs: Runs, redactor: Redactor, task: Task, run: Run, api: RepoApi
) -> Ground:
    """Fetch, choose the branch, lay the layers, gather what the agent may see."""
    mirror, repo = workshop.mirror, task.repo
    branch, head = await _branch(task, api)
    token = await api.token(write=False)
    refs = [
        f"+refs/heads/{name}:refs/heads/{name}"
        for name in {repo.default_branch, branch if head else ""} - {""}
    ]
    await mirror.fetch(repo.id, repo.clone_url, token=token, refspecs=refs)
    base = head or await mirror.resolve(repo.id, f"refs/heads/{repo.default_branch}")
    if base is None:
        raise UserError("The repository is empty, so there is nothing to work on.", phase="prepare")
    await runs.update_task(run, branch=branch)
    checkout = await workshop.checkout(repo.id, base, redactor)
    seen = await context.gather(
        replace(task, branch=branch),
        comments=await api.comments(task.thread.number),
        permission=api.permission,
        config=checkout.config,
        guides=checkout.guides,
        test_command=checkout.checks.test,
        lint_command=checkout.checks.lint,
    )
    return Ground(checkout=checkout, brief=seen.brief, head=head, hidden=seen.hidden)


async def _branch(task: Task, api: RepoApi) -> tuple[str, str | None]:
    """The branch to work on and its head: the pull request's own, or one per issue, new after a closed."""
    if task.kind is TaskKind.REVISE:
        pull = await api.pull(task.thread.number)
        if pull["state"] != "open":
            raise UserError("This pull request is closed; open an issue for further work.", phase="prepare")
        return str(pull["head"]["ref"]), str(pull["head"]["sha"])
    plain = task.branch or branch_name(task.thread.number, task.thread.title)
    for number in range(1, 20):
        name = plain if number == 1 else f"{plain}-{number}"
        pull_now = await api.pull_by_head(name)
        if pull_now is None or pull_now["state"] == "open":
            return name, await api.branch_head(name)
    raise UserError(f"All of `{plain}-2` to `{plain}-19` were used before; delete some.", phase="prepare")

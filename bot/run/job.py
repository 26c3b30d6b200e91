"""One claimed task and everything its run needs; what a worker works with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from bot.agent.models.choose import ModelRegistry
from bot.domain import ChangeSet, DirectiveWord, Refusal, Run, Task, Usage
from bot.errors import UserError
from bot.flags.run_flags import RunFlags
from bot.github.app import GitHub, RepoApi
from bot.github.permissions import may_ask, may_release
from bot.moderation.rules import RuleModerator
from bot.moderation.verdict import Moderator
from bot.notify.events import note_event
from bot.repo_config import PATH as CONFIG_PATH
from bot.repo_config import parse_repo_config
from bot.run.attempts.attempt_store import AttemptStore
from bot.run.live_screen import RunScreen
from bot.run.publish.context import Identity, PublishContext
from bot.run.publish.published_plan import PublishedPlan
from bot.run.publish.publisher import Publisher
from bot.settings import Settings
from bot.tasks.effects import Effects
from bot.tasks.leases.renew import CancelLooks, Lease
from bot.tasks.live.records import WatchedRuns
from bot.tasks.store import Store
from bot.text.redact import Redactor
from bot.workspace.base_merge import fetch_commits, rebuild_merge
from bot.workspace.workshop import Workshop


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a worker works with; ``bot.serve.worker`` puts it together once."""

    store: Store
    github: GitHub
    workshop: Workshop
    redactor: Redactor
    settings: Settings
    models: ModelRegistry
    identity: Identity
    worker: str
    looks: CancelLooks
    watched: WatchedRuns
    moderator: Moderator = field(default_factory=RuleModerator)

    @property
    def slug(self) -> str:
        """The name that people mention."""
        return self.identity.login.removesuffix("[bot]")


class Job:
    """A claimed task and what its run works with. ``attempt_store`` is set when its attempts begin.

    ``flags`` are the flags' values for the task; ``parts`` are the worker's with these applied, and
    ``system_prompt`` is the one that a flag names, '' for the one that is shipped.
    """

    lease: Lease

    def __init__(self, parts: Parts, task: Task, run: Run) -> None:
        self.parts, self.run, self.store = parts, run, parts.store
        self.run_url = f"{parts.settings.base_url}/runs/{run.id}"
        self.compare_url = f"{parts.settings.base_url}/tasks/{task.root}/attempts"
        self.attempt_store: AttemptStore | None = None
        self.flags, self.system_prompt = RunFlags(), ""
        self._address(task)

    def _address(self, task: Task) -> None:
        """Set the task, and the API of its repository under the name that the task has for it."""
        parts, repo = self.parts, task.repo
        # The token goes to the operator's host: a payload is only as trusted as the webhook's secret.
        repo = replace(repo, clone_url=parts.github.clone_url(repo.owner, repo.name))
        self.task = task = replace(task, repo=repo)
        self.api: RepoApi = parts.github.for_repo(task.installation, repo.id, repo.owner, repo.name)
        context = PublishContext(
            api=self.api,
            effects=Effects(self.store, self.run),
            task=task,
            identity=parts.identity,
            safe=parts.redactor.text,
            run_url=self.run_url,
        )
        self.publisher = Publisher(context, self.store, self.run)
        self.progress = PublishedPlan(
            self.store,
            self.run,
            self.publisher.comment,
            parts.redactor,
            parts.moderator,
            edit_seconds=parts.settings.progress_seconds,
        )

    async def follow_repository(self) -> None:
        """Find the repository under its present name: it may have been renamed or transferred since the
        request.

        Raises UserError when another one has its name.
        """
        now = await self.api.commits.read_repository()
        was = self.task.repo
        if now.id != was.id:
            raise UserError(
                f"`{was.full_name}` is another repository now. Mention me again where this one went."
            )
        if (now.full_name, now.clone_url) != (was.full_name, was.clone_url):
            moved = replace(was, owner=now.owner, name=now.name, clone_url=now.clone_url)
            self._address(replace(self.task, repo=moved))

    @asynccontextmanager
    async def show_commands(self) -> AsyncIterator[None]:
        """Show users on the dashboard what the run's commands print during the block."""
        parts = self.parts
        async with RunScreen(self.store, parts.watched, self.run, parts.redactor) as screen:
            self.parts = replace(parts, workshop=parts.workshop.with_screen(screen))
            yield

    async def note_event(self, event: str, why: str = "", *, key: str = "") -> None:
        """Notify people outside GitHub that the task failed, waits for approval, or used up its budget."""
        settings, safe = self.parts.settings, self.parts.redactor.text(why)
        await note_event(
            self.store, settings.notify, self.task, event, base_url=settings.base_url, why=safe, key=key
        )

    @property
    def spent(self) -> Usage | None:
        """What all attempts used; None before one of them was chosen."""
        return self.attempt_store.spent if self.attempt_store else None

    @property
    def is_approval(self) -> bool:
        """Whether the task is a maintainer's approval of what was held back."""
        directive = self.task.directive
        return directive is not None and directive.word is DirectiveWord.APPROVE

    async def is_requester_allowed(self) -> bool:
        """Ask GitHub whether whoever requested the task is still allowed to."""
        if self.is_approval:
            return await may_release(self.api.permissions, self.task.requester, self.task.repo) is None
        bots = self.parts.settings.bots
        if self.task.requester.is_bot:
            text = await self.api.commits.read_file(CONFIG_PATH, "")
            bots |= frozenset(parse_repo_config(text).respond_to_bots)
        return not isinstance(
            await may_ask(self.api.permissions, self.task.requester, self.task.repo, bots=bots), Refusal
        )

    async def fetch_base(self, changes: ChangeSet) -> None:
        """Make sure that the mirror holds the commit that a change set is based on."""
        if changes.parents:
            await rebuild_merge(self.task, self.api, self.parts.workshop.mirror, changes)
        else:
            await self.fetch(changes.base)

    async def fetch(self, *commits: str) -> None:
        """Make sure that the mirror holds these commits."""
        await fetch_commits(self.task, self.api, self.parts.workshop.mirror, *commits)

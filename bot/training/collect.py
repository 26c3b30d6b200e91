"""The attempts of tasks with a pull request, in repositories whose hob.yml says ``training: yes`` now."""

from __future__ import annotations

import difflib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import structlog
from unidiff.errors import UnidiffParseError
from unidiff.patch import PatchSet

from bot.agent.conversation import restore_messages
from bot.domain import Task, TaskState
from bot.errors import UserError
from bot.github.answers import Pull
from bot.github.app import GitHub, RepoApi
from bot.repo_config import PATH, read_repo_config
from bot.tasks.attempts import AttemptRecord
from bot.tasks.store import Store
from bot.training.example import Conversation, Message, Preference, Source
from bot.training.licence import LICENCE_FILES, name_licence
from bot.training.messages import check_messages, make_messages

log = structlog.get_logger(__name__)

PAGE = 100
MOST_CORRECTED = 20  # files of a change that are compared with what a person made of them


@dataclass(slots=True)
class Collected:
    """What was found, and of how many tasks nothing was taken, by reason."""

    conversations: list[Conversation] = field(default_factory=list)
    preferences: list[Preference] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)

    def leave_out(self, why: str) -> None:
        """Count one task or attempt of which nothing is taken."""
        self.left_out[why] = self.left_out.get(why, 0) + 1


class Collector:
    """Collects from the store; asks GitHub for consent, licence and what became of each pull request."""

    def __init__(self, store: Store, github: GitHub, safe: Callable[[str], str]) -> None:
        self._store, self._github, self._safe = store, github, safe
        self._consents: dict[int, str | None] = {}
        self.found = Collected()

    async def collect(self) -> Collected:
        """Everything that may be exported. Raises Parked and Retry when GitHub cannot be asked."""
        async for task in self._list_tasks():
            repo = task.repo
            api = self._github.for_repo(task.installation, repo.id, repo.owner, repo.name)
            try:
                await self._collect_task(api, task)
            except UserError as refused:
                log.warning("export.left_out", task=task.id, reason=refused.message)
                self.found.leave_out("GitHub refused to say what became of it")
        return self.found

    async def _list_tasks(self) -> AsyncIterator[Task]:
        before: int | None = None
        while page := await self._store.list_tasks(PAGE, before=before, state=TaskState.DONE):
            before = page[-1].id
            for task in page:
                if task.pull and task.root == task.id and not task.kind.produces_only_text:
                    yield task

    async def _collect_task(self, api: RepoApi, task: Task) -> None:
        licence = await self._ask_consent(api, task)
        if licence is None:
            self.found.leave_out("its repository did not agree (`training: yes` in hob.yml)")
            return
        pull = await api.pulls.get(task.pull)
        if pull.is_open:
            self.found.leave_out("its pull request is open")
            return
        source = Source(repo_id=task.repo.id, repo=task.repo.full_name, licence=licence, task=task.id)
        attempts = await self._store.list_attempts(task.id)
        prompt: tuple[Message, ...] = ()
        for attempt in attempts:
            messages = await self._read(attempt)
            if wrong := check_messages(messages):
                self.found.leave_out(f"its transcript is not whole: {wrong.partition(' of ')[0]}"[:100])
                continue
            good = pull.is_merged and attempt.chosen
            self.found.conversations.append(Conversation(source=source, messages=messages, good=good))
            if attempt.chosen:
                prompt = tuple(each for each in messages[:2] if each["role"] in ("system", "user"))
        if pull.is_merged and prompt:
            self._pair_attempts(source, prompt, attempts)
            await self._pair_correction(api, source, prompt, pull, attempts)

    async def _ask_consent(self, api: RepoApi, task: Task) -> str | None:
        """The repository's licence where its hob.yml agrees now, None where it does not."""
        if task.repo.id not in self._consents:
            self._consents[task.repo.id] = await self._read_consent(api, task)
        return self._consents[task.repo.id]

    async def _read_consent(self, api: RepoApi, task: Task) -> str | None:
        now = await api.commits.read_repository()
        head = await api.commits.find_branch_head(now.default_branch) if now.id == task.repo.id else None
        if head is None or not (await read_repo_config(await api.commits.read_file(PATH, head))).training:
            return None
        for name in LICENCE_FILES:
            if text := await api.commits.read_file(name, head):
                return name_licence(text.decode("utf-8", "replace"))
        return ""

    async def _read(self, attempt: AttemptRecord) -> tuple[Message, ...]:
        turns = await self._store.list_turns(attempt.run, ordinal=attempt.ordinal)
        try:
            return make_messages(restore_messages([turn.record for turn in turns]), self._safe)
        except (ValueError, KeyError):  # written by a version that stored something else
            return ()

    def _pair_attempts(
        self, source: Source, prompt: tuple[Message, ...], attempts: list[AttemptRecord]
    ) -> None:
        """The merged attempt against each other one that changed something else."""
        best = next(each for each in attempts if each.chosen)
        for other in attempts:
            if other.diff and best.diff and other.diff != best.diff:
                self._add_pair(source, prompt, best.diff, other.diff, "attempts")

    async def _pair_correction(
        self,
        api: RepoApi,
        source: Source,
        prompt: tuple[Message, ...],
        pull: Pull,
        attempts: list[AttemptRecord],
    ) -> None:
        """What people made of the change before they merged it, against the change as it was."""
        best = next(each for each in attempts if each.chosen)
        own = await self._store.list_pushed_commits(source.repo_id, pull.number)
        if not best.diff or not own or pull.head.sha in own:
            return
        try:
            paths = [each.path for each in PatchSet(best.diff)][:MOST_CORRECTED]
        except UnidiffParseError:
            return
        final = [await _compare(api, path, best.base_sha, pull.head.sha) for path in paths]
        corrected = "".join(final)
        if corrected and _drop_headers(corrected) != _drop_headers(best.diff):
            self._add_pair(source, prompt, corrected, best.diff, "correction")

    def _add_pair(
        self, source: Source, prompt: tuple[Message, ...], chosen: str, rejected: str, why: str
    ) -> None:
        self.found.preferences.append(
            Preference(
                source=source,
                prompt=prompt,
                chosen=self._safe(chosen),
                rejected=self._safe(rejected),
                why=why,
            )
        )


async def _compare(api: RepoApi, path: str, base: str, head: str) -> str:
    before, after = [await _read_lines(api, path, commit) for commit in (base, head)]
    return "".join(difflib.unified_diff(before, after, f"a/{path}", f"b/{path}"))


async def _read_lines(api: RepoApi, path: str, commit: str) -> list[str]:
    data: Any = await api.commits.read_file(path, commit)
    return (data or b"").decode("utf-8", "replace").splitlines(keepends=True)


def _drop_headers(diff: str) -> list[str]:
    """The lines that a diff adds and takes away."""
    return [line for line in diff.splitlines() if line[:1] in "+-" and not line.startswith(("+++", "---"))]

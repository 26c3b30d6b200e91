"""The real pipeline on a scripted GitHub: as far as a task goes without a repository.

A run whose task's end was stored before only publishes it: ``store_end`` gives a task such an end, so that
``bot.run.pipeline.work`` claims it, comments, ends it and gives it back without a checkout or a sandbox.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import func, insert, select

from bot.domain import TaskEnd, TaskState
from bot.github.app import GitHub
from bot.offline.registry import MODELS
from bot.run.pipeline import Parts
from bot.run.publish.context import Identity
from bot.run.stored import dump_task_end
from bot.settings import load
from bot.tasks.database.column_values import pack
from bot.tasks.database.tables import runs
from bot.tasks.leases.renew import CancelLooks
from bot.tasks.live.records import WatchedRuns
from bot.tasks.store import Store
from bot.text.redact import Redactor
from bot.workspace.workshop import Workshop
from tests.support.github_scripted import Script, Seen, comment_json, github, scripted

BOT = {"id": 1001, "login": "hob[bot]", "type": "Bot"}
REPOSITORY = {
    "id": 11,
    "name": "app",
    "owner": {"login": "octo"},
    "default_branch": "main",
    "clone_url": "https://github.test/octo/app",
    "private": False,
}
Hook = Callable[[int], Awaitable[Any]]


class IssueComments:
    """The comments of a scripted GitHub's issues: made, edited and read back.

    Both hooks are awaited with the issue's number. ``on_comment`` comes before a comment is made; what it
    returns, if it is not None, is the answer instead (see ``Script.on``). ``on_read`` comes before the
    comments are read back, which any number of runs may do at once.
    """

    def __init__(self, script: Script) -> None:
        self.bodies: dict[int, list[str]] = {}
        self.on_comment: Hook = _do_nothing
        self.on_read: Hook = _do_nothing
        self._places: dict[int, tuple[int, int]] = {}
        script.on("GET /app", {"id": 7, "slug": "hob"})
        script.on("GET /users/hob[bot]", BOT)
        script.on("GET /repos/octo/app", REPOSITORY)
        script.fallback = self._answer

    async def _answer(self, seen: Seen) -> Any:
        if seen.path == "/graphql":
            number = int(seen.body["variables"]["number"])
            await self.on_read(number)
            return self._read(number)
        if match := re.fullmatch(r"/repos/octo/app/issues/(\d+)/comments", seen.path):
            number = int(match[1])
            if seen.method == "GET":
                at = [place for place, (issue, _) in self._places.items() if issue == number]
                return [self._comment(place) for place in at]
            return await self.on_comment(number) or self._make(number, seen.body["body"])
        if match := re.fullmatch(r"/repos/octo/app/issues/comments/(\d+)", seen.path):
            issue, at = self._places[int(match[1])]
            self.bodies[issue][at] = seen.body["body"]
            return self._comment(int(match[1]))
        if match := re.fullmatch(r"/repos/octo/app/issues/(\d+)", seen.path):
            return {"number": int(match[1]), "comments": len(self.bodies.get(int(match[1]), []))}
        return 404, {"message": "Not Found"}

    def _make(self, number: int, body: str) -> Any:
        bodies = self.bodies.setdefault(number, [])
        bodies.append(body)
        made = len(self._places) + 1
        self._places[made] = (number, len(bodies) - 1)
        return 201, self._comment(made)

    def _comment(self, place: int) -> dict[str, Any]:
        issue, at = self._places[place]
        return comment_json(place, body=self.bodies[issue][at], user=BOT)

    def _read(self, number: int) -> dict[str, Any]:
        nodes = [
            {"fullDatabaseId": "1", "body": body, "url": "", "viewerDidAuthor": True}
            for body in self.bodies.get(number, [])
        ]
        issue = {"comments": {"nodes": nodes}}
        return {"data": {"repository": {"issueOrPullRequest": issue, "pullRequests": {"nodes": []}}}}


async def _do_nothing(number: int) -> Any:
    return None


class PipelineScene:
    """What a worker works with, and the issues it comments on."""

    def __init__(self, store: Store, issues: IssueComments, hub: GitHub, workshop: Workshop) -> None:
        self.issues = issues
        self.parts = Parts(
            store=store,
            github=hub,
            models=MODELS,
            workshop=workshop,
            redactor=Redactor(),
            settings=load(home=workshop.scratch, progress_seconds=0, write_seconds=0),
            identity=Identity(login="hob[bot]", id=BOT["id"], email_domain="users.noreply.github.test"),
            worker="w",
            looks=CancelLooks(store),
            watched=WatchedRuns(store),
        )


@asynccontextmanager
async def pipeline_scene(store: Store, workshop: Workshop) -> AsyncIterator[PipelineScene]:
    """A worker's parts over the store and a scripted GitHub, which may take a minute to answer."""
    async with scripted() as script, github(script, timeout=60.0) as hub:
        yield PipelineScene(store, IssueComments(script), hub, workshop)


async def store_end(store: Store, task_id: int, state: TaskState = TaskState.DONE, reason: str = "") -> None:
    """Have an earlier run of the task have stored how the task ends, unless one has."""
    end = TaskEnd(state=state, text="It has ended.", reason=reason)
    await store_changes(store, task_id, dump_task_end(end))


async def store_changes(store: Store, task_id: int, changes: Mapping[str, Any]) -> None:
    """Have an earlier run of the task have stored ``changes``, unless one has stored any."""
    row = {"task": task_id, "attempt": 0, "fence": 0, "worker": "earlier", "state": "lost"}
    async with store.engine.begin() as connection:
        if not await connection.scalar(select(runs.c.id).where(runs.c.task == task_id, runs.c.fence == 0)):
            await connection.execute(insert(runs).values(**row, changes=pack(changes), ended_at=func.now()))

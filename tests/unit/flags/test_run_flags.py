"""Flags in the database as a run is told them, and what a run makes of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import TargetingKeyMissingError, TypeMismatchError
from sqlalchemy import select, text

from bot.domain import Phase
from bot.errors import Parked
from bot.flags.known import FlagError
from bot.flags.listing import list_flags
from bot.flags.order import FlagOrder, carry_out, clear
from bot.flags.provider import PostgresProvider, make_context
from bot.flags.records import Actor, change_pilots, resolve_audience
from bot.flags.rules import FlagRules, Subject
from bot.flags.run_flags import RunFlags, ask_flags, load_run_flags
from bot.repo_config import RepoConfig
from bot.run.classify_error import WORTH_TELLING
from bot.run.job import Job
from bot.run.prepare.take_flags import (
    PAUSED,
    add_flagged_attempts,
    apply_flags,
    note_overruled_flags,
    take_flags,
)
from bot.settings import SettingsError, load
from bot.tasks.database.connection import Database
from bot.tasks.database.tables import audit, runs
from bot.tasks.store import Store
from tests.support.pipeline import PipelineScene
from tests.support.tasks import make_request
from tests.unit.tasks.conftest import scene

__all__ = ["scene"]

WHO = Subject(installation=5, repository=11, person=7, thread=3)
ANN = Actor(login="ann", person=7, address="10.0.0.1")


async def change(database: Database, what: Any) -> Any:
    async with database.engine.begin() as connection:
        return await connection.run_sync(what)


async def put(database: Database, flag: str, value: str, **more: str) -> None:
    order = FlagOrder(flag=flag, value=value, **more)
    await change(database, lambda connection: carry_out(connection, order, ANN, {"offline", "scripted:b"}))


async def ask(database: Database) -> RunFlags:
    return await ask_flags(database.engine, WHO)


async def test_flags_are_asked_for_through_openfeature(database: Database) -> None:
    assert (await ask(database)).given == {}
    await put(database, "model", "offline", audience="installation:5")
    await put(database, "attempts", "2", percent="50")
    await put(database, "attempts", "3")
    await put(database, "internet", "off", audience="pilots:early")
    now = await ask(database)
    assert now.find_word("model") == "offline" and now.find_number("attempts") == 3
    assert now.is_on("internet", True) and now.given["model"].why == "by flag `model` for installation:5"
    members = ["repository:11", "person:9"]
    await change(database, lambda connection: change_pilots(connection, "early", ANN, add=members))
    assert (await ask(database)).is_on("internet", True) is False
    assert load_run_flags((await ask(database)).dump()) == await ask(database)
    listed = await change(database, list_flags)
    assert "model = offline for installation:5 (ann, " in "\n".join(listed)
    assert "pilots:early: person:9, repository:11" in listed
    gone = FlagOrder(flag="model", audience="installation:5")
    await change(database, lambda connection: clear(connection, gone, ANN))
    assert (await ask(database)).find_word("model") is None
    async with database.engine.connect() as connection:
        said = [
            (row.login, row.action) for row in await connection.execute(select(audit).order_by(audit.c.id))
        ]
    assert said == [("ann", "set flag")] * 4 + [("ann", "change pilots"), ("ann", "clear flag")]


async def test_what_is_stored_and_cannot_be_read_is_named(database: Database) -> None:
    await put(database, "attempts", "2")
    await change(
        database, lambda connection: connection.execute(text("UPDATE flag_rules SET value = '\"x\"'"))
    )
    with pytest.raises(FlagError, match=r"the flag attempts cannot be read.*hob flags clear attempts"):
        await ask(database)
    await change(
        database, lambda connection: connection.execute(text("UPDATE flag_rules SET flag = 'newer'"))
    )
    assert (await ask(database)).given == {}, "a flag that only a newer version knows"


def test_the_provider_wants_to_know_whom() -> None:
    provider = PostgresProvider(FlagRules())
    assert provider.resolve_integer_details("turns", 4, make_context(WHO)).value == 4
    with pytest.raises(TargetingKeyMissingError):
        provider.resolve_boolean_details("paused", False, EvaluationContext("11#3"))
    with pytest.raises(TypeMismatchError):
        provider.resolve_object_details("paused", {}, make_context(WHO))
    assert provider.get_metadata().name == "Hob's PostgreSQL"


async def test_names_become_numbers(database: Database, store: Store) -> None:
    await store.add_task(make_request(number=1))

    async def resolve(words: str) -> str:
        found: str = await change(database, lambda connection: resolve_audience(connection, words))
        return found

    assert (
        await resolve("repository:Octo/APP") == "repository:11"
        and await resolve("person:ALICE") == "person:7"
    )
    for words in ("repository:octo/other", "person:bob", "installation:octo"):
        with pytest.raises(FlagError):
            await resolve(words)


async def begin(scene: PipelineScene, number: int) -> Job:
    task = await scene.parts.store.add_task(make_request(number=number))
    claimed = await scene.parts.store.claim(task.id, "w")
    assert claimed
    return Job(scene.parts, *claimed)


async def test_a_run_goes_by_its_flags_and_the_next_one_by_the_same(
    scene: PipelineScene, database: Database, store: Store, tmp_path: Path
) -> None:
    (tmp_path / "terse.md").write_text("Be terse.\n")
    allowed = {"prompts": tmp_path, "models": frozenset(["scripted:b"])}
    scene.parts.settings.__dict__.update(allowed)
    for flag, value in (("model", "scripted:b"), ("prompt", "terse"), ("turns", "9"), ("usd", "9000")):
        await put(database, flag, value)
    job = await begin(scene, 1)
    await take_flags(job, publishing=False)
    now = job.parts.settings
    assert (now.model, now.max_turns, now.max_usd) == ("scripted:b", 9, 20.0), "no ceiling is raised"
    assert now.allowed_models == {"offline", "scripted:b"} and job.system_prompt == "Be terse."
    assert job.parts.workshop is scene.parts.workshop
    await store.set_phase(job.run, Phase.PREPARE)
    await store.release(job.run, job.task.state.QUEUED, counted=False)
    for flag, value in (("model", "offline"), ("internet", "off"), ("turns", "5")):
        await put(database, flag, value)
    claimed = await store.claim(job.task.id, "w")
    assert claimed
    again = Job(scene.parts, *claimed)
    await take_flags(again, publishing=False)
    assert (again.parts.settings.model, again.parts.settings.max_turns) == ("scripted:b", 9)
    assert again.parts.workshop is not scene.parts.workshop, "what is taken away is so at once"
    async with database.engine.connect() as connection:
        rows = list(await connection.scalars(select(runs.c.flags).order_by(runs.c.id)))
    assert rows[0]["prompt"]["digest"] == rows[1]["prompt"]["digest"] != ""
    assert "internet" not in rows[0] and rows[1]["internet"]["value"] is False


async def test_what_a_worker_cannot_go_by_it_ignores_and_says_so(
    scene: PipelineScene, database: Database, store: Store
) -> None:
    await put(database, "model", "scripted:b")
    await put(database, "prompt", "terse")
    job = await begin(scene, 1)
    await take_flags(job, publishing=False)
    assert job.parts.settings.model == "offline" and job.system_prompt == ""
    kept = await store.load_flags(job.task.id)
    assert kept and "HOB_MODELS" in kept["model"]["ignored"] and "HOB_PROMPTS" in kept["prompt"]["ignored"]


async def test_tuned_against_untuned(
    scene: PipelineScene, database: Database, store: Store, tmp_path: Path
) -> None:
    await put(database, "tuned", "false")
    untuned = await begin(scene, 1)
    await take_flags(untuned, publishing=False)
    kept = await store.load_flags(untuned.task.id)
    assert kept and kept["tuned"]["ignored"] == "the worker has no weights of hob tune"
    scene.parts = replace(scene.parts, workshop=scene.parts.workshop.with_weights(tmp_path))
    job = await begin(scene, 2)
    assert job.parts.workshop.has_tuned_weights
    await take_flags(job, publishing=False)
    assert not job.parts.workshop.has_tuned_weights
    kept = await store.load_flags(job.task.id)
    assert kept and not kept["tuned"].get("ignored")


async def test_a_paused_task_waits_unless_it_is_being_published(
    scene: PipelineScene, database: Database
) -> None:
    await put(database, "paused", "true", audience="person:7")
    job = await begin(scene, 1)
    with pytest.raises(Parked, match="has paused such work") as parked:
        await take_flags(job, publishing=False)
    assert len(scene.issues.bodies[1]) == 1, "the thread is told"
    assert parked.value.after >= WORTH_TELLING
    with pytest.raises(Parked) as parked:
        job.task = replace(job.task, reason=PAUSED)
        await take_flags(job, publishing=False)
    assert parked.value.after < WORTH_TELLING, "and not once more every minute"
    await take_flags(await begin(scene, 2), publishing=True)
    await change(database, lambda connection: connection.execute(text("UPDATE flag_rules SET value = '1'")))
    with pytest.raises(Parked, match="cannot be read"):
        await take_flags(await begin(scene, 3), publishing=False)


async def test_where_the_repository_says_it_a_flag_says_nothing(
    scene: PipelineScene, database: Database, store: Store
) -> None:
    await put(database, "model", "offline")
    await put(database, "turns", "9")
    job = await begin(scene, 1)
    await take_flags(job, publishing=False)
    await note_overruled_flags(job, RepoConfig(model="offline"))
    kept = await store.load_flags(job.task.id)
    assert kept and kept["model"]["ignored"] == "hob.yml says another" and not kept["turns"]["ignored"]
    assert job.flags.find_word("model") is None and job.flags.find_number("turns") == 9


def test_attempts_are_a_flags_where_the_repository_names_none() -> None:
    flags = load_run_flags({"attempts": {"value": 2}, "gone": {"value": 1}, "usd": "broken"})
    assert add_flagged_attempts(RepoConfig(), flags).attempts == 2
    assert add_flagged_attempts(RepoConfig(attempts=4), flags).attempts == 4
    assert add_flagged_attempts(RepoConfig(), RunFlags()).attempts is None
    assert apply_flags(load(), RunFlags()) == load()


def test_a_folder_of_prompts_must_be_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOB_PROMPTS", str(tmp_path))
    assert load().prompts == tmp_path
    monkeypatch.setenv("HOB_PROMPTS", str(tmp_path / "gone"))
    with pytest.raises(SettingsError, match="HOB_PROMPTS: must be a folder"):
        load()

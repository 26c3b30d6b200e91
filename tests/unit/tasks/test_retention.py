"""What is deleted when its time is over, and what is not."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import text

from bot.domain import Repo, TaskState
from bot.tasks.database.connection import Database
from bot.tasks.database.tables import DeliveryState
from bot.tasks.deletion.by_age import Retention
from bot.tasks.learning.corrections import Correction, CorrectionKind, ProposedRule
from bot.tasks.store import Store
from bot.tasks.sweep import sweep
from tests.support.tasks import add_delivery, make_request


async def test_s87_deliveries_and_transcripts_are_deleted_after_their_days(
    store: Store, database: Database
) -> None:
    for guid in ("old", "young", "new"):
        await add_delivery(store, guid, "issues", b"{}", {})
    for guid in ("old", "young"):
        await store.finish_delivery(guid, DeliveryState.HANDLED)
    task = await store.add_task(make_request())
    claimed = await store.claim(task.id, "w")
    assert claimed
    attempt = await store.begin_attempt(claimed[1])
    for seq in range(2):
        await store.add_turn(claimed[1], attempt.id, seq, {})
    async with database.engine.begin() as connection:
        for statement in (
            "UPDATE deliveries SET handled_at = now() - interval '16 days' WHERE guid = 'old'",
            "UPDATE deliveries SET received_at = now() - interval '99 days' WHERE guid = 'new'",
            "UPDATE attempt_turns SET at = now() - interval '3 days' WHERE seq = 0",
        ):
            await connection.execute(text(statement))
    await sweep(database.engine)
    assert len(await store.list_turns(claimed[1].id)) == 2
    await sweep(database.engine, retention=Retention(payload_days=15, transcript_days=2))
    assert [await store.get_delivery(guid) is not None for guid in ("old", "young", "new")] == [
        False,
        True,
        True,
    ]
    assert [turn.seq for turn in await store.list_turns(claimed[1].id)] == [1]


async def test_s87_what_is_purged_goes_whole_and_what_runs_stays(store: Store, database: Database) -> None:
    tasks = [await store.add_task(make_request(number=number)) for number in (1, 2)]
    claimed = await store.claim(tasks[0].id, "w")
    assert claimed
    await store.begin_attempt(claimed[1])
    await store.release(claimed[1], TaskState.DONE)
    for guid, name in (("mine", "octo/app"), ("other", "octo/other"), ("new", "octo/app")):
        body = json.dumps({"repository": {"full_name": name}, "sender": {"login": "alice"}})
        await add_delivery(store, guid, "issues", body.encode(), {})
    for guid in ("mine", "other"):
        await store.finish_delivery(guid, DeliveryState.HANDLED)
    assert await store.purge_tasks(repo="octo/other") == {} == await store.purge_tasks(person="bob")
    assert await store.purge_tasks(repo="octo/app") == {11: 1}
    assert [task.id for task in await store.list_tasks()] == [tasks[1].id]
    async with database.engine.connect() as connection:
        for table in ("runs", "attempts"):
            assert await connection.scalar(text(f"SELECT count(*) FROM {table}")) == 0
    assert await store.purge_deliveries(lambda body: b"octo/app" in body) == 1
    left = [guid for guid in ("mine", "other", "new") if await store.get_delivery(guid)]
    assert left == ["other", "new"]
    with pytest.raises(ValueError, match="a repository or a person"):
        await store.purge_tasks()


async def test_s87_everything_of_a_removed_installation_goes_and_nothing_else(
    store: Store, database: Database
) -> None:
    gone, kept, running = [
        await store.add_task(make_request(number=number, installation=installation))
        for number, installation in ((1, 5), (2, 6), (3, 5))
    ]
    for task in (gone, kept):
        claimed = await store.claim(task.id, "w")
        assert claimed
        attempt = await store.begin_attempt(claimed[1])
        await store.add_turn(claimed[1], attempt.id, 0, {})
        await store.release(claimed[1], TaskState.DONE)
    held = await store.claim(running.id, "w")
    assert held
    async with database.engine.begin() as connection:
        for guid, installation, state in (("a", 5, "handled"), ("b", 6, "handled"), ("c", 5, "new")):
            await connection.execute(
                text(
                    "INSERT INTO deliveries (guid, event, headers, body, body_sha256, installation, state)"
                    " VALUES (:guid, 'issues', '{}', '{}', '', :installation, :state)"
                ),
                {"guid": guid, "installation": installation, "state": state},
            )
    await store.note_removal(5)
    await store.note_removal(5)  # GitHub may say it twice
    for _ in range(3):
        await sweep(database.engine)
    assert [await store.get_task(task.id) is not None for task in (gone, kept, running)] == [
        False,
        True,
        True,
    ]
    assert [await store.get_delivery(guid) is not None for guid in "abc"] == [False, True, True]
    await store.release(held[1], TaskState.CANCELLED)
    await store.finish_delivery("c", DeliveryState.HANDLED)
    for _ in range(3):
        await sweep(database.engine)
    assert await store.get_task(running.id) is None
    assert await store.get_delivery("c") is None
    async with database.engine.connect() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM attempt_turns")) == 1
        assert await connection.scalar(text("SELECT purged_at FROM removed_installations")) is not None


async def test_a_mirror_of_a_repository_that_another_installation_has_is_kept(store: Store) -> None:
    for number, repo_id, installation in ((1, 11, 5), (2, 12, 5), (3, 12, 6)):
        await store.add_task(make_request(number=number, repo=repo_id, installation=installation))
    assert await store.list_removed_repositories() == []
    await store.note_removal(5)
    assert await store.list_removed_repositories() == [11]


async def learn(store: Store, *, installation: int, repo_id: int, login: str = "alice") -> None:
    """A correction in a repository, and a rule made of it."""
    repo = Repo(id=repo_id, owner="octo", name=f"r{repo_id}", default_branch="main", clone_url="")
    said = Correction(
        source="comment:1:0",
        kind=CorrectionKind.SAID,
        pull=1,
        words="Use UTC",
        url="u",
        person=7,
        login=login,
    )
    rule = ProposedRule(key="k", kind=CorrectionKind.SAID, words="Use UTC", file_kind="", seeds=(said,))
    assert await store.add_corrections(installation, repo, [said]) == 1
    assert await store.add_corrections(installation, repo, [said]) == 0
    assert await store.add_proposed_rule(installation, repo, rule)
    assert not await store.add_proposed_rule(installation, repo, rule)
    assert await store.list_proposed_rules(repo_id) == [rule]


async def test_what_was_learned_goes_by_age_with_its_installation_and_when_it_is_purged(
    store: Store, database: Database
) -> None:
    for repo_id, installation, login in ((11, 5, "alice"), (12, 6, "Bob"), (13, 6, "alice"), (14, 6, "eve")):
        await learn(store, installation=installation, repo_id=repo_id, login=login)

    async def left() -> list[tuple[int, int, str]]:
        found = []
        for repo_id in (11, 12, 13, 14):
            rules = await store.list_proposed_rules(repo_id)
            words = rules[0].words if rules else "-"
            found.append((repo_id, len(await store.list_corrections(repo_id)), words))
        return found

    await store.note_removal(5)
    for _ in range(2):
        await sweep(database.engine)
    assert await left() == [(11, 0, "-"), (12, 1, "Use UTC"), (13, 1, "Use UTC"), (14, 1, "Use UTC")]
    assert await store.purge_learning(person="bob") == 1
    assert await store.purge_learning(repo="Octo/R13") == 1
    assert await left() == [(11, 0, "-"), (12, 0, ""), (13, 0, "-"), (14, 1, "Use UTC")]
    (rule,) = await store.list_proposed_rules(12)
    assert rule.seeds == (), "whose words they were is gone, that it was proposed is known"
    async with database.engine.begin() as connection:
        await connection.execute(text("UPDATE corrections SET at = now() - interval '3 days'"))
    await sweep(database.engine, retention=Retention(transcript_days=4))
    assert len(await store.list_corrections(14)) == 1
    await sweep(database.engine, retention=Retention(transcript_days=2))
    assert await left() == [(11, 0, "-"), (12, 0, ""), (13, 0, "-"), (14, 0, "Use UTC")]

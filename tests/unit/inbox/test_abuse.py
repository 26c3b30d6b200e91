"""Who is not heard though they may write: blocked people, those over a limit, and those nobody knows yet."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
import pytest_asyncio
from sqlalchemy import text

from bot.domain import Person, TaskState
from bot.errors import Parked, Retry
from bot.github.app import GitHub
from bot.inbox.commands.parse import CommandWord, parse_commands
from bot.inbox.delivery_context import OperatorConfig
from bot.inbox.intake import Intake
from bot.tasks.database.connection import Database
from bot.tasks.database.tables import DeliveryState
from bot.tasks.safety.limits import RequestLimits
from bot.tasks.safety.records import EVERYWHERE
from bot.tasks.store import Store
from tests.support.github_scripted import Script, github, scripted
from tests.support.payloads import ALICE, APP, BOB, BOT, Json, issue_comment, pull, with_value
from tests.unit.inbox.test_intake import EYES, REPO, Scene

BOB_PERSON = Person(id=22, login="bob")


class House(Scene):
    """A scene whose operator decides things."""

    def __init__(self, store: Store, script: Script, hub: GitHub) -> None:
        super().__init__(store, script, hub)
        self._github = hub

    def operator(self, config: OperatorConfig) -> None:
        self.intake = Intake(self.store, self._github, APP, config)

    def maintains(self, login: str) -> None:
        answer = {"permission": "write", "role_name": "maintain", "user": ALICE if login == "alice" else BOB}
        self.script.on(f"GET {REPO}/collaborators/{login}/permission", answer)

    async def says(self, words: str, author: Json = ALICE, *, number: int = 1, public: bool = False) -> str:
        payload = with_value(issue_comment(words, author=author), "comment.id", 3000 + number)
        _, reason = await self.give("issue_comment", with_value(payload, "repository.private", not public))
        return reason


@pytest_asyncio.fixture
async def house(store: Store) -> AsyncIterator[House]:
    async with scripted() as script, github(script) as hub:
        script.on("GET /app", {"id": 7, "slug": "hob"})
        script.on("GET /users/hob[bot]", BOT)
        for number in range(3001, 3010):
            script.on(f"POST {REPO}/issues/comments/{number}/reactions", (201, {"id": 1}))
        script.on(f"POST {REPO}/pulls/4", pull())
        yield House(store, script, hub)


@pytest.mark.parametrize(
    ("said", "word", "login"),
    [
        ("block octocat", CommandWord.BLOCK, "octocat"),
        ("please block @Octo-Cat now.", CommandWord.BLOCK, "Octo-Cat"),
        ("unblock `a_corp`", CommandWord.UNBLOCK, "a_corp"),
        ("admit dependabot[bot]", CommandWord.ADMIT, "dependabot[bot]"),
        ("block the second call", None, ""),
        ("block", None, ""),
        ("block it", None, ""),
        ("unblock this, please", None, ""),
        ("admit that the cache is stale", None, ""),
        ("block requests to /admin", None, ""),
    ],
)
def test_a_command_about_a_person_is_one_login(said: str, word: CommandWord | None, login: str) -> None:
    parsed = parse_commands([said])
    assert (parsed.word, parsed.login) == (word, login)


async def test_a_maintainer_blocks_a_person_by_number_and_what_they_asked_for_ends(house: House) -> None:
    await house.says("@hob one", BOB)
    house.maintains("alice")
    assert await house.says("@hob block bob", number=2) == "block: bob"
    [task] = await house.tasks()
    assert task.state is TaskState.CANCELLED and "blocked" in task.cancel_reason
    renamed = {**BOB, "login": "robert"}
    for number in (3, 4):
        assert await house.says("@hob two", renamed, number=number) == "refused: blocked"
    assert await house.says("@hob status", renamed, number=5) == "refused: blocked"
    told = [said for said in house.comments() if "I take no requests from `bob`" in said]
    assert len(told) == 2 and "a maintainer decided so" in told[1], "the decision, and one polite no"
    assert not house.script.asked(f"GET {REPO}/collaborators/robert/permission")
    assert await house.says("@hob unblock bob", number=6) == "unblock: bob"
    await house.says("@hob three", BOB, number=7)
    assert [task.request for task in await house.tasks()] == ["one", "three"]
    assert await house.store.count_refusals() == {"blocked": 3}


async def test_only_maintainers_decide_and_not_about_each_other_or_themselves(house: House) -> None:
    assert await house.says("@hob block bob") == "refused: no maintain permission"
    house.maintains("alice")
    house.maintains("bob")
    await house.says("@hob block bob", number=2)
    await house.says("@hob block alice", number=3)
    house.script.on(f"GET {REPO}/collaborators/nulls/permission", (404, {"message": "nulls is not a user"}))
    await house.says("@hob block nulls", number=4)
    said = " ".join(house.comments())
    assert "maintains this repository" in said and "would not be able to undo" in said
    assert "knows no account `nulls`" in said
    assert await house.store.list_blocks() == []


async def test_who_the_operator_blocked_no_maintainer_unblocks(house: House, store: Store) -> None:
    assert await store.block(EVERYWHERE, BOB_PERSON, by="", reason="spam")
    assert not await store.block(EVERYWHERE, BOB_PERSON, by="")
    house.operator(OperatorConfig(contact="https://example.com/appeal"))
    assert await house.says("@hob x", BOB) == "refused: blocked"
    assert "write to who runs this Hob: https://example.com/appeal" in house.comments()[0]
    house.maintains("alice")
    await house.says("@hob unblock bob", number=2)
    assert "blocked everywhere" in house.comments()[-1]
    assert (await store.find_block(22, 999)) is not None
    assert await store.find_person("BOB") == Person(id=22, login="BOB")
    assert await store.find_person("carol") is None


@pytest.mark.parametrize(
    ("limits", "who"),
    [
        (RequestLimits(person=2), "`alice`"),
        (RequestLimits(repository=2), "`octo/app`"),
        (RequestLimits(installation=2), "this installation"),
    ],
)
async def test_over_a_limit_of_the_hour_nothing_more_is_taken(
    house: House, database: Database, limits: RequestLimits, who: str
) -> None:
    house.operator(OperatorConfig(limits=limits))
    for number in (1, 2):
        await house.says(f"@hob why {number}?", number=number)
        await finish_all(house.store)
    for number in (3, 4):
        assert await house.says("@hob three", number=number) == "refused: too much asked"
    assert await house.says("@hob review", number=5) != "refused: blocked"
    [said] = [said for said in house.comments() if "in an hour" in said]
    assert f"No more than 2 requests in an hour are taken from {who}, and there were 2." in said
    assert len(await house.tasks()) == 2
    await finish_all(house.store)
    other = await house.says("@hob four", BOB, number=6)
    await finish_all(house.store)
    assert (other == "refused: too much asked") is (limits.person is None), "a person's limit is theirs alone"
    async with database.engine.begin() as connection:
        await connection.execute(text("UPDATE tasks SET created_at = now() - interval '61 minutes'"))
    assert (await house.says("@hob five", number=7)).startswith("task ")


async def test_money_is_a_limit_too(house: House, store: Store, database: Database) -> None:
    house.operator(OperatorConfig(limits=RequestLimits(person_usd=1.0, repository_usd=9)))
    await house.says("@hob one")
    await finish_all(store)
    async with database.engine.begin() as connection:
        await connection.execute(text("UPDATE runs SET usage = '{\"usd\": 1.5}'"))
    assert await house.says("@hob two", number=2) == "refused: too much asked"
    assert "may cost $1 in 24 hours, and cost $1.50" in house.comments()[-1]
    assert (await house.says("@hob three", BOB, number=3)).startswith("task ")
    async with database.engine.begin() as connection:
        await connection.execute(text("UPDATE runs SET usage = '{\"usd\": 9}'"))
    await finish_all(store)
    assert await house.says("@hob four", BOB, number=4) == "refused: too much asked"


async def test_a_delivery_whose_task_is_stored_is_over_no_limit(house: House, store: Store) -> None:
    house.operator(OperatorConfig(limits=RequestLimits(person=1)))
    guid = await house.deliver("issue_comment", issue_comment("@hob x"))
    house.script.on(EYES, (503, {}))
    with suppress(Retry, Parked):
        await house.intake.take(guid)
    house.script.on(EYES, (201, {"id": 1}))
    await house.intake.take(guid)
    assert (await house.ended(guid))[0] is DeliveryState.HANDLED and len(await house.tasks()) == 1


async def test_a_first_request_in_public_waits_for_a_nod(house: House, store: Store) -> None:
    house.operator(OperatorConfig(holds_first_requests=True))
    assert await house.says("@hob one", BOB, public=True) == "refused: first request"
    assert await house.says("@hob two", BOB, number=2, public=True) == "refused: first request"
    [asked] = house.comments()
    assert "waits until a maintainer says `@hob admit bob` here" in asked
    assert await house.tasks() == []
    assert await house.says("@hob admit bob", BOB, number=3, public=True) == "refused: no maintain permission"
    house.maintains("alice")
    assert await house.says("@hob first of mine", number=4, public=True) == "task 1", "a maintainer's own"
    await finish_all(store)
    await house.says("@hob admit bob", number=5, public=True)
    assert "I take up the 2 requests that waited" in house.comments()[-1]
    for guid in ("00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"):
        assert (await house.ended(guid))[0] is DeliveryState.NEW
        await house.intake.take(guid)
        await finish_all(store)
    assert [task.request for task in await house.tasks()] == ["first of mine", "one", "two"]
    assert (await house.says("@hob status", BOB, number=6, public=True)) == "told how it stands"
    await house.says("@hob admit bob", number=7, public=True)
    assert "waited" not in house.comments()[-1], "what was taken up is not taken up again"


async def test_private_repositories_and_known_people_wait_for_nobody(house: House, store: Store) -> None:
    house.operator(OperatorConfig(holds_first_requests=True))
    assert await house.says("@hob one", BOB) == "task 1"
    await finish_all(store)
    assert await house.says("@hob two", BOB, number=2, public=True) == "task 2"


async def test_what_is_refused_is_purged_by_person_and_repository(house: House, store: Store) -> None:
    await store.block(EVERYWHERE, BOB_PERSON, by="")
    await house.says("@hob x", BOB)
    assert await store.purge_refusals(person="ALICE") == 0
    assert await store.find_repository("Octo/App") == 11
    assert await store.purge_refusals(repo="Octo/App") == 1
    assert await store.count_refusals() == {} and len(await store.list_blocks()) == 1


async def finish_all(store: Store) -> None:
    """Every open task is done."""
    for task in await store.list_tasks(50):
        claimed = await store.claim(task.id, "w")
        if claimed:
            await store.release(claimed[1], TaskState.DONE)

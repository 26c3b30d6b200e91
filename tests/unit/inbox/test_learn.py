"""Learning with consent, against the local GitHub: what counts, what does not, and one proposal for all."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from sqlalchemy import text

from bot.domain import Event, Person, Repo, TaskKind, Thread
from bot.flags.kill import kill
from bot.flags.records import Actor
from bot.github.app import GitHub, RepoApi
from bot.inbox.decision import AppIdentity
from bot.inbox.delivery_context import DeliveryContext, OperatorConfig
from bot.inbox.pulls.learn import learn_from_end
from bot.moderation.verdict import Category, Verdict
from bot.tasks.learning.corrections import CorrectionKind, ProposedRule, RuleState
from bot.tasks.safety.records import EVERYWHERE
from bot.tasks.store import Store
from bot.text.fit import mark
from tests.support.hub import Client, Hub, running_hub
from tests.support.tasks import make_request

AT = "/repos/maintainer/calc"
CONSENT = {".github/hob.yml": "learning: true\n", "a.py": "def pay(x):\n    return x\n"}
MONEY = (
    "Please use Decimal for money, not float.",
    "use `Decimal` for money, never float",
    "Money wants Decimal, not float",
)


class Against:
    """A moderator that takes nothing with these words."""

    async def judge(self, text: str) -> Verdict | None:
        return Verdict(category=Category.OTHER, by="test") if "Decimal" in text else None


class Scene:
    """A repository, and pull requests of Hob's in it that end."""

    def __init__(self, hub: Hub, store: Store, context: DeliveryContext, repo: Repo, bot: Client) -> None:
        self.hub, self.store, self.context, self.repo, self.bot = hub, store, context, repo, bot
        self.installation = hub.installation_id

    @property
    def api(self) -> RepoApi:
        repo = self.repo
        return self.context.github.for_repo(self.installation, repo.id, repo.owner, repo.name)

    async def open(self, name: str, *, by: Client | None = None, kind: TaskKind = TaskKind.CHANGE) -> int:
        """A pull request of Hob's own, or one that it reviewed; its number."""
        branch = f"hob/{name}"
        files = {f"{name}.py": f"print({name!r})\n"}
        head = await self.hub.push_files("calc", files, f"Add {name}", branch=branch)
        wanted = {"title": name, "head": branch, "base": "main"}
        number: int = (await (by or self.bot).post(f"{AT}/pulls", wanted))["number"]
        task = await self.store.add_task(
            make_request(number=number, repo=self.repo.id, installation=self.installation)
        )
        async with self.store.engine.begin() as connection:
            await connection.execute(
                text("UPDATE tasks SET kind = :kind, pull = :pull WHERE id = :id"),
                {"kind": kind.value, "pull": 0 if kind is TaskKind.REVIEW else number, "id": task.id},
            )
            await connection.execute(
                text(
                    "INSERT INTO effects (key, task, kind, state, answer) VALUES"
                    " (:key, :task, 'push', 'done', jsonb_build_object('sha', cast(:sha AS text)))"
                ),
                {"key": f"push:{head}", "task": task.id, "sha": head},
            )
        return number

    async def say(self, number: int, words: str, *, by: Client | None = None) -> None:
        await (by or self.hub.as_maintainer).post(f"{AT}/issues/{number}/comments", {"body": words})

    async def end(self, number: int, *, own: bool = True, merged: bool = False) -> str:
        """Close it, and handle that."""
        await self.hub.as_maintainer.patch(f"{AT}/pulls/{number}", {"state": "closed"})
        return await self.handle(number, own=own, merged=merged)

    async def handle(self, number: int, *, own: bool = True, merged: bool = False) -> str:
        url = f"{self.hub.web_url}/maintainer/calc/pull/{number}"
        thread = Thread(
            number=number, is_pull=True, title="", body="", author=Person(id=1, login="hob[bot]"), url=url
        )
        event = Event(
            delivery="d", name="pull_request", action="closed", installation=self.installation,
            sender=Person(id=2, login="maintainer"), repo=self.repo, thread=thread, merged=merged,
        )  # fmt: skip
        return await learn_from_end(self.context, self.api, event, is_own=own)

    async def correct_thrice(self, *, by: Client | None = None, words: tuple[str, ...] = MONEY) -> list[str]:
        said = []
        for n, each in enumerate(words):
            number = await self.open(f"n{n}{len(await self.proposals())}")
            await self.say(number, each, by=by)
            said.append(await self.end(number))
        return said

    async def proposals(self) -> list[dict[str, Any]]:
        pulls = await self.hub.as_maintainer.get(f"{AT}/pulls?state=all&per_page=100")
        return [pull for pull in pulls if "/rule-" in pull["head"]["ref"]]

    async def kept(self) -> list[str]:
        return sorted(one.words for one in await self.store.list_corrections(self.repo.id))


@pytest_asyncio.fixture
async def scene(store: Store, tmp_path: Any) -> AsyncIterator[Scene]:
    async with running_hub(tmp_path) as hub, aiohttp.ClientSession() as session:
        made = await hub.seed_repo("calc", CONSENT)
        github = GitHub(
            session, api_url=hub.api_url, app_id=hub.app_id, private_key=hub.private_key, write_spacing=0,
            backoff=0.01, settle=0.0,
        )  # fmt: skip
        app = await github.identify()
        identity = AppIdentity(id=app.id, slug=app.slug, bot_id=app.bot_id)
        repo = Repo(
            id=made["id"], owner="maintainer", name="calc", default_branch="main", clone_url=made["clone_url"]
        )
        context = DeliveryContext(store, github, identity, OperatorConfig())
        yield Scene(hub, store, context, repo, await hub.as_bot())


async def test_a_correction_on_three_pull_requests_becomes_one_proposal(scene: Scene) -> None:
    said = await scene.correct_thrice()
    assert said[:2] == ["1 corrections kept", "1 corrections kept"]
    (proposal,) = await scene.proposals()
    assert said[2] == f"1 corrections kept; a rule is proposed in #{proposal['number']}"
    assert proposal["draft"] and proposal["user"]["login"] == "hob[bot]"
    files = await scene.hub.as_maintainer.get(f"{AT}/pulls/{proposal['number']}/files")
    assert [file["filename"] for file in files] == ["AGENTS.md"]
    assert "+- Money wants Decimal, not float." in files[0]["patch"]
    for number in (1, 2, 3):
        assert f"/pull/{number}#issuecomment-" in proposal["body"]
    # The same delivery again, and another of the same: nothing more.
    assert await scene.handle(3) == "0 corrections kept"
    await scene.hub.as_maintainer.patch(f"{AT}/pulls/{proposal['number']}", {"state": "closed"})
    assert await scene.handle(proposal["number"]) == "0 corrections kept"
    (rule,) = await scene.store.list_proposed_rules(scene.repo.id)
    assert rule.state is RuleState.CLOSED
    number = await scene.open("again")
    await scene.say(number, "money: Decimal, no float please, use Decimal for money")
    await scene.end(number)
    assert len(await scene.proposals()) == 1, "what was closed is not proposed again"


async def test_without_consent_nothing_is_kept_and_what_was_is_forgotten(scene: Scene) -> None:
    number = await scene.open("one")
    await scene.say(number, MONEY[0])
    await scene.end(number)
    assert await scene.kept() == ["use Decimal for money, not float."]
    await scene.hub.push_files("calc", {".github/hob.yml": "learning: no\n"})
    assert await scene.handle(number) == "1 corrections forgotten"
    assert await scene.handle(number) == "" and await scene.kept() == []
    await scene.hub.push_files("calc", {".github/hob.yml": "learning: maybe so\n"})
    assert await scene.handle(number) == "" and await scene.kept() == [], "an invalid file agrees to nothing"


async def test_strangers_bots_and_the_blocked_teach_nothing(scene: Scene) -> None:
    await scene.correct_thrice(by=scene.hub.as_stranger)
    assert await scene.kept() == []
    number = await scene.open("own")
    await scene.say(number, MONEY[0], by=scene.bot)
    await scene.end(number)
    assert await scene.kept() == []
    who = await scene.hub.as_maintainer.get("/user")
    await scene.store.block(EVERYWHERE, Person(id=who["id"], login=who["login"]), by="")
    await scene.say(number, MONEY[0])
    await scene.handle(number)
    assert await scene.kept() == [] and await scene.proposals() == []


async def test_what_people_changed_on_top_is_a_correction(scene: Scene) -> None:
    for name in ("a1", "a2", "a3"):
        number = await scene.open(name)
        edited = {f"{name}.py": f"log.info({name!r})\n"}
        await scene.hub.push_files("calc", edited, "Tidy up", branch=f"hob/{name}")
        await scene.end(number)
    (rule,) = await scene.store.list_proposed_rules(scene.repo.id)
    assert (rule.kind, rule.words) == (CorrectionKind.EDITED, "Write `log.info`, not `print`")
    (proposal,) = await scene.proposals()
    assert "> Write `log.info`, not `print` (in `*.py`)." in proposal["body"]


async def test_findings_that_were_turned_down_are_corrections(scene: Scene) -> None:
    remark = f"The name is too short for this.\n\n{mark('note:00000000:000000000000:000000000000')}"
    for n, name in enumerate(("b1", "b2", "b3")):
        number = await scene.open(name, by=scene.hub.as_maintainer, kind=TaskKind.REVIEW)
        at = f"{AT}/pulls/{number}"
        review = {"event": "COMMENT", "comments": [{"path": f"{name}.py", "line": 1, "body": remark}]}
        await scene.bot.post(f"{at}/reviews", review)
        (finding,) = await scene.hub.as_maintainer.get(f"{at}/comments")
        if n == 0:
            down = f"{AT}/pulls/comments/{finding['id']}/reactions"
            await scene.hub.as_stranger.post(down, {"content": "-1"})
            await scene.handle(number, own=False)
            assert await scene.kept() == [], "a stranger's thumb does not count"
            await scene.hub.as_maintainer.post(down, {"content": "-1"})
        else:
            reply = {"body": "That's fine here, it is by design."}
            await scene.hub.as_maintainer.post(f"{at}/comments/{finding['id']}/replies", reply)
        await scene.end(number, own=False)
    (proposal,) = await scene.proposals()
    assert "> In reviews do not remark (in `*.py`): The name is too short for this." in proposal["body"]


async def test_a_crash_after_the_branch_leaves_one_pull_request(scene: Scene) -> None:
    await scene.hub.fault("status", r".*/pulls$", status=403, method="POST", skip=3)
    said = await scene.correct_thrice()
    assert "could not be proposed" in said[2] and await scene.proposals() == []
    (rule,) = await scene.store.list_proposed_rules(scene.repo.id)
    assert rule.state is RuleState.WANTED
    both = await asyncio.gather(scene.handle(3), scene.handle(2))
    (proposal,) = await scene.proposals()
    assert any(f"#{proposal['number']}" in each for each in both)


async def test_a_pause_or_the_moderator_stops_proposals_alone(scene: Scene) -> None:
    by = Actor(login="operator")
    async with scene.store.engine.connect() as connection:
        await connection.run_sync(kill, "all", by)
    assert (await scene.correct_thrice())[2] == "1 corrections kept" and await scene.proposals() == []
    async with scene.store.engine.begin() as connection:
        await connection.execute(text("DELETE FROM pauses"))
    context = scene.context
    scene.context = DeliveryContext(
        context.store, context.github, context.app, OperatorConfig(moderator=Against())
    )
    assert await scene.handle(3) == "0 corrections kept" and await scene.proposals() == []
    scene.context = context
    assert "a rule is proposed" in await scene.handle(3)


async def link(scene: Scene, name: str, target: str, files: dict[str, str]) -> None:
    """Put ``files`` and a symbolic link on the default branch."""
    folder = scene.hub.worktree("calc")
    await scene.hub.push_files("calc", files)
    (folder / name).symlink_to(target)
    await scene.hub.git("add", "-A", cwd=folder)
    await scene.hub.git("commit", "-qm", "Link it", cwd=folder)
    await scene.hub.git("push", "-q", "origin", "HEAD:main", cwd=folder)


async def read_proposed(scene: Scene) -> tuple[list[str], dict[str, Any]]:
    """The paths that the only proposal changes, and its pull request."""
    (proposal,) = await scene.proposals()
    files = await scene.hub.as_maintainer.get(f"{AT}/pulls/{proposal['number']}/files")
    return [file["filename"] for file in files], proposal


@pytest.mark.parametrize(
    ("target", "real"), [("docs/GUIDE.md", "docs/GUIDE.md"), ("docs/../CLAUDE.md", "CLAUDE.md")]
)
async def test_a_guide_that_is_a_link_is_written_through(scene: Scene, target: str, real: str) -> None:
    await link(scene, "AGENTS.md", target, {real: "# Ours\n", "docs/a.md": "a\n"})
    await scene.correct_thrice()
    paths, proposal = await read_proposed(scene)
    assert paths == [real]
    head = proposal["head"]["sha"]
    tree = await scene.hub.as_maintainer.get(f"{AT}/git/trees/{head}")
    modes = {entry["path"]: entry["mode"] for entry in tree["tree"]}
    assert modes["AGENTS.md"] == "120000", "the link stays a link"


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("../elsewhere.md", "link out of the repository"),
        ("/etc/motd", "link out of the repository"),
        ("gone.md", "a link to `gone.md`, which is not there"),
        ("AGENTS.md", "that leads in a circle"),
        ("docs", "is no file"),
        ("a.py", "which is no prose"),
    ],
)
async def test_a_link_to_elsewhere_is_refused_in_words(scene: Scene, target: str, why: str) -> None:
    await link(scene, "AGENTS.md", target, {"docs/a.md": "a\n"})
    said = await scene.correct_thrice()
    assert why in said[2] and await scene.proposals() == []


async def test_instructions_of_hob_yml_take_the_rule_where_there_is_no_guide(scene: Scene) -> None:
    config = "# ours\nlearning: true  # yes\ninstructions: Be brief.  # always\nlabel: bot\n"
    await scene.hub.push_files("calc", {".github/hob.yml": config})
    await scene.correct_thrice()
    paths, proposal = await read_proposed(scene)
    assert paths == [".github/hob.yml"] and "`instructions` in `.github/hob.yml`" in proposal["body"]
    shown = await scene.hub.as_maintainer.get(f"{AT}/contents/.github/hob.yml?ref={proposal['head']['sha']}")
    assert base64.b64decode(shown["content"]).decode() == (
        "# ours\nlearning: true  # yes\ninstructions: |  # always\n  Be brief.\n"
        "  - Money wants Decimal, not float.\nlabel: bot\n"
    )


async def test_two_workers_that_choose_at_one_moment_open_one_proposal(scene: Scene) -> None:
    numbers = []
    for n, words in enumerate(MONEY):
        number = await scene.open(f"two{n}")
        numbers.append(number)
        await scene.say(number, words)
        await scene.say(number, "Always name the unit in the docstring")
        if n < 2:
            await scene.end(number)
    await scene.hub.as_maintainer.patch(f"{AT}/pulls/{numbers[2]}", {"state": "closed"})
    wanted = [
        ProposedRule(key=key, kind=CorrectionKind.SAID, words=key, file_kind="", seeds=()) for key in "abcdef"
    ]
    made = await asyncio.gather(
        *(scene.store.add_proposed_rule(scene.installation, scene.repo, rule) for rule in wanted)
    )
    assert made.count(True) == 1
    await scene.store.purge_learning(repo="maintainer/calc")
    for number in numbers[:2]:
        await scene.handle(number)
    await asyncio.gather(*(scene.handle(number) for number in (numbers[2], numbers[2], numbers[1])))
    assert len(await scene.proposals()) == 1
    rules = await scene.store.list_proposed_rules(scene.repo.id)
    assert [rule.state for rule in rules] == [RuleState.OPENED]


async def test_what_the_guide_says_is_not_proposed(scene: Scene) -> None:
    await scene.hub.push_files("calc", {"AGENTS.md": "- For money use Decimal, not float\n"})
    await scene.correct_thrice()
    assert await scene.proposals() == []
    assert [rule.state for rule in await scene.store.list_proposed_rules(scene.repo.id)] == [RuleState.KNOWN]

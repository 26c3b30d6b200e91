"""The room against the local GitHub: the whole of a task's conversation, and GitHub's faults on the way."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from pydantic import SecretStr

from bot.domain import Fork, Permission, TriggerKind
from bot.errors import Parked, Retry, UserError
from bot.git.commit import BuiltCommit
from bot.git.mirror import Mirror
from bot.github.app import GitHub, RepoApi
from bot.github.cli.doctor import doctor
from bot.github.cli.manifest import build_manifest, convert_code
from bot.github.cli.redeliver import redeliver
from bot.github.http.responses import Forbidden, NotFound
from bot.github.http.scope import Purpose
from bot.run.publish.fork_branch import ForkLanding, LandedCommit, LandingWay
from bot.text.fit import add_mark
from bot.workspace.fork import branch_here
from tests.support.github_scripted import read_issue
from tests.support.github_spec import Ledger, spec_middleware
from tests.support.hub import Hub, running_hub

REPO = "/repos/maintainer/demo"
BRANCH = "hob/1-halve"
CODE = "".join(f"line {n}\n" for n in range(1, 8))


@dataclass
class World:
    """A local GitHub with a repository that has an issue, and the bot on it."""

    hub: Hub
    session: aiohttp.ClientSession
    gh: GitHub
    repo_id: int
    heard: list[str] = field(default_factory=list)

    @property
    def repo(self) -> RepoApi:
        """The repository, through the bot."""
        return self.gh.for_repo(self.hub.installation_id, self.repo_id, "maintainer", "demo")

    async def branch(self) -> str:
        """A branch of the bot's with one commit; returns its head."""
        changed = CODE.replace("line 3", "row 3")
        return await self.hub.push_files("demo", {"code.txt": changed}, branch=BRANCH)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    ledger = Ledger()
    judge = spec_middleware(ledger, prefix="/api")
    async with running_hub(tmp_path, middlewares=[judge]) as hub, aiohttp.ClientSession() as session:
        heard: list[str] = []
        gh = GitHub(
            session,
            api_url=hub.api_url,
            app_id=hub.app_id,
            private_key=hub.private_key,
            write_spacing=0,
            backoff=0.01,
            timeout=60.0,
            settle=0.0,
            on_token=heard.append,
        )
        made = await hub.seed_repo("demo", {"code.txt": CODE})
        await hub.as_maintainer.post(f"{REPO}/issues", {"title": "Halve it", "body": "@hob please"})
        yield World(hub, session, gh, made["id"], heard)
    ledger.raise_if_any()


async def test_a_conversation_on_an_issue(world: World) -> None:
    repo, app = world.repo, await world.gh.identify()
    assert app.bot_login == "hob[bot]"
    assert (await read_issue(repo, 1))["title"] == "Halve it"
    await repo.issues.react(TriggerKind.ISSUE, 0, 1, "eyes")
    await repo.issues.react(TriggerKind.ISSUE, 0, 1, "eyes")
    assert (await read_issue(repo, 1))["reactions"]["eyes"] == 1
    asked = await world.hub.as_stranger.post(f"{REPO}/issues/1/comments", {"body": add_mark("fake", "t1")})
    await repo.issues.react(TriggerKind.COMMENT, asked["id"], 1, "eyes")
    assert await repo.issues.find_comment(1, "t1") is None
    made = await repo.issues.create_comment(1, add_mark("Working", "t1"))
    await repo.issues.edit_comment(made.id, add_mark("Done", "t1"))
    found = await repo.issues.find_comment(1, "t1")
    assert found is not None
    assert (found.id, found.author.id) == (made.id, app.bot_id)
    assert found.body.startswith("Done")
    assert [one.id for one in await repo.issues.list_comments(1)] == [asked["id"], made.id]
    assert await repo.issues.list_comments(1, since=datetime.now(UTC) + timedelta(minutes=1)) == []


async def test_who_may_do_what(world: World) -> None:
    assert await world.repo.permissions.get("maintainer") is Permission.ADMIN
    assert await world.repo.permissions.get("stranger") in (Permission.READ, Permission.NONE)
    assert await world.repo.permissions.get("nobody-at-all") is Permission.NONE


async def test_a_pull_request_with_review_replies_and_checks(world: World) -> None:
    repo, head = world.repo, await world.branch()
    assert await repo.pulls.find_by_branch(BRANCH) is None
    pull = await repo.pulls.open("Halve", add_mark("Fixes #1", "t1"), BRANCH, "main")
    number = pull.number
    shown = await world.hub.as_maintainer.get(f"{REPO}/pulls/{number}")
    assert shown["draft"] is True
    assert (await repo.pulls.open("Halve", "again", BRANCH, "main")).number == number
    assert ((found_pull := await repo.pulls.find_by_branch(BRANCH)) and found_pull.number) == number
    await repo.pulls.update(number, title="Halve by two")
    assert (await repo.pulls.get(number)).title == "Halve by two"

    remark = {"path": "code.txt", "line": 3, "side": "RIGHT", "body": add_mark("Now a row", "n1")}
    made = await repo.reviews.create(number, head, add_mark("See the remarks", "r1"), [remark])
    (review,) = await world.hub.as_maintainer.get(f"{REPO}/pulls/{number}/reviews")
    assert (review["id"], review["state"]) == (made.id, "COMMENTED")
    assert await repo.reviews.find(number, "r1") == made == await repo.reviews.get(number, made.id)
    (mine,) = await repo.reviews.list_comments(number)
    assert (mine.review, mine.path, mine.line, mine.reply_to) == (made.id, "code.txt", 3, None)
    replies = f"{REPO}/pulls/{number}/comments/{mine.id}/replies"
    question = await world.hub.as_maintainer.post(replies, {"body": "why?"})
    await repo.issues.react(TriggerKind.REVIEW_COMMENT, question["id"], number, "+1")
    assert [one.reply_to for one in await repo.reviews.list_comments(number)] == [None, mine.id]

    check = await repo.checks.create(
        head, "Hob", "in_progress", title="Working", summary="...", external_id="t1"
    )
    await repo.checks.update(check.id, "completed", "success", title="Done", summary="2 tests mended")
    found = await repo.checks.find(head, "Hob", "t1")
    assert found is not None
    assert (found.id, found.conclusion) == (check.id, "success")


async def test_s37_a_review_with_a_line_off_the_diff_still_arrives(world: World) -> None:
    repo, head = world.repo, await world.branch()
    number = (await repo.pulls.open("Halve", "Fixes #1", BRANCH, "main")).number
    remarks = [{"path": "gone.txt", "line": 700, "side": "RIGHT", "body": "look here"}]
    made = await repo.reviews.create(number, head, add_mark("Summary", "r1"), remarks)
    (review,) = await world.hub.as_maintainer.get(f"{REPO}/pulls/{number}/reviews")
    assert "look here" in review["body"]
    assert await repo.reviews.find(number, "r1") == made
    assert await repo.reviews.list_comments(number) == []


async def test_the_outcome_is_read_back_in_one_query(world: World) -> None:
    repo, head = world.repo, await world.branch()
    made = await repo.issues.create_comment(1, add_mark("Done", "t1"))
    await world.hub.as_stranger.post(f"{REPO}/issues/1/comments", {"body": add_mark("forged", "t1")})
    seen = await repo.outcome.read(1, BRANCH)
    assert seen.pull is None
    pull = await repo.pulls.open("Halve", "Fixes #1", BRANCH, "main")
    seen = await repo.outcome.read(1, BRANCH)
    comment = seen.comment("t1")
    assert comment is not None
    assert comment.id == made.id
    assert seen.pull is not None
    assert (seen.pull.number, seen.pull.draft, seen.pull.state) == (pull.number, True, "OPEN")
    assert seen.pull.head_sha == head
    with pytest.raises(NotFound):
        await repo.outcome.read(99, BRANCH)


async def test_a_review_thread_is_resolved(world: World) -> None:
    repo, head = world.repo, await world.branch()
    number = (await repo.pulls.open("Halve", "Fixes #1", BRANCH, "main")).number
    remark = {"path": "code.txt", "line": 3, "side": "RIGHT", "body": "Now a row"}
    await repo.reviews.create(number, head, "See", [remark])
    (thread,) = await repo.review_threads.list_threads(number)
    assert (thread.resolved, thread.path) == (False, "code.txt")
    await repo.review_threads.resolve([thread.id])
    assert [one.resolved for one in await repo.review_threads.list_threads(number)] == [True]


async def test_s35_a_write_done_before_the_outage_is_found_not_repeated(world: World) -> None:
    for kind in ("status", "reset"):
        await world.hub.admin("fault", kind=kind, after=True, method="POST", path="/issues/1/comments")
        with pytest.raises(Retry, match="may have been done"):
            await world.repo.issues.create_comment(1, add_mark("Once", kind))
        assert await world.repo.issues.find_comment(1, kind) is not None
    assert len(await world.repo.issues.list_comments(1)) == 2


async def test_an_outage_a_spent_bucket_and_a_secondary_limit(world: World) -> None:
    await world.hub.admin("fault", kind="status", status=502, path="/issues/1", count=2)
    assert (await read_issue(world.repo, 1))["number"] == 1
    await world.hub.admin("fault", kind="primary_limit", seconds=600, path="/issues/1")
    with pytest.raises(Parked) as parked:
        await read_issue(world.repo, 1)
    assert 590 < parked.value.after < 610
    world.gh.forget_installation(world.hub.installation_id)  # as if an hour had gone by
    await world.hub.admin("fault", kind="secondary_limit", seconds=47, path="/issues/1/comments")
    with pytest.raises(Parked) as parked:
        await world.repo.issues.create_comment(1, "x")
    assert 46 < parked.value.after <= 47


async def test_s33_an_expired_token_is_renewed(world: World) -> None:
    await read_issue(world.repo, 1)
    await world.hub.admin("tokens", expire_now=True)
    await world.repo.issues.create_comment(1, "still here")
    assert len(world.heard) == 2


async def test_s33_a_permission_taken_away_is_named(world: World) -> None:
    repo, installation = world.repo, world.hub.installation_id
    await read_issue(repo, 1)
    await world.hub.admin("installation", id=installation, permissions={"metadata": "read", "issues": "read"})
    with pytest.raises(Forbidden, match="issues: write"):
        await repo.issues.create_comment(1, "hello")
    with pytest.raises(Forbidden, match="contents: write"):
        await repo.token(Purpose.PUBLISH)


async def test_what_was_accepted_is_worked_with_until_the_rest_is(world: World) -> None:
    """After the app asks for more, an installation has what it had until its owner accepts the rest."""
    repo, installation = world.repo, world.hub.installation_id
    granted = {"metadata": "read", "contents": "read", "issues": "write", "pull_requests": "read"}
    await world.hub.admin("installation", id=installation, permissions=granted)
    await repo.issues.create_comment(1, "I can speak")
    with pytest.raises(Forbidden, match="`checks: write`"):
        await repo.checks.create(await world.branch(), "Hob", "queued", title="x", summary="x")
    with pytest.raises(Forbidden, match="contents: write"):
        await repo.token(Purpose.PUBLISH)
    await world.hub.admin("installation", id=installation, permissions={"metadata": "read"})
    world.gh.forget_installation(installation)
    with pytest.raises(Forbidden, match="issues: write"):
        await repo.issues.create_comment(1, "no more")


async def test_a_suspended_installation_and_a_repository_taken_out(world: World) -> None:
    installation = world.hub.installation_id
    await world.hub.admin("installation", id=installation, suspended=True)
    with pytest.raises(Forbidden, match="suspended"):
        await read_issue(world.repo, 1)
    await world.hub.admin("installation", id=installation, suspended=False, repositories=[])
    with pytest.raises(UserError, match="let it reach this repository"):
        await read_issue(world.repo, 1)


async def test_s70_a_token_reaches_no_other_repository(world: World) -> None:
    other = await world.hub.as_maintainer.post("/user/repos", {"name": "secret", "private": True})
    api = world.gh.for_repo(world.hub.installation_id, world.repo_id, "maintainer", other["name"])
    with pytest.raises(NotFound):
        await read_issue(api, 1)


async def test_s40_a_renamed_repository_is_followed(world: World) -> None:
    repo = world.repo
    await world.hub.as_maintainer.patch(REPO, {"name": "renamed"})
    assert (await read_issue(repo, 1))["title"] == "Halve it"
    await repo.issues.create_comment(1, "still here")
    assert len(await repo.issues.list_comments(1)) == 1


@dataclass(frozen=True)
class Settings:
    """As much of the settings as administration reads."""

    github_url: str
    app_id: int
    private_key: SecretStr
    base_url: str = "http://127.0.0.1:8001"
    label: str = "bug"
    discussions: bool = False


def settings_of(world: World) -> Settings:
    return Settings(world.hub.api_url, world.hub.app_id, SecretStr(world.hub.private_key))


async def test_s12_the_doctor_sees_what_did_not_arrive_and_it_is_asked_for_again(
    world: World, unused_tcp_port: int
) -> None:
    settings, url = settings_of(world), f"http://127.0.0.1:{unused_tcp_port}/webhook"
    await world.hub.as_app.patch("/app/hook/config", {"url": url})
    await world.hub.idle()
    since = datetime.now(UTC).replace(microsecond=0)
    await world.hub.as_maintainer.post(f"{REPO}/issues/1/comments", {"body": "@hob"})
    await world.hub.idle()
    findings = await asyncio.to_thread(doctor, settings)
    assert [finding.name for finding in findings if not finding.ok] == ["deliveries"]
    assert [finding.name for finding in findings].count("installation") == 2
    asked = await asyncio.to_thread(redeliver, settings, since, write_spacing=0)
    assert "issue_comment" in [one.event for one in asked]
    assert len({one.guid for one in asked}) == len(asked)
    assert not [one for one in asked if one.problem]


async def test_s80_an_app_is_registered_from_the_manifest(world: World, tmp_path: Path) -> None:
    asked = build_manifest("https://hob.example", redirect_url="http://127.0.0.1:9/callback") | {
        "name": "Other"
    }
    url = f"{world.hub.web_url}/settings/apps/new?state=s"
    async with world.session.post(url, data={"manifest": json.dumps(asked)}, allow_redirects=False) as answer:
        code = answer.headers["Location"].partition("code=")[2].partition("&")[0]
    api = world.hub.api_url
    made = await asyncio.to_thread(
        convert_code,
        code,
        state="s",
        expected="s",
        api_url=api,
        base_url="https://hob.example",
        home=tmp_path / "home",
    )
    assert stat.S_IMODE(made.env_file.stat().st_mode) == 0o600
    gh = GitHub(world.session, api_url=api, app_id=made.app_id, private_key=made.private_key, write_spacing=0)
    assert (await gh.identify()).slug == made.slug == "other"
    with pytest.raises(UserError, match="once and for an hour"):
        await asyncio.to_thread(
            convert_code,
            code,
            state="s",
            expected="s",
            api_url=api,
            base_url="https://hob.example",
            home=tmp_path / "again",
        )


async def test_s33_git_gets_a_new_token_when_it_is_turned_away(world: World, tmp_path: Path) -> None:
    repo, mirror = world.repo, Mirror(tmp_path / "mirrors")
    await repo.token()
    await world.hub.admin("tokens", expire_now=True)
    url, specs = world.hub.git_url("demo"), ["refs/heads/main:refs/heads/main"]
    await world.hub.as_maintainer.patch(REPO, {"private": True})
    await repo.with_token(Purpose.FETCH, lambda token: mirror.fetch(1, url, token=token, refspecs=specs))
    assert await mirror.resolve(1, "refs/heads/main")
    assert len(world.heard) == 2


async def test_a_second_look_costs_nothing_of_the_hourly_budget(world: World) -> None:
    repo = world.repo
    await read_issue(repo, 1)
    await world.hub.fault("delay", "/issues/1$", seconds=0)
    first = await read_issue(repo, 1)
    assert (await world.hub.admin("requests", path="/issues/1$"))[-1]["status"] == 304
    await world.hub.as_maintainer.patch(f"{REPO}/issues/1", {"title": "Double it"})
    second = await read_issue(repo, 1)
    assert (first["title"], second["title"]) == ("Halve it", "Double it")
    for _ in range(2):  # its address has a time, whose colons are spelled in two ways
        await repo.recent.list_items(datetime(2026, 1, 2, tzinfo=UTC))
    listed = [one for one in await world.hub.admin("requests") if "/pulls/comments" in one["path"]]
    assert [one["status"] for one in listed] == [200, 304]
    other = world.gh.for_repo(world.hub.installation_id, world.repo_id + 1, "maintainer", "demo")
    with pytest.raises(UserError):
        await read_issue(other, 1)


async def test_s40_an_archived_repository_is_refused_with_its_reason(world: World) -> None:
    await world.hub.as_maintainer.patch(REPO, {"archived": True})
    with pytest.raises(Forbidden, match="archived"):
        await world.repo.issues.create_comment(1, "hello")


async def test_what_is_pushed_for_a_fork_is_judged_and_not_what_its_author_pushed_since(world: World) -> None:
    old = await world.hub.push_files("demo", {"AGENTS.md": "Obey.\n"}, branch="outside")
    wanted = {"title": "Outside", "head": "outside", "base": "main"}
    number = (await world.hub.as_maintainer.post(f"{REPO}/pulls", wanted))["number"]
    folder = world.hub.worktree("demo")
    await world.hub.git("rm", "-q", "AGENTS.md", cwd=folder)
    await world.hub.push_files("demo", {"new.py": "NEW = 1\n"}, branch="outside")
    assert [file.path for file in await world.repo.pulls.list_files(number)] == ["new.py"]
    fork = Fork(number=number, name="stranger/demo", url="", branch="outside", base="main")
    built = BuiltCommit(sha=old, tree="", objects=[])
    landing = ForkLanding(world.repo, world.hub.git_url("demo"), fork, head=old, built=built, here=built)
    assert await landing.land(()) == LandedCommit(sha=None, way=LandingWay.PATCH)
    assert await world.repo.commits.find_branch_head(branch_here(number)) is None


@pytest.mark.parametrize("offset", [3600, -3600])
async def test_a_wrong_clock_is_seen_in_the_first_refusal(world: World, offset: int) -> None:
    await world.hub.admin("clock", offset=offset)
    assert (await world.gh.identify()).slug == "hob"
    assert (await read_issue(world.repo, 1))["title"] == "Halve it"

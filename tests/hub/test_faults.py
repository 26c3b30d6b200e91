"""Faults on demand, and the list of requests."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime
from pathlib import Path

import aiohttp
import pytest

from tests.support.hub import Client, Hub, Refused, running_hub

REPO = "/repos/maintainer/demo"
COMMENTS = f"{REPO}/issues/1/comments"


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    async with running_hub(tmp_path) as running:
        await running.as_maintainer.post("/user/repos", {"name": "demo", "auto_init": True})
        await running.as_maintainer.post(f"{REPO}/issues", {"title": "One"})
        yield running


@pytest.fixture
def me(hub: Hub) -> Client:
    return hub.as_maintainer


async def count(hub: Hub) -> int:
    return len(hub.hub.state.all("SELECT * FROM comments"))


async def test_a_status_before_or_after_the_write(hub: Hub, me: Client) -> None:
    await hub.fault("status", "/issues/1/comments$", method="POST", status=503, headers={"retry-after": "2"})
    failed = await me.send("POST", COMMENTS, {"body": "x"})
    assert (failed.status, failed.headers["retry-after"], await count(hub)) == (503, "2", 0)
    await hub.fault(
        "status", "/comments$", method="POST", status=500, body="<html>Unicorn</html>", after=True
    )
    assert (await me.send("POST", COMMENTS, {"body": "x"})).text == "<html>Unicorn</html>"
    assert await count(hub) == 1
    assert (await me.send("POST", COMMENTS, {"body": "x"})).status == 201


@pytest.mark.parametrize(("after", "written"), [(False, 0), (True, 1)])
async def test_a_reset_connection(hub: Hub, me: Client, after: bool, written: int) -> None:
    await hub.fault("reset", "/comments$", after=after)
    with pytest.raises(aiohttp.ClientError):
        await me.send("POST", COMMENTS, {"body": "x"})
    assert await count(hub) == written


async def test_a_timeout_after_the_write(hub: Hub, me: Client) -> None:
    await hub.fault("timeout", "/comments$")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(me.send("POST", COMMENTS, {"body": "x"}), 0.2)
    assert await count(hub) == 1


async def test_limits(hub: Hub, me: Client) -> None:
    await hub.fault("secondary_limit", REPO, seconds=47)
    secondary = await me.send("GET", REPO)
    assert (secondary.status, secondary.headers["retry-after"]) == (403, "47")
    assert "secondary rate limit" in secondary.data["message"]
    await hub.fault("too_many", REPO, seconds=5)
    assert (await me.send("GET", REPO)).status == 429
    await hub.fault("primary_limit", REPO, seconds=600)
    primary = await me.send("GET", REPO)
    assert (primary.status, primary.headers["x-ratelimit-remaining"]) == (403, "0")
    assert int(primary.headers["x-ratelimit-reset"]) > time.time() + 500
    await me.get(REPO)


async def test_the_limit_of_requests_is_real(hub: Hub) -> None:
    await hub.admin("limits", installation=3)
    bot = await hub.as_bot()
    for _ in range(3):
        last = await bot.send("GET", REPO)
    assert last.headers["x-ratelimit-remaining"] == "0"
    refused = await bot.send("GET", REPO)
    assert (refused.status, refused.headers["x-ratelimit-remaining"]) == (403, "0")
    await hub.admin("clock", offset=3601)
    fresh = await hub.as_bot()
    assert (await fresh.send("GET", REPO)).status == 200


async def test_an_app_may_create_only_so_much(hub: Hub, me: Client) -> None:
    """GitHub's secondary limit on content, by REST and GraphQL together; edits and checks are none."""
    assert hub.hub.rates.creating == {60: 80, 3600: 500}
    await hub.admin("limits", creating={"60": 3, "3600": 4})
    bot = await hub.as_bot()
    made = [await bot.post(COMMENTS, {"body": "x"}) for _ in range(2)]
    issue = await bot.get(f"{REPO}/issues/1")
    add = """mutation($input: AddCommentInput!) { addComment(input: $input) { clientMutationId } }"""
    await bot.graphql(add, input={"subjectId": issue["node_id"], "body": "y"})
    refused = await bot.send("POST", COMMENTS, {"body": "x"})
    assert refused.status == 403 and 0 < int(refused.headers["retry-after"]) <= 60
    assert "temporarily blocked from content creation" in refused.data["message"]
    await bot.patch(f"{REPO}/issues/comments/{made[0]['id']}", {"body": "z"})
    await me.post(COMMENTS, {"body": "a person's"})
    await hub.admin("clock", offset=61)
    await bot.post(COMMENTS, {"body": "x"})
    hourly = await bot.send("POST", COMMENTS, {"body": "x"})
    assert hourly.status == 403 and int(hourly.headers["retry-after"]) > 3000


async def test_rules_choose_caller_order_and_number(hub: Hub, me: Client) -> None:
    bot = await hub.as_bot()
    await hub.fault("status", "/issues/1$", method="GET", login="hob[bot]", skip=1, count=2)
    assert (await me.send("GET", f"{REPO}/issues/1")).status == 200
    statuses = [(await bot.send("GET", f"{REPO}/issues/1")).status for _ in range(4)]
    assert statuses == [200, 502, 502, 200]
    await hub.fault("delay", "/issues/1$", seconds=0.1)
    started = time.monotonic()
    await bot.get(f"{REPO}/issues/1")
    assert time.monotonic() - started >= 0.1
    assert await hub.admin("clear") == {"used": [2, 1]}


async def test_faults_reach_git_too(hub: Hub) -> None:
    await hub.fault("status", r"demo\.git/info/refs", status=503)
    assert "503" in await hub.git("ls-remote", hub.git_url("demo"), check=False)
    assert "refs/heads/main" in await hub.git("ls-remote", hub.git_url("demo"))


async def test_requests_are_listed(hub: Hub, me: Client) -> None:
    await hub.admin("requests", clear=True)
    bot = await hub.as_bot()
    await bot.get(f"{REPO}/issues?per_page=1")
    await hub.as_nobody.send("GET", REPO)
    await hub.client("ghp_wrong").send("GET", REPO)
    made = await hub.admin("requests")
    assert [(one["method"], one["actor"], one["status"]) for one in made] == [
        ("POST", "app:hob", 201), ("GET", "hob[bot]", 200), ("GET", "anonymous", 200),
        ("GET", "bad credentials", 401),
    ]  # fmt: skip
    assert made[1]["path"] == f"/api{REPO}/issues?per_page=1"


async def test_the_admin_route_is_closed_to_others(hub: Hub) -> None:
    url = f"{hub.web_url}/_admin/requests"
    assert (await hub.as_maintainer.send("POST", url, {})).status == 401
    assert (await hub.as_nobody.send("POST", url, {})).status == 401
    with pytest.raises(Refused, match="unknown kind"):
        await hub.fault("nonsense", ".*")
    with pytest.raises(Refused, match="one of"):
        await hub.admin("nonsense")


async def test_more_people(hub: Hub, me: Client) -> None:
    third = await hub.admin("user", login="helper")
    await me.put(f"{REPO}/collaborators/helper", {"permission": "push"})
    helper = hub.client(third["token"])
    assert (await helper.get("/user"))["login"] == "helper"
    assert (await helper.get(REPO))["permissions"]["push"] is True


async def test_more_apps(hub: Hub, me: Client) -> None:
    ci = await hub.admin("app", slug="ci", permissions={"checks": "write"})
    sha = (await me.get(f"{REPO}/git/ref/heads/main"))["object"]["sha"]
    ours = hub.client(ci["token"])
    run = await ours.post(f"{REPO}/check-runs", {"name": "types", "head_sha": sha})
    assert (run["app"]["id"], run["app"]["slug"]) == (ci["id"], "ci")
    refused = await ours.send("POST", f"{REPO}/issues", {"title": "More than it may"})
    assert refused.status == 403


async def test_reads_that_lag_show_what_was_before(hub: Hub, me: Client) -> None:
    await hub.seed_repo("pie", {"old.txt": "old\n"})
    issue = await me.post("/repos/maintainer/pie/issues", {"title": "One"})
    path = f"/repos/maintainer/pie/issues/{issue['number']}"
    bot = await hub.as_bot()
    await hub.admin("lag", seconds=3600, login="hob[bot]")
    await me.patch(path, {"title": "Two"})
    await hub.push_files("pie", {"new.txt": "new\n"}, branch="new")
    other = await me.post("/repos/maintainer/pie/issues", {"title": "Another"})
    assert (await bot.get(path))["title"] == "One" and (await me.get(path))["title"] == "Two"
    late = [f"/repos/maintainer/pie/issues/{other['number']}", "/repos/maintainer/pie/branches/new"]
    assert [(await bot.send("GET", one)).status for one in late] == [404, 404]
    query = 'query { repository(owner: "maintainer", name: "pie") { issue(number: 1) { title } } }'
    assert (await bot.graphql(query))["repository"]["issue"]["title"] == "One"
    await hub.admin("clock", offset=3700)
    assert [(await me.send("GET", one)).status for one in late] == [200, 200]
    assert (await (await hub.as_bot()).get(path))["title"] == "Two"


async def test_every_answer_bears_the_date_of_the_clock(hub: Hub, me: Client) -> None:
    await hub.admin("clock", offset=3600)
    for path in (REPO, "/repos/maintainer/nothing"):
        told = parsedate_to_datetime((await me.send("GET", path)).headers["date"]).timestamp()
        assert 3590 < told - time.time() < 3700

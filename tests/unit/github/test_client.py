"""The choke point against a GitHub that misbehaves as scripted."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import aiohttp
import pytest

from bot.domain import Permission, TriggerKind
from bot.errors import HobError, Parked, Retry, UserError
from bot.github.app import GitHub, RepoApi
from bot.github.http.client import Client, Exchange, ForeignHost
from bot.github.http.pace import Pace
from bot.github.http.responses import (
    Forbidden,
    NotFound,
    Rejected,
    Response,
    describe_wanted_permissions,
    find_limit,
)
from bot.github.http.tokens import Anonymous
from tests.support.github_scripted import LONG_TOKEN, Script, Seen, comment_json, github, read_issue, scripted

ISSUE = "GET /repos/octo/demo/issues/3"
COMMENT = "POST /repos/octo/demo/issues/3/comments"
EDIT = "PATCH /repos/octo/demo/issues/comments/9"


@pytest.fixture
async def script() -> AsyncIterator[Script]:
    async with scripted() as running:
        yield running


@pytest.fixture
async def gh(script: Script) -> AsyncIterator[GitHub]:
    async with github(script) as app:
        yield app


@pytest.fixture
def repo(gh: GitHub) -> RepoApi:
    return gh.for_repo(11, 5, "octo", "demo")


async def test_a_request_carries_the_token_the_version_and_a_name(script: Script, repo: RepoApi) -> None:
    script.on(ISSUE, {"number": 3})
    assert (await read_issue(repo))["number"] == 3
    headers = script.asked(ISSUE)[0].headers
    assert headers["authorization"] == f"Bearer {LONG_TOKEN}-1"
    assert headers["x-github-api-version"] == "2022-11-28"
    assert headers["user-agent"].startswith("hob/")


@pytest.mark.parametrize("url", ["https://evil.example/x", "//evil.example/x", "///evil.example/x"])
async def test_no_token_leaves_for_another_host(script: Script, repo: RepoApi, url: str) -> None:
    with pytest.raises((ForeignHost, NotFound)):
        await repo.issues._client.getitem(url)
    assert all(one.headers["host"] in script.url for one in script.seen)


async def test_a_userinfo_in_the_address_is_refused(script: Script, repo: RepoApi) -> None:
    with pytest.raises(ForeignHost):
        await repo.issues._client.getitem(script.url.replace("//", "//me:secret@") + "/x")


async def test_the_next_page_cannot_point_elsewhere(script: Script, repo: RepoApi) -> None:
    link = {"link": '<https://evil.example/more>; rel="next"'}
    script.on("GET /repos/octo/demo/issues/3/comments", (200, [comment_json()], link))
    with pytest.raises(ForeignHost):
        await repo.issues.list_comments(3)


async def test_a_renamed_repository_is_followed_within_the_host(script: Script, repo: RepoApi) -> None:
    script.on(
        COMMENT, (307, {"message": "Moved"}, {"location": f"{script.url}/repositories/5/issues/3/comments"})
    )
    script.on("POST /repositories/5/issues/3/comments", (201, comment_json()))
    assert (await repo.issues.create_comment(3, "hello")).id == 1
    assert script.seen[-1].body == {"body": "hello"}


async def test_a_redirect_to_another_host_is_refused(script: Script, repo: RepoApi) -> None:
    script.on(ISSUE, (301, {}, {"location": "https://evil.example/issues/3"}))
    with pytest.raises(ForeignHost, match=r"evil\.example"):
        await read_issue(repo)


async def test_a_circle_of_redirects_ends(script: Script, repo: RepoApi) -> None:
    script.on(ISSUE, (301, {}, {"location": f"{script.url}/repos/octo/demo/issues/3"}))
    with pytest.raises(Retry):
        await read_issue(repo)
    assert len(script.asked(ISSUE)) == 4


@pytest.mark.parametrize("failure", [(500, {}), (502, "<html>"), (504, {}), "reset"])
async def test_reads_are_repeated_after_an_outage(script: Script, repo: RepoApi, failure: object) -> None:
    script.on(ISSUE, failure, failure, {"number": 3})
    assert await read_issue(repo) == {"number": 3}


async def test_reads_give_up_in_the_end(script: Script, repo: RepoApi) -> None:
    script.on(ISSUE, (503, {"message": "unicorn"}))
    with pytest.raises(Retry):
        await read_issue(repo)
    assert len(script.asked(ISSUE)) == 4


@pytest.mark.parametrize("failure", [(500, {}), (502, "<html>"), "reset", (503, {}, {"retry-after": "0"})])
async def test_a_write_that_may_have_been_done_is_not_repeated(
    script: Script, repo: RepoApi, failure: object
) -> None:
    script.on(COMMENT, failure, (201, comment_json()))
    with pytest.raises(Retry, match="may have been done"):
        await repo.issues.create_comment(3, "hello")
    assert len(script.asked(COMMENT)) == 1


async def test_an_edit_and_a_reaction_are_repeated(script: Script, repo: RepoApi) -> None:
    reaction = "POST /repos/octo/demo/issues/comments/9/reactions"
    script.on(EDIT, (502, {}), {"id": 9})
    script.on(reaction, (502, {}), (201, {"id": 1}))
    await repo.issues.edit_comment(9, "new")
    await repo.issues.react(TriggerKind.COMMENT, 9, 3, "eyes")
    assert len(script.asked(EDIT)) == len(script.asked(reaction)) == 2
    assert "hob-safe-to-repeat" not in script.asked(reaction)[0].headers


async def test_a_server_that_hangs_is_a_timeout(script: Script) -> None:
    over = asyncio.Event()

    async def hang(_: Seen) -> dict[str, int]:
        await over.wait()
        return {}

    script.on(ISSUE, hang, {"number": 3})
    script.on(COMMENT, hang)
    async with github(script, timeout=0.5) as app:
        repo = app.for_repo(11, 5, "octo", "demo")
        assert await read_issue(repo) == {"number": 3}
        with pytest.raises(Retry, match="may have been done"):
            await repo.issues.create_comment(3, "hello")
    over.set()


async def test_a_write_that_was_never_sent_is_repeated(script: Script, unused_tcp_port: int) -> None:
    script.url = f"http://127.0.0.1:{unused_tcp_port}"
    async with github(script) as app:
        with pytest.raises(Retry, match="does not answer"):
            await app.for_repo(11, 5, "octo", "demo").issues.create_comment(3, "hello")


async def test_half_an_answer_is_no_answer(script: Script, repo: RepoApi) -> None:
    from aiohttp import web

    script.on(
        ISSUE, lambda _: web.Response(body=b'{"number": ', content_type="application/json"), {"number": 3}
    )
    assert await read_issue(repo) == {"number": 3}


async def test_a_page_instead_of_json_is_no_answer(script: Script, repo: RepoApi) -> None:
    from aiohttp import web

    script.on(ISSUE, lambda _: web.Response(text="<html>captive portal</html>"))
    with pytest.raises(Retry):
        await read_issue(repo)


@pytest.mark.parametrize("status", [403, 429])
async def test_s29_a_short_limit_is_slept_through(script: Script, repo: RepoApi, status: int) -> None:
    limited = (status, {"message": "You have exceeded a secondary rate limit"}, {"retry-after": "0.3"})
    script.on(COMMENT, limited, (201, comment_json()))
    await repo.issues.create_comment(3, "hello")
    first, second = script.asked(COMMENT)
    assert second.at - first.at >= 0.3


async def test_s29_a_long_limit_holds_up_this_installation_only(script: Script, gh: GitHub) -> None:
    limited = (403, {"message": "You have exceeded a secondary rate limit"}, {"retry-after": "47"})
    script.on(COMMENT, limited, (201, comment_json()))
    script.on(ISSUE, {"number": 3})
    with pytest.raises(Parked) as parked:
        await gh.for_repo(11, 5, "octo", "demo").issues.create_comment(3, "hello")
    assert 46 < parked.value.after <= 47
    with pytest.raises(Parked):  # nothing else of the installation goes out either
        await read_issue(gh.for_repo(11, 5, "octo", "demo"))
    assert not script.asked(ISSUE)
    assert await read_issue(gh.for_repo(12, 5, "octo", "demo")) == {"number": 3}


async def test_s30_an_empty_bucket_parks_until_its_reset(script: Script, repo: RepoApi) -> None:
    reset = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.time()) + 600)}
    script.on(ISSUE, (403, {"message": "API rate limit exceeded"}, reset))
    with pytest.raises(Parked) as parked:
        await read_issue(repo)
    assert 595 < parked.value.after <= 602


async def test_the_last_request_of_a_bucket_closes_it(script: Script, repo: RepoApi) -> None:
    reset = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.time()) + 600)}
    script.on(ISSUE, (200, {"number": 3}, reset))
    assert await read_issue(repo) == {"number": 3}
    with pytest.raises(Parked):
        await read_issue(repo)
    assert len(script.asked(ISSUE)) == 1


async def test_s31_a_missing_permission_is_named_and_not_repeated(script: Script, repo: RepoApi) -> None:
    headers = {
        "x-accepted-github-permissions": "issues=write; pull_requests=write",
        "x-ratelimit-remaining": "0",
    }
    script.on(COMMENT, (403, {"message": "Resource not accessible by integration"}, headers))
    with pytest.raises(Forbidden, match="`issues: write` or `pull_requests: write`"):
        await repo.issues.create_comment(3, "hello")
    assert len(script.asked(COMMENT)) == 1


async def test_an_archived_repository_says_so(script: Script, repo: RepoApi) -> None:
    script.on(COMMENT, (403, {"message": "Repository was archived so is read-only."}))
    with pytest.raises(Forbidden, match="archived") as refused:
        await repo.issues.create_comment(3, "hello")
    assert "permission" not in refused.value.message


@pytest.mark.parametrize("status", [404, 410, 451])
async def test_what_is_gone_is_for_a_person_to_mend(script: Script, repo: RepoApi, status: int) -> None:
    script.on(ISSUE, (status, {"message": "Not Found"}))
    with pytest.raises(NotFound, match="installed on this repository"):
        await read_issue(repo)


async def test_a_422_tells_every_detail(script: Script, repo: RepoApi) -> None:
    errors = [{"resource": "IssueComment", "field": "body", "code": "missing_field"}, "and more"]
    script.on(COMMENT, (422, {"message": "Validation Failed", "errors": errors}))
    with pytest.raises(Rejected, match="Validation Failed: body missing_field: and more"):
        await repo.issues.create_comment(3, "hello")


@pytest.mark.parametrize("reply", [(500, {}), (403, {"message": "no"}), "reset"])
async def test_s64_no_answer_is_never_a_permission(script: Script, repo: RepoApi, reply: object) -> None:
    script.on("GET /repos/octo/demo/collaborators/eve/permission", reply)
    with pytest.raises(HobError):
        await repo.permissions.get("eve")


async def test_permissions(script: Script, repo: RepoApi) -> None:
    for login, said in (
        ("ann", "admin"),
        ("wim", "write"),
        ("rob", "read"),
        ("eve", "none"),
        ("odd", "owner"),
    ):
        script.on(f"GET /repos/octo/demo/collaborators/{login}/permission", {"permission": said})
    unknown = (404, {"message": "nobody is not a user"})
    script.on("GET /repos/octo/demo/collaborators/nobody/permission", unknown)
    got = [await repo.permissions.get(login) for login in ("ann", "wim", "rob", "eve", "odd", "nobody", "")]
    none = Permission.NONE
    assert got == [Permission.ADMIN, Permission.WRITE, Permission.READ, none, none, none, none]
    with pytest.raises(NotFound):  # about the repository, or the app: it says nothing of the account
        await repo.permissions.get("may")


@pytest.mark.parametrize("user", [{"id": 8}, {}, None])
async def test_s61_a_login_that_is_somebody_elses_now_gives_nothing(
    script: Script, repo: RepoApi, user: dict[str, int] | None
) -> None:
    path = "GET /repos/octo/demo/collaborators/ann/permission"
    script.on(path, {"permission": "admin", "role_name": "admin", "user": user})
    assert (await repo.permissions.get("ann", 7), await repo.permissions.is_maintainer("ann", 7)) == (
        Permission.NONE,
        False,
    )
    script.on(path, {"permission": "admin", "role_name": "admin", "user": {"id": 7}})
    assert (await repo.permissions.get("ann", 7), await repo.permissions.is_maintainer("ann", 7)) == (
        Permission.ADMIN,
        True,
    )


@pytest.mark.parametrize(
    ("said", "may"),
    [
        ({"permission": "admin"}, True),
        ({"permission": "write", "role_name": "maintain"}, True),
        ({"permission": "write", "role_name": "leads", "user": {"permissions": {"maintain": True}}}, True),
        ({"permission": "write", "role_name": "write", "user": {"permissions": {"maintain": False}}}, False),
        ({"permission": "write", "user": None}, False),
        ({"permission": "read", "role_name": "maintain"}, False),
        ({}, False),
    ],
)
async def test_who_maintains(script: Script, repo: RepoApi, said: dict[str, object], may: bool) -> None:
    script.on("GET /repos/octo/demo/collaborators/ann/permission", said)
    unknown = (404, {"message": "nobody is not a user"})
    script.on("GET /repos/octo/demo/collaborators/nobody/permission", unknown)
    assert await repo.permissions.is_maintainer("ann") is may
    assert not await repo.permissions.is_maintainer("nobody") and not await repo.permissions.is_maintainer("")


async def test_a_login_cannot_reach_another_path(script: Script, repo: RepoApi) -> None:
    with pytest.raises(NotFound):
        await repo.permissions.get("../../../user")
    assert script.seen[-1].path.startswith("/repos/octo/demo/collaborators/")


async def test_s32_writes_go_one_at_a_time_and_apart(script: Script) -> None:
    async def slow(_: Seen) -> tuple[int, dict[str, Any]]:
        await asyncio.sleep(0.05)
        return 201, comment_json()

    script.on(COMMENT, slow)
    async with github(script, write_spacing=0.1) as app:
        repo = app.for_repo(11, 5, "octo", "demo")
        await asyncio.gather(*(repo.issues.create_comment(3, str(n)) for n in range(4)))
    times = [one.at for one in script.asked(COMMENT)]
    assert all(later - earlier >= 0.14 for earlier, later in pairwise(times))


async def test_graphql_goes_through_the_same_gate(script: Script, repo: RepoApi) -> None:
    script.on("POST /graphql", (502, {}), (401, {"message": "Bad credentials"}), {"data": {"viewer": 1}})
    assert await repo.issues._client.graphql("query { viewer { login } }") == {"viewer": 1}
    assert len(script.asked("POST /graphql")) == 3
    assert script.minted == 2
    with pytest.raises(ForeignHost):
        await repo.issues._client.graphql("query { x }", endpoint="https://api.github.com/graphql")


async def test_a_graphql_mutation_is_not_repeated(script: Script, repo: RepoApi) -> None:
    script.on("POST /graphql", (502, {}))
    with pytest.raises(Retry, match="may have been done"):
        await repo.issues._client.graphql("\nmutation { x }")
    assert len(script.asked("POST /graphql")) == 1


@pytest.mark.parametrize(
    ("kind", "raised"),
    [("RATE_LIMITED", Parked), ("NOT_FOUND", NotFound), ("FORBIDDEN", Forbidden), ("", Retry)],
)
async def test_graphql_errors(script: Script, repo: RepoApi, kind: str, raised: type[HobError]) -> None:
    script.on("POST /graphql", {"data": None, "errors": [{"type": kind, "message": "no"}]})
    with pytest.raises(raised):
        await repo.issues._client.graphql("query { x }")


async def test_s34_errors_carry_no_token(script: Script, repo: RepoApi) -> None:
    script.on(ISSUE, "reset")
    with pytest.raises(Retry) as failed:
        await read_issue(repo)
    shown = "".join(traceback.format_exception(failed.value)) + repr(vars(failed.value))
    assert "ghs_" not in shown
    assert "PRIVATE" not in shown


async def test_metrics_see_status_and_time_only(script: Script) -> None:
    seen: list[Exchange] = []
    script.on(ISSUE, (200, {"number": 3}, {"x-ratelimit-remaining": "41"}))
    async with github(script, observe=seen.append) as app:
        await read_issue(app.for_repo(11, 5, "octo", "demo"))
    assert [(one.method, one.status, one.remaining) for one in seen] == [
        ("POST", 201, None),
        ("GET", 200, 41),
    ]
    assert "ghs_" not in repr(seen)


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ("contents=read", "`contents: read`"),
        ("issues=write; pull_requests=write", "`issues: write` or `pull_requests: write`"),
        ("contents=write,workflows=write", "`contents: write` and `workflows: write`"),
        ("", ""),
    ],
)
def test_the_permissions_header(header: str, text: str) -> None:
    assert describe_wanted_permissions(header) == text


@pytest.mark.parametrize(
    ("status", "message", "headers", "limited"),
    [
        (403, "You have triggered an abuse detection mechanism", {}, True),
        (403, "", {}, True),
        (429, "slow down", {}, True),
        (403, "Resource not accessible by integration", {}, False),
        (403, "Must have admin rights", {"x-ratelimit-remaining": "10"}, False),
        (403, "no", {"retry-after": "nonsense"}, False),
        (200, "rate limit", {}, False),
        (500, "broken", {}, False),
    ],
)
def test_what_is_a_limit(status: int, message: str, headers: dict[str, str], limited: bool) -> None:
    body = f'{{"message": "{message}"}}'.encode() if message else b""
    assert (find_limit(Response(status, headers, body)) is not None) is limited


async def test_a_wrong_key_is_named(script: Script) -> None:
    import aiohttp

    async with aiohttp.ClientSession() as session:
        app = GitHub(session, api_url=script.url, app_id=7, private_key="no key at all")
        with pytest.raises(UserError, match="HOB_PRIVATE_KEY"):
            await app.identify()


@pytest.mark.parametrize(
    ("api", "graphql"),
    [
        ("https://api.github.com", "https://api.github.com/graphql"),
        ("https://api.octo.ghe.com/", "https://api.octo.ghe.com/graphql"),
        ("https://ghes.example.com/api/v3", "https://ghes.example.com/api/graphql"),
    ],
)
async def test_graphql_is_beside_rest_on_every_kind_of_host(api: str, graphql: str) -> None:
    async with aiohttp.ClientSession() as session:
        assert Client(session, api_url=api, credential=Anonymous(), pace=Pace()).graphql_url == graphql

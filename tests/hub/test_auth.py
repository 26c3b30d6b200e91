"""Who may do what: JWTs, installation tokens, personal tokens, roles."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import jwt
import pytest

from localhub.rest.accounts.apps import new_private_key
from tests.support.hub import Hub, judged_hub

REPO = "/repos/maintainer/demo"


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    async with judged_hub(tmp_path) as running:
        yield running


async def empty_repo(hub: Hub, name: str = "demo", *, private: bool = False) -> int:
    made = await hub.as_maintainer.post("/user/repos", {"name": name, "private": private, "auto_init": True})
    return int(made["id"])


async def test_the_app_knows_itself_by_jwt(hub: Hub) -> None:
    app = await hub.as_app.get("/app")
    assert (app["id"], app["slug"], app["owner"]["login"]) == (hub.app_id, "hob", "maintainer")
    accounts = [one["account"]["login"] for one in await hub.as_app.get("/app/installations")]
    assert accounts == ["maintainer", "workshop"]
    assert (await hub.client(hub.app_jwt(iss=app["client_id"])).get("/app"))["id"] == hub.app_id


async def test_bad_claims(hub: Hub) -> None:
    now = int(time.time())
    cases: list[tuple[dict[str, object], int, str]] = [
        ({"exp": now + 3600}, 401, "too far in the future"),
        ({"exp": now - 5}, 401, "'exp'"),
        ({"iat": now + 300}, 401, "'iat'"),
        ({"iss": "1"}, 404, "Integration not found"),
    ]
    for claims, status, words in cases:
        answer = await hub.client(hub.app_jwt(**claims)).send("GET", "/app")
        assert answer.status == status, claims
        assert words in answer.data["message"]


async def test_jwts_of_another_key_and_other_credentials(hub: Hub) -> None:
    now = int(time.time())
    claims = {"iat": now, "exp": now + 300, "iss": str(hub.app_id)}
    forged = jwt.encode(claims, new_private_key(), algorithm="RS256")
    for token in (forged, "a.b.c", hub.as_maintainer.token):
        answer = await hub.client(token).send("GET", "/app")
        assert answer.status == 401, token
    await empty_repo(hub)
    assert (await hub.as_app.send("GET", REPO)).status == 403
    assert (await hub.client("ghp_unknown").send("GET", REPO)).data["message"] == "Bad credentials"


async def test_installation_tokens_have_the_new_long_form(hub: Hub) -> None:
    bot = await hub.as_bot()
    assert bot.token is not None
    assert bot.token.startswith(f"ghs_{hub.app_id}_")
    assert bot.token.count(".") == 2
    assert 480 <= len(bot.token) <= 560


async def test_tokens_are_scoped_to_repositories_and_permissions(hub: Hub) -> None:
    one, other = await empty_repo(hub), await empty_repo(hub, "secret", private=True)
    bot = await hub.as_bot(repository_ids=[one], permissions={"issues": "write"})
    assert (await bot.get("/installation/repositories"))["total_count"] == 1
    await bot.post(f"{REPO}/issues", {"title": "Mine"})
    assert (await bot.send("GET", "/repos/maintainer/secret")).status == 404
    refused = await bot.send("POST", f"{REPO}/git/refs", {"ref": "refs/heads/x", "sha": "0" * 40})
    assert refused.status == 403
    assert refused.data["message"] == "Resource not accessible by integration"
    assert refused.headers["X-Accepted-GitHub-Permissions"] == "contents=write"
    path = f"/app/installations/{hub.installation_id}/access_tokens"
    too_much = await hub.as_app.send("POST", path, {"permissions": {"administration": "write"}})
    assert too_much.status == 422
    assert (await hub.as_app.send("POST", path, {"repository_ids": [1]})).status == 422
    assert (await hub.as_bot(repository_ids=[other])).token


async def test_tokens_expire_and_are_revoked(hub: Hub) -> None:
    await empty_repo(hub)
    await hub.admin("tokens", lifetime=600)
    bot = await hub.as_bot()
    await bot.get(REPO)
    await hub.admin("clock", offset=601)
    assert (await bot.send("GET", REPO)).status == 401
    fresh = await hub.as_bot()
    await fresh.delete("/installation/token")
    assert (await fresh.send("GET", REPO)).status == 401
    last = await hub.as_bot()
    await hub.admin("tokens", expire_now=True)
    assert (await last.send("GET", REPO)).status == 401


async def test_suspension_and_uninstallation(hub: Hub) -> None:
    await empty_repo(hub)
    bot = await hub.as_bot()
    await hub.admin("installation", id=hub.installation_id, suspended=True)
    assert (await bot.send("GET", REPO)).status == 403
    await hub.admin("installation", id=hub.installation_id, suspended=False)
    await bot.get(REPO)
    await hub.as_app.delete(f"/app/installations/{hub.installation_id}")
    assert (await bot.send("GET", REPO)).status == 401


async def test_selected_repositories(hub: Hub) -> None:
    one = await empty_repo(hub)
    await empty_repo(hub, "other")
    await hub.admin("installation", id=hub.installation_id, repositories=[one])
    bot = await hub.as_bot()
    assert [repo["name"] for repo in (await bot.get("/installation/repositories"))["repositories"]] == [
        "demo"
    ]
    assert (await bot.send("POST", "/repos/maintainer/other/issues", {"title": "No"})).status == 403


async def test_strangers_read_what_is_public(hub: Hub) -> None:
    await empty_repo(hub)
    await empty_repo(hub, "secret", private=True)
    await hub.as_stranger.get(REPO)
    await hub.as_nobody.get(REPO)
    assert (await hub.as_stranger.send("GET", "/repos/maintainer/secret")).status == 404
    issue = await hub.as_stranger.post(f"{REPO}/issues", {"title": "Hello", "labels": ["bug"]})
    assert issue["labels"] == []
    assert (await hub.as_nobody.send("POST", f"{REPO}/issues", {"title": "Hello"})).status == 401
    assert (await hub.as_stranger.send("PUT", f"{REPO}/issues/1/labels", {"labels": ["bug"]})).status == 403
    assert (await hub.as_stranger.send("DELETE", REPO)).status == 404
    own = await hub.as_maintainer.post(f"{REPO}/issues/1/comments", {"body": "Mine"})
    edit = {"body": "Not yours"}
    assert (await hub.as_stranger.send("PATCH", f"{REPO}/issues/comments/{own['id']}", edit)).status == 403


async def test_permission_of_collaborators(hub: Hub) -> None:
    await empty_repo(hub)
    bot = await hub.as_bot(permissions={"metadata": "read"})
    people = f"{REPO}/collaborators"
    for given, permission, role in [
        ("pull", "read", "read"),
        ("triage", "read", "triage"),
        ("push", "write", "write"),
        ("maintain", "write", "maintain"),
        ("admin", "admin", "admin"),
    ]:
        await hub.as_maintainer.put(f"{people}/stranger", {"permission": given})
        shown = await bot.get(f"{people}/stranger/permission")
        assert (shown["permission"], shown["role_name"]) == (permission, role)
    await hub.as_maintainer.delete(f"{people}/stranger")
    assert (await bot.get(f"{people}/stranger/permission"))["permission"] == "read"
    assert (await bot.get(f"{people}/maintainer/permission"))["permission"] == "admin"
    assert (await bot.send("GET", f"{people}/hob[bot]/permission")).status == 404


async def test_an_app_is_registered_from_a_manifest(hub: Hub) -> None:
    import json

    import aiohttp

    manifest = {
        "name": "Other Hob", "url": "http://localhost", "redirect_url": "http://localhost/done",
        "hook_attributes": {"url": "http://localhost/webhook"}, "public": False,
        "default_permissions": {"issues": "write"}, "default_events": ["issues"],
    }  # fmt: skip
    url = f"{hub.web_url}/settings/apps/new?state=abc"
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data={"manifest": json.dumps(manifest)}, allow_redirects=False) as response,
    ):
        assert response.status == 302
        assert response.headers["Location"].startswith("http://localhost/done?code=")
        code = response.headers["Location"].partition("code=")[2].partition("&")[0]
        assert "state=abc" in response.headers["Location"]
    app = await hub.as_nobody.post(f"/app-manifests/{code}/conversions")
    assert (app["slug"], app["permissions"]["issues"]) == ("other-hob", "write")
    assert app["pem"].startswith("-----BEGIN RSA PRIVATE KEY-----")
    assert app["webhook_secret"]
    assert (await hub.as_nobody.send("POST", f"/app-manifests/{code}/conversions")).status == 404

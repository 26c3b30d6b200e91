"""A person signs in with an App: consent, the code, the token, and how far it reaches."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.hub import Hub, running_hub
from tests.support.sign_in import BACK, consent, exchange


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    async with running_hub(tmp_path) as hub:
        yield hub


async def test_a_person_signs_in_and_reaches_what_they_may(hub: Hub) -> None:
    await hub.seed_repo("open", {"a.py": ""})
    await hub.as_maintainer.post("/user/repos", {"name": "closed", "private": True})
    back = await consent(hub)
    assert back["state"] == "s3"
    told = await exchange(hub, back["code"])
    assert told["access_token"].startswith("ghu_") and told["token_type"] == "bearer"
    me = hub.client(told["access_token"])
    assert (await me.get("/user"))["login"] == "maintainer"
    first, *_ = (await me.get("/user/installations"))["installations"]
    reached = await me.get(f"/user/installations/{first['id']}/repositories")
    assert [each["name"] for each in reached["repositories"]] == ["open", "closed"]
    assert reached["repositories"][0]["permissions"]["push"] is True
    opened = await hub.as_maintainer.post("/repos/maintainer/open/issues", {"title": "one"})
    said = await me.post(f"/repos/maintainer/open/issues/{opened['number']}/comments", {"body": "@hob help"})
    assert said["user"]["login"] == "maintainer"
    assert said["performed_via_github_app"]["id"] == hub.app_id


async def test_a_stranger_reaches_nothing(hub: Hub) -> None:
    await hub.seed_repo("open", {"a.py": ""})
    told = await exchange(hub, (await consent(hub, person="stranger"))["code"])
    them = hub.client(told["access_token"])
    assert (await them.get("/user/installations"))["installations"] == []
    path = f"/user/installations/{hub.installation_id}/repositories"
    assert (await them.get(path))["repositories"] == []


async def test_a_token_reaches_no_further_than_its_app(hub: Hub) -> None:
    await hub.as_maintainer.post("/user/repos", {"name": "closed", "private": True})
    repo = await hub.as_maintainer.post("/user/repos", {"name": "other", "private": True})
    me = hub.client((await exchange(hub, (await consent(hub))["code"]))["access_token"])
    await hub.admin("installation", id=hub.installation_id, repositories=[repo["id"]])
    assert (await me.send("GET", "/repos/maintainer/other")).status == 200
    assert (await me.send("GET", "/repos/maintainer/closed")).status == 404
    assert (await hub.client("ghu_none").send("GET", "/user")).status == 401


async def test_s80_codes_are_good_once_and_for_their_verifier(hub: Hub) -> None:
    code = (await consent(hub))["code"]
    assert "access_token" in await exchange(hub, code)
    for wrong in (
        await exchange(hub, code),
        await exchange(hub, (await consent(hub))["code"], code_verifier="w" * 50),
        await exchange(hub, "0" * 20),
    ):
        assert wrong["error"] == "bad_verification_code"
    late = (await consent(hub))["code"]
    await hub.admin("clock", offset=601)
    assert (await exchange(hub, late))["error"] == "bad_verification_code"
    assert (await exchange(hub, "x", client_secret="y"))["error"] == "incorrect_client_credentials"


async def test_s80_nobody_is_sent_where_the_app_does_not_live(hub: Hub) -> None:
    for elsewhere in ("http://evil.example/back", f"{BACK}/../x", "http://127.0.0.1:9/other", ""):
        assert (await consent(hub, redirect_uri=elsewhere))["status"] == "404"
    assert (await consent(hub, answer="no"))["error"] == "access_denied"

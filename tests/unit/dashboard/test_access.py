"""Who gets in and what they see there: played against the local GitHub, with the attacks on it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from bot.dashboard import create_app
from bot.dashboard.access.viewer import is_own_path
from bot.dashboard.server import check_reach, engine_for
from bot.domain import Task
from bot.settings import SettingsError, load
from bot.tasks.database.connection import Database
from bot.tasks.store import Store
from tests.support.dashboard import BASE, Browser, open_dashboard
from tests.support.hub import Hub, running_hub
from tests.support.tasks import make_request

PAGES = (
    "/",
    "/tasks/{task}",
    "/tasks/{task}/attempts",
    "/runs/{run}",
    "/runs/{run}.json",
    "/runs/{run}/turns",
)


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    async with running_hub(tmp_path) as hub:
        yield hub


@pytest.fixture
async def app(database: Database, hub: Hub) -> AsyncIterator[Flask]:
    async with open_dashboard(database, hub) as app:
        yield app


async def add_task(store: Store, hub: Hub, name: str, *, private: bool = True) -> tuple[Task, int]:
    """A task with a run in a new repository of the maintainer's."""
    repo = await hub.as_maintainer.post("/user/repos", {"name": name, "private": private})
    task = await store.add_task(make_request(repo=repo["id"], request=f"mend {name}"))
    claimed = await store.claim(task.id, "w")
    assert claimed
    return task, claimed[1].id


async def set_back(database: Database, *statements: str) -> None:
    async with database.engine.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement))


async def test_s79_a_person_sees_what_github_lets_them_see(app: Flask, hub: Hub, store: Store) -> None:
    task, run = await add_task(store, hub, "secret")
    paths = [path.format(task=task.id, run=run) for path in PAGES]
    nobody, maintainer, stranger = (Browser(app, hub) for _ in range(3))
    for path in paths:
        page = await nobody.get(path)
        assert page.status_code == 302 and page.headers["Location"].startswith("/sign-in?target=")
        assert (await nobody.get(path, headers={"Accept": "application/json"})).status_code == 401
    back = await maintainer.sign_in(target=f"/tasks/{task.id}")
    assert back.headers["Location"] == f"/tasks/{task.id}"
    await stranger.sign_in("stranger")
    for path in paths:
        assert (await maintainer.get(path)).status_code == 200, path
        page = await stranger.get(path)
        assert page.status_code == (200 if path == "/" else 404), path
        assert "mend secret" not in page.text
    assert "mend secret" in (await maintainer.get(f"/tasks/{task.id}")).text


async def test_s79_what_github_took_away_is_gone_within_minutes(
    app: Flask, hub: Hub, store: Store, database: Database
) -> None:
    task, _ = await add_task(store, hub, "shared")
    path = "/repos/maintainer/shared/collaborators/stranger"
    await hub.as_maintainer.send("PUT", path, {"permission": "pull"})
    hub.hub.state.run("UPDATE collaborators SET role = 'read'")
    browser = Browser(app, hub)
    await browser.sign_in("stranger")
    seen = (await browser.get(f"/tasks/{task.id}")).status_code
    hub.hub.state.run("DELETE FROM collaborators")
    assert (seen, (await browser.get(f"/tasks/{task.id}")).status_code) == (200, 200), (
        "five minutes it counts"
    )
    await set_back(database, "UPDATE web_sessions SET access_at = access_at - interval '301 seconds'")
    assert (await browser.get(f"/tasks/{task.id}")).status_code == 404
    await set_back(database, "UPDATE web_sessions SET access_at = access_at - interval '301 seconds'")
    await hub.fault("status", "/user/installations", status=502)
    assert (await browser.get("/")).status_code == 503, "no answer is no permission"


async def test_operators_see_everything(database: Database, hub: Hub, store: Store) -> None:
    task, _ = await add_task(store, hub, "secret")
    stranger = (await hub.as_stranger.get("/user"))["id"]
    async with open_dashboard(database, hub, operators=str(stranger)) as app:
        browser = Browser(app, hub)
        await browser.sign_in("stranger")
        assert (await browser.get(f"/tasks/{task.id}")).status_code == 200


async def test_s79_sessions_that_are_forged_or_over_are_nobodys(
    app: Flask, hub: Hub, database: Database
) -> None:
    browser = Browser(app, hub)
    for forged in ("", "x", "A" * 43, "A" * 100, "'; DROP TABLE web_sessions; --"):
        browser.client.set_cookie("hob_session", forged, domain="127.0.0.1")
        assert (await browser.get("/")).status_code == 302
    await browser.sign_in()
    assert (await browser.get("/")).status_code == 200
    await set_back(database, "UPDATE web_sessions SET expires_at = now()")
    assert (await browser.get("/")).status_code == 302
    await browser.sign_in()
    hub.hub.state.run("DELETE FROM user_tokens")
    await set_back(database, "UPDATE web_sessions SET access_at = NULL")
    assert (await browser.get("/")).status_code == 302, "GitHub took the token back"
    async with database.engine.connect() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM web_sessions")) == 0


async def test_s79_a_copy_of_the_database_signs_nobody_in(app: Flask, hub: Hub, database: Database) -> None:
    browser = Browser(app, hub)
    await browser.sign_in()
    cookie = browser.client.get_cookie("hob_session", domain="127.0.0.1")
    assert cookie and cookie.http_only and cookie.same_site == "Lax" and cookie.path == "/"
    async with database.engine.connect() as connection:
        (row,) = await connection.execute(text("SELECT * FROM web_sessions"))
    assert cookie.value not in str(tuple(row)) and b"ghu_" not in bytes(row.token)


async def test_s80_a_sign_in_is_of_one_browser_and_of_one_use(app: Flask, hub: Hub) -> None:
    mine, theirs = Browser(app, hub), Browser(app, hub)
    back = await mine.go_to_github("maintainer")
    for path in (
        back,
        back.split("&state=")[0],
        back.replace("state=", "state=x"),
        "/sign-in/back?code=1&state=1",
    ):
        refused = await theirs.get(path)
        assert refused.status_code == 403 and "Set-Cookie" in refused.headers
    await theirs.go_to_github("stranger")
    assert (await theirs.get(back)).status_code == 403, (
        "the victim's browser has a sign-in of its own under way"
    )
    assert (await mine.get(back)).status_code == 302
    assert (await mine.get(back)).status_code == 403, "a second time"
    denied = await Browser(app, hub).get("/sign-in/back?error=access_denied&error_description=<script>")
    assert denied.status_code == 403 and "<script>" not in denied.text


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil",
        "/\t/evil",
        "javascript:1",
        "",
        "x",
    ],
)
async def test_s80_nobody_is_led_elsewhere(app: Flask, hub: Hub, target: str) -> None:
    assert not is_own_path(target)
    browser = Browser(app, hub)
    assert (await browser.sign_in(target=target)).headers["Location"] == "/"
    again = await browser.get("/sign-in", query_string={"target": target})
    assert again.headers["Location"] == "/"


async def test_s82_a_session_is_new_at_each_sign_in(app: Flask, hub: Hub) -> None:
    browser = Browser(app, hub)
    browser.client.set_cookie("hob_session", "F" * 43, domain="127.0.0.1")
    values = []
    for _ in range(2):
        await browser.sign_in()
        cookie = browser.client.get_cookie("hob_session", domain="127.0.0.1")
        assert cookie
        values.append(cookie.value)
    assert len({"F" * 43, *values}) == 3
    other = Browser(app, hub)
    other.client.set_cookie("hob_session", values[0], domain="127.0.0.1")
    assert (await other.get("/")).status_code == 302, "the one before has ended"


async def test_s82_only_our_own_forms_count(app: Flask, hub: Hub) -> None:
    browser, other = Browser(app, hub), Browser(app, hub)
    await browser.sign_in()
    await other.sign_in("stranger")
    token, theirs = await browser.token(), await other.token()
    for form, headers in (
        ({}, {}),
        ({"token": theirs}, {}),
        ({"token": "ü"}, {}),
        ({"token": token}, {"Origin": "https://evil.example"}),
        ({"token": token}, {"Origin": "null"}),
        ({"token": token}, {"Sec-Fetch-Site": "cross-site"}),
    ):
        assert (await browser.post("/sign-out", form, headers=headers)).status_code == 403
    assert (await browser.get("/sign-out")).status_code == 405
    done = await browser.post("/sign-out", {"token": token}, headers={"Origin": BASE})
    assert done.status_code == 303
    assert (await browser.get("/")).status_code == 302


async def test_foreign_hosts_are_refused_and_lead_nowhere(app: Flask, hub: Hub) -> None:
    browser = Browser(app, hub)
    for headers in ({"Host": "evil.example"}, {"Host": "127.0.0.1.evil.example"}):
        assert (await browser.get("/sign-in/github", headers=headers)).status_code == 400
    begun = await browser.get("/sign-in/github", headers={"X-Forwarded-Host": "evil.example"})
    assert (
        "evil" not in begun.headers["Location"] and "code_challenge_method=S256" in begun.headers["Location"]
    )


async def test_behind_proxies_the_address_is_the_visitors(database: Database, hub: Hub) -> None:
    seen = {"HTTP_X_FORWARDED_FOR": "6.6.6.6, 10.1.2.3", "HTTP_X_FORWARDED_HOST": "hob.example"}
    for count, address in ((0, "127.0.0.1"), (1, "10.1.2.3")):
        async with open_dashboard(
            database, hub, trusted_proxies=count, base_url="https://hob.example"
        ) as app:
            with app.test_client() as client:
                answer = client.get("/healthz", environ_overrides=seen | {"REMOTE_ADDR": "127.0.0.1"})
                from flask import request

                assert (answer.status_code, request.remote_addr) == (200, address)


def test_others_are_let_in_only_where_they_sign_in() -> None:
    with pytest.raises(SettingsError, match="HOB_CLIENT_ID"):
        check_reach(load(dashboard_host="0.0.0.0"))
    half = load(client_id="Iv1")
    with pytest.raises(SettingsError, match="belong together"):
        check_reach(half.model_copy(update={"dashboard_host": "::"}))
    with pytest.raises(SettingsError, match="belong together"):
        create_app(half, engine_for("postgresql+psycopg://nobody@127.0.0.1:1/none"))
    whole = {"dashboard_host": "0.0.0.0", "client_id": "Iv1", "client_secret": "s" * 40}
    with pytest.raises(SettingsError, match="HOB_BASE_URL"):
        check_reach(load(**whole))
    check_reach(load(**whole, base_url="https://hob.example"))


async def test_a_cookie_is_the_hosts_own_where_there_is_https(database: Database, hub: Hub) -> None:
    async with open_dashboard(database, hub, base_url="https://hob.example") as app:
        answer = app.test_client().get("/sign-in/github", base_url="https://hob.example")
        cookie = answer.headers["Set-Cookie"]
        assert cookie.startswith("__Host-hob_sign_in=") and "Secure" in cookie and "HttpOnly" in cookie
        assert "Domain" not in cookie

"""Administration: what the doctor sees, which deliveries are asked for again, how an app is registered."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bot.errors import UserError
from bot.github.cli.doctor import doctor
from bot.github.cli.findings import DoctorFinding
from bot.github.cli.manifest import build_manifest, convert_code, read_manifest
from bot.github.cli.redeliver import redeliver
from bot.github.cli.register_page import render_form
from tests.support.github_scripted import KEY, Script, Seen, scripted

NOW = datetime.now(UTC)


@dataclass(frozen=True)
class Settings:
    """As much of the settings as administration reads."""

    github_url: str
    app_id: int = 7
    private_key: SecretStr = field(default=SecretStr(KEY))
    base_url: str = "https://dashboard.example"
    label: str = "hob"
    discussions: bool = False


def delivery(number: int, guid: str, status: str = "OK", minutes: int = 1) -> dict[str, Any]:
    """One line of the list of deliveries."""
    at = (NOW - timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")
    code = 200 if status == "OK" else 502
    return {
        "id": number,
        "guid": guid,
        "status": status,
        "status_code": code,
        "event": "issues",
        "delivered_at": at,
    }


@pytest.fixture
async def script() -> AsyncIterator[Script]:
    wanted = read_manifest()
    async with scripted() as running:
        permissions = wanted["default_permissions"]
        running.on(
            "GET /app",
            {"id": 7, "slug": "hob", "html_url": "https://github.com/apps/hob", "permissions": permissions,
             "events": wanted["default_events"]},
        )  # fmt: skip
        running.on(
            "GET /app/installations",
            [
                {
                    "id": 11,
                    "permissions": permissions,
                    "events": wanted["default_events"],
                    "account": {"login": "octo"},
                    "repository_selection": "all",
                }
            ],
        )
        running.on(
            "GET /app/hook/config",
            {
                "url": "https://hob.example/webhook",
                "secret": "***",
                "content_type": "json",
                "insecure_ssl": "0",
            },
        )
        running.on("GET /app/hook/deliveries", [delivery(1, "a")])
        repo = {"id": 5, "full_name": "octo/app", "url": f"{running.url}/repos/octo/app"}
        running.on("GET /installation/repositories", {"total_count": 1, "repositories": [repo]})
        running.on("GET /repos/octo/app/labels/hob", {"id": 1, "name": "hob"})
        yield running


async def examine(script: Script, **changed: Any) -> dict[str, DoctorFinding]:
    findings = await asyncio.to_thread(doctor, Settings(script.url, **changed))
    return {finding.name: finding for finding in findings}


async def test_a_healthy_app_has_no_complaints(script: Script) -> None:
    found = await examine(script)
    names = ["app", "permissions", "events", "clock", "name", "address", "installation", "label", "webhook"]
    assert list(found) == [*names, "deliveries"]
    assert all(finding.ok for finding in found.values()), found


async def test_what_discussions_take_is_named_where_they_are_wanted(script: Script) -> None:
    found = (await examine(script, discussions=True))["discussions"]
    assert not found.ok and "discussions: write, the event discussion, the event" in found.detail
    wanted = read_manifest()
    permissions = wanted["default_permissions"] | {"discussions": "write", "actions": "read"}
    events = [*wanted["default_events"], "discussion", "discussion_comment"]
    script.on("GET /app", {"id": 7, "slug": "hob", "permissions": permissions, "events": events})
    found_now = await examine(script, discussions=True)
    assert found_now["discussions"].ok
    assert "never used" not in found_now["permissions"].detail, "what is optional is used"


async def test_what_lies_around_the_app_is_named(script: Script) -> None:
    script.on("GET /users/hob", {"id": 4, "login": "hob", "type": "User"})
    script.on("GET /repos/octo/app/labels/hob", (404, {"message": "Not Found"}))
    late = (NOW - timedelta(hours=1)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    app = {"id": 7, "slug": "hob", "html_url": "https://github.com/apps/hob"}
    script.on("GET /app", (200, app, {"Date": late}))
    unsigned = delivery(2, "b", "Unauthorized") | {"status_code": 401}
    script.on("GET /app/hook/deliveries", [unsigned])
    found = await examine(script, base_url="http://127.0.0.1:8001")
    assert not found["name"].ok and "hob register --name" in found["name"].detail
    assert not found["label"].ok and "octo/app" in found["label"].detail
    assert not found["clock"].ok and "ahead of GitHub's" in found["clock"].detail
    assert "HOB_WEBHOOK_SECRET is not" in found["deliveries"].detail
    assert found["address"].ok, "this GitHub is on this machine too"


async def test_every_lack_is_named(script: Script) -> None:
    script.on(
        "GET /app",
        {"id": 7, "slug": "hob", "html_url": "https://github.com/apps/hob", "events": ["issues"],
         "permissions": {"metadata": "read", "contents": "read", "issues": "write", "workflows": "write"}},
    )  # fmt: skip
    script.on("GET /app/installations", [])
    script.on(
        "GET /app/hook/config", {"url": "http://elsewhere/", "content_type": "form", "insecure_ssl": "1"}
    )
    script.on("GET /app/hook/deliveries", [delivery(2, "b", "Bad Gateway"), delivery(1, "a")])
    found = await examine(script)
    assert not any(
        found[name].ok for name in ("permissions", "events", "installation", "webhook", "deliveries")
    )
    assert "checks: write, contents: write, pull_requests: write" in found["permissions"].detail
    assert "pull_request_review_comment" in found["events"].detail
    assert "https://github.com/apps/hob/installations/new" in found["installation"].detail
    for words in ("http://elsewhere/, but `hob web`", "secret", "content type", "certificates"):
        assert words in found["webhook"].detail
    assert "1 of the last 2" in found["deliveries"].detail


async def test_an_installation_that_has_not_accepted_is_named(script: Script) -> None:
    one = {"id": 11, "permissions": {"metadata": "read"}, "account": {"login": "octo"}, "suspended_at": None}
    script.on("GET /app/installations", [one])
    found = await examine(script)
    assert "octo (11)" in found["installation"].detail
    assert "must accept" in found["installation"].detail


async def test_an_installation_that_is_not_told_of_an_event_is_named(script: Script) -> None:
    wanted = read_manifest()
    one = {
        "id": 11, "permissions": wanted["default_permissions"], "account": {"login": "octo"},
        "events": [each for each in wanted["default_events"] if each != "check_run"],
    }  # fmt: skip
    script.on("GET /app/installations", [one])
    found = await examine(script)
    assert "is not told of check_run" in found["installation"].detail


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        ("OK", 202, "its signature is right"),
        ("Unauthorized", 401, "HOB_WEBHOOK_SECRET is not the App's webhook secret"),
        ("failed to connect to host", 502, "cannot be reached"),
    ],
)
async def test_a_ping_sent_anew_tells_whether_the_secret_is_right(
    script: Script, status: str, code: int, words: str
) -> None:
    ping = delivery(3, "ping-guid") | {"event": "ping"}
    again = delivery(9, "ping-guid", status, 0) | {"event": "ping", "status_code": code}

    def listed(_: Seen) -> Any:
        return [again, ping] if script.asked("POST /app/hook/deliveries/3/attempts") else [ping]

    script.on("GET /app/hook/deliveries", listed)
    script.on("POST /app/hook/deliveries/3/attempts", (202, {}))
    found = (await examine(script))["ping"]
    assert found.ok is (status == "OK") and words in found.detail


@pytest.mark.parametrize("reply", [(401, {"message": "Bad credentials"}), (500, {}), "reset"])
async def test_an_app_out_of_reach_is_a_finding(script: Script, reply: object) -> None:
    script.on("GET /app", reply)
    found = await examine(script)
    assert not found["app"].ok
    assert "HOB_PRIVATE_KEY" in found["app"].detail


async def test_a_key_that_is_none_is_a_finding(script: Script) -> None:
    found = await examine(script, private_key=SecretStr("nonsense"))
    assert not found["app"].ok
    assert "nonsense" not in found["app"].detail


async def test_one_check_that_fails_leaves_the_others(script: Script) -> None:
    script.on("GET /app/hook/config", (404, {"message": "Not Found"}))
    found = await examine(script)
    assert not found["webhook"].ok
    assert found["deliveries"].ok


async def test_s12_lost_deliveries_are_asked_for_once_each(script: Script) -> None:
    pages = {
        "": [
            delivery(9, "late"),
            delivery(8, "twice", "timed out"),
            delivery(7, "arrived"),
            delivery(6, "denied", "x"),
        ],
        "c2": [
            delivery(5, "arrived", "Bad Gateway"),
            delivery(4, "twice", "x"),
            delivery(3, "old", "x", 300),
        ],
        "c3": [delivery(2, "older", "x", 400)],
    }

    def page(seen: Seen) -> Any:
        cursor = seen.query.get("cursor", "")
        following = {"": "c2", "c2": "c3"}.get(cursor)
        link = f'<{script.url}/app/hook/deliveries?per_page=100&cursor={following}>; rel="next"'
        return (200, pages[cursor], {"link": link} if following else {})

    script.on("GET /app/hook/deliveries", page)
    script.on("POST /app/hook/deliveries/8/attempts", (202, {}))
    script.on("POST /app/hook/deliveries/6/attempts", (404, {"message": "Not Found"}))
    since = NOW - timedelta(hours=2)
    asked = await asyncio.to_thread(redeliver, Settings(script.url), since, write_spacing=0)
    assert [(one.guid, one.problem) for one in asked] == [("denied", "404 Not Found"), ("twice", "")]
    assert len([one for one in script.seen if one.method == "POST"]) == 2
    assert len(script.asked("GET /app/hook/deliveries")) == 2  # what is older was not looked for


def test_the_manifest_of_an_instance() -> None:
    made = build_manifest("https://hob.example/", redirect_url="http://127.0.0.1:9/callback")
    assert made["hook_attributes"] == {"active": True, "url": "https://hob.example/webhook"}
    assert made["url"] == "https://hob.example"
    assert made["callback_urls"] == ["https://hob.example/sign-in/back"]
    assert made["public"] is False
    assert "workflows" not in made["default_permissions"]
    for bad in ("", "hob.example", "file:///etc/passwd", "javascript:alert(1)", "http://hob.example"):
        with pytest.raises(UserError, match=r"^BASE_URL"):
            build_manifest(bad)


def test_an_app_may_have_another_name() -> None:
    assert build_manifest("https://hob.example", name="Octo Hob")["name"] == "Octo Hob"
    assert build_manifest("https://hob.example")["name"] == read_manifest()["name"]
    for bad in ("x" * 35, "--", "two\nlines"):
        with pytest.raises(UserError, match=r"^--name"):
            build_manifest("https://hob.example", name=bad)


def test_the_form_escapes_what_it_carries() -> None:
    page = render_form(
        {"name": '"><script>'}, state='a"b', web_url="https://github.com", organization="octo-org"
    )
    assert "<script>" not in page
    assert "https://github.com/organizations/octo-org/settings/apps/new?state=a%22b" in page
    with pytest.raises(UserError):
        render_form({}, state="s", web_url="https://github.com", organization="../evil")


MADE = {
    "id": 7,
    "slug": "hob",
    "html_url": "https://github.com/apps/hob",
    "pem": KEY,
    "webhook_secret": "s3cret-of-the-tests",
    "client_id": "Iv1.hob",
    "client_secret": "c1ient-secret",
}


async def test_s80_a_code_becomes_credentials_for_their_owner_only(script: Script, tmp_path: Path) -> None:
    script.on("POST /app-manifests/c0de/conversions", (201, MADE))
    home = tmp_path / "home"
    made = await asyncio.to_thread(
        convert_code,
        "c0de",
        state="s",
        expected="s",
        api_url=script.url,
        base_url="https://hob.example/",
        home=home,
    )
    assert made.install_url == "https://github.com/apps/hob/installations/new"
    assert "s3cret" not in repr(made) and "PRIVATE" not in repr(made)
    assert {stat.S_IMODE(path.stat().st_mode) for path in home.iterdir()} == {0o600}
    env = dict(line.split("=", 1) for line in made.env_file.read_text().splitlines())
    assert env == {
        "HOB_APP_ID": "7",
        "HOB_WEBHOOK_SECRET": "s3cret-of-the-tests",
        "HOB_PRIVATE_KEY_FILE": str(home / "app.pem"),
        "HOB_CLIENT_ID": "Iv1.hob",
        "HOB_CLIENT_SECRET": "c1ient-secret",
        "HOB_BASE_URL": "https://hob.example",
        "HOB_GITHUB_URL": script.url,
    }
    assert "authorization" not in script.seen[-1].headers
    with pytest.raises(UserError, match="exists already"):
        await asyncio.to_thread(
            convert_code,
            "c0de",
            state="s",
            expected="s",
            api_url=script.url,
            base_url="https://hob.example/",
            home=home,
        )


@pytest.mark.parametrize(
    ("code", "state", "expected", "words"),
    [
        ("c0de", "x", "s", "wrong state"),
        ("c0de", "", "", "wrong state"),
        ("c0de", "ß", "s", "wrong state"),
        ("../app", "s", "s", "no usable code"),
        ("", "s", "s", "no usable code"),
        ("used", "s", "s", "once and for an hour"),
        ("half", "s", "s", "lacks the app's credentials"),
    ],
)
async def test_s80_anything_else_writes_nothing(
    script: Script, tmp_path: Path, code: str, state: str, expected: str, words: str
) -> None:
    script.on("POST /app-manifests/half/conversions", (201, {**MADE, "webhook_secret": None}))
    with pytest.raises(UserError, match=words):
        await asyncio.to_thread(
            convert_code,
            code,
            state=state,
            expected=expected,
            api_url=script.url,
            base_url="https://hob.example/",
            home=tmp_path,
        )
    assert not list(tmp_path.iterdir())

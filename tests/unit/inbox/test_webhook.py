"""The web process over real sockets with a real database: what is stored, what is refused, and how fast."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import hashlib
import hmac
import io
import json
import time
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientSession, web
from sqlalchemy import text

from bot.inbox.signature import is_signed, json_object
from bot.inbox.webhook import create_app, create_metrics_app, make_runner
from bot.settings import load
from bot.tasks.database.connection import Database, connect
from bot.tasks.database.tables import DeliveryState
from bot.tasks.store import Store

SECRET = "It's a Secret to Everybody"
BODY = b'{"action": "opened", "installation": {"id": 5}}'
KNOWN = frozenset({"issues", "issue_comment"})
# https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation
VECTOR = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"


def headers(
    body: bytes = BODY, *, guid: str = "g-1", event: str = "issues", secret: str = SECRET
) -> dict[str, str]:
    """What GitHub sends with a body."""
    return {
        "Content-Type": "application/json",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": guid,
        "X-Hub-Signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(),
    }


METRICS: dict[str, str] = {}


def _commented(author: dict[str, Any], sender: dict[str, Any], *, app: int) -> dict[str, Any]:
    comment = {"user": author, "performed_via_github_app": {"id": app}}
    return {"action": "edited", "comment": comment, "sender": sender}


@asynccontextmanager
async def serving(store: Store, **options: Any) -> AsyncIterator[str]:
    """The address of a web process; that of its metrics is in ``METRICS``."""
    app = create_app(store, **{"secrets": [SECRET], "known": KNOWN, **options})
    served, apart = make_runner(app), make_runner(create_metrics_app(app))
    for runner in (served, apart):
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{served.addresses[0][1]}"
    METRICS[url] = f"http://127.0.0.1:{apart.addresses[0][1]}/metrics"
    try:
        yield url
    finally:
        await served.cleanup()
        await apart.cleanup()


@pytest.fixture
async def url(store: Store) -> AsyncIterator[str]:
    """A web process over the test's database, which a busy machine may keep waiting."""
    async with serving(store, store_seconds=60.0) as address:
        yield address


@pytest.fixture
async def http() -> AsyncIterator[ClientSession]:
    """A client."""
    async with ClientSession() as session:
        yield session


async def post(
    http: ClientSession, url: str, body: bytes = BODY, sent: dict[str, str] | None = None
) -> tuple[int, dict[str, Any]]:
    """Status and answer of a delivery."""
    sent = headers(body) if sent is None else sent
    async with http.post(f"{url}/webhook", data=io.BytesIO(body), headers=sent) as answer:
        return answer.status, await answer.json()


async def stored(database: Database) -> int:
    """How many deliveries there are."""
    async with database.engine.connect() as connection:
        return int(await connection.scalar(text("SELECT count(*) FROM deliveries")) or 0)


def test_s01_githubs_published_vector() -> None:
    assert is_signed(b"Hello, World!", VECTOR, [SECRET])
    assert not is_signed(b"Hello, World?", VECTOR, [SECRET])


async def test_s01_a_signed_delivery_is_stored_as_it_came(
    store: Store, url: str, http: ClientSession
) -> None:
    body = '{"action": "opened", "installation": {"id": 5}, "a": "\u00e9\u2028", "a": 1}\r\n'.encode()
    assert await post(http, url, body) == (202, {"delivery": "g-1", "status": "stored"})
    delivery = await store.get_delivery("g-1")
    assert delivery is not None
    assert (delivery.body, delivery.event, delivery.action, delivery.installation) == (
        body,
        "issues",
        "opened",
        5,
    )
    assert delivery.headers["x-github-delivery"] == "g-1"
    assert delivery.state is DeliveryState.NEW


async def test_s02_a_wrong_signature_stores_nothing(
    database: Database, url: str, http: ClientSession
) -> None:
    good = headers()["X-Hub-Signature-256"]
    for signature in (
        "",
        good[:-1],
        good + "0",
        good.upper(),
        "sha256=" + good[7:].upper(),
        good[7:],
        "sha256=" + "\u0661" * 64,
        "sha256=\u00e9",
        headers(secret="other")["X-Hub-Signature-256"],
        "sha1=" + hmac.new(SECRET.encode(), BODY, hashlib.sha1).hexdigest(),
    ):
        status, answer = await post(http, url, BODY, headers() | {"X-Hub-Signature-256": signature})
        assert (status, "HOB_" in answer["error"]) == (401, False), signature
    assert await stored(database) == 0


async def test_s02_no_signature_or_only_the_old_one_or_two(
    database: Database, url: str, http: ClientSession
) -> None:
    sent = headers()
    new = sent.pop("X-Hub-Signature-256")
    assert (await post(http, url, BODY, sent))[0] == 401
    old = "sha1=" + hmac.new(SECRET.encode(), BODY, hashlib.sha1).hexdigest()
    assert (await post(http, url, BODY, sent | {"X-Hub-Signature": old}))[0] == 401
    twice = [*sent.items(), ("X-Hub-Signature-256", new), ("X-Hub-Signature-256", new)]
    async with http.post(f"{url}/webhook", data=BODY, headers=twice) as answer:
        assert answer.status == 401
    assert await stored(database) == 0


async def test_s02_the_body_is_not_parsed_before_it_is_verified(url: str, http: ClientSession) -> None:
    body = b"not json"
    assert (await post(http, url, body, headers(BODY)))[0] == 401


async def test_s86_two_secrets_while_rotating(store: Store, http: ClientSession) -> None:
    async with serving(store, secrets=["new", SECRET]) as url:
        for secret, status in (("new", 202), (SECRET, 202), ("older", 401)):
            assert (await post(http, url, BODY, headers(secret=secret, guid=f"g-{secret[:3]}")))[0] in (
                status,
                400,
            )
            sent = headers(secret=secret, guid=secret[0])
            assert (await post(http, url, BODY, sent))[0] == status


async def test_a_secret_is_changed_as_the_page_of_operations_has_it(
    store: Store, http: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each restart with what stands in HOB_WEBHOOK_SECRET; GitHub signs with the old one until step 2."""
    old, new = "the old secret of ours", "the new secret of ours"
    steps = (  # what is in the variable, and which of the two is taken
        (old, {old: 202, new: 401}),
        (f"{new},{old}", {old: 202, new: 202}),  # the page is changed while this stands
        (new, {old: 401, new: 202}),
    )
    for number, (variable, taken) in enumerate(steps):
        monkeypatch.setenv("HOB_WEBHOOK_SECRET", variable)
        async with serving(store, secrets=load("webhook_secret").webhook_secrets) as url:
            for secret, status in taken.items():
                signed = headers(guid=f"{number}-{secret[4:7]}", secret=secret)
                async with http.post(f"{url}/webhook", data=BODY, headers=signed) as answer:
                    assert answer.status == status, (variable, secret)


@pytest.mark.parametrize("secrets", [[], [""], [SECRET, ""]])
def test_no_secret_is_no_start(store: Store, secrets: list[str]) -> None:
    with pytest.raises(ValueError, match="HOB_WEBHOOK_SECRET"):
        create_app(store, secrets=secrets, known=KNOWN)


async def test_s03_a_body_that_is_no_json_object(database: Database, url: str, http: ClientSession) -> None:
    for body in (
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b"\xff\xfe{",
        b"\xef\xbb\xbf{}",
        '{"a": 1}'.encode("utf-16"),
        b"payload=%7B%7D",
        b'{"a": ' * 200_000,
        b'{"a": ' + b"9" * 5000 + b"}",
    ):
        status, answer = await post(http, url, body)
        assert (status, "application/json" in answer["error"]) == (400, True), body[:20]
    assert await stored(database) == 0


async def test_s03_odd_but_valid_json_is_stored(store: Store, url: str, http: ClientSession) -> None:
    bodies = (
        b'{"a": ' * 20 + b"1" + b"}" * 20,
        b'{"action": "\\ud800\\u0000", "installation": {"id": 99999999999999999999}}',
        b'{"action": 7, "installation": [], "a": 1, "a": 2}',
        b'{"installation": {"id": true}}\r\n',
    )
    for number, body in enumerate(bodies):
        assert (await post(http, url, body, headers(body, guid=f"g-{number}")))[0] == 202
        delivery = await store.get_delivery(f"g-{number}")
        assert delivery and delivery.body == body and delivery.installation == 0


async def test_headers_that_are_missing_or_odd(database: Database, url: str, http: ClientSession) -> None:
    for name in ("X-GitHub-Event", "X-GitHub-Delivery"):
        for value in (None, "", "a b", "\u00e9", "x" * 65):
            sent = {key: kept for key, kept in headers().items() if key != name}
            if value is not None:
                sent[name] = value
            assert (await post(http, url, BODY, sent))[0] == 400, (name, value)
    assert await stored(database) == 0


async def test_s04_the_same_guid_fifty_times_at_once(
    database: Database, url: str, http: ClientSession
) -> None:
    answers = await asyncio.gather(*(post(http, url) for _ in range(50)))
    assert {status for status, _ in answers} == {202}
    assert sorted(answer["status"] for _, answer in answers) == ["duplicate"] * 49 + ["stored"]
    async with database.engine.connect() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM procrastinate_jobs")) == 1


async def test_s05_the_same_guid_with_another_body(store: Store, url: str, http: ClientSession) -> None:
    await post(http, url)
    assert await post(http, url, b"{}") == (202, {"delivery": "g-1", "status": "conflict"})
    delivery = await store.get_delivery("g-1")
    assert delivery and delivery.body == BODY


async def test_s06_without_a_database_it_says_so_in_time(http: ClientSession) -> None:
    gone = connect("postgresql://nobody@127.0.0.1:1/x")
    async with serving(Store(gone.engine)) as url:
        assert (await post(http, url))[0] == 503
        async with http.get(f"{url}/healthz") as answer:
            assert answer.status == 200
        async with http.get(f"{url}/readyz") as answer:
            assert (answer.status, await answer.json()) == (503, {"database": "away"})
        async with http.get(METRICS[url]) as answer:
            page = await answer.text()
    assert "hob_database_up 0.0" in page
    assert 'hob_deliveries_total{event="issues",result="unavailable"} 1.0' in page
    await gone.engine.dispose()


async def test_s07_a_slow_database_gets_a_503_and_may_store_it_after_all(
    database: Database, store: Store, http: ClientSession
) -> None:
    async with serving(store, store_seconds=0.3) as url:
        async with database.engine.connect() as blocker:
            await blocker.execute(text("LOCK TABLE deliveries IN ACCESS EXCLUSIVE MODE"))
            assert (await post(http, url))[0] == 503
            await blocker.rollback()
        async with asyncio.timeout(60):
            answer = ""
            while answer != "duplicate":
                answer = (await post(http, url))[1].get("status", "")
    assert await stored(database) == 1


async def test_s08_a_body_that_is_declared_or_gets_too_large(store: Store, http: ClientSession) -> None:
    async with serving(store, limit=1000) as url:
        assert (await post(http, url, b" " * 1001))[0] == 413

        async def endless() -> AsyncIterator[bytes]:
            for _ in range(1000):
                yield b" " * 1000

        async with http.post(f"{url}/webhook", data=endless(), headers=headers()) as answer:
            assert answer.status == 413


async def test_s08_twenty_five_megabytes_pass(store: Store, url: str, http: ClientSession) -> None:
    body = json.dumps({"a": "x" * (25 * 1024 * 1024 - 20)}).encode()
    assert (await post(http, url, body))[0] == 202
    delivery = await store.get_delivery("g-1")
    assert delivery and len(delivery.body) == len(body)


async def test_s08_a_gzip_bomb_is_not_unpacked(database: Database, url: str, http: ClientSession) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    tracemalloc.start()
    status, _ = await post(http, url, bomb, headers(bomb) | {"Content-Encoding": "gzip"})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert status == 415 and peak < 5_000_000
    assert await stored(database) == 0


async def test_s08_a_body_that_drips(store: Store) -> None:
    async with serving(store, read_seconds=0.3) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rsplit(":", 1)[1]))
        writer.write(b"POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
        dripping = asyncio.create_task(drip(writer))
        answer = await reader.readuntil(b"\r\n")
        assert b" 408 " in answer
        dripping.cancel()
        with contextlib.suppress(ConnectionResetError):  # by a byte that came after the end
            await reader.read()  # and the connection is closed
        writer.close()


async def drip(writer: asyncio.StreamWriter) -> None:
    """A byte now and then."""
    for _ in range(600):
        writer.write(b" ")
        await asyncio.sleep(0.05)


async def test_a_body_that_ends_early_stores_nothing(database: Database, url: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rsplit(":", 1)[1]))
    writer.write(b"POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
    writer.write_eof()
    await reader.read()  # until the server has seen the end, and closes
    writer.close()
    await writer.wait_closed()
    assert await stored(database) == 0


async def test_s09_an_unknown_event_is_ignored_and_counted(
    database: Database, url: str, http: ClientSession
) -> None:
    for event in ("ping", "star", "totally_new"):
        sent = headers(event=event)
        assert await post(http, url, BODY, sent) == (202, {"delivery": "g-1", "status": "ignored"})
    assert await stored(database) == 0
    async with http.get(METRICS[url]) as answer:
        assert 'hob_deliveries_total{event="other",result="ignored"} 3.0' in await answer.text()


US, PERSON = {"id": 77, "type": "Bot"}, {"id": 1, "type": "User"}


@pytest.mark.parametrize(
    ("event", "payload", "result"),
    [
        ("issue_comment", _commented(US, US, app=7), "ignored"),
        ("check_run", {"action": "completed", "check_run": {"app": {"id": 7}}, "sender": US}, "ignored"),
        ("issue_comment", _commented(PERSON, PERSON, app=7), "stored"),  # by a page of ours, in their name
        ("issue_comment", _commented(US, PERSON, app=7), "stored"),  # a person edited what we wrote
        ("issue_comment", _commented(US, {"id": 8, "type": "Bot"}, app=7), "stored"),
        ("issue_comment", _commented(US, US, app=8), "stored"),
        ("issue_comment", {"comment": [], "sender": "x"}, "stored"),
        ("check_run", {"action": "completed", "check_run": {"app": {"id": 8}}}, "stored"),
        ("check_run", {"action": "rerequested", "check_run": {"app": {"id": 7}}}, "stored"),
    ],
)
async def test_what_the_app_did_itself_is_not_stored(
    store: Store, http: ClientSession, event: str, payload: dict[str, Any], result: str
) -> None:
    body = json.dumps(payload).encode()
    target = {
        "X-GitHub-Hook-Installation-Target-Type": "integration",
        "X-GitHub-Hook-Installation-Target-ID": "7",
    }
    async with serving(store, store_seconds=60.0, known=KNOWN | {"check_run"}) as url:
        assert await post(http, url, body, headers(body, event=event) | target) == (
            202,
            {"delivery": "g-1", "status": result},
        )
        untold = headers(body, event=event, guid="g-2")
        assert (await post(http, url, body, untold))[1]["status"] == "stored"


async def test_s10_a_burst_is_stored_whole(database: Database, store: Store, http: ClientSession) -> None:
    async with serving(store, store_seconds=60.0) as url:  # a busy machine is slow, and loses nothing
        await burst(database, url, http)


async def burst(database: Database, url: str, http: ClientSession) -> None:
    """Many deliveries at once over 50 connections."""
    waits: list[float] = []
    body = json.dumps({"action": "created", "comment": {"body": "x" * 13_000}}).encode()
    signature = headers(body)
    turns = asyncio.Semaphore(50)

    async def one(number: int) -> None:
        async with turns:
            started = time.monotonic()
            status, _ = await post(http, url, body, signature | {"X-GitHub-Delivery": f"g-{number}"})
            waits.append(time.monotonic() - started)
            assert status == 202

    began = time.monotonic()
    await asyncio.gather(*(one(number) for number in range(500)))
    took = time.monotonic() - began
    waits.sort()
    print(
        f"500 deliveries in {took:.2f} s; answer median {waits[250] * 1e3:.0f} ms,"
        f" p99 {waits[495] * 1e3:.0f} ms"
    )
    assert await stored(database) == 500
    assert waits[495] < 60
    async with database.engine.connect() as connection:
        named = """
            SELECT count(DISTINCT guid) FROM procrastinate_jobs,
            jsonb_array_elements_text(coalesce(args->'guids', jsonb_build_array(args->'guid'))) AS guid
        """
        assert await connection.scalar(text(named)) == 500


async def test_ready_and_metrics(store: Store, url: str, http: ClientSession) -> None:
    async with http.get(f"{url}/readyz") as answer:
        assert await answer.json() == {"database": "ok", "oldest_delivery_seconds": None}
    await post(http, url)
    async with http.get(f"{url}/readyz") as answer:
        assert (await answer.json())["oldest_delivery_seconds"] >= 0
    async with http.get(METRICS[url]) as answer:
        page = await answer.text()
    assert 'hob_deliveries_total{event="issues",result="stored"} 1.0' in page
    assert 'hob_tasks{state="queued"} 0.0' in page and "hob_ack_seconds_bucket" in page


async def test_strangers_see_no_metrics(url: str, http: ClientSession) -> None:
    async with http.get(f"{url}/metrics") as answer:
        assert answer.status == 404
    async with http.post(METRICS[url].replace("/metrics", "/webhook"), data=BODY) as answer:
        assert answer.status == 404


async def test_other_methods_and_paths(url: str, http: ClientSession) -> None:
    async with http.get(f"{url}/webhook") as answer:
        assert answer.status == 405
    async with http.get(f"{url}/") as answer:
        assert answer.status == 404


def test_a_json_object() -> None:
    assert json_object(b'{"a": 1, "a": 2}') == {"a": 2}

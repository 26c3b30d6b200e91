"""Who is told outside GitHub: once for each event, signed, and through no door that a hob.yml could open."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiosmtplib import SMTPResponseException
from pydantic import SecretStr
from sqlalchemy import text

from bot.domain import ChangeSet, Outcome, OutcomeKind, Proof, Result, Task, TaskEnd, TaskState
from bot.errors import UserError
from bot.notify import mail
from bot.notify.events import note_event
from bot.notify.sender import MOST_TRIES, NoticeSender
from bot.notify.webhook import CheckedResolver, NoticeRefused, check_repository_url, post_notice
from bot.repo_config import parse_repo_config
from bot.run.task_end import find_events
from bot.settings import NotifySettings, SettingsError, load
from bot.tasks.database.connection import Database
from bot.tasks.notices.records import DueNotice
from bot.tasks.store import Store
from tests.support.tasks import make_request

SECRET = "a-secret-of-sixteen-letters"
HOSTS = frozenset({"hooks.slack.com", "chat.example.org"})


class Receiver:
    """What takes messages, and says what it is told to."""

    def __init__(self) -> None:
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[web.Response] = []
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        self.heard.append((dict(request.headers), await request.read()))
        return self.answers.pop(0) if self.answers else web.Response(text="ok")


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver, app = Receiver(), web.Application()
    app.router.add_route("*", "/{path:.*}", receiver.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/in"
    yield receiver
    await runner.cleanup()


async def make_task(store: Store) -> Task:
    return await store.add_task(make_request(request="mend it"))


def settings_for(receiver: Receiver, **more: Any) -> NotifySettings:
    return NotifySettings(webhook=SecretStr(receiver.url), secret=SecretStr(SECRET), **more)


async def wait_no_more(database: Database) -> None:
    async with database.engine.begin() as connection:
        await connection.execute(text("UPDATE notices SET not_before = now() - interval '1 second'"))


async def list_notices(database: Database) -> list[tuple[str, str, str, int]]:
    async with database.engine.connect() as connection:
        rows = await connection.execute(text("SELECT key, target, state, tries FROM notices ORDER BY id"))
        return [tuple(row) for row in rows]


async def test_an_event_is_told_once_and_signed(receiver: Receiver, store: Store, database: Database) -> None:
    task, settings = await make_task(store), settings_for(receiver)
    for _ in range(2):  # whoever takes over after a crash notes it again
        await note_event(store, settings, task, "failed", base_url="https://hob", why="<!channel> a|b &c")
    assert await NoticeSender(store, settings).send_due() == 1
    assert await NoticeSender(store, settings).send_due() == 0
    ((headers, body),) = receiver.heard
    told = json.loads(body)
    assert "&lt;!channel&gt; a/b &amp;c" in told["text"] and "failed" in told["text"]
    facts = told["metadata"]["event_payload"]
    assert (facts["event"], facts["task"], facts["page"]) == (
        "failed",
        task.id,
        f"https://hob/tasks/{task.id}",
    )
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = b64encode(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert await list_notices(database) == [(f"failed:{task.id}", "operator webhook", "sent", 1)]


async def test_two_senders_share_the_work_and_a_dead_ones_is_taken_over(
    receiver: Receiver, store: Store, database: Database
) -> None:
    settings = settings_for(receiver)
    for _ in range(30):
        await note_event(store, settings, await make_task(store), "budget", base_url="https://hob")
    senders = [NoticeSender(store, settings) for _ in range(4)]
    while any(await asyncio.gather(*(each.send_due() for each in senders))):
        pass
    ids = [headers["webhook-id"] for headers, _ in receiver.heard]
    assert len(ids) == len(set(ids)) == 30

    await note_event(store, settings, await make_task(store), "failed", base_url="https://hob")
    (claimed,) = await store.claim_notices(seconds=120)  # and its worker dies
    assert await senders[0].send_due() == 0
    await wait_no_more(database)
    assert await senders[0].send_due() == 1
    await store.note_refused(claimed, "too late", again=0)  # it was only asleep
    assert await senders[0].send_due() == 0


async def test_what_is_not_taken_is_sent_again_and_given_up_at_last(
    receiver: Receiver, store: Store, database: Database
) -> None:
    task, settings = await make_task(store), settings_for(receiver)
    await note_event(store, settings, task, "failed", base_url="https://hob")
    work = NoticeSender(store, settings)
    receiver.answers = [web.Response(status=503) for _ in range(MOST_TRIES)]
    for tries in range(1, MOST_TRIES + 1):
        assert (await work.send_due(), len(receiver.heard)) == (0, tries)
        assert await work.send_due() == 0, "not before its pause is over"
        await wait_no_more(database)
    assert (await list_notices(database))[0][2:] == ("failed", MOST_TRIES)
    await note_event(store, settings, task, "budget", base_url="https://hob")
    receiver.answers = [web.Response(status=302, headers={"Location": f"{receiver.url}/elsewhere"})]
    many = len(receiver.heard)
    await work.send_due()
    assert len(receiver.heard) == many + 1, "no redirection is followed"


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/x", "https://[::1]/x", "https://2130706433/x", "https://0x7f.1/x", "https://localhost/x",
        "https://169.254.169.254/latest/meta-data", "https://metadata.google.internal/x", "http://hooks.slack.com/x",
        "https://hooks.slack.com:8443/x", "https://hooks.slack.com.evil.example/x", "https://evil.example/hooks.slack.com",
        "https://evil.example#.hooks.slack.com", "https://evil.example?.hooks.slack.com", "https://hooks.slack.com%2eevil.example/",
        "https://user:pw@hooks.slack.com/x", "https://hooks.slack.com:pw@evil.example/x", "https://hooks.slack.com\\@evil.example/",
        "https://hooks.slack.com:99999/x", "https://hooks.slack.com:x/", "https:///x", "https://", "file:///etc/passwd",
        "gopher://hooks.slack.com/", "https://ⓗooks.slack.com.evil.example/", "https://hooks。evil.example/",
    ],
)  # fmt: skip
def test_an_address_that_a_hob_yml_may_not_name_is_refused(url: str) -> None:
    with pytest.raises(NoticeRefused) as refused:
        check_repository_url(url, HOSTS)
    assert refused.value.for_good


def test_an_address_that_it_may_name_is_made_anew_from_its_parts() -> None:
    for given in ("https://Hooks.Slack.com./services/T?a=b#c", "https://hooks.slack.com:443/services/T?a=b"):
        assert check_repository_url(given, HOSTS) == "https://hooks.slack.com/services/T?a=b"


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"], ["10.0.0.7"], ["169.254.169.254"], ["::1"], ["::ffff:127.0.0.1"], ["fd00::1"],
        ["100.64.0.1"], ["93.184.215.14", "192.168.1.1"], ["0.0.0.0"],
        ["64:ff9b::7f00:1"], ["no address"], [],
    ],
)  # fmt: skip
async def test_a_name_that_resolves_inwards_is_never_connected_to(
    addresses: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lookup(name: str) -> list[str]:
        assert name == "hooks.slack.com"
        return addresses

    async def connect(*_: Any, **__: Any) -> Any:
        raise AssertionError("it was connected to")

    monkeypatch.setattr("aiohttp.connector.TCPConnector._wrap_create_connection", connect)
    notice = DueNotice(
        id=1,
        key="failed:1",
        target="repository webhook",
        address="https://hooks.slack.com/x",
        body={},
        tries=1,
    )
    with pytest.raises(NoticeRefused):
        await post_notice(notice, NotifySettings(hosts=HOSTS), resolver=CheckedResolver(lookup))


async def test_a_repository_is_told_what_it_wishes_and_where_the_operator_lets_it(
    store: Store, database: Database
) -> None:
    task = await make_task(store)
    wishes = parse_repo_config(b"notify: {webhook: 'https://intern.example/x', events: [approval]}").notify
    await store.save_notify_wishes(task.repo.id, wishes.model_dump(mode="json"))
    settings = NotifySettings(hosts=HOSTS)
    for event in ("failed", "approval"):
        await note_event(store, settings, task, event, base_url="https://hob")
    await NoticeSender(store, settings).send_due()
    assert await list_notices(database) == [(f"approval:{task.id}", "repository webhook", "failed", 1)]
    await store.save_notify_wishes(task.repo.id, None)
    assert await store.load_notify_wishes(task.repo.id) is None
    for wrong in ("http://a.example/x", "https://user@a.example/", "https://a b/", "ftp://x"):
        with pytest.raises(UserError, match="notify"):
            parse_repo_config(f"notify: {{webhook: '{wrong}'}}".encode())


async def test_an_e_mail_is_one_message_whatever_is_in_it(
    store: Store, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[Any, dict[str, Any]]] = []

    async def send(message: Any, **options: Any) -> None:
        sent.append((message, options))
        if len(sent) == 1:
            raise SMTPResponseException(451, "later")

    monkeypatch.setattr(mail.aiosmtplib, "send", send)
    settings = NotifySettings(
        email="team@example.org",
        mail_from="hob@example.org",
        smtp=SecretStr("smtps://u:p%40@mail.example.org"),
    )
    task = await make_task(store)
    await note_event(store, settings, task, "failed", base_url="https://hob", why="x\r\nBcc: all@example.org")
    work = NoticeSender(store, settings)
    assert await work.send_due() == 0
    await wait_no_more(database)
    assert await work.send_due() == 1
    message, options = sent[1]
    assert message["Subject"] == "Hob: octo/app#3: failed" and message["Bcc"] is None
    assert (
        "https://hob/tasks/1" in message.get_content() and message["Message-ID"] == sent[0][0]["Message-ID"]
    )
    assert (options["username"], options["password"], options["use_tls"]) == ("u", "p@", True)


def test_settings_that_could_tell_nobody_are_an_error() -> None:
    for wrong in (
        {"notify_email": "a@b.example"},
        {"notify_webhook": "http://intern.example/x"},
        {"notify_hosts": "127.0.0.1"},
        {"smtp_url": "smtp://u:p@mail.example.org"},
        {"notify_secret": "short"},
    ):
        with pytest.raises(SettingsError, match="HOB_"):
            _ = load(**wrong).notify
    known = load(notify_webhook="https://hooks.slack.com/services/T/B/very-secret", notify_secret=SECRET)
    assert {"https://hooks.slack.com/services/T/B/very-secret", SECRET} <= set(known.secrets())


def test_which_ends_are_events() -> None:
    nothing = ChangeSet(base="b" * 40)
    result = Result(outcome=Outcome(kind=OutcomeKind.LIMIT, summary="s"), changes=nothing, proof=Proof())
    assert find_events(TaskEnd(state=TaskState.DONE, text="t", result=result)) == ["budget"]
    assert find_events(TaskEnd(state=TaskState.FAILED, text="t", reason="r")) == ["failed"]
    assert find_events(TaskEnd(state=TaskState.CANCELLED, text="t")) == []

"""What a stranger, a model or a failing request writes, in logs, at terminals, in tables and on pages."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import http.client
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import structlog
from sqlalchemy import text

from bot.dashboard import create_app
from bot.dashboard.server import engine_for
from bot.settings import load
from bot.tasks.database.connection import Database, sqlalchemy_url
from bot.tasks.database.tables import metadata
from tests.support.flow import FAULTY, MEND, at_work, call
from tests.support.hub import Hub
from tests.support.processes import CommandLine
from tests.support.witness import forms, said_on_github

pytestmark = pytest.mark.timeout(400)
FORGED = "2026-11-29T00:00:00.000000Z [error    ] forged by a stranger"
ESCAPES = f"\x1b[2J\x1b]0;owned\x07\x9b31m\u202e\r\n{FORGED}\n"
A_LINE = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z \[(?:debug|info|warning|error|critical) *\] |  \| ")
TOKEN = re.compile(r"gh[sopur]_[A-Za-z0-9]{20}|github_pat_[A-Za-z0-9]{20}")


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Logging as it was before: what is captured here is closed afterwards."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def post_delivery(url: str, secret: str) -> int:
    """A webhook that is signed well, with names that drive terminals; the answer's status."""
    body = b'{"action": "\\u001b[2J\\n' + FORGED.encode() + b'"}'
    sign = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {
        "X-GitHub-Event": "issues\x9b31m", "X-GitHub-Delivery": "d\x1b[2J",
        "X-Hub-Signature-256": f"sha256={sign}", "Content-Type": "application/json",
    }  # fmt: skip
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    connection.request("POST", urlsplit(url).path, body, headers)
    status = connection.getresponse().status
    connection.close()
    return status


async def dump(database: Database) -> str:
    """Every table, as a copy of the database has it."""
    async with database.engine.connect() as connection:
        rows = [
            f"{table.name} {dict(row)}"
            for table in metadata.sorted_tables
            for row in (await connection.execute(text(f"SELECT * FROM {table.name}"))).mappings()
        ]
    return "\n".join(rows)


def see_pages(url: str, hub: Hub) -> str:
    """What the dashboard and its API answer at every address, as somebody on the machine itself sees it."""
    engine = engine_for(sqlalchemy_url(url))
    app = create_app(
        load(app_id=hub.app_id, webhook_secret=hub.webhook_secret, private_key=hub.private_key), engine
    )
    client, found = app.test_client(), []
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.endpoint.startswith(("static", "sign_in", "tokens")):
            continue
        answer = client.get(rule.rule.replace("<int:number>", "1"))
        assert answer.status_code == 200, rule.rule
        found.append(f"{rule.rule}\n{answer.headers}\n{answer.text}")
    engine.dispose()
    return "\n".join(found)


async def test_s83_nothing_forges_a_line_drives_a_terminal_or_shows_a_secret(
    tmp_path: Path, home: Path, database: Database, capfd: pytest.CaptureFixture[str]
) -> None:
    async with at_work(tmp_path, home, database) as hob:
        known = [*forms(hob.hub.webhook_secret), hob.hub.private_key.splitlines()[5]]
        raw = known[0]
        await hob.hub.seed_repo("calc", FAULTY)
        hob.says(
            [
                MEND,
                call("shell", command=f"printf '%s\\n' '{raw}' '{ESCAPES}'; echo '{FORGED}' >&2"),
                call("plan", steps=[{"text": f"{raw} {ESCAPES}"}]),
                call("nonsense\x1b[2J", words=raw),
            ],
            [call("finish", kind="changed", title=f"Mend {ESCAPES}", summary=f"{raw} {ESCAPES}")],
        )
        issue = await hob.issue("calc", f"Doubling {ESCAPES}", f"@hob fix {ESCAPES}")
        await hob.comment("calc", issue["number"], "**Done**")
        hob.says([call("finish\x1b[2J", kind=raw)])  # and then nothing: a fault of Hob's own
        await hob.hub.as_maintainer.post(
            f"/repos/maintainer/calc/issues/{issue['number']}/comments", {"body": f"@hob again {ESCAPES}"}
        )
        await hob.comment("calc", issue["number"], "An error inside Hob ended this")
        webhook = hob.hub.hub.state.one("SELECT webhook_url FROM apps")["webhook_url"]
        assert await asyncio.to_thread(post_delivery, webhook, raw) < 500
        try:
            raise ValueError(f"{raw}\n{hob.hub.private_key}{ESCAPES}")
        except ValueError:
            structlog.get_logger("any").exception("failed", url=f"https://x:{raw}@host")
        pages, tables = await asyncio.to_thread(see_pages, database.url, hob.hub), await dump(database)
        github = "\n".join(await said_on_github(hob, "calc"))
        env = {"PATH": "/usr/bin", "HOB_HOME": str(home), "HOB_DATABASE_URL": database.url}
        status = await asyncio.to_thread(CommandLine(tmp_path / "printed", "status", env=env).wait)
    logs = capfd.readouterr().err
    assert status.returncode == 0 and "task.ended" in logs, logs[-2000:]
    for place, everything in {
        "logs": logs, "tables": tables, "pages": pages, "GitHub": github, "status": status.stdout,
    }.items():  # fmt: skip
        for secret in known:
            at = everything.find(secret)
            assert at < 0, f"{place}: {everything[max(0, at - 300) : at + 100]}"
        assert not TOKEN.search(everything), place
    for place, everything in {"logs": logs, "status": status.stdout}.items():
        shown = set(re.findall("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2028\u2029]", everything))
        assert not shown, f"{place}: {shown}"
    odd = [line for line in logs.splitlines() if line and not A_LINE.match(line)]
    assert odd == [] and not any(line.startswith(FORGED) for line in logs.splitlines())
    assert "\x1b" not in pages

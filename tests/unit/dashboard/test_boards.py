"""The operators' boards: who sees them, what they show, and that names are only text."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from bot.dashboard import create_app
from bot.dashboard.server import engine_for
from bot.domain import Person, Repo, TaskState
from bot.settings import load
from bot.tasks.database.connection import Database, sqlalchemy_url
from bot.tasks.learning.corrections import Correction, CorrectionKind, ProposedRule, RuleState
from bot.tasks.reports.records import ReportKind
from bot.tasks.safety.records import EVERYWHERE
from bot.tasks.store import Store
from tests.support.dashboard import Browser, open_dashboard
from tests.support.hub import running_hub
from tests.support.tasks import make_request


@pytest.fixture
def client(database: Database) -> Iterator[FlaskClient]:
    engine = engine_for(sqlalchemy_url(database.url))
    yield create_app(load(), engine).test_client()
    engine.dispose()


async def execute(database: Database, statement: str) -> None:
    async with database.engine.begin() as connection:
        await connection.execute(text(statement))


async def test_variants_are_compared(client: FlaskClient, store: Store, database: Database) -> None:
    assert "no task that ended was told of prompt" in client.get("/experiments").text
    for number in range(2):
        task = await store.add_task(make_request(number=number + 1))
        claimed = await store.claim(task.id, "w")
        assert claimed
        flags = {"prompt": {"value": "<b>v2"}} if number else {}
        await store.set_flags(claimed[1], flags)
        await store.set_prompt(claimed[1], "abc123")
        await store.release(claimed[1], TaskState.DONE)
    page = client.get("/experiments?flag=prompt&days=7").text
    assert "&lt;b&gt;v2" in page and "not set" in page and "<b>v2" not in page
    assert "abc123" in client.get("/experiments?flag=prompt-version").text
    assert client.get("/experiments?flag=nonsense&days=x").status_code == 200


async def test_what_was_refused_is_counted(client: FlaskClient, store: Store, database: Database) -> None:
    page = client.get("/safety").text
    for said in ("Nothing was refused.", "Nobody waits.", "Nobody is blocked.", "No run read a suspicious"):
        assert said in page
    await store.block(EVERYWHERE, Person(id=9, login="<i>mallory"), by="", reason="spam")
    await execute(
        database,
        "INSERT INTO refused_requests (delivery, reason, detail, installation, repo_id, repo_full_name,"
        " thread_number, person, login) SELECT 'd' || n, CASE WHEN n < 3 THEN 'moderation' ELSE"
        " 'first request' END, CASE WHEN n < 3 THEN 'malware' ELSE '' END, 5, 11, 'octo/app', n, 9, 'eve'"
        " FROM generate_series(1, 3) AS n",
    )
    page = client.get("/safety").text
    assert "<td>moderation</td><td>malware</td><td>2</td><td>1</td>" in page
    assert "octo/app#3 by eve" in page
    row = "<td>&lt;i&gt;mallory (9)</td><td>all</td><td>the operator</td>"
    assert row in page and "<td>spam</td>" in page


async def test_runs_that_read_orders_as_data_are_listed(
    client: FlaskClient, store: Store, database: Database
) -> None:
    found = '[{"where": "file <x>.md", "signs": ["gives an order", "wants it unseen"], "score": 6}]'
    for number, outcome in ((3, found), (4, "[]"), (5, '"odd"')):
        task = await store.add_task(make_request(number=number))
        claimed = await store.claim(task.id, "w")
        assert claimed
        await store.begin_attempt(claimed[1])
        change = f"UPDATE attempts SET outcome = '{{\"suspicions\": {outcome}}}' WHERE maker = {task.id}"
        await execute(database, change.replace(":", "\\:"))
    page = client.get("/safety").text
    assert page.count("gives an order") == 1
    assert "octo/app#3</a>" in page and "file &lt;x&gt;.md gives an order, wants it unseen" in page


async def test_what_was_learned_is_shown_as_text(
    client: FlaskClient, store: Store, database: Database
) -> None:
    page = client.get("/learning").text
    for said in ("No rule was proposed.", "No correction is kept.", "No closed pull request has a thumb."):
        assert said in page
    repo = Repo(id=11, owner="octo", name="app", default_branch="main", clone_url="")
    kind = CorrectionKind.SAID
    said_so = [
        Correction(source=f"c:{n}", kind=kind, pull=n // 2, words="Use UTC", url="u", person=7, login="ann")
        for n in range(3)
    ]
    await store.add_corrections(5, repo, said_so)
    rule = ProposedRule(key="k", kind=kind, words="Use <b>UTC</b>", file_kind="", seeds=tuple(said_so))
    await store.add_proposed_rule(5, repo, rule)
    await store.note_rule(11, "k", RuleState.OPENED, pull=9)
    await store.add_task(make_request())
    await store.note_pull_end(11, 4, merged=True, thumbs_up=3, thumbs_down=1)
    await store.note_pull_end(11, 5, merged=True, thumbs_up=0, thumbs_down=0)
    page = client.get("/learning").text
    assert (
        "<td>octo/app</td><td>Use &lt;b&gt;UTC&lt;/b&gt;</td><td>said</td><td>#9</td><td>opened</td>" in page
    )
    assert "<td>octo/app</td><td>said</td><td>3</td><td>2</td>" in page
    assert "<td>octo/app</td><td>3</td><td>1</td><td>1</td>" in page
    assert "No attempt's pull request was closed." in page.replace("&#39;", "'")
    task = await store.add_task(make_request(number=8))
    claimed = await store.claim(task.id, "w")
    assert claimed
    await store.begin_attempt(claimed[1])
    await execute(database, f"UPDATE tasks SET pull = 4 WHERE id = {task.id}")
    assert "<tr><td>octo/app</td><td>1</td><td>0</td></tr>" in client.get("/learning").text


async def test_the_newest_report_of_each_machine_is_shown_as_text(
    client: FlaskClient, store: Store, database: Database
) -> None:
    assert "No red team was played." in client.get("/safety").text
    assert "Nothing was exported." in client.get("/learning").text
    family = {"family": "<b>files", "held": 27, "played": 27}
    for host, wrong in (("one", ["an earlier hole"]), ("two", ["files: <i>read"]), ("one", [])):
        found = {"sandbox": "bwrap", "words": [], "families": [family], "wrong": wrong, "remarks": ["r"]}
        await store.add_report(ReportKind.REDTEAM, host, "1.0", found)
    page = client.get("/safety").text
    assert page.count("&lt;b&gt;files") == 2 and "all held" in page and "1 did not hold" in page
    assert "Does not hold: files: &lt;i&gt;read" in page and "an earlier hole" not in page
    await store.add_report(ReportKind.REDTEAM, "odd", "1.0", {})
    assert client.get("/safety").status_code == 200, "a report of another version"
    for number in range(60):
        await store.add_report(ReportKind.EXPORT, "one", "1.0", {"folder": f"f{number}"})
    async with database.engine.connect() as connection:
        counted = await connection.scalar(text("SELECT count(*) FROM command_reports WHERE kind = 'export'"))
    assert counted == 50 and "f59" in client.get("/learning").text
    await store.add_report(ReportKind.TUNE, "one", "1.0", {"path": "<p>"})
    assert "&lt;p&gt;" in client.get("/experiments").text


async def test_a_forecast_of_the_load_that_there_is_or_another(client: FlaskClient, store: Store) -> None:
    assert "Nothing was asked for in 30 days." in client.get("/forecast").text
    for number in range(4):
        await store.add_task(make_request(number=number + 1))
    page = client.get("/forecast?cpus=4&memory=16").text
    rows = re.findall(r"<tr><td>1</td><td>(\d+)</td><td>(\d+)</td>", page)
    assert [tasks for tasks, _ in rows] == ["4", "8", "40"] and "twice and ten times" in page
    page = client.get("/forecast?load=200:2000&cpus=4&memory=16").text
    ((tasks, workers),) = re.findall(r"<tr><td>200</td><td>(\d+)</td><td>(\d+)</td>", page)
    assert tasks == "2000" and int(workers) > 1 and "the defaults, since fewer than 20" in page
    assert "first token after 1.5 s and then 60 tokens a second" in page
    wrong = client.get("/forecast?load=<b>&cpus=x&memory=-1").text
    assert "&#39;&lt;b&gt;&#39; is no load" in wrong


async def test_only_operators_see_them(database: Database, tmp_path_factory: pytest.TempPathFactory) -> None:
    async with running_hub(tmp_path_factory.mktemp("hub")) as hub:
        operator = (await hub.as_maintainer.get("/user"))["id"]
        async with open_dashboard(database, hub, operators=str(operator)) as app:
            one, other = Browser(app, hub), Browser(app, hub)
            await one.sign_in()
            await other.sign_in("stranger")
            for path in ("/experiments", "/safety", "/learning", "/forecast"):
                assert (await one.get(path)).status_code == 200
                assert path in (await one.get("/operators")).text
                assert (await other.get(path)).status_code == 404


async def test_models_are_shown_as_they_answered_lately(client: FlaskClient, store: Store) -> None:
    assert "<h2>Models</h2>" not in client.get("/forecast").text
    task = await store.add_task(make_request())
    claimed = await store.claim(task.id, "w")
    assert claimed
    attempt = await store.begin_attempt(claimed[1])
    turns = [
        {"model": "<b>own", "ms": {"model": 2500, "first_token": 500}, "usage": {"output_tokens": 60}},
        {"model": "<b>own", "ms": {"model": 1500, "first_token": 700}, "usage": {"output_tokens": None}},
        {"model": "offline", "ms": {"model": 30}, "usage": None},
        {"model": "", "ms": None},
    ]
    for seq, record in enumerate(turns):
        await store.add_turn(claimed[1], attempt.id, seq, {"seq": seq, **record})
    page = client.get("/forecast").text
    assert '<th scope="row">&lt;b&gt;own</th><td>2</td><td>0.6 s</td><td>30</td>' in page
    assert '<th scope="row">offline</th><td>1</td><td></td><td></td>' in page

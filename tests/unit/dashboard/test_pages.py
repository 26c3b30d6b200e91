"""The pages, over a real database: what they show, that they show it as text, and who may ask."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from bot.dashboard import create_app
from bot.dashboard.rendering.values import diff_lines, first_words, plain_text, seconds, web_address
from bot.dashboard.server import engine_for, serve
from bot.domain import (
    Blocked,
    Check,
    CheckResult,
    Outcome,
    OutcomeKind,
    Phase,
    Proof,
    ProofWarning,
    Run,
    Step,
    StepState,
    TaskState,
    Usage,
    Verdict,
)
from bot.settings import SettingsError, load
from bot.tasks.database.connection import Database, sqlalchemy_url
from bot.tasks.database.tables import AttemptState
from bot.tasks.store import Store
from tests.support.tasks import make_request

EVIL = "<script>alert(1)</script>\x1b]8;;javascript:alert(1)\x07click\x1b]8;;\x07"
DIFF = "diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,2 @@\n x\n-old<b>\n+new\n"
RED = CheckResult(verdict=Verdict.FAILED, exit_code=1, seconds=1.2, passed=9, failed=1)
GREEN = CheckResult(verdict=Verdict.PASSED, exit_code=0, seconds=1.1, passed=10, tail=EVIL)


@pytest.fixture
def client(database: Database) -> Iterator[FlaskClient]:
    engine = engine_for(sqlalchemy_url(database.url))
    app = create_app(load(), engine)
    yield app.test_client()
    engine.dispose()


async def running(store: Store) -> Run:
    task = await store.add_task(make_request(request=f"fix {EVIL}"))
    claimed = await store.claim(task.id, "w")
    assert claimed
    run = claimed[1]
    await store.set_phase(run, Phase.THINK)
    await store.set_plan(run, (Step(text=f"Mend {EVIL}", state=StepState.DOING), Step(text="Prove")))
    attempt = await store.begin_attempt(run)
    await store.add_turn(run, attempt.id, 0, turn(0, EVIL))
    return run


def turn(seq: int, output: str) -> dict[str, Any]:
    call = {"name": "shell", "args": {"command": "pytest"}, "output": output, "ok": True, "ms": 12}
    return {"seq": seq, "model": "offline", "text": "Looking.", "calls": [call], "ms": {"turn": 30}}


async def ended(store: Store) -> Run:
    run = await running(store)
    await store.finish_run(
        run,
        outcome=Outcome(kind=OutcomeKind.CHANGED, title="Mend", summary=EVIL),
        diff=DIFF,
        proof=Proof(
            base="b" * 40,
            checks=(Check(name="test", command="pytest", base=RED, head=GREEN),),
            blocked=(
                Blocked(host="evil.com", port=443, reason="no", command="<script>alert(1)", allow="evil.com"),
            ),
        ),
        usage=Usage(turns=1),
    )
    await store.release(run, TaskState.DONE)
    return run


async def test_the_pull_request_is_a_link(client: FlaskClient, store: Store) -> None:
    run = await running(store)
    await store.update_task(run, pull=7)
    for path in ("/", f"/runs/{run.id}"):
        assert re.search(r'<a [^>]*href="https?://[^"]+/pull/7"[^>]*>#7</a>', client.get(path).text)


async def test_an_empty_house_says_what_to_do(client: FlaskClient) -> None:
    page = client.get("/").text
    assert "No tasks yet" in page
    assert "Mention the bot" in page


async def test_tasks_are_listed_and_narrowed(client: FlaskClient, store: Store) -> None:
    run = await running(store)
    assert f"/runs/{run.id}" in client.get("/").text
    assert f"/runs/{run.id}" in client.get("/?state=running").text
    assert f"/runs/{run.id}" not in client.get("/?state=failed").text
    assert f"/runs/{run.id}" not in client.get("/?repo=no/such").text
    assert client.get("/?state=bogus&before=-1;drop").status_code == 200


@pytest.mark.parametrize("odd", ["9" * 5000, "9" * 19, "1" * 18, "-1", "x", "\u0661", "a%00b"])
async def test_odd_questions_are_answered_all_the_same(client: FlaskClient, store: Store, odd: str) -> None:
    run = await running(store)
    for path in (f"/?before={odd}", f"/?repo={odd}", f"/runs/{run.id}/turns?after={odd}"):
        assert client.get(path).status_code == 200


async def test_a_run_is_shown_live_and_then_whole(client: FlaskClient, store: Store) -> None:
    run = await running(store)
    live = client.get(f"/runs/{run.id}").text
    assert f'data-live="/runs/{run.id}/events" data-after="0"' in live
    (attempt,) = await store.list_attempts(run.task)
    await store.add_turn(run, attempt.id, 1, turn(1, "second output"))
    more = client.get(f"/runs/{run.id}/turns?after=0").text
    assert "second output" in more


async def test_an_ended_run_shows_proof_diff_and_plan(client: FlaskClient, store: Store) -> None:
    run = await ended(store)
    page = client.get(f"/runs/{run.id}").text
    for said in ("9 passed, 1 failed", "10 passed", "&lt;b&gt;", "Prove", "evil.com:443", "hx-get"):
        assert (said in page) is (said != "hx-get")
    told = client.get(f"/runs/{run.id}.json").json
    assert told["state"] == "done"
    assert told["proof"]["checks"][0]["head"]["verdict"] == "passed"
    assert told["diff"] == DIFF


async def test_a_part_is_named_where_the_proof_is_shown(client: FlaskClient, store: Store) -> None:
    run = await running(store)
    failing = ("t.py::test_a", "t.py::test_b", f"t.py::{EVIL}")
    base = replace(RED, failed=3, failing=failing)
    check = Check(name="test", command="pytest", base=base, head=replace(RED, failed=2, failing=failing[1:]))
    warning = ProofWarning(text="The change skips tests", names=("t.py::test_c",))
    proof = Proof(checks=(check,), left_failing=failing[1:], warnings=(warning,))
    await store.finish_run(run, diff=DIFF, proof=proof)
    await store.release(run, TaskState.DONE)
    page = client.get(f"/runs/{run.id}").text
    for said in (
        "<p>Mends 1 of 3 failing tests.</p>",
        "Fails as before, and the request may be about it too: <code>t.py::test_b, ",
        "Failed before, passes now: <code>t.py::test_a</code>",
        "The change skips tests: <code>t.py::test_c</code>",
    ):
        assert said in page
    assert "<script>alert" not in page
    assert "mends some of the tests" in client.get("/").text
    assert f"/runs/{run.id}" in client.get("/?verdict=partly").text
    assert f"/runs/{run.id}" not in client.get("/?verdict=proved").text


async def test_s81_nothing_hostile_is_rendered(client: FlaskClient, store: Store) -> None:
    run = await ended(store)
    for path in ("/", f"/runs/{run.id}", f"/tasks/{run.task}", f"/runs/{run.id}/turns?after=-1"):
        answer = client.get(path)
        assert "<script>alert" not in answer.text
        assert "\x1b" not in answer.text
        assert "javascript:" not in re.sub(r"<pre.*?</pre>|<[^>]*truncated", "", answer.text, flags=re.DOTALL)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "style=" not in answer.text
        assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize(
    "path", ["/runs/1", "/runs/99999999999999999999", "/tasks/1", "/runs/1.json", "/runs/1/turns", "/nowhere"]
)
async def test_what_is_not_there_is_not_found(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404


async def test_foreign_hosts_are_refused(client: FlaskClient) -> None:
    assert client.get("/", headers={"Host": "evil.example"}).status_code == 400


async def test_no_page_takes_a_post(client: FlaskClient) -> None:
    assert client.post("/").status_code == 405


async def test_health_follows_the_database(client: FlaskClient, database: Database) -> None:
    assert client.get("/healthz").text == "ok\n"
    broken = engine_for("postgresql+psycopg://nobody@127.0.0.1:1/none")
    assert create_app(load(), broken).test_client().get("/healthz").status_code == 503


def test_without_a_sign_in_it_serves_this_machine_only() -> None:
    with pytest.raises(SettingsError, match="HOB_DASHBOARD_HOST"):
        serve(load(dashboard_host="0.0.0.0"), "unused")


def test_a_diff_has_numbers_on_the_side_where_the_line_is() -> None:
    rows = [(row.kind, row.old, row.new, row.text) for row in diff_lines(DIFF)]
    assert rows[-3:] == [("same", "1", "1", "x"), ("del", "2", "", "old<b>"), ("add", "", "2", "new")]


def test_a_diff_that_redaction_shortened_is_shown_without_numbers() -> None:
    rows = [(row.kind, row.old, row.new, row.text) for row in diff_lines(DIFF.removesuffix("+new\n"))]
    assert rows[-3:] == [
        ("hunk", "", "", "@@ -1,2 +1,2 @@"),
        ("same", "", "", "x"),
        ("del", "", "", "old<b>"),
    ]


@pytest.mark.parametrize(
    ("request_", "line"),
    [
        ("Orders of exactly 100.00 get no discount\n\nThe price list says 5 %.", None),
        ("fix this\n\nPrices are   **rounded** down", "fix this Prices are rounded down"),
        ("\n\n  one\ntwo\n", "one two"),
        ("word " * 60, f"{('word ' * 36).strip()} …"),
        ("", ""),
        ("\x1b[31m\u202e", "\ufffd"),
    ],
)
def test_what_a_request_is_about_on_one_line(request_: str, line: str | None) -> None:
    assert first_words(request_) == (request_.split("\n")[0] if line is None else line)


def test_terminal_codes_become_nothing() -> None:
    assert plain_text("\x1b[31mred\x1b[0m\x1b]0;title\x07 \x00") == "red \ufffd"
    assert web_address("javascript:alert(1)") == "#"
    assert [seconds(value) for value in (0.44, 12, 185)] == ["0.4 s", "12 s", "3 min 5 s"]


async def compared(store: Store) -> Run:
    """Three attempts: one that failed its proof, one that is published, one under way."""
    run = await running(store)
    for ordinal, head, chosen in ((1, RED, False), (2, GREEN, True)):
        attempt = await store.begin_attempt(run, ordinal, model=f"test:{EVIL}")
        await store.add_turn(run, attempt.id, 0, turn(0, f"said by {ordinal}"))
        await store.end_attempt(
            run,
            attempt.id,
            AttemptState.ENDED,
            outcome=Outcome(kind=OutcomeKind.CHANGED, title="Mend", summary=f"Way {ordinal} {EVIL}"),
            diff=DIFF if chosen else DIFF.replace("+new\n", f"+new\n+more{EVIL}\n"),
            proof=Proof(base="b" * 40, checks=(Check(name="test", command="pytest", base=RED, head=head),)),
            usage=Usage(turns=ordinal, usd=0.25, input_tokens=10, seconds=3),
        )
    await store.choose_attempt(run, run.task, 2)
    await store.begin_attempt(run, 3)
    return run


async def test_attempts_are_compared_and_each_has_its_transcript(client: FlaskClient, store: Store) -> None:
    run = await compared(store)
    at = f"/tasks/{run.task}/attempts"
    assert f'href="{at}">compare 3</a> · 2 is published' in client.get(f"/runs/{run.id}").text
    assert at in client.get(f"/tasks/{run.task}").text
    page = client.get(at).text
    assert "+2 −1 in 1 file" in page and "+1 −1 in 1 file" in page and "$0.250" in page
    assert "Way 1" in page and "Way 2" in page and "under way" in page
    assert "<script>alert" not in page and "\x1b" not in page
    only = client.get(f"{at}?show=2&show=x&show={'9' * 30}").text
    assert "Way 2" in only and "Way 1" not in only
    assert "said by 2" in client.get(f"/runs/{run.id}").text
    assert "said by 1" in client.get(f"/runs/{run.id}?attempt=1").text
    assert client.get(f"/runs/{run.id}?attempt={'9' * 30}").status_code == 200
    assert client.get("/tasks/99/attempts").status_code == 404

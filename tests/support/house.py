"""The dashboard on a port of its own with something in every table of its pages, for tests in a browser.

What is shown is hostile wherever an agent, a repository or a stranger writes it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import Flask, request
from playwright.async_api import Page
from sqlalchemy import text

from bot.demo.free_port import find_free_port
from bot.domain import (
    Blocked,
    Check,
    CheckResult,
    Outcome,
    OutcomeKind,
    Person,
    Phase,
    Proof,
    Repo,
    Run,
    Step,
    StepState,
    TaskState,
    Usage,
    Verdict,
)
from bot.tasks.database.connection import Database
from bot.tasks.database.tables import AttemptState, DeliveryState
from bot.tasks.deliveries.undelivered import Undelivered
from bot.tasks.learning.corrections import Correction, CorrectionKind, ProposedRule, RuleState
from bot.tasks.live.records import OutputPiece
from bot.tasks.reports.records import ReportKind
from bot.tasks.safety.records import EVERYWHERE
from bot.tasks.store import Store
from tests.support.browser import serving
from tests.support.dashboard import open_dashboard
from tests.support.hub import Hub, running_hub
from tests.support.tasks import add_delivery, make_request

EVIL = "<img src=x onerror=alert(1)><script>alert(1)</script>\x1b]8;;javascript:alert(1)\x07click\x1b]8;;\x07"
DIFF = (
    "diff --git a/cart.py b/cart.py\n--- a/cart.py\n+++ b/cart.py\n@@ -1,3 +1,3 @@\n def total(prices):\n"
    '-    return "sum"  # <b>old</b>\n+    return sum(prices) * 100 + 1  # new\n ' + "x" * 300 + "\n"
)
LONG = "W" * 400
BACKWARDS = "\u202eevig ot\u202c \u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627"
# What a stranger writes: markup, a word without end, text from right to left, flags and families of emoji.
HOSTILE = f"{EVIL} {LONG} {BACKWARDS} \U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea"
FLOOD = f"{HOSTILE} {'z' * 100_000}"  # one line
# So that no table of an operator's page is empty.
ROWS = (
    "INSERT INTO pauses (scope, login) VALUES ('repository:99', 'maintainer')",
    "INSERT INTO releases (flag, audience, value, unit, steps, hours, margin, login, reason) VALUES"
    " ('model', 'all', '\"offline\"', 'thread', '[1, 100]', 24, 0.15, 'maintainer', :evil)",
    "INSERT INTO refused_requests (delivery, reason, detail, installation, repo_id, repo_full_name,"
    " thread_number, person, login) SELECT 'd' || n, CASE WHEN n < 3 THEN 'moderation' ELSE"
    " 'first request' END, :evil, 5, 11, 'octo/' || :long, n, 9, :evil FROM generate_series(1, 3) AS n",
    "UPDATE tasks SET branch = :evil, reason = :evil, thread = jsonb_set(thread, '{title}',"
    " to_jsonb(CAST(:evil AS text))), requester = jsonb_set(requester, '{login}',"
    " to_jsonb(CAST(:evil AS text)))",
    "UPDATE runs SET error = :evil",
    "UPDATE attempts SET model = :evil, error = :evil",
    "INSERT INTO audit (person, login, address, action, words, outcome)"
    " VALUES (1, :evil, :evil, :evil, :evil, :evil)",
    "INSERT INTO workers (worker, version, slots, memory_bytes, cache_bytes, free_bytes, limits)"
    " VALUES (:evil, :evil, 4, 1, 1, 1, '{}')",
    "INSERT INTO flag_rules (flag, audience, value, percent, unit, login)"
    " VALUES ('prompt', 'all', '\"v2\"', 50, 'repository', 'maintainer')",
)
RED = CheckResult(
    verdict=Verdict.FAILED, exit_code=1, seconds=1.2, passed=9, failed=1, tail=f"{HOSTILE} {'y' * 100_000}"
)
GREEN = CheckResult(verdict=Verdict.PASSED, exit_code=0, seconds=1.1, passed=10, tail="10 passed")


@dataclass
class House:
    """The dashboard on a port, over a repository with one ended run and one that goes on."""

    url: str
    hub: Hub
    store: Store
    ended: Run
    going: Run
    attempt: int
    repo: int
    app: Flask
    asked: set[str] = field(default_factory=set)  # the endpoints that were asked for


async def fill(store: Store, repo: int) -> tuple[Run, Run]:
    """One run that has ended with all there is to show, and one under way."""
    runs = []
    for number, words in ((1, f"round prices half up {HOSTILE}"), (2, "mend the taxes")):
        task = await store.add_task(make_request(number=number, repo=repo, request=words))
        claimed = await store.claim(task.id, "w")
        assert claimed
        run = claimed[1]
        runs.append(run)
        for phase in (Phase.PREPARE, Phase.THINK):
            await store.set_phase(run, phase)
        await store.set_plan(run, (Step(text=f"Mend {EVIL}", state=StepState.DOING), Step(text="Prove")))
        attempt = await store.begin_attempt(run, model="test:small")
        await store.add_turn(run, attempt.id, 0, make_turn(0, "python -m pytest"))
    attempt = (await store.list_attempts(runs[0].task))[0]
    change: dict[str, Any] = {
        "outcome": Outcome(kind=OutcomeKind.CHANGED, title="Mend", summary=f"It **rounds** now. {HOSTILE}"),
        "diff": DIFF,
        "proof": Proof(
            base="b" * 40,
            checks=(Check(name="test", command="python -m pytest", base=RED, head=GREEN),),
            blocked=(Blocked(host="pypi.org", port=443, reason="no", command=EVIL, allow="pypi.org"),),
            not_run=("`lint`: no such program",),
        ),
        "usage": Usage(turns=1, usd=0.25, input_tokens=1234, output_tokens=56, seconds=3),
    }
    await store.end_attempt(runs[0], attempt.id, AttemptState.ENDED, **change)
    await store.choose_attempt(runs[0], runs[0].task, 1)
    await store.finish_run(runs[0], **change)
    await store.release(runs[0], TaskState.DONE)
    return runs[0], runs[1]


def make_turn(seq: int, command: str) -> dict[str, Any]:
    calls = [
        {
            "name": "shell",
            "args": {"command": command},
            "output": f"ran {HOSTILE} {'z' * 100_000}",
            "ok": seq == 0,
            "ms": 12,
        },
        {
            "name": "edit",
            "args": {"path": "a", "old": "a\nb", "new": "a\nc"},
            "output": "",
            "ok": True,
            "ms": 1,
        },
    ]
    total = {"turns": seq + 1, "input_tokens": 10, "output_tokens": 1, "usd": 0.01}
    text = f"Looking at it. {HOSTILE}"
    return {"seq": seq, "model": "m", "text": text, "calls": calls, "ms": {"turn": 30}, "total": total}


def make_undelivered(number: int) -> Undelivered:
    return Undelivered(
        guid=f"lost-{number}",
        event="issue_comment",
        attempt=number,
        attempts=number,
        failed_at=datetime.now(UTC),
        why=f"503 {EVIL}",
    )


def list_pieces() -> list[OutputPiece]:
    """What a command printed: a line that went on, lines that are missing, a colour, its end."""
    texts = ((0, "1 of 3\n2 of", ""), (1, "3 of 3", ""), (8, "\x1b[31mEVIL <b>\x1b[m", "exit code 2, 0.1 s"))
    return [
        OutputPiece(serial=at, command=1, title="$ make <b>all", line=line, text=text, ended=ended)
        for at, (line, text, ended) in enumerate(texts, 1)
    ]


async def fill_boards(store: Store) -> None:
    """What the operators' boards show."""
    await store.block(EVERYWHERE, Person(id=9, login=HOSTILE), by="", reason=HOSTILE)
    repo = Repo(id=11, owner="octo", name="app", default_branch="main", clone_url="")
    kind = CorrectionKind.SAID
    said = [
        Correction(source=f"c:{n}", kind=kind, pull=n, words=HOSTILE, url="u", person=7, login="ann")
        for n in range(3)
    ]
    await store.add_corrections(5, repo, said)
    rule = ProposedRule(key="k", kind=kind, words=HOSTILE, file_kind="", seeds=tuple(said))
    await store.add_proposed_rule(5, repo, rule)
    await store.note_rule(11, "k", RuleState.OPENED, pull=9)
    await store.note_pull_end(11, 4, merged=True, thumbs_up=3, thumbs_down=1)
    family = {"family": HOSTILE, "held": 27, "played": 27}
    found = {"sandbox": "bwrap", "words": [EVIL], "families": [family], "wrong": [HOSTILE], "remarks": [EVIL]}
    await store.add_report(ReportKind.REDTEAM, "one", "1.0", found)
    await store.add_report(ReportKind.EXPORT, "one", "1.0", {"folder": HOSTILE})
    await store.add_report(ReportKind.TUNE, "one", "1.0", {"path": HOSTILE})


@asynccontextmanager
async def open_house(folder: Path, database: Database, store: Store) -> AsyncIterator[House]:
    """The dashboard with all that, of which the maintainer is an operator."""
    url = f"http://127.0.0.1:{(port := find_free_port())}"
    async with (
        running_hub(folder) as hub,
        open_dashboard(database, hub, base_url=url, operators="5000001") as app,
    ):
        repo = await hub.as_maintainer.post("/user/repos", {"name": "shop"})
        for title in ("Rounding", "Taxes"):
            await hub.as_maintainer.post("/repos/maintainer/shop/issues", {"title": title})
        ended, going = await fill(store, repo["id"])
        await fill_boards(store)
        async with database.engine.begin() as connection:
            await connection.execute(text("UPDATE tasks SET repo_full_name = 'maintainer/shop'"))
            for statement in ROWS:
                used = {"evil": EVIL, "long": LONG}
                await connection.execute(
                    text(statement), {name: used[name] for name in used if f":{name}" in statement}
                )
        await add_delivery(store, "failed-1", "issues", b"{}")
        await store.finish_delivery("failed-1", DeliveryState.FAILED, HOSTILE)
        (attempt,) = await store.list_attempts(going.task)
        await store.note_undelivered([make_undelivered(number) for number in (1, 2)])
        house = House(url, hub, store, ended, going, attempt.id, repo["id"], app)
        app.before_request(lambda: house.asked.add(request.endpoint or ""))
        with serving(app, port):
            yield house


async def sign_in(page: Page, house: House, path: str = "/") -> None:
    """As the maintainer, through GitHub's page."""
    await page.goto(f"{house.url}{path}")
    await page.get_by_role("link", name="Sign in with GitHub").click()
    await page.get_by_role("button", name="Authorize Hob").click()
    await page.wait_for_url(f"{house.url}/**")

"""The dashboard in a real browser: signing in, watching a run, orders; by keyboard, on a phone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect
from sqlalchemy import text

from bot.dashboard import live
from bot.domain import (
    Blocked,
    Check,
    CheckResult,
    Outcome,
    OutcomeKind,
    Phase,
    Proof,
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
from bot.tasks.live.records import OutputPiece
from bot.tasks.store import Store
from tests.support.browser import (
    PHONE,
    find_barriers,
    find_free_port,
    is_wider_than_window,
    listen,
    needs_browser,
    open_browser,
    serving,
)
from tests.support.dashboard import open_dashboard
from tests.support.hub import Hub, running_hub
from tests.support.tasks import add_delivery, make_request

pytestmark = needs_browser
EVIL = "<img src=x onerror=alert(1)><script>alert(1)</script>\x1b]8;;javascript:alert(1)\x07click\x1b]8;;\x07"
DIFF = (
    "diff --git a/cart.py b/cart.py\n--- a/cart.py\n+++ b/cart.py\n@@ -1,3 +1,3 @@\n def total(prices):\n"
    '-    return "sum"  # <b>old</b>\n+    return sum(prices) * 100 + 1  # new\n ' + "x" * 300 + "\n"
)
# So that no table of an operator's page is empty.
ROWS = (
    "INSERT INTO pauses (scope, login) VALUES ('repository:99', 'maintainer')",
    "INSERT INTO blocks (scope, person, login) VALUES ('all', 9, '<b>mallory')",
    "INSERT INTO flag_rules (flag, audience, value, percent, unit, login)"
    " VALUES ('prompt', 'all', '\"v2\"', 50, 'repository', 'maintainer')",
)
RED = CheckResult(verdict=Verdict.FAILED, exit_code=1, seconds=1.2, passed=9, failed=1, tail=EVIL)
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


@pytest.fixture
async def house(
    tmp_path: Path, database: Database, store: Store, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[House]:
    monkeypatch.setattr(live, "QUIET_SECONDS", 0.2)  # a stream whose browser is gone ends at its next word
    url = f"http://127.0.0.1:{(port := find_free_port())}"
    async with (
        running_hub(tmp_path) as hub,
        open_dashboard(database, hub, base_url=url, operators="5000001") as app,
    ):
        repo = await hub.as_maintainer.post("/user/repos", {"name": "shop"})
        for title in ("Rounding", "Taxes"):
            await hub.as_maintainer.post("/repos/maintainer/shop/issues", {"title": title})
        ended, going = await fill(store, repo["id"])
        async with database.engine.begin() as connection:
            for statement in ("UPDATE tasks SET repo_full_name = 'maintainer/shop'", *ROWS):
                await connection.execute(text(statement))
        await add_delivery(store, "failed-1", "issues", b"{}")
        await store.finish_delivery("failed-1", DeliveryState.FAILED, EVIL)
        (attempt,) = await store.list_attempts(going.task)
        await store.note_undelivered([make_undelivered(number) for number in (1, 2)])
        with serving(app, port):
            yield House(url, hub, store, ended, going, attempt.id, repo["id"])


async def fill(store: Store, repo: int) -> tuple[Run, Run]:
    """One run that has ended with all there is to show, and one under way."""
    runs = []
    for number, words in ((1, f"round prices half up {EVIL}"), (2, "mend the taxes")):
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
        "outcome": Outcome(kind=OutcomeKind.CHANGED, title="Mend", summary=f"It **rounds** now. {EVIL}"),
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
        {"name": "shell", "args": {"command": command}, "output": f"ran {EVIL}", "ok": seq == 0, "ms": 12},
        {
            "name": "edit",
            "args": {"path": "a", "old": "a\nb", "new": "a\nc"},
            "output": "",
            "ok": True,
            "ms": 1,
        },
    ]
    total = {"turns": seq + 1, "input_tokens": 10, "output_tokens": 1, "usd": 0.01}
    text = f"Looking at it. {EVIL}"
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


async def sign_in(page: Page, house: House, path: str = "/") -> None:
    """As the maintainer, through GitHub's page."""
    await page.goto(f"{house.url}{path}")
    await page.get_by_role("link", name="Sign in with GitHub").click()
    await page.get_by_role("button", name="Authorize Hob").click()
    await page.wait_for_url(f"{house.url}/**")


async def test_a_maintainer_signs_in_watches_and_steers(house: House) -> None:
    async with open_browser() as browser:
        page = await browser.new_page()
        said = listen(page)
        await sign_in(page, house, f"/runs/{house.going.id}")
        assert page.url == f"{house.url}/runs/{house.going.id}"
        await expect(page.locator("#live-status")).to_have_text("live")

        call = page.locator("#turn-0-call-1")
        await call.locator("summary").focus()
        await page.keyboard.press("Enter")
        await expect(call.locator("pre.output")).to_contain_text("ran <img")
        await house.store.add_turn(house.going, house.attempt, 1, make_turn(1, "echo second"))
        await expect(page.locator("#turn-1")).to_contain_text("$ echo second")
        await expect(page.locator("#head")).to_contain_text("2 turns")
        assert await call.evaluate("each => each.open"), "what was opened stays open"
        assert await call.locator("summary").evaluate("each => each === document.activeElement")

        await house.store.add_output(house.going, list_pieces(), forget_until=0)
        block = page.locator("#command-1")
        await expect(block.locator("summary")).to_contain_text("$ make <b>all")
        await expect(block.locator("pre")).to_have_text("1 of 3\n3 of 3\n… 6 lines are not shown\nEVIL <b>\n")
        await expect(block.locator(".a-c1")).to_have_text("EVIL <b>")
        await expect(block.locator(".tone")).to_have_text("exit code 2, 0.1 s")

        words = page.get_by_label("Say something to the agent")
        await words.fill("round half up")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("status")).to_contain_text("Said on the thread in your name: say")
        path = "/repos/maintainer/shop/issues/2/comments"
        assert [each["body"] for each in await house.hub.as_maintainer.get(path)] == ["@hob round half up"]

        await page.goto(f"{house.url}/runs/{house.going.id}")
        await expect(page.locator("#live-status")).to_have_text("live")
        proof = Proof(checks=(Check(name="test", command="make test", base=RED, head=GREEN),))
        await house.store.finish_run(house.going, proof=proof, diff=DIFF)
        await house.store.release(house.going, TaskState.DONE)
        await expect(page.locator("#live-status")).to_have_text("ended")
        await expect(page.locator("#result")).to_contain_text("make test")
        await expect(page.locator("#result .t-keyword").first).to_be_visible()
        assert await page.locator("li.turn").count() == 2

        await page.get_by_role("link", name="side by side").focus()
        await page.keyboard.press("Enter")
        await expect(page.locator(".beside-rows .add .t-keyword").first).to_be_visible()
        assert "diff=split" in page.url
        await page.get_by_role("link", name="2", exact=True).last.click()
        assert page.url.endswith("#change-1-2")

        await page.get_by_role("link", name="Hob", exact=True).click()
        await page.wait_for_load_state()
        await page.locator("#words").fill("round")
        await expect(page.locator(".card")).to_have_count(1)
        assert "words=round" in page.url
        await expect(page.locator("#words")).to_be_focused()
        card = await page.locator(".card").element_handle()
        async with page.expect_response(lambda answer: "words=round" in answer.url):
            pass  # it refreshes itself, and leaves alone what is as it was
        assert card and await card.evaluate("each => each.isConnected")
        await house.store.add_task(make_request(number=1, repo=house.repo, request="round again"))
        await expect(page.locator(".card")).to_have_count(2)
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        assert said == []


async def test_every_page_is_for_everybody(house: House) -> None:
    """On a phone and a desk, in light and dark: no barrier, nothing beyond the edge, a silent console."""
    task, run = house.ended.task, house.ended.id
    paths = (
        *("/", "/nowhere", "/operators", "/figures", "/tokens"),
        *("/experiments", "/safety", "/learning", "/forecast"),
        f"/tasks/{task}",
        f"/tasks/{task}/attempts",
        f"/runs/{run}",
        f"/runs/{run}?diff=split",
        f"/runs/{house.going.id}",
    )
    async with open_browser() as browser:
        context = await browser.new_context(viewport=PHONE)  # type: ignore[arg-type]
        page = await context.new_page()
        await page.goto(f"{house.url}/sign-in")
        assert await find_barriers(page) == []
        await sign_in(page, house)
        said = listen(page)
        wrong = []
        for path in paths:
            await page.goto(f"{house.url}{path}")
            await page.emulate_media(color_scheme="light")
            wrong += [f"{path}: {each}" for each in await find_barriers(page)]
            await page.emulate_media(color_scheme="dark")
            wrong += [f"{path} dark: {each}" for each in await find_barriers(page, colours_only=True)]
            if await is_wider_than_window(page):
                wrong.append(f"{path} is wider than a phone")
            assert await page.locator("img[src=x], script:not([src])").count() == 0
        assert not wrong, "\n".join(wrong)
        assert [each for each in said if "404" not in each] == []
        await page.set_viewport_size({"width": 1100, "height": 900})
        await page.goto(f"{house.url}/")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        assert page.url.endswith("#main"), "the first stop of the keyboard leads to the content"


async def test_an_operator_asks_for_what_did_not_arrive_by_keyboard(house: House) -> None:
    """The button keeps the focus while the page refreshes itself, and what it did is seen."""
    async with open_browser() as browser:
        page = await browser.new_page()
        said = listen(page)
        await sign_in(page, house, "/operators")
        button = page.get_by_role("button", name="Ask again for lost-1")
        await button.focus()
        async with page.expect_response(lambda answer: answer.url.endswith("/operators")):
            pass
        await expect(button).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("a worker is about to")).to_be_visible()
        await expect(button).to_have_count(0)
        await expect(page.get_by_label("Audit log").get_by_text("redeliver: lost-1")).to_be_visible()
        assert [each.guid for each in await house.store.take_redelivery_wishes()] == ["lost-1"]
        assert said == []

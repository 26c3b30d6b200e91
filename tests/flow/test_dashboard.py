"""The dashboard in a real browser: signing in, watching a run, orders; by keyboard, on a phone."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from bot.dashboard import live
from bot.domain import (
    Check,
    Proof,
    TaskState,
)
from bot.tasks.database.connection import Database
from bot.tasks.store import Store
from tests.support.browser import (
    PHONE,
    find_barriers,
    find_out_of_reach,
    is_wider_than_window,
    listen,
    needs_browser,
    open_browser,
)
from tests.support.house import (
    DIFF,
    GREEN,
    RED,
    House,
    list_pieces,
    make_turn,
    open_house,
    sign_in,
)
from tests.support.tasks import make_request

pytestmark = needs_browser


@pytest.fixture
async def house(
    tmp_path: Path, database: Database, store: Store, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[House]:
    monkeypatch.setattr(live, "QUIET_SECONDS", 0.2)  # a stream whose browser is gone ends at its next word
    async with open_house(tmp_path, database, store) as house:
        yield house


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
        await expect(page.locator(".card")).to_have_count(1, timeout=30_000)
        assert "words=round" in page.url
        await expect(page.locator("#words")).to_be_focused()
        card = await page.locator(".card").element_handle()
        async with page.expect_response(lambda answer: "words=round" in answer.url):
            pass  # it refreshes itself, and leaves alone what is as it was
        assert card and await card.evaluate("each => each.isConnected")
        await house.store.add_task(make_request(number=1, repo=house.repo, request="round again"))
        await expect(page.locator(".card")).to_have_count(2, timeout=30_000)
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        assert said == []


WORDS = "document.title + document.body.textContent"
# Addresses that are no page of their own, and what they are: every other one is visited below.
NO_PAGES = {
    "static": "files of the pages",
    "sign_in.ask": "for who is not signed in, and visited so",
    "sign_in.begin": "leads to GitHub's page, by every sign-in here",
    "sign_in.finish": "leads back from it",
    "pages.run_events": "the stream of a run's page",
    "pages.run_turns": "a part of a run's page",
    "pages.run_json": "JSON",
    "pages.healthz": "a word for a machine",
    "figures.download": "CSV",
}


def list_pages(house: House) -> list[str]:
    """The address of every page there is, from the application's own routes, and views of them."""
    numbers = {"tasks": house.ended.task, "runs": house.ended.id}
    routes = [rule for rule in house.app.url_map.iter_rules() if "GET" in (rule.methods or ())]
    assert NO_PAGES.keys() <= {rule.endpoint for rule in routes}
    found = []
    for rule in routes:
        if rule.endpoint not in NO_PAGES and not rule.endpoint.startswith("api."):
            kind = rule.rule.split("/")[1]
            path = rule.rule.replace("<int:number>", str(numbers.get(kind, "")))
            assert "<" not in path and "//" not in path, f"say which {path} a browser is to visit"
            found.append(path)
    views = ("/nowhere", "/?words=round", "/?words=nothing&state=done", "/figures?by=person")
    run, going = house.ended.id, house.going
    return [*found, *views, f"/runs/{run}?diff=split", f"/runs/{going.id}", f"/tasks/{going.task}"]


async def test_every_page_is_for_everybody(house: House) -> None:
    """On a phone, in light and dark, by keyboard: no barrier, nothing out of reach or beyond the edge."""
    async with open_browser() as browser:
        context = await browser.new_context(viewport=PHONE)  # type: ignore[arg-type]
        page = await context.new_page()
        await page.goto(f"{house.url}/sign-in")
        assert await find_barriers(page) == [] and await find_out_of_reach(page) == []
        await sign_in(page, house)
        said = listen(page)
        wrong = []
        for path in list_pages(house):
            await page.goto(f"{house.url}{path}")
            await page.get_by_text(re.compile("Being (counted|searched for)")).wait_for(state="detached")
            if await page.evaluate(f"/[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u202a-\\u202e]/.test({WORDS})"):
                wrong.append(f"{path} has controls of terminals or of directions")
            await page.emulate_media(color_scheme="light")
            wrong += [f"{path}: {each}" for each in await find_barriers(page)]
            await page.emulate_media(color_scheme="dark")
            wrong += [f"{path} dark: {each}" for each in await find_barriers(page, colours_only=True)]
            wrong += [f"{path} by keyboard: {each}" for each in await find_out_of_reach(page)]
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


async def test_every_action_is_done_by_keyboard(house: House) -> None:
    """Whatever takes a POST is played here: a new action fails this test until it is."""
    ended, going, digest = f"/tasks/{house.ended.task}", f"/tasks/{house.going.task}", "a" * 40
    async with open_browser() as browser:
        page = await browser.new_page()
        said = listen(page)
        await sign_in(page, house)

        async def press(name: str, *, on: str, exact: bool = True, **filled: str) -> None:
            """Fill fields by their labels and press a button of a page, by keyboard; a page follows."""
            await page.goto(f"{house.url}{on}")
            button = page.get_by_role("button", name=name, exact=exact)
            form = page.locator("form").filter(has=button)
            for label, value in filled.items():
                field = form.get_by_label(label.replace("_", " "))
                await field.focus()
                await page.keyboard.press("Control+A")
                await page.keyboard.type(value)
            await button.focus()
            async with page.expect_navigation():
                await page.keyboard.press("Enter")

        await press("Do it again", on=ended)
        await press("Try", on=ended, Attempts="2")
        await press("Publish it", on=ended)
        await press("Say it", on=ended, Ask_for_something_else="and the taxes")
        await page.goto(f"{house.url}{ended}")
        await page.locator("#approve summary").focus()
        await page.keyboard.press("Enter")
        await page.keyboard.press("Tab")
        await page.keyboard.type(digest)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("status")).to_contain_text("Said on the thread in your name: approve")
        await press("Stop", on=going)
        at = "/repos/maintainer/shop/issues"
        comments = await house.hub.as_maintainer.get(f"{at}/1/comments")
        orders = ["retry", "try 2", "use 1", "and the taxes", f"approve {digest}"]
        assert [each["body"] for each in comments] == [f"@hob {order}" for order in orders]
        (stopped,) = await house.hub.as_maintainer.get(f"{at}/2/comments")
        assert stopped["body"] == "@hob stop"

        await press("Handle again failed-1", on="/operators")
        await press("Ask for all of them again", on="/operators")
        await press("Pause", on="/operators", all_="installation:5")
        await press("Resume installation:5", on="/operators")
        await press("Kill", on="/operators", all_="repository:98", why="it loops")
        await expect(page.get_by_role("button", name="Resume repository:98")).to_be_visible()
        await press("Set", on="/operators", flag="turns", says="30", percent="10")
        await press("Clear turns for all", on="/operators")
        await press("Stop the release of model", on="/operators")
        await expect(page.get_by_text("stopped", exact=True)).to_be_visible()
        await press("Block", on="/safety", login="77", why="spam")
        await press("Unblock 77", on="/safety")
        await press("Make a token", on="/tokens", what="a program")
        await press("Revoke a program", on="/tokens")
        await press("Sign out", on="/tokens")
        await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        actions = {rule.endpoint for rule in house.app.url_map.iter_rules() if "POST" in (rule.methods or ())}
        assert actions - house.asked == set(), "actions that no browser test does"
        assert said == []


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

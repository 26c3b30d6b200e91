"""The local GitHub's pages: what a person sees, what the forms do, and what must not get in."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from localhub.pages.markup import render
from localhub.pages.patch import make_rows
from tests.support.hub import Hub, running_hub

PATH = "/maintainer/shop"
OLD = 'def free(amount):\n    """Whether sending is free."""\n    return amount > 5000\n'
NEW = OLD.replace("> 5000", ">= 5000")


class Browser:
    """A visitor: keeps cookies, finds the form's token, follows redirects."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session, self.url = session, url

    async def get(self, path: str, **options: Any) -> tuple[int, str]:
        """(status, HTML)."""
        async with self.session.get(self.url + path, **options) as response:
            return response.status, await response.text()

    async def submit(self, page: str, action: str, **fields: str) -> tuple[int, str]:
        """Fill the form of a page and send it: (status, HTML) of where it leads."""
        _, html = await self.get(page)
        assert f'action="{action}"' in html, f"{page} has no form for {action}"
        token = re.findall(r'name="token" value="(\w+)"', html)[0]
        async with self.session.post(self.url + action, data={"token": token, **fields}) as response:
            return response.status, await response.text()


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    """A hub whose webhooks go nowhere."""
    async with running_hub(tmp_path, "http://127.0.0.1:9/webhook") as running:
        yield running


@pytest.fixture
async def browser(hub: Hub) -> AsyncIterator[Browser]:
    """A visitor of a hub with the repository maintainer/shop: an issue and a pull request of the bot."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        await fill(hub)
        yield Browser(session, hub.web_url)


async def fill(hub: Hub) -> None:
    """A repository with an issue, and the bot's draft that answers it."""
    await hub.seed_repo("shop", {"shop.py": OLD, "README.md": "# A shop\n"})
    await hub.push_files("shop", {"shop.py": NEW}, branch="hob/1-free")
    repo, bot = f"/repos{PATH}", await hub.as_bot()
    text = "Exactly **50.00**\n\n- [x] seen\n- [ ] fixed\n\n<script>alert(1)</script>"
    await hub.as_maintainer.post(f"{repo}/issues", {"title": "Free <from> 50.00", "body": text})
    body = {
        "title": "Free from 50.00",
        "body": "Fixes #1",
        "head": "hob/1-free",
        "base": "main",
        "draft": True,
    }
    pull = await bot.post(f"{repo}/pulls", body)
    spot = {"path": "shop.py", "line": 3, "side": "RIGHT", "body": "The **boundary**"}
    await bot.post(f"{repo}/pulls/2/reviews", {"event": "COMMENT", "body": "One place", "comments": [spot]})
    output = {"title": "1 passed", "summary": "`pytest`: **1 passed**"}
    run = {"name": "hob", "head_sha": pull["head"]["sha"], "status": "completed", "conclusion": "success"}
    await bot.post(f"{repo}/check-runs", run | {"output": output})


async def test_a_person_finds_the_way(browser: Browser) -> None:
    _, html = await browser.get("/")
    assert f'href="{PATH}"' in html
    _, html = await browser.get(PATH)
    assert "shop.py" in html and "hob/1-free" in html
    _, html = await browser.get(f"{PATH}/blob/hob/1-free/shop.py")
    assert "amount &gt;= 5000" in html
    _, html = await browser.get(f"{PATH}/issues")
    assert "Free &lt;from&gt; 50.00" in html
    _, html = await browser.get(f"{PATH}/pulls")
    assert f'href="{PATH}/pull/2"' in html
    for path in (
        "/maintainer",
        "/apps/hob",
        "/hob",
        f"{PATH}/commit/main",
        f"{PATH}/pull/1",
        f"{PATH}/issues/2",
    ):
        status, _ = await browser.get(path)
        assert status == (404 if path.endswith("commit/main") else 200), path
    for path in (
        "/nobody",
        "/nobody/nothing",
        f"{PATH}/issues/77",
        f"{PATH}/blob/main/none.py",
        f"{PATH}/runs/1",
    ):
        status, html = await browser.get(path)
        assert status == 404, path


async def test_a_person_installs_the_app_on_their_account(hub: Hub, browser: Browser) -> None:
    at, count = "/apps/hob/installations/new", "SELECT count(*) FROM installations"
    before = hub.hub.state.count(count)
    for _ in range(2):
        status, html = await browser.submit(at, at, person="stranger")
        assert status == 200 and "@hob" in html
    assert hub.hub.state.count(count) == before + 1, "once"
    assert (await browser.get("/apps/nobody/installations/new"))[0] == 404
    async with browser.session.post(browser.url + at, data={"person": "maintainer"}) as forged:
        assert forged.status == 403


async def test_an_issue_page_renders_and_escapes(browser: Browser) -> None:
    status, html = await browser.get(f"{PATH}/issues/1")
    assert status == 200
    assert "<strong>50.00</strong>" in html
    assert html.count('type="checkbox"') >= 2
    assert "alert(1)" not in html
    assert "<from>" not in html


async def test_a_pull_request_page_shows_the_whole_story(browser: Browser) -> None:
    status, html = await browser.get(f"{PATH}/pull/2")
    assert status == 200
    text = unescape(re.sub(r"<[^>]+>", "", html))
    for words in (
        "One place",
        "The boundary",
        "return amount >= 5000",
        "hob/1-free",
        "1 passed",
        "Ready for review",
    ):
        assert words in text, words
    files = html[html.index('id="files"') :]
    added = files.index("row-add")
    assert added < files.index("row-thread"), "the comment stands under its line"
    assert "<mark>=</mark>" in files


async def test_forms_do_what_the_api_does(browser: Browser, hub: Hub) -> None:
    issue, pull = f"{PATH}/issues/1", f"{PATH}/pull/2"
    await browser.submit(
        f"{PATH}/issues/new", f"{PATH}/issues", title="Vouchers", body="@hob?", person="stranger"
    )
    await browser.submit(issue, f"{issue}/comments", body="Seen *here*\r\ntwice", person="stranger")
    await browser.submit(issue, f"{issue}/labels", label="bug", person="maintainer")
    await browser.submit(issue, f"{issue}/state", state="closed", person="maintainer")
    comment = hub.hub.state.one("SELECT * FROM review_comments")["id"]
    await browser.submit(pull, f"{pull}/comments/{comment}/replies", body="Agreed", person="maintainer")
    await browser.submit(pull, f"{pull}/reviews", event="APPROVE", body="Good", person="maintainer")
    _, html = await browser.submit(pull, f"{pull}/ready", person="maintainer")
    assert "Merge pull request" in html
    _, html = await browser.submit(pull, f"{pull}/merge", person="maintainer")
    assert "state-merged" in html
    _, html = await browser.get(issue)
    assert "Seen <em>here</em>" in html and "state-done" in html
    rows = hub.hub.state.all("SELECT event, action, payload FROM deliveries ORDER BY id")
    told = [(row["event"], row["action"]) for row in rows]
    for event in (
        ("issues", "opened"),
        ("issue_comment", "created"),
        ("issues", "labeled"),
        ("issues", "closed"),
        ("pull_request_review_comment", "created"),
        ("pull_request_review", "submitted"),
        ("pull_request", "ready_for_review"),
        ("pull_request", "closed"),
    ):
        assert event in told


async def test_forms_refuse_as_the_api_does(browser: Browser) -> None:
    pull = f"{PATH}/pull/2"
    status, html = await browser.submit(pull, f"{pull}/ready", person="stranger")
    assert status == 422
    assert "push access" in html
    status, html = await browser.submit(pull, f"{pull}/reviews", event="", body="  ", person="maintainer")
    assert status == 422
    assert "blank" in html


async def test_only_forms_of_our_own_pages_count(browser: Browser) -> None:
    action, fields = f"{PATH}/issues/1/comments", {"body": "x", "person": "maintainer"}
    url = browser.url + action
    _, html = await browser.get(f"{PATH}/issues/1")
    token = re.findall(r'name="token" value="(\w+)"', html)[0]
    async with browser.session.post(url, data=fields) as response:
        assert response.status == 403, "no token"
    async with browser.session.post(
        url, data=fields | {"token": token}, headers={"Origin": "https://evil.example"}
    ) as response:
        assert response.status == 403, "another origin"
    async with aiohttp.ClientSession() as other, other.post(url, data=fields | {"token": token}) as response:
        assert response.status == 403, "another session"
    async with browser.session.post(url, data=fields | {"token": token, "person": "hob[bot]"}) as response:
        assert response.status == 403, "a bot is not a person"
    async with browser.session.get(browser.url + "/", headers={"Host": "evil.example"}) as response:
        assert response.status == 421, "a name bound to this address"


async def test_pages_load_nothing_from_elsewhere(browser: Browser) -> None:
    async with browser.session.get(f"{browser.url}{PATH}/pull/2") as response:
        policy = response.headers["Content-Security-Policy"]
        html = await response.text()
        tag = response.headers["ETag"]
    assert "default-src 'self'" in policy
    assert "style=" not in html and "onclick" not in html
    for found in re.findall(r'(?:src|href)="(http[^"]+)"', html):
        assert found.startswith(browser.url), found
    for path in ("/_static/hub.css", "/_static/hub.js", "/_static/mark.svg"):
        assert (await browser.get(path))[0] == 200
    assert await browser.get(f"{PATH}/pull/2", headers={"If-None-Match": tag}) == (304, "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see #7 and @hob", '<a href="/o/n/issues/7"'),
        ("mail me@example.com, v#7, a/b#3", "<p>mail me@example.com, v#7, a/b#3</p>"),
        ("`#7`", "<code>#7</code>"),
        ("https://example.com/a_b.", ">https://example.com/a_b</a>."),
        ("[x](javascript:alert(1))", "[x](javascript:alert(1))"),
        ('<a href="javascript:alert(1)">x</a>', '<a rel="nofollow noopener">x</a>'),
        ("<!-- hob:7 -->shown", "shown"),
        ("<details><summary>More</summary>\n\nx\n\n</details>", "<details><summary>More</summary>"),
        ("|a|\n|-:|\n|1|", '<td align="right">1</td>'),
        (
            "![p](https://example.com/p.png)",
            '<a href="https://example.com/p.png" rel="nofollow noopener">p</a>',
        ),
        ("a<img src=x onerror=alert(1)>b", "<p>ab</p>"),
        ('<p style="color:red" class="x" id="main">y</p>', "<p>y</p>"),
        ("one\ntwo", "one<br>"),
        (f"in {'4f' * 20}.", f'<a href="/o/n/commit/{"4f" * 20}" rel="nofollow noopener">4f4f4f4</a>.'),
        ("a defaced deadbeefcafe stays", "<p>a defaced deadbeefcafe stays</p>"),
    ],
)
def test_markdown_as_github_shows_it(text: str, expected: str) -> None:
    html = str(render(text, repo_path="/o/n"))
    assert expected in html
    assert "hob:7" not in html


def test_a_patch_becomes_numbered_rows() -> None:
    patch = "@@ -1,3 +1,3 @@ def f():\n a\n-b = 1\n+b = 2\n c\n\\ No newline at end of file"
    kinds = [(line.kind, line.old, line.new) for line in make_rows(patch)]
    assert kinds == [("hunk", None, None), ("same", 1, 1), ("del", 2, None), ("add", None, 2), ("same", 3, 3)]
    assert [str(line.html) for line in make_rows(patch)][2:4] == ["b = <mark>1</mark>", "b = <mark>2</mark>"]
    assert make_rows(patch)[-1].no_newline

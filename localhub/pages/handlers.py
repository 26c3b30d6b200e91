"""The pages on which a person sees this GitHub: repositories, files, issues, pull requests, check runs.

Reading only; `localhub.pages.forms` is what the forms do. There is no sign-in: everything is shown, and
whoever may reach the port is trusted (`localhub.pages.guard` keeps other sites out).
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from localhub.hub import Hub
from localhub.objects.repository import full_name
from localhub.pages import checks, markup
from localhub.pages import conversations as pageview
from localhub.pages import people as pagepeople
from localhub.pages.conversations import View
from localhub.pages.files import read_commit, read_path
from localhub.pages.guard import PageGuard
from localhub.rest.api import Routes
from localhub.state import Row

FOLDER = Path(__file__).parent
PERSONA = "hub_person"
REPO = r"/{owner:[\w.-]+}/{repo:[\w.-]+}"
NUMBER = r"/{number:\d+}"
Page = Callable[["Pages", web.Request], Awaitable[web.StreamResponse]]


class Pages:
    """Every page of one hub."""

    def __init__(self, hub: Hub, tables: list[Routes]) -> None:
        self.hub = hub
        self.tables = tables
        self.guard = PageGuard(hub.state, hub.web_url)
        self.templates = Environment(
            loader=FileSystemLoader(FOLDER / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
        )
        self.templates.filters |= {
            "ago": lambda stamp: ago(stamp, hub.state.time()),
            "md": lambda text, repo_path="": markup.render(text, repo_path=repo_path),
            "short": lambda ref: ref[:7] if len(ref) == 40 else ref,
            "urlpath": quote,
            "weblink": lambda url: urlsplit(url or "").scheme in ("http", "https"),
        }

    def route(self, page: Page) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """A handler with what stands before and after every page."""

        async def handler(request: web.Request) -> web.StreamResponse:
            self.guard.check_host(request)
            try:
                response = await page(self, request)
            except LookupError:
                response = self.problem(request, 404, "Not here", "There is no such page on this GitHub.")
            self.guard.dress(response, self.guard.session(request))
            return response

        return handler

    def show(self, request: web.Request, template: str, view: View, status: int = 200) -> web.Response:
        """A page from a template; 304 when the browser has it already."""
        people = self.people()
        persona = request.cookies.get(PERSONA, "")
        text = self.templates.get_template(template).render(
            view,
            token=self.guard.token(self.guard.session(request)),
            people=people,
            persona=persona if persona in people else (people or [""])[0],
        )
        tag = f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers={"ETag": tag})
        headers = {"ETag": tag, "Cache-Control": "no-store"}
        return web.Response(status=status, text=text, content_type="text/html", headers=headers)

    def problem(self, request: web.Request, status: int, heading: str, text: str) -> web.Response:
        """A page that says what went wrong."""
        back = urlsplit(request.headers.get("Referer", "/")).path or "/"
        return self.show(request, "problem.html", {"heading": heading, "text": text, "back": back}, status)

    def people(self) -> list[str]:
        """Who may act on the pages: every person, oldest first."""
        rows = self.hub.state.all("SELECT login FROM accounts WHERE type = 'User' ORDER BY id")
        return [row["login"] for row in rows]

    def repo(self, request: web.Request) -> Row:
        """The repository in the path; LookupError when there is none."""
        found = self.hub.state.repo_by_name(request.match_info["owner"], request.match_info["repo"])
        if found is None:
            raise LookupError("repository")
        return found

    def in_repo(self, repo: Row, tab: str) -> View:
        """What every page of a repository shows."""
        counts = {name: open_count(self.hub, repo, pulls) for name, pulls in (("issues", 0), ("pulls", 1))}
        return {"repo": repo, "repo_path": f"/{full_name(repo)}", "tab": tab, "counts": counts}

    def issue(self, request: web.Request, repo: Row) -> Row:
        """The issue or pull request in the path; LookupError when there is none."""
        found = self.hub.state.issue(repo["id"], int(request.match_info["number"]))
        if found is None:
            raise LookupError("issue")
        return found


def open_count(hub: Hub, repo: Row, is_pull: int) -> int:
    """How many issues or pull requests are open."""
    sql = "SELECT count(*) FROM issues WHERE repo_id = ? AND is_pull = ? AND state = 'open'"
    return hub.state.count(sql, repo["id"], is_pull)


def ago(stamp: str, now: float) -> str:
    """A time as people say it."""
    seconds = now - datetime.fromisoformat(stamp).timestamp()
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            number = int(seconds // size)
            return f"{number} {name}{'' if number == 1 else 's'} ago"
    return "just now"


def card(hub: Hub, row: Row) -> View:
    """A repository on the front page."""
    repo = hub.state.repo(row["id"])
    parent = None if repo["parent_id"] is None else hub.state.repo(repo["parent_id"])
    return repo | {
        "path": f"/{full_name(repo)}",
        "issues": open_count(hub, repo, 0),
        "pulls": open_count(hub, repo, 1),
        "fork_of": None if parent is None else full_name(parent),
    }


async def front(pages: Pages, request: web.Request) -> web.Response:
    """Every repository, the last pushed first."""
    rows = pages.hub.state.all("SELECT id FROM repos ORDER BY coalesce(pushed_at, created_at) DESC, id DESC")
    cards = [card(pages.hub, row) for row in rows]
    view = {"heading": "Repositories", "repos": cards, "api_url": pages.hub.api_url}
    return pages.show(request, "front.html", view)


async def account(pages: Pages, request: web.Request) -> web.Response:
    """The repositories of one account."""
    login = request.match_info["owner"]
    row = pages.hub.state.account_by_login(login)
    if row is None and pages.hub.state.maybe("SELECT 1 FROM apps WHERE slug = ?", login):
        raise web.HTTPFound(f"/apps/{login}")  # where a mention of a bot leads
    if row is None:
        raise LookupError("account")
    rows = pages.hub.state.all("SELECT id FROM repos WHERE owner_id = ? ORDER BY id DESC", row["id"])
    cards = [card(pages.hub, one) for one in rows]
    return pages.show(
        request, "front.html", {"heading": row["login"], "repos": cards, "api_url": pages.hub.api_url}
    )


async def app_page(pages: Pages, request: web.Request) -> web.Response:
    """What a GitHub App is."""
    row = pages.hub.state.maybe("SELECT * FROM apps WHERE slug = ?", request.match_info["slug"])
    if row is None:
        raise LookupError("app")
    return pages.show(request, "app.html", {"app": row, "person": pages_person(pages.hub, row)})


def pages_person(hub: Hub, app: Row) -> pagepeople.Person:
    """The bot of an App."""
    return pagepeople.person(hub.state.account(app["bot_id"]))


async def code(pages: Pages, request: web.Request) -> web.Response:
    """A directory or a file of a branch or commit; the default branch without one."""
    repo = pages.repo(request)
    found = read_path(pages.hub, repo, request.match_info.get("where", ""))
    view = pages.in_repo(repo, "code") | found | {"clone_url": f"{pages.hub.web_url}/{full_name(repo)}.git"}
    return pages.show(request, "file.html" if "text" in found else "repo.html", view)


async def commit(pages: Pages, request: web.Request) -> web.Response:
    """A commit with its diff."""
    repo = pages.repo(request)
    view = await read_commit(pages.hub, repo, request.match_info["sha"])
    return pages.show(request, "commit.html", pages.in_repo(repo, "code") | view)


async def issues(pages: Pages, request: web.Request) -> web.Response:
    """All issues, or all pull requests, open ones first."""
    repo, is_pull = pages.repo(request), request.path.endswith("/pulls")
    rows = pages.hub.state.all(
        "SELECT * FROM issues WHERE repo_id = ? AND is_pull = ? ORDER BY state = 'closed', number DESC",
        repo["id"],
        is_pull,
    )
    view = pages.in_repo(repo, "pulls" if is_pull else "issues") | {
        "heading": "Pull requests" if is_pull else "Issues",
        "items": [pageview.issue_row(pages.hub, row) for row in rows],
    }
    return pages.show(request, "issues.html", view)


async def new_issue(pages: Pages, request: web.Request) -> web.Response:
    """The form for a new issue."""
    return pages.show(request, "new_issue.html", pages.in_repo(pages.repo(request), "issues"))


async def thread(pages: Pages, request: web.Request) -> web.Response:
    """An issue or a pull request; each answers under the other's address with a redirect."""
    repo = pages.repo(request)
    issue = pages.issue(request, repo)
    pull = pages.hub.state.pull(repo["id"], issue["number"])
    path = f"/{full_name(repo)}/{'pull' if pull else 'issues'}/{issue['number']}"
    if request.path != path:
        raise web.HTTPFound(path + ("#files" if request.path.endswith("/files") else ""))
    if pull is None:
        view = (
            pages.in_repo(repo, "issues") | pageview.thread_page(pages.hub, repo, issue) | {"reply_path": ""}
        )
        return pages.show(request, "thread.html", view)
    view = pages.in_repo(repo, "pulls") | await pageview.pull_page(pages.hub, repo, issue, pull)
    return pages.show(request, "pull.html", view | {"reply_path": f"{path}/comments"})


async def check_run(pages: Pages, request: web.Request) -> web.Response:
    """A check run with all that it says."""
    repo = pages.repo(request)
    sql = "SELECT * FROM check_runs WHERE repo_id = ? AND id = ?"
    row = pages.hub.state.one(sql, repo["id"], int(request.match_info["number"]))
    view = {"check": checks.check_view(pages.hub, row), "annotations": checks.notes(pages.hub, row)}
    return pages.show(request, "check_run.html", pages.in_repo(repo, "pulls") | view)


async def avatar(pages: Pages, request: web.Request) -> web.Response:
    """An account's picture."""
    row = pages.hub.state.account(int(request.match_info["number"]))
    parts: Any = pages.templates.get_template("parts.html").module
    svg = str(parts.avatar(pagepeople.person(row))).replace(
        "<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1
    )
    return web.Response(text=svg, content_type="image/svg+xml")


READING: tuple[tuple[str, Page], ...] = (
    ("/", front),
    (r"/avatars/u/{number:\d+}", avatar),
    (r"/apps/{slug:[\w-]+}", app_page),
    (r"/{owner:[\w-]+}", account),
    (REPO, code),
    (REPO + "/tree/{where:.+}", code),
    (REPO + "/blob/{where:.+}", code),
    (REPO + "/commit/{sha:[0-9a-f]{7,40}}", commit),
    (REPO + "/issues", issues),
    (REPO + "/pulls", issues),
    (REPO + "/issues/new", new_issue),
    (REPO + "/issues" + NUMBER, thread),
    (REPO + "/pull" + NUMBER, thread),
    (REPO + "/pull" + NUMBER + "/files", thread),
    (REPO + "/runs" + NUMBER, check_run),
)


def add_pages(app: web.Application, hub: Hub, tables: list[Routes]) -> None:
    """Put the pages and their forms on an application, after everything more particular."""
    from localhub.pages.forms import WRITING

    pages = Pages(hub, tables)
    app.router.add_static("/_static", FOLDER / "static")
    for path, page in READING:
        app.router.add_get(path, pages.route(page))
    for path, page in WRITING:
        app.router.add_post(path, pages.route(page))

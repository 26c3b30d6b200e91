"""What every page is served with: the guard, templates, the people who may act, and the row in the path."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from urllib.parse import quote, urlsplit

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from localhub.hub import Hub
from localhub.objects.repository import full_name
from localhub.pages import View, markup
from localhub.pages.guard import PageGuard
from localhub.rest.api import Routes
from localhub.state import Row

FOLDER = Path(__file__).parent
PERSONA = "hub_person"
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
            "ago": lambda stamp: format_age(stamp, hub.state.time()),
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
            self.guard.add_headers(response, self.guard.session(request))
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
        counts = {name: count_open(self.hub, repo, pulls) for name, pulls in (("issues", 0), ("pulls", 1))}
        return {"repo": repo, "repo_path": f"/{full_name(repo)}", "tab": tab, "counts": counts}

    def issue(self, request: web.Request, repo: Row) -> Row:
        """The issue or pull request in the path; LookupError when there is none."""
        found = self.hub.state.issue(repo["id"], int(request.match_info["number"]))
        if found is None:
            raise LookupError("issue")
        return found


def count_open(hub: Hub, repo: Row, is_pull: int) -> int:
    """How many issues or pull requests are open."""
    sql = "SELECT count(*) FROM issues WHERE repo_id = ? AND is_pull = ? AND state = 'open'"
    return hub.state.count(sql, repo["id"], is_pull)


def format_age(stamp: str, now: float) -> str:
    """How long ago a time was, such as ``3 hours ago``."""
    seconds = now - datetime.fromisoformat(stamp).timestamp()
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            number = int(seconds // size)
            return f"{number} {name}{'' if number == 1 else 's'} ago"
    return "just now"

"""The pages on which a person sees this GitHub: repositories, files, issues, pull requests, check runs.

Reading only; what the forms do is in ``localhub.pages.forms``. There is no sign-in: everything is shown, and
whoever may reach the port is trusted (``localhub.pages.guard`` keeps other sites out).
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from localhub.hub import Hub
from localhub.objects.repository import full_name
from localhub.pages import View, checks
from localhub.pages import conversations as pageview
from localhub.pages import people as pagepeople
from localhub.pages.files import read_commit, read_path
from localhub.pages.site import Pages, count_open
from localhub.state import Row


def make_repository_card(hub: Hub, row: Row) -> View:
    """A repository on the front page."""
    repo = hub.state.repo(row["id"])
    parent = None if repo["parent_id"] is None else hub.state.repo(repo["parent_id"])
    return repo | {
        "path": f"/{full_name(repo)}",
        "issues": count_open(hub, repo, 0),
        "pulls": count_open(hub, repo, 1),
        "fork_of": None if parent is None else full_name(parent),
    }


async def show_front(pages: Pages, request: web.Request) -> web.Response:
    """Every repository, the last pushed first."""
    rows = pages.hub.state.all("SELECT id FROM repos ORDER BY coalesce(pushed_at, created_at) DESC, id DESC")
    cards = [make_repository_card(pages.hub, row) for row in rows]
    view = {"heading": "Repositories", "repos": cards, "api_url": pages.hub.api_url}
    return pages.show(request, "front.html", view)


async def show_account(pages: Pages, request: web.Request) -> web.Response:
    """The repositories of one account."""
    login = request.match_info["owner"]
    row = pages.hub.state.account_by_login(login)
    if row is None and pages.hub.state.maybe("SELECT 1 FROM apps WHERE slug = ?", login):
        raise web.HTTPFound(f"/apps/{login}")  # where a mention of a bot leads
    if row is None:
        raise LookupError("account")
    rows = pages.hub.state.all("SELECT id FROM repos WHERE owner_id = ? ORDER BY id DESC", row["id"])
    cards = [make_repository_card(pages.hub, one) for one in rows]
    return pages.show(
        request, "front.html", {"heading": row["login"], "repos": cards, "api_url": pages.hub.api_url}
    )


async def show_app(pages: Pages, request: web.Request) -> web.Response:
    """What a GitHub App is."""
    row = pages.hub.state.maybe("SELECT * FROM apps WHERE slug = ?", request.match_info["slug"])
    if row is None:
        raise LookupError("app")
    return pages.show(request, "app.html", {"app": row, "person": make_bot_person(pages.hub, row)})


def make_bot_person(hub: Hub, app: Row) -> pagepeople.Person:
    """The bot of an App."""
    return pagepeople.make_person(hub.state.account(app["bot_id"]))


async def show_code(pages: Pages, request: web.Request) -> web.Response:
    """A directory or a file of a branch or commit; the default branch without one."""
    repo = pages.repo(request)
    found = read_path(pages.hub, repo, request.match_info.get("where", ""))
    view = pages.in_repo(repo, "code") | found | {"clone_url": f"{pages.hub.web_url}/{full_name(repo)}.git"}
    return pages.show(request, "file.html" if "text" in found else "repo.html", view)


async def show_commit(pages: Pages, request: web.Request) -> web.Response:
    """A commit with its diff."""
    repo = pages.repo(request)
    view = await read_commit(pages.hub, repo, request.match_info["sha"])
    return pages.show(request, "commit.html", pages.in_repo(repo, "code") | view)


async def show_issues(pages: Pages, request: web.Request) -> web.Response:
    """All issues, or all pull requests, open ones first."""
    repo, is_pull = pages.repo(request), request.path.endswith("/pulls")
    rows = pages.hub.state.all(
        "SELECT * FROM issues WHERE repo_id = ? AND is_pull = ? ORDER BY state = 'closed', number DESC",
        repo["id"],
        is_pull,
    )
    view = pages.in_repo(repo, "pulls" if is_pull else "issues") | {
        "heading": "Pull requests" if is_pull else "Issues",
        "items": [pageview.make_issue_row(pages.hub, row) for row in rows],
    }
    return pages.show(request, "issues.html", view)


async def show_new_issue(pages: Pages, request: web.Request) -> web.Response:
    """The form for a new issue."""
    return pages.show(request, "new_issue.html", pages.in_repo(pages.repo(request), "issues"))


async def show_thread(pages: Pages, request: web.Request) -> web.Response:
    """An issue or a pull request; each answers under the other's address with a redirect."""
    repo = pages.repo(request)
    issue = pages.issue(request, repo)
    pull = pages.hub.state.pull(repo["id"], issue["number"])
    path = f"/{full_name(repo)}/{'pull' if pull else 'issues'}/{issue['number']}"
    if request.path != path:
        raise web.HTTPFound(path + ("#files" if request.path.endswith("/files") else ""))
    if pull is None:
        view = (
            pages.in_repo(repo, "issues")
            | pageview.make_thread_view(pages.hub, repo, issue)
            | {"reply_path": ""}
        )
        return pages.show(request, "thread.html", view)
    view = pages.in_repo(repo, "pulls") | await pageview.make_pull_view(pages.hub, repo, issue, pull)
    return pages.show(request, "pull.html", view | {"reply_path": f"{path}/comments"})


async def show_check_run(pages: Pages, request: web.Request) -> web.Response:
    """A check run with all that it says."""
    repo = pages.repo(request)
    sql = "SELECT * FROM check_runs WHERE repo_id = ? AND id = ?"
    row = pages.hub.state.one(sql, repo["id"], int(request.match_info["number"]))
    view = {
        "check": checks.make_check_view(pages.hub, row),
        "annotations": checks.list_annotations(pages.hub, row),
    }
    return pages.show(request, "check_run.html", pages.in_repo(repo, "pulls") | view)


async def show_avatar(pages: Pages, request: web.Request) -> web.Response:
    """An account's picture."""
    row = pages.hub.state.account(int(request.match_info["number"]))
    parts: Any = pages.templates.get_template("parts.html").module
    svg = str(parts.avatar(pagepeople.make_person(row))).replace(
        "<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1
    )
    return web.Response(text=svg, content_type="image/svg+xml")

"""Pull requests: open, list, read, change, their files and commits."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from localhub import events
from localhub.auth import Actor, check_repo, includes_level, role_of
from localhub.errors import ApiError, custom, invalid
from localhub.git.diffs import read_diff
from localhub.hub import Hub
from localhub.objects.commit import render_commit, render_file
from localhub.objects.people import find_association, render_user
from localhub.objects.pull import issue_of, render_pull, render_short_pull
from localhub.pull_state import refresh_pull, set_pull_state
from localhub.rest.api import Call, Routes, answer, answer_page, check_text
from localhub.rest.issues.issues import check_author, check_title, edit_texts, insert_issue
from localhub.state import Row

routes = Routes()

BASE = "/repos/{owner}/{repo}/pulls"
ONE = BASE + "/{number:\\d+}"
READ, WRITE = "pull_requests:read", "pull_requests:write"
MOST_FILES = 3000
MOST_COMMITS = 250


def _head_repo(hub: Hub, repo: Row, head: str) -> tuple[Row, str]:
    """The repository and branch that ``branch`` or ``owner:branch`` names; 422 when there is none."""
    owner, colon, branch = head.rpartition(":")
    found: Row | None = repo
    if colon and owner.lower() != repo["owner"].lower():
        found = hub.state.maybe(
            "SELECT repos.id FROM repos JOIN accounts ON accounts.id = repos.owner_id WHERE login = ?"
            " AND (parent_id = ? OR repos.id = ?)",
            owner, repo["id"], repo["parent_id"],
        )  # fmt: skip
        found = None if found is None else hub.state.repo(found["id"])
    if found is None or hub.git.branch(found["id"], branch) is None:
        raise invalid("PullRequest", "head")
    return found, branch


async def open_pull(
    hub: Hub,
    actor: Actor,
    repo: Row,
    *,
    title: str,
    body: str | None,
    head: str,
    base: str,
    draft: bool = False,
    maintainer_can_modify: bool = True,
) -> Row:
    """Open a pull request and send its event."""
    check_title("PullRequest", title)
    check_text("PullRequest", "body", body)
    head_repo, branch = _head_repo(hub, repo, head)
    head_sha, base_sha = hub.git.branch(head_repo["id"], branch), hub.git.branch(repo["id"], base)
    if base_sha is None or head_sha is None:
        raise invalid("PullRequest", "base")
    _check_may_open(hub, actor, repo, head_repo)
    _check_new(hub, repo, head_repo, branch, base)
    await hub.git.fetch_commit(head_repo["id"], repo["id"], head_sha)
    if await hub.git.merge_base(repo["id"], base_sha, head_sha) is None:
        raise custom("PullRequest", f"The {base} branch has no history in common with {head}")
    if await hub.git.is_ancestor(repo["id"], head_sha, base_sha):
        raise custom("PullRequest", f"No commits between {base} and {head}")
    # Between the awaits another request may have opened the same one.
    _check_new(hub, repo, head_repo, branch, base)
    with hub.state.transaction():
        row = insert_issue(hub, actor, repo, title, body, is_pull=True)
        pull_id = hub.state.insert(
            "pulls", issue_id=row["id"], repo_id=repo["id"], number=row["number"],
            head_repo_id=head_repo["id"],
            head_owner=head_repo["owner"], head_ref=branch, head_sha=head_sha, base_ref=base,
            base_sha=base_sha,
            merge_base_sha=base_sha, draft=draft,
            maintainer_can_modify=maintainer_can_modify and head_repo["id"] != repo["id"],
        )  # fmt: skip
    pull = await refresh_pull(hub, actor, repo, hub.state.one("SELECT * FROM pulls WHERE id = ?", pull_id))
    events.send_pull(hub, actor, repo, "opened", pull)
    return pull


def _check_may_open(hub: Hub, actor: Actor, repo: Row, head_repo: Row) -> None:
    if actor.kind == "installation":
        return
    writes = includes_level(role_of(hub.state, head_repo, actor.account_id), "write")
    if not writes and not includes_level(role_of(hub.state, repo, actor.account_id), "write"):
        raise ApiError(403, "Must have push access to the repository.")


def _check_new(hub: Hub, repo: Row, head_repo: Row, branch: str, base: str) -> None:
    sql = (
        "SELECT 1 FROM pulls JOIN issues ON issues.id = issue_id WHERE state = 'open' AND pulls.repo_id = ?"
        " AND head_repo_id = ? AND head_ref = ? AND base_ref = ?"
    )
    if hub.state.maybe(sql, repo["id"], head_repo["id"], branch, base):
        raise custom("PullRequest", f"A pull request already exists for {head_repo['owner']}:{branch}.")


@routes.post(BASE, app=WRITE)
async def create(call: Call) -> web.Response:
    """POST pulls."""
    body = call.body
    if call.actor.account is None:
        raise ApiError(401, "Requires authentication")
    pull = await open_pull(
        call.hub,
        call.actor,
        call.repo,
        title=body.text("title"),
        body=body.maybe("body"),
        head=body.text("head"),
        base=body.text("base"),
        draft=body.flag("draft"),
        maintainer_can_modify=body.flag("maintainer_can_modify", True),
    )
    shown = render_pull(call.hub, call.repo, pull)
    return answer(shown, 201, {"Location": shown["url"]})


@routes.get(BASE, app=READ)
async def list_all(call: Call) -> web.Response:
    """GET pulls with state, head (``owner:branch``), base, sort and direction."""
    state, head, base = call.query("state", "open"), call.query("head"), call.query("base")
    rows = call.hub.state.all(
        "SELECT pulls.*, state, created_at, updated_at FROM pulls JOIN issues ON issues.id = issue_id"
        " WHERE pulls.repo_id = ?",
        call.repo["id"],
    )
    kept = [
        row
        for row in rows
        if state in ("all", row["state"])
        # GitHub takes head without an owner as no filter at all.
        and (":" not in head or head.lower() == f"{row['head_owner']}:{row['head_ref']}".lower())
        and base in ("", row["base_ref"])
    ]
    key = "updated_at" if call.query("sort") == "updated" else "created_at"
    newest_first = (
        call.query("direction", "desc" if call.query("sort", "created") == "created" else "asc") == "desc"
    )
    kept.sort(key=lambda row: (row[key], row["number"]), reverse=newest_first)
    return answer_page(call, kept, lambda row: render_short_pull(call.hub, call.repo, row))


@routes.get(ONE, app=READ)
async def get(call: Call) -> web.Response:
    """GET pulls/{number}, as JSON, diff or patch."""
    pull = call.pull()
    if call.accepts("diff"):
        text = await call.hub.git.diff(call.repo["id"], pull["merge_base_sha"], pull["head_sha"])
        return web.Response(text=text, content_type="application/vnd.github.diff")
    if call.accepts("patch"):
        spec = f"{pull['merge_base_sha']}..{pull['head_sha']}"
        text = await call.hub.git.text(call.repo["id"], "format-patch", "--stdout", "--full-index", spec)
        return web.Response(text=text, content_type="application/vnd.github.patch")
    return answer(render_pull(call.hub, call.repo, pull))


@routes.patch(ONE, app=WRITE)
async def change(call: Call) -> web.Response:
    """PATCH pulls/{number}: title, body, state, base, maintainer_can_modify."""
    hub, repo, body, pull = call.hub, call.repo, call.body, call.pull()
    row = issue_of(hub, pull)
    check_author(call, row)
    state = body.choice("state", ("open", "closed"), row["state"])
    changes = edit_texts(hub, row, body, "PullRequest")
    base = body.maybe("base")
    if base is not None and base != pull["base_ref"]:
        changes |= await change_base(hub, call.actor, repo, pull, base)
    if "maintainer_can_modify" in body:
        hub.state.update("pulls", pull["id"], maintainer_can_modify=body.flag("maintainer_can_modify"))
    if changes:
        events.send_pull(hub, call.actor, repo, "edited", pull, changes=changes)
    if state != row["state"]:
        await set_pull_state(hub, call.actor, repo, call.pull(), state)
    return answer(render_pull(hub, repo, call.pull()))


async def change_base(hub: Hub, actor: Actor, repo: Row, pull: Row, base: str) -> dict[str, Any]:
    """Let a pull request go into another branch; returns the event's ``changes``."""
    sha = hub.git.branch(repo["id"], base)
    if sha is None:
        raise invalid("PullRequest", "base", message=f"Proposed base branch '{base}' was not found")
    hub.state.update("pulls", pull["id"], base_ref=base, base_sha=sha)
    await refresh_pull(hub, actor, repo, pull | {"base_sha": sha})
    return {"base": {"ref": {"from": pull["base_ref"]}, "sha": {"from": pull["base_sha"]}}}


@routes.get(ONE + "/files", app=READ)
async def list_files(call: Call) -> web.Response:
    """GET pulls/{number}/files."""
    pull = call.pull()
    diff = await call.hub.git.diff(call.repo["id"], pull["merge_base_sha"], pull["head_sha"])
    files = read_diff(diff)[:MOST_FILES]
    return answer_page(call, files, lambda file: render_file(call.hub, call.repo, file, pull["head_sha"]))


@routes.get(ONE + "/commits", app=READ)
async def list_commits(call: Call) -> web.Response:
    """GET pulls/{number}/commits, oldest first."""
    pull, git, repo_id = call.pull(), call.hub.git, call.repo["id"]
    shas = await git.commits(repo_id, "--reverse", f"{pull['merge_base_sha']}..{pull['head_sha']}")
    return answer_page(
        call, shas[:MOST_COMMITS], lambda sha: render_commit(call.hub, call.repo, git.commit(repo_id, sha))
    )


@routes.get("/repos/{owner}/{repo}/commits/{sha:[0-9a-f]{40}}/pulls", app=READ)
async def list_of_commit(call: Call) -> web.Response:
    """GET commits/{sha}/pulls: the pull requests with this head or merge commit."""
    sql = (
        "SELECT * FROM pulls WHERE repo_id = ?"
        " AND (head_sha = ? OR merge_commit_sha = ? AND merged_at IS NOT NULL)"
    )
    rows = call.hub.state.all(sql, call.repo["id"], call.path("sha"), call.path("sha"))
    return answer_page(call, rows, lambda row: render_short_pull(call.hub, call.repo, row))


@routes.get(ONE + "/requested_reviewers", app=READ)
async def list_reviewers(call: Call) -> web.Response:
    """GET pulls/{number}/requested_reviewers."""
    shown = render_short_pull(call.hub, call.repo, call.pull())
    return answer({"users": shown["requested_reviewers"], "teams": []})


@routes.post(ONE + "/requested_reviewers", app=WRITE, user="write")
async def request_reviewers(call: Call) -> web.Response:
    """POST pulls/{number}/requested_reviewers."""
    logins = [str(login) for login in call.body.items("reviewers") or []]
    request_reviews(call.hub, call.actor, call.repo, call.pull(), logins)
    return answer(render_short_pull(call.hub, call.repo, call.pull()), 201)


def request_reviews(hub: Hub, actor: Actor, repo: Row, pull: Row, logins: list[str]) -> None:
    """Ask these people for a review, each with an event; 422 for who may not be asked."""
    for login in logins:
        account = hub.state.account_by_login(login)
        if account is None or find_association(hub, repo, account["id"]) in ("NONE", "CONTRIBUTOR"):
            raise ApiError(422, "Reviews may only be requested from collaborators.")
        if account["id"] == issue_of(hub, pull)["user_id"]:
            raise ApiError(422, "Review cannot be requested from pull request author.")
        hub.state.run("INSERT OR IGNORE INTO requested_reviewers VALUES (?, ?)", pull["id"], account["id"])
        shown = render_user(hub, account)
        events.send_pull(hub, actor, repo, "review_requested", pull, requested_reviewer=shown)


@routes.delete(ONE + "/requested_reviewers", app=WRITE, user="write")
async def remove_reviewers(call: Call) -> web.Response:
    """DELETE pulls/{number}/requested_reviewers."""
    hub, pull = call.hub, call.pull()
    asked = "SELECT 1 FROM requested_reviewers WHERE pull_id = ? AND account_id = ?"
    withdraw = "DELETE FROM requested_reviewers WHERE pull_id = ? AND account_id = ?"
    for login in call.body.items("reviewers") or []:
        account = hub.state.account_by_login(str(login))
        if account is None:
            continue
        if hub.state.maybe(asked, pull["id"], account["id"]):
            hub.state.run(withdraw, pull["id"], account["id"])
            more = {"requested_reviewer": render_user(hub, account)}
            events.send_pull(hub, call.actor, call.repo, "review_request_removed", pull, **more)
    return answer(render_short_pull(call.hub, call.repo, pull))


def check_can_push(hub: Hub, actor: Actor, repo: Row) -> None:
    """Raise unless the caller may move branches."""
    check_repo(hub.state, actor, repo, app="contents:write", user="write")

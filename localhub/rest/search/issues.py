"""Search of issues and pull requests by words in title or text, and by the qualifiers that clients use.

https://docs.github.com/en/search-github/searching-on-github/searching-issues-and-pull-requests
"""

from __future__ import annotations

import re
from collections.abc import Callable

from aiohttp import web

from localhub.auth import Actor, check_repo
from localhub.errors import ApiError
from localhub.hub import Hub
from localhub.objects.issue import render_issue
from localhub.objects.milestone import milestone_of
from localhub.rest.api import Call, Routes, answer_page
from localhub.rest.issues.assignees import list_assigned
from localhub.rest.search.query import Query, read_query
from localhub.state import Row

routes = Routes()

MOST_FOUND = 1000
MENTION = re.compile(r"(?<![\w/])@([A-Za-z0-9][A-Za-z0-9-]{0,38})")
SIGNS = (">=", "<=", ">", "<")
ASKED_FOR_REVIEW = (
    "SELECT login FROM accounts JOIN requested_reviewers ON account_id = accounts.id WHERE pull_id = ?"
)
KINDS = {"issue": False, "pr": True, "pull-request": True}


def find_issues(hub: Hub, actor: Actor, text: str) -> list[tuple[Row, Row]]:
    """(repository, issue) of everything found that the caller may read, the newest first."""
    query, found = read_query(text), []
    for known in hub.state.all("SELECT id FROM repos ORDER BY id"):
        repo = hub.state.repo(known["id"])
        wanted = query.all("repo")
        if wanted and f"{repo['owner']}/{repo['name']}".lower() not in wanted:
            continue
        if any(repo["owner"].lower() != one for one in (*query.all("org"), *query.all("user"))):
            continue
        rows = hub.state.all("SELECT * FROM issues WHERE repo_id = ?", repo["id"])
        found += [
            (repo, row) for row in rows if _may_read(hub, actor, repo, row) and _fits(hub, actor, query, row)
        ]
    found.sort(key=lambda one: (one[1]["created_at"], one[1]["id"]), reverse=True)
    return found[:MOST_FOUND]


def _may_read(hub: Hub, actor: Actor, repo: Row, row: Row) -> bool:
    needs = "pull_requests:read|issues:read" if row["is_pull"] else "issues:read"
    try:
        check_repo(hub.state, actor, repo, app=needs, user="read")
    except ApiError:
        return False
    return True


def _fits(hub: Hub, actor: Actor, query: Query, row: Row) -> bool:
    text = f"{row['title']}\n{row['body'] or ''}".lower()
    judge = _make_judge(hub, actor, row)
    return (
        all(word in text for word in query.words)
        and all(judge(name, value) for name, values in query.asked.items() for value in values)
        and not any(judge(name, value) for name, values in query.ruled_out.items() for value in values)
    )


def _make_judge(hub: Hub, actor: Actor, row: Row) -> Callable[[str, str], bool]:
    """Says whether an issue or pull request has a qualifier's value; what is not known, it has."""
    state = hub.state
    pull = state.pull_of(row) if row["is_pull"] else None
    milestone = milestone_of(hub, row)
    commenters = {state.account(one["user_id"])["login"].lower() for one in state.comments(row["id"])}
    author = state.account(row["user_id"])["login"].lower()
    assignees = {one["login"].lower() for one in list_assigned(hub, row)}
    mentioned = {one.lower() for one in MENTION.findall(row["body"] or "")}
    reviewers = [] if pull is None else state.all(ASKED_FOR_REVIEW, pull["id"])
    has: dict[str, set[str]] = {
        "is": {row["state"], "pr" if pull else "issue", "locked" if row["locked"] else "unlocked"},
        "label": {label["name"].lower() for label in state.labels_of(row["id"])},
        "author": {author, f"app/{author.removesuffix('[bot]')}"},
        "assignee": assignees,
        "commenter": commenters,
        "mentions": mentioned,
        "involves": {author} | assignees | commenters | mentioned,
        "milestone": {milestone["title"].lower()} if milestone else set(),
        "review-requested": {one["login"].lower() for one in reviewers},
        "head": {pull["head_ref"].lower()} if pull else set(),
        "base": {pull["base_ref"].lower()} if pull else set(),
        "draft": {"true" if pull and pull["draft"] else "false"},
    }
    if pull is not None:
        has["is"] |= {"merged" if pull["merged_at"] else "unmerged"} | ({"draft"} if pull["draft"] else set())
    has["state"] = has["is"]
    times = {"created": row["created_at"], "updated": row["updated_at"], "closed": row["closed_at"]}
    times["merged"] = pull["merged_at"] if pull else None

    def judge(name: str, value: str) -> bool:
        if name in times:
            return _compare(times[name], value)
        if name == "type":
            return KINDS.get(value) is bool(row["is_pull"])
        if name == "no":
            return not has.get(value, {"something"})
        if name not in has:
            return True
        mine = actor.account is not None and value == "@me"
        return (actor.writer["login"].lower() if mine else value) in has[name]

    return judge


def _compare(time: str | None, wanted: str) -> bool:
    """Whether a time is as ``2026-01-01``, ``>=2026-01-01`` or ``2026-01-01..2026-02-01`` want it."""
    if time is None:
        return False
    first, between, last = wanted.upper().partition("..")
    if between:
        return (first == "*" or first <= time) and (last == "*" or time[: len(last)] <= last)
    sign = next((one for one in SIGNS if first.startswith(one)), "")
    first = first.removeprefix(sign)
    part = time[: len(first)]
    tests = {">": part > first, ">=": part >= first, "<": part < first, "<=": part <= first}
    return tests.get(sign, part == first)


@routes.get("/search/issues")
async def search(call: Call) -> web.Response:
    """GET search/issues with sort and order; results are never incomplete here."""
    found = find_issues(call.hub, call.actor, call.query("q"))
    if call.query("sort") in ("created", "updated"):
        column, newest = f"{call.query('sort')}_at", call.query("order", "desc") == "desc"
        found.sort(key=lambda one: (one[1][column], one[1]["id"]), reverse=newest)

    def show(one: tuple[Row, Row]) -> dict[str, object]:
        shown = render_issue(call.hub, *one)
        return shown | {"score": 1.0, "body": shown["body"] or ""}

    return answer_page(call, found, show, key="items", incomplete_results=False, search_type="lexical")

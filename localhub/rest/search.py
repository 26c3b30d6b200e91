"""Search of issues and pull requests by words in title or text, and by the qualifiers that clients use;
of repositories and people by name.

https://docs.github.com/en/search-github/searching-on-github/searching-issues-and-pull-requests
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

from localhub.auth import Actor, check_repo
from localhub.errors import ApiError, invalid
from localhub.hub import Hub
from localhub.objects.issue import render_issue
from localhub.objects.milestone import milestone_of
from localhub.objects.people import render_user
from localhub.objects.repository import render_repository
from localhub.rest.api import Call, Routes, answer_page
from localhub.rest.issues.assignees import list_assigned
from localhub.state import Row

routes = Routes()

MOST_FOUND = 1000
MENTION = re.compile(r"(?<![\w/])@([A-Za-z0-9][A-Za-z0-9-]{0,38})")
ASKED_FOR_REVIEW = (
    "SELECT login FROM accounts JOIN requested_reviewers ON account_id = accounts.id WHERE pull_id = ?"
)
KINDS = {"issue": False, "pr": True, "pull-request": True}


# What may stand before a colon; anything else with one is a word.
QUALIFIERS = frozenset(
    """
    archived assignee author base closed comments commenter created draft head in involves is label language
    linked mentions merged milestone no org repo review review-requested state type updated user
    """.split()  # noqa: SIM905
)
COMPARISON = re.compile(r"^(>=|<=|>|<)?(.+?)(?:\.\.(.+))?$")


@dataclass(slots=True)
class Query:
    """A search as it was typed: words, and what each qualifier asks for, or rules out (``-label:bug``)."""

    words: list[str] = field(default_factory=list)
    asked: dict[str, list[str]] = field(default_factory=dict)
    ruled_out: dict[str, list[str]] = field(default_factory=dict)

    def all(self, name: str) -> list[str]:
        """The values of a qualifier."""
        return self.asked.get(name, [])


def read_query(text: str) -> Query:
    """The words and qualifiers of a search. Raises 422 for one without anything."""
    query = Query()
    try:
        parts = shlex.split(text)
    except ValueError:
        parts = text.split()
    for part in parts:
        name, colon, value = part.lower().partition(":")
        negated = name.startswith("-")
        if colon and value and name.removeprefix("-") in QUALIFIERS:
            into = query.ruled_out if negated else query.asked
            into.setdefault(name.removeprefix("-"), []).append(value)
        else:
            query.words.append(part.lower())
    if not parts:
        raise invalid("Search", "q", "missing")
    return query


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
    found = COMPARISON.match(wanted.upper())
    if time is None or found is None:
        return False
    sign, first, last = found.groups()
    if last:
        return (first == "*" or first <= time) and (last == "*" or time[: len(last)] <= last)
    part = time[: len(first)]
    tests = {">": part > first, ">=": part >= first, "<": part < first, "<=": part <= first}
    return tests.get(sign, part == first)


@routes.get("/search/issues")
async def search(call: Call) -> web.Response:
    """GET search/issues with sort and order; nobody's results are incomplete here."""
    found = find_issues(call.hub, call.actor, call.query("q"))
    if call.query("sort") in ("created", "updated"):
        column, newest = f"{call.query('sort')}_at", call.query("order", "desc") == "desc"
        found.sort(key=lambda one: (one[1][column], one[1]["id"]), reverse=newest)

    def show(one: tuple[Row, Row]) -> dict[str, object]:
        shown = render_issue(call.hub, *one)
        return shown | {"score": 1.0, "body": shown["body"] or ""}

    return answer_page(call, found, show, key="items", incomplete_results=False, search_type="lexical")


@routes.get("/search/repositories")
async def search_repositories(call: Call) -> web.Response:
    """GET search/repositories by words of the name or description, and ``user:``, ``org:``, ``repo:``."""
    query, state = read_query(call.query("q")), call.hub.state
    found = []
    for known in state.all("SELECT id FROM repos ORDER BY id DESC"):
        repo = state.repo(known["id"])
        text = f"{repo['name']} {repo['description'] or ''}".lower()
        owners = [*query.all("org"), *query.all("user")]
        fits = all(word in text for word in query.words) and owners in ([], [repo["owner"].lower()])
        fits = fits and query.all("repo") in ([], [f"{repo['owner']}/{repo['name']}".lower()])
        if fits and _may_see(call, repo):
            found.append(repo)

    def show(repo: Row) -> dict[str, object]:
        shown = render_repository(call.hub, repo)
        shown.pop("custom_properties")
        return shown | {"score": 1.0}

    return answer_page(call, found, show, key="items", incomplete_results=False)


def _may_see(call: Call, repo: Row) -> bool:
    try:
        check_repo(call.hub.state, call.actor, repo, app="metadata:read", user="read")
    except ApiError:
        return False
    return True


@routes.get("/search/users")
async def search_users(call: Call) -> web.Response:
    """GET search/users by words of login or name."""
    query, state = read_query(call.query("q")), call.hub.state
    rows = state.all("SELECT * FROM accounts WHERE type != 'Bot' ORDER BY id")
    wanted = {"user": "User", "org": "Organization"}
    found = [
        row
        for row in rows
        if all(word in f"{row['login']} {row['name']}".lower() for word in query.words)
        and all(wanted.get(one) == row["type"] for one in query.all("type"))
    ]
    return answer_page(
        call,
        found,
        lambda row: render_user(call.hub, row) | {"score": 1.0},
        key="items",
        incomplete_results=False,
    )

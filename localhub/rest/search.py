"""Search of issues and pull requests by words in title or text, and by the qualifiers that clients use.

https://docs.github.com/en/search-github/searching-on-github/searching-issues-and-pull-requests
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field

from aiohttp import web

from localhub.auth import Actor, check_repo
from localhub.errors import ApiError, invalid
from localhub.hub import Hub
from localhub.objects.issue import render_issue
from localhub.rest.api import Call, Routes, answer_page
from localhub.state import Row

routes = Routes()

MOST_FOUND = 1000
KINDS = {"issue": False, "pr": True, "pull-request": True}


@dataclass(slots=True)
class Query:
    """A search as it was typed: words, and what each qualifier asks for."""

    words: list[str] = field(default_factory=list)
    asked: dict[str, list[str]] = field(default_factory=dict)

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
        name, colon, value = part.partition(":")
        if colon and value and name.isalpha():
            query.asked.setdefault(name.lower(), []).append(value.lower())
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
        found += [(repo, row) for row in rows if _may_read(hub, actor, repo, row) and _fits(hub, query, row)]
    found.sort(key=lambda one: (one[1]["created_at"], one[1]["id"]), reverse=True)
    return found[:MOST_FOUND]


def _may_read(hub: Hub, actor: Actor, repo: Row, row: Row) -> bool:
    needs = "pull_requests:read|issues:read" if row["is_pull"] else "issues:read"
    try:
        check_repo(hub.state, actor, repo, app=needs, user="read")
    except ApiError:
        return False
    return True


def _fits(hub: Hub, query: Query, row: Row) -> bool:
    text = f"{row['title']}\n{row['body'] or ''}".lower()
    author = hub.state.account(row["user_id"])["login"].lower()
    labels = {label["name"].lower() for label in hub.state.labels_of(row["id"])}
    pull = hub.state.pull_of(row) if row["is_pull"] else None
    true = {row["state"], "pr" if row["is_pull"] else "issue", "locked" if row["locked"] else "unlocked"}
    if pull is not None:
        true |= {"merged" if pull["merged_at"] else "unmerged"} | ({"draft"} if pull["draft"] else set())
    return (
        all(word in text for word in query.words)
        and set(query.all("is")) | set(query.all("state")) <= true
        and all(bool(row["is_pull"]) is KINDS.get(one) for one in query.all("type"))
        and all(one in (author, f"app/{author.removesuffix('[bot]')}") for one in query.all("author"))
        and set(query.all("label")) <= labels
        and all(pull is not None and pull["head_ref"].lower() == one for one in query.all("head"))
        and all(pull is not None and pull["base_ref"].lower() == one for one in query.all("base"))
    )


@routes.get("/search/issues")
async def search(call: Call) -> web.Response:
    """GET search/issues; nobody's results are incomplete here."""
    found = find_issues(call.hub, call.actor, call.query("q"))

    def show(one: tuple[Row, Row]) -> dict[str, object]:
        shown = render_issue(call.hub, *one)
        return shown | {"score": 1.0, "body": shown["body"] or ""}

    return answer_page(call, found, show, key="items", incomplete_results=False, search_type="lexical")

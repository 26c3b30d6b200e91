"""About a repository: its topics, languages, tags and contributors."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any
from urllib.parse import quote

from aiohttp import web
from dulwich.object_store import iter_tree_contents

from localhub.errors import ApiError, not_found
from localhub.hub import Hub
from localhub.node_ids import node_id
from localhub.objects.commit import account_of, parse_identity
from localhub.objects.people import render_user
from localhub.objects.repository import repo_url
from localhub.rest.api import Call, Routes, answer, answer_page
from localhub.state import Row

routes = Routes()

REPO = "/repos/{owner}/{repo}"
TOPIC = re.compile(r"^[a-z0-9][a-z0-9-]{0,49}$")
MOST_TOPICS = 20
# By which GitHub's Linguist knows the files of a language: those that tests and the demo have.
LANGUAGES = {
    ".py": "Python",
    ".js": "JavaScript",
    ".mjs": "JavaScript",
    ".ts": "TypeScript",
    ".go": "Go",
    ".rs": "Rust",
    ".java": "Java",
    ".rb": "Ruby",
    ".c": "C",
    ".h": "C",
    ".cpp": "C++",
    ".sh": "Shell",
    ".html": "HTML",
    ".css": "CSS",
}


def list_topics(hub: Hub, repo: Row) -> list[str]:
    """A repository's topics, in order."""
    rows = hub.state.all("SELECT name FROM topics WHERE repo_id = ? ORDER BY name", repo["id"])
    return [row["name"] for row in rows]


def count_languages(hub: Hub, repo: Row) -> dict[str, int]:
    """Bytes of each language on the default branch, the largest first."""
    head, counts = hub.git.branch(repo["id"], repo["default_branch"]), Counter[str]()
    if head is not None:
        with hub.git.open(repo["id"]) as opened:
            tree = hub.git.commit(repo["id"], head).tree
            for entry in iter_tree_contents(opened.object_store, tree):
                path = (entry.path or b"").decode(errors="replace")
                language = LANGUAGES.get("." + path.rpartition(".")[2])
                if language is not None and entry.mode is not None and entry.mode & 0o170000 == 0o100000:
                    counts[language] += len(opened[entry.sha].as_raw_string())
    return dict(counts.most_common())


@routes.get(REPO + "/topics", app="metadata:read")
async def get_topics(call: Call) -> web.Response:
    """GET topics."""
    return answer({"names": list_topics(call.hub, call.repo)})


@routes.put(REPO + "/topics", app="administration:write", user="admin")
async def replace_topics(call: Call) -> web.Response:
    """PUT topics: these and no others."""
    names = [str(name) for name in call.body.items("names") or []]
    if len(names) > MOST_TOPICS or not all(TOPIC.match(name) for name in names):
        text = "Topics must start with a lowercase letter or number, consist of 50 characters or less"
        raise ApiError(422, "Validation Failed", errors=[f"{text}, and can include hyphens."])
    with call.hub.state.transaction():
        call.hub.state.run("DELETE FROM topics WHERE repo_id = ?", call.repo["id"])
        for name in dict.fromkeys(names):
            call.hub.state.insert("topics", repo_id=call.repo["id"], name=name)
    return answer({"names": list_topics(call.hub, call.repo)})


@routes.get(REPO + "/languages", app="metadata:read")
async def get_languages(call: Call) -> web.Response:
    """GET languages: bytes of each."""
    return answer(count_languages(call.hub, call.repo))


@routes.get(REPO + "/tags", app="metadata:read")
async def list_tags(call: Call) -> web.Response:
    """GET tags, the last by name first."""
    git, repo_id, url = call.hub.git, call.repo["id"], repo_url(call.hub, call.repo)
    names = [ref.removeprefix("refs/tags/") for ref in git.refs(repo_id, "refs/tags/")]

    def show(name: str) -> dict[str, Any]:
        sha = git.resolve(repo_id, f"refs/tags/{name}")
        return {
            "name": name,
            "commit": {"sha": sha, "url": f"{url}/commits/{sha}"},
            "zipball_url": f"{url}/zipball/refs/tags/{quote(name)}",
            "tarball_url": f"{url}/tarball/refs/tags/{quote(name)}",
            "node_id": node_id("Ref", f"{repo_id}:refs/tags/{name}"),
        }

    return answer_page(call, sorted(names, reverse=True), show)


@routes.get(REPO + "/contributors", app="metadata:read")
async def list_contributors(call: Call) -> web.Response:
    """GET contributors: authors of commits on the default branch, the busiest first; ``anon`` for all."""
    hub, repo = call.hub, call.repo
    head = hub.git.branch(repo["id"], repo["default_branch"])
    if head is None:
        raise not_found()
    counts = Counter(
        hub.git.commit(repo["id"], sha).author for sha in await hub.git.commits(repo["id"], head)
    )
    known: dict[int, tuple[Row, int]] = {}
    unknown: list[dict[str, Any]] = []
    for raw, count in counts.most_common():
        account = account_of(hub, raw)
        if account is not None:
            known[account["id"]] = (account, known.get(account["id"], (account, 0))[1] + count)
        elif call.query("anon") in ("1", "true"):
            name, email = parse_identity(raw)
            unknown.append({"name": name, "email": email, "type": "Anonymous", "contributions": count})
    shown = [render_user(hub, row) | {"contributions": count} for row, count in known.values()]
    return answer_page(call, [*shown, *unknown], lambda one: one)

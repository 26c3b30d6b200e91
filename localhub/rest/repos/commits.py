"""Branches, commits and comparisons."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from aiohttp import web

from localhub.errors import ApiError, not_found
from localhub.git.diffs import read_diff
from localhub.objects.commit import render_commit, render_file
from localhub.objects.repository import page_url, repo_url
from localhub.rest.api import Call, Routes, answer, answer_page
from localhub.rules.protection import find_protection

routes = Routes()

REPO = "/repos/{owner}/{repo}"
READ = "contents:read"
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


def _render_commit(call: Call, sha: str) -> dict[str, Any]:
    return render_commit(call.hub, call.repo, call.hub.git.commit(call.repo["id"], sha))


@routes.get(REPO + "/branches", app=READ)
async def list_branches(call: Call) -> web.Response:
    """GET branches."""
    refs = call.hub.git.refs(call.repo["id"], "refs/heads/")
    url = f"{repo_url(call.hub, call.repo)}/commits"

    def show(item: tuple[str, str]) -> dict[str, Any]:
        name = item[0].removeprefix("refs/heads/")
        protected = find_protection(call.hub, call.repo, name) is not None
        return {"name": name, "commit": {"sha": item[1], "url": f"{url}/{item[1]}"}, "protected": protected}

    return answer_page(call, list(refs.items()), show)


@routes.get(REPO + "/branches/{branch:.+}", app=READ)
async def get_branch(call: Call) -> web.Response:
    """GET branches/{branch}."""
    name = call.path("branch")
    sha = call.hub.git.branch(call.repo["id"], name)
    if sha is None:
        raise ApiError(404, "Branch not found")
    url = f"{repo_url(call.hub, call.repo)}/branches/{quote(name)}"
    settings = find_protection(call.hub, call.repo, name)
    contexts = ((settings or {}).get("required_status_checks") or {}).get("contexts") or []
    checks = [{"context": one, "app_id": None} for one in contexts]
    enforced = "non_admins" if contexts else "off"
    return answer(
        {
            "name": name,
            "commit": _render_commit(call, sha),
            "_links": {"self": url, "html": f"{page_url(call.hub, call.repo)}/tree/{quote(name)}"},
            "protected": settings is not None,
            "protection": {
                "enabled": settings is not None,
                "required_status_checks": {
                    "enforcement_level": enforced, "contexts": contexts, "checks": checks,
                },
            },
            "protection_url": f"{url}/protection",
        }
    )  # fmt: skip


@routes.get(REPO + "/commits", app=READ)
async def list_all(call: Call) -> web.Response:
    """GET commits with sha, path, since and until; 409 while the repository is empty."""
    git, repo_id = call.hub.git, call.repo["id"]
    start = git.resolve(repo_id, call.query("sha") or call.repo["default_branch"])
    if start is None:
        if not git.refs(repo_id, "refs/heads/"):
            raise ApiError(409, "Git Repository is empty.")
        raise not_found()
    options = [f"--{name}={call.query(name)}" for name in ("since", "until") if call.query(name)]
    path = ["--", call.query("path")] if call.query("path") else []
    shas = await git.commits(repo_id, *options, start, *path)
    return answer_page(call, shas, lambda sha: _render_commit(call, sha))


@routes.get(REPO + "/commits/{ref:.+}", app=READ)
async def get(call: Call) -> web.Response:
    """GET commits/{ref}, as JSON, diff or just its sha."""
    git, repo_id, ref = call.hub.git, call.repo["id"], call.path("ref")
    sha = git.resolve(repo_id, ref)
    if sha is None:
        raise ApiError(422, f"No commit found for SHA: {ref}")
    if call.accepts("sha"):
        return web.Response(text=sha, content_type="application/vnd.github.sha")
    commit = git.commit(repo_id, sha)
    parent = commit.parents[0].decode() if commit.parents else EMPTY_TREE
    diff = await git.diff(repo_id, parent, sha)
    if call.accepts("diff"):
        return web.Response(text=diff, content_type="application/vnd.github.diff")
    files = read_diff(diff)
    added, deleted = sum(file.additions for file in files), sum(file.deletions for file in files)
    return answer(
        _render_commit(call, sha)
        | {
            "stats": {"total": added + deleted, "additions": added, "deletions": deleted},
            "files": [render_file(call.hub, call.repo, file, sha) for file in files[:300]],
        }
    )


@routes.get(REPO + "/compare/{basehead:.+}", app=READ)
async def compare(call: Call) -> web.Response:
    """GET compare/{base}...{head}: at most 250 commits and 300 files, as on GitHub."""
    git, repo_id = call.hub.git, call.repo["id"]
    names = call.path("basehead").split("...")
    if len(names) != 2:
        raise not_found()
    base, head = (git.resolve(repo_id, name.rpartition(":")[2]) for name in names)
    if base is None or head is None:
        raise not_found()
    merge_base = await git.merge_base(repo_id, base, head)
    if merge_base is None:
        raise ApiError(404, f"No common ancestor between {names[0]} and {names[1]}.")
    diff = await git.diff(repo_id, merge_base, head)
    if call.accepts("diff"):
        return web.Response(text=diff, content_type="application/vnd.github.diff")
    ahead = await git.commits(repo_id, "--reverse", f"{base}..{head}")
    behind = await git.commits(repo_id, f"{head}..{base}")
    url = f"{repo_url(call.hub, call.repo)}/compare/{names[0]}...{names[1]}"
    page = f"{page_url(call.hub, call.repo)}/compare/{names[0]}...{names[1]}"
    states = {
        (False, False): "identical",
        (True, False): "ahead",
        (False, True): "behind",
        (True, True): "diverged",
    }
    return answer(
        {
            "url": url,
            "html_url": page,
            "permalink_url": f"{page_url(call.hub, call.repo)}/compare/{base[:7]}...{head[:7]}",
            "diff_url": f"{page}.diff",
            "patch_url": f"{page}.patch",
            "base_commit": _render_commit(call, base),
            "merge_base_commit": _render_commit(call, merge_base),
            "status": states[bool(ahead), bool(behind)],
            "ahead_by": len(ahead),
            "behind_by": len(behind),
            "total_commits": len(ahead),
            "commits": [_render_commit(call, sha) for sha in ahead[:250]],
            "files": [render_file(call.hub, call.repo, file, head) for file in read_diff(diff)[:300]],
        }
    )

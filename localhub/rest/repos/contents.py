"""Files of a repository, read and written one at a time."""

from __future__ import annotations

import base64
import binascii
from typing import Any
from urllib.parse import quote

from aiohttp import web

from localhub.auth import Actor, includes_level
from localhub.errors import ApiError, custom, not_found
from localhub.git.authoring import make_commit, write_tree
from localhub.git.pushes import Move, move_ref
from localhub.hub import Hub
from localhub.objects.commit import render_git_commit
from localhub.objects.repository import page_url, repo_url
from localhub.rest.api import Call, Routes, answer
from localhub.state import Row

routes = Routes()

BASE = "/repos/{owner}/{repo}/contents"
WORKFLOWS = ".github/workflows/"


def render_entry(hub: Hub, repo: Row, ref: str, path: str, mode: int, sha: str) -> dict[str, Any]:
    """A file, directory, link or submodule, without content."""
    kinds = {0o040000: "dir", 0o120000: "symlink", 0o160000: "submodule"}
    kind, quoted = kinds.get(mode, "file"), quote(path)
    url = f"{repo_url(hub, repo)}/contents/{quoted}?ref={quote(ref, safe='')}"
    git = f"{repo_url(hub, repo)}/git/{'trees' if kind == 'dir' else 'blobs'}/{sha}"
    page = f"{page_url(hub, repo)}/{'tree' if kind == 'dir' else 'blob'}/{ref}/{quoted}"
    size = 0 if kind in ("dir", "submodule") else len(hub.git.blob(repo["id"], sha))
    return {
        "name": path.rpartition("/")[2],
        "path": path,
        "sha": sha,
        "size": size,
        "url": url,
        "html_url": page,
        "git_url": git,
        "download_url": f"{page_url(hub, repo)}/raw/{ref}/{quoted}" if kind == "file" else None,
        "type": kind,
        "_links": {"self": url, "git": git, "html": page},
    }


def render_file(hub: Hub, repo: Row, ref: str, path: str, mode: int, sha: str) -> dict[str, Any]:
    """A file with its content."""
    data = hub.git.blob(repo["id"], sha)
    shown = render_entry(hub, repo, ref, path, mode, sha)
    if shown["type"] == "symlink":
        return shown | {"target": data.decode(errors="replace")}
    return shown | {"content": base64.encodebytes(data).decode(), "encoding": "base64"}


@routes.get(BASE + "/{path:.*}", app="contents:read")
@routes.get(BASE, app="contents:read")
async def get(call: Call) -> web.Response:
    """GET contents/{path}: a file (also raw) or a directory's list."""
    path = call.request.match_info.get("path", "").strip("/")
    return _answer_path(call, path)


def _answer_path(call: Call, path: str) -> web.Response:
    hub, repo = call.hub, call.repo
    ref = call.query("ref") or repo["default_branch"]
    commit = hub.git.resolve(repo["id"], ref)
    if commit is None:
        if not call.query("ref"):
            raise ApiError(404, "This repository is empty.")
        raise ApiError(404, f"No commit found for the ref {ref}")
    found = hub.git.entry(repo["id"], commit, path)
    if found is None:
        raise not_found()
    mode, sha = found
    if mode == 0o040000:
        tree = hub.git.tree(repo["id"], sha)
        prefix = f"{path}/" if path else ""
        items = [(f"{prefix}{item.path.decode()}", item.mode, item.sha.decode()) for item in tree.iteritems()]
        return answer([render_entry(hub, repo, ref, *item) for item in items])
    if call.accepts("raw"):
        # Clients take it for bytes without the charset, which GitHub names whatever is in the file.
        kind = {"Content-Type": "application/vnd.github.raw+json; charset=utf-8"}
        return web.Response(body=hub.git.blob(repo["id"], sha), headers=kind)
    return answer(render_file(hub, repo, ref, path, mode, sha))


@routes.get("/repos/{owner}/{repo}/readme", app="contents:read")
async def readme(call: Call) -> web.Response:
    """GET readme."""
    commit = call.hub.git.resolve(call.repo["id"], call.query("ref") or call.repo["default_branch"])
    names = ("README.md", "README", "README.rst", "readme.md")
    name = next(
        (name for name in names if commit and call.hub.git.entry(call.repo["id"], commit, name)), None
    )
    if name is None:
        raise not_found()
    return _answer_path(call, name)


@routes.put(BASE + "/{path:.+}", app="contents:write", user="write")
async def write(call: Call) -> web.Response:
    """PUT contents/{path}: create a file, or change it when ``sha`` is its blob."""
    path = call.path("path")
    call.body.text("message")
    try:
        data = base64.b64decode(call.body.text("content"))
    except (binascii.Error, ValueError):
        raise ApiError(422, "content is not valid Base64") from None
    return await _commit(call, path, {path: data}, [])


@routes.delete(BASE + "/{path:.+}", app="contents:write", user="write")
async def delete(call: Call) -> web.Response:
    """DELETE contents/{path}; ``sha`` is its blob."""
    path = call.path("path")
    call.body.text("message")
    call.body.text("sha")
    return await _commit(call, path, {}, [path])


async def _commit(call: Call, path: str, files: dict[str, bytes], deletions: list[str]) -> web.Response:
    hub, repo, body = call.hub, call.repo, call.body
    branch = body.maybe("branch") or repo["default_branch"]
    head = hub.git.branch(repo["id"], branch)
    if head is None and (
        body.maybe("branch") not in (None, repo["default_branch"]) or hub.git.refs(repo["id"], "refs/heads/")
    ):
        raise ApiError(404, f"Branch {branch} not found")
    check_path(call.actor, path)
    found = None if head is None else hub.git.entry(repo["id"], head, path)
    _check_blob(path, found, body.maybe("sha"), deletes=bool(deletions))
    tree = None if head is None else hub.git.commit(repo["id"], head).tree.decode()
    sha = make_commit(
        hub, call.actor, repo, tree=write_tree(hub, repo["id"], tree, files, deletions),
        parents=[head] if head else [], message=body.text("message"), verified=False,
    )  # fmt: skip
    move = Move(ref=f"refs/heads/{branch}", old=head, new=sha)
    try:
        moved = await move_ref(hub, call.actor, repo, move)
    except ApiError as refused:  # GitHub says 409 here, and 422 for the git database
        raise ApiError(409, refused.message) from None
    if not moved:
        raise ApiError(409, f"is at {hub.git.branch(repo['id'], branch)} but expected {head}")
    now = hub.git.entry(repo["id"], sha, path)
    shown = None if now is None else render_entry(hub, repo, branch, path, *now)
    commit = render_git_commit(hub, repo, hub.git.commit(repo["id"], sha))
    return answer({"content": shown, "commit": commit}, 201 if found is None else 200)


def check_path(actor: Actor, path: str) -> None:
    """Refuse odd paths, and workflow files to Apps without that permission."""
    parts = path.split("/")
    if any(part in ("", ".", "..") or part.lower() == ".git" for part in parts):
        raise custom("Commit", "path contains a malformed path component")
    level = actor.permissions.get("workflows", "none")
    allowed = actor.kind != "installation" or includes_level(
        level, "write", ("none", "read", "write", "admin")
    )
    if path.startswith(WORKFLOWS) and not allowed:
        raise ApiError(
            403,
            "Resource not accessible by integration",
            headers={"X-Accepted-GitHub-Permissions": "workflows=write"},
        )


def _check_blob(path: str, found: tuple[int, str] | None, sha: str | None, *, deletes: bool) -> None:
    if found is None and deletes:
        raise not_found()
    if found is not None and sha is None:
        raise ApiError(422, 'Invalid request.\n\n"sha" wasn\'t supplied.')
    if sha is not None and (found is None or found[1] != sha):
        raise ApiError(409, f"{path} does not match {sha}")


def first_commit(hub: Hub, actor: Actor, repo: Row) -> None:
    """The commit that ``auto_init`` asks for: a README with the repository's name."""
    text = f"# {repo['name']}\n" + (f"{repo['description']}\n" if repo["description"] else "")
    tree = write_tree(hub, repo["id"], None, {"README.md": text.encode()})
    sha = make_commit(hub, actor, repo, tree=tree, parents=[], message="Initial commit")
    hub.git.set_ref(repo["id"], f"refs/heads/{repo['default_branch']}", sha, old=None)
    hub.state.update("repos", repo["id"], pushed_at=hub.state.now())

"""The git database: refs, commits, trees, blobs and tags as objects."""

from __future__ import annotations

import base64
import binascii
import calendar
import time
from typing import Any

from aiohttp import web
from dulwich.objects import Blob, Commit, ObjectID, Tag, Tree
from dulwich.refs import check_ref_format

from localhub.errors import ApiError, malformed, not_found
from localhub.git.authoring import WEB_FLOW, make_signature
from localhub.git.pushes import Move, move_ref
from localhub.node_ids import node_id
from localhub.objects.commit import render_git_commit, render_ref, render_signature
from localhub.objects.repository import repo_url
from localhub.rest.api import Body, Call, Routes, answer, answer_nothing, answer_page
from localhub.rest.repos.contents import WORKFLOWS, check_path

routes = Routes()

BASE = "/repos/{owner}/{repo}/git"
READ, WRITE = "contents:read", "contents:write"
SHA = "{sha:[0-9a-f]{40}}"


def _kind(call: Call, sha: str) -> str:
    found = call.hub.git.get(call.repo["id"], sha)
    return "commit" if found is None else found.type_name.decode()


def _render_ref(call: Call, name: str, sha: str) -> dict[str, Any]:
    return render_ref(call.hub, call.repo, name, sha, _kind(call, sha))


@routes.get(BASE + "/ref/{ref:.+}", app=READ)
async def get_ref(call: Call) -> web.Response:
    """GET git/ref/{ref} (``heads/main``)."""
    name = f"refs/{call.path('ref')}"
    sha = call.hub.git.ref(call.repo["id"], name)
    if sha is None:
        raise not_found()
    return answer(_render_ref(call, name, sha))


async def _check_workflows(call: Call, sha: str) -> None:
    """Refuse workflow files in commits that no ref has yet to Apps without that permission, as for a push."""
    for path in await call.hub.git.list_new_paths(call.repo["id"], sha, WORKFLOWS):
        check_path(call.actor, path)


@routes.get(BASE + "/matching-refs/{ref:.*}", app=READ)
async def list_matching_refs(call: Call) -> web.Response:
    """GET git/matching-refs/{ref}: all that begin so."""
    refs = call.hub.git.refs(call.repo["id"], f"refs/{call.path('ref')}")
    return answer_page(call, list(refs.items()), lambda item: _render_ref(call, *item))


@routes.post(BASE + "/refs", app=WRITE, user="write")
async def create_ref(call: Call) -> web.Response:
    """POST git/refs."""
    name, sha = call.body.text("ref"), call.body.text("sha")
    if not name.startswith(("refs/heads/", "refs/tags/")) or not check_ref_format(name.encode()):  # type: ignore[arg-type]
        raise ApiError(
            422,
            "Reference name is invalid"
            if name.startswith("refs/")
            else "Reference does not start with refs/",
        )
    if call.hub.git.get(call.repo["id"], sha) is None:
        raise ApiError(422, "Object does not exist")
    await _check_workflows(call, sha)
    if not await move_ref(call.hub, call.actor, call.repo, Move(ref=name, old=None, new=sha)):
        raise ApiError(422, "Reference already exists")
    shown = _render_ref(call, name, sha)
    return answer(shown, 201, {"Location": shown["url"]})


@routes.patch(BASE + "/refs/{ref:.+}", app=WRITE, user="write")
async def update_ref(call: Call) -> web.Response:
    """PATCH git/refs/{ref}; only a fast-forward unless ``force``."""
    git, repo_id = call.hub.git, call.repo["id"]
    name, sha = f"refs/{call.path('ref')}", call.body.text("sha")
    old = git.ref(repo_id, name)
    if old is None:
        raise ApiError(422, "Reference does not exist")
    if git.get(repo_id, sha) is None:
        raise ApiError(422, "Object does not exist")
    if not call.body.flag("force") and not await git.is_ancestor(repo_id, old, sha):
        raise ApiError(422, "Update is not a fast forward")
    await _check_workflows(call, sha)
    if not await move_ref(call.hub, call.actor, call.repo, Move(ref=name, old=old, new=sha)):
        raise ApiError(422, "Update is not a fast forward")
    return answer(_render_ref(call, name, sha))


@routes.delete(BASE + "/refs/{ref:.+}", app=WRITE, user="write")
async def delete_ref(call: Call) -> web.Response:
    """DELETE git/refs/{ref}."""
    name = f"refs/{call.path('ref')}"
    old = call.hub.git.ref(call.repo["id"], name)
    if old is None or not name.startswith(("refs/heads/", "refs/tags/")):
        raise ApiError(422, "Reference does not exist")
    if name == f"refs/heads/{call.repo['default_branch']}":
        raise ApiError(422, "Cannot delete the default branch")
    await move_ref(call.hub, call.actor, call.repo, Move(ref=name, old=old, new=None))
    return answer_nothing()


def _object(call: Call) -> Any:
    found = call.hub.git.get(call.repo["id"], call.path("sha"))
    if found is None:
        raise not_found()
    return found


@routes.get(BASE + f"/commits/{SHA}", app=READ)
async def get_commit(call: Call) -> web.Response:
    """GET git/commits/{sha}."""
    commit = _object(call)
    if not isinstance(commit, Commit):
        raise not_found()
    return answer(render_git_commit(call.hub, call.repo, commit))


def _signature(call: Call, body: Body | None) -> tuple[bytes, int]:
    """(author line, seconds) of an author given in a request, or of the caller."""
    now = int(call.hub.state.time())
    if body is None:
        return make_signature(call.actor.writer), now
    date = body.maybe("date")
    try:
        at = now if date is None else calendar.timegm(time.strptime(date, "%Y-%m-%dT%H:%M:%SZ"))
    except ValueError:
        raise malformed(f"For 'properties/date', \"{date}\" is not a valid date-time.") from None
    return f"{body.text('name')} <{body.text('email')}>".encode(), at


@routes.post(BASE + "/commits", app=WRITE, user="write")
async def create_commit(call: Call) -> web.Response:
    """POST git/commits: verified when a bot leaves author and committer to GitHub."""
    hub, body, repo_id = call.hub, call.body, call.repo["id"]
    tree = body.text("tree")
    if not isinstance(hub.git.get(repo_id, tree), Tree):
        raise ApiError(422, "Tree SHA does not exist")
    commit = Commit()
    commit.tree = ObjectID(tree.encode())
    parents = [str(parent) for parent in body.items("parents") or []]
    for parent in parents:
        if not isinstance(hub.git.get(repo_id, parent), Commit):
            raise ApiError(422, "Parent SHA does not exist or is not a commit object")
    commit.parents = [ObjectID(parent.encode()) for parent in parents]
    author, committer = body.object("author"), body.object("committer")
    commit.author, commit.author_time = _signature(call, author)
    commit.committer, commit.commit_time = _signature(call, committer or author)
    own = call.actor.kind == "installation" and author is None and committer is None
    if own:
        commit.committer = WEB_FLOW
    commit.author_timezone = commit.commit_timezone = 0
    commit.message = body.text("message").encode()
    sha = hub.git.add(repo_id, commit)
    if own:
        hub.state.run("INSERT OR IGNORE INTO verified_commits VALUES (?, ?)", repo_id, sha)
    return answer(render_git_commit(hub, call.repo, hub.git.commit(repo_id, sha)), 201)


def _tree(call: Call, sha: str, *, recursive: bool) -> dict[str, Any]:
    url, items = f"{repo_url(call.hub, call.repo)}/git", []

    def walk(tree_sha: str, prefix: str) -> None:
        tree = call.hub.git.tree(call.repo["id"], tree_sha)
        for item in tree.iteritems():
            path, item_sha = prefix + item.path.decode(errors="replace"), item.sha.decode()
            kind = {0o040000: "tree", 0o160000: "commit"}.get(item.mode, "blob")
            shown: dict[str, Any] = {"path": path, "mode": f"{item.mode:06o}", "type": kind, "sha": item_sha}
            if kind == "blob":
                shown["size"] = len(call.hub.git.blob(call.repo["id"], item_sha))
            items.append(shown | ({} if kind == "commit" else {"url": f"{url}/{kind}s/{item_sha}"}))
            if recursive and kind == "tree":
                walk(item_sha, f"{path}/")

    walk(sha, "")
    return {"sha": sha, "url": f"{url}/trees/{sha}", "tree": items, "truncated": False}


@routes.get(BASE + "/trees/{sha:.+}", app=READ)
async def get_tree(call: Call) -> web.Response:
    """GET git/trees/{sha} (also a branch's name), ``recursive`` with any value."""
    sha = call.path("sha")
    found = call.hub.git.get(call.repo["id"], sha) if len(sha) == 40 else None
    if not isinstance(found, Tree):
        commit = call.hub.git.resolve(call.repo["id"], sha)
        if commit is None:
            raise not_found()
        sha = call.hub.git.commit(call.repo["id"], commit).tree.decode()
    return answer(_tree(call, sha, recursive=bool(call.query("recursive"))))


@routes.post(BASE + "/trees", app=WRITE, user="write")
async def create_tree(call: Call) -> web.Response:
    """POST git/trees: entries (``sha`` null removes) on top of ``base_tree``."""
    from dulwich.object_store import commit_tree_changes

    git, repo_id = call.hub.git, call.repo["id"]
    start, base = Tree(), call.body.maybe("base_tree")
    changes: list[tuple[bytes, int | None, ObjectID | None]] = []
    for value in call.body.items("tree") or []:
        entry = Body(value if isinstance(value, dict) else {})
        path, mode, sha = entry.text("path"), int(entry.maybe("mode") or "100644", 8), entry.maybe("sha")
        check_path(call.actor, path)
        if entry.maybe("content") is not None:
            sha = git.add(repo_id, Blob.from_string(entry.text("content").encode()))
        changes.append((path.encode(), mode, ObjectID(sha.encode())) if sha else (path.encode(), None, None))
    with git.open(repo_id) as repo:
        if base is not None:
            found = git.get(repo_id, base)
            if isinstance(found, Commit):
                found = git.get(repo_id, found.tree.decode())
            if not isinstance(found, Tree):
                raise ApiError(422, "base_tree is not a valid tree oid")
            start = found
        repo.object_store.add_object(start)
        made = commit_tree_changes(repo.object_store, start, changes).decode()
    return answer(_tree(call, made, recursive=False), 201)


@routes.get(BASE + f"/blobs/{SHA}", app=READ)
async def get_blob(call: Call) -> web.Response:
    """GET git/blobs/{sha}."""
    blob, sha = _object(call), call.path("sha")
    if not isinstance(blob, Blob):
        raise not_found()
    if call.accepts("raw"):
        kind = {"Content-Type": "application/vnd.github.raw+json; charset=utf-8"}
        return web.Response(body=blob.data, headers=kind)
    return answer(
        {
            "sha": sha,
            "node_id": node_id("Blob", f"{call.repo['id']}:{sha}"),
            "size": len(blob.data),
            "url": f"{repo_url(call.hub, call.repo)}/git/blobs/{sha}",
            "content": base64.encodebytes(blob.data).decode(),
            "encoding": "base64",
        }
    )


@routes.post(BASE + "/blobs", app=WRITE, user="write")
async def create_blob(call: Call) -> web.Response:
    """POST git/blobs."""
    content, encoding = call.body.text("content"), call.body.maybe("encoding") or "utf-8"
    try:
        data = base64.b64decode(content) if encoding == "base64" else content.encode()
    except (binascii.Error, ValueError):
        raise ApiError(422, "content is not valid Base64") from None
    sha = call.hub.git.add(call.repo["id"], Blob.from_string(data))
    url = f"{repo_url(call.hub, call.repo)}/git/blobs/{sha}"
    return answer({"sha": sha, "url": url}, 201, {"Location": url})


@routes.post(BASE + "/tags", app=WRITE, user="write")
async def create_tag(call: Call) -> web.Response:
    """POST git/tags: a tag object, without a ref."""
    body, repo = call.body, call.repo
    target = call.hub.git.get(repo["id"], body.text("object"))
    if target is None:
        raise ApiError(422, "Object does not exist")
    tag = Tag()
    tag.name, tag.message = body.text("tag").encode(), body.text("message").encode()
    tag.object = (type(target), target.id)
    tag.tagger, tag.tag_time = _signature(call, body.object("tagger"))
    tag.tag_timezone = 0
    sha = call.hub.git.add(repo["id"], tag)
    url = f"{repo_url(call.hub, repo)}/git"
    kind = target.type_name.decode()
    shown = {
        "node_id": node_id("Ref", f"{repo['id']}:{sha}"), "tag": body.text("tag"), "sha": sha,
        "url": f"{url}/tags/{sha}", "message": body.text("message"),
        "tagger": render_signature(tag.tagger, tag.tag_time),
        "object": {"sha": target.id.decode(), "type": kind, "url": f"{url}/{kind}s/{target.id.decode()}"},
    }  # fmt: skip
    return answer(shown, 201)

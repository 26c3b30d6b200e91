"""What the pages show of a git repository: directories, files, commits."""

from __future__ import annotations

import stat
from typing import Any
from urllib.parse import quote

from dulwich.objects import Blob, Tree

from localhub.hub import Hub
from localhub.objects.commit import parse_identity, read_message
from localhub.objects.repository import full_name
from localhub.pages import View
from localhub.pages import conversations as pageview
from localhub.pages import people as pagepeople
from localhub.state import Row, stamp

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
LARGEST = 512 * 1024
GITLINK = 0o160000


def read_path(hub: Hub, repo: Row, where: str) -> View:
    """``REF/PATH`` of a repository; LookupError when it is not there. A file's view has ``text``."""
    ref, path = split_path(hub, repo, where)
    sha = hub.git.resolve(repo["id"], ref)
    if sha is None:
        if where:
            raise LookupError(where)
        return {"commit": None}
    entry = hub.git.entry(repo["id"], sha, path)
    if entry is None:
        raise LookupError(where)
    view = {"ref": ref, "trail": make_trail(repo, ref, path)}
    found = hub.git.get(repo["id"], entry[1])
    if isinstance(found, Tree):
        return (
            view | read_directory(hub, repo, ref, path, found) | {"commit": read_short_commit(hub, repo, sha)}
        )
    if not isinstance(found, Blob):
        raise LookupError(where)
    return view | {"name": path.rsplit("/", 1)[-1], "size": len(found.data), "text": split_lines(found.data)}


def split_path(hub: Hub, repo: Row, where: str) -> tuple[str, str]:
    """Where the name of the branch ends and the path begins: the longest name that there is."""
    if not where:
        return repo["default_branch"], ""
    parts = where.strip("/").split("/")
    for end in range(len(parts), 0, -1):
        ref = "/".join(parts[:end])
        if hub.git.branch(repo["id"], ref) is not None:
            return ref, "/".join(parts[end:])
    return parts[0], "/".join(parts[1:])


def make_trail(repo: Row, ref: str, path: str) -> list[View]:
    """The directories above a path and itself, as links."""
    parts = path.split("/") if path else []
    base = f"/{full_name(repo)}/tree/{quote(ref)}"
    return [
        {"name": part, "path": f"{base}/{quote('/'.join(parts[: index + 1]))}"}
        for index, part in enumerate(parts)
    ]


def read_directory(hub: Hub, repo: Row, ref: str, path: str, tree: Tree) -> View:
    """A directory's entries, its README, and the repository's branches and people."""
    base = f"/{full_name(repo)}"
    entries: list[dict[str, Any]] = []
    for item in tree.items():
        name = item.path.decode(errors="replace")
        is_directory = stat.S_ISDIR(item.mode)
        inner = f"{path}/{name}" if path else name
        note = "link" if stat.S_ISLNK(item.mode) else "submodule" if item.mode == GITLINK else ""
        entries.append(
            {
                "name": name,
                "icon": "folder" if is_directory else "file",
                "note": note,
                "path": f"{base}/{'tree' if is_directory else 'blob'}/{quote(ref)}/{quote(inner)}",
            }
        )
    entries.sort(key=lambda entry: (entry["icon"] != "folder", entry["name"].lower()))
    branches = hub.git.refs(repo["id"], "refs/heads/")
    return {
        "entries": entries,
        "readme": find_readme(hub, repo, tree),
        "branches": [name.removeprefix("refs/heads/") for name in branches],
        "members": list_members(hub, repo),
    }


def find_readme(hub: Hub, repo: Row, tree: Tree) -> View | None:
    """The README of a directory."""
    for item in tree.items():
        name = item.path.decode(errors="replace")
        if name.lower() in ("readme.md", "readme.rst", "readme.txt", "readme") and stat.S_ISREG(item.mode):
            text = "\n".join(split_lines(hub.git.blob(repo["id"], item.sha.decode())) or [])
            return {"name": name, "markdown": name.lower().endswith(".md"), "text": text}
    return None


def list_members(hub: Hub, repo: Row) -> list[View]:
    """Who has a role in a repository."""
    rows = hub.state.all(
        "SELECT accounts.*, role FROM accounts JOIN collaborators ON account_id = accounts.id"
        " WHERE repo_id = ? ORDER BY accounts.id",
        repo["id"],
    )
    owner = hub.state.account(repo["owner_id"]) | {"role": "owner"}
    people = [owner, *(row for row in rows if row["id"] != owner["id"])]
    return [{"person": pagepeople.make_person(row), "role": row["role"]} for row in people]


def split_lines(data: bytes) -> list[str] | None:
    """The lines of a text; None for what is none or too large."""
    if b"\0" in data or len(data) > LARGEST:
        return None
    lines = data.decode(errors="replace").split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def read_short_commit(hub: Hub, repo: Row, sha: str) -> View:
    """A commit's sha, title, rest of the message, author and time."""
    commit = hub.git.commit(repo["id"], sha)
    title, _, rest = read_message(commit).partition("\n")
    return {
        "sha": sha,
        "title": title or "(no message)",
        "rest": rest.strip("\n"),
        "author": parse_identity(commit.author)[0],
        "at": stamp(commit.commit_time),
        "parent": commit.parents[0].decode() if commit.parents else EMPTY_TREE,
    }


async def read_commit(hub: Hub, repo: Row, name: str) -> View:
    """A commit with its diff against the first parent; LookupError when it is not there."""
    sha = hub.git.resolve(repo["id"], name)
    if sha is None:
        raise LookupError(name)
    commit = read_short_commit(hub, repo, sha)
    diff = await hub.git.diff(repo["id"], commit["parent"], sha)
    return {"commit": commit, "files": pageview.read_files(diff)}

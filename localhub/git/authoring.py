"""Commits that GitHub makes itself: through the contents API, merges, and createCommitOnBranch."""

from __future__ import annotations

from collections.abc import Sequence

from dulwich.object_store import commit_tree_changes
from dulwich.objects import Blob, Commit, ObjectID, Tree

from localhub.auth import Actor
from localhub.git.store import read_tree
from localhub.hub import Hub
from localhub.state import Row

WEB_FLOW = b"GitHub <noreply@github.com>"


def make_signature(account: Row) -> bytes:
    """The author line of an account, with its noreply address."""
    return f"{account['name']} <{account['id']}+{account['login']}@users.noreply.github.com>".encode()


def write_tree(
    hub: Hub, repo_id: int, tree: str | None, additions: dict[str, bytes], deletions: Sequence[str] = ()
) -> str:
    """The tree with files written and removed; modes of files that were there stay."""
    with hub.git.open(repo_id) as repo:
        store = repo.object_store
        if tree is None:
            empty = Tree()
            store.add_object(empty)
            start = empty
        else:
            start = read_tree(repo, tree)
        changes: list[tuple[bytes, int | None, ObjectID | None]] = [
            (path.encode(), None, None) for path in deletions
        ]
        for path, content in additions.items():
            try:
                mode, _ = start.lookup_path(store.__getitem__, path.encode())
            except (KeyError, NotADirectoryError):
                mode = 0o100644
            blob = Blob.from_string(content)
            store.add_object(blob)
            changes.append((path.encode(), mode, blob.id))
        return commit_tree_changes(store, start, changes).decode()


def make_commit(
    hub: Hub,
    actor: Actor,
    repo: Row,
    *,
    tree: str,
    parents: Sequence[str],
    message: str,
    author: bytes | None = None,
    verified: bool = True,
) -> str:
    """Store a commit by the caller, committed (and signed, when ``verified``) by GitHub."""
    commit = Commit()
    commit.tree = ObjectID(tree.encode())
    commit.parents = [ObjectID(parent.encode()) for parent in parents]
    commit.author = author or make_signature(actor.writer)
    commit.committer = WEB_FLOW
    commit.author_time = commit.commit_time = int(hub.state.time())
    commit.author_timezone = commit.commit_timezone = 0
    commit.encoding = b"UTF-8"
    commit.message = message.encode()
    sha = hub.git.add(repo["id"], commit)
    if verified:
        hub.state.run("INSERT OR IGNORE INTO verified_commits VALUES (?, ?)", repo["id"], sha)
    return sha

"""A task's repository: the one that is named, or one commit made of a packed project, always the same one.

``setup``, ``setup_internet`` and ``test_command`` of a task reach the run by the front door: as
``.github/hob.yml`` of a commit that only the policy is read from, so the tree that is worked on is the base
commit's, byte for byte.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import yaml
from dulwich.index import commit_tree
from dulwich.object_store import iter_tree_contents
from dulwich.objects import Blob, Commit
from dulwich.repo import Repo

from bot.errors import UserError
from bot.eval.suite import EvalTask, read_packed_files
from bot.repo_config import PATH as CONFIG_PATH
from bot.text.redact import Redactor
from bot.workspace.checkout import Checkout
from bot.workspace.workshop import Workshop

_WHO = b"Suite <suite@localhost>"
_WHEN = 1_700_000_000


async def checkout_task(task: EvalTask, workshop: Workshop, home: Path, *, faulty: bool = True) -> Checkout:
    """The base commit of a task, ready to be opened; ``faulty`` False: a packed project as it should be.

    Raises UserError: no such commit, a bad hob.yml, a setup that fails.
    """
    path, rev = task.repo, task.row.base_commit
    if task.packed:
        path = home / "packed" / (task.digest if faulty else f"{task.digest}-right")
        await asyncio.to_thread(_pack, task, path, faulty)
        rev = "HEAD"
    repo_id, commit = await workshop.mirror.adopt(path, rev)
    policy = await asyncio.to_thread(_commit_policy, workshop.mirror.path(repo_id), commit, task)
    found = await workshop.checkout(repo_id, commit, Redactor(), policy=policy)
    if not found.checks.test:
        raise UserError(f"{task.row.instance_id}: no tests were found; give its test_command", phase="suite")
    return found


def _pack(task: EvalTask, into: Path, faulty: bool) -> None:
    """Make the repository, whole or not at all."""
    if into.exists():
        return
    files = read_packed_files(task.repo)
    for fault in task.row.fault if faulty else ():
        text = files[fault.path].decode("utf-8")
        files[fault.path] = text.replace(fault.right, fault.wrong).encode("utf-8")
    into.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=".new-", dir=into.parent))
    try:
        with closing(Repo.init_bare(str(beside))) as repo:
            blobs = [(os.fsencode(path), Blob.from_string(data), 0o100644) for path, data in files.items()]
            repo.object_store.add_objects([(blob, None) for _, blob, _ in blobs])
            tree = commit_tree(repo.object_store, [(path, blob.id, mode) for path, blob, mode in blobs])
            commit = _make_commit(tree, task.row.repo)
            repo.object_store.add_object(commit)
            (beside / "HEAD").write_bytes(commit.id + b"\n")
        beside.rename(into)
    except OSError:
        shutil.rmtree(beside, ignore_errors=True)
        if not into.exists():  # somebody else made it meanwhile, otherwise
            raise


def _commit_policy(mirror: Path, base: str, task: EvalTask) -> str:
    """The commit whose hob.yml says what the task says; ``base`` itself when the task says nothing."""
    row = task.row
    said = {"setup": row.setup, "setup_internet": row.setup_internet, "test": row.test_command}
    said = {name: value for name, value in said.items() if value}
    if not said:
        return base
    with closing(Repo(str(mirror))) as repo:
        store = repo.object_store
        based = repo[base.encode()]
        assert isinstance(based, Commit)  # noqa: S101  ``adopt`` resolved it as one
        tree = based.tree
        entries = {entry.path: (entry.sha, entry.mode) for entry in iter_tree_contents(store, tree)}
        name = CONFIG_PATH.encode()
        before: Any = yaml.safe_load(store[entries[name][0]].as_raw_string()) if name in entries else None
        config = {**before, **said} if isinstance(before, dict) else said
        blob = Blob.from_string(yaml.safe_dump(config).encode())
        store.add_object(blob)
        entries[name] = (blob.id, 0o100644)
        commit = _make_commit(
            commit_tree(store, [(path, sha, mode) for path, (sha, mode) in entries.items()]), base
        )
        store.add_object(commit)
        return commit.id.decode()


def _make_commit(tree: bytes, message: str) -> Commit:
    commit = Commit()
    commit.tree = tree
    commit.author = commit.committer = _WHO
    commit.author_time = commit.commit_time = _WHEN
    commit.author_timezone = commit.commit_timezone = 0
    commit.message = message.encode()
    return commit

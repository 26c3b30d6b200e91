"""Commits, refs, and the files of a diff as JSON."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote

from dulwich.objects import Commit

from localhub.git.diffs import FileDiff
from localhub.hub import Hub
from localhub.node_ids import node_id
from localhub.objects.people import render_user
from localhub.objects.repository import page_url, repo_url
from localhub.state import Row

Json = dict[str, Any]

IDENTITY = re.compile(rb"^(.*?) ?<(.*)>$", re.DOTALL)
NOREPLY = re.compile(r"^(?:\d+\+)?(.+)@users\.noreply\.")


def parse_identity(raw: bytes) -> tuple[str, str]:
    """(name, email) of an author line."""
    match = IDENTITY.match(raw)
    name, email = match.groups() if match else (raw, b"")
    return name.decode(errors="replace"), email.decode(errors="replace")


def render_signature(raw: bytes, seconds: float) -> Json:
    """An author or committer, with the time in UTC."""
    name, email = parse_identity(raw)
    date = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"name": name, "email": email, "date": date}


def account_of(hub: Hub, raw: bytes) -> Row | None:
    """The account that an author's address belongs to."""
    _, email = parse_identity(raw)
    match = NOREPLY.match(email)
    if match:
        return hub.state.account_by_login(match[1])
    return hub.state.maybe("SELECT * FROM accounts WHERE email = ?", email) if email else None


def render_verification(hub: Hub, repo: Row, commit: Commit) -> Json:
    """Whether GitHub shows the commit as verified, as it does those that it made itself."""
    sql = "SELECT 1 FROM verified_commits WHERE repo_id = ? AND sha = ?"
    if hub.state.maybe(sql, repo["id"], commit.id.decode()) is None:
        return {
            "verified": False, "reason": "unsigned", "signature": None, "payload": None, "verified_at": None,
        }  # fmt: skip
    payload = b"\n".join(line for line in commit.as_raw_string().split(b"\n")).decode(errors="replace")
    return {
        "verified": True,
        "reason": "valid",
        "signature": "-----BEGIN PGP SIGNATURE-----\n\nlocal\n-----END PGP SIGNATURE-----\n",
        "payload": payload,
        "verified_at": render_signature(commit.committer, commit.commit_time)["date"],
    }


def read_message(commit: Commit) -> str:
    """The commit's message without the newline that ends it."""
    text: str = commit.message.decode(errors="replace")
    return text.rstrip("\n")


def render_git_commit(hub: Hub, repo: Row, commit: Commit) -> Json:
    """A commit as the git database API shows it."""
    sha, url = commit.id.decode(), repo_url(hub, repo)
    return {
        "sha": sha,
        "node_id": node_id("Commit", f"{repo['id']}:{sha}"),
        "url": f"{url}/git/commits/{sha}",
        "html_url": f"{page_url(hub, repo)}/commit/{sha}",
        "author": render_signature(commit.author, commit.author_time),
        "committer": render_signature(commit.committer, commit.commit_time),
        "tree": {"sha": commit.tree.decode(), "url": f"{url}/git/trees/{commit.tree.decode()}"},
        "message": read_message(commit),
        "parents": [
            {
                "sha": parent.decode(),
                "url": f"{url}/git/commits/{parent.decode()}",
                "html_url": f"{page_url(hub, repo)}/commit/{parent.decode()}",
            }
            for parent in commit.parents
        ],
        "verification": render_verification(hub, repo, commit),
    }


def render_commit(hub: Hub, repo: Row, commit: Commit) -> Json:
    """A commit as the commits API shows it."""
    sha, url = commit.id.decode(), f"{repo_url(hub, repo)}/commits"
    inner = render_git_commit(hub, repo, commit)
    author, committer = account_of(hub, commit.author), account_of(hub, commit.committer)
    return {
        "sha": sha,
        "node_id": inner["node_id"],
        "commit": {
            "author": inner["author"],
            "committer": inner["committer"],
            "message": inner["message"],
            "tree": inner["tree"],
            "url": inner["url"],
            "comment_count": 0,
            "verification": inner["verification"],
        },
        "url": f"{url}/{sha}",
        "html_url": inner["html_url"],
        "comments_url": f"{url}/{sha}/comments",
        "author": None if author is None else render_user(hub, author),
        "committer": None if committer is None else render_user(hub, committer),
        "parents": [parent | {"url": f"{url}/{parent['sha']}"} for parent in inner["parents"]],
    }


def render_pushed_commit(hub: Hub, repo: Row, commit: Commit, files: list[tuple[str, str]]) -> Json:
    """A commit as push events carry it; ``files`` are (git's status letter, path)."""
    sha = commit.id.decode()
    zone = timezone(timedelta(seconds=commit.commit_timezone))
    return {
        "id": sha,
        "tree_id": commit.tree.decode(),
        "distinct": True,
        "message": read_message(commit),
        "timestamp": datetime.fromtimestamp(commit.commit_time, zone).isoformat(),
        "url": f"{page_url(hub, repo)}/commit/{sha}",
        "author": _render_pusher(hub, commit.author),
        "committer": _render_pusher(hub, commit.committer),
        "added": [path for status, path in files if status == "A"],
        "removed": [path for status, path in files if status == "D"],
        "modified": [path for status, path in files if status not in "AD"],
    }


def _render_pusher(hub: Hub, raw: bytes) -> Json:
    name, email = parse_identity(raw)
    account = account_of(hub, raw)
    return {"name": name, "email": email} | ({} if account is None else {"username": account["login"]})


def render_ref(hub: Hub, repo: Row, name: str, sha: str, kind: str = "commit") -> Json:
    """A git ref by its full name."""
    url = f"{repo_url(hub, repo)}/git"
    return {
        "ref": name,
        "node_id": node_id("Ref", f"{repo['id']}:{name}"),
        "url": f"{url}/{quote(name)}",
        "object": {"sha": sha, "type": kind, "url": f"{url}/{kind}s/{sha}"},
    }


def render_file(hub: Hub, repo: Row, file: FileDiff, sha: str) -> Json:
    """A changed file of a pull request, commit or comparison whose head is ``sha``."""
    path = quote(file.path)
    answer = {
        "sha": file.blob,
        "filename": file.path,
        "status": file.status,
        "additions": file.additions,
        "deletions": file.deletions,
        "changes": file.additions + file.deletions,
        "blob_url": f"{page_url(hub, repo)}/blob/{sha}/{path}",
        "raw_url": f"{page_url(hub, repo)}/raw/{sha}/{path}",
        "contents_url": f"{repo_url(hub, repo)}/contents/{path}?ref={sha}",
    }
    if file.patch is not None:
        answer["patch"] = file.patch
    if file.old_path != file.path:
        answer["previous_filename"] = file.old_path
    return answer

"""Releases as JSON."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from localhub.hub import Hub
from localhub.node_ids import node_id
from localhub.objects.people import render_user_by_id
from localhub.objects.repository import page_url, repo_url
from localhub.state import Row


def release_page(hub: Hub, repo: Row, row: Row) -> str:
    """A release's page."""
    return f"{page_url(hub, repo)}/releases/tag/{quote(row['tag_name'])}"


def find_latest(hub: Hub, repo: Row) -> Row | None:
    """The newest release that is neither a draft nor a prerelease."""
    return hub.state.maybe(
        "SELECT * FROM releases WHERE repo_id = ? AND NOT draft AND NOT prerelease"
        " ORDER BY published_at DESC, id DESC",
        repo["id"],
    )


def render_release(hub: Hub, repo: Row, row: Row) -> dict[str, Any]:
    """A release; nobody uploads assets here."""
    url, tag = f"{repo_url(hub, repo)}/releases/{row['id']}", quote(row["tag_name"])
    return {
        "url": url,
        "assets_url": f"{url}/assets",
        "upload_url": f"{url}/assets{{?name,label}}",
        "html_url": release_page(hub, repo, row),
        "id": row["id"],
        "node_id": node_id("Release", row["id"]),
        "author": render_user_by_id(hub, row["author_id"]),
        "tag_name": row["tag_name"],
        "target_commitish": row["target"],
        "name": row["name"],
        "draft": bool(row["draft"]),
        "immutable": False,
        "prerelease": bool(row["prerelease"]),
        "created_at": row["created_at"],
        "updated_at": row["created_at"],
        "published_at": row["published_at"],
        "assets": [],
        "tarball_url": f"{repo_url(hub, repo)}/tarball/{tag}",
        "zipball_url": f"{repo_url(hub, repo)}/zipball/{tag}",
        "body": row["body"],
    }

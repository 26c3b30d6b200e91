"""Users, bots, organizations, Apps and installations as JSON."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from localhub.hub import Hub
from localhub.node_ids import node_id
from localhub.state import Row

Json = dict[str, Any]


def render_user(hub: Hub, row: Row) -> Json:
    """A user, bot or organization in short."""
    login = str(row["login"])
    url = f"{hub.api_url}/users/{quote(login, safe='')}"
    page = f"apps/{login.removesuffix('[bot]')}" if row["type"] == "Bot" else quote(login)
    return {
        "login": login,
        "id": row["id"],
        "node_id": node_id(row["type"], row["id"]),
        "avatar_url": f"{hub.web_url}/avatars/u/{row['id']}",
        "gravatar_id": "",
        "url": url,
        "html_url": f"{hub.web_url}/{page}",
        "followers_url": f"{url}/followers",
        "following_url": f"{url}/following{{/other_user}}",
        "gists_url": f"{url}/gists{{/gist_id}}",
        "starred_url": f"{url}/starred{{/owner}}{{/repo}}",
        "subscriptions_url": f"{url}/subscriptions",
        "organizations_url": f"{url}/orgs",
        "repos_url": f"{url}/repos",
        "events_url": f"{url}/events{{/privacy}}",
        "received_events_url": f"{url}/received_events",
        "type": row["type"],
        "site_admin": False,
    }


def render_user_by_id(hub: Hub, account_id: int | None) -> Json | None:
    """The user of an id that may be missing."""
    return None if account_id is None else render_user(hub, hub.state.account(account_id))


def render_whole_user(hub: Hub, row: Row, *, private: bool) -> Json:
    """A user in full; ``private`` adds what only the user sees."""
    repos = hub.state.count("SELECT count(*) FROM repos WHERE owner_id = ? AND NOT private", row["id"])
    answer = render_user(hub, row) | {
        "name": row["name"], "company": None, "blog": "", "location": None, "email": row["email"],
        "hireable": None,
        "bio": None, "twitter_username": None, "public_repos": repos, "public_gists": 0, "followers": 0,
        "following": 0,
        "created_at": row["created_at"], "updated_at": row["created_at"],
    }  # fmt: skip
    if private:
        hidden = hub.state.count("SELECT count(*) FROM repos WHERE owner_id = ? AND private", row["id"])
        answer |= {
            "private_gists": 0, "total_private_repos": hidden, "owned_private_repos": hidden, "disk_usage": 0,
            "collaborators": 0, "two_factor_authentication": True,
            "plan": {"name": "free", "space": 976562499, "collaborators": 0, "private_repos": 10000},
        }  # fmt: skip
    return answer


def render_organization(hub: Hub, row: Row) -> Json:
    """An organization, as webhooks carry it."""
    url = f"{hub.api_url}/orgs/{row['login']}"
    return {
        "login": row["login"],
        "id": row["id"],
        "node_id": node_id("Organization", row["id"]),
        "url": url,
        "repos_url": f"{url}/repos",
        "events_url": f"{url}/events",
        "hooks_url": f"{url}/hooks",
        "issues_url": f"{url}/issues",
        "members_url": f"{url}/members{{/member}}",
        "public_members_url": f"{url}/public_members{{/member}}",
        "avatar_url": f"{hub.web_url}/avatars/u/{row['id']}",
        "description": row["name"],
    }


def render_app(hub: Hub, row: Row) -> Json:
    """A GitHub App."""
    return {
        "id": row["id"],
        "slug": row["slug"],
        "node_id": node_id("App", row["id"]),
        "owner": render_user(hub, hub.state.account(row["owner_id"])),
        "name": row["name"],
        "description": row["description"],
        "external_url": row["external_url"],
        "html_url": f"{hub.web_url}/apps/{row['slug']}",
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "permissions": json.loads(row["permissions_json"]),
        "events": json.loads(row["events_json"]),
    }


def render_app_by_id(hub: Hub, app_id: int | None) -> Json | None:
    """The App of an id that may be missing."""
    return None if app_id is None else render_app(hub, hub.state.app(app_id))


def render_installation(hub: Hub, row: Row) -> Json:
    """An installation of an App on an account."""
    account = hub.state.account(row["account_id"])
    return {
        "id": row["id"],
        "account": render_user(hub, account),
        "repository_selection": row["repository_selection"],
        "access_tokens_url": f"{hub.api_url}/app/installations/{row['id']}/access_tokens",
        "repositories_url": f"{hub.api_url}/installation/repositories",
        "html_url": f"{hub.web_url}/settings/installations/{row['id']}",
        "app_id": row["app_id"],
        "app_slug": hub.state.app(row["app_id"])["slug"],
        "target_id": account["id"],
        "target_type": account["type"],
        "permissions": json.loads(row["permissions_json"]),
        "events": json.loads(row["events_json"]),
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "single_file_name": None,
        "has_multiple_single_files": False,
        "single_file_paths": [],
        "suspended_by": render_user_by_id(hub, account["owner_id"] or account["id"])
        if row["suspended_at"]
        else None,
        "suspended_at": row["suspended_at"],
    }


def find_association(hub: Hub, repo: Row, account_id: int) -> str:
    """How an author stands to a repository; a hint for display, as on GitHub."""
    owner = hub.state.account(repo["owner_id"])
    if account_id == owner["id"]:
        return "OWNER"
    if account_id == owner["owner_id"]:
        return "MEMBER"
    sql = "SELECT 1 FROM collaborators WHERE repo_id = ? AND account_id = ?"
    if hub.state.maybe(sql, repo["id"], account_id):
        return "COLLABORATOR"
    merged = (
        "SELECT 1 FROM pulls JOIN issues ON issues.id = issue_id"
        " WHERE pulls.repo_id = ? AND user_id = ? AND merged_at IS NOT NULL"
    )
    return "CONTRIBUTOR" if hub.state.maybe(merged, repo["id"], account_id) else "NONE"

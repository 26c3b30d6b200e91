"""Repositories and labels as JSON."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from localhub.auth import Actor, includes_level, role_of
from localhub.hub import Hub
from localhub.node_ids import node_id
from localhub.objects.people import render_user
from localhub.state import Row

Json = dict[str, Any]

TEMPLATES = {
    "forks": "forks", "keys": "keys{/key_id}", "collaborators": "collaborators{/collaborator}",
    "teams": "teams",
    "hooks": "hooks", "issue_events": "issues/events{/number}", "events": "events",
    "assignees": "assignees{/user}",
    "branches": "branches{/branch}", "tags": "tags", "blobs": "git/blobs{/sha}", "git_tags": "git/tags{/sha}",
    "git_refs": "git/refs{/sha}", "trees": "git/trees{/sha}", "statuses": "statuses/{sha}",
    "languages": "languages",
    "stargazers": "stargazers", "contributors": "contributors", "subscribers": "subscribers",
    "subscription": "subscription", "commits": "commits{/sha}", "git_commits": "git/commits{/sha}",
    "comments": "comments{/number}", "issue_comment": "issues/comments{/number}",
    "contents": "contents/{+path}",
    "compare": "compare/{base}...{head}", "merges": "merges", "archive": "{archive_format}{/ref}",
    "downloads": "downloads", "issues": "issues{/number}", "pulls": "pulls{/number}",
    "milestones": "milestones{/number}", "notifications": "notifications{?since,all,participating}",
    "labels": "labels{/name}", "releases": "releases{/id}", "deployments": "deployments",
}  # fmt: skip


def full_name(repo: Row) -> str:
    """owner/name."""
    return f"{repo['owner']}/{repo['name']}"


def repo_url(hub: Hub, repo: Row) -> str:
    """The URL of the repository in the API."""
    return f"{hub.api_url}/repos/{full_name(repo)}"


def page_url(hub: Hub, repo: Row) -> str:
    """The URL of the repository's page."""
    return f"{hub.web_url}/{full_name(repo)}"


def render_repository(hub: Hub, repo: Row) -> Json:
    """A repository, as webhooks and lists carry it."""
    url, page = repo_url(hub, repo), page_url(hub, repo)
    open_issues = hub.state.count(
        "SELECT count(*) FROM issues WHERE repo_id = ? AND state = 'open'", repo["id"]
    )
    forks = hub.state.count("SELECT count(*) FROM repos WHERE parent_id = ?", repo["id"])
    return {
        "id": repo["id"],
        "node_id": node_id("Repository", repo["id"]),
        "name": repo["name"],
        "full_name": full_name(repo),
        "private": bool(repo["private"]),
        "owner": render_user(hub, hub.state.account(repo["owner_id"])),
        "html_url": page,
        "description": repo["description"],
        "fork": repo["parent_id"] is not None,
        "url": url,
        **{f"{name}_url": f"{url}/{path}" for name, path in TEMPLATES.items()},
        "created_at": repo["created_at"],
        "updated_at": repo["updated_at"],
        "pushed_at": repo["pushed_at"] or repo["created_at"],
        "git_url": page.replace("http:", "git:", 1) + ".git",
        "ssh_url": f"git@localhost:{full_name(repo)}.git",
        "clone_url": f"{page}.git",
        "svn_url": page,
        "homepage": repo["homepage"],
        "size": 0,
        "stargazers_count": 0,
        "watchers_count": 0,
        "language": None,
        "has_issues": bool(repo["has_issues"]),
        "has_projects": True,
        "has_downloads": True,
        "has_wiki": True,
        "has_pages": False,
        "has_discussions": True,
        "forks_count": forks,
        "mirror_url": None,
        "archived": bool(repo["archived"]),
        "disabled": False,
        "open_issues_count": open_issues,
        "license": None,
        "allow_forking": True,
        "is_template": False,
        "web_commit_signoff_required": False,
        "topics": [
            one["name"]
            for one in hub.state.all("SELECT name FROM topics WHERE repo_id = ? ORDER BY name", repo["id"])
        ],
        "visibility": "private" if repo["private"] else "public",
        "forks": forks,
        "open_issues": open_issues,
        "watchers": 0,
        "default_branch": repo["default_branch"],
        "custom_properties": {},
    }


def render_listed_repository(hub: Hub, repo: Row, actor: Actor) -> Json:
    """A repository, as the caller's own list shows it."""
    return render_repository(hub, repo) | {"permissions": render_permissions(hub, repo, actor)}


def render_whole_repository(hub: Hub, repo: Row, actor: Actor) -> Json:
    """A repository, as its own address answers."""
    answer = render_repository(hub, repo) | {
        "permissions": render_permissions(hub, repo, actor),
        "allow_rebase_merge": True,
        "allow_squash_merge": True,
        "allow_merge_commit": True,
        "allow_auto_merge": False,
        "delete_branch_on_merge": False,
        "network_count": hub.state.count("SELECT count(*) FROM repos WHERE parent_id = ?", repo["id"]),
        "subscribers_count": 0,
    }
    if repo["parent_id"] is not None:
        parent = render_repository(hub, hub.state.repo(repo["parent_id"]))
        answer |= {"parent": parent, "source": parent}
    return answer


def render_permissions(hub: Hub, repo: Row, actor: Actor) -> Json:
    """What the caller may do, as five flags."""
    if actor.kind == "installation":
        level = actor.permissions.get("contents", "none")
        role = "write" if level == "write" else "read"
    else:
        role = role_of(hub.state, repo, None if actor.account is None else actor.account["id"])
    return role_flags(role)


def role_flags(role: str) -> Json:
    """A role as GitHub's five flags."""
    names = {"admin": "admin", "maintain": "maintain", "push": "write", "triage": "triage", "pull": "read"}
    return {flag: includes_level(role, needed) for flag, needed in names.items()}


def render_repository_of_check(hub: Hub, repo: Row) -> Json:
    """A repository as check runs name it."""
    return {"id": repo["id"], "url": repo_url(hub, repo), "name": repo["name"]}


def render_short_repository(repo: Row) -> Json:
    """A repository as installation events name it."""
    return {
        "id": repo["id"],
        "node_id": node_id("Repository", repo["id"]),
        "name": repo["name"],
        "full_name": full_name(repo),
        "private": bool(repo["private"]),
    }


def render_label(hub: Hub, repo: Row, row: Row) -> Json:
    """A label."""
    return {
        "id": row["id"],
        "node_id": node_id("Label", row["id"]),
        "url": f"{repo_url(hub, repo)}/labels/{quote(row['name'], safe='')}",
        "name": row["name"],
        "color": row["color"],
        "default": bool(row["is_default"]),
        "description": row["description"],
    }

"""What belongs to a repository as a whole, as GraphQL objects: milestones, releases, topics, languages."""

from __future__ import annotations

from localhub.graphql.connections import connection_field
from localhub.graphql.git import render_ref
from localhub.graphql.viewer import Object, Viewer, render_account
from localhub.node_ids import node_id
from localhub.objects.milestone import milestone_of
from localhub.objects.milestone import render_milestone as milestone_json
from localhub.objects.release import find_latest, release_page
from localhub.objects.repository import full_name
from localhub.rest.issues.assignees import list_assignable
from localhub.rest.issues.milestones import list_milestones
from localhub.rest.repos.about import count_languages, list_topics
from localhub.state import Row


def render_milestone(viewer: Viewer, repo: Row, row: Row) -> Object:
    """A milestone."""
    shown = milestone_json(viewer.hub, repo, row)
    return {
        "__typename": "Milestone",
        "id": shown["node_id"],
        "number": row["number"],
        "title": row["title"],
        "description": row["description"],
        "state": row["state"].upper(),
        "dueOn": row["due_on"],
        "closed": row["state"] == "closed",
        "createdAt": row["created_at"],
        "updatedAt": row["updated_at"],
        "url": shown["html_url"],
    }


def render_milestone_of(viewer: Viewer, repo: Row, issue: Row) -> Object | None:
    """The milestone of an issue or pull request, or None."""
    row = milestone_of(viewer.hub, issue)
    return None if row is None else render_milestone(viewer, repo, row)


def render_release(viewer: Viewer, repo: Row, row: Row) -> Object:
    """A release."""
    latest = find_latest(viewer.hub, repo)
    return {
        "__typename": "Release",
        "id": node_id("Release", row["id"]),
        "databaseId": row["id"],
        "name": row["name"],
        "tagName": row["tag_name"],
        "description": row["body"],
        "isDraft": bool(row["draft"]),
        "isPrerelease": bool(row["prerelease"]),
        "isLatest": latest is not None and latest["id"] == row["id"],
        "createdAt": row["created_at"],
        "updatedAt": row["created_at"],
        "publishedAt": row["published_at"],
        "url": release_page(viewer.hub, repo, row),
        "author": lambda info: render_account(viewer, row["author_id"], "User"),
        "tag": lambda info: render_ref(viewer, repo, f"refs/tags/{row['tag_name']}"),
    }


def render_about(viewer: Viewer, repo: Row) -> Object:
    """The fields of a repository that this module has."""
    hub = viewer.hub

    def milestones(
        states: list[str] | None = None, query: str | None = None, orderBy: Object | None = None
    ) -> list[Row]:
        viewer.check(repo, "issues:read|pull_requests:read")
        rows = [row for row in list_milestones(hub, repo) if not states or row["state"].upper() in states]
        rows = [row for row in rows if (query or "").lower() in row["title"].lower()]
        return rows[::-1] if orderBy and orderBy["direction"] == "DESC" else rows

    def releases(orderBy: Object | None = None) -> list[Row]:
        viewer.check(repo, "contents:read")
        rows = hub.state.all("SELECT * FROM releases WHERE repo_id = ? ORDER BY id", repo["id"])
        return rows if orderBy and orderBy["direction"] == "ASC" else rows[::-1]

    def find_release(info: object, tagName: str) -> Object | None:
        found = next((row for row in releases() if row["tag_name"] == tagName), None)
        return None if found is None else render_release(viewer, repo, found)

    def latest(info: object) -> Object | None:
        found = find_latest(hub, repo)
        return None if found is None else render_release(viewer, repo, found)

    def topic(row: Row) -> Object:
        name, page = row["name"], f"{hub.web_url}/topics/{row['name']}"
        inner = {"__typename": "Topic", "id": node_id("Topic", name), "name": name}
        own = node_id("RepositoryTopic", f"{repo['id']}:{name}")
        return {"__typename": "RepositoryTopic", "id": own, "topic": inner, "url": page}

    def people(query: str | None = None) -> list[Row]:
        rows = list_assignable(hub, repo)
        return [row for row in rows if (query or "").lower() in f"{row['login']} {row['name']}".lower()]

    return {
        "milestones": connection_field(
            "milestones", milestones, lambda row: render_milestone(viewer, repo, row)
        ),
        "releases": connection_field("releases", releases, lambda row: render_release(viewer, repo, row)),
        "release": find_release,
        "latestRelease": latest,
        "repositoryTopics": connection_field(
            "repositoryTopics", lambda: [{"name": name} for name in list_topics(hub, repo)], topic
        ),
        "languages": lambda info, orderBy=None, **paging: _languages(viewer, repo, info, paging),
        "licenseInfo": None,  # nobody looks for one here
        "assignableUsers": connection_field(
            "assignableUsers", people, lambda row: render_account(viewer, row["id"], "User") or {}
        ),
        "stargazerCount": 0,
        "forkCount": lambda info: hub.state.count(
            "SELECT count(*) FROM repos WHERE parent_id = ?", repo["id"]
        ),
        "homepageUrl": repo["homepage"],
        "sshUrl": f"git@localhost:{full_name(repo)}.git",
        "visibility": "PRIVATE" if repo["private"] else "PUBLIC",
        "isEmpty": lambda info: not hub.git.refs(repo["id"], "refs/heads/"),
        "pushedAt": repo["pushed_at"] or repo["created_at"],
        "updatedAt": repo["updated_at"],
    }


def _languages(viewer: Viewer, repo: Row, info: object, paging: Object) -> Object:
    counts = count_languages(viewer.hub, repo)

    def show(row: Row) -> Object:
        return {
            "__typename": "Language",
            "id": node_id("Language", row["name"]),
            "name": row["name"],
            "color": None,
        }

    page = connection_field("languages", lambda: [{"name": name} for name in counts], show)(info, **paging)
    edges = [edge | {"size": counts[edge["node"]["name"]]} for edge in page["edges"]]
    return page | {"edges": edges, "totalSize": sum(counts.values())}

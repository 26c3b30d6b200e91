"""Refs and commits as GraphQL objects."""

from __future__ import annotations

from dulwich.objects import Commit

from localhub.graphql.checks import render_rollup
from localhub.graphql.viewer import Object, Viewer, render_account
from localhub.node_ids import node_id
from localhub.objects.commit import account_of, render_git_commit
from localhub.rules.protection import find_protection
from localhub.state import Row


def render_ref(viewer: Viewer, repo: Row, name: str) -> Object | None:
    """A branch or tag by its full or short name."""
    viewer.check(repo, "contents:read")
    candidates = (
        [name] if name.startswith("refs/") else [f"refs/{name}", f"refs/heads/{name}", f"refs/tags/{name}"]
    )
    for candidate in candidates:
        sha = viewer.hub.git.ref(repo["id"], candidate)
        if sha is not None:
            prefix = "/".join(candidate.split("/")[:2]) + "/"
            return {
                "__typename": "Ref",
                "id": node_id("Ref", f"{repo['id']}:{candidate}"),
                "name": candidate.removeprefix(prefix),
                "prefix": prefix,
                "branchProtectionRule": _find_protection(viewer, repo, candidate),
                "target": lambda info, sha=sha: render_git_object(viewer, repo, sha),
            }
    return None


def _find_protection(viewer: Viewer, repo: Row, ref: str) -> Object | None:
    """The classic protection of a branch, which only those who may push are shown."""
    branch = ref.removeprefix("refs/heads/")
    settings = find_protection(viewer.hub, repo, branch) if ref != branch else None
    if settings is None:
        return None
    checks = settings.get("required_status_checks") or {}
    return {
        "__typename": "BranchProtectionRule",
        "id": node_id("BranchProtectionRule", f"{repo['id']}:{branch}"),
        "pattern": branch,
        "requiresStatusChecks": bool(checks),
        "requiresStrictStatusChecks": bool(checks.get("strict")),
    }


def render_git_object(viewer: Viewer, repo: Row, name: str) -> Object | None:
    """The commit of a name or sha."""
    viewer.check(repo, "contents:read")
    sha = viewer.hub.git.resolve(repo["id"], name)
    return None if sha is None else render_commit(viewer, repo, viewer.hub.git.commit(repo["id"], sha))


def render_commit(viewer: Viewer, repo: Row, commit: Commit) -> Object:
    """A commit."""
    shown = render_git_commit(viewer.hub, repo, commit)
    headline, _, body = shown["message"].partition("\n")
    verified = shown["verification"]["verified"]
    signature = {"__typename": "GpgSignature", "isValid": True, "state": "VALID", "wasSignedByGitHub": True}

    def person(part: str, raw: bytes) -> Object:
        account = account_of(viewer.hub, raw)
        is_user = account is not None and account["type"] == "User"
        return {**shown[part], "user": render_account(viewer, account["id"]) if account and is_user else None}

    return {
        "__typename": "Commit",
        "id": shown["node_id"],
        "oid": shown["sha"],
        "abbreviatedOid": shown["sha"][:7],
        "url": shown["html_url"],
        "commitUrl": shown["html_url"],
        "message": shown["message"],
        "messageHeadline": headline,
        "messageBody": body.strip("\n"),
        "authoredDate": shown["author"]["date"],
        "committedDate": shown["committer"]["date"],
        "author": person("author", commit.author),
        "committer": person("committer", commit.committer),
        "signature": signature if verified else None,
        "statusCheckRollup": lambda info: render_rollup(viewer, repo, shown["sha"]),
        "tree": {
            "__typename": "Tree",
            "id": node_id("Tree", f"{repo['id']}:{shown['tree']['sha']}"),
            "oid": shown["tree"]["sha"],
            "abbreviatedOid": shown["tree"]["sha"][:7],
            "commitUrl": shown["html_url"],
        },
    }

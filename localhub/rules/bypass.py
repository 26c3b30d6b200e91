"""Who may push past a ruleset: those whom it names in ``bypass_actors``.

Modes ``always`` and ``exempt`` are for pushes; ``pull_request`` is for merging alone, and here nobody merges
past a rule. Teams and deploy keys are nobody here.
https://docs.github.com/en/rest/repos/rules#create-a-repository-ruleset
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from localhub.auth import Actor, includes_level, role_of
from localhub.state import Row, State

KINDS = ("Integration", "OrganizationAdmin", "RepositoryRole", "Team", "DeployKey", "User")
MODES = ("always", "pull_request", "exempt")
# The ids that GitHub gives its own roles: hashicorp/terraform's documentation of github_repository_ruleset.
ROLES = {1: "read", 2: "maintain", 3: "triage", 4: "write", 5: "admin"}


def may_bypass(state: State, repo: Row, actor: Actor, named: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a caller may push where a ruleset that names these actors says no."""
    return any(
        one.get("bypass_mode", "always") != "pull_request" and _is_named(state, repo, actor, one)
        for one in named
    )


def _is_named(state: State, repo: Row, actor: Actor, one: Mapping[str, Any]) -> bool:
    kind, which = one["actor_type"], one.get("actor_id")
    if kind == "Integration":
        return actor.kind == "installation" and which == actor.app_id
    if actor.kind != "user":
        return False
    if kind == "User":
        return which == actor.account_id
    role = role_of(state, repo, actor.account_id)
    if kind == "OrganizationAdmin":
        return role == "admin" and state.account(repo["owner_id"])["type"] == "Organization"
    return kind == "RepositoryRole" and which in ROLES and includes_level(role, ROLES[which])

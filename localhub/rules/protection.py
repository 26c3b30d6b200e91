"""Classic branch protection, as rules: older than rulesets, still in many repositories, and enforced alike.

https://docs.github.com/en/rest/branches/branch-protection
"""

from __future__ import annotations

import json
from typing import Any

from localhub.hub import Hub
from localhub.state import Row


def find_protection(hub: Hub, repo: Row, branch: str) -> dict[str, Any] | None:
    """What was asked for when a branch was protected; None for one that is not."""
    sql = "SELECT settings_json FROM protections WHERE repo_id = ? AND branch = ?"
    row = hub.state.maybe(sql, repo["id"], branch)
    return None if row is None else dict(json.loads(row["settings_json"]))


def list_protections(hub: Hub, repo: Row) -> list[dict[str, Any]]:
    """Each protected branch as a ruleset of its own, marked as classic."""
    rows = hub.state.all("SELECT * FROM protections WHERE repo_id = ? ORDER BY branch", repo["id"])
    return [
        {
            "classic": True,
            "conditions": {"ref_name": {"include": [f"refs/heads/{row['branch']}"]}},
            "rules": make_rules(json.loads(row["settings_json"])),
        }
        for row in rows
    ]


def make_rules(settings: dict[str, Any]) -> list[dict[str, Any]]:
    """The rules that a protection comes to."""
    rules: list[dict[str, Any]] = []
    reviews = settings.get("required_pull_request_reviews")
    if reviews is not None:
        count = reviews.get("required_approving_review_count", 1)
        rules.append({"type": "pull_request", "parameters": {"required_approving_review_count": count}})
    if checks := settings.get("required_status_checks"):
        contexts = [*(checks.get("contexts") or ()), *(one["context"] for one in checks.get("checks") or ())]
        named = [{"context": one} for one in dict.fromkeys(contexts)]
        rules.append({"type": "required_status_checks", "parameters": {"required_status_checks": named}})
    if settings.get("required_linear_history"):
        rules.append({"type": "required_linear_history"})
    if settings.get("required_signatures"):
        rules.append({"type": "required_signatures"})
    if not settings.get("allow_force_pushes"):
        rules.append({"type": "non_fast_forward"})
    if not settings.get("allow_deletions"):
        rules.append({"type": "deletion"})
    return rules

"""GraphQL node ids: opaque to clients, and for us a kind and a row's id."""

from __future__ import annotations

import base64
import binascii

PREFIXES = {
    "User": "U", "Bot": "BOT", "Organization": "O", "App": "A", "Repository": "R", "Issue": "I",
    "PullRequest": "PR",
    "IssueComment": "IC", "PullRequestReview": "PRR", "PullRequestReviewComment": "PRRC", "Label": "LA",
    "PullRequestReviewThread": "PRRT", "Reaction": "REA", "CheckRun": "CR", "CheckSuite": "CS", "Commit": "C",
    "Ref": "REF", "Tree": "T", "Blob": "B", "Installation": "MDIz", "Status": "SC",
    "Discussion": "D", "DiscussionComment": "DC", "DiscussionCategory": "DIC",
    "RepositoryRuleset": "RRS", "MergeQueueEntry": "MQE", "IssueEvent": "IE",
    "Milestone": "MI", "Release": "RE", "Topic": "TO", "RepositoryTopic": "RT", "Language": "LN",
    "Workflow": "W", "WorkflowRun": "WFR", "BranchProtectionRule": "BPR", "Tag": "TA",
}  # fmt: skip
KINDS = {prefix: kind for kind, prefix in PREFIXES.items()}


def node_id(kind: str, row_id: int | str) -> str:
    """The node id of a row of this kind."""
    code = base64.urlsafe_b64encode(f"04:{row_id}".encode()).decode().rstrip("=")
    return f"{PREFIXES[kind]}_{code}"


def read_node_id(value: str) -> tuple[str, str] | None:
    """(kind, row id) of a node id, or None when it is no node id."""
    prefix, _, code = value.partition("_")
    try:
        marker, _, row_id = base64.urlsafe_b64decode(code + "=" * (-len(code) % 4)).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    if prefix not in KINDS or marker != "04" or not row_id:
        return None
    return KINDS[prefix], row_id

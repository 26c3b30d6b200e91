"""``Fixes #n``: the words in a pull request that close issues when it is merged to the default branch."""

from __future__ import annotations

import re

from localhub import events
from localhub.auth import Actor
from localhub.hub import Hub
from localhub.state import Row

# https://docs.github.com/issues/tracking-your-work-with-issues/using-issues/linking-a-pull-request-to-an-issue
KEYWORDS = re.compile(
    r"\b(?:close[sd]?|fix(?:es|ed)?|resolve[sd]?):?\s+(?:(?P<repo>[\w.-]+/[\w.-]+))?#(?P<number>\d+)\b",
    re.IGNORECASE,
)


def find_closed_numbers(text: str, full_name: str) -> list[int]:
    """The numbers of this repository's issues that a text closes by keyword."""
    found = []
    for match in KEYWORDS.finditer(text):
        if match["repo"] is None or match["repo"].lower() == full_name.lower():
            found.append(int(match["number"]))
    return list(dict.fromkeys(found))


def close_named_issues(hub: Hub, actor: Actor, repo: Row, text: str) -> None:
    """Close the open issues that the text of a merged pull request names."""
    for number in find_closed_numbers(text, f"{repo['owner']}/{repo['name']}"):
        row = hub.state.issue(repo["id"], number)
        if row is None or row["is_pull"] or row["state"] == "closed":
            continue
        now = hub.state.now()
        hub.state.update(
            "issues", row["id"], state="closed", state_reason="completed", closed_at=now,
            closed_by_id=actor.account_id, updated_at=now,
        )  # fmt: skip
        events.send_issue(hub, actor, repo, "closed", row)

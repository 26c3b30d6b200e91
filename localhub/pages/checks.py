"""Check runs as the pages show them."""

from __future__ import annotations

import json

from localhub.hub import Hub
from localhub.pages import View
from localhub.pages.people import make_person
from localhub.state import Row


def list_check_runs(hub: Hub, repo: Row, sha: str) -> list[View]:
    """The newest run of each check of a commit."""
    newest: dict[tuple[int, str], Row] = {}
    for row in hub.state.check_runs(repo["id"], sha):
        newest.setdefault((row["app_id"], row["name"]), row)
    return [make_check_view(hub, row) for row in newest.values()]


def make_check_view(hub: Hub, row: Row) -> View:
    """A check run on a page."""
    conclusion = row["conclusion"] or ""
    if row["status"] != "completed":
        mark = "running"
    elif conclusion in ("success", "neutral"):
        mark = "done"
    else:
        mark = "skipped" if conclusion in ("skipped", "cancelled") else "failed"
    return {
        "row": row,
        "mark": mark,
        "outcome": conclusion.replace("_", " ") or row["status"].replace("_", " "),
        "person": make_person(hub.state.account(hub.state.app(row["app_id"])["bot_id"])),
    }


def list_annotations(hub: Hub, row: Row) -> list[View]:
    """What a check run noted on lines."""
    rows = hub.state.all("SELECT * FROM annotations WHERE check_run_id = ? ORDER BY id", row["id"])
    return [{"title": None} | json.loads(one["annotation_json"]) for one in rows]

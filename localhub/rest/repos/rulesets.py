"""Rulesets of a repository: made, changed and removed, and what they say of one branch.

Only whoever may change a ruleset is shown who bypasses it, as on GitHub.
https://docs.github.com/en/rest/repos/rules
"""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from localhub.auth import LEVELS, includes_level, role_of
from localhub.errors import malformed, not_found
from localhub.node_ids import node_id
from localhub.objects.repository import full_name, page_url, repo_url
from localhub.rest.api import Body, Call, Routes, answer, answer_nothing, answer_page
from localhub.rules.bypass import KINDS, MODES
from localhub.rules.judge import JUDGES
from localhub.rules.store import list_rules
from localhub.state import Row

routes = Routes()

BASE = "/repos/{owner}/{repo}/rulesets"
ONE = BASE + "/{id:\\d+}"
READ, WRITE = "metadata:read", "administration:write"


def render_ruleset(call: Call, row: Row, *, whole: bool = True) -> dict[str, Any]:
    """A ruleset; lists leave its conditions and rules out."""
    url, page = f"{repo_url(call.hub, call.repo)}/rulesets/{row['id']}", page_url(call.hub, call.repo)
    shown: dict[str, Any] = {
        "id": row["id"],
        "name": row["name"],
        "target": row["target"],
        "source_type": "Repository",
        "source": full_name(call.repo),
        "enforcement": row["enforcement"],
        "node_id": node_id("RepositoryRuleset", row["id"]),
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "_links": {"self": {"href": url}, "html": {"href": f"{page}/rules/{row['id']}"}},
    }
    if whole:
        shown["conditions"] = json.loads(row["conditions_json"])
        shown["rules"] = json.loads(row["rules_json"])
        manages = call.actor.kind == "installation" and includes_level(
            call.actor.permissions.get("administration", "none"), "write", LEVELS
        )
        if manages or (
            call.actor.kind == "user" and role_of(call.hub.state, call.repo, call.actor.account_id) == "admin"
        ):
            shown["bypass_actors"] = json.loads(row["bypass_json"])
    return shown


def _read_rules(body: Body) -> list[dict[str, Any]]:
    rules = body.items("rules") or []
    for rule in rules:
        if not isinstance(rule, dict) or rule.get("type") not in JUDGES:
            raise malformed(f"Invalid rule {json.dumps(rule)}: one of {', '.join(JUDGES)}")
    return rules


def _read_bypass(body: Body) -> list[dict[str, Any]]:
    named = body.items("bypass_actors") or []
    for one in named:
        if not isinstance(one, dict) or one.get("actor_type") not in KINDS:
            raise malformed(f"Invalid bypass actor {json.dumps(one)}: one of {', '.join(KINDS)}")
        if one.setdefault("bypass_mode", "always") not in MODES:
            raise malformed(f"Invalid bypass mode: one of {', '.join(MODES)}")
    return named


def _read_columns(body: Body) -> dict[str, Any]:
    conditions = body.object("conditions")
    columns: dict[str, Any] = {
        "name": body.maybe("name"),
        "target": body.maybe("target"),
        "enforcement": body.maybe("enforcement"),
        "conditions_json": None if conditions is None else json.dumps(conditions.values),
        "bypass_json": json.dumps(_read_bypass(body)) if "bypass_actors" in body else None,
        "rules_json": json.dumps(_read_rules(body)) if "rules" in body else None,
    }
    return {name: value for name, value in columns.items() if value is not None}


@routes.post(BASE, app=WRITE, user="admin")
async def create(call: Call) -> web.Response:
    """POST rulesets."""
    call.body.text("name")
    call.body.choice("enforcement", ("active", "disabled", "evaluate"))
    state = call.hub.state
    columns = _read_columns(call.body)
    row_id = state.insert(
        "rulesets", repo_id=call.repo["id"], created_at=state.now(), updated_at=state.now(), **columns
    )
    return answer(render_ruleset(call, state.one("SELECT * FROM rulesets WHERE id = ?", row_id)), 201)


@routes.get(BASE, app=READ)
async def list_all(call: Call) -> web.Response:
    """GET rulesets."""
    rows = call.hub.state.all("SELECT * FROM rulesets WHERE repo_id = ? ORDER BY id", call.repo["id"])
    return answer_page(call, rows, lambda row: render_ruleset(call, row, whole=False))


@routes.get(ONE, app=READ)
async def get(call: Call) -> web.Response:
    """GET rulesets/{id}."""
    return answer(render_ruleset(call, call.row("rulesets")))


@routes.put(ONE, app=WRITE, user="admin")
async def change(call: Call) -> web.Response:
    """PUT rulesets/{id}."""
    row = call.row("rulesets")
    columns = _read_columns(call.body) | {"updated_at": call.hub.state.now()}
    call.hub.state.update("rulesets", row["id"], **columns)
    return answer(render_ruleset(call, call.row("rulesets")))


@routes.delete(ONE, app=WRITE, user="admin")
async def remove(call: Call) -> web.Response:
    """DELETE rulesets/{id}."""
    call.hub.state.run("DELETE FROM rulesets WHERE id = ?", call.row("rulesets")["id"])
    return answer_nothing()


@routes.get("/repos/{owner}/{repo}/rules/branches/{branch:.+}", app=READ)
async def list_of_branch(call: Call) -> web.Response:
    """GET rules/branches/{branch}: what is in force there, also for one that is not there yet."""
    if not call.path("branch"):
        raise not_found()
    found = list_rules(call.hub, call.repo, call.path("branch"))

    def show(item: tuple[Row, dict[str, Any]]) -> dict[str, Any]:
        row, rule = item
        source = {"ruleset_source_type": "Repository", "ruleset_source": full_name(call.repo)}
        return rule | source | {"ruleset_id": row["id"]}

    return answer_page(call, found, show)

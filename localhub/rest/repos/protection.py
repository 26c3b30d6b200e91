"""Classic branch protection: set, shown and lifted by administrators, and by Apps that may administrate.

An App without that sees of it what everybody does: ``protected`` on the branch, and refusals.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from aiohttp import web

from localhub.errors import ApiError, malformed
from localhub.objects.repository import repo_url
from localhub.rest.api import Call, Routes, answer, answer_nothing
from localhub.rules.protection import find_protection

routes = Routes()

BASE = "/repos/{owner}/{repo}/branches/{branch:.+}/protection"
READ, WRITE = "administration:read", "administration:write"
NEEDED = (
    "required_status_checks",
    "enforce_admins",
    "required_pull_request_reviews",
    "restrictions",
)
SWITCHES = ("required_linear_history", "allow_force_pushes", "allow_deletions", "block_creations")


def _require_branch(call: Call) -> str:
    branch = call.path("branch")
    if call.hub.git.branch(call.repo["id"], branch) is None:
        raise ApiError(404, "Branch not found")
    return branch


def _require_protection(call: Call) -> dict[str, Any]:
    found = find_protection(call.hub, call.repo, _require_branch(call))
    if found is None:
        raise ApiError(404, "Branch not protected")
    return found


def _store(call: Call, settings: dict[str, Any]) -> None:
    call.hub.state.run(
        "INSERT OR REPLACE INTO protections (repo_id, branch, settings_json) VALUES (?, ?, ?)",
        call.repo["id"],
        call.path("branch"),
        json.dumps(settings),
    )


def _render(call: Call, settings: dict[str, Any]) -> dict[str, Any]:
    url = f"{repo_url(call.hub, call.repo)}/branches/{quote(call.path('branch'))}/protection"
    shown: dict[str, Any] = {
        "url": url,
        "enforce_admins": {"url": f"{url}/enforce_admins", "enabled": bool(settings["enforce_admins"])},
        "required_signatures": _render_signatures(url, settings),
        **{name: {"enabled": bool(settings.get(name))} for name in SWITCHES},
    }
    if checks := settings.get("required_status_checks"):
        contexts = checks.get("contexts") or [one["context"] for one in checks.get("checks") or ()]
        at = f"{url}/required_status_checks"
        shown["required_status_checks"] = {
            "url": at,
            "strict": bool(checks.get("strict")),
            "contexts": contexts,
            "contexts_url": f"{at}/contexts",
            "checks": [{"context": one, "app_id": None} for one in contexts],
        }
    reviews = settings.get("required_pull_request_reviews")
    if reviews is not None:
        shown["required_pull_request_reviews"] = {
            "url": f"{url}/required_pull_request_reviews",
            "dismiss_stale_reviews": bool(reviews.get("dismiss_stale_reviews")),
            "require_code_owner_reviews": bool(reviews.get("require_code_owner_reviews")),
            "require_last_push_approval": bool(reviews.get("require_last_push_approval")),
            "required_approving_review_count": reviews.get("required_approving_review_count", 1),
        }
    return shown


def _render_signatures(url: str, settings: dict[str, Any]) -> dict[str, Any]:
    return {"url": f"{url}/required_signatures", "enabled": bool(settings.get("required_signatures"))}


@routes.get(BASE, app=READ, user="admin")
async def get(call: Call) -> web.Response:
    """GET branches/{branch}/protection."""
    return answer(_render(call, _require_protection(call)))


@routes.put(BASE, app=WRITE, user="admin")
async def put(call: Call) -> web.Response:
    """PUT branches/{branch}/protection: as a whole, what is null is not asked for."""
    _require_branch(call)
    for name in NEEDED:
        if name not in call.body:
            raise malformed(f'"{name}" wasn\'t supplied.')
    signed = (find_protection(call.hub, call.repo, call.path("branch")) or {}).get("required_signatures")
    settings = {**call.body.values, "required_signatures": bool(signed)}
    _store(call, settings)
    return answer(_render(call, settings))


@routes.delete(BASE, app=WRITE, user="admin")
async def lift(call: Call) -> web.Response:
    """DELETE branches/{branch}/protection."""
    _require_protection(call)
    sql = "DELETE FROM protections WHERE repo_id = ? AND branch = ?"
    call.hub.state.run(sql, call.repo["id"], call.path("branch"))
    return answer_nothing()


@routes.post(BASE + "/required_signatures", app=WRITE, user="admin")
async def require_signatures(call: Call) -> web.Response:
    """POST branches/{branch}/protection/required_signatures."""
    settings = _require_protection(call) | {"required_signatures": True}
    _store(call, settings)
    shown: dict[str, Any] = _render(call, settings)["required_signatures"]
    return answer(shown)

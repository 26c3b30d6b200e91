"""Users, the caller's rate limit, and what GitHub tells about itself."""

from __future__ import annotations

from aiohttp import web

from localhub.errors import not_found
from localhub.objects.people import render_whole_user
from localhub.rest.api import Call, Routes, answer

routes = Routes()

ROOT = {
    "current_user": "/user",
    "authorizations": "/authorizations",
    "emails": "/user/emails",
    "emojis": "/emojis",
    "code_search": "/search/code?q={query}{&page,per_page,sort,order}",
    "events": "/events",
    "feeds": "/feeds",
    "commit_search": "/search/commits?q={query}{&page,per_page,sort,order}",
    "followers": "/user/followers",
    "following": "/user/following{/target}",
    "gists": "/gists{/gist_id}",
    "issues": "/issues",
    "issue_search": "/search/issues?q={query}{&page,per_page,sort,order}",
    "keys": "/user/keys",
    "label_search": "/search/labels?q={query}&repository_id={repository_id}{&page,per_page}",
    "notifications": "/notifications",
    "organization": "/orgs/{org}",
    "organization_teams": "/orgs/{org}/teams",
    "organization_repositories": "/orgs/{org}/repos{?type,page,per_page,sort}",
    "public_gists": "/gists/public",
    "rate_limit": "/rate_limit",
    "repository": "/repos/{owner}/{repo}",
    "starred": "/user/starred{/owner}{/repo}",
    "repository_search": "/search/repositories?q={query}{&page,per_page,sort,order}",
    "current_user_repositories": "/user/repos{?type,page,per_page,sort}",
    "starred_gists": "/gists/starred",
    "user": "/users/{user}",
    "user_organizations": "/user/orgs",
    "user_repositories": "/users/{user}/repos{?type,page,per_page,sort}",
    "user_search": "/search/users?q={query}{&page,per_page,sort,order}",
}


@routes.get("/")
async def root(call: Call) -> web.Response:
    """GET /: where things are; by whose headers clients see which scopes a personal token has."""
    return answer(
        {f"{name}_url": call.hub.api_url + path for name, path in ROOT.items()}
        | {"current_user_authorizations_html_url": f"{call.hub.web_url}/settings/connections"}
    )


@routes.get("/user", app="user")
async def get_own(call: Call) -> web.Response:
    """GET /user."""
    return answer(render_whole_user(call.hub, call.actor.writer, private=True))


@routes.get("/users/{login}")
async def get(call: Call) -> web.Response:
    """GET /users/{login}."""
    row = call.hub.state.account_by_login(call.path("login"))
    if row is None:
        raise not_found()
    return answer(render_whole_user(call.hub, row, private=False))


@routes.get("/rate_limit")
async def rate_limit(call: Call) -> web.Response:
    """GET /rate_limit."""
    window = call.hub.rates.window(call.actor)
    core = {
        "limit": window.limit, "used": window.used, "remaining": window.limit - window.used,
        "reset": window.reset,
    }  # fmt: skip
    fresh = core | {"used": 0, "remaining": core["limit"]}
    resources = {"core": core, "search": fresh, "graphql": fresh, "integration_manifest": fresh}
    return answer({"resources": resources, "rate": core})


@routes.get("/meta")
async def meta(call: Call) -> web.Response:
    """GET /meta."""
    own = ["127.0.0.0/8"]
    return answer(
        {"verifiable_password_authentication": False, "hooks": own, "web": own, "api": own, "git": own}
    )

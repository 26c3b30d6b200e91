"""What the forms on the pages do: just what REST calls of the same person would, webhooks included."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from localhub.auth import Actor, check_repo, user_actor
from localhub.errors import ApiError
from localhub.objects.repository import full_name
from localhub.pages.site import PERSONA, Page, Pages
from localhub.pull_state import set_draft
from localhub.rest.api import Body, Call, Route
from localhub.state import Row

API = "/repos/{owner}/{repo}"
ISSUE, PULL = API + r"/issues/{number:\d+}", API + r"/pulls/{number:\d+}"
Form = Mapping[str, Any]


class FormRefused(Exception):
    """The API refused; the text is shown on the page."""


async def read_form(pages: Pages, request: web.Request) -> tuple[Form, Actor]:
    """A form of ours and who sent it; 403 for anybody else's."""
    form = await request.post()
    pages.guard.check_form(request, str(form.get("token", "")))
    account = pages.hub.state.account_by_login(str(form.get("person", "")))
    if account is None or account["type"] != "User":
        raise web.HTTPForbidden(text="The form does not say which person sends it.")
    return form, user_actor(account)


def find_route(pages: Pages, method: str, path: str) -> Route:
    """The endpoint of the REST API with this template."""
    for table in pages.tables:
        for route in table.all:
            if (route.method, route.path) == (method, path):
                return route
    raise LookupError(f"{method} {path}")


async def call_endpoint(
    pages: Pages, request: web.Request, actor: Actor, repo: Row, route: tuple[str, str], body: dict[str, Any]
) -> None:
    """Call the handler of a REST endpoint. Raises FormRefused with its reason where it refuses."""
    endpoint = find_route(pages, *route)
    try:
        check_repo(pages.hub.state, actor, repo, app=endpoint.app, user=endpoint.user)
        if repo["archived"]:
            raise ApiError(403, "Repository was archived so is read-only.")
        made = Call(hub=pages.hub, request=request, actor=actor, body=Body(body), found=repo)
        await endpoint.handler(made)
    except ApiError as error:
        raise FormRefused(refusal_text(error)) from None


def refusal_text(error: ApiError) -> str:
    """The text of a refusal: its message and the details of its errors."""
    details = [
        item.get("message", "") if isinstance(item, dict) else str(item) for item in error.errors or ()
    ]
    return ". ".join([error.message.rstrip("."), *(detail for detail in details if detail)]) + "."


def show_refusals(page: Page) -> Page:
    """Decorate a form's handler: a refusal becomes a page."""

    async def handle(pages: Pages, request: web.Request) -> web.StreamResponse:
        try:
            return await page(pages, request)
        except FormRefused as refusal:
            return pages.problem(request, 422, "That did not work", str(refusal))

    return handle


def redirect_to(path: str, actor: Actor) -> web.Response:
    """Redirect to a page, with a cookie that preselects the person in the next form."""
    response = web.Response(status=303, headers={"Location": path})
    response.set_cookie(PERSONA, actor.name, samesite="Strict", path="/", httponly=True)
    return response


def page_path(pages: Pages, repo: Row, number: int) -> str:
    """The page of an issue or pull request."""
    kind = "pull" if pages.hub.state.pull(repo["id"], number) else "issues"
    return f"/{full_name(repo)}/{kind}/{number}"


@show_refusals
async def open_issue(pages: Pages, request: web.Request) -> web.StreamResponse:
    """POST /{owner}/{repo}/issues."""
    repo, (sent, actor) = pages.repo(request), await read_form(pages, request)
    body = {"title": str(sent.get("title", "")), "body": body_text(sent)}
    await call_endpoint(pages, request, actor, repo, ("POST", API + "/issues"), body)
    return redirect_to(f"/{full_name(repo)}/issues/{pages.hub.state.repo(repo['id'])['last_number']}", actor)


@show_refusals
async def add_comment(pages: Pages, request: web.Request) -> web.StreamResponse:
    """POST .../issues/{number}/comments."""
    repo, (sent, actor) = pages.repo(request), await read_form(pages, request)
    issue = pages.issue(request, repo)
    await call_endpoint(pages, request, actor, repo, ("POST", ISSUE + "/comments"), {"body": body_text(sent)})
    last = pages.hub.state.comments(issue["id"])[-1]["id"]
    return redirect_to(f"{page_path(pages, repo, issue['number'])}#issuecomment-{last}", actor)


@show_refusals
async def change_labels(pages: Pages, request: web.Request) -> web.StreamResponse:
    """POST .../issues/{number}/labels: the ticked ones and no others."""
    repo, (_, actor) = pages.repo(request), await read_form(pages, request)
    names = [str(name) for name in (await request.post()).getall("label", [])]
    await call_endpoint(pages, request, actor, repo, ("PUT", ISSUE + "/labels"), {"labels": names})
    return redirect_to(page_path(pages, repo, int(request.match_info["number"])), actor)


@show_refusals
async def change_state(pages: Pages, request: web.Request) -> web.StreamResponse:
    """POST .../issues/{number}/state: close or reopen."""
    repo, (sent, actor) = pages.repo(request), await read_form(pages, request)
    await call_endpoint(pages, request, actor, repo, ("PATCH", ISSUE), {"state": str(sent.get("state", ""))})
    return redirect_to(page_path(pages, repo, int(request.match_info["number"])), actor)


@show_refusals
async def submit_review(pages: Pages, request: web.Request) -> web.StreamResponse:
    """POST .../pull/{number}/reviews: a plain comment, or a review with its verdict."""
    repo, (sent, actor) = pages.repo(request), await read_form(pages, request)
    event = str(sent.get("event", ""))
    if event:
        body = {"event": event, **({"body": body_text(sent)} if body_text(sent).strip() else {})}
        await call_endpoint(pages, request, actor, repo, ("POST", PULL + "/reviews"), body)
    else:
        await call_endpoint(
            pages, request, actor, repo, ("POST", ISSUE + "/comments"), {"body": body_text(sent)}
        )
    return redirect_to(page_path(pages, repo, int(request.match_info["number"])), actor)


@show_refusals
async def add_reply(pages: Pages, request: web.Request) -> web.StreamResponse:
    """POST .../pull/{number}/comments/{id}/replies."""
    repo, (sent, actor) = pages.repo(request), await read_form(pages, request)
    route = PULL + r"/comments/{id:\d+}/replies"
    await call_endpoint(pages, request, actor, repo, ("POST", route), {"body": body_text(sent)})
    anchor = f"#discussion_r{request.match_info['id']}"
    return redirect_to(page_path(pages, repo, int(request.match_info["number"])) + anchor, actor)


@show_refusals
async def merge_pull(pages: Pages, request: web.Request) -> web.StreamResponse:
    """POST .../pull/{number}/merge."""
    repo, (_, actor) = pages.repo(request), await read_form(pages, request)
    await call_endpoint(pages, request, actor, repo, ("PUT", PULL + "/merge"), {})
    return redirect_to(page_path(pages, repo, int(request.match_info["number"])), actor)


@show_refusals
async def mark_ready(pages: Pages, request: web.Request) -> web.StreamResponse:
    """POST .../pull/{number}/ready: no draft any more; GitHub has this in GraphQL only."""
    repo, (_, actor) = pages.repo(request), await read_form(pages, request)
    number = int(request.match_info["number"])
    pull = pages.hub.state.pull(repo["id"], number)
    if pull is None:
        raise LookupError("pull request")
    try:
        check_repo(pages.hub.state, actor, repo, app="pull_requests:write", user="write")
    except ApiError as error:
        raise FormRefused(refusal_text(error)) from None
    set_draft(pages.hub, actor, repo, pull, False)
    return redirect_to(page_path(pages, repo, number), actor)


def body_text(sent: Form) -> str:
    """The text of a form with the line ends that GitHub keeps."""
    return str(sent.get("body", "")).replace("\r\n", "\n")

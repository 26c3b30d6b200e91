"""The paths of the pages: which handler shows each, and which form posts to each."""

from __future__ import annotations

from aiohttp import web

from localhub.hub import Hub
from localhub.pages import forms, handlers
from localhub.pages.site import FOLDER, Page, Pages
from localhub.rest.api import Routes

REPO = r"/{owner:[\w.-]+}/{repo:[\w.-]+}"
NUMBER = r"/{number:\d+}"

GET_ROUTES: tuple[tuple[str, Page], ...] = (
    ("/", handlers.front),
    (r"/avatars/u/{number:\d+}", handlers.avatar),
    (r"/apps/{slug:[\w-]+}", handlers.app_page),
    (r"/{owner:[\w-]+}", handlers.account),
    (REPO, handlers.code),
    (REPO + "/tree/{where:.+}", handlers.code),
    (REPO + "/blob/{where:.+}", handlers.code),
    (REPO + "/commit/{sha:[0-9a-f]{7,40}}", handlers.commit),
    (REPO + "/issues", handlers.issues),
    (REPO + "/pulls", handlers.issues),
    (REPO + "/issues/new", handlers.new_issue),
    (REPO + "/issues" + NUMBER, handlers.thread),
    (REPO + "/pull" + NUMBER, handlers.thread),
    (REPO + "/pull" + NUMBER + "/files", handlers.thread),
    (REPO + "/runs" + NUMBER, handlers.check_run),
)

POST_ROUTES: tuple[tuple[str, Page], ...] = (
    (REPO + "/issues", forms.open_issue),
    (REPO + "/issues" + NUMBER + "/comments", forms.comment),
    (REPO + "/issues" + NUMBER + "/labels", forms.labels),
    (REPO + "/issues" + NUMBER + "/state", forms.state),
    (REPO + "/pull" + NUMBER + "/reviews", forms.review),
    (REPO + "/pull" + NUMBER + r"/comments/{id:\d+}/replies", forms.reply),
    (REPO + "/pull" + NUMBER + "/merge", forms.merge),
    (REPO + "/pull" + NUMBER + "/ready", forms.ready),
)


def add_pages(app: web.Application, hub: Hub, tables: list[Routes]) -> None:
    """Put the pages and their forms on an application, after everything more particular."""
    pages = Pages(hub, tables)
    app.router.add_static("/_static", FOLDER / "static")
    for path, page in GET_ROUTES:
        app.router.add_get(path, pages.route(page))
    for path, page in POST_ROUTES:
        app.router.add_post(path, pages.route(page))

"""The paths of the pages: which handler shows each, and which form posts to each."""

from __future__ import annotations

from aiohttp import web

from localhub.hub import Hub
from localhub.pages import consent, forms, handlers, installing
from localhub.pages.site import FOLDER, Page, Pages
from localhub.rest.api import Routes

REPO = r"/{owner:[\w.-]+}/{repo:[\w.-]+}"
NUMBER = r"/{number:\d+}"

GET_ROUTES: tuple[tuple[str, Page], ...] = (
    ("/", handlers.show_front),
    ("/login/oauth/authorize", consent.show_consent),
    (r"/avatars/u/{number:\d+}", handlers.show_avatar),
    (r"/apps/{slug:[\w-]+}", handlers.show_app),
    (r"/apps/{slug:[\w-]+}/installations/new", installing.show_install),
    (r"/{owner:[\w-]+}", handlers.show_account),
    (REPO, handlers.show_code),
    (REPO + "/tree/{where:.+}", handlers.show_code),
    (REPO + "/blob/{where:.+}", handlers.show_code),
    (REPO + "/commit/{sha:[0-9a-f]{7,40}}", handlers.show_commit),
    (REPO + "/issues", handlers.show_issues),
    (REPO + "/pulls", handlers.show_issues),
    (REPO + "/issues/new", handlers.show_new_issue),
    (REPO + "/issues" + NUMBER, handlers.show_thread),
    (REPO + "/pull" + NUMBER, handlers.show_thread),
    (REPO + "/pull" + NUMBER + "/files", handlers.show_thread),
    (REPO + "/runs" + NUMBER, handlers.show_check_run),
)

POST_ROUTES: tuple[tuple[str, Page], ...] = (
    ("/login/oauth/authorize", consent.give_consent),
    (r"/apps/{slug:[\w-]+}/installations/new", installing.give_install),
    (REPO + "/issues", forms.open_issue),
    (REPO + "/issues" + NUMBER + "/comments", forms.add_comment),
    (REPO + "/issues" + NUMBER + "/labels", forms.change_labels),
    (REPO + "/issues" + NUMBER + "/state", forms.change_state),
    (REPO + "/pull" + NUMBER + "/reviews", forms.submit_review),
    (REPO + "/pull" + NUMBER + r"/comments/{id:\d+}/replies", forms.add_reply),
    (REPO + "/pull" + NUMBER + "/merge", forms.merge_pull),
    (REPO + "/pull" + NUMBER + "/ready", forms.mark_ready),
)


def add_pages(app: web.Application, hub: Hub, tables: list[Routes]) -> None:
    """Put the pages and their forms on an application, after everything more particular."""
    pages = Pages(hub, tables)
    app.router.add_static("/_static", FOLDER / "static")
    for path, page in GET_ROUTES:
        app.router.add_get(path, pages.route(page))
    for path, page in POST_ROUTES:
        app.router.add_post(path, pages.route(page))

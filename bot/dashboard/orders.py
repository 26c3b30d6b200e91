"""What a person can have done about a task: said on its thread, on GitHub, in their own name.

So an order from a page goes the one way that every order goes. Everybody on the thread sees it, GitHub says
whether the person may write there, and Hob's own rules decide about it as if they had typed it. Before that,
GitHub is asked anew what the person may do in the repository, and the order is written down with who, when
and from where.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from http import HTTPStatus

import structlog
from flask import Blueprint, current_app, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from bot.dashboard.access.github import GitHubAway, SignIn, SignInRefused
from bot.dashboard.access.viewer import Viewer, find_session_secret, find_viewer
from bot.dashboard.audit import ORDERS, AuditLog
from bot.dashboard.page_reader import Row
from bot.dashboard.pages import find_task
from bot.errors import HobError

log = structlog.get_logger(__name__)
blueprint = Blueprint("orders", __name__)

MOST_ATTEMPTS = 8
LONGEST = 10_000  # characters that can be said
_DIGEST = re.compile(r"[0-9a-f]{40}")


class BadOrder(HobError):
    """The form does not say what is to be done; the message says what is missing."""


class OrderRefused(HobError):
    """GitHub does not let the person do it."""


def _number(form: Mapping[str, str], most: int) -> int:
    given = form.get("count", "").strip()
    if not re.fullmatch(r"[0-9]{1,3}", given) or not 1 <= int(given) <= most:
        raise BadOrder(f"Give a number from 1 to {most}.")
    return int(given)


def _approve(form: Mapping[str, str]) -> str:
    digest = form.get("digest", "").strip()
    if not _DIGEST.fullmatch(digest):
        raise BadOrder(
            "Give the 40 characters that stand under “Held back” on the thread: they say what you approve."
        )
    return f"approve {digest}"


def _say(form: Mapping[str, str]) -> str:
    words = form.get("words", "").strip()
    if not words or len(words) > LONGEST:
        raise BadOrder(f"Say something, in at most {LONGEST} characters.")
    return words


_TEXTS: Mapping[str, Callable[[Mapping[str, str]], str]] = {
    "stop": lambda form: "stop",
    "retry": lambda form: "retry",
    "try": lambda form: f"try {_number(form, MOST_ATTEMPTS)}",
    "use": lambda form: f"use {_number(form, 999)}",
    "approve": _approve,
    "say": _say,
}


@blueprint.post("/tasks/<int:number>/orders")
def give(number: int) -> Response | tuple[str, int]:
    """Say an order on the task's thread as the person, and go back to the task."""
    task, order = find_task(number), request.form.get("order", "")
    try:
        if order not in ORDERS:
            raise BadOrder("There is no such order.")
        said = _TEXTS[order](request.form)
        _carry_out(find_viewer(), task, order, said)
    except BadOrder as problem:
        return render_template("problem.html", problem=str(problem)), HTTPStatus.BAD_REQUEST
    except OrderRefused as refused:
        return render_template("problem.html", problem=str(refused)), HTTPStatus.FORBIDDEN
    return redirect(url_for("pages.task", number=number, told=order), HTTPStatus.SEE_OTHER)


def _carry_out(viewer: Viewer, task: Row, order: str, said: str) -> None:
    """Raises OrderRefused, and GitHubAway where GitHub cannot be asked."""
    sign_in: SignIn | None = current_app.extensions["sign_in"]
    entries: AuditLog = current_app.extensions["audit"]
    if sign_in is None or not viewer.token:
        raise OrderRefused("Nobody is signed in here, so nothing can be done in your name.")
    address = request.remote_addr or ""
    entry = entries.begin(viewer, address=address, action=order, task=task, words=said)
    try:
        access = sign_in.read_access(viewer.token)
        current_app.extensions["sessions"].store_access(find_session_secret(), access)
        repo = int(task["repo_id"])
        if not (access.may_maintain(repo) if order == "approve" else access.may_write(repo)):
            needed = "Maintain or Admin" if order == "approve" else "Write"
            raise SignInRefused(f"It takes the role {needed} in this repository.")
        outcome = sign_in.comment(
            viewer.token,
            repo=task["repo_full_name"],
            number=task["thread_number"],
            text=f"@{access.slug} {said}",
        )
    except SignInRefused as refused:
        entries.end(entry, f"refused: {refused}")
        log.info("dashboard.refused", person=viewer.person, action=order, task=task["id"], why=str(refused))
        raise OrderRefused(str(refused)) from None
    except GitHubAway as away:
        entries.end(entry, f"failed: {away}")
        raise
    entries.end(entry, outcome)
    log.info("dashboard.ordered", person=viewer.person, action=order, task=task["id"], address=address)

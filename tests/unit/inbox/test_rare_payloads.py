"""Payloads that GitHub sends rarely: each is read, and ends as it should, without an exception."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bot.domain import TaskKind
from bot.tasks.database.tables import DeliveryState
from tests.support.payloads import (
    ALICE,
    BOT,
    Json,
    envelope,
    installation,
    issue,
    issue_comment,
    pull,
    review,
    user,
    with_value,
)
from tests.unit.inbox.test_intake import REPO, Scene, scene  # noqa: F401 - the fixture

FILLER = "The log is long, as logs are. " * 3000
GONE = {"ref": "patch-1", "sha": "a" * 40, "label": "unknown repository:patch-1", "repo": None, "user": None}
RENOVATE = user("renovate[bot]", 29139614, "Bot")
HANDLED, IGNORED = DeliveryState.HANDLED, DeliveryState.IGNORED


def changed(payload: Json, **more: Any) -> Json:
    """The payload with values at these paths, whose dots are double underscores."""
    for path, value in more.items():
        payload = with_value(payload, path.replace("__", "."), value)
    return payload


def transferred_in() -> Json:
    """An issue that came from another repository: its author moved it here."""
    old = {"old_issue": None, "old_repository": {"id": 12, "full_name": "octo/lib"}}
    return envelope("opened", issue=issue("It breaks", "@hob please fix this"), changes=old)


def huge_comment() -> Json:
    """65,536 characters, as many as GitHub takes, with the mention last."""
    words = "\n\n@hob why is it rounded twice?"
    return issue_comment(FILLER[: 65_536 - len(words)] + words)


RARE: list[tuple[str, str, Callable[[], Json], DeliveryState, TaskKind | None]] = [
    ("an issue that was moved here", "issues", transferred_in, HANDLED, TaskKind.CHANGE),
    ("as long as comments get", "issue_comment", huge_comment, HANDLED, TaskKind.ANSWER),
    (
        "an issue whose author is gone",
        "issue_comment",
        lambda: changed(issue_comment("@hob fix this"), issue__user=None),
        HANDLED,
        TaskKind.CHANGE,
    ),
    (
        "a comment whose author is gone, edited by a moderator",
        "issue_comment",
        lambda: changed(issue_comment("@hob fix this", action="edited", before=""), comment__user=None),
        IGNORED,
        None,
    ),
    (
        "a comment without a text",
        "issue_comment",
        lambda: changed(issue_comment("@hob x"), comment__body=None),
        IGNORED,
        None,
    ),
    (
        "a comment that was hidden, which changes nothing",
        "issue_comment",
        lambda: changed(issue_comment("@hob fix this"), action="edited", changes={}),
        IGNORED,
        None,
    ),
    ("a review without words", "pull_request_review", lambda: review(None), IGNORED, None),
    (
        "a newcomer's comment on a pull request",
        "issue_comment",
        lambda: changed(
            issue_comment("@hob review", on_pull=ALICE), comment__author_association="FIRST_TIME_CONTRIBUTOR"
        ),
        HANDLED,
        TaskKind.REVIEW,
    ),
    (
        "a repository that was renamed meanwhile, by its old name",
        "issue_comment",
        lambda: changed(issue_comment("@hob fix this"), repository__html_url="https://github.com/octo/new"),
        HANDLED,
        TaskKind.CHANGE,
    ),
    (
        "another bot",
        "issue_comment",
        lambda: issue_comment("@hob fix this", author=RENOVATE),
        IGNORED,
        None,
    ),
    (
        "everything is selected, and there is nothing",
        "installation",
        lambda: installation("created") | {"repositories": [], "repository_selection": "all"},
        IGNORED,
        None,
    ),
    (
        "new permissions were accepted",
        "installation",
        lambda: installation("new_permissions_accepted"),
        IGNORED,
        None,
    ),
    (
        "the organization has another name",
        "organization",
        lambda: {"action": "renamed", "changes": {"login": {"from": "octo"}}, "sender": ALICE},
        IGNORED,
        None,
    ),
    (
        "the repository has another name",
        "repository",
        lambda: envelope("renamed", changes={"repository": {"name": {"from": "app"}}}),
        IGNORED,
        None,
    ),
    (
        "a pull request whose fork is gone is closed",
        "pull_request",
        lambda: envelope("closed", pull_request=pull(head=GONE, user=None)),
        IGNORED,
        None,
    ),
]


@pytest.mark.parametrize(
    ("name", "make", "state", "kind"), [one[1:] for one in RARE], ids=[one[0] for one in RARE]
)
async def test_a_rare_payload_ends_as_it_should(
    scene: Scene,  # noqa: F811
    name: str,
    make: Callable[[], Json],
    state: DeliveryState,
    kind: TaskKind | None,
) -> None:
    ended = await scene.give(name, make())
    assert ended[0] is state, ended
    assert [task.kind for task in await scene.tasks()] == ([kind] if kind else [])


async def test_the_pull_request_of_a_fork_that_is_gone_can_be_worked_on(scene: Scene) -> None:  # noqa: F811
    scene.script.on(f"GET {REPO}/pulls/4", pull(head=GONE))
    ended = await scene.give(
        "issue_comment", changed(issue_comment("@hob fix this", on_pull=ALICE), issue__number=4)
    )
    assert ended[0] is HANDLED
    assert [(task.kind, task.thread.head_repo_id) for task in await scene.tasks()] == [(TaskKind.REVISE, 0)]


async def test_its_own_comment_that_somebody_edited_asks_for_nothing(scene: Scene) -> None:  # noqa: F811
    edited = changed(issue_comment("@hob fix this", author=BOT), action="edited", sender=ALICE)
    assert (await scene.give("issue_comment", edited | {"changes": {"body": {"from": "done"}}}))[0] is IGNORED

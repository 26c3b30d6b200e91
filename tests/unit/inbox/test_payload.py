"""Payloads become events; whatever is odd becomes one kind of error that names the field."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain import Person, Repo, Thread, Trigger, TriggerKind
from bot.github.answers import Pull
from bot.inbox.payload import BadPayload, parse, pull_thread
from tests.support.payloads import (
    ALICE,
    APP_FIELD,
    BOT,
    GUID,
    Json,
    envelope,
    event,
    installation,
    issue,
    issue_comment,
    labeled,
    pull,
    review,
    review_comment,
    with_value,
    without,
)

SEVERAL: list[tuple[str, Json]] = [
    ("issues", envelope("opened", issue=issue())),
    ("issues", labeled()),
    ("issue_comment", issue_comment("@hob x", before="x", action="edited")),
    ("pull_request", envelope("opened", pull_request=pull())),
    ("pull_request_review", review("@hob x")),
    ("pull_request_review_comment", review_comment("@hob x", in_reply_to_id=5000)),
    ("installation", installation("deleted")),
    ("installation_repositories", installation("removed")),
    ("ping", {"zen": "Keep it logically awesome.", "hook_id": 1, "hook": {"type": "App", "app_id": 7}}),
]


def test_a_comment_on_an_issue() -> None:
    got = event("issue_comment", issue_comment("@hob fix it\r\n"))
    alice = Person(id=21, login="alice")
    assert (got.delivery, got.name, got.action) == (GUID, "issue_comment", "created")
    assert (got.installation, got.sender, got.via_app) == (55, alice, 0)
    assert got.repo == Repo(
        id=11,
        owner="octo",
        name="app",
        default_branch="main",
        clone_url="https://github.com/octo/app.git",
        private=True,
    )
    assert got.thread == Thread(
        number=3,
        is_pull=False,
        title="It breaks",
        body="On an empty list.",
        author=alice,
        url="https://github.com/octo/app/issues/3",
        labels=("bug",),
    )
    assert got.trigger == Trigger(
        kind=TriggerKind.COMMENT,
        id=3001,
        text="@hob fix it\r\n",
        author=alice,
        url="https://github.com/octo/app/issues/3#issuecomment-3001",
        at=datetime(2026, 3, 1, 12, tzinfo=UTC),
    )


def test_an_edit_has_the_text_before_and_its_own_time() -> None:
    got = event("issue_comment", issue_comment("new", before="old", action="edited")).trigger
    assert got and (got.previous_text, got.text, got.at.minute) == ("old", "new", 5)
    title = envelope("edited", issue=issue(), changes={"title": {"from": "Old title"}})
    got = event("issues", title).trigger
    assert got and got.previous_text is None
    emptied = envelope("edited", issue=issue(), changes={"body": {"from": None}})
    got = event("issues", emptied).trigger
    assert got and got.previous_text == ""


def test_own_doing_is_seen_on_the_comment_not_on_the_issue() -> None:
    assert event("issue_comment", issue_comment("x", via=APP_FIELD)).via_app == 7
    on_own = with_value(issue_comment("x"), "issue.performed_via_github_app", APP_FIELD)
    assert event("issue_comment", on_own).via_app == 0


def test_a_pull_request_and_who_is_a_bot() -> None:
    got = event("pull_request_review_comment", review_comment("x", in_reply_to_id=4999, line=None))
    assert got.thread and got.trigger
    assert (got.thread.number, got.thread.is_pull, got.thread.author.is_bot) == (4, True, True)
    assert (got.thread.head_ref, got.thread.head_sha) == ("hob/3-it-breaks", "b" * 40)
    assert (got.thread.head_repo_id, got.thread.base_ref) == (11, "main")
    assert (got.trigger.path, got.trigger.line, got.trigger.reply_to) == ("src/average.py", 2, 4999)
    assert got.trigger.hunk.startswith("@@") and got.trigger.kind is TriggerKind.REVIEW_COMMENT
    several = event("pull_request_review_comment", review_comment("x", start_line=1)).trigger
    assert several and (several.start_line, got.trigger.start_line) == (1, 0)
    gone = with_value(pull(), "head.repo", None)
    assert pull_thread(Pull.from_json(gone)).head_repo_id == 0
    comment = event("issue_comment", issue_comment("x", on_pull=BOT))
    assert comment.thread and comment.thread.is_pull and comment.thread.head_ref == ""


def test_what_github_leaves_empty_is_fine() -> None:
    pending = with_value(review(None), "review.submitted_at", None)
    got = event("pull_request_review", pending)
    assert got.trigger and got.trigger.text == "" and got.trigger.at.minute == 5
    ghost = with_value(issue_comment("x"), "comment.user", None)
    got = event("issue_comment", ghost)
    assert got.trigger and got.trigger.author == Person(id=0, login="ghost")
    bare = envelope("opened", issue=issue(body=None))
    del bare["installation"]
    got = event("issues", bare)
    assert got.installation == 0 and got.thread and got.thread.body == ""
    unlabeled = labeled()
    del unlabeled["label"]
    got = event("issues", unlabeled)
    assert got.trigger and got.trigger.text == "" and got.trigger.author.login == "bob"


def test_an_installation_and_a_ping_and_the_unknown() -> None:
    got = event("installation", installation("suspend"))
    assert (got.installation, got.action, got.repo, got.thread) == (55, "suspend", None, None)
    assert event("ping", {"zen": "z", "hook_id": 1}).name == "ping"
    unknown = event("projects_v2_item", {"action": "reordered", "sender": 3})
    assert (unknown.action, unknown.sender) == ("reordered", None)
    assert event("status", {"action": 3}).action == ""


@pytest.mark.parametrize(
    ("name", "payload", "problem"),
    [
        ("issues", without(envelope("opened", issue=issue()), "issue.number"), "issue.number is missing"),
        ("issues", without(envelope("opened"), "sender") | {"sender": "x"}, "sender is not an object"),
        ("issues", envelope("opened"), "issue is missing"),
        ("issues", with_value(labeled(), "issue.labels", [1]), r"issue.labels\[0\] is not an object"),
        ("issues", with_value(labeled(), "issue.labels", {}), "issue.labels is not a list"),
        ("issues", with_value(labeled(), "label.name", 3), "label.name is not a string"),
        ("issue_comment", with_value(issue_comment("x"), "comment.id", "1"), "comment.id is not a whole"),
        ("issue_comment", with_value(issue_comment("x"), "comment.id", True), "comment.id is not a whole"),
        ("issue_comment", with_value(issue_comment("x"), "comment.id", 2**63), "comment.id is not a whole"),
        ("issue_comment", with_value(issue_comment("x"), "comment.id", -1), "comment.id is not a whole"),
        ("issue_comment", with_value(issue_comment("x"), "comment.created_at", "now"), "created_at is not a"),
        ("issue_comment", with_value(issue_comment("x"), "comment.body", []), "comment.body is not a string"),
        ("issue_comment", with_value(issue_comment("x"), "repository.private", 1), "private is not true or"),
        ("issue_comment", without(issue_comment("x"), "repository.clone_url"), "clone_url is missing"),
        ("issue_comment", with_value(issue_comment("x"), "installation.id", None), "installation.id is miss"),
        ("issue_comment", with_value(issue_comment("x"), "action", 1), "action is not a string"),
        ("pull_request", with_value(envelope("opened"), "pull_request", 1), "pull_request is not an object"),
        (
            "pull_request_review",
            without(review("x"), "pull_request.head.sha"),
            "head.sha is missing",
        ),
        ("pull_request_review_comment", without(review_comment("x"), "comment.path"), "comment.path is miss"),
        ("installation", {"action": "deleted"}, "installation is missing"),
    ],
)
def test_what_is_odd_is_named(name: str, payload: Json, problem: str) -> None:
    with pytest.raises(BadPayload, match=problem.replace(".", r"\.")):
        event(name, payload)


@pytest.mark.parametrize(
    "body",
    [b"", b"x", b"[]", b"null", b'"x"', b"\xff{}", b'{"a": NaN}', b'{"a": 1e', b"[" * 100_000, b"1" * 5000],
)
def test_what_is_not_an_object_of_json_is_named(body: bytes) -> None:
    with pytest.raises(BadPayload, match="payload is not"):
        parse(GUID, "issues", body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def damaged(draw: st.DrawFn) -> tuple[str, Any]:
    """A real payload with a few fields at any depth replaced by anything or gone."""
    name, payload = draw(st.sampled_from(SEVERAL))
    made = json.loads(json.dumps(payload))
    for _ in range(draw(st.integers(1, 3))):
        inner = made
        while inner:
            key = draw(st.sampled_from(sorted(inner)))
            if isinstance(inner[key], dict) and inner[key] and draw(st.booleans()):
                inner = inner[key]
                continue
            if draw(st.booleans()):
                inner[key] = draw(JSON)
            else:
                del inner[key]
            break
    return name, made


@settings(max_examples=200, deadline=None)
@given(damaged() | st.tuples(st.sampled_from([name for name, _ in SEVERAL] + ["x"]), JSON))
def test_anything_at_all_is_an_event_or_a_bad_payload(case: tuple[str, Any]) -> None:
    name, payload = case
    try:
        got = parse(GUID, name, json.dumps(payload).encode())
    except BadPayload as bad:
        assert str(bad)
    else:
        assert got.name == name
        if got.trigger:
            assert got.trigger.at.tzinfo is not None and got.thread is not None
    assert ALICE["id"] == 21

"""Events to decisions: pure, by one table."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain import AddedRepo, Refusal, Request, TaskKind
from bot.inbox.commands.parse import RESOLVE, CommandWord
from bot.inbox.decision import AppIdentity, Command, Decision, Ignored, ReposAdded, Uninstalled
from bot.inbox.routes import ROUTES, decide
from tests.support.payloads import (
    ALICE,
    APP,
    APP_FIELD,
    BOB,
    BOT,
    Json,
    envelope,
    event,
    installation,
    issue,
    issue_comment,
    labeled,
    pull,
    repository,
    review,
    review_comment,
    user,
    with_value,
)


def decided(name: str, payload: Json) -> Decision:
    return decide(event(name, payload), app=APP, label="hob")


def asked(name: str, payload: Json) -> tuple[TaskKind, str]:
    decision = decided(name, payload)
    assert isinstance(decision, Request), decision
    return decision.kind, decision.request


def ignored(name: str, payload: Json) -> str:
    decision = decided(name, payload)
    assert isinstance(decision, Ignored), decision
    return decision.reason


def refused(name: str, payload: Json) -> str:
    decision = decided(name, payload)
    assert isinstance(decision, Refusal), decision
    assert "pull requests that I opened" in decision.message
    return decision.reason


def opened(title: str = "It breaks", body: str | None = "Text.", **more: Any) -> Json:
    return envelope("opened", issue=issue(title, body, **more))


@pytest.mark.parametrize(
    ("title", "body", "request_"),
    [
        (
            "It breaks",
            "On empty lists. @hob please fix this",
            "It breaks\n\nOn empty lists. @hob please fix this",
        ),
        ("It breaks", "@hob return 0 for an empty list", "return 0 for an empty list"),
        ("@hob add a license file", None, "add a license file"),
        ("@hob", "Add a license file.", "@hob\n\nAdd a license file."),
        ("Two things", "@hob do one\n\n@hob do two", "do one\n\ndo two"),
    ],
)
def test_an_issue_that_mentions_the_bot(title: str, body: str | None, request_: str) -> None:
    assert asked("issues", opened(title, body)) == (TaskKind.CHANGE, request_)


def test_an_issue_that_does_not() -> None:
    assert ignored("issues", opened()) == "nobody is mentioned"
    assert ignored("issues", opened(body="`@hob` is broken")) == "nobody is mentioned"
    assert ignored("issues", opened(body="Thanks @hob!")) == "nothing is asked"


def test_a_comment_on_an_issue() -> None:
    assert asked("issue_comment", issue_comment("@hob fix it")) == (TaskKind.CHANGE, "fix it")
    bare = decided("issue_comment", issue_comment("@hob"))
    assert isinstance(bare, Refusal) and bare.message.startswith("What would you like me to do?")
    assert ignored("issue_comment", issue_comment("just words")) == "nobody is mentioned"
    assert ignored("issue_comment", issue_comment("@hob x", action="deleted")).startswith("no rule for")


def test_comments_on_pull_requests() -> None:
    own = issue_comment("@hob rename it", on_pull=BOT)
    assert asked("issue_comment", own) == (TaskKind.REVISE, "rename it")
    theirs = issue_comment("@hob rename it", on_pull=ALICE)  # maybe from a fork: the event does not tell
    assert asked("issue_comment", theirs) == (TaskKind.REVISE, "rename it")
    assert ignored("issue_comment", issue_comment("words", on_pull=ALICE)) == "nobody is mentioned"


FORM = """### What happened?

It rounds twice.

### What should be done

@hob please fix this

### Logs

_No response_
"""


def test_issues_from_forms_templates_and_below_others_are_issues() -> None:
    """A form's answers stand under its headings; what a template leaves in comments asks for nothing."""
    kind, request = asked("issues", opened("Rounding", FORM))
    assert kind is TaskKind.CHANGE and "It rounds twice." in request
    left = "<!-- Say @hob here to have it fixed -->\n\nIt rounds twice."
    assert ignored("issues", opened("Rounding", left)) == "nobody is mentioned"
    below = {
        "parent_issue_url": "https://api.github.com/repos/octo/app/issues/1",
        "sub_issues_summary": {"total": 0, "completed": 0, "percent_completed": 0},
        "issue_dependencies_summary": {"blocked_by": 0, "blocking": 0},
        "type": None,
    }
    assert asked("issues", opened("Rounding", "@hob round once", **below)) == (TaskKind.CHANGE, "round once")


def test_reviews_and_comments_on_lines() -> None:
    for state in ("approved", "changes_requested", "commented"):
        assert asked("pull_request_review", review("@hob no tabs", state=state)) == (
            TaskKind.REVISE,
            "no tabs",
        )
    assert ignored("pull_request_review", review(None, state="changes_requested")) == "nobody is mentioned"
    on_line = asked("pull_request_review_comment", review_comment("@hob why not sum()?"))
    assert on_line == (TaskKind.REVISE, "why not sum()?")
    for name, made in (("pull_request_review", review), ("pull_request_review_comment", review_comment)):
        for other in (
            pull(ALICE),
            pull(ALICE, branch="hob/9-x"),
            pull(branch="main"),
        ):
            assert refused(name, made("@hob do x", of=other)) == "not own pull"
            assert ignored(name, made("do x", of=other)) == "nobody is mentioned"
        for mine in (
            pull(ALICE, head_repo=repository(99)),
            with_value(pull(ALICE), "head.repo", None),
            pull(branch="fix/hob-3"),  # by hob.yml's branch_prefix
        ):
            assert asked(name, made("@hob do x", of=mine)) == (TaskKind.REVISE, "do x")


@pytest.mark.parametrize("login", ["dependabot[bot]", "renovate[bot]"])
def test_a_bots_update_is_mended_when_a_person_asks(login: str) -> None:
    """Its branch is in this repository, and nobody else's work; the request says what to look for."""
    bot = user(login, 4242, "Bot")
    theirs = pull(bot, branch="dependabot/pip/requests-3.0")
    kind, request = asked("pull_request_review", review("@hob fix", of=theirs))
    assert kind is TaskKind.REVISE and "brings a dependency up to date" in request
    assert asked("issue_comment", issue_comment("@hob fix this please", on_pull=bot))[1] == request
    assert asked("issue_comment", issue_comment("@hob pin urllib3 too", on_pull=bot))[1] == "pin urllib3 too"
    assert ignored("issue_comment", issue_comment("@hob fix", on_pull=bot, author=bot)) == "sent by a bot"
    for other in (user(login, 4242), user("other[bot]", 4242, "Bot")):
        assert (
            refused("pull_request_review", review("@hob fix", of=pull(other, branch="x"))) == "not own pull"
        )


def test_a_pull_request_of_somebody_else_that_mentions_the_bot() -> None:
    others = pull(ALICE, branch="fix", body="@hob rename it")
    assert refused("pull_request", envelope("opened", pull_request=others)) == "not own pull"
    wanted = decided("pull_request", envelope("opened", pull_request=others | {"body": "@hob review this"}))
    assert isinstance(wanted, Command) and wanted.word is CommandWord.REVIEW
    own = envelope("opened", BOT, pull_request=pull(body="@hob did it"))
    assert ignored("pull_request", own) == "own doing"


@pytest.mark.parametrize(
    ("words", "on_issue", "on_own", "on_others"),
    [
        ("why is it rounded twice?", TaskKind.ANSWER, TaskKind.ANSWER, TaskKind.ANSWER),
        ("What does this change do?", TaskKind.ANSWER, TaskKind.ANSWER, TaskKind.ANSWER),
        ("is that right?", TaskKind.ANSWER, TaskKind.ANSWER, TaskKind.ANSWER),
        ("explain this", TaskKind.ANSWER, TaskKind.ANSWER, TaskKind.ANSWER),
        ("tell me where `add` is", TaskKind.ANSWER, TaskKind.ANSWER, TaskKind.ANSWER),
        ("review this, mind the locking", TaskKind.CHANGE, TaskKind.REVIEW, TaskKind.REVIEW),
        ("could you please review the tests?", TaskKind.CHANGE, TaskKind.REVIEW, TaskKind.REVIEW),
        ("review it and fix what you find", TaskKind.CHANGE, TaskKind.REVISE, None),
        ("why is it broken, and can you fix it?", TaskKind.CHANGE, TaskKind.REVISE, None),
        ("why not sum()?", TaskKind.CHANGE, TaskKind.REVISE, None),
        ("how about a better name?", TaskKind.CHANGE, TaskKind.REVISE, None),
        ("is it possible to add a limit?", TaskKind.CHANGE, TaskKind.REVISE, None),
        ("please address the review", TaskKind.CHANGE, TaskKind.REVISE, None),
    ],
)
def test_words_that_want_words(
    words: str, on_issue: TaskKind, on_own: TaskKind, on_others: TaskKind | None
) -> None:
    assert asked("issue_comment", issue_comment(f"@hob {words}"))[0] is on_issue
    assert asked("issue_comment", issue_comment(f"@hob {words}", on_pull=BOT))[0] is on_own
    others = review(f"@hob {words}", of=pull(ALICE))
    if on_others is None:
        assert refused("pull_request_review", others) == "not own pull"
    else:
        assert asked("pull_request_review", others)[0] is on_others


def test_a_whole_issue_is_work_and_an_issue_has_nothing_to_review() -> None:
    whole = opened("Why is the total wrong?", "@hob")
    assert asked("issues", whole)[0] is TaskKind.CHANGE
    refusal = decided("issue_comment", issue_comment("@hob review"))
    assert isinstance(refusal, Refusal) and refusal.reason == "nothing to review"


def test_bots_count_by_their_number_where_the_operator_names_them() -> None:
    renovate, alike = user("renovate[bot]", 29139614, "Bot"), user("renovate[bot]", 1, "Bot")
    app = AppIdentity(id=7, slug="hob", bot_id=900, bots=frozenset([29139614]))
    for author, counts in ((renovate, True), (alike, False), (BOT, False)):
        got = decide(
            event("issue_comment", issue_comment("@hob fix it", author=author)), app=app, label="hob"
        )
        assert isinstance(got, Request) is counts


def test_labels() -> None:
    assert asked("issues", labeled()) == (TaskKind.CHANGE, RESOLVE)
    assert asked("issues", labeled("HOB")) == (TaskKind.CHANGE, RESOLVE)
    assert ignored("issues", labeled("bug")) == "another label"
    assert ignored("issues", labeled(sender=BOT)) == "own doing"
    on_pull = labeled() | {"pull_request": pull(ALICE)}
    assert refused("pull_request", on_pull) == "not own pull"
    assert "own pull request" in ignored("pull_request", on_pull | {"pull_request": pull()})
    got = decided("issues", labeled())
    assert isinstance(got, Request) and got.event.trigger and got.event.trigger.author.login == "bob"


@pytest.mark.parametrize(
    ("before", "after", "request_"),
    [
        ("no tabs", "@hob no tabs", "no tabs"),
        ("`@hob`", "@hob no tabs", "no tabs"),
        ("@hob one", "@hob one\n\n@hob two", "two"),
        ("@hob one", "@hob two", None),
        ("@hob one @hob two", "@hob three", None),
        ("@hob one", "one", None),
    ],
)
def test_an_edit_counts_when_it_adds_a_mention(before: str, after: str, request_: str | None) -> None:
    comment = issue_comment(after, before=before, action="edited")
    text = envelope("edited", issue=issue(body=after), changes={"body": {"from": before}})
    for name, payload in (("issue_comment", comment), ("issues", text)):
        if request_ is None:
            assert ignored(name, payload) == "nobody is mentioned"
        else:
            assert asked(name, payload) == (TaskKind.CHANGE, request_)


def test_an_edit_of_somebody_elses_words_is_no_request() -> None:
    comment = issue_comment("@hob x", before="x", action="edited", sender=BOB)
    assert "somebody else" in ignored("issue_comment", comment)
    text = envelope("edited", BOB, issue=issue(body="@hob x"), changes={"body": {"from": "x"}})
    assert "somebody else" in ignored("issues", text)
    title = envelope("edited", issue=issue(body="@hob x"), changes={"title": {"from": "x"}})
    assert ignored("issues", title) == "nobody is mentioned", "its mention was there before"


@pytest.mark.parametrize(
    ("before", "after", "request_"),
    [
        ("It breaks", "@hob mend it", "mend it"),
        ("坏了", "@hob请修复", "请修复"),
        ("@hob mend it", "@hob mend it now", None),
        ("@hob x", "x", None),
    ],
)
def test_an_edit_of_the_title_counts_when_it_adds_a_mention(
    before: str, after: str, request_: str | None
) -> None:
    payload = envelope(
        "edited", issue=issue(title=after, body="As said."), changes={"title": {"from": before}}
    )
    if request_ is None:
        assert ignored("issues", payload) == "nobody is mentioned"
    else:
        assert asked("issues", payload) == (TaskKind.CHANGE, request_)


def test_s14_own_doing_and_other_bots_are_ignored() -> None:
    evil = user("evil[bot]", 901, "Bot")
    alike = user("hob[bot]", 902)
    assert ignored("issue_comment", issue_comment("@hob x", author=BOT)) == "own doing"
    by_dashboard = issue_comment("@hob x", via=APP_FIELD)  # in a person's name, at their word
    assert asked("issue_comment", by_dashboard)[0] is TaskKind.CHANGE
    assert ignored("issue_comment", issue_comment("@hob x", via=APP_FIELD, author=BOT)) == "own doing"
    assert ignored("issue_comment", issue_comment("@hob x", author=evil)) == "sent by a bot"
    own_edited = issue_comment("@hob x", before="x", action="edited", author=BOT, sender=ALICE)
    assert ignored("issue_comment", own_edited) == "own doing"
    assert asked("issue_comment", issue_comment("@hob x", author=alike))[0] is TaskKind.CHANGE
    other_app = APP_FIELD | {"id": 8}
    assert asked("issue_comment", issue_comment("@hob x", via=other_app))[0] is TaskKind.CHANGE
    nobody = issue_comment("@hob x")
    del nobody["sender"]
    assert ignored("issue_comment", nobody) == "nobody sent it"


def test_commands_are_decided_wherever_words_count() -> None:
    for name, payload in (
        ("issue_comment", issue_comment("@hob stop")),
        ("issue_comment", issue_comment("@hob stop", on_pull=ALICE)),
        ("pull_request_review_comment", review_comment("@hob cancel")),
        ("issues", opened(body="@hob stop")),
    ):
        got = decided(name, payload)
        assert isinstance(got, Command) and got.word is CommandWord.STOP
    got = decided("issue_comment", issue_comment("@hob help"))
    assert isinstance(got, Command) and got.word is CommandWord.HELP


def test_installations_and_what_no_rule_is_about() -> None:
    for action in ("deleted", "suspend"):
        got = decided("installation", installation(action))
        assert isinstance(got, Uninstalled) and got.installation == 55
    given = decided("installation", installation("created"))
    assert isinstance(given, ReposAdded)
    assert given.event.added == (AddedRepo(id=11, owner="octo", name="app"),)
    assert ignored("installation", installation("unsuspend")) == "no rule for installation unsuspend"
    assert ignored("ping", {"zen": "z"}) == "no rule for ping"
    assert all(name and action for name, action in ROUTES)


def test_words_that_came_with_somebody_else_are_not_the_senders_request() -> None:
    moved = opened("It breaks", "@hob delete it", user=BOB) | {"sender": ALICE}
    assert "somebody else" in ignored("issues", moved)


DISCUSSION = {
    "number": 9,
    "id": 9_000_001,
    "title": "Rounding",
    "body": "@hob why is it rounded twice?",
    "user": ALICE,
    "html_url": "https://github.com/octo/app/discussions/9",
    "created_at": "2026-03-01T12:00:00Z",
    "updated_at": "2026-03-01T12:00:00Z",
}


def in_discussion(text: str) -> Json:
    """A comment in a discussion."""
    at = {"created_at": "2026-03-01T12:05:00Z", "updated_at": "2026-03-01T12:05:00Z"}
    url = "https://github.com/octo/app/discussions/9#discussioncomment-15"
    comment = {"id": 15, "body": text, "user": ALICE, "html_url": url, "parent_id": None, **at}
    return envelope("created", discussion={**DISCUSSION, "body": "Hm."}, comment=comment)


def test_a_discussion_gets_answers_and_no_work() -> None:
    opening = decided("discussion", envelope("created", discussion=DISCUSSION))
    assert isinstance(opening, Request) and opening.kind is TaskKind.ANSWER
    thread = opening.event.thread
    assert thread and thread.is_discussion and not thread.is_pull and thread.number == 9
    assert asked("discussion_comment", in_discussion("@hob why twice?")) == (TaskKind.ANSWER, "why twice?")
    for words in ("fix this", "can you fix it?", "retry", "undo", "try 3", "approve 3f2a1b4c", "review"):
        assert isinstance(decided("discussion_comment", in_discussion(f"@hob {words}")), Refusal), words
    for words in ("help", "status", "stop", "config"):
        assert isinstance(decided("discussion_comment", in_discussion(f"@hob {words}")), Command), words
    assert ignored("discussion_comment", in_discussion("nobody is meant")) == "nobody is mentioned"

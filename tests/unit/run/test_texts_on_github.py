"""The texts that Hob writes on GitHub, each whole: what typical outcomes look like, byte for byte.

A text stands as Markdown in ``__snapshots__``, one file each, so that a change of wording shows in review as
a reader will see it. Where a change is meant, ``make pytest ARGS="-n 0 PATH --snapshot-update"`` with this
file's path writes them anew; look at the difference.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from bot.domain import (
    Blocked,
    ChangeKind,
    ChangeSet,
    Check,
    CheckResult,
    FileChange,
    Fork,
    Held,
    Note,
    Outcome,
    OutcomeKind,
    Permission,
    Proof,
    ProofWarning,
    ProvenChange,
    Release,
    Result,
    Step,
    StepState,
    TriggerKind,
    Usage,
    Verdict,
)
from bot.github import permissions
from bot.github.answers import Pull, PullBranch, Review
from bot.inbox import decision
from bot.inbox.commands import help as help_command
from bot.run.attempts import ranking
from bot.run.messages import (
    attempts,
    commit_message,
    ends,
    held_paths,
    progress_comment,
    proof,
    pull_request,
    push_refused,
    reviews,
)
from bot.run.publish import check_run, description, fork_branch
from bot.run.publish.first_work import FirstWork
from tests.support.run import TASK

# What renders each text. These lines are all that a rename has to change.
render_progress = progress_comment.render_progress
render_final = progress_comment.render_final
render_failure = ends.render_failure
render_outcome = ends.render_outcome
render_commit_message = commit_message.render_commit_message
render_pull_body = pull_request.render_pull_body
render_updated_description = description.render_updated_description
render_own_review = reviews.render_review
render_reply = reviews.render_reply
render_done = ends.render_done
render_worse = ends.render_worse
render_push_refused = push_refused.render_push_refused
render_at_work = progress_comment.render_at_work
render_proof = proof.render_proof
annotate_tests = check_run.annotate_tests
render_review_body = reviews.render_review_body
render_review_done = reviews.render_review_done
render_choice = attempts.render_choice
render_comparison = attempts.render_comparison
render_stopped = attempts.render_stopped
render_waiting = held_paths.render_waiting
render_patch = fork_branch.render_patch_review
render_help = help_command.render_help
render_refusal = permissions.render_refusal
FinishedAttempt, pick_best = ranking.FinishedAttempt, ranking.pick_best
NOT_MINE, CONTINUES, TOO_LATE = decision.NOT_MINE, description.CONTINUES, attempts.TOO_LATE

RUN = "https://hob.example.com/runs/7"
PULL = Pull(
    number=4,
    state="open",
    title="",
    body="",
    author=TASK.requester,
    url="https://x/o/r/pull/4",
    labels=(),
    head=PullBranch(ref="hob/3", sha="c" * 40),
    base=PullBranch(ref="main", sha="a" * 40),
)
DIFF = """diff --git a/bill.py b/bill.py
--- a/bill.py
+++ b/bill.py
@@ -1,2 +1,2 @@
 def total(lines):
-    return sum(lines[:-1])
+    return sum(lines)
"""
RED = CheckResult(
    verdict=Verdict.FAILED,
    exit_code=1,
    seconds=1.24,
    passed=9,
    failed=1,
    failing=("test_bill.py::test_total",),
)
GREEN = CheckResult(verdict=Verdict.PASSED, exit_code=0, seconds=1.1, passed=10, tail="10 passed in 0.98s")
WORSE = replace(
    RED,
    failed=2,
    passed=8,
    failing=(*RED.failing, "test_tax.py::test_rate"),
    tail="E assert 3 == 4\n2 failed",
)
ALTERED = ProofWarning(
    text="The change alters or removes tests that judge it", names=("tests/test_bill.py::test_total",)
)
FIX = FileChange(
    path="bill.py", kind=ChangeKind.MODIFIED, mode=0o100644, data=b"def total(lines):\n    return 1\n"
)
CHANGES = ChangeSet(base="b" * 40, files=(FIX,))
OUTCOME = Outcome(
    kind=OutcomeKind.CHANGED,
    title="Count the last line",
    summary="The sum left out the last line of a bill.\n\nAsk @ann, it closes #9 too.",
)
PROOF = Proof(
    base="b" * 40,
    checks=(Check(name="test", command="python -m pytest -q", base=RED, head=GREEN),),
    not_run=("a linter, since `.github/hob.yml` names none as `lint`",),
)
MENDED = Result(outcome=OUTCOME, changes=CHANGES, proof=PROOF, diff=DIFF)
BROKEN = replace(
    MENDED,
    proof=replace(PROOF, checks=(Check(name="test", command="python -m pytest -q", base=RED, head=WORSE),)),
)
OLD_RED = replace(
    MENDED,
    proof=replace(PROOF, checks=(Check(name="test", command="python -m pytest -q", base=RED, head=RED),)),
)
UNMENDED = replace(OLD_RED, proof=replace(OLD_RED.proof, still_failing=RED.failing))
PARTLY = replace(
    MENDED,
    proof=replace(
        PROOF,
        checks=(
            Check(
                name="test",
                command="python -m pytest -q",
                base=replace(WORSE, failed=3, passed=7, failing=(*WORSE.failing, "test_tax.py::test_zero")),
                head=replace(WORSE, failing=("test_tax.py::test_rate", "test_tax.py::test_zero")),
            ),
        ),
        left_failing=("test_tax.py::test_rate", "test_tax.py::test_zero"),
    ),
)
WARNED = replace(MENDED, proof=replace(MENDED.proof, warnings=(ALTERED,)))
UNTESTED = replace(
    MENDED,
    proof=Proof(
        base="b" * 40,
        checks=(
            Check(
                name="test",
                command="make test",
                base=replace(RED, verdict=Verdict.TIMED_OUT, exit_code=None, failed=0, passed=0, failing=()),
                head=CheckResult(verdict=Verdict.ERROR, exit_code=127, seconds=0.1, tail="make: not found"),
            ),
        ),
        internet="package registries (GET and HEAD)",
        blocked=(
            Blocked(
                host="files.example.com",
                port=443,
                reason="not on the list of hosts",
                command="pip install thing",
                key="setup_internet",
                allow="files.example.com",
            ),
        ),
    ),
)
HELD = (
    Held(path=".github/workflows/ci.yml", why="workflows run with the repository's secrets", change=FIX),
    Held(path="link", why="it leads out of the repository"),
)
RELEASE = Release(
    digest="3f2a" * 10,
    paths=(".github/workflows/ci.yml",),
    diff="--- a/.github/workflows/ci.yml\n+++ b/.github/workflows/ci.yml\n"
    "@@ -1 +1 @@\n-on: push\n+on: pull_request\n",
    command=f"@hob approve {'3f2a' * 10}",
)
HOLDING = replace(MENDED, changes=replace(CHANGES, held=HELD), release=RELEASE)
PLAN = (
    Step(text="Find the sum", state=StepState.DONE),
    Step(text="Mend it for @ann", state=StepState.DOING),
    Step(text="Look for others of its kind"),
    Step(text="Change the tests", state=StepState.SKIPPED),
)
ON_CHECK = replace(
    TASK,
    trigger=replace(
        TASK.trigger, kind=TriggerKind.CHECK, text="failure", path="types", url="https://x/o/r/runs/6"
    ),
)
REVIEWED = replace(TASK, thread=replace(TASK.thread, number=4, is_pull=True))
OFF_DIFF = Note(path="tax.py", line=12, text="The same sum stands here. cc @ann")
FORK = Fork(number=4, name="eve/r", url="", branch="fix", base="main")

REFUSED = ProvenChange(result=MENDED, branch="hob/3-bill", head=None, hidden=(), run_url=RUN, ordinal=1)
RULE = (
    "push declined due to repository rule violations\nGH013: Repository rule violations found for "
    "refs/heads/hob/3-bill.\n- Branch name must match: ^(feature|fix)/.*"
)
UNSIGNED = (
    "push declined due to repository rule violations\nGH013: Repository rule violations found for "
    "refs/heads/hob/3-bill.\n- Commits must have verified signatures.\n  Found 1 violation:\n\n  " + "c" * 40
)

ALL_HELD = replace(HOLDING, changes=replace(HOLDING.changes, files=()))
NO_PACKAGE = render_failure("`make deps` failed.", phase="setup", log="no ``` such\npackage")
STOPPED = render_stopped({1: "", 2: "", 3: "it is too large"}, slug="hob", url=RUN)


def choose_of_three() -> ranking.Selection:
    """Three attempts: one whose change breaks a test, one that is proved, one that failed."""
    return pick_best(
        (
            FinishedAttempt(ordinal=1, result=BROKEN),
            FinishedAttempt(ordinal=2, result=MENDED),
            FinishedAttempt(ordinal=3, error="the provider | was away"),
        )
    )


def end_as(kind: OutcomeKind, summary: str) -> str:
    """The progress comment of a task that ends without a pull request."""
    text = render_outcome(Outcome(kind=kind, summary=summary), "b" * 40)
    return render_final(TASK, PLAN, text=text, run_url=RUN)


TEXTS: dict[str, Callable[[], str]] = {
    "progress_at_first": lambda: render_progress(TASK, (), status="👀 I am on it.", run_url=RUN),
    "progress_with_plan": lambda: render_progress(TASK, PLAN, status="👀 I am on it again.", run_url=RUN),
    "progress_for_a_check": lambda: render_progress(ON_CHECK, PLAN, status="👀 I am on it.", run_url=RUN),
    "end_published": lambda: render_final(
        TASK,
        PLAN,
        text=render_done(PULL, MENDED),
        run_url=RUN,
        usage=Usage(turns=12, usd=0.42),
        seconds=185.4,
    ),
    "end_published_beside_old_failures": lambda: render_done(PULL, OLD_RED),
    "end_published_while_the_proof_fails": lambda: render_final(
        TASK, (), text=render_done(PULL, UNMENDED), run_url=RUN, usage=Usage(turns=1), seconds=7.0
    ),
    "end_published_that_mends_a_part": lambda: render_final(
        TASK, (), text=render_done(PULL, PARTLY), run_url=RUN, usage=Usage(turns=1), seconds=7.0
    ),
    "end_push_refused_of_a_part": lambda: render_push_refused(
        replace(REFUSED, result=PARTLY), RULE, slug="hob"
    ),
    "pull_request_that_mends_a_part": lambda: render_pull_body(TASK, PARTLY, hidden=(), run_url=RUN),
    "end_published_with_an_old_failure": lambda: render_final(
        TASK, (), text=render_done(PULL, OLD_RED), run_url=RUN, usage=Usage(turns=1), seconds=7.0
    ),
    "end_published_with_a_warning": lambda: render_final(
        TASK, (), text=render_done(PULL, WARNED), run_url=RUN, usage=Usage(turns=1), seconds=7.0
    ),
    "end_pushed_to_the_pull_request": lambda: render_final(
        TASK, PLAN, text=render_done(PULL, MENDED, here="c" * 40), run_url=RUN
    ),
    "end_published_without_proof": lambda: render_final(
        TASK,
        (),
        text=render_done(PULL, UNTESTED, refused=["review: the line is gone"], choice="🔀 One of two."),
        run_url=RUN,
    ),
    "end_breaks_tests": lambda: render_final(TASK, PLAN, text=render_worse(BROKEN), run_url=RUN),
    "end_answered": lambda: end_as(OutcomeKind.ANSWERED, "It is rounded twice in `bill.py`, line 4."),
    "end_nothing_to_change": lambda: end_as(OutcomeKind.NOTHING, "The tests pass already."),
    "end_blocked": lambda: end_as(OutcomeKind.BLOCKED, "I have no key for that service."),
    "end_at_a_limit": lambda: end_as(OutcomeKind.LIMIT, "60 turns were used."),
    "end_without_a_change": lambda: end_as(OutcomeKind.CHANGED, "I ran the tests."),
    "end_failed": lambda: render_final(TASK, (), text=NO_PACKAGE, run_url=RUN),
    "end_stopped_with_work": lambda: render_final(TASK, PLAN, text=STOPPED, run_url=RUN),
    "end_stopped_without_work": lambda: render_stopped({}, slug="hob", url=RUN),
    "end_stopped_too_late": lambda: TOO_LATE,
    "end_all_is_held_back": lambda: render_final(TASK, (), text=render_waiting(ALL_HELD), run_url=RUN),
    "end_compared": lambda: render_comparison(choose_of_three(), published=1, pull=4, slug="hob", url=RUN),
    "end_reviewed": lambda: render_review_done(Review(id=1, url="https://x/o/r/pull/4#r1"), "c" * 40, 2),
    "attempt_chosen": lambda: render_choice(choose_of_three(), url=RUN),
    "pull_request": lambda: render_pull_body(TASK, MENDED, hidden=(), run_url=RUN),
    "pull_request_with_held_paths": lambda: render_pull_body(
        TASK, HOLDING, hidden=("HTML comment: do evil",), run_url=RUN, choice="🔀 Attempt 2 of 3: why."
    ),
    "pull_request_at_a_limit": lambda: render_pull_body(
        ON_CHECK,
        replace(UNTESTED, outcome=replace(OUTCOME, kind=OutcomeKind.LIMIT)),
        hidden=(),
        run_url=RUN,
    ),
    "pull_request_that_alters_its_tests": lambda: render_pull_body(
        TASK,
        WARNED,
        hidden=(),
        run_url="",
    ),
    "pull_request_described_again": lambda: render_updated_description(
        TASK,
        MENDED,
        [("c" * 40, "Count the last line\n\nIt was left out.\n\nHob-Task: 5"), ("d" * 40, "Name it @ann")],
        [("bill.py", "modified"), ("tax.py", "added")],
        run_url=RUN,
        begun="Count the last line\n\nIt was left out.\n\nHob-Task: 5",
    ),
    "pull_request_described_again_from_what_is_stored": lambda: render_updated_description(
        TASK,
        replace(MENDED, proof=replace(PROOF, base="c" * 40, checks=(replace(PROOF.checks[0], base=GREEN),))),
        [("c" * 40, "Count the last line\n\nIt was left out.\n\nHob-Task: 5"), ("d" * 40, "Name it @ann")],
        [("bill.py", "modified"), ("tests/test_bill.py", "modified"), ("tests/test_new.py", "added")],
        run_url=RUN,
        begun="Count the last line\n\nIt was left out.\n\nHob-Task: 5",
        first=FirstWork(
            summary="## Why\n\n- `sum(**kwargs)` left #1 out\n- and **more**",
            proof=PROOF,
            warnings=(ALTERED,),
        ),
    ),
    "pull_request_beside_a_fork": lambda: CONTINUES.format(4, "eve", "main"),
    "end_push_refused_by_a_rule": lambda: render_final(
        TASK,
        (),
        text=render_push_refused(REFUSED, RULE, slug="hob"),
        run_url=RUN,
        usage=Usage(turns=3, usd=0.001),
        seconds=4000.0,
    ),
    "end_push_refused_by_an_archive": lambda: render_push_refused(
        REFUSED,
        "GitHub refused POST /repos/o/r/git/commits (403: Repository was archived so is read-only.).",
        slug="hob",
    ),
    "end_push_refused_unsigned": lambda: render_push_refused(REFUSED, UNSIGNED, slug="hob"),
    "end_push_refused_for_workflows": lambda: render_push_refused(
        replace(REFUSED, head="c" * 40, result=UNMENDED),
        "refusing to allow a GitHub App to create or update workflow `ci.yml` without `workflows` permission",
        slug="hob",
    ),
    "patch_that_cannot_hold_all": lambda: render_patch(
        FORK,
        CHANGES,
        "diff --git a/my logo.png b/my logo.png\nindex 1..2 100644\n"
        "Binary files a/my logo.png and b/my logo.png differ\n" + DIFF,
        "patch:task:5",
        RUN,
    ),
    "patch_for_a_fork": lambda: render_patch(FORK, CHANGES, DIFF, "patch:task:5", RUN),
    "commit_message": lambda: render_commit_message(
        TASK, OUTCOME, run_url=RUN, email_domain="users.noreply.example.com"
    ),
    "review_of_its_own_change": lambda: render_own_review([OFF_DIFF], "review:abc"),
    "review_asked_for": lambda: render_review_body(
        REVIEWED, BROKEN, "c" * 40, [OFF_DIFF], hidden=("zero-width: x",), run_url=RUN
    ),
    "reply_in_a_thread": lambda: render_reply("The sum is whole now, @ann.", "c" * 40, "reply:task:5"),
    "reply_without_a_commit": lambda: render_reply("It is right as it is.", "", "reply:task:5"),
    "check_run_at_work": lambda: render_at_work(RUN),
    "check_run_with_proof": lambda: render_proof(BROKEN.proof),
    "check_run_annotations": lambda: json.dumps(annotate_tests(BROKEN.proof.checks, str), indent=1),
    "refusal_without_permission": lambda: render_refusal(Permission.READ, TASK.repo).message,
    "refusal_of_a_foreign_pull_request": lambda: NOT_MINE.message,
    "help": lambda: render_help("hob", "hob"),
}


class MarkdownFile(SingleFileSnapshotExtension):
    """One text, one file."""

    _write_mode = WriteMode.TEXT
    file_extension = "md"


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_text(name: str, snapshot: SnapshotAssertion) -> None:
    text = TEXTS[name]()
    assert "\r" not in text  # reading the file would lose it
    assert text == snapshot(extension_class=MarkdownFile)

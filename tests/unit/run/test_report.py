"""What Hob writes on GitHub: it commands nobody, and says what was proved."""

from __future__ import annotations

import subprocess
import unicodedata
from dataclasses import replace

import pytest

from bot.domain import (
    Blocked,
    ChangeKind,
    ChangeSet,
    Check,
    CheckResult,
    FileChange,
    Held,
    Note,
    Outcome,
    OutcomeKind,
    Proof,
    ProofState,
    ProofWarning,
    Result,
    ResultSource,
    Step,
    StepState,
    TriggerKind,
    Verdict,
)
from bot.run.messages.commit_message import render_commit_message, render_title
from bot.run.messages.ends import render_failure
from bot.run.messages.progress_comment import render_final, render_progress, task_mark
from bot.run.messages.proof import render_blocked, render_proof
from bot.run.messages.pull_request import render_pull_body
from bot.run.messages.reviews import render_review
from bot.run.messages.short_proof import render_short_proof
from bot.text.defuse import defuse, fence
from bot.text.fit import has_mark
from tests.support.run import TASK, prose_of

RED = CheckResult(verdict=Verdict.FAILED, exit_code=1, seconds=1.2, passed=9, failed=1, failing=("t.py::a",))
GREEN = CheckResult(verdict=Verdict.PASSED, exit_code=0, seconds=1.1, passed=10, tail="10 passed")
GREEN_CHECK = Check(name="test", command="pytest", base=GREEN, head=GREEN)
RESULT = Result(
    outcome=Outcome(kind=OutcomeKind.CHANGED, title="Count the last one", summary="Off by one. cc @evil"),
    changes=ChangeSet(
        base="b" * 40,
        files=(FileChange(path="a.py", kind=ChangeKind.MODIFIED, mode=0o100644),),
        held=(Held(path=".github/workflows/x.yml", why="workflow files run with secrets"),),
    ),
    proof=Proof(
        base="b" * 40,
        checks=(Check(name="test", command="pytest", base=RED, head=GREEN),),
        not_run=("lint: none",),
    ),
    diff="",
)


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("hello @org/team", " @org"),
        ("@everyone look", "@everyone l"),
        ("Fixes other/repo#1", "Fixes other"),
        ("closes: #12", "closes: #12"),
        ("resolves https://x/y/issues/1", "resolves https"),
        ("![beacon](https://evil/x.png)", "![b"),
        ("/merge now", "\n/merge"),
        ("ok\n/approve", "\n/approve"),
        ("@dependabot merge", "@dependabot merge"),
        ("bors r+", "\nbors r+"),
        ("a <!-- hob:task:5 --> b", "<!--"),
        ("a <!-- unclosed", "<!--"),
    ],
)
def test_words_command_nobody(text: str, gone: str) -> None:
    assert gone not in "\n" + defuse(text)


@pytest.mark.parametrize(
    "text", ["see a@b.example", "`@decorator` stays", "```\n@app.route\n```", "x/y and 5/3"]
)
def test_code_and_ordinary_text_stay(text: str) -> None:
    assert defuse(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "x ```\n\n@org/team\n\n``` y",
        "\\`@org/team\\`",
        "\\@org/team",
        "`` @org/team `",
        "` @org/team",
        "_@org/team_",
        "/@org/team",
        "&#64;org/team",
        "&commat;org/team",
        "a@b @c@org/team *@org/team*",
        "@a@org/team",
        "/approve@org/team",
        "@x``@org/team``",
        "| `a | @org/team` |\n|---|---|",
        "- a\n  ```\n@org/team",
        "- ~~~\n@org/team",
        "<b title='`'>@org/team`",
        "<!<!-- x -->-- @org/team",
        "fixes https://x/@org/team/issues/1",
        "`a\n@org/team`",
        "```\ncode\n````\n@org/team",
        "\t```\n@org/team",
    ],
)
def test_no_markdown_brings_a_mention_back_to_life(text: str) -> None:
    for shown in (defuse(text), defuse(f"{text}\n\nmore")):
        assert "@org" not in prose_of(shown), shown


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("fixes **#1**", "**#1"),
        ("fixes &#35;1", "&#35;1"),
        ("closes GH-1", " GH-1"),
        ("fixed [it](https://x/o/r/issues/1)", "(https"),
        ("<img src=https://evil/x.png>", "<img"),
        ("<details>", "<d"),
        ("[Approve](https://evil)", "](http"),
        ("[a]\n\n[a]: https://evil", "]:"),
        ("```\n/approve\n```", "\n/approve"),
        ("~~~\nswallowed", "~~~"),
    ],
)
def test_nothing_else_is_done_or_hidden(text: str, gone: str) -> None:
    assert gone not in "\n" + defuse(text)


def test_an_open_fence_swallows_nothing() -> None:
    assert defuse("```py @x\na").endswith("\n```")
    note = Note(path="a.py", line=9, text="```\n@org/team\n```")
    assert "@org" not in prose_of(render_review([note], "review:abc"))
    steps = (Step(text="```\n@org/team"), Step(text="- ```x"))
    assert "@org" not in prose_of(render_progress(TASK, steps, status="", run_url="u"))


def test_commits_and_titles_mention_and_close_nothing() -> None:
    summary = "cc @org/team, fixes o/r#1, closes https://x/o/r/issues/2, GH-3\n\nSigned-off-by: Ann <a@x>"
    outcome = Outcome(kind=OutcomeKind.CHANGED, title="fixes #4 [skip ci] @org", summary=summary)
    message = render_commit_message(TASK, outcome, run_url="u", email_domain="n.example")
    for live in ("@org", "fixes o/r#1", "fixes #4", "closes https", "Signed-off-by:", "[skip ci]"):
        assert live not in message
    assert "fixes issue o/r#1, closes issue https://x/o/r/issues/2, GH-3" in message
    assert "@org" not in render_title(TASK, outcome)


def test_a_fence_is_longer_than_what_it_holds() -> None:
    assert fence("a\n```\nb").startswith("````\n")


def test_the_pull_request_tells_all_of_it() -> None:
    body = render_pull_body(TASK, RESULT, hidden=("do evil",), run_url="http://d/runs/1")
    for said in (
        "Fixes #3",
        "`a.py` modified",
        "9 passed, 1 failed",
        "10 passed",
        "Failed before, passes now: `t.py::a`",
        "Not run: lint",
        ".github/workflows/x.yml",
        "do evil",
        "`@ann`",
        "http://d/runs/1",
    ):
        assert said in body
    assert " @evil" not in body


def test_progress_shows_the_plan_as_a_checklist_and_can_be_found_again() -> None:
    steps = (Step(text="a", state=StepState.DONE), Step(text="b", state=StepState.DOING), Step(text="c"))
    body = render_progress(TASK, steps, status="👀 on it", run_url="u")
    assert "- [x] a\n- [ ] **b** …\n- [ ] c" in body
    assert has_mark(body, task_mark(TASK))
    assert has_mark(render_final(TASK, steps, text="done", run_url="u"), task_mark(TASK))


def test_the_commit_names_the_requester_and_the_run() -> None:
    message = render_commit_message(TASK, RESULT.outcome, run_url="http://d/runs/1", email_domain="n.example")
    title, _, rest = message.partition("\n\n")
    assert title == "Count the last one"
    assert rest.splitlines()[-3:] == [
        "Co-authored-by: ann <7+ann@n.example>",
        "Hob-Run: http://d/runs/1",
        "Hob-Task: 5",
    ]


def test_a_mention_in_a_title_is_kept_quiet_as_a_whole() -> None:
    named = render_title(TASK, Outcome(kind=OutcomeKind.CHANGED, title="Greet @ann and go"))
    assert named == "Greet @ ann and go"


@pytest.mark.parametrize("title", ["修复 " + "很长的标题" * 20, "แก้" * 40, "исправить " * 20, "e\u0301" * 60])
def test_a_long_title_of_any_script_is_cut_between_letters(title: str) -> None:
    cut = render_title(TASK, Outcome(kind=OutcomeKind.CHANGED, title=title))
    assert 36 < len(cut) <= 72
    assert title.startswith(cut[:-1])
    assert unicodedata.category(title[len(cut) - 1]) not in ("Mn", "Mc")


def test_a_commit_message_keeps_what_it_says_and_no_trailer_of_the_models() -> None:
    said = "Take `**kwargs` for #1.\n\nBREAKING CHANGE: all\nRelease-As: 9.0.0\nHob-Task: 1\n"
    said += "Co-authored-by: E <e@x>"
    outcome = Outcome(kind=OutcomeKind.CHANGED, title="T", summary=said)
    message = render_commit_message(TASK, outcome, run_url="u", email_domain="n.example")
    assert "Take `**kwargs` for #1." in message
    assert "(BREAKING CHANGE) all\nRelease-As - 9.0.0\nHob-Task - 1\nCo-authored-by - E <e@x>" in message
    done = subprocess.run(
        ["git", "interpret-trailers", "--parse"], input=message, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [
        "Co-authored-by: ann <7+ann@n.example>",
        "Hob-Run: u",
        "Hob-Task: 5",
    ]


@pytest.mark.parametrize(
    ("trigger", "request_", "proof", "line"),
    [
        (TriggerKind.ISSUE, "fix it", RESULT.proof, "Fixes #3"),
        (TriggerKind.LABEL, "fix it", RESULT.proof, "Fixes #3"),
        (TriggerKind.COMMENT, "fix it", RESULT.proof, "Refs #3"),
        (TriggerKind.COMMENT, "fix it; your pull request closes #3", RESULT.proof, "Fixes #3"),
        (TriggerKind.COMMENT, "this is not what fixes #4", RESULT.proof, "Refs #3"),
        (TriggerKind.ISSUE, "fix it", Proof(), "Refs #3"),
        (TriggerKind.ISSUE, "add a page", Proof(checks=(GREEN_CHECK,)), "Refs #3"),
    ],
)
def test_an_issue_is_closed_only_where_it_asks_and_its_tests_turned(
    trigger: TriggerKind, request_: str, proof: Proof, line: str
) -> None:
    task = replace(TASK, request=request_, trigger=replace(TASK.trigger, kind=trigger))
    body = render_pull_body(task, replace(RESULT, proof=proof), hidden=(), run_url="u")
    assert [one for one in body.splitlines() if one in ("Fixes #3", "Refs #3")] == [line]


def test_a_long_title_is_cut_at_a_word() -> None:
    cut = render_title(TASK, Outcome(kind=OutcomeKind.CHANGED, title="word " * 40))
    assert len(cut) <= 72
    assert cut.endswith("word…")


def test_a_failure_says_phase_reason_and_last_lines() -> None:
    text = render_failure("The setup failed.", phase="setup", log="boom ``` bang")
    assert "setup" in text
    assert "The setup failed." in text
    assert "boom" in text


def test_notes_off_the_diff_stand_in_the_review() -> None:
    body = render_review([Note(path="a.py", line=99, text="see @bob")], "review:abc")
    assert "`a.py`, line 99" in body
    assert "`@bob`" in body


def test_warnings_of_the_proof_stand_first_and_added_tests_are_none() -> None:
    changes = ChangeSet(
        base="b" * 40, files=(FileChange(path="tests/test_a.py", kind=ChangeKind.ADDED, mode=0o100644),)
    )
    body = render_pull_body(TASK, replace(RESULT, changes=changes), hidden=(), run_url="u")
    assert "⚠️" not in body.partition("| check |")[0]
    warning = ProofWarning(text="The change skips tests that ran on base", names=("t::a|b", "t::`c`"))
    proof = replace(RESULT.proof, warnings=(warning,))
    first, second, *_ = render_proof(proof).splitlines()
    assert first.startswith("⚠️ **The change skips tests that ran on base**: `") and second == ""
    assert "`t::a|b`" in first and "`` t::`c` ``" in first and proof.state is ProofState.DOUBTFUL


def test_what_was_blocked_is_said_with_the_line_that_allows_it() -> None:
    blocked = (
        Blocked(
            host="files.example.com",
            port=8443,
            reason="not on the list of hosts",
            command="pip install `x` @org/team",
            key="setup_internet",
            allow="files.example.com:8443",
        ),
        Blocked(host="169.254.169.254", port=80, reason="an address, not a name", command="curl"),
    )
    evidence = Proof(
        base="a" * 40,
        blocked=blocked,
        internet="package registries (GET and HEAD)",
        checks=RESULT.proof.checks,
    )
    text = render_proof(evidence)
    assert "add `files.example.com:8443` to `setup_internet` in `.github/hob.yml`" in text
    assert "`169.254.169.254:80` by `curl` (an address, not a name)." in text
    assert "with `internet: package registries (GET and HEAD)`" in text and "without network" not in text
    assert "@org" not in prose_of(text)
    assert "more hosts" in render_blocked(Proof(blocked=blocked * 6))
    assert render_blocked(Proof()) == "" and "without network" in render_proof(
        Proof(checks=RESULT.proof.checks)
    )


def test_what_no_comment_asked_for_says_which_check_did() -> None:
    url = "https://x/o/r/runs/6"
    told = replace(TASK.trigger, kind=TriggerKind.CHECK, text="failure", path="types `x`", url=url)
    task = replace(TASK, trigger=told)
    said = render_final(task, (), text="Done", run_url="https://h/runs/1")
    assert f"For the failing check [`types x`]({url}). [Run]" in said
    assert "on behalf of `@ann`" in render_pull_body(task, RESULT, hidden=(), run_url="")
    assert "failing check" not in render_final(TASK, (), text="Done", run_url="")


@pytest.mark.parametrize("source", list(ResultSource))
def test_results_that_no_runner_reported_are_named_as_such(source: ResultSource) -> None:
    """Those of cargo, for one: what is read off its output, the code under test can print too."""
    check = Check(name="test", command="cargo test", base=RED, head=replace(GREEN, source=source))
    proof = Proof(base="b" * 40, checks=(check,))
    line = (
        "- No runner reports the results of `cargo test`: they are read from what was printed, and the code "
        "under test can print such lines too."
    )
    for text in (render_proof(proof), render_short_proof(proof)):
        assert (line in text.splitlines()) is (source is ResultSource.OUTPUT)

"""A model without a language model: it calls tools, and each call follows from the last results.

It is a pure function of the conversation, so a run that is resumed or replayed goes the same way. What
executes the repository's code runs inside the sandbox (``bot/guest/mend``); only decisions are here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
)
from pydantic_ai.models.function import AgentInfo, FunctionModel

from bot.agent.prompt import find_brief
from bot.domain import Brief
from bot.offline import answers, chores, review, texts
from bot.offline.examples.find import find_examples
from bot.offline.intent import Intent, read_intent
from bot.offline.languages import TestLanguage, names_language, read_language
from bot.offline.scope import Scope, judge_scope
from bot.offline.tool_results import (
    ExamplesResult,
    FoundEdit,
    MendResult,
    TestRunResult,
    read_examples_result,
    read_mend_result,
    read_own_tests,
)

MEND_SECONDS = 48.0  # the most the search may take; it takes less where the tests alone are slow
HUNG_SECONDS = 31.0  # the same where the tests did not end: that time is gone
MOST_REAL = 6.0  # times the search's seconds on a busy machine: SLOWEST of the guests' clocks
FIRST_SECONDS = 25.0  # for the tests as they are: the fault may be a loop without end
ALL_SECONDS = 600.0
EXAMPLE_SECONDS = 60.0  # for the calls that a request shows
# The guests that mend, by the language that they mend.
_MENDED = {TestLanguage.PYTHON: "mend", TestLanguage.JAVASCRIPT: "mend_js"}
STEPS = ("Run the tests", "Find the fault", "Mend it", "Run the tests again")


def make_offline_model() -> FunctionModel:
    """The engine as a pydantic-ai model."""
    return FunctionModel(_answer, model_name="offline")


async def _answer(messages: list[ModelMessage], _: AgentInfo) -> ModelResponse:
    brief, results = find_brief(messages), _list_results(messages)
    return ModelResponse(parts=list(_choose_calls(brief, results)))


def _list_results(messages: Sequence[ModelMessage]) -> list[tuple[str, str]]:
    """What every tool call so far returned, as (tool, text), in order."""
    return [
        (part.tool_name, str(part.content))
        for message in messages
        if isinstance(message, ModelRequest)
        for part in message.parts
        if isinstance(part, ToolReturnPart)
    ]


def _choose_calls(brief: Brief, results: Sequence[tuple[str, str]]) -> Sequence[TextPart | ToolCallPart]:
    """The calls that follow; how far the work is shows in the tools' results."""
    shells = [text for tool, text in results if tool in ("shell", "check")]
    match read_intent(brief):
        case Intent.REVIEW:
            return _review(brief, shells)
        case Intent.ASK:
            return _ask(brief, shells)
        case Intent.RENAME:
            return _call_for_step(chores.rename(brief, shells))
        case Intent.LINT:
            return _call_for_step(chores.fix_lint(brief, shells))
        case Intent.SUGGESTION:
            return _call_for_step(chores.apply_suggestion(brief, shells))
        case Intent.BEYOND:
            return [_finish(*texts.refuse_request())]
        case Intent.MEND:
            return _mend_by_search(brief, results, shells)


def _ask(brief: Brief, shells: Sequence[str]) -> Sequence[ToolCallPart]:
    """Look the names of a question up, then answer from what was found."""
    names = answers.find_names(brief)
    if names and not shells:
        return [_shell(chores.make_guest_command("names", "ask", each), 60.0) for each in names]
    return [_finish(*answers.answer_question(brief, [answers.read_names_result(text) for text in shells]))]


def _review(brief: Brief, shells: Sequence[str]) -> Sequence[ToolCallPart]:
    """Run the checks, then remark on what they say of the changed lines."""
    left = review.list_commands(brief)[len(shells) :]
    if left:
        return [_shell(*left[0])]
    made = review.find_remarks(brief, shells)
    notes = [
        ToolCallPart(tool_name="note", args={"path": each.path, "line": each.line, "text": each.text})
        for each in made
    ]
    return [*notes, _finish(*review.write_review(brief, shells, made))]


def _call_for_step(following: chores.NextStep) -> Sequence[ToolCallPart]:
    if len(following) == 2:
        return [_shell(*following)]
    return [_finish(*following)]


def _mend_by_search(
    brief: Brief, results: Sequence[tuple[str, str]], shells: Sequence[str]
) -> Sequence[ToolCallPart]:
    """Run the tests, make the calls of the request, search, put the change in, run the tests again."""
    if not brief.test_command:
        return [_finish(*texts.explain_no_tests(brief))]
    if not shells:
        return [_plan(0), _run_tests(brief, FIRST_SECONDS)]
    first = read_own_tests(shells[0], brief.test_command)
    language = read_language(brief.test_command, first.output)
    given = find_examples(brief) if language is TestLanguage.PYTHON else []
    if first.code in texts.DID_NOT_START and texts.explain_start(brief, first):
        return [_plan(1, skip=True), _finish(*texts.explain_not_found(brief, first, None))]
    if not given:
        if first.passed:
            return [_plan(1, skip=True), _finish(*texts.explain_all_pass(brief))]
        if language not in _MENDED:
            return [_plan(1, skip=True), _finish(*texts.explain_language(brief, first, language))]
        return _search(brief, first, None, results, shells[1:])
    if len(shells) == 1:
        told = json.dumps([asdict(each) for each in given])
        command = chores.make_guest_command("mend", "--examples", told, "--test", brief.test_command)
        return [_plan(1), _shell(command, EXAMPLE_SECONDS)]
    shown = read_examples_result(shells[1])
    if shown is None or not shown.meant:
        if first.passed or (shown is not None and any(each.state == "holds" for each in shown.examples)):
            return [_plan(1, skip=True), _finish(*texts.explain_examples(brief, first, shown))]
        return _search(brief, first, None, results, shells[2:])
    return _search(brief, first, shown, results, shells[2:])


def _search(
    brief: Brief,
    first: TestRunResult,
    shown: ExamplesResult | None,
    results: Sequence[tuple[str, str]],
    shells: Sequence[str],
) -> Sequence[ToolCallPart]:
    """The search and what follows it; ``shells`` are the commands since the tests and the examples ran."""
    edits = [text for tool, text in results if tool == "edit"]
    if not shells:
        seconds = MEND_SECONDS if first.code is not None else HUNG_SECONDS
        wait = MOST_REAL * seconds + 30.0
        search = _shell(_make_mend_command(brief, seconds, first, shown), wait)
        if shown is not None and shown.tests:
            return [_plan(1), _write(shown.path, shown.text), search]
        return [_plan(1), search]
    found = read_mend_result(shells[0])
    if found is None or not found.edits:
        if first.code is None and len(shells) == 1:  # they may only be slow
            return [_run_tests(brief, ALL_SECONDS)]
        whole = read_own_tests(shells[1], brief.test_command) if len(shells) > 1 else first
        if whole.passed and not shown:
            return [_plan(1, skip=True), _finish(*texts.explain_all_pass(brief))]
        return [_plan(2, skip=True), _finish(*texts.explain_not_found(brief, whole, found, shown))]
    if not edits:
        return [_plan(2), *(_edit(each) for each in found.edits), _run_tests(brief, ALL_SECONDS)]
    after = read_own_tests(shells[1], brief.test_command) if len(shells) > 1 else None
    return _end_mending(found, shown, edits, after)


def _end_mending(
    found: MendResult, shown: ExamplesResult | None, edits: Sequence[str], after: TestRunResult | None
) -> Sequence[ToolCallPart]:
    """Notes and the last word, when the edits went in and the tests ran once more."""
    if after is None or any(text.startswith("[error]") for text in edits):
        return [_finish("blocked", "", texts.explain_failed_edit(edits))]
    notes = [
        ToolCallPart(
            tool_name="note",
            args={"path": each.path, "line": each.line, "text": texts.write_note(found, each)},
        )
        for each in found.edits
    ]
    return [
        *notes,
        _plan(len(STEPS)),
        _finish("changed", texts.make_title(found), texts.write_summary(found, after, shown)),
    ]


def _make_mend_command(
    brief: Brief, seconds: float, first: TestRunResult, shown: ExamplesResult | None
) -> str:
    """The command that searches inside the sandbox, for the tests that the request is about."""
    words = ["--test", brief.test_command, "--seconds", f"{seconds:.0f}", f"--hint={texts.make_hint(brief)}"]
    meant = [f"--meant={each}" for each in shown.meant] if shown else []
    scope = Scope.NAMED if meant else judge_scope(brief)
    program = _MENDED.get(read_language(brief.test_command, first.output), "mend")
    failed = [f"--failed={each}" for each in first.failed] if program == "mend" else []
    return chores.make_guest_command(program, *words, f"--scope={scope.value}", *meant, *failed)


def _plan(done: int, *, skip: bool = False) -> ToolCallPart:
    """The checklist with ``done`` steps behind it; ``skip``: the rest will not be done."""
    rest = "skipped" if skip else "todo"
    states = ["done"] * done + (["doing"] if done < len(STEPS) and not skip else [])
    states += [rest] * (len(STEPS) - len(states))
    steps = [{"text": text, "state": state} for text, state in zip(STEPS, states, strict=True)]
    return ToolCallPart(tool_name="plan", args={"steps": steps})


def _run_tests(brief: Brief, seconds: float) -> ToolCallPart:
    """The tests by ``check``, whose results the proof takes over.

    By ``shell`` where there are other checks, for which nobody has to wait here, and where only what a
    command prints before it is ended could tell whose tests they are.
    """
    if brief.lint_command or brief.more_tests or not names_language(brief.test_command):
        return _shell(brief.test_command, seconds)
    return ToolCallPart(tool_name="check", args={"seconds": seconds})


def _shell(command: str, seconds: float) -> ToolCallPart:
    return ToolCallPart(tool_name="shell", args={"command": command, "seconds": seconds})


def _edit(edit: FoundEdit) -> ToolCallPart:
    return ToolCallPart(tool_name="edit", args={"path": edit.path, "old": edit.old, "new": edit.new})


def _write(path: str, text: str) -> ToolCallPart:
    return ToolCallPart(tool_name="write", args={"path": path, "text": text})


def _finish(kind: str, title: str, summary: str) -> ToolCallPart:
    return ToolCallPart(tool_name="finish", args={"kind": kind, "title": title, "summary": summary})

"""What the engine says of its work: every sentence is made from what was found."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.causes.explain import explain_failure
from bot.domain import Brief
from bot.offline.languages import TestLanguage, read_language
from bot.offline.phrases import PHRASES, PLAIN, explain_edit
from bot.offline.tool_results import ExamplesResult, FoundEdit, MendResult, RivalChange, TestRunResult

_PYTHON = re.compile(r"python|pytest|unittest|tox|nox|manage\.py|make|just|task")  # may run Python's tests
DID_NOT_START = (4, 126, 127)  # exit codes: pytest's for wrong options, the shell's for no program
FinishFields = tuple[str, str, str]  # kind, title, summary

OTHER_MODEL = (
    "I am the `offline` engine: I mend faults in Python, JavaScript and TypeScript that a failing test "
    "shows. For all else an operator can give me a language model with `HOB_MODEL`."
)
GIVE_MODEL = "A language model may find more: an operator names one with `HOB_MODEL`."


def make_hint(brief: Brief) -> str:
    """The request's text, as a hint to where the fault is; with the thread's own, which it may point at."""
    texts = [each.text for each in brief.texts if re.match(r"(?:issue|pull request) #\d+$", each.where)]
    return "\n".join([f"{brief.title}\n{brief.request}"[:2000], *(text[:2000] for text in texts[:1])])


def refuse_request() -> FinishFields:
    """The answer to a request that this engine cannot handle."""
    return "blocked", "", f"That is more than I can do, so nothing was changed.\n\n{OTHER_MODEL}"


def explain_no_tests(brief: Brief) -> FinishFields:
    """There are no tests that could show a fault or prove a change."""
    return (
        "blocked",
        "",
        "I found no tests in this repository, so I could neither see the fault nor prove that it is mended. "
        f"Add a test that fails, or name the command as `test` in `.github/hob.yml`.\n\n{OTHER_MODEL}",
    )


def explain_language(brief: Brief, run: TestRunResult, language: TestLanguage) -> FinishFields:
    """The tests fail, and they are in a language that the engine does not mend."""
    named = " here" if language is TestLanguage.OTHER else f" in {language.value}"
    return (
        "blocked",
        "",
        f"`{brief.test_command}` fails, and nothing was changed: I cannot search for faults{named}. "
        f"What a language model changes I can prove.\n{OTHER_MODEL}\n\n```\n{run.tail}\n```",
    )


def explain_all_pass(brief: Brief) -> FinishFields:
    """The tests see no fault."""
    at = f" on {brief.stands_at}" if brief.stands_at else ""
    said = f"`{brief.test_command}` passes as the code stands{at}, so no test shows what is wrong here."
    return "blocked", "", f"{said} Add one that fails.\n\n{OTHER_MODEL}"


def explain_examples(brief: Brief, run: TestRunResult, shown: ExamplesResult | None) -> FinishFields:
    """The calls that the request shows give no test to work from."""
    if shown is None or not shown.examples:
        return explain_all_pass(brief)
    at = f" on {brief.stands_at}" if brief.stands_at else ""
    said = []
    for each in shown.examples[:3]:
        if each.state == "holds":
            said.append(f"`{each.call}` gives `{each.now}`{at}, which is what the request expects.")
        elif each.state == "unclear" and each.now:
            said.append(f"`{each.call}` gives `{each.now}`{at}, but {each.why}.")
        else:
            said.append(f"I made no test of `{each.call}`: {each.why}.")
    tests = "passes" if run.passed else "fails for other reasons"
    said.append(f"`{brief.test_command}` {tests}, so nothing was changed.")
    if any(each.state != "holds" for each in shown.examples):
        said.append("Say it as `name(1, 2) returns 3, expected 4`, or add a test that fails.")
    return "blocked", "", " ".join(said)


def _explain_unasked(found: MendResult) -> str:
    """Tests fail, and the request is about none of them."""
    names = ", ".join(f"`{test}`" for test in found.tests.unasked[:5])
    count = max(found.tests.unasked_count, len(found.tests.unasked))
    more = f" and {count - 5} more" if count > 5 else ""
    verb = "fails" if count == 1 else "fail"
    return (
        f"{names}{more} {verb}, but the request is not about that, and no test shows what it is about. "
        "Nothing was changed. Name a test, say `fix the failing tests`, or show a call and what it should "
        f"give: `name(1, 2) returns 3, expected 4`. {OTHER_MODEL}"
    )


def explain_not_found(
    brief: Brief, run: TestRunResult, found: MendResult | None, shown: ExamplesResult | None = None
) -> FinishFields:
    """The tests fail, and no small edit mends them."""
    cause = explain_start(brief, run)
    if cause:
        return "blocked", "", _explain_cause(brief, run, cause)
    if found is not None and found.outcome == "unasked":
        return "blocked", "", _explain_unasked(found)
    if found is None:
        why = "the search for a change did not come to an end"
    elif found.outcome in ("cannot_run", "no_tests"):
        return "blocked", "", _explain_cannot_run(brief, run, found)
    else:
        why = found.reason or "no small edit makes the tests pass"
    if shown is not None and shown.tests:
        parts = [
            f"{_describe_examples(shown)} A test of it fails, but {why}.\n\n```python\n{shown.text}```\n\n"
        ]
    elif found is not None and not found.unsure:
        first = f"`{found.failure.test}` fails" if found.failure.test else "The tests fail"
        parts = [f"{first}, and {why}: I tried {found.search.tried} of {found.search.ranked} changes."]
    else:
        parts = [f"The tests fail, but {why}."]
    if found is not None and found.unsure:
        diff = "\n".join(_render_edit(edit) for edit in found.unsure)
        where = ", ".join(f"`{edit.path}:{edit.line}`" for edit in found.unsure)
        parts.append(
            f"Nothing was changed. At {where} the edit would be\n\n{diff}\n\n"
            "If it is what you mean, say so; or add a test that tells."
        )
    elif found is not None and found.suspects:
        one = found.suspects[0]
        parts.append(f"The line most under suspicion is `{one.path}:{one.line}`: `{one.text}`.")
    parts += [f"Mind that {gap}." for gap in brief.facts.gaps]
    return "blocked", "", " ".join([*parts, GIVE_MODEL])


def explain_start(brief: Brief, run: TestRunResult) -> str:
    """Why the tests do not run as they should, '' where nothing but the code is at fault."""
    return explain_failure(brief.test_command, run.code, run.output, brief.facts)


def _explain_cause(brief: Brief, run: TestRunResult, cause: str) -> str:
    """Why the tests do not run, as the output and the tree say it."""
    how = "does not run" if run.code in DID_NOT_START else "does not run as it should"
    return f"`{brief.test_command}` {how}: {cause}.\n\n```\n{run.tail}\n```"


def _explain_cannot_run(brief: Brief, run: TestRunResult, found: MendResult) -> str:
    """The tests are of no language that is mended, or do not start: usually something is not installed."""
    if read_language(brief.test_command, run.output) is TestLanguage.JAVASCRIPT:
        return (
            f"`{brief.test_command}` fails, and its tests do not run in the search: {found.reason}."
            f"\n\n```\n{run.tail}\n```"
        )
    if not _PYTHON.search(brief.test_command):
        return (
            f"`{brief.test_command}` fails:\n\n```\n{run.tail}\n```\n\n"
            f"These are no tests that I know how to work with. {OTHER_MODEL}"
        )
    return (
        f"The tests do not run: {found.reason or 'they do not start'}.\n\n```\n{run.tail}\n```\n\n"
        "There is no network in the sandbox; what the tests need must be in the repository or be built by "
        "`setup` in `.github/hob.yml`."
    )


def make_title(found: MendResult) -> str:
    """One line that names the kind of fault and the place."""
    part = found.parts[0]
    where = part.function or part.path
    also = f" and {found.parts[1].function or found.parts[1].path}" if len(found.parts) > 1 else ""
    also = "" if also == f" and {where}" else also
    return f"{PHRASES.get(part.template, PLAIN).title} {where}{also}"[:120]


def write_note(found: MendResult, edit: FoundEdit) -> str:
    """A review comment on the changed line: what was wrong, which tests say so."""
    turned = ", ".join(f"`{test}`" for test in found.turned[:3])
    more = f" and {found.turned_count - 3} more" if found.turned_count > 3 else ""  # ``turned`` may be cut
    now = "it passes" if found.turned_count == 1 else "they pass"
    return f"{_explain_place(found, edit)} Without this change {turned}{more} failed; with it {now}."


def _explain_place(found: MendResult, edit: FoundEdit) -> str:
    """What was wrong at one place; the search may have put a statement in two pieces."""
    near = [part for part in found.parts if part.path == edit.path]
    part = min(near or found.parts, key=lambda each: abs(each.line - edit.line))
    return explain_edit(part.template, edit.before, edit.after)


def _describe_examples(shown: ExamplesResult) -> str:
    """What the calls of the request give now, and what they should give."""
    wrong = [each for each in shown.examples if each.state == "fails"]
    said = [
        f"`{each.call}` gives `{each.now}`, not `{each.expected_error or each.expected}`" for each in wrong
    ]
    return f"{'; '.join(said)}."


def write_summary(found: MendResult, after: TestRunResult, shown: ExamplesResult | None = None) -> str:
    """What was wrong in three sentences at most, the change, how sure it is, and what to look at."""
    tests = found.tests
    places = ", ".join(f"`{edit.path}:{edit.line}`" for edit in found.edits)
    wrong = " ".join(dict.fromkeys(_explain_place(found, edit) for edit in found.edits))
    if shown is not None and shown.tests:
        failed = f"{_describe_examples(shown)} No test showed that, so `{shown.path}` does now."
        failed = f"{failed} {_join_places(places, wrong)}"
    else:
        alone = tests.total == 1 and tests.failing[:1] == [tests.command]  # nothing names single tests
        count = f"{tests.failed} of {tests.total} tests failed."
        count = (
            f"`{tests.command}` failed." if alone else count if tests.total else "No test could be loaded."
        )
        failed = f"{count} {_join_places(places, wrong)}"
    lines = [failed, "", *(_render_edit(edit) for edit in found.edits), ""]
    lines.append(f"**How sure:** {_judge_sureness(found, after)}")
    if look := _list_doubts(found):
        lines.append(
            f"**Look at:** {' '.join([look[0], *(each[:1].upper() + each[1:] for each in look[1:])])}"
        )
    return "\n".join(lines)


def _join_places(places: str, wrong: str) -> str:
    return f"At {places}: {wrong[:1].lower()}{wrong[1:]}" if wrong[:1].isalpha() else f"At {places}: {wrong}"


def _judge_sureness(found: MendResult, after: TestRunResult) -> str:
    """What was run, and how it ended."""
    tests, search = found.tests, found.search
    if found.outcome == "partial":
        said = (
            f"it makes {found.turned_count} of {tests.failed} failing tests pass; the others fail as before."
        )
    else:
        turned = "it" if found.turned_count == 1 else f"all {found.turned_count}"
        one = "the first change" if search.tried == 1 else f"of {search.tried} changes"
        one += " that was tried" if search.tried == 1 else " that were tried, this one"
        said = f"{one} makes {turned} pass"
        said += " and breaks no other test"
        said += f" of the {tests.passed} that ran." if tests.not_run else "."
    if tests.not_run:
        said += f" {tests.not_run} tests did not come to run in the search."
    if not after.passed:
        said += f" The whole suite {_name_end(after)}."
    return said


def _name_end(after: TestRunResult) -> str:
    """How a run of all tests ended that did not pass."""
    if after.output.startswith("[error] ") and "did not end within" not in after.output:
        return f"was not run: {after.output.removeprefix('[error] ').splitlines()[0].rstrip('.')}"
    if after.code is None:
        return "did not end"
    if after.verdict == "failed":
        return f"still has tests that fail (exit code {after.code})"
    return f"still ends with exit code {after.code}"


def _list_doubts(found: MendResult) -> list[str]:
    """What a reviewer has to look at: other changes that pass as well, tests that are left as they are."""
    lines = []
    if found.covering is not None and found.covering < 2:
        few = (
            "no test that passed before runs"
            if not found.covering
            else "only one test that passed before runs"
        )
        lines.append(f"{few} the changed line, so little checks what else it does.")
    if found.rival is not None and found.rival.call:
        one = found.rival
        lines.append(
            f"{_name_rival(one)} would pass too, but `{one.call}` "
            f"gives `{one.other}` with it and `{one.this}` with this change."
        )
    elif found.rival is not None and found.rival.after:
        more = "" if found.others < 2 else " and so would others" if found.others > 2 else " and one more"
        lines.append(
            f"{_name_rival(found.rival)} would pass too{more}: see which of them says what is meant."
        )
    elif found.others:
        others = "one other change" if found.others == 1 else f"{found.others} other changes"
        them = "it" if found.turned_count == 1 else "them"
        if found.calls:
            lines.append(f"{others} would make {them} pass too and gave the same for {found.calls} calls.")
        else:
            lines.append(f"{others} would make {them} pass too, so see whether this one says what is meant.")
    if found.strange:
        odd = found.strange
        now = "does not end" if odd.now == "no end" else odd.now
        lines.append(f"`{odd.call}` gave `{odd.before}` before and {now} with this change.")
    if found.borrowed:
        values = ", ".join(f"`{each}`" for each in found.borrowed)
        lines.append(f"{values} comes from the failing test, so see whether it holds for other values too.")
    if found.twins:
        places = ", ".join(f"`{each.path}:{each.line}`" for each in found.twins)
        say, need = ("says", "it") if len(found.twins) == 1 else ("say", "they")
        lines.append(f"{places} {say} what the wrong line said; {need} may need the same change.")
    if found.tests.unasked:
        lines.append(_explain_left(found.tests.unasked, found.tests.unasked_count))
    if found.tests.beyond:
        lines.append(_explain_beyond(found.tests.beyond))
    return lines


def _name_rival(one: RivalChange) -> str:
    """Another change that passes, by what its line would say."""
    text = " ".join(one.after.split())[:120]
    return f"`{text}` (`{one.path}:{one.line}`)" if text else f"To leave `{one.path}:{one.line}` out"


def _explain_left(tests: Sequence[str], count: int) -> str:
    names = ", ".join(f"`{test}`" for test in tests[:3])
    more = f" and {count - 3} more" if count > 3 else ""
    verb = "fails" if max(count, len(tests)) == 1 else "fail"
    return f"{names}{more} {verb} as before: the request is not about that."


def _explain_beyond(tests: Sequence[str]) -> str:
    names = ", ".join(f"`{test}`" for test in tests[:3])
    more = f" and {len(tests) - 3} more" if len(tests) > 3 else ""
    verb = "fails" if len(tests) == 1 else "fail"
    return (
        f"{names}{more} {verb} as before: no code of this repository takes part in that, so it is left alone."
    )


def _render_edit(edit: FoundEdit) -> str:
    removed = "".join(f"-{line}\n" for line in edit.before.splitlines())
    added = "".join(f"+{line}\n" for line in edit.after.splitlines())
    return f"```diff\n{removed}{added}```"


def explain_failed_edit(edits: Sequence[str]) -> str:
    """The change that was found could not be put into the file."""
    return f"A change was found, but it could not be put into the file: {edits}"

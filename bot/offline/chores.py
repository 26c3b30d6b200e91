"""The engine's work that needs no search: renaming, the linter's own fixes, a reviewer's suggestion.

Each function returns the next shell command as ``(command, seconds)``, or the fields of ``finish``.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence
from typing import Any

from bot.agent.tools.context import GUEST
from bot.domain import Brief
from bot.offline import answers
from bot.offline.intent import find_renaming
from bot.offline.texts import OTHER_MODEL, FinishFields
from bot.offline.tool_results import TestRunResult, read_test_run

NextStep = tuple[str, float] | FinishFields
SUGGESTED = "HOB-SUGGEST-RESULT "

_SUGGESTION_FENCE = re.compile(r"[ \t]*+(`{3,1000}|~{3,1000})suggestion.*")
_CHECKS = {"--check", "--check-only", "--diff", "-c", "--list-different", "-l"}
TEST_SECONDS, SHORT_SECONDS = 600.0, 120.0


def make_guest_command(program: str, *words: str) -> str:
    """A command that runs one of our programs inside the sandbox."""
    return shlex.join(["python", "-I", f"{GUEST}/{program}", *(word.replace("\0", "") for word in words)])


def rename(brief: Brief, shells: Sequence[str]) -> NextStep:
    """Rename, then run the tests."""
    wanted = find_renaming(brief)
    if wanted is None:
        return "blocked", "", f"Say what to rename as: rename `old_name` to `new_name`. {OTHER_MODEL}"
    if not shells:
        return make_guest_command("names", "rename", wanted.old, wanted.new), SHORT_SECONDS
    done = answers.read_names_result(shells[0])
    if not done or done.get("refused"):
        why = done.get("refused") or "the renaming did not come to an end"
        return "blocked", "", f"I did not rename `{wanted.old}`: {why}. Nothing was changed."
    if brief.test_command and len(shells) == 1:
        return brief.test_command, TEST_SECONDS
    lines = [
        f"Renamed the {done['kind']} `{done['old']}` (`{done['path']}:{done['line']}`) to `{done['new']}`, "
        f"in {_render_count(done['places'], 'place')} of {_render_count(len(done['files']), 'file')}. "
        "Names were followed by Python's scopes and imports; nothing was run to find them."
    ]
    if done["mentions"]:
        places = ", ".join(f"`{each}`" for each in done["mentions"])
        lines.append(f"The old name still stands in texts, or as another thing's name, in {places}.")
    if wanted.more:
        lines.append("The request asks for more than the renaming; that was not done.")
    title = f"Rename {done['old']} to {done['new']}"[:120]
    return "changed", title, "\n\n".join([*lines, *_render_tests(brief, shells[1:])])


def fix_lint(brief: Brief, shells: Sequence[str]) -> NextStep:
    """Run the lint command, its tool's own fixes, and the lint command again."""
    command = brief.lint_command
    fixing = make_fix_command(command)
    if not command:
        return (
            "blocked",
            "",
            f"This repository names no `lint` command in `.github/hob.yml`. {OTHER_MODEL}",
        )
    if not fixing:
        return "blocked", "", f"I know of no way to let `{command}` mend what it finds. {OTHER_MODEL}"
    if not shells:
        return command, TEST_SECONDS
    if read_test_run(shells[0]).passed:
        return "nothing", "", f"`{command}` has nothing to say against the code as it stands."
    if len(shells) < 3:
        return (fixing, command)[len(shells) - 1], TEST_SECONDS
    if brief.test_command and len(shells) == 3:
        return brief.test_command, TEST_SECONDS
    did, after = read_test_run(shells[1]), read_test_run(shells[2])
    if did.code == 127 or "No module named" in did.output:
        return "blocked", "", f"The tool is not there:\n\n```\n{did.tail}\n```"
    head = f"Ran `{fixing}`."
    if after.passed:
        said = f"{head} `{command}` passes now."
    elif after.output.split("\n", 1)[1:] == read_test_run(shells[0]).output.split("\n", 1)[1:]:
        return "blocked", "", f"{head} `{command}` says the same as before:\n\n```\n{after.tail}\n```"
    else:
        said = f"{head} What is left has to be mended by hand:\n\n```\n{after.tail}\n```"
    return "changed", "Apply the linter's own fixes", "\n\n".join([said, *_render_tests(brief, shells[3:])])


def make_fix_command(command: str) -> str:
    """The lint command so that its tools mend what they find; "" when none of them can."""
    parts = re.split(r"&&|;", command)
    fixing = [form for part in parts if (form := _make_one_fix(part))]
    return " ; ".join(fixing)


def _make_one_fix(part: str) -> str:
    try:
        words = shlex.split(part)
    except ValueError:
        return ""
    if any(re.search(r"[|<>$`(){}*?]", word) for word in words):
        return ""
    names = [word.rpartition("/")[2] for word in words]
    for at, name in enumerate(names[:4]):
        before, rest = words[: at + 1], words[at + 1 :]
        bare = [word for word in rest if word not in _CHECKS]
        if name == "ruff":
            if rest[:1] == ["format"]:
                return shlex.join([*before, *bare])
            rest = rest[1:] if rest[:1] == ["check"] else rest
            bare = [word for word in rest if word not in ("--diff", "--no-fix", "--fix")]
            return shlex.join([*before, "check", "--fix", *bare])
        if name in ("black", "isort"):
            return shlex.join([*before, *bare])
        if name == "eslint":
            return shlex.join([*before, "--fix", *[word for word in rest if word != "--fix"]])
        if name == "prettier":
            return shlex.join([*before, "--write", *[word for word in bare if word != "--write"]])
        if name == "gofmt":
            return shlex.join([*before, "-w", *[word for word in bare if word not in ("-d", "-w")]])
        if name == "cargo" and rest[:1] == ["fmt"]:
            return shlex.join([*before, *bare])
    return ""


def _find_suggestions(text: str) -> list[list[str]]:
    """The lines of each ``suggestion`` block that is closed."""
    found: list[list[str]] = []
    fence, inside = "", list[str]()
    for line in text.replace("\r\n", "\n").split("\n"):
        opening = _SUGGESTION_FENCE.fullmatch(line)
        if fence and line.strip(" \t") == fence:
            found.append(inside)
            fence = ""
        elif fence:
            inside.append(line)
        elif opening:
            fence, inside = opening[1], []
    return found


def apply_suggestion(brief: Brief, shells: Sequence[str]) -> NextStep:
    """Put the suggested lines in, then run the tests."""
    found = _find_suggestions(brief.request)
    spot = brief.spot
    if spot is None or not spot.line:
        return "blocked", "", "The suggestion stands on no line of code, so I cannot tell what it replaces."
    if len(found) != 1:
        return "blocked", "", f"There are {len(found)} suggestions for one place; make it one."
    start = spot.start or spot.line
    if not shells:
        seen = _read_end_of_hunk(spot.hunk, spot.line - start + 1)
        if seen is None:
            return "blocked", "", "The suggestion stands on a line that the pull request removes."
        asked = {"path": spot.path, "start": start, "end": spot.line, "expected": seen,
                 "lines": found[0]}  # fmt: skip
        return make_guest_command("apply_suggestion.py", json.dumps(asked)), SHORT_SECONDS
    done = _read_suggest_result(shells[0])
    if "refused" in done:
        return "blocked", "", f"The suggestion was not put in: {done['refused']}. Nothing was changed."
    if brief.test_command and len(shells) == 1:
        return brief.test_command, TEST_SECONDS
    where = f"{spot.path}:{start}" + (f"-{spot.line}" if start != spot.line else "")
    said = f"Put the suggestion in as it was written, in the place of `{where}`."
    return (
        "changed",
        f"Apply the suggestion to {where}"[:120],
        "\n\n".join([said, *_render_tests(brief, shells[1:])]),
    )


def _read_end_of_hunk(hunk: str, count: int) -> list[str] | None:
    """The last lines of the head side in a comment's hunk; None when the comment is on a removed line."""
    lines = hunk.split("\n")
    if lines[-1].startswith("-"):
        return None
    head = [line[1:] for line in lines if line[:1] in ("+", " ")]
    return head[-count:]


def _read_suggest_result(text: str) -> dict[str, Any]:
    lines = [line for line in text.splitlines() if line.startswith(SUGGESTED)]
    try:
        return dict(json.loads(lines[-1].removeprefix(SUGGESTED)))
    except (IndexError, ValueError):
        return {"refused": "the program that puts it in did not come to an end"}


def _render_tests(brief: Brief, shells: Sequence[str]) -> list[str]:
    """How the tests ended afterwards."""
    if not shells:
        return ["There is no test command, so nothing was run."]
    run: TestRunResult = read_test_run(shells[0])
    if run.passed:
        return [f"`{brief.test_command}` passes."]
    return [f"`{brief.test_command}` ends with exit code {run.code}:\n\n```\n{run.tail}\n```"]


def _render_count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"

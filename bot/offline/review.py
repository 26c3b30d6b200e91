"""A review without a language model: the repository's own checks, and what they say of the changed lines.

It says nothing of what only a reader could see, and says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.agent.prompt import DIFF_OF
from bot.domain import Brief
from bot.offline.texts import FinishFields
from bot.offline.tool_results import TestRunResult, read_test_run

SECONDS = 600.0
MOST = 30  # remarks
ONLY = (
    "I am the `offline` engine: without a language model I can run the repository's checks and point at what "
    "they say of the changed lines. Whether the change is right, a person has to read."
)

_HUNK = re.compile(r"^@@ -[0-9,]+ \+([0-9]+)(?:,[0-9]+)? @@")
_SAYS = re.compile(r"^(?:\./|/workspace/)?([^\s:]+):([0-9]+)(?::[0-9]+)?:? +(\S.*)$", re.MULTILINE)
_BELOW = re.compile(r"^(\S[^\n]*)\n *--> (?:\./|/workspace/)?([^\s:]+):([0-9]+)(?::[0-9]+)?$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """What a check says of one line."""

    path: str
    line: int
    text: str


def list_commands(brief: Brief) -> list[tuple[str, float]]:
    """What to run, in this order."""
    return [(command, SECONDS) for command in (brief.test_command, brief.lint_command) if command]


def find_remarks(brief: Brief, outputs: Sequence[str]) -> list[Remark]:
    """What the checks print about lines that the pull request adds or changes, each line once per check."""
    changed = find_added_lines(brief)
    found: dict[tuple[str, str, int], Remark] = {}
    for (command, _), output in zip(list_commands(brief), outputs, strict=False):
        run = read_test_run(output)
        for path, line, words in _read_places(run) if not run.passed else ():
            if line in changed.get(path, ()):
                text = f"`{command.replace('`', ' ')}` says here: {words}"
                found.setdefault((command, path, line), Remark(path=path, line=line, text=text))
    return list(found.values())[:MOST]


def write_review(brief: Brief, outputs: Sequence[str], made: Sequence[Remark]) -> FinishFields:
    """The text of the review: how each check ended on the pull request's head, and no more."""
    ended = [
        f"- `{command.replace('`', ' ')}` {_render_end(read_test_run(output))}"
        for (command, _), output in zip(list_commands(brief), outputs, strict=False)
    ]
    if not ended:
        ended = ["- I found no check to run: name `test` or `lint` in `.github/hob.yml`."]
    files = len(find_added_lines(brief))
    lines = [
        f"The pull request adds or changes lines in {files} file{'' if files == 1 else 's'}.",
        "",
        *ended,
    ]
    if made:
        count = "One changed line is" if len(made) == 1 else f"{len(made)} changed lines are"
        lines += ["", f"{count} named by them; see the remarks."]
    elif any(not read_test_run(output).passed for output in outputs):
        lines += ["", "None of what they say is about a line that changed here."]
    return "answered", "", "\n".join([*lines, "", ONLY])


def find_added_lines(brief: Brief) -> Mapping[str, set[int]]:
    """The lines of each file that a pull request added or changed, as they are on its head."""
    found: dict[str, set[int]] = {}
    for part in brief.texts:
        if part.where.startswith(DIFF_OF):
            numbers = set(_find_added_lines(part.text))
            if numbers:
                found[part.where.removeprefix(DIFF_OF)] = numbers
    return found


def _find_added_lines(diff: str) -> Iterator[int]:
    line = 0
    for text in diff.split("\n"):
        if hunk := _HUNK.match(text):
            line = int(hunk[1])
        elif line and text.startswith("+"):
            yield line
            line += 1
        elif line and not text.startswith(("-", "\\")):
            line += 1


def _read_places(run: TestRunResult) -> Iterator[tuple[str, int, str]]:
    """Path, line and message of what a linter or a test runner names."""
    for path, line, words in _SAYS.findall(run.output):
        yield path, int(line), words.strip()
    for words, path, line in _BELOW.findall(run.output):
        yield path, int(line), words.strip()


def _render_end(run: TestRunResult) -> str:
    if run.passed:
        return "passes."
    if run.code is None:
        return "did not come to an end."
    return f"ends with exit code {run.code}; below is what it says."

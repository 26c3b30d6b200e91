"""Values as a page shows them: diffs by line, Markdown, terminal output as text, times, addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

from bot.domain import Proof
from bot.domain.proof import ProofState
from bot.tasks.database.column_values import restore
from bot.text.diffs import BadDiff, read_hunks, split_by_file
from bot.text.lists import join_first
from bot.text.terminal import replace_controls, strip_escapes

MAX_DIFF_LINES = 5000
MAX_MARKDOWN = 20_000
LONGEST_WORDS = 180  # characters of what was asked, in a list
MOST_NAMES = 10  # of tests in a line
SHORT_WORDS = 25  # so few say too little alone

_markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
# No links and no images: nothing that a model wrote may lead away from the page.
_TAGS = {"p", "em", "strong", "code", "pre", "ul", "ol", "li", "blockquote", "br", "hr"}
_TAGS |= {"h1", "h2", "h3", "h4", "table", "thead", "tbody", "tr", "th", "td"}

_PROOF_WORDS = {
    ProofState.PROVED: "passed",
    ProofState.DOUBTFUL: "passed, with a warning",
    ProofState.PARTLY: "mends some of the tests",
    ProofState.FAILS: "failed",
    ProofState.NOT_RUN: "not run",
}
_KINDS = {"@": "hunk", "+": "add", "-": "del", " ": "same", "\\": "meta"}


class DiffLine(NamedTuple):
    """One row of a diff; numbers are '' on the side where the line is not."""

    kind: str  # file, meta, hunk, add, del, same
    old: str
    new: str
    text: str


def plain_text(text: Any) -> str:
    """Any value as text that a page can show: no escape sequences, U+FFFD for each control character."""
    return replace_controls(strip_escapes(str(text)).replace("\r\n", "\n"), "\ufffd")


def markdown(text: Any) -> Markup:
    """Markdown as HTML, reduced to tags that cannot lead or load anything."""
    rendered = _markdown.render(plain_text(text)[:MAX_MARKDOWN])
    return Markup(nh3.clean(rendered, tags=_TAGS, attributes={}))  # noqa: S704 - cleaned in the same line


def diff_lines(diff: str) -> Iterator[DiffLine]:
    """The rows of a unified diff with line numbers, at most ``MAX_DIFF_LINES`` of them."""
    rows = (row for _, part in split_by_file(diff) for row in _file_rows(part))
    for index, row in enumerate(rows):
        if index >= MAX_DIFF_LINES:
            yield DiffLine("meta", "", "", "… the rest of the diff is on the pull request")
            return
        yield row


def _file_rows(part: str) -> Iterator[DiffLine]:
    """One file's rows; without line numbers where the hunks are not as long as they say."""
    head, _, body = part.partition("\n@@ ")
    name, *about = head.split("\n")
    yield DiffLine("file", "", "", plain_text(name.removeprefix("diff --git ")))
    yield from (DiffLine("meta", "", "", plain_text(line)) for line in about if line)
    try:
        _, hunks = read_hunks(part)
    except BadDiff:
        for line in f"@@ {body}".split("\n"):
            if kind := _KINDS.get(line[:1]):
                yield DiffLine(kind, "", "", plain_text(line[1:] if kind in ("add", "del", "same") else line))
        return
    for hunk in hunks:
        yield DiffLine("hunk", "", "", plain_text(str(hunk).partition("\n")[0]))
        for row in hunk:
            old, new = (str(number or "") for number in (row.source_line_no, row.target_line_no))
            kind = _KINDS.get(row.line_type, "same")
            text = str(row) if kind == "meta" else row.value
            yield DiffLine(kind, old, new, plain_text(text.removesuffix("\n")))


def diff_size(diff: str) -> str:
    """The size of the shown part of a diff: +3 −1 in 2 files."""
    kinds = [line.kind for line in diff_lines(diff)]
    files = kinds.count("file")
    if not files:
        return "no change"
    return f"+{kinds.count('add')} −{kinds.count('del')} in {files} file{'' if files == 1 else 's'}"


def summarize_proof(proof: Mapping[str, Any] | None) -> str:
    """A proof in a word or two, from how it is stored."""
    if not proof:
        return "not run"
    known = restore(Proof, proof)
    if known.state is ProofState.PARTLY:
        mended, failing = known.mended_part
        return f"mends {mended} of {failing} failing tests"
    return _PROOF_WORDS[known.state]


def list_proof_lines(proof: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What has to be known beside a proof's table: a sentence, and the names that it is about."""
    known = restore(Proof, proof)
    warnings = [(each.text, each.names) for each in known.warnings]
    tests = [
        ("Still fails, and the request is about it", known.still_failing),
        ("Fails as before, and the request may be about it too", known.left_failing),
    ]
    for check in known.checks:
        tests += [("Failed before, passes now", check.mended), ("Fails only with this change", check.broken)]
    lines = (*warnings, *(line for line in tests if line[1]))
    return [(text, join_first(names, MOST_NAMES)) for text, names in lines]


def seconds(value: Any) -> str:
    """A duration, such as 0.4 s, 12 s, 3 min 5 s."""
    number = float(value or 0)
    if number < 10:
        return f"{number:.1f} s"
    if number < 60:
        return f"{number:.0f} s"
    return f"{int(number // 60)} min {int(number % 60)} s"


def moment(value: datetime | None) -> str:
    """A time in UTC to the second."""
    return value.strftime("%Y-%m-%d %H:%M:%S UTC") if value else ""


def format_age(value: datetime) -> str:
    """How long ago a time was, such as 3 h ago."""
    passed = (datetime.now(UTC) - value).total_seconds()
    for size, name in ((86_400, "days"), (3600, "h"), (60, "min")):
        if passed >= size:
            return f"{int(passed // size)} {name} ago"
    return "just now"


def format_usd(value: Any) -> str:
    """US dollars with two decimal places, or three for less than ten cents."""
    amount = float(value or 0)
    return f"${amount:.2f}" if amount >= 0.1 else f"${amount:.3f}"


def first_words(value: Any) -> str:
    """What a text is about, on one line: its first line, and the next ones while that is short."""
    line = ""
    for part in plain_text(value).replace("**", "").splitlines():
        if len(line) >= SHORT_WORDS:
            break
        line = " ".join([*line.split(), *part.split()])
    return line if len(line) <= LONGEST_WORDS else f"{line[:LONGEST_WORDS].rsplit(' ', 1)[0]} …"


def web_address(value: Any) -> str:
    """An address that may stand in a link: http(s) only, anything else is '#'."""
    text = str(value or "")
    return text if re.match(r"https?://", text) else "#"


def arguments(value: Any) -> str:
    """A tool call's arguments as one readable block: a single text alone, several by name."""
    if not isinstance(value, Mapping):
        return plain_text(value)
    rows = []
    for name, item in value.items():
        shown = plain_text(item)
        rows.append(f"{name}:\n{shown}" if "\n" in shown else f"{name}: {shown}")
    return "\n".join(rows)

"""The summary that takes the place of earlier turns after a compaction, made from their records.

It lists the plan, what the model said, the files it changed and read, the commands that still fail, and its
notes and replies. All of that stands in one ``record`` block, each line marked, so that nothing a tool
printed can pass for an instruction. Comments that came meanwhile and the repository's guidance follow in
blocks of their own with the trust they had. What is left out is counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.agent import prompt
from bot.domain import PromptText, Trust

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryLimits:
    """How much of each kind the summary may hold; in characters, but for ``failures`` and ``paths``."""

    statements: int = 9000  # all that the model said itself
    statement: int = 500  # of one turn
    failures: int = 4
    failure: int = 1500  # of one failing command
    paths: int = 80
    texts: int = prompt.TEXT_CHARS  # of one comment or guidance file


def summarize(records: Sequence[Record], *, limits: SummaryLimits, whole: int) -> str:
    """The message that replaces the turns of ``records``; ``whole`` turns follow it as they were."""
    count = len(records)
    account = "\n".join(
        line
        for title, lines in (
            ("Plan, as it stands", _list_steps(records[-1])),
            ("What you said and decided", _list_statements(records, limits)),
            ("Files you changed", _list_changed_files(records, limits)),
            ("Files you read", _list_read_files(records, limits)),
            ("Commands that failed the last time they ran", _list_failures(records, limits)),
            ("Notes and replies that you left", _list_notes(records[-1])),
            *_describe_background(records),
        )
        for line in (f"# {title}", *(lines or ["(none)"]))
    )
    head = (
        f"The conversation became too long, so turns 1 to {count} of your work are told in short here, made "
        f"from what is stored of them; {f'the last {whole} follow' if whole else 'none follows'} whole. "
        "Nothing else is lost: the workspace is as you left it, and `git diff` shows all of your change. "
        "Read again what you need to see, and go on; do not begin anew."
    )
    new = [prompt.render_text(_cut_text(each, limits.texts)) for each in _load_texts(records, "heard")]
    texts = ["Words that came while you worked, as you heard them:", *new] if new else []
    guidance = [prompt.render_text(_cut_text(each, limits.texts)) for each in _load_texts(records, "guided")]
    texts += ["Guidance of the repository for where you worked:", *guidance] if guidance else []
    return "\n\n".join(
        [head, prompt.render_block("record", f"turns 1 to {count}", account, chars=len(account)), *texts]
    )


def _list_steps(last: Record) -> list[str]:
    return [f"[{step['state']}] {step['text']}" for step in last["plan"]]


def _list_statements(records: Sequence[Record], limits: SummaryLimits) -> list[str]:
    """What the model said, turn by turn: the first that says anything, as many of the latest as fit."""
    said = []
    for record in records:
        text = record["text"].strip() or record["thinking"].strip()[-limits.statement :]
        if text:
            said.append(f"turn {record['seq'] + 1}: {_shorten(text, limits.statement)}")
    return _fit_lines(said, limits.statements, "turns with words")


def _list_changed_files(records: Sequence[Record], limits: SummaryLimits) -> list[str]:
    """Each file that a file tool changed, how, and in which turns; the latest last."""
    how: dict[str, list[str]] = {}
    for record, call in _find_calls(records, "edit", "write"):
        if call["ok"]:
            path = str(call["args"].get("path", ""))
            how.setdefault(path, []).append(f"{call['name']} in turn {record['seq'] + 1}")
            how[path] = how.pop(path)
    lines = [
        f"{path}: {', '.join(each if len(each) <= 6 else [*each[:2], f'{len(each) - 4} more', *each[-2:]])}"
        for path, each in how.items()
    ]
    return _take_latest(lines, limits.paths, "files")


def _list_read_files(records: Sequence[Record], limits: SummaryLimits) -> list[str]:
    paths = [str(call["args"].get("path", "")) for _, call in _find_calls(records, "read") if call["ok"]]
    return _take_latest(list(dict.fromkeys(reversed(paths)))[::-1], limits.paths, "files")


def _list_failures(records: Sequence[Record], limits: SummaryLimits) -> list[str]:
    """Commands whose last run failed, with the end of what they printed."""
    last: dict[str, tuple[int, Mapping[str, Any]]] = {}
    for record, call in _find_calls(records, "shell", "check"):
        command = str(call["args"].get("command", call["name"]))
        last.pop(command, None)
        last[command] = (record["seq"] + 1, call)
    failing = [(turn, command, call) for command, (turn, call) in last.items() if not call["ok"]]
    lines = []
    for turn, command, call in failing[-limits.failures :]:
        output = call["output"].strip()
        more = len(output) - limits.failure
        cut = f"[the first {more} characters cut] " if more > 0 else ""
        lines.append(f"turn {turn}: {_shorten(command, 300)}\n{cut}{output[-limits.failure :]}")
    earlier = len(failing) - len(lines)
    return [*([f"[{earlier} earlier ones left out]"] if earlier else []), *lines]


def _describe_background(records: Sequence[Record]) -> list[tuple[str, list[str]]]:
    """What was started in the background, each with the number under which it is read and stopped."""
    lines = [
        f"turn {record['seq'] + 1}: {_shorten(str(call['args']['start']), 300)}\n"
        f"{_shorten(call['output'].partition(chr(10))[0], 200)}"
        for record, call in _find_calls(records, "background")
        if call["ok"] and call["args"].get("start")
    ]
    return [("Commands that you started in the background", lines)] if lines else []


def _list_notes(last: Record) -> list[str]:
    notes = [
        f"note on {each['path']}:{each['line']}: {_shorten(each['text'], 200)}" for each in last["notes"]
    ]
    return notes + [
        f"reply to comment {each['comment']}: {_shorten(each['text'], 200)}" for each in last["replies"]
    ]


def _load_texts(records: Sequence[Record], kind: str) -> list[PromptText]:
    return [
        PromptText(**{**each, "trust": Trust(each["trust"])})
        for record in records
        for each in record.get(kind, ())
    ]


def _find_calls(records: Sequence[Record], *names: str) -> Iterable[tuple[Record, Mapping[str, Any]]]:
    return ((record, call) for record in records for call in record["calls"] if call["name"] in names)


def _fit_lines(lines: Sequence[str], chars: int, what: str) -> list[str]:
    """The first line and as many of the last as fit into ``chars``."""
    if not lines:
        return []
    tail: list[str] = []
    left = chars - len(lines[0])
    for line in reversed(lines[1:]):
        if left < len(line):
            break
        left -= len(line)
        tail.insert(0, line)
    more = len(lines) - 1 - len(tail)
    return [lines[0], *([f"[{more} {what} left out here]"] if more else []), *tail]


def _take_latest(lines: Sequence[str], count: int, what: str) -> list[str]:
    more = len(lines) - count
    return [*([f"[{more} earlier {what} left out]"] if more > 0 else []), *lines[-count:]]


def _shorten(text: str, chars: int) -> str:
    """On one line, cut with a mark."""
    line = " ".join(text.split())
    return line if len(line) <= chars else f"{line[: chars - 4]} ..."


def _cut_text(text: PromptText, chars: int) -> PromptText:
    more = len(text.text) - chars
    if more <= 0 or chars >= prompt.TEXT_CHARS:  # a block bounds itself
        return text
    return replace(text, text=f"{text.text[:chars]}\n[{more} characters are left out here]")

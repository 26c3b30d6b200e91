"""Read, edit and write files, inside the sandbox: one JSON request on stdin, one JSON answer on stdout.

``{"op": "read" | "edit" | "write", "path": ..., ...}`` gives ``{"ok": true, ...}``, or ``{"ok": false,
"error": ...}`` in words that the model can act on. The working directory is the workspace: anything may be
read, only what is below it written. Bytes that are not UTF-8 survive an edit. Standard library only.
"""

from __future__ import annotations

import json
import os
import re
import stat
import sys
import warnings
from itertools import islice
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:  # each call of a tool waits for these imports
    from typing import Any, BinaryIO

UNREADABLE = "\ufffd"  # stands for bytes that are not UTF-8 where a file is shown
MARK = "\ufeff"  # the byte order mark that some programs of Windows ask for
MAX_EDIT_BYTES = 8 << 20
MAX_COUNT_BYTES = 64 << 20  # lines of larger files are not counted
MAX_LINE_CHARS = 2000
MAX_SEARCHED_LINES = 20_000
MAX_SHOWN_LINES = 80  # of a change
MAX_DIFF_LINES = 40
MAX_DIFF_CHARS = 300
MAX_COMPARED_CHARS = 1000
LIKE = 0.5  # alike enough to be shown
LIKE_LINES = 0.3  # the same, by whole lines


class FileProblem(Exception):
    """The request cannot be done; the message is for the model."""


def read(request: dict[str, Any]) -> dict[str, Any]:
    """``path, start, lines, chars`` -> ``lines``, ``start``, ``total`` (None if unknown), ``remarks``."""
    path, start = request["path"], request["start"]
    if Path(path).is_dir():
        return _list_folder(path, request["chars"])
    lines: list[str] = []
    room, cut, not_utf8, crlf = request["chars"], False, False, False
    with _open_file(path) as file:
        size = os.fstat(file.fileno()).st_size
        if b"\0" in file.read(8192):
            raise FileProblem(f"{path} is binary ({size} bytes); look at it with shell, for example by xxd")
        file.seek(0)
        number = 0
        while (
            number < start - 1 + request["lines"] and room > 0 and (raw := file.readline(4 * MAX_LINE_CHARS))
        ):
            number += 1
            whole = raw.endswith(b"\n")
            while not whole and (rest := file.readline(1 << 20)):
                whole, cut = rest.endswith(b"\n"), cut or number >= start
            if number >= start:
                crlf = crlf or raw.endswith(b"\r\n")
                text = raw.rstrip(b"\r\n").decode("utf-8", "replace")
                cut = cut or len(text) > MAX_LINE_CHARS
                lines.append(text[:MAX_LINE_CHARS])
                not_utf8 = not_utf8 or UNREADABLE in lines[-1]
                room -= len(lines[-1]) + 8
        total = _count_lines(file) if size <= MAX_COUNT_BYTES else None
    if total is not None and start > max(1, total):
        raise FileProblem(f"{path} has {total} lines; start={start} is behind its end")
    remarks = [f"lines over {MAX_LINE_CHARS} characters are cut; shell shows the rest"] if cut else []
    remarks += ["lines end with CRLF"] if crlf else []
    remarks += [f"some bytes are not UTF-8 and are shown as {UNREADABLE}"] if not_utf8 else []
    return {"lines": lines, "start": start, "total": total, "size": size, "remarks": remarks}


def edit(request: dict[str, Any]) -> dict[str, Any]:
    """``path, old, new, all`` -> ``count``, and ``start`` and ``lines`` of the first changed place."""
    path, old, new = request["path"], request["old"], request["new"]
    _resolve_inside(path)
    with _open_file(path) as file:
        raw = file.read(MAX_EDIT_BYTES + 1)
    if len(raw) > MAX_EDIT_BYTES:
        raise FileProblem(f"{path} is over {MAX_EDIT_BYTES} bytes; change it with shell (sed, python)")
    if b"\0" in raw[:8192]:
        raise FileProblem(f"{path} is binary")
    text = raw.decode("utf-8", "surrogateescape")
    if old not in text and "\r\n" in text:
        old, new = _as_crlf(old), _as_crlf(new)
    count = text.count(old)
    if count == 0:
        seen = raw.decode("utf-8", "replace")
        if UNREADABLE in old and old.replace("\r\n", "\n") in seen.replace("\r\n", "\n"):
            raise FileProblem(
                f"{_explain_bytes(path)} To change what is beside them leave them out of old and new"
            )
        raise FileProblem(_explain_miss(path, text.replace("\r\n", "\n"), request["old"]))
    if count > 1 and not request["all"]:
        raise FileProblem(
            f"old stands {count} times in {path}, at lines {_find_places(text, old)}; "
            "give more of the text around the one you mean, or all=true"
        )
    at = text.index(old)
    if "\n" not in old and _ends_with_crlf(text, at):
        new = _as_crlf(new)
    changed = text.replace(old, new)
    _store(path, changed)
    first = text.count("\n", 0, at) + 1
    shown = changed.split("\n")[max(0, first - 3) : first + new.count("\n") + 2]
    lines = [line.rstrip("\r")[:MAX_LINE_CHARS] for line in shown[:MAX_SHOWN_LINES]]
    more = len(shown) - len(lines)
    left_out = [f"{more} more lines of it are not shown; read them"] if more > 0 else []
    return {
        "count": count,
        "start": max(1, first - 2),
        "lines": lines,
        "remarks": [*left_out, *_list_remarks(path, text, changed)],
    }


def write(request: dict[str, Any]) -> dict[str, Any]:
    """``path, text`` -> ``lines``, ``bytes``, ``before``: lines of what was there, None for a new file."""
    path, text = request["path"], request["text"]
    _resolve_inside(path)
    before, old, kept = None, "", []
    if Path(path).exists():
        with _open_file(path) as file:
            raw = file.read(MAX_EDIT_BYTES)
            old = raw.decode("utf-8", "surrogateescape")
            before = _count_lines(file)
        if UNREADABLE in text and UNREADABLE not in old and UNREADABLE in raw.decode("utf-8", "replace"):
            raise FileProblem(f"{_explain_bytes(path)} To change other lines use edit")
        if "\r\n" in old and old.count("\n") == old.count("\r\n") and "\r\n" not in text:
            text = _as_crlf(text)
            kept.append("its lines end with CRLF, as before")
        if old.startswith(MARK) and not text.startswith(MARK):
            text = MARK + text
            kept.append("it begins with a byte order mark, as before")
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    size = _store(path, text)
    lines = text.count("\n") + bool(text and not text.endswith("\n"))
    return {
        "lines": lines,
        "bytes": size,
        "before": before,
        "remarks": [*kept, *_list_remarks(path, old, text)],
    }


def _open_file(path: str) -> BinaryIO:
    """The file, opened without waiting on a pipe or a device."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise FileProblem(f"{path} does not exist{_find_similar(path)}") from None
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    raise FileProblem(f"{path} is a directory" if stat.S_ISDIR(mode) else f"{path} is not a regular file")


def _resolve_inside(path: str) -> None:
    root, real = Path.cwd().resolve(), Path(path).resolve()
    if root not in real.parents:
        raise FileProblem(
            f"{path} is outside the workspace (links included); only files below it can be written"
        )
    if real.relative_to(root).parts[0] == ".git":
        raise FileProblem(f"{path} belongs to git; what is changed there is never published")


def _store(path: str, text: str) -> int:
    try:
        data = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise FileProblem(
            f"the text cannot be written as UTF-8: {error.reason} at character {error.start}"
        ) from None
    return Path(path).write_bytes(data)


def _explain_bytes(path: str) -> str:
    return (
        f"{path} is not UTF-8: the bytes that are shown as {UNREADABLE} would be lost. "
        "To change them use shell, such as python with the file's own encoding."
    )


def _ends_with_crlf(text: str, at: int) -> bool:
    """Whether the line at ``at`` ends with CRLF; the last line is like the one before it."""
    end = text.find("\n", at)
    end = text.rfind("\n", 0, at) if end < 0 else end
    return end > 0 and text[end - 1] == "\r"


def _as_crlf(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\n", "\r\n")


def _count_lines(file: BinaryIO) -> int:
    file.seek(0)
    count, last = 0, b"\n"
    while chunk := file.read(1 << 20):
        count, last = count + chunk.count(b"\n"), chunk[-1:]
    return count + (last != b"\n")


def _list_folder(path: str, room: int) -> dict[str, Any]:
    names = []
    with os.scandir(path) as entries:
        for entry in entries:
            kind = "@" if entry.is_symlink() else "/" if entry.is_dir() else ""
            names.append(entry.name + kind)
    names.sort()
    shown: list[str] = []
    while len(shown) < len(names) and room > 0:
        room -= len(names[len(shown)]) + 1
        shown.append(names[len(shown)])
    return {"directory": shown, "total": len(names)}


def _find_similar(path: str) -> str:
    folder = Path(path).parent
    if not folder.is_dir():
        return f"; neither does its folder {folder}"
    import difflib

    names = sorted(each.name for each in folder.iterdir())
    near = difflib.get_close_matches(Path(path).name, names[:5000], n=3, cutoff=0.6)
    return f"; {folder} has {', '.join(near)}" if near else ""


def _find_places(text: str, old: str) -> str:
    lines: list[str] = []
    at = text.find(old)
    while at >= 0 and len(lines) < 10:
        lines.append(str(text.count("\n", 0, at) + 1))
        at = text.find(old, at + len(old))
    return ", ".join(lines) + (", ..." if at >= 0 else "")


def _explain_miss(path: str, text: str, old: str) -> str:
    """Says that ``old`` is not there, what comes nearest to it, and why that differs."""
    if re.match(r"\s*\d+\t", old) and re.sub(r"(?m)^\s*\d+\t", "", old) in text:
        return f"old is not in {path}: leave out the line numbers that read puts in front of the lines"
    wanted, lines = old.strip("\n").split("\n"), text.split("\n")
    near = _find_nearest(lines[:MAX_SEARCHED_LINES], wanted)
    if near is None:
        where = f" in its first {MAX_SEARCHED_LINES} lines" if len(lines) > MAX_SEARCHED_LINES else ""
        return f"old is not in {path}, nor anything like it{where}; read the file again"
    import difflib

    there = lines[near : near + len(wanted)]
    diff = difflib.unified_diff(wanted, there, "old as given", "the file", n=1, lineterm="")
    difference = "\n".join(
        line if len(line) <= MAX_DIFF_CHARS else f"{line[:MAX_DIFF_CHARS]} [cut]"
        for line in islice(diff, MAX_DIFF_LINES)
    )
    difference += "\n[more differs]" if next(diff, None) is not None else ""
    where = f"lines {near + 1}-{near + len(there)}" if len(there) > 1 else f"line {near + 1}"
    return f"old is not in {path}. Nearest is {where}; {_explain_error(wanted, there)}:\n{difference}"


def _find_nearest(lines: list[str], wanted: list[str]) -> int | None:
    """Where the block of lines most like ``wanted`` begins, None when nothing is like it."""
    stripped, goal = [line.strip() for line in lines], [line.strip() for line in wanted]
    votes: dict[int, int] = {}
    for offset, line in enumerate(goal):
        if len(line) > 2:
            for at, other in enumerate(stripped):
                if other == line and at >= offset:
                    votes[at - offset] = votes.get(at - offset, 0) + 1
    starts = sorted(votes, key=lambda at: (-votes[at], at))[:5]
    if not starts:
        import difflib

        longest = max(range(len(goal)), key=lambda at: len(goal[at]))
        near = difflib.get_close_matches(goal[longest], {line for line in stripped if line}, n=3, cutoff=0.5)
        starts = [max(0, at - longest) for at, line in enumerate(stripped) if line in near][:10]
    scored = [(_measure_likeness(stripped[at : at + len(goal)], goal), -at) for at in starts]
    best = max(scored, default=(0.0, 0))
    return -best[1] if best[0] >= LIKE else None


def _measure_likeness(there: list[str], wanted: list[str]) -> float:
    """From 0 to 1: by characters, of long blocks by lines."""
    import difflib

    first, second = "\n".join(there), "\n".join(wanted)
    if len(second) > MAX_COMPARED_CHARS:
        return difflib.SequenceMatcher(None, there, wanted, autojunk=False).ratio() * LIKE / LIKE_LINES
    return difflib.SequenceMatcher(None, first, second, autojunk=False).ratio()


def _explain_error(wanted: list[str], there: list[str]) -> str:
    if [line.rstrip() for line in wanted] == [line.rstrip() for line in there]:
        return "only whitespace at the ends of lines differs"
    if [line.strip() for line in wanted] == [line.strip() for line in there]:
        return "only the indentation differs"
    if ["".join(line.split()) for line in wanted] == ["".join(line.split()) for line in there]:
        return "only whitespace within the lines differs"
    if [line.lower() for line in wanted] == [line.lower() for line in there]:
        return "only upper and lower case differ"
    return "it differs here"


def _list_remarks(path: str, before: str, after: str) -> list[str]:
    """What the model should know of its change: Python that parsed before and no longer does."""
    broken = _syntax_error(path, after)
    return (
        [f"the file is not valid Python now: {broken}"] if broken and not _syntax_error(path, before) else []
    )


def _syntax_error(path: str, text: str) -> str:
    if not path.endswith(".py") or len(text) > 1 << 20:
        return ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(text.encode("utf-8", "surrogateescape"), path, "exec", dont_inherit=True)
        except SyntaxError as error:
            return f"{error.msg}, line {error.lineno}"
        except (ValueError, RecursionError, MemoryError):
            return ""
    return ""


def main() -> None:
    """Serve one request."""
    request = json.load(sys.stdin)
    try:
        answer = {"read": read, "edit": edit, "write": write}[request["op"]](request)
    except FileProblem as problem:
        answer = {"ok": False, "error": str(problem)}
    except OSError as error:
        answer = {"ok": False, "error": f"{request['path']}: {error.strerror or error}"}
    except ValueError as error:
        answer = {"ok": False, "error": f"{request['path']!r}: {error}"}
    else:
        answer = {"ok": True, **answer}
    shown = re.sub("[\ud800-\udfff]", UNREADABLE, json.dumps(answer, ensure_ascii=False))
    sys.stdout.buffer.write(shown.encode())


if __name__ == "__main__":
    main()

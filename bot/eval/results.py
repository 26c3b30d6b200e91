"""Results as JSON lines in one folder: whole lines only, one writer at a time, never measured twice."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from bot.errors import UserError

FILE = "results.jsonl"

Key = tuple[str, str, str, int]
RowT = TypeVar("RowT")


class Why(StrEnum):
    """How one attempt at one task ended."""

    SOLVED = "solved"
    WRONG = "wrong"  # a test of FAIL_TO_PASS does not pass
    BROKE = "broke others"  # they do, but a test of PASS_TO_PASS no longer does
    NO_CHANGE = "no change"
    REFUSED = "refused"  # the model said that it cannot, or the gate that it may not
    TIMEOUT = "timeout"  # of the attempt, or of the tests on the changed tree
    ERROR = "error"  # the attempt ended in an error that is its own


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalResult:
    """One measured attempt; ``claimed``: Hob's own proof passed, so it would have said that it is done."""

    task: str
    digest: str
    model: str
    attempt: int
    why: Why
    claimed: bool = False
    seconds: float = 0.0
    turns: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    usd: float = 0.0
    cpu_seconds: float = 0.0  # of the offline engine's search; 0 for other models and in older rows
    peak_mib: float = 0.0  # of its largest process
    detail: str = ""
    left_out: tuple[str, ...] = ()
    diff: str = ""

    @property
    def solved(self) -> bool:
        """All tests that should pass did (``bot.eval.judge``)."""
        return self.why is Why.SOLVED

    @property
    def key(self) -> Key:
        """What makes it this one and no other."""
        return self.task, self.digest, self.model, self.attempt


class Results:
    """The results of a folder; made by ``open_results``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.by_key: dict[Key, EvalResult] = {}

    def add(self, result: EvalResult) -> None:
        """Append one line, and only then know of it."""
        append_row(self.path, asdict(result))
        self.by_key[result.key] = result


def append_row(path: Path, row: dict[str, Any]) -> None:
    """Append one line of JSON in one write. Raises OSError, and leaves whole lines, when the disk is full."""
    line = json.dumps(row, sort_keys=True).encode() + b"\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        written = os.write(descriptor, line)
        if written != len(line):
            os.ftruncate(descriptor, os.fstat(descriptor).st_size - written)
            raise OSError(f"{path}: no room for a result")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_rows(path: Path, parse: Callable[[dict[str, Any]], RowT]) -> list[RowT]:
    """Every whole line; what a killed process left of a last one is cut off. Raises UserError."""
    if not path.exists():
        return []
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if len(whole) < len(data):
        os.truncate(path, len(whole))
    found = []
    for number, line in enumerate(whole.splitlines(), start=1):
        try:
            found.append(parse(json.loads(line)))
        except (ValueError, TypeError, KeyError) as error:
            raise UserError(f"{path}, line {number} is no result: {error}") from None
    return found


@contextmanager
def hold_folder(folder: Path) -> Iterator[None]:
    """The folder of results, for this process alone. Raises UserError when another one holds it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("w")
    except OSError as error:
        raise UserError(f"--out {folder} cannot be written: {error.strerror}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"another hob eval is at work in {folder}: wait, or give another --out") from None
        yield


@contextmanager
def open_results(folder: Path) -> Iterator[Results]:
    """The results in ``folder``, for this process alone. Raises UserError when another one holds it."""
    with hold_folder(folder):
        results = Results(folder / FILE)
        results.by_key = {result.key: result for result in read_rows(results.path, _parse)}
        yield results


def _parse(row: dict[str, Any]) -> EvalResult:
    return EvalResult(**{**row, "why": Why(row["why"]), "left_out": tuple(row["left_out"])})

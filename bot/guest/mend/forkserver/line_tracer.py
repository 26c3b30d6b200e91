"""Records which lines of the repository run, and which types its variables have while they do."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

CALLS = 400  # of one function in one test that are followed line by line
MISSED = 5_000  # calls of the repository's other functions in a row: such a test is about something else
SAMPLES = 60  # looks at one function's variables before its types are taken as known


def is_own(path: str, root: str) -> bool:
    """Whether a real path is the repository's code; an environment may lie below ``root`` too."""
    return path.startswith(root) and "/site-packages/" not in path


class LineTracer:
    """A ``sys.settrace`` tracer limited to files below ``root``.

    ``only`` limits it further to (real path, first line) of functions: a test that runs none of them for
    ``MISSED`` calls is no longer watched, which would take longer than to run it. ``types`` also samples
    variables.
    """

    def __init__(self, root: str, *, only: set[tuple[str, int]] | None = None, types: bool = False) -> None:
        self.root = root
        self.only = only
        self.want_types = types
        self.lines: dict[str, set[int]] = {}
        self.starts: set[tuple[str, int]] = set()
        self.types: dict[tuple[str, str], dict[str, set[str]]] = {}
        self._known: dict[CodeType, Callable[[FrameType, str, Any], Any] | None] = {}
        self._paths: dict[str, str] = {}
        self._calls: dict[CodeType, int] = {}
        self._others: set[CodeType] = set()  # of the repository, and not among ``only``
        self._missed = 0

    def start(self) -> None:
        """Watch this thread and those it starts."""
        self.lines.clear()
        self.starts.clear()
        self._calls.clear()
        self._missed = 0
        threading.settrace(self._call)
        sys.settrace(self._call)

    def stop(self) -> None:
        """Stop watching."""
        sys.settrace(None)
        threading.settrace(None)

    def _call(self, frame: FrameType, event: str, arg: Any) -> Any:
        code = frame.f_code
        local = self._known.get(code, self)
        if local is self:
            local = self._known[code] = self._local(code)
        if local is None:
            self._missed += code in self._others
            if self._missed > MISSED:
                sys.settrace(None)
        else:
            self._missed = 0
            path = self._paths[code.co_filename]
            self.starts.add((path, code.co_firstlineno))
            self._calls[code] = count = self._calls.get(code, 0) + 1
            if count > CALLS:
                return None
        return local

    def _local(self, code: CodeType) -> Callable[[FrameType, str, Any], Any] | None:
        name = code.co_filename
        path = self._paths.get(name) or self._paths.setdefault(name, os.path.realpath(name))
        generated = name.startswith(
            "<"
        )  # such as "<frozen os>", which is no file below the working directory
        if generated or not is_own(path, self.root):
            return None
        if self.only is not None and (path, code.co_firstlineno) not in self.only:
            self._others.add(code)
            return None
        seen = self.types.setdefault((path, code.co_qualname), {}) if self.want_types else None
        left = SAMPLES
        lines = self.lines

        def local(frame: FrameType, event: str, arg: Any) -> Any:
            nonlocal left
            if event == "line":
                lines.setdefault(path, set()).add(frame.f_lineno)
            if seen is not None and left > 0 and event in ("line", "return"):
                left -= 1
                _sample(frame, seen)
                if event == "return":
                    seen.setdefault("return", set()).add(type(arg).__name__)
            return local

        return local


def _sample(frame: FrameType, seen: dict[str, set[str]]) -> None:
    for name, value in list(frame.f_locals.items()):
        kinds = seen.setdefault(name, set())
        if len(kinds) < 6:
            kinds.add(type(value).__name__)
        if name == "self":
            state = getattr(value, "__dict__", None)
            for attribute, inner in list(state.items()) if isinstance(state, dict) else []:
                seen.setdefault(f"self.{attribute}", set()).add(type(inner).__name__)

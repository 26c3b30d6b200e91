"""Calls one function of the repository with inputs that the tests gave it, and with inputs made from those.

So changes that all make the tests pass can be compared in what else they do. Nothing is written meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import inspect
import itertools
import os
import signal
import sys
from collections.abc import Callable, Iterator
from types import CodeType, FrameType, FunctionType
from typing import Any

RECORDED = 10  # different inputs that are taken from the tests
MADE = 36  # inputs that are made of them
SHOWN = 120  # characters of an output
EACH = 0.5  # seconds for one call
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_REFUSED = (
    "os.",
    "shutil.",
    "subprocess.",
    "socket.",
    "signal.pthread_kill",
    "ftplib.",
    "urllib.",
    "ctypes.",
)
_ALLOWED = ("os.listdir", "os.scandir", "os.walk", "os.fwalk", "os.stat")

Input = dict[str, Any]


class NotProbed(BaseException):
    """A call took too long or would have written something; a BaseException, so that no handler takes it."""


class CallRecorder:
    """Takes copies of the arguments that a function is called with."""

    def __init__(self, code: CodeType) -> None:
        self.code = code
        self.inputs: dict[str, Input] = {}
        self._names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]

    def watch(self, frame: FrameType, event: str, arg: Any) -> None:
        """A profile function for ``sys.setprofile``."""
        if event == "call" and frame.f_code is self.code and len(self.inputs) < RECORDED:
            with contextlib.suppress(Exception):
                taken = {name: copy.deepcopy(frame.f_locals[name]) for name in self._names}
                self.inputs.setdefault(repr(taken)[:2000], taken)


def find_probed(
    index: dict[Any, dict[CodeType, list[FunctionType]]], path: str, name: str
) -> FunctionType | None:
    """The living function, when it is one and can be called with its arguments by name."""
    living = index.get((path, name), {})
    if len(living) != 1:
        return None
    (code,) = living
    varied = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
    return None if code.co_flags & varied or code.co_freevars else living[code][0]


def make_inputs(recorded: list[Input]) -> list[Input]:
    """Inputs near the recorded ones: each differs from one of them in one argument."""
    made: dict[str, Input] = {}
    known = {repr(each)[:2000] for each in recorded}
    streams = [_vary(each) for each in recorded]
    for varied in itertools.chain.from_iterable(itertools.zip_longest(*streams)):
        if varied is not None and (key := repr(varied)[:2000]) not in known:
            made.setdefault(key, varied)
        if len(made) >= MADE:
            break
    return list(made.values())


def _vary(taken: Input) -> Iterator[Input]:
    streams = [((name, other) for other in _list_neighbours(value)) for name, value in taken.items()]
    for pair in itertools.chain.from_iterable(itertools.zip_longest(*streams)):
        if pair is not None:
            yield taken | {pair[0]: pair[1]}


def _list_neighbours(value: Any) -> Iterator[Any]:
    """Values of the same type, simple ones and those near it."""
    match value:
        case bool():
            yield not value
        case int():
            yield from (0, value + 1, value - 1, -value, 1, 2 * value, value + 10)
        case float():
            yield from (0.0, -value, value + 0.5, value * 2)
        case str():
            yield from (
                "",
                value[:-1],
                value + value[:1],
                value.upper(),
                f" {value}",
                value[::-1],
                value + " x",
            )
        case list():
            yield from ([], value[:1], value[:-1], [*value, *value[:1]], value[::-1])
        case tuple():
            yield from (value[:0], value[:1], value[:-1], (*value, *value[:1]), value[::-1])
        case dict():
            yield {}
            yield dict(list(value.items())[:-1])
        case set() | frozenset():
            yield type(value)()
        case None:
            yield from (0, "")


@contextlib.contextmanager
def _bound() -> Iterator[None]:
    def ring(*_: object) -> None:
        raise NotProbed

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, EACH)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def forbid_writing() -> None:
    """From now on this process starts no program, opens no connection and writes no file."""

    def refuse(event: str, args: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(args[2], int) and args[2] & _WRITES:
            raise NotProbed
        if event.startswith(_REFUSED) and event not in _ALLOWED:
            raise NotProbed

    sys.addaudithook(refuse)


def call(function: Callable[..., Any], taken: Input) -> str:
    """What a call gives, with the state of the object that it belongs to, as text."""
    given = copy.deepcopy(taken)
    code: CodeType = function.__code__
    plain = code.co_varnames[: code.co_argcount]
    named = {name: value for name, value in given.items() if name not in plain}
    try:
        with _bound():
            result = function(*(given[name] for name in plain), **named)
            if inspect.isgenerator(result):
                result = list(itertools.islice(result, 50))
            if asyncio.iscoroutine(result):
                result.close()
            state = getattr(given.get("self"), "__dict__", None)
            return f"{result!r}"[:SHOWN] + (f" and {state!r}"[:SHOWN] if state else "")
    except NotProbed:
        return "no end"
    except Exception as error:  # whatever the code raises is its output
        return f"raises {type(error).__name__}"


def render_call(name: str, taken: Input) -> str:
    """The call as a person would write it."""
    own = ", ".join(f"{value!r}" for key, value in taken.items() if key not in ("self", "cls"))
    return f"{name.rpartition('.')[2]}({own})"[:SHOWN]

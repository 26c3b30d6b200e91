"""Calls one function of the repository with inputs that the tests gave it, and with inputs made from those.

So changes that all make the tests pass can be compared in what else they do. Nothing is written meanwhile.
"""

from __future__ import annotations

import contextlib
import copy
import inspect
import itertools
import os
import re
import sys
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from types import CodeType, FrameType, FunctionType
from typing import Any

from .. import clock

RECORDED = 10  # different inputs that are taken from the tests
MADE = 48  # inputs that are made of them
GROWN = 3  # larger inputs on which steps are counted
MOST_STEPS = 200_000
SHOWN = 120  # characters of an output
DEEPEST, WIDEST = 3, 8  # how far an output is looked into: levels, and values on each
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

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]{4,16}")

Input = dict[str, Any]


class NotProbed(BaseException):
    """A call took too long or would have written something; a BaseException, so that no handler takes it."""


class CallRecorder:
    """Takes copies of the arguments that a function is called with."""

    def __init__(self, code: CodeType) -> None:
        self.code = code
        self.inputs: dict[str, Input] = {}
        self._names = list_parameters(code)

    def watch(self, frame: FrameType, event: str, arg: Any) -> None:
        """A profile function for ``sys.setprofile``."""
        if event == "call" and frame.f_code is self.code and len(self.inputs) < RECORDED:
            with contextlib.suppress(Exception):
                taken = {name: copy.deepcopy(frame.f_locals[name]) for name in self._names}
                self.inputs.setdefault(repr(taken)[:2000], taken)


def list_parameters(code: CodeType) -> tuple[str, ...]:
    """The parameters of a function, ``*args`` and ``**kwargs`` among them, which come last."""
    varied = bool(code.co_flags & inspect.CO_VARARGS) + bool(code.co_flags & inspect.CO_VARKEYWORDS)
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount + varied]


def find_probed(
    index: dict[Any, dict[CodeType, list[FunctionType]]], path: str, name: str
) -> FunctionType | None:
    """The living function, when it is one and can be called alone: no coroutine, no inner function."""
    living = index.get((path, name), {})
    if len(living) != 1:
        return None
    (code,) = living
    waits = inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
    inner = set(code.co_freevars) - {"__class__"}  # that one is there for ``super()``
    return None if code.co_flags & waits or inner else living[code][0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a call gives, as text, and the name of its type; "" when it gives nothing."""

    text: str
    kind: str = ""


def make_inputs(recorded: list[Input], code: CodeType | None = None) -> list[Input]:
    """Inputs near the recorded ones, and at the constants of ``code``: each differs in one argument."""
    made: dict[str, Input] = {}
    known = {repr(each)[:2000] for each in recorded}
    streams = [_vary(each, list_constants(code) if code else []) for each in recorded]
    for varied in itertools.chain.from_iterable(itertools.zip_longest(*streams)):
        if varied is not None and (key := repr(varied)[:2000]) not in known:
            made.setdefault(key, varied)
        if len(made) >= MADE:
            break
    return list(made.values())


def list_constants(code: CodeType) -> list[Any]:
    """Numbers and short texts that a function compares or calculates with, and the numbers beside them."""
    found: list[Any] = []
    for value in code.co_consts:
        if type(value) in (int, float) and abs(value) < 10_000:
            found += [value, value - 1, value + 1]
        elif type(value) is str and len(value) < 12 and value != (code.co_consts[0] or ""):
            found.append(value)
    return found[:12]


def grow_inputs(recorded: list[Input]) -> list[Input]:
    """The recorded inputs made larger, to see how the work grows."""
    return [{name: _grow(value) for name, value in each.items()} for each in recorded[:GROWN]]


def _grow(value: Any) -> Any:
    if isinstance(value, (str, list, tuple, bytes)) and len(value) < 200:
        return value * 6
    return value + 12 if type(value) is int and 0 < value < 200 else value


def _vary(taken: Input, constants: Sequence[Any]) -> Iterator[Input]:
    streams = [_list_others(name, value, constants) for name, value in taken.items()]
    for pair in itertools.chain.from_iterable(itertools.zip_longest(*streams)):
        if pair is not None:
            yield taken | {pair[0]: pair[1]}


def _list_others(name: str, value: Any, constants: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    """One argument with other values."""
    for other in _list_neighbours(value):
        yield name, other
    for other in constants:
        if type(other) is type(value):
            yield name, other


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
            keys = list(value)[:4]
            for one, two in itertools.permutations(keys, 2):  # one key with the other's value
                yield value | {one: value[two]}
        case set() | frozenset():
            yield type(value)()
        case None:
            yield from (0, "")


@contextlib.contextmanager
def _bound() -> Iterator[None]:
    def ring() -> None:
        raise NotProbed

    with clock.ring_after(EACH, ring):
        yield


def forbid_writing() -> None:
    """From now on this process starts no program, opens no connection and writes no file."""

    def refuse(event: str, args: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(args[2], int) and args[2] & _WRITES:
            raise NotProbed
        if event.startswith(_REFUSED) and event not in _ALLOWED:
            raise NotProbed

    sys.addaudithook(refuse)


def call(function: Callable[..., Any], taken: Input) -> Given:
    """What a call gives, with the state of the object that it belongs to."""
    try:
        given = copy.deepcopy(taken)
        with _bound():
            result = _call(function, given)
            state = getattr(given.get("self"), "__dict__", None)
            text = _show(result)[:SHOWN] + (f" and {_show(state)}"[:SHOWN] if state else "")
            return Given(text=text, kind=type(result).__name__)
    except NotProbed:
        return Given(text="no end")
    except Exception as error:  # whatever the code raises is its output
        return Given(text=f"raises {type(error).__name__}")


def _show(value: Any, depth: int = 0) -> str:
    """A value as text, without the addresses of objects: two that are alike read alike.

    What shows nothing of itself but its address is shown by its attributes, in lists and tables too.
    """
    text = repr(value)
    if depth == DEEPEST or _ADDRESS.search(text) is None:
        return _ADDRESS.sub("", text)
    kind: Any = type(value)
    inside = depth + 1
    if kind is dict:
        return _show_pairs(list(value.items()), inside)
    if kind in (list, tuple, set, frozenset):
        shown = [_show(each, inside) for each in itertools.islice(value, WIDEST)]
        return f"{kind.__name__}({', '.join(shown if kind in (list, tuple) else sorted(shown))})"
    plain = _ADDRESS.sub("", text)
    if kind.__repr__ is not object.__repr__:
        return plain
    return f"{plain} {_show_pairs(list(_list_attributes(value)), inside)}"


def _show_pairs(pairs: Sequence[tuple[Any, Any]], depth: int) -> str:
    shown = (f"{_show(name, depth)}: {_show(value, depth)}" for name, value in pairs[:WIDEST])
    return f"{{{', '.join(shown)}}}"


def _list_attributes(value: object) -> Iterator[tuple[str, Any]]:
    """An object's own attributes, those in slots among them."""
    yield from getattr(value, "__dict__", {}).items()
    for each in type(value).__mro__:
        for name, slot in vars(each).items():
            if inspect.ismemberdescriptor(slot):
                with contextlib.suppress(AttributeError):
                    yield name, slot.__get__(value)


def _call(function: Callable[..., Any], given: Input) -> Any:
    code: CodeType = function.__code__
    plain = [given[name] for name in code.co_varnames[: code.co_argcount]]
    names = list(list_parameters(code)[code.co_argcount :])
    more = given[names.pop()] if code.co_flags & inspect.CO_VARKEYWORDS else {}
    rest = given[names.pop()] if code.co_flags & inspect.CO_VARARGS else ()
    result = function(*plain, *rest, **{name: given[name] for name in names}, **more)
    if inspect.isgenerator(result):
        return list(itertools.islice(result, 50))
    if isinstance(result, Coroutine):
        result.close()
    return result


def count_steps(function: Callable[..., Any], inputs: list[Input]) -> int:
    """Lines that run for these inputs together, ``MOST_STEPS`` at most."""
    steps = 0

    def watch(frame: FrameType, event: str, arg: Any) -> Any:
        nonlocal steps
        steps += event == "line"
        if steps > MOST_STEPS:
            raise NotProbed
        return watch

    for taken in inputs:
        with contextlib.suppress(NotProbed, Exception):
            given = copy.deepcopy(taken)
            with _bound():
                sys.settrace(watch)
                try:
                    _call(function, given)
                finally:
                    sys.settrace(None)
    return min(steps, MOST_STEPS)


def find_varied(recorded: list[Input], made: Input) -> str:
    """The type of the one argument in which a made input differs from a recorded one; "" for none."""
    for each in recorded:
        names = [name for name, value in made.items() if repr(value) != repr(each[name])]
        if len(names) == 1:
            return type(made[names[0]]).__name__
    return ""


def render_call(name: str, taken: Input) -> str:
    """The call as a person would write it."""
    own = ", ".join(f"{value!r}" for key, value in taken.items() if key not in ("self", "cls"))
    return f"{name.rpartition('.')[2]}({own})"[:SHOWN]

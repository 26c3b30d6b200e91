"""Puts a candidate's code into a process: into living functions, or in front of the import system."""

from __future__ import annotations

import gc
import importlib.machinery
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from types import CodeType, FunctionType
from typing import Any

from .line_tracer import is_own
from .value_swap import CannotSwap, Undo, swap_defaults, swap_values

Index = dict[tuple[str, str], dict[CodeType, list[FunctionType]]]


def index_functions(root: str) -> Index:
    """Every Python function alive whose file is below ``root``, by (real path, qualified name)."""
    found: Index = defaultdict(lambda: defaultdict(list))
    real: dict[str, str] = {}
    for each in gc.get_objects():
        if type(each) is FunctionType:
            code = each.__code__
            path = real.get(code.co_filename) or real.setdefault(
                code.co_filename, os.path.realpath(code.co_filename)
            )
            if is_own(path, root):
                found[path, code.co_qualname][code].append(each)
    return found


def _walk_codes(code: CodeType) -> Iterator[CodeType]:
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield const
            yield from _walk_codes(const)


def swap_code(
    index: Index, path: str, line: int, text: str, flags: int, name: str, *, defaults: bool = False
) -> list[Undo]:
    """Compile ``text`` (which begins on ``line``) and give living functions its code; returns what undoes it.

    ``name`` is the qualified name of the function that changed; with ``defaults`` its parameters may differ.
    Raises CannotSwap when it is not alive or its shape changed, SyntaxError when the text is not Python.
    """
    module = compile("\n" * (line - 1) + text, path, "exec", flags=flags, dont_inherit=True)
    fresh: dict[str, list[CodeType]] = defaultdict(list)
    for code in _walk_codes(module):
        fresh[code.co_qualname].append(code)
    pairs: list[tuple[FunctionType, CodeType]] = []
    for qualname, codes in fresh.items():
        living = sorted(index.get((path, qualname), {}).items(), key=lambda each: each[0].co_firstlineno)
        if len(living) != len(codes):
            if living and qualname == name:
                raise CannotSwap(qualname)
            continue
        for (_, functions), code in zip(living, codes, strict=True):
            pairs += [(each, code) for each in functions]
    if not any(code.co_qualname == name for _, code in pairs):
        raise CannotSwap(name)
    if any(
        _find_shape(function.__code__, loose) != _find_shape(code, loose)
        for function, code in pairs
        for loose in (defaults and code.co_qualname == name,)
    ):
        raise CannotSwap(name)
    changed = [each for each in pairs if defaults and each[1].co_qualname == name]
    undo = [swap_defaults(function, code, text, flags) for function, code in changed[:1]]  # may refuse
    undo += [swap_defaults(function, code, text, flags) for function, code in changed[1:]]
    return undo + [_set_code(function, code) for function, code in pairs if (function, code) not in changed]


def _set_code(function: FunctionType, code: CodeType) -> Undo:
    before = function.__code__

    def undo() -> None:
        function.__code__ = before

    function.__code__ = code
    return undo


def _find_shape(code: CodeType, loose: bool) -> tuple[object, ...]:
    """What must not differ: closures, being a generator or coroutine, and, if not ``loose``, parameters."""
    counts = () if loose else (code.co_argcount, code.co_kwonlyargcount)
    return code.co_freevars, *counts, code.co_flags & 0x2A0


def swap(index: Index, patch: Mapping[str, Any]) -> list[Undo]:
    """Put one patch of ``patches.make_patches`` in; returns what takes it out again, in the order it went in.

    Raises CannotSwap, SyntaxError, ValueError and TypeError.
    """
    return swap_values(**patch) if "owner" in patch else swap_code(index, **patch)


def overlay_sources(texts: Mapping[str, str]) -> None:
    """From now on, importing a file named in ``texts`` (real paths) runs the text given there."""
    loader: Any = importlib.machinery.SourceFileLoader
    original = loader.get_code

    def get_code(self: Any, fullname: str) -> Any:
        text = texts.get(os.path.realpath(self.path))
        if text is None:
            return original(self, fullname)
        return compile(text, self.path, "exec", dont_inherit=True)

    loader.get_code = get_code

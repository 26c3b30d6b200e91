"""Puts a candidate's code into a process: into living functions, or in front of the import system."""

from __future__ import annotations

import gc
import importlib.machinery
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from types import CodeType, FunctionType
from typing import Any

Index = dict[tuple[str, str], dict[CodeType, list[FunctionType]]]


class CannotSwap(Exception):
    """The change cannot be put into living functions; it needs a fresh import."""


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
            if path.startswith(root):
                found[path, code.co_qualname][code].append(each)
    return found


def _walk_codes(code: CodeType) -> Iterator[CodeType]:
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield const
            yield from _walk_codes(const)


def swap_code(
    index: Index, path: str, line: int, text: str, flags: int, name: str
) -> list[tuple[FunctionType, CodeType]]:
    """Compile ``text`` (which begins on ``line``) and give living functions its code; returns what they had.

    ``name`` is the qualified name of the function that changed; raises Unfit when it is not alive or its
    shape changed, SyntaxError when the text is not Python.
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
    if any(_find_shape(function.__code__) != _find_shape(code) for function, code in pairs):
        raise CannotSwap(name)
    replaced = [(function, function.__code__) for function, _ in pairs]
    for function, code in pairs:
        function.__code__ = code
    return replaced


def _find_shape(code: CodeType) -> tuple[object, ...]:
    """What must not differ: closures, parameters, and being a generator or coroutine."""
    return code.co_freevars, code.co_argcount, code.co_kwonlyargcount, code.co_flags & 0x2A0


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

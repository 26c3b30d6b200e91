"""Puts values that are made on import into living modules and classes, and takes them back.

What was made of the old value elsewhere keeps it, so a test that still fails shows nothing of the change.
"""

from __future__ import annotations

import ast
import enum
import functools
import os
import re
import sys
from collections import ChainMap
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any

Undo = Callable[[], None]
_ABSENT = object()
# Equal ones may be one object by chance, and others may have the very same one from elsewhere.
_SHARED = (int, float, complex, str, bytes, tuple, frozenset, type(None), type(...), re.Pattern, enum.Enum)
_NOTES = ("__annotations__", "__annotate__", "__annotate_func__", "__conditional_annotations__")


class CannotSwap(Exception):
    """The change cannot be put into living code; it needs a fresh import."""


def swap_values(path: str, line: int, text: str, flags: int, owner: str) -> list[Undo]:
    """Run assignments of a module, or of its class ``owner``, and put what they give in place of the old.

    Lists, dicts and sets are changed where they are; other values wherever modules hold the old one.
    Raises CannotSwap, and SyntaxError when the text is not Python.
    """
    code = compile("\n" * (line - 1) + text, path, "exec", flags=flags, dont_inherit=True)
    modules = [each for each in list(sys.modules.values()) if _is_at(each, path)]
    if not modules:
        raise CannotSwap(path)
    undo: list[Undo] = []
    try:
        for module in modules:
            holder: Any = module
            for part in filter(None, owner.split(".")):
                holder = vars(holder)[part]
            made: dict[str, Any] = {}
            known = dict(vars(holder)) if owner else {}
            exec(code, vars(module), ChainMap(made, known))  # noqa: S102  the repository's own code
            for name, new in made.items():
                if name not in _NOTES:
                    undo += _replace(holder, name, new)
    except Exception as error:
        for each in reversed(undo):
            each()
        raise CannotSwap(f"{type(error).__name__}: {error}"[:200]) from None
    return undo


def swap_defaults(function: FunctionType, code: CodeType, text: str, flags: int) -> Undo:
    """Give a living function its code with other parameters, and the defaults that ``text`` gives it."""
    wanted = code.co_qualname.rpartition(".")[2]
    node = next(
        each
        for each in ast.walk(ast.parse(text))
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and each.name == wanted
    )
    names = function.__globals__
    plain = tuple(_evaluate(each, names, flags) for each in node.args.defaults)
    keywords = {
        argument.arg: _evaluate(each, names, flags)
        for argument, each in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
        if each is not None
    }
    before = function.__code__, function.__defaults__, function.__kwdefaults__

    def undo() -> None:
        function.__code__, function.__defaults__, function.__kwdefaults__ = before

    function.__code__, function.__defaults__, function.__kwdefaults__ = code, plain or None, keywords or None
    return undo


def _evaluate(node: ast.expr, names: dict[str, Any], flags: int) -> Any:
    try:
        code = compile(ast.Expression(node), "<default>", "eval", flags=flags, dont_inherit=True)
        return eval(code, names)  # noqa: S307  the repository's own code
    except Exception as error:
        raise CannotSwap(f"{type(error).__name__}: {error}"[:200]) from None


def _is_at(module: object, path: str) -> bool:
    file = getattr(module, "__file__", None)
    return isinstance(module, ModuleType) and isinstance(file, str) and _find_real_path(file) == path


@functools.cache
def _find_real_path(file: str) -> str:
    return os.path.realpath(file)


def learn_module_files() -> None:
    """Find out the real path of each module once, not in every child for every change of a value."""
    for module in list(sys.modules.values()):
        _is_at(module, "")


def _replace(holder: Any, name: str, new: Any) -> Iterator[Undo]:
    old = vars(holder).get(name, _ABSENT)
    if isinstance(holder, type) and _is_built_from(holder, name, old):
        raise CannotSwap(f"{holder.__name__} was made of {name}")
    if type(old) is type(new) and isinstance(old, (dict, list, set)):
        yield _refill(old, new)
        return
    yield _set(holder, name, old, new)
    if old is _ABSENT:
        return
    is_own = not isinstance(old, _SHARED) and not callable(old)  # what has another name is the same value
    for module in list(sys.modules.values()):
        if isinstance(module, ModuleType) and module is not holder and not _is_home(module, old):
            known = vars(module)
            for key in list(known) if is_own else [name]:
                if known.get(key, _ABSENT) is old:
                    yield _set(module, key, old, new)


def _is_home(module: ModuleType, value: Any) -> bool:
    """Whether a function or class is this module's own: ``str`` in ``builtins``."""
    return callable(value) and getattr(value, "__module__", None) == module.__name__


def _is_built_from(holder: type, name: str, old: Any) -> bool:
    """Whether the class took the value when it was made: a field of a dataclass, a slot, a named tuple's."""
    fields = getattr(holder, "__dataclass_fields__", None) or ()
    return name in fields or (old is not _ABSENT and hasattr(type(old), "__set__"))


def _refill(old: Any, new: Any) -> Undo:
    """The contents of ``new`` in the object ``old``, which others may hold."""
    before = old.copy()

    def fill(contents: Any) -> None:
        old.clear()
        if isinstance(old, list):
            old.extend(contents)
        else:
            old.update(contents)

    fill(new)
    return lambda: fill(before)


def _set(holder: Any, name: str, old: Any, new: Any) -> Undo:
    setattr(holder, name, new)
    if old is _ABSENT:
        return lambda: delattr(holder, name)
    return lambda: setattr(holder, name, old)

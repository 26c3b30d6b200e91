"""What can be read out about a name: where it is, its parameters and returns, its docstring, its uses."""

from __future__ import annotations

import ast
from typing import Any

from .index import FUNCTIONS, Definition, Index, SourceFile

MOST = 8  # definitions, and uses of each kind, that are told
DOC_CHARS = 400


def ask(index: Index, name: str) -> dict[str, Any]:
    """Definitions of ``name``, locals left out, and the lines that use it."""
    found = [each for each in index.find(name) if each.kind not in ("local", "parameter")]
    last = name.rpartition(".")[2]
    unique = {(each.path, each.dotted): each for each in reversed(found)}
    told = [_describe(index.files[each.path], each) for each in reversed(unique.values())]
    uses = _uses(index, last)
    return {
        "name": name,
        "definitions": told[:MOST],
        "more_definitions": max(0, len(told) - MOST),
        "uses": uses[:MOST],
        "use_count": len(uses),
    }


def _describe(file: SourceFile, found: Definition) -> dict[str, Any]:
    node = found.node
    line = file.text.splitlines()[found.line - 1].strip() if found.line else ""
    told: dict[str, Any] = {
        "path": found.path,
        "line": found.line,
        "name": found.dotted,
        "kind": found.kind,
        "text": line[:160],
    }
    if isinstance(node, ast.ClassDef):
        told["bases"] = [ast.unparse(each) for each in node.bases]
        told["doc"] = _doc(node)
        made = next((e for e in node.body if isinstance(e, FUNCTIONS) and e.name == "__init__"), None)
        if made is not None:
            told["takes"] = _takes(made, method=True)
        else:
            fields = [each for each in node.body if isinstance(each, ast.AnnAssign)]
            told["fields"] = [ast.unparse(each) for each in fields][:20]
    elif isinstance(node, FUNCTIONS):
        told["takes"] = _takes(node, method=found.kind == "method")
        told["returns"] = ast.unparse(node.returns) if node.returns else ""
        told["gives"] = _gives(node)
        told["raises"] = _raises(node)
        told["doc"] = _doc(node)
    return told


def _doc(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    text = (ast.get_docstring(node) or "").split("\n\n")[0]
    return " ".join(text.split())[:DOC_CHARS]


def _takes(function: ast.FunctionDef | ast.AsyncFunctionDef, *, method: bool) -> list[str]:
    """The parameters as written, with type and default; ``self`` and ``cls`` left out."""
    given = function.args
    plain = [*given.posonlyargs, *given.args]
    defaults = [None] * (len(plain) - len(given.defaults)) + list(given.defaults)
    static = any(getattr(each, "id", "") == "staticmethod" for each in function.decorator_list)
    shown = [_one(each, default) for each, default in zip(plain, defaults, strict=True)]
    shown = shown[1:] if method and not static else shown
    if given.vararg:
        shown.append(f"*{_one(given.vararg, None)}")
    keyword = zip(given.kwonlyargs, given.kw_defaults, strict=True)
    shown += [f"{_one(each, default)} (by keyword only)" for each, default in keyword]
    if given.kwarg:
        shown.append(f"**{_one(given.kwarg, None)}")
    return shown


def _one(argument: ast.arg, default: ast.expr | None) -> str:
    text = argument.arg + (f": {ast.unparse(argument.annotation)}" if argument.annotation else "")
    return text if default is None else f"{text} = {ast.unparse(default)}"


def _own(function: ast.AST) -> list[ast.AST]:
    """The nodes of a function without those of functions inside it."""
    found: list[ast.AST] = []
    stack = list(ast.iter_child_nodes(function))
    while stack:
        node = stack.pop()
        if not isinstance(node, (*FUNCTIONS, ast.Lambda, ast.ClassDef)):
            found.append(node)
            stack.extend(ast.iter_child_nodes(node))
    return sorted(found, key=lambda each: getattr(each, "lineno", 0))


def _gives(function: ast.AST) -> list[str]:
    values = [each.value for each in _own(function) if isinstance(each, ast.Return) and each.value]
    return list(dict.fromkeys(ast.unparse(each)[:80] for each in values))[:5]


def _raises(function: ast.AST) -> list[str]:
    names = []
    for each in _own(function):
        if isinstance(each, ast.Raise) and each.exc is not None:
            names.append(ast.unparse(each.exc.func if isinstance(each.exc, ast.Call) else each.exc)[:60])
    return list(dict.fromkeys(names))[:5]


def _uses(index: Index, name: str) -> list[dict[str, Any]]:
    """Lines that call or read the name, calls first. Names are compared, not types."""
    found: dict[tuple[str, int], bool] = {}
    for file in index.files.values():
        for node in ast.walk(file.tree):
            read = isinstance(getattr(node, "ctx", None), ast.Load)
            mine = getattr(node, "id", None) == name or getattr(node, "attr", None) == name
            if read and mine:
                line = node.end_lineno or 0  # type: ignore[attr-defined]
                parent = file.parents.get(node)
                called = isinstance(parent, ast.Call) and parent.func is node
                found[file.path, line] = found.get((file.path, line), False) or called
    lines = {file.path: file.text.splitlines() for file in index.files.values()}
    ranked = sorted(found, key=lambda each: (not found[each], each))
    return [
        {"path": path, "line": line, "text": lines[path][line - 1].strip()[:120], "call": found[path, line]}
        for path, line in ranked
    ]

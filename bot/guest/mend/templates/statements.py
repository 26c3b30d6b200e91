"""A statement that is missing: an assignment to ``self``, a counter, a result kept, a neighbour's twin."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator

from ..site import NUMBERS, Proposal, Site
from .blocks import insert_after, insert_before
from .registry import template

SIMPLE = (
    ast.Assign,
    ast.AugAssign,
    ast.Expr,
    ast.If,
    ast.For,
    ast.While,
    ast.Return,
    ast.With,
    ast.AnnAssign,
    ast.Delete,
    ast.Pass,
)


@template(
    "missing-statement", 0.45, *SIMPLE, ast.Raise, errors=("AttributeError", "UnboundLocalError", "NameError")
)
def missing_statement(site: Site) -> Iterator[Proposal]:
    """A line put in front of a statement, or behind the last one of a block."""
    statement = site.node
    assert isinstance(statement, ast.stmt)  # noqa: S101
    if site.function is None:
        return
    siblings = site.source.block(statement)
    last = bool(siblings) and siblings[-1] is statement and not isinstance(statement, ast.Return | ast.Raise)
    for line, weight in _lines(site).items():
        if isinstance(statement, ast.Pass):
            if "\n" not in line:
                yield site.replace(statement, line, 1.4 * weight)
            continue
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            return
        for made in (
            insert_before(site, statement, line.split("\n"), weight),
            insert_after(site, statement, line.split("\n"), weight) if last else None,
        ):
            if made is not None:
                yield made


def _lines(site: Site) -> dict[str, float]:
    key = ("missing lines", id(site.function))
    if key not in site.cache:
        found = {**_guards(site), **_twins(site), **_usual(site)}
        site.cache[key] = tuple(f"{weight}|{line}" for line, weight in found.items())
    pairs = (each.split("|", 1) for each in site.cache[key])
    return {line: float(weight) for weight, line in pairs}


def _usual(site: Site) -> dict[str, float]:
    """Lines that functions of this shape usually have."""
    function = site.function
    if function is None:
        return {}
    lines: dict[str, float] = {}
    parameters = [each.arg for each in (*function.args.args, *function.args.kwonlyargs)]
    read = {
        each.id
        for each in ast.walk(function)
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load)
    }
    for name in parameters:
        if name not in ("self", "cls"):
            if function.name == "__init__" or name not in read:
                for attribute in (name, f"_{name}"):
                    sure = 1.5 if attribute in site.clues.missing or name not in read else 0.4
                    lines[f"self.{attribute} = {name}"] = sure
            if "str" in site.types.get(name, ()):
                lines |= {f"{name} = {name}.strip()": 0.5, f"{name} = {name}.lower()": 0.5}
            if site.types.get(name, set()) & {"list", "dict", "set", "deque"}:
                lines |= {f"{name} = {name}.copy()": 0.5, f"{name} = list({name})": 0.5}
            if "NoneType" in site.types.get(name, ()):
                lines[f"{name} = {name} or []"] = 0.4
    for name in (*site.locals, *site.attributes):
        kinds = site.types.get(name, set())
        if name in ("self", "cls"):
            continue
        lines |= _list_conversions(name, kinds)
        if kinds & (NUMBERS - {"bool"}):
            lines |= {f"{name} += 1": 0.6, f"{name} -= 1": 0.4, f"{name} = 0": 0.3}
        if "str" in kinds:
            lines |= {f"{name} += {text!r}": 0.4 for text in site.strings[:6] if 0 < len(text) < 4}
            lines |= {
                f"{name} += {other}": 0.3 for other in site.locals if "str" in site.types.get(other, ())
            }
        if "bool" in kinds:
            lines |= {f"{name} = True": 0.5, f"{name} = False": 0.5}
        if kinds & {"list", "deque"}:
            lines |= {
                f"{name}.append({other})": 0.35 for other in site.locals if other not in (name, "self", "cls")
            }
            lines |= {
                f"{name}.sort()": 0.3,
                f"{name}.reverse()": 0.3,
                f"{name}.pop()": 0.35,
                f"{name} = []": 0.35,
                f"{name}.clear()": 0.35,
            }
        if kinds & {"set"}:
            lines |= {
                f"{name}.add({other})": 0.6 for other in site.locals if other not in (name, "self", "cls")
            }
        if kinds & {"dict", "OrderedDict", "defaultdict"}:
            for other in site.locals:
                if other not in (name, "self", "cls"):
                    lines[f"{name}.pop({other}, None)"] = 0.3
                    values = [each for each in site.locals if each not in (name, other, "self", "cls")]
                    lines |= {f"{name}[{other}] = {value}": 0.35 for value in values[:8]}
            lines[f"{name}.clear()"] = 0.35
    for name in site.clues.missing:
        for value in ("[]", "{}", "0", "None", '""', "False", "set()"):
            if name in read:
                lines[f"{name} = {value}"] = 0.9
            if f"self.{name}" in site.attributes:
                lines[f"self.{name} = {value}"] = 0.9
        if name in read and name.isidentifier():
            for giver in (*parameters, *site.attributes[:6]):
                lines[f"{name} = {giver}.{name}"] = 0.8
                lines[f"{name} = {giver}"] = 0.5
                lines |= {f"{name} = len({giver})": 0.5, f"{name} = len({giver}) // 2": 0.4}
                lines |= {f"{name} = {giver}[0]": 0.3, f"{name} = {giver}[-1]": 0.3}
            for maker in (*(f"self.{each}" for each in site.methods), *site.functions):
                if name.strip("_") in maker:
                    lines |= {f"{name} = {maker}()": 0.8} | {
                        f"{name} = {maker}({p})": 0.8 for p in parameters[-3:]
                    }
    for method in site.methods:
        if site.function is not None and method not in (function.name,) and not method.startswith("__"):
            lines[f"self.{method}()"] = 0.4
    owner = site.source.owner(site.node)
    if owner is not None and owner.bases and parameters[:1] == ["self"]:
        rest = ", ".join(parameters[1:])
        sure = 1.3 if function.name in ("__init__", "setUp", "__setattr__", "__init_subclass__") else 0.7
        for call in dict.fromkeys((f"super().{function.name}()", f"super().{function.name}({rest})")):
            lines[call] = sure
            if "return" in site.types and site.types["return"] != {"NoneType"}:
                lines[f"return {call}"] = 0.4 * sure
    if "generator" in site.types.get("return", ()):
        lines |= {f"yield {name}": 0.6 for name in site.locals if name not in ("self", "cls")}
    return lines


def _twins(site: Site) -> dict[str, float]:
    """Simple statements of the same function, class and file, whose names are known here."""
    known = set(site.locals) | set(site.globals)
    here = site.function
    lines: dict[str, float] = {}
    owner = site.source.owner(site.node)
    for scope, weight in ((here, 0.6), (owner, 0.7), (site.source.tree, 0.35)):
        for node in ast.walk(scope) if scope is not None else ():
            if not isinstance(node, ast.Assign | ast.AugAssign | ast.Expr | ast.Delete) or _const(node):
                continue
            if site.source.function(node) is None or node.lineno != node.end_lineno:
                continue
            text = site.text(node)
            stores = {
                each.id
                for each in ast.walk(node)
                if isinstance(each, ast.Name) and not isinstance(each.ctx, ast.Load)
            }
            names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)} - stores
            if len(text) < 100 and names <= known | _BUILT and (not stores or stores & set(site.locals)):
                near = 1.0 if stores & set(site.locals) or not stores else 0.5
                lines.setdefault(text, weight * near)
            for twin in _swap_usual_words(text, site):
                lines.setdefault(twin, 0.5 * weight)
        if len(lines) > 150:
            break
    return lines


_BUILT = frozenset(dir(builtins))
_PAIRS = (
    ("left", "right"),
    ("start", "end"),
    ("min", "max"),
    ("first", "last"),
    ("prev", "next"),
    ("head", "tail"),
    ("low", "high"),
    ("lo", "hi"),
    ("x", "y"),
    ("width", "height"),
    ("row", "col"),
    ("key", "value"),
    ("parent", "child"),
)


def _list_conversions(name: str, kinds: set[str]) -> dict[str, float]:
    """A value brought into shape before it is used: ``text = text.strip()``."""
    if kinds & (NUMBERS - {"bool"}):
        return {
            f"{name} = {each}": 0.4
            for each in (f"abs({name})", f"max({name}, 0)", f"int({name})", f"-{name}")
        }
    if "str" in kinds:
        return {f"{name} = {name}.{each}()": 0.4 for each in ("strip", "lower", "upper")} | {
            f"{name} = int({name})": 0.3
        }
    if kinds & {"list", "tuple", "set", "generator", "dict_keys", "map", "filter"}:
        return {f"{name} = {each}({name})": 0.35 for each in ("sorted", "list", "set", "iter")}
    return {}


def _guards(site: Site) -> dict[str, float]:
    """Short ``if`` statements of the class and file whose names are known here."""
    known = set(site.locals) | set(site.globals) | _BUILT
    found: dict[str, float] = {}
    for scope, weight in ((site.source.owner(site.node), 0.8), (site.source.tree, 0.45)):
        for node in ast.walk(scope) if scope is not None else ():
            match node:
                case ast.If(
                    test=test,
                    body=[ast.stmt() as only],
                    orelse=[],
                ):
                    names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
                    text = site.text(node)
                    short = not hasattr(only, "body") and text.count("\n") == 1
                    if short and names <= known:
                        found.setdefault(f"if {site.text(test)}:\n\t{site.text(only)}", weight)
    return dict(list(found.items())[:40])


def _swap_usual_words(text: str, site: Site) -> Iterator[str]:
    """A statement with one word of a usual pair exchanged for the other: ``left``, ``right``."""
    for old, new in _SIGNS:
        if old in text:
            yield text.replace(old, new, 1)
    for one, two in _PAIRS:
        for old, new in ((one, two), (two, one)):
            if re.search(rf"(?<![a-z]){old}(?![a-z])", text):
                yield re.sub(rf"(?<![a-z]){old}(?![a-z])", new, text)


_SIGNS = (("+=", "-="), ("-=", "+="), ("= True", "= False"), ("= False", "= True"), (".append(", ".remove("),
          (".add(", ".discard("), (".discard(", ".add("), (".remove(", ".append("))  # fmt: skip


def _const(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and not isinstance(node.value, ast.Call | ast.Yield | ast.YieldFrom)


@template("kept-result", 0.5, ast.Expr)
def kept_result(site: Site) -> Iterator[Proposal]:
    """A method that returns a new value whose result is thrown away: ``text.strip()`` alone on a line."""
    node = site.node
    assert isinstance(node, ast.Expr)  # noqa: S101
    match node.value:
        case ast.Call(func=ast.Attribute(value=owner)) if not isinstance(owner, ast.Call):
            yield site.replace(node, f"{site.text(owner)} = {site.text(node.value)}", 1.0)
        case ast.Call(func=ast.Name(), args=[ast.Name() | ast.Attribute() as first, *_]):
            yield site.replace(node, f"{site.text(first)} = {site.text(node.value)}", 0.6)
        case ast.Yield(value=value) if value is not None:
            yield site.replace(node, f"yield from {site.text(value)}", 0.7)
        case ast.YieldFrom(value=value):
            yield site.replace(node, f"yield {site.text(value)}", 0.7)


@template("aliasing", 0.5, ast.Assign, ast.Return, ast.For)
def aliasing(site: Site) -> Iterator[Proposal]:
    """A list, dict or set handed over as it is where a copy is meant."""
    node = site.node
    value = (
        node.iter
        if isinstance(node, ast.For)
        else node.value
        if isinstance(node, ast.Assign | ast.Return)
        else None
    )
    if not isinstance(value, ast.Name | ast.Attribute | ast.Subscript):
        return
    text = site.text(value)
    kinds = site.kinds(value)
    for kind in ("list", "dict", "set"):
        if kind in kinds or (not kinds and not isinstance(value, ast.Name)):
            yield site.replace(value, f"{kind}({text})", 1.0 if kinds else 0.3)

"""Missing guards: None, empty, zero and out of range, and conditions that are too wide or too narrow."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..site import NUMBERS, SIZED, Proposal, Site
from ..source import TextEdit
from .blocks import find_inner_indent, insert_before, shift_lines
from .conditions.type_tests import list_types
from .registry import template

TROUBLE = (
    "TypeError",
    "AttributeError",
    "IndexError",
    "KeyError",
    "ZeroDivisionError",
    "ValueError",
    "StopIteration",
    "RecursionError",
)
_PLAIN_TYPES = frozenset(("str", "bytes", "int", "float", "bool", "list", "tuple", "dict", "set"))
SIMPLE = (ast.Return, ast.Assign, ast.Expr, ast.AugAssign, ast.If, ast.For, ast.While, ast.Raise, ast.With)


@template("missing-guard", 0.5, *SIMPLE, errors=TROUBLE)
def missing_guard(site: Site) -> Iterator[Proposal]:
    """An early end for None, an empty value, zero or a negative number, in front of a statement."""
    statement = site.node
    assert isinstance(statement, ast.stmt)  # noqa: S101
    function = site.function
    if function is None or _is_docstring(statement):
        return
    first = _first(function)
    loop = any(isinstance(each, ast.For | ast.While) for each in _up_to(site, statement, function))
    ends = {**_results(site, function), **({"continue": 0.8, "break": 0.4} if loop else {})}
    ends |= {f"raise {name}()": 0.5 for name in site.clues.awaited[:2]}
    used = {each.id for each in ast.walk(statement) if isinstance(each, ast.Name)}
    place = 1.0 if statement is first else 0.6 if site.source.block(statement)[:1] == [statement] else 0.35
    conditions = _conditions(site, used)
    if statement is first:
        conditions = {**dict(_test_types(site, function, used)), **conditions}
    for condition, weight in conditions.items():
        for end, value in ends.items():
            made = insert_before(site, statement, [f"if {condition}:", f"\t{end}"], weight * value * place)
            if made is not None:
                yield made


def _first(function: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.stmt:
    body = function.body
    return body[1] if len(body) > 1 and _is_docstring(body[0]) else body[0]


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _up_to(site: Site, node: ast.AST, end: ast.AST) -> Iterator[ast.AST]:
    for each in site.source.ancestors(node):
        if each is end:
            return
        yield each


def _results(site: Site, function: ast.AST) -> dict[str, float]:
    """What an early end of this function may be: its own other results first, then empty values."""
    ends: dict[str, float] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Return):
            text = site.text(node)
            if len(text) < 60 and "\n" not in text:
                ends[text] = (
                    0.8
                    if isinstance(node.value, ast.Constant | ast.List | ast.Dict | ast.Name)
                    or node.value is None
                    else 0.35
                )
        elif isinstance(node, ast.Raise) and node.exc is not None and site.function is function:
            text = site.text(node)
            if len(text) < 100 and "\n" not in text:
                ends[text] = 0.6
    kinds = site.types.get("return", set())
    table = {
        "int": "0",
        "float": "0.0",
        "str": '""',
        "list": "[]",
        "dict": "{}",
        "set": "set()",
        "tuple": "()",
        "bool": "False",
    }
    for kind, value in table.items():
        if kind in kinds:
            ends.setdefault(f"return {value}", 0.9)
    for value in ("None", "[]", "0", '""', "False", "True", "{}"):
        ends.setdefault(f"return {value}", 0.35)
    for name in site.locals:
        if name not in ("self", "cls"):
            ends.setdefault(f"return {name}", 0.35)
    return ends


def _conditions(site: Site, used: set[str]) -> dict[str, float]:
    """What may be wrong with the names a statement reads, by the types they had."""
    found: dict[str, float] = {}
    trouble = site.clues.errors
    for name in (*site.locals, *site.attributes):
        if name in ("self", "cls"):
            continue
        kinds = site.types.get(name, set())
        near = 1.0 if name in used else 0.5
        if "NoneType" in kinds:
            found[f"{name} is None"] = near
        if kinds & SIZED or not kinds:
            found[f"not {name}"] = 0.9 * near * (1.0 if kinds else 0.5)
        if not kinds and name.startswith("self."):
            found[name] = 0.4 * near
        if kinds & NUMBERS and "bool" not in kinds:
            found[f"{name} == 0"] = near * (1.0 if "ZeroDivisionError" in trouble else 0.5)
            found[f"{name} < 0"] = 0.6 * near
            found[f"{name} <= 0"] = 0.45 * near
        if "bool" in kinds:
            found[name] = found[f"not {name}"] = 0.4 * near
        if site.clues.awaited or len(kinds - {"NoneType"}) > 1:
            plain = sorted(kinds & _PLAIN_TYPES)
            found |= {f"not isinstance({name}, {kind})": 0.5 * near for kind in plain}
            found |= {f"isinstance({name}, {kind})": 0.4 * near for kind in plain if len(kinds) > 1}
    for text in site.conditions[:12]:
        found.setdefault(text, 0.25)
    return found


def _test_types(
    site: Site, function: ast.FunctionDef | ast.AsyncFunctionDef, used: set[str]
) -> Iterator[tuple[str, float]]:
    """Parameters of a type that the function is not for: what the failing tests gave, what is declared."""
    arguments = function.args
    for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
        kinds = site.types.get(each.arg, set()) - {"NoneType"}
        if each.arg in ("self", "cls") or not kinds:
            continue
        near = 1.0 if each.arg in used else 0.7
        for kind in sorted(kinds & (_PLAIN_TYPES | set(site.globals))):
            yield f"isinstance({each.arg}, {kind})", 0.45 * near
        wanted = [each.annotation.id] if isinstance(each.annotation, ast.Name) else list(list_types(site)[:2])
        for kind in wanted:
            if kind not in kinds:
                yield f"not isinstance({each.arg}, {kind})", 0.5 * near


@template("wrapped-guard", 0.35, ast.Expr, ast.Assign, ast.AugAssign, ast.Return, ast.For, errors=TROUBLE)
def wrapped_guard(site: Site) -> Iterator[Proposal]:
    """A statement that must run only under a condition."""
    statement = site.node
    assert isinstance(statement, ast.stmt)  # noqa: S101
    span = site.source.whole_lines(statement)
    if site.function is None or span is None or _is_docstring(statement):
        return
    indent = site.source.indent(statement)
    text = shift_lines(
        site,
        statement,
        find_inner_indent(site, statement) if not hasattr(statement, "body") else indent + "    ",
    )
    if text is None:
        return
    used = {each.id for each in ast.walk(statement) if isinstance(each, ast.Name)}
    conditions: dict[str, float] = {}
    for name in (*site.locals, *site.attributes):
        kinds = site.types.get(name, set())
        near = 1.0 if name in used or name in text else 0.4
        if name not in ("self", "cls"):
            if "NoneType" in kinds:
                conditions[f"{name} is not None"] = near
                conditions[f"{name} is None"] = 0.6 * near
            conditions[name] = 0.7 * near
            conditions[f"not {name}"] = 0.3 * near
            if kinds & NUMBERS:
                conditions[f"{name} > 0"] = 0.5 * near
            if name in used and kinds - {"NoneType"}:
                for other in site.locals:
                    if other != name and kinds & set(site.types.get(other, ())):
                        conditions |= {f"{name} {sign} {other}": 0.4 for sign in (">=", "<=", ">", "<", "!=")}
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        match statement.value:
            case ast.Call(func=ast.Attribute(value=owner, attr=attr)):
                conditions[f'hasattr({site.text(owner)}, "{attr}")'] = 0.6
        match statement.value:
            case ast.Call(func=ast.Attribute(value=owner), args=[item]):
                conditions[f"{site.text(item)} not in {site.text(owner)}"] = 1.0
    if isinstance(statement, ast.Assign):
        match statement.targets:
            case [ast.Subscript(value=owner, slice=key)]:
                conditions[f"{site.text(key)} not in {site.text(owner)}"] = 1.0
                conditions[f"{site.text(key)} in {site.text(owner)}"] = 0.4
    for condition in site.conditions[:8]:
        conditions.setdefault(condition, 0.3)
    for condition, weight in conditions.items():
        new = f"{indent}if {condition}:{site.source.newline}{text}"
        yield Proposal((TextEdit(*span, new),), weight)


@template(
    "conditional-value", 0.35, ast.Call, ast.Attribute, ast.Name, ast.BinOp, ast.Subscript, errors=TROUBLE
)
def conditional_value(site: Site) -> Iterator[Proposal]:
    """A value that needs another one for None, empty or zero: ``None if x is None else x.y``."""
    node = site.node
    parent = site.source.parents.get(node)
    if (
        not isinstance(parent, ast.Assign | ast.Return | ast.keyword | ast.Call)
        or getattr(parent, "func", None) is node
    ):
        return
    if not isinstance(node, ast.expr) or isinstance(getattr(node, "ctx", None), ast.Store):
        return
    text = site.text(node)
    for name in dict.fromkeys(each.id for each in ast.walk(node) if isinstance(each, ast.Name)):
        kinds = site.types.get(name, set())
        if name in ("self", "cls") or not kinds:
            continue
        sure = 1.0 if isinstance(parent, ast.Assign | ast.Return) else 0.4
        if "NoneType" in kinds:
            for other in ("None", '""', "0", "[]", "{}", "False"):
                yield site.replace(
                    node, f"{other} if {name} is None else {text}", sure * (1.0 if other == "None" else 0.6)
                )
        if kinds & SIZED:
            for other in ("None", '""', "0", "[]"):
                yield site.replace(node, f"{text} if {name} else {other}", 0.6 * sure)
        if kinds & NUMBERS:
            for other in ("0", "0.0", "None", "1"):
                yield site.replace(node, f"{text} if {name} else {other}", 0.5 * sure)


@template("condition", 0.5, ast.If, ast.While, ast.IfExp, ast.comprehension, ast.BoolOp, errors=TROUBLE)
def condition(site: Site) -> Iterator[Proposal]:
    """A condition that lacks a part: ``and``/``or`` with a test of a name of the scope or one of the file."""
    match site.node:
        case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
            tests = [test]
        case ast.comprehension(ifs=ifs):
            tests = ifs
        case _:
            return
    for test in tests:
        operand = (
            site.source.operand(test)
            if isinstance(test, ast.BoolOp | ast.IfExp | ast.Lambda)
            else site.text(test)
        )
        plain = site.text(test)
        for part, weight in _parts(site, test).items():
            if part == plain:
                continue
            both = plain if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And) else operand
            yield site.replace(test, f"{part} and {both}", 0.8 * weight)
            either = plain if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or) else operand
            yield site.replace(test, f"{part} or {either}", 0.6 * weight)
            yield site.replace(test, f"{both} and {part}", 0.35 * weight)
        match test:
            case ast.Name() | ast.Attribute() | ast.Call() | ast.Subscript():
                yield site.replace(test, f"{plain} is not None", 0.9)
                yield site.replace(test, f"{plain} is None", 0.3)
            case ast.UnaryOp(op=ast.Not(), operand=inner):
                yield site.replace(test, f"{site.text(inner)} is None", 0.9)
            case ast.Compare(left=left, ops=[ast.IsNot()], comparators=[ast.Constant(value=None)]):
                yield site.replace(test, site.text(left), 0.9)
            case ast.Compare(left=left, ops=[ast.Is()], comparators=[ast.Constant(value=None)]):
                yield site.replace(test, f"not {site.source.operand(left)}", 0.9)


def _parts(site: Site, test: ast.expr) -> dict[str, float]:
    used = {each.id for each in ast.walk(test) if isinstance(each, ast.Name)}
    parts: dict[str, float] = {}
    for name in (*site.locals, *site.attributes):
        if name in ("self", "cls"):
            continue
        near = 1.0 if name in used else 0.6
        kinds = site.types.get(name, set())
        if "NoneType" in kinds:
            parts[f"{name} is not None"] = 0.8 * near
            parts[f"{name} is None"] = 0.7 * near
        if not kinds or kinds & (SIZED | {"bool", "NoneType"} | NUMBERS):
            parts[name] = 0.7 * near
            parts[f"not {name}"] = 0.6 * near
        if kinds & NUMBERS:
            parts |= {f"{name} > 0": 0.6 * near, f"{name} < 0": 0.6 * near, f"{name} != 0": 0.3 * near}
        if "str" in kinds:
            parts[f"{name}.strip()"] = 0.3 * near
    for text in site.conditions[:30]:
        parts.setdefault(f"({text})" if " or " in text or " and " in text or " if " in text else text, 0.45)
    return parts

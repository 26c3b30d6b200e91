"""A value brought into shape before it is used: ``if isinstance(x, tuple): x = list(x)``."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ...site import Proposal, Site
from ...source import TextEdit
from ..blocks import find_inner_indent, insert_before
from ..registry import template

_CHANGED = {
    "tuple": ("list({0})",),
    "list": ("tuple({0})", '" ".join({0})'),
    "str": ("[{0}]", "({0},)", "{0}.split()", "{0}.encode()", "int({0})"),
    "bytes": ("{0}.decode()", '{0}.decode("utf-8")'),
    "int": ("str({0})", "[{0}]", "range({0})"),
    "dict": ("list({0})", "{0}.items()", "{0}.copy()"),
    "bool": ("int({0})", "None"),
}
_EMPTY = ("[]", "{}", '""', "0", "()")


@template(
    "shaped-value",
    0.4,
    *(ast.Assign, ast.AugAssign, ast.Return, ast.Expr, ast.For, ast.If, ast.With),
    errors=("TypeError", "AttributeError", "ValueError"),
)
def shaped_value(site: Site) -> Iterator[Proposal]:
    """A name that the statement reads gets another value before it: where it is None, empty, of a type."""
    statement = site.node
    if not isinstance(statement, ast.stmt) or site.function is None or _is_text(statement):
        return
    head = (
        statement
        if not hasattr(statement, "body")
        else getattr(statement, "test", getattr(statement, "iter", statement))
    )
    used = [
        each.id for each in ast.walk(head) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load)
    ]
    names = [each for each in dict.fromkeys(used) if each in site.locals and each not in ("self", "cls")]
    for name in names[:4]:
        for condition, value, weight in _list_shapes(site, name):
            lines = [f"if {condition}:", f"\t{name} = {value}"] if condition else [f"{name} = {value}"]
            made = insert_before(site, statement, lines, weight)
            if made is not None:
                yield made


@template("unpacked-part", 0.5, ast.Assign, errors=("ValueError",))
def unpacked_part(site: Site) -> Iterator[Proposal]:
    """``a, b = values`` where there may be more of them: ``a, b = values[:2]``."""
    match site.node:
        case ast.Assign(
            targets=[ast.Tuple(elts=names)], value=ast.Name() | ast.Attribute() | ast.Call() as value
        ):
            if not any(isinstance(each, ast.Starred) for each in names):
                yield site.replace(value, f"{site.text(value)}[:{len(names)}]", 1.0)


def _list_shapes(site: Site, name: str) -> Iterator[tuple[str, str, float]]:
    kinds = site.types.get(name, set())
    for kind, changes in _CHANGED.items():
        sure = 1.0 if kind in kinds else 0.45 if not kinds else 0.15
        for change in changes:
            yield f"isinstance({name}, {kind})", change.format(name), sure
    for empty in _EMPTY:
        sure = 1.0 if "NoneType" in kinds else 0.5 if not kinds else 0.25
        yield f"{name} is None", empty, sure
        yield "", f"{name} or {empty}", 0.6 * sure
        yield f"not {name}", empty, 0.5 * sure
    yield f"not isinstance({name}, (list, tuple))", f"[{name}]", 0.4
    for other in site.locals:
        if other not in (name, "self", "cls"):
            yield f"{name} is None", other, 0.3


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


@template("needless-condition", 0.4, ast.If)
def needless_condition(site: Site) -> Iterator[Proposal]:
    """The body of an ``if`` that has to run in any case; one of its two branches alone."""
    node = site.node
    assert isinstance(node, ast.If)  # noqa: S101
    start = site.source.span(node)[0]
    if site.source.text.startswith("elif", start):
        return
    span = site.source.whole_lines(node)
    for body, weight in ((node.body, 1.0), (node.orelse, 0.6)):
        text = _shift_block(site, node, body) if body else None
        if span is not None and text is not None:
            yield Proposal((TextEdit(*span, text),), weight if not node.orelse else 0.6)


def _shift_block(site: Site, node: ast.If, body: list[ast.stmt]) -> str | None:
    """The lines of a block at the indentation of its ``if``; None where a text of several lines is in it."""
    first, last = site.source.whole_lines(body[0]), site.source.whole_lines(body[-1])
    strings = (
        each for part in body for each in ast.walk(part) if isinstance(each, ast.Constant | ast.JoinedStr)
    )
    if first is None or last is None or any(each.end_lineno != each.lineno for each in strings):
        return None
    own, step = site.source.indent(node), site.source.indent(body[0])
    if not step.startswith(own) or find_inner_indent(site, node) != step:
        return None
    lines = site.source.text[first[0] : last[1]].splitlines(keepends=True)
    if not all(line.startswith(step) or not line.strip() for line in lines):
        return None
    return "".join(own + line.removeprefix(step) if line.strip() else line for line in lines)

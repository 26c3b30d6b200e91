"""Control flow: jumps, early or late returns, statements in the wrong block, handlers of the wrong type."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..site import BUILTIN_ERRORS, Proposal, Site
from ..source import FUNCTIONS, TextEdit
from .blocks import find_inner_indent, insert_after, remove_statement, shift_lines
from .handlers import NEVER_CAUGHT
from .registry import template

ERRORS = (
    "ValueError",
    "TypeError",
    "KeyError",
    "IndexError",
    "AttributeError",
    "RuntimeError",
    "StopIteration",
    "LookupError",
    "ZeroDivisionError",
    "OverflowError",
    "NotImplementedError",
    "OSError",
    "UnicodeError",
    "UnicodeDecodeError",
    "UnicodeEncodeError",
    "ArithmeticError",
    "EOFError",
    "Exception",
)


@template("jump", 0.55, ast.Continue, ast.Break, ast.Pass, ast.Return)
def jump(site: Site) -> Iterator[Proposal]:
    """``break`` for ``continue``, ``pass`` where the loop must go on, ``return`` where it must stop."""
    statement = site.node
    assert isinstance(statement, ast.stmt)  # noqa: S101
    loop = _loop(site, statement)
    if isinstance(statement, ast.Return) and (loop is None or statement.value is not None):
        return
    others = {
        ast.Continue: ("break", "return"),
        ast.Break: ("continue", "return"),
        ast.Pass: ("continue", "break", "return", "raise"),
        ast.Return: ("continue", "break"),
    }[type(statement)]
    for other, weight in zip(others, (1.0, 0.4, 0.3, 0.3), strict=False):
        if loop is not None or other in ("return", "raise"):
            yield site.replace(statement, other, weight)
    if not isinstance(statement, ast.Return):
        yield from _present(remove_statement(site, statement, 0.5))


def _loop(site: Site, node: ast.AST) -> ast.For | ast.While | ast.AsyncFor | None:
    for each in site.source.ancestors(node):
        if isinstance(each, FUNCTIONS):
            return None
        if isinstance(each, ast.For | ast.While | ast.AsyncFor):
            return each
    return None


def _present(proposal: Proposal | None) -> Iterator[Proposal]:
    if proposal is not None:
        yield proposal


@template("missing-jump", 0.5, ast.If, ast.ExceptHandler, ast.Assign, ast.Expr, ast.AugAssign)
def missing_jump(site: Site) -> Iterator[Proposal]:
    """A block in a loop that must end with ``continue`` or ``break``; a handler that must raise again."""
    node = site.node
    body = node.body if isinstance(node, ast.If | ast.ExceptHandler) else []
    if body and not isinstance(body[-1], ast.Return | ast.Raise | ast.Continue | ast.Break):
        if _loop(site, node) is not None:
            yield from _present(insert_after(site, body[-1], ["continue"], 0.8))
            yield from _present(insert_after(site, body[-1], ["break"], 0.8))
        yield from _present(insert_after(site, body[-1], ["return"], 0.4))
        if isinstance(node, ast.ExceptHandler):
            yield from _present(insert_after(site, body[-1], ["raise"], 0.8))


@template(
    "missing-return",
    0.6,
    *(
        ast.Expr,
        ast.FunctionDef,
        ast.Assign,
        ast.If,
        ast.For,
        ast.AugAssign,
        ast.With,
        ast.While,
        ast.Try,
        ast.Delete,
    ),
)
def missing_return(site: Site) -> Iterator[Proposal]:
    """A value that is computed and not returned; a function that ends without returning its result."""
    node = site.node
    source = site.source
    if isinstance(node, ast.Expr):
        if not isinstance(node.value, ast.Constant | ast.Yield | ast.YieldFrom | ast.Await):
            start = source.span(node)[0]
            yield Proposal((TextEdit(start, start, "return "),), 1.0)
            if isinstance(node.value, ast.Call):
                for name in (*site.locals, *site.attributes):
                    if name not in ("self", "cls"):
                        yield Proposal((TextEdit(start, start, f"{name} = "),), 0.25)
        return
    function = node if isinstance(node, ast.FunctionDef) else site.function
    if function is None or isinstance(node, ast.FunctionDef):
        return
    inner = Site(source=source, node=node, clues=site.clues, types=site.types, cache=site.cache)
    if node is function.body[-1]:
        names = [each for each in inner.locals if each not in ("cls",)]
        for name in reversed(names):
            yield from _present(insert_after(site, node, [f"return {name}"], 0.9 if name != "self" else 0.5))
        for name in ("True", "False", *inner.attributes):
            yield from _present(insert_after(site, node, [f"return {name}"], 0.35))
    elif (
        isinstance(node, ast.If)
        and node.body
        and not isinstance(node.body[-1], ast.Return | ast.Raise | ast.Continue | ast.Break)
    ):
        for name in reversed(inner.locals):
            if name not in ("self", "cls"):
                yield from _present(insert_after(site, node.body[-1], [f"return {name}"], 0.4))


@template("block", 0.55, ast.Return, ast.Expr, ast.Assign, ast.AugAssign, ast.Raise, ast.If, ast.For)
def block(site: Site) -> Iterator[Proposal]:
    """A statement one level too deep or too shallow: a ``return`` inside its loop and the like."""
    statement = site.node
    assert isinstance(statement, ast.stmt)  # noqa: S101
    siblings = site.source.block(statement)
    parent = site.source.parents.get(statement)
    sure = 1.0 if isinstance(statement, ast.Return) else 0.6
    if (
        len(siblings) > 1
        and siblings[-1] is statement
        and isinstance(parent, ast.For | ast.While | ast.If | ast.With | ast.Try)
    ):
        yield from _out(site, statement, parent, sure)
    elif (
        siblings == [statement]
        and isinstance(parent, ast.If)
        and not parent.orelse
        and isinstance(statement, ast.Return)
    ):
        pass
    index = siblings.index(statement) if statement in siblings else 0
    if index > 0:
        above = siblings[index - 1]
        if isinstance(above, ast.For | ast.While | ast.If | ast.With):
            last = above.orelse[-1] if isinstance(above, ast.If) and above.orelse else above.body[-1]
            text = shift_lines(site, statement, site.source.indent(last))
            span, end = site.source.whole_lines(statement), site.source.whole_lines(last)
            if text is not None and span and end and end[1] <= span[0]:
                yield Proposal((TextEdit(end[1], end[1], text), TextEdit(*span, "")), 0.6 * sure)


def _out(site: Site, statement: ast.stmt, parent: ast.stmt, weight: float) -> Iterator[Proposal]:
    """Behind the block that holds it, at each level up to the function."""
    outer: ast.AST | None = parent
    while isinstance(outer, ast.For | ast.While | ast.If | ast.With | ast.Try):
        text = shift_lines(site, statement, site.source.indent(outer))
        span, end = site.source.whole_lines(statement), site.source.whole_lines(outer)
        if text is None or span is None or end is None:
            return
        if end[1] == span[1]:
            yield Proposal((TextEdit(*span, text),), weight)
        else:
            yield Proposal((TextEdit(*span, ""), TextEdit(end[1], end[1], text)), weight)
        outer = site.source.parents.get(outer)
        weight *= 0.7


@template("branches", 0.45, ast.If, ast.IfExp, ast.While)
def branches(site: Site) -> Iterator[Proposal]:
    """``elif`` for ``if``, ``while`` for ``if``, the two values of a conditional expression exchanged."""
    node = site.node
    text = site.source.text
    match node:
        case ast.IfExp(body=body, orelse=orelse):
            edits = (
                TextEdit(*site.source.span(body), site.text(orelse)),
                TextEdit(*site.source.span(orelse), site.text(body)),
            )
            yield Proposal(edits, 1.0)
            yield site.replace(node, site.source.operand(body), 0.3)
            yield site.replace(node, site.source.operand(orelse), 0.3)
        case ast.If():
            start = site.source.span(node)[0]
            if text.startswith("elif", start):
                yield Proposal((TextEdit(start, start + 2, ""),), 0.8)
            else:
                siblings = site.source.block(node)
                index = siblings.index(node) if node in siblings else 0
                if index and isinstance(siblings[index - 1], ast.If) and not siblings[index - 1].orelse:  # type: ignore[attr-defined]
                    yield Proposal((TextEdit(start, start, "el"),), 0.8)
                if not node.orelse:
                    yield Proposal((TextEdit(start, start + 2, "while"),), 0.3)
        case ast.While():
            start = site.source.span(node)[0]
            if not node.orelse:
                yield Proposal((TextEdit(start, start + 5, "if"),), 0.4)


@template("else-branch", 0.4, ast.If, ast.For)
def else_branch(site: Site) -> Iterator[Proposal]:
    """The statement after an ``if`` that belongs into its ``else``."""
    node = site.node
    assert isinstance(node, ast.If | ast.For)  # noqa: S101
    siblings = site.source.block(node)
    index = siblings.index(node) if node in siblings else len(siblings)
    if node.orelse or index + 1 >= len(siblings):
        return
    following = siblings[index + 1]
    text = shift_lines(site, following, find_inner_indent(site, node))
    span = site.source.whole_lines(following)
    if text is not None and span is not None and not isinstance(following, ast.Return):
        yield Proposal((TextEdit(*span, f"{site.source.indent(node)}else:{site.source.newline}{text}"),), 0.7)


@template("exception-type", 0.6, ast.ExceptHandler, ast.Raise, errors=ERRORS)
def exception_type(site: Site) -> Iterator[Proposal]:
    """A handler that catches, or a statement that raises, the wrong exception."""
    node = site.node
    if isinstance(node, ast.ExceptHandler) and node.type is not None:
        old = site.text(node.type)
        names = [each for each in (*site.clues.errors, *ERRORS) if each not in old]
        for name in dict.fromkeys(each for each in names if each not in NEVER_CAUGHT):
            weight = 1.0 if name in site.clues.errors else 0.3
            if name in BUILTIN_ERRORS or name in site.globals:
                yield site.replace(node.type, name, 0.8 * weight)
                inner = old[1:-1].rstrip(", ") if isinstance(node.type, ast.Tuple) else old
                yield site.replace(node.type, f"({inner}, {name})", weight)
        kinds = node.type.elts if isinstance(node.type, ast.Tuple) and len(node.type.elts) > 1 else []
        for gone in kinds:
            kept = [site.text(each) for each in kinds if each is not gone]
            yield site.replace(node.type, kept[0] if len(kept) == 1 else f"({', '.join(kept)})", 0.4)
    elif isinstance(node, ast.Raise) and node.exc is not None:
        callee = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        for name in dict.fromkeys((*site.clues.awaited, *ERRORS)):
            if name != site.text(callee) and (name in BUILTIN_ERRORS or name in site.globals):
                yield site.replace(callee, name, 1.0 if name in site.clues.awaited else 0.25)


@template(
    "removed-statement", 0.4, ast.Expr, ast.Assign, ast.AugAssign, ast.Delete, ast.If, ast.Return, ast.Raise
)
def removed_statement(site: Site) -> Iterator[Proposal]:
    """A statement that should not be there; a condition around statements that should always run."""
    statement = site.node
    assert isinstance(statement, ast.stmt)  # noqa: S101
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return
    yield from _present(
        remove_statement(
            site, statement, 0.6 if isinstance(statement, ast.If | ast.Return | ast.Raise) else 1.0
        )
    )


@template(
    "statement-order",
    0.45,
    ast.Expr,
    ast.Assign,
    ast.AugAssign,
    ast.If,
    ast.Return,
    ast.For,
    errors=("UnboundLocalError",),
)
def statement_order(site: Site) -> Iterator[Proposal]:
    """Two neighbouring statements in each other's place."""
    statement = site.node
    assert isinstance(statement, ast.stmt)  # noqa: S101
    siblings = site.source.block(statement)
    index = siblings.index(statement) if statement in siblings else 0
    span = site.source.whole_lines(statement)
    for back, weight in ((1, 1.0), (2, 0.6), (3, 0.3)):
        if span is None or index < back:
            return
        other = site.source.whole_lines(siblings[index - back])
        first = siblings[index - back]
        if other is None or (isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)):
            return
        text = site.source.text[slice(*span)]
        yield Proposal((TextEdit(other[0], other[0], text), TextEdit(*span, "")), weight)


@template("early-return", 0.35, ast.Return)
def early_return(site: Site) -> Iterator[Proposal]:
    """Another result: a local name, a truth value, nothing."""
    node = site.node
    assert isinstance(node, ast.Return)  # noqa: S101
    if node.value is None:
        for name in (*site.locals, "True", "False", *site.attributes):
            if name != "cls":
                yield site.replace(node, f"return {name}", 0.5)
        return
    for name in (*site.locals, "self" if site.methods else "None", "None"):
        if name != site.text(node.value) and name not in ("cls",) and not isinstance(node.value, ast.Name):
            yield site.replace(node.value, name, 0.4)

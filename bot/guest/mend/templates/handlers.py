"""A statement whose failure is to be caught."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..site import Proposal, Site
from ..source import FUNCTIONS, TextEdit
from .blocks import find_inner_indent, shift_lines
from .registry import template

# What says that the program, the machine or the judge is at its end; to catch it hides a fault.
NEVER_CAUGHT = frozenset(
    ("AssertionError", "RecursionError", "MemoryError", "KeyboardInterrupt", "SystemExit", "GeneratorExit")
)
NOT_CAUGHT = (
    *NEVER_CAUGHT,
    "BaseException",
    "Exception",
    "NameError",
    "UnboundLocalError",
    "ImportError",
    "ModuleNotFoundError",
    "Hang",
)


@template(
    "missing-handler",
    0.2,
    *(ast.Assign, ast.Return, ast.Expr, ast.AugAssign, ast.Delete, ast.For),
    errors=("ValueError", "KeyError", "IndexError", "OSError", "FileNotFoundError", "StopIteration"),
)
def missing_handler(site: Site) -> Iterator[Proposal]:
    """``try`` around a statement for the exception that ended a test, or for what it should have become."""
    statement = site.node
    assert isinstance(statement, ast.stmt)  # noqa: S101
    span = site.source.whole_lines(statement)
    caught = sorted(each for each in site.clues.errors if each.isidentifier() and each not in NOT_CAUGHT)[:2]
    if span is None or site.function is None or not caught or _guarded(site, statement):
        return
    indent, newline = site.source.indent(statement), site.source.newline
    deeper = find_inner_indent(site, site.function).removeprefix(site.source.indent(site.function)) or "    "
    text = shift_lines(site, statement, indent + deeper)
    if text is None:
        return
    for kind in caught:
        for end, weight in _ends(site, statement).items():
            new = f"{indent}try:{newline}{text}{indent}except {kind}:{newline}{indent}{deeper}{end}{newline}"
            yield Proposal((TextEdit(*span, new),), weight)


def _guarded(site: Site, statement: ast.stmt) -> bool:
    return isinstance(site.source.parents.get(statement), ast.Try)


def _ends(site: Site, statement: ast.stmt) -> dict[str, float]:
    """What may follow in the handler."""
    ends: dict[str, float] = {}
    for each in site.source.ancestors(statement):
        if isinstance(each, FUNCTIONS):
            break
        if isinstance(each, ast.For | ast.While):
            ends |= {"continue": 1.0, "pass": 0.8, "break": 0.5}
            break
    ends.setdefault("pass", 0.6)
    values = ("None", "False", "[]", "0", '""', "{}", "True", "-1")
    ends |= {f"return {value}": 0.6 if value in ("None", "False") else 0.4 for value in values}
    if site.function is not None:
        for node in ast.walk(site.function):
            if isinstance(node, ast.Return) and node.value is not None and len(site.text(node)) < 60:
                ends[site.text(node)] = 0.7 if node is not statement else 0.1
    for name in site.clues.awaited[:3]:
        ends[f"raise {name} from None"] = 0.9
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = site.text(statement.targets[0])
        ends |= {f"{target} = {value}": 0.5 for value in values[:6]}
        ends |= {f"{target} = {name}": 0.3 for name in site.locals[:8] if name not in ("self", "cls", target)}
    return ends

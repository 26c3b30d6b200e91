"""Arms of an ``if`` that are asked in the wrong order: a later one is meant first."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ...site import Proposal, Site
from ...source import TextEdit
from ..registry import template


@template("arm-order", 0.45, ast.If)
def arm_order(site: Site) -> Iterator[Proposal]:
    """``if error: ... elif skipped: ...`` to ``if skipped: ... elif error: ...``, each with its lines."""
    first = site.node
    assert isinstance(first, ast.If)  # noqa: S101
    second = first
    for distance in range(2):
        if len(second.orelse) != 1 or not isinstance(second.orelse[0], ast.If):
            return
        second = second.orelse[0]
        made = _swap(site, first, second)
        if made is not None:
            yield Proposal(made, 1.0 - 0.4 * distance)


def _swap(site: Site, first: ast.If, second: ast.If) -> tuple[TextEdit, ...] | None:
    """The edits that give each arm the other's condition and lines; None where they share a line."""
    source = site.source
    if not source.text.startswith("elif", source.span(second)[0]):
        return None  # an ``if`` inside an ``else``
    if source.indent(first.body[0]) != source.indent(second.body[0]):
        return None
    edits = []
    for one, other in ((first, second), (second, first)):
        edits.append(TextEdit(*source.span(one.test), source.segment(other.test)))
        spans = [source.whole_lines(each) for arm in (one, other) for each in (arm.body[0], arm.body[-1])]
        a, b, c, d = spans
        if a is None or b is None or c is None or d is None:
            return None
        edits.append(TextEdit(a[0], b[1], source.text[c[0] : d[1]]))
    return tuple(edits)

"""Edits after which both sides of an operator, or both branches of a condition, say the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..syntax.source import SourceFile
from .edit import JsEdit

if TYPE_CHECKING:
    from tree_sitter import Node

_OPERATORS = frozenset(
    ("==", "===", "!=", "!==", "<", ">", "<=", ">=", "&&", "||", "??", "-", "/", "%", "&", "|", "^")
)
_SIDES = {
    "binary_expression": ("left", "right"),
    "ternary_expression": ("consequence", "alternative"),
    "if_statement": ("consequence", "alternative"),
}
_LEVELS = 6  # of the tree above the place that are looked at
_BYTES = 400  # of what has the two sides: longer ones are hardly ever the same


def makes_sides_equal(source: SourceFile, node: Node, edit: JsEdit) -> bool:
    """Whether an edit at ``node`` makes one side say what the other says: ``a ? b : b``, ``a < a``."""
    below: Node | None = node
    for _ in range(_LEVELS):
        above = source.parent(below) if below is not None else None
        if below is None or above is None or above.end_byte - above.start_byte > _BYTES:
            return False
        within = below.start_byte <= edit.start and edit.end <= below.end_byte
        if within and (other := _find_other_side(above, below)) is not None:
            before, after = source.data[below.start_byte : edit.start], source.data[edit.end : below.end_byte]
            new = before.decode("utf-8", "replace") + edit.new + after.decode("utf-8", "replace")
            if _strip(new) == _strip(source.text(other)):
                return True
        below = above
    return False


def _find_other_side(above: Node, side: Node) -> Node | None:
    """The side beside one of a node that has two; None where it has not."""
    names = _SIDES.get(above.type)
    if names is None:
        return None
    sign = above.child_by_field_name("operator")
    if sign is not None and sign.type not in _OPERATORS:
        return None
    first, second = (above.child_by_field_name(name) for name in names)
    if first is None or second is None or side.id not in (first.id, second.id):
        return None
    return second if side.id == first.id else first


def _strip(text: str) -> str:
    """Without white space, and without brackets or braces around all of it."""
    bare = "".join(text.split()).removesuffix(";")
    while (bare[:1], bare[-1:]) in (("(", ")"), ("{", "}")) and not set("(){}") & set(bare[1:-1]):
        bare = bare[1:-1].removesuffix(";")
    return bare

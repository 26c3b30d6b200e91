"""Arguments that a call lacks, by the parameters of the function that it calls and by those of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..syntax.source import SourceFile
from .edit import JsClues, JsEdit, replace_node
from .names import compare_names

if TYPE_CHECKING:
    from tree_sitter import Node

_MOST_GIVEN = 6
_VALUES = ("''", "null", "undefined", "true", "false", "0", "1", "{}", "[]")
_NEAR = 0.6  # how alike two names are that may stand for the same


def fill_arguments(source: SourceFile, node: Node, _: JsClues) -> Iterator[JsEdit]:
    """One argument more: what is called like the parameter, a plain value, a parameter that is not used."""
    if node.type not in ("call_expression", "new_expression"):
        return
    arguments = node.child_by_field_name("arguments")
    function = node.child_by_field_name("function") or node.child_by_field_name("constructor")
    if arguments is None or function is None or arguments.type != "arguments":
        return
    texts = [source.text(each) for each in arguments.named_children if each.type != "comment"]
    if len(texts) > _MOST_GIVEN:
        return
    taken = source.signatures.get(source.text(function).rpartition(".")[2], [])
    lacks = len(taken) > len(texts)
    for at in range(len(texts) + 1):
        if lacks:
            for new, weight in _list_for(source, node, taken[at], texts):
                yield _insert(arguments, texts, at, new, weight)
        for new in sorted(source.list_unused(node)):
            if new not in texts:
                yield _insert(arguments, texts, at, new, 0.5)
        for number, value in enumerate(_VALUES if lacks or at < len(texts) else ()):
            weight = (0.3 if len(taken) == len(texts) + 1 else 0.2) if lacks else 0.04
            yield _insert(arguments, texts, at, value, weight * 0.93**number)


def _list_for(source: SourceFile, node: Node, name: str, texts: list[str]) -> Iterator[tuple[str, float]]:
    """What a call may hand over for a parameter of this name."""
    for each in source.list_names(node):
        likeness = compare_names(each.text, name)
        if each.text not in texts and each.kind in ("parameter", "variable") and likeness > _NEAR:
            yield each.text, 0.75 if likeness == 1.0 else 0.3 * likeness
    for owner in ("this", "self", "options", "opts"):
        if name in source.properties.get(owner, {}) and f"{owner}.{name}" not in texts:
            yield f"{owner}.{name}", 0.5


def _insert(arguments: Node, texts: list[str], at: int, new: str, weight: float) -> JsEdit:
    return replace_node(arguments, f"({', '.join([*texts[:at], new, *texts[at:]])})", "arguments", weight)

"""What a template gives, and what it may know beside the code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..syntax.source import SourceFile

if TYPE_CHECKING:
    from tree_sitter import Node


@dataclass(frozen=True, slots=True, kw_only=True)
class JsEdit:
    """Bytes ``start`` to ``end`` become ``new``. ``weight``: how often such an edit is the fix, 1.0 the most.

    ``borrowed`` is a value that the edit has from a failing test.
    """

    start: int
    end: int
    new: str
    template: str
    weight: float
    borrowed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JsClues:
    """What the failing tests say: their literals as they are written, words, and the errors' texts."""

    numbers: tuple[str, ...] = ()
    strings: tuple[str, ...] = ()
    words: frozenset[str] = field(default_factory=frozenset)
    output: str = ""
    missing: frozenset[str] = field(default_factory=frozenset)  # names that an error says are not there
    throws: bool = False  # the tests expect an error


Template = Callable[[SourceFile, "Node", JsClues], Iterator[JsEdit]]


def replace_node(node: Node, new: str, template: str, weight: float, borrowed: str = "") -> JsEdit:
    """The edit that puts a text in a node's place."""
    return JsEdit(
        start=node.start_byte, end=node.end_byte, new=new, template=template, weight=weight, borrowed=borrowed
    )


def insert_at(at: int, new: str, template: str, weight: float, borrowed: str = "") -> JsEdit:
    """The edit that inserts a text before a byte."""
    return JsEdit(start=at, end=at, new=new, template=template, weight=weight, borrowed=borrowed)

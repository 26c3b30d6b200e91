"""Wrong operators, operands in each other's place or too many, values that are off by one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..syntax.source import SourceFile
from .edit import JsClues, JsEdit, replace_node

if TYPE_CHECKING:
    from tree_sitter import Node

_SWAPS: dict[str, tuple[str, tuple[tuple[str, float], ...]]] = {
    "<": ("comparison", (("<=", 1.0), (">", 0.6), (">=", 0.4))),
    "<=": ("comparison", (("<", 1.0), (">=", 0.6), (">", 0.4))),
    ">": ("comparison", ((">=", 1.0), ("<", 0.6), ("<=", 0.4))),
    ">=": ("comparison", ((">", 1.0), ("<=", 0.6), ("<", 0.4))),
    "===": ("comparison", (("!==", 0.9), ("==", 0.35), ("<=", 0.2), (">=", 0.2), ("<", 0.12), (">", 0.15))),
    "!==": ("comparison", (("===", 0.9), ("!=", 0.35), ("<", 0.25), (">", 0.25))),
    "==": ("comparison", (("===", 0.7), ("!=", 0.8), ("<=", 0.2), (">=", 0.2))),
    "!=": ("comparison", (("!==", 0.7), ("==", 0.8))),
    "&&": ("boolean-operator", (("||", 0.9), ("??", 0.2))),
    "||": ("boolean-operator", (("&&", 0.9), ("??", 0.5))),
    "??": ("boolean-operator", (("||", 0.6), ("&&", 0.3))),
    "+": ("arithmetic", (("-", 0.8), ("*", 0.3))),
    "-": ("arithmetic", (("+", 0.8), ("*", 0.2), ("/", 0.2), ("%", 0.15))),
    "*": ("arithmetic", (("/", 0.6), ("+", 0.4), ("**", 0.2), ("-", 0.2), ("%", 0.15))),
    "/": ("arithmetic", (("*", 0.6), ("%", 0.4), ("-", 0.2))),
    "%": ("arithmetic", (("/", 0.6), ("*", 0.2))),
    "**": ("arithmetic", (("*", 0.6),)),
    "<<": ("arithmetic", ((">>", 0.6), (">>>", 0.4))),
    ">>": ("arithmetic", ((">>>", 0.7), ("<<", 0.6))),
    ">>>": ("arithmetic", ((">>", 0.7), ("<<", 0.6))),
    "&": ("arithmetic", (("|", 0.7), ("^", 0.3), ("&&", 0.4))),
    "|": ("arithmetic", (("&", 0.7), ("^", 0.3), ("||", 0.4))),
    "^": ("arithmetic", (("|", 0.4), ("&", 0.4), ("**", 0.4))),
    "in": ("comparison", (("instanceof", 0.1),)),
}
_ASSIGNED = {
    "+=": (("-=", 0.7), ("=", 0.6), ("*=", 0.3)),
    "-=": (("+=", 0.7), ("=", 0.5)),
    "*=": (("/=", 0.6), ("+=", 0.4), ("=", 0.3)),
    "/=": (("*=", 0.6), ("=", 0.3)),
    "||=": (("??=", 0.5), ("&&=", 0.4), ("=", 0.4)),
    "??=": (("||=", 0.5), ("=", 0.4)),
    "|=": (("&=", 0.6), ("=", 0.4), ("^=", 0.3)),
    "&=": (("|=", 0.6), ("=", 0.3)),
    "<<=": ((">>=", 0.6), (">>>=", 0.4)),
    ">>=": ((">>>=", 0.6), ("<<=", 0.5)),
    ">>>=": ((">>=", 0.6), ("<<=", 0.5)),
    "%=": (("/=", 0.4), ("=", 0.3)),
}
_COUNTED = frozenset(("identifier", "member_expression", "call_expression", "subscript_expression", "number"))


def change_operators(source: SourceFile, node: Node, _: JsClues) -> Iterator[JsEdit]:
    """Another operator of the same kind; operands in each other's place; one operand alone."""
    sign = node.child_by_field_name("operator")
    if node.type == "update_expression" and sign is not None:
        argument = node.child_by_field_name("argument")
        if argument is not None:
            text, prefix = source.text(argument), sign.start_byte == node.start_byte
            other = "--" if sign.type == "++" else "++"
            yield replace_node(sign, other, "arithmetic", 0.6)
            above = source.parent(node)
            if above is not None and above.type not in ("expression_statement", "for_statement"):
                swapped = f"{text}{sign.type}" if prefix else f"{sign.type}{text}"
                yield replace_node(node, swapped, "off-by-one", 0.5)
    if node.type == "augmented_assignment_expression" and sign is not None:
        for new, weight in _ASSIGNED.get(sign.type, ()):
            yield replace_node(sign, new, "assignment-operator", weight)
    if node.type == "assignment_expression":
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if left is not None and right is not None and left.type in ("identifier", "member_expression"):
            between = source.data[left.end_byte : right.start_byte].decode("utf-8")
            for new, weight in (("+=", 0.4), ("-=", 0.2), ("||=", 0.05)):
                yield JsEdit(start=left.end_byte, end=right.start_byte, new=between.replace("=", new, 1),
                             template="assignment-operator", weight=weight)  # fmt: skip
    if node.type == "binary_expression" and sign is not None:
        yield from _change_binary(source, node, sign)


def _change_binary(source: SourceFile, node: Node, sign: Node) -> Iterator[JsEdit]:
    template, swaps = _SWAPS.get(sign.type, ("", ()))
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    if left is None or right is None:
        return
    texts = any(each.type in ("string", "template_string") for each in (left, right))
    for new, weight in swaps:
        less = 0.15 if texts and template == "arithmetic" else 1.0
        yield replace_node(sign, new, template, weight * less)
    one, two = source.text(left), source.text(right)
    between = source.data[left.end_byte : right.start_byte].decode("utf-8")
    if sign.type in ("-", "/", "%", "<", ">", "<=", ">=", "**", "<<", ">>", ">>>") or (
        sign.type == "+" and texts
    ):
        yield replace_node(node, f"{_wrap(two, right)}{between}{_wrap(one, left)}", "swapped-parts", 0.45)
    if sign.type in ("&&", "||", "??"):
        yield replace_node(node, one, "needless-term", 0.4)
        yield replace_node(node, two, "needless-term", 0.4)
    elif sign.type in ("+", "-", "*", "/", "%", "|", "&", "<<", ">>", ">>>"):
        weight = 0.5 if right.type == "number" else 0.3
        yield replace_node(node, one, "needless-term", weight)
        if sign.type in ("+", "*", "&", "|"):
            yield replace_node(node, two, "needless-term", 0.25)
    if sign.type in ("*", "/", "%", "-") and left.type == "binary_expression":
        inner = left.child_by_field_name("right")
        if inner is not None:  # a + b * c is read as a + (b * c); here (a * b) - c
            start = source.data[left.start_byte : inner.start_byte].decode("utf-8")
            yield replace_node(node, f"{start}({source.text(inner)}{between}{two})", "parentheses", 0.25)
    if sign.type in ("+", "-") and right.type == "binary_expression":
        inner = right.child_by_field_name("left")
        if inner is not None:
            rest = source.data[inner.end_byte : right.end_byte].decode("utf-8")
            yield replace_node(node, f"({one}{between}{source.text(inner)}){rest}", "parentheses", 0.3)
    if sign.type in ("&&", "||") and left.type == "binary_expression":
        inner, other = left.child_by_field_name("right"), left.child_by_field_name("operator")
        if inner is not None and other is not None and other.type != sign.type:
            start = source.data[left.start_byte : inner.start_byte].decode("utf-8")
            yield replace_node(node, f"{start}({source.text(inner)}{between}{two})", "parentheses", 0.4)
    if sign.type in ("&&", "||") and right.type == "binary_expression":
        inner, other = right.child_by_field_name("left"), right.child_by_field_name("operator")
        if inner is not None and other is not None and other.type != sign.type:
            rest = source.data[inner.end_byte : right.end_byte].decode("utf-8")
            yield replace_node(node, f"({one}{between}{source.text(inner)}){rest}", "parentheses", 0.4)


def _wrap(text: str, node: Node) -> str:
    return f"({text})" if node.type in ("binary_expression", "ternary_expression") else text


def shift_by_one(source: SourceFile, node: Node, _: JsClues) -> Iterator[JsEdit]:
    """One more or one less, where a value is an index, a bound or an argument."""
    above = source.parent(node)
    if above is None or node.type not in _COUNTED - {"number"}:
        return
    text = source.text(node)
    length = text.endswith((".length", ".size"))
    indexed = above.type == "subscript_expression" and _is_field(above, "index", node)
    compared = above.type == "binary_expression" and _sign_of(above) in ("<", "<=", ">", ">=", "===", "!==")
    argument = above.type == "arguments" and _is_method(
        source, above, ("slice", "substring", "substr", "splice", "charAt", "charCodeAt", "indexOf", "repeat",
                        "padStart", "padEnd", "fill", "at", "codePointAt", "lastIndexOf", "from")
    )  # fmt: skip
    stored = above.type in ("variable_declarator", "assignment_expression", "return_statement") and (
        length or "ndex" in text or "pos" in text.lower()
    )
    if indexed or compared or argument or stored:
        weight = 0.5 if length or indexed or argument else 0.3
        yield replace_node(node, f"{text} - 1", "off-by-one", weight)
        yield replace_node(node, f"{text} + 1", "off-by-one", weight)


def _sign_of(node: Node) -> str:
    sign = node.child_by_field_name("operator")
    return sign.type if sign is not None else ""


def _is_field(above: Node, name: str, node: Node) -> bool:
    child = above.child_by_field_name(name)
    return child is not None and child.id == node.id


def _is_method(source: SourceFile, arguments: Node, names: tuple[str, ...]) -> bool:
    call = source.parent(arguments)
    function = call.child_by_field_name("function") if call is not None else None
    name = function.child_by_field_name("property") if function is not None else None
    return name is not None and source.text(name) in names

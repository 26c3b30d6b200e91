"""Wrong arguments, calls that are missing or too many, results that are not waited for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..syntax.source import SourceFile
from .edit import JsClues, JsEdit, insert_at, replace_node

if TYPE_CHECKING:
    from tree_sitter import Node

# What a call of such a method may lack as its last argument.
_FURTHER: dict[str, tuple[tuple[str, float], ...]] = {
    "reduce": (("0", 0.6), ("''", 0.4), ("[]", 0.4), ("{}", 0.4), ("1", 0.3), ("true", 0.1)),
    "parseInt": (("10", 0.6), ("16", 0.4), ("2", 0.2), ("8", 0.1)),
    "toString": (("16", 0.5), ("2", 0.4), ("36", 0.3), ("8", 0.2)),
    "sort": (("(a, b) => a - b", 0.6), ("(a, b) => b - a", 0.3), ("(a, b) => a.localeCompare(b)", 0.1)),
    "slice": (("-1", 0.3), ("0", 0.1), ("1", 0.1)),
    "join": (("''", 0.6), ("' '", 0.3), ("','", 0.1), ("', '", 0.1), ("'\\n'", 0.1)),
    "split": (("2", 0.1),),
    "stringify": (("null, 2", 0.2),),
    "splice": (("1", 0.5), ("0", 0.2)),
    "indexOf": (("1", 0.1), ("0", 0.05)),
    "padStart": (("'0'", 0.6), ("' '", 0.2)),
    "padEnd": (("' '", 0.3), ("'0'", 0.3)),
    "flat": (("Infinity", 0.5),),
    "fill": (("0", 0.5),),
    "filter": (("Boolean", 0.2),),
}
_TEXT_METHODS = ("toLowerCase()", "trim()", "toUpperCase()", "toString()", "slice()", "slice(1)",
                 "slice(0, -1)", "reverse()", "sort()", "flat()", "join('')")  # fmt: skip
_FUNCTIONS = ("String", "Number", "Boolean", "Math.abs", "Math.floor", "Math.round", "parseInt", "Array.from",
              "encodeURIComponent", "decodeURIComponent", "Object.keys", "BigInt")  # fmt: skip
_VALUES = frozenset(("identifier", "member_expression", "subscript_expression", "call_expression"))


def change_arguments(source: SourceFile, node: Node, _: JsClues) -> Iterator[JsEdit]:
    """Two arguments in each other's place, one less, one more, spread or not."""
    if node.type not in ("call_expression", "new_expression"):
        return
    arguments = node.child_by_field_name("arguments")
    function = node.child_by_field_name("function") or node.child_by_field_name("constructor")
    if arguments is None or function is None or arguments.type != "arguments":
        return
    given = [each for each in arguments.named_children if each.type != "comment"]
    texts = [source.text(each) for each in given]
    if len(given) < 6:
        for at in range(len(given) - 1):
            for other in range(at + 1, len(given)):
                if texts[at] == texts[other]:
                    continue
                swapped = list(texts)
                swapped[at], swapped[other] = texts[other], texts[at]
                weight = 0.55 if other == at + 1 else 0.3
                yield _put(arguments, swapped, "swapped-arguments", weight)
    for at in range(len(given) if len(given) < 6 else 0):
        weight = 0.3 if at == len(given) - 1 and len(given) > 1 else 0.15
        yield _put(arguments, texts[:at] + texts[at + 1 :], "arguments", weight)
    name = source.text(function).rpartition(".")[2]
    for further, weight in _FURTHER.get(name, ()):
        if len(given) < (2 if name in ("reduce", "parseInt", "slice", "splice", "padStart", "padEnd") else 1):
            yield _put(arguments, [*texts, further], "arguments", weight)
    names = [each.text for each in source.list_names(node) if each.kind in ("parameter", "variable")]
    names = [each for each in names if each not in texts][:6]
    if len(given) < 4 and function.type in ("identifier", "member_expression", "super"):
        own = function.type != "member_expression" or source.text(function).startswith("this.")
        for number, each in enumerate(names):
            yield _put(arguments, [*texts, each], "arguments", (0.3 if own else 0.12) * 0.85**number)
        if own:
            for each in ("true", "false"):
                yield _put(arguments, [*texts, each], "arguments", 0.1)
    for at, argument in enumerate(given):
        if argument.type == "spread_element":
            changed = [*texts[:at], texts[at].removeprefix("...").strip(), *texts[at + 1 :]]
            yield _put(arguments, changed, "arguments", 0.4)
        elif argument.type == "identifier" and at == len(given) - 1:
            plural = texts[at].endswith(("s", "List", "list", "array", "arr", "Array"))
            changed = [*texts[:at], f"...{texts[at]}"]
            yield _put(arguments, changed, "arguments", 0.35 if plural else 0.08)


def _put(arguments: Node, texts: list[str], template: str, weight: float) -> JsEdit:
    return replace_node(arguments, f"({', '.join(texts)})", template, weight)


def drop_calls(source: SourceFile, node: Node, _: JsClues) -> Iterator[JsEdit]:
    """``f(x)`` becomes ``x``, ``x.m()`` becomes ``x``."""
    if node.type != "call_expression":
        return
    arguments, function = node.child_by_field_name("arguments"), node.child_by_field_name("function")
    if arguments is None or function is None:
        return
    above = source.parent(node)
    if above is not None and above.type == "expression_statement":
        return
    given = arguments.named_children
    if function.type == "member_expression":
        owner = function.child_by_field_name("object")
        if owner is not None and owner.type not in ("identifier", "this", "super"):
            yield replace_node(node, source.text(owner), "needless-call", 0.35)
        elif owner is not None and not source.text(owner)[:1].isupper():
            yield replace_node(node, source.text(owner), "needless-call", 0.25)
    if len(given) == 1 and given[0].type != "spread_element":
        yield replace_node(node, source.text(given[0]), "needless-call", 0.35)


def keep_results(source: SourceFile, node: Node, _: JsClues) -> Iterator[JsEdit]:
    """``x = x.m()`` for ``x.m()`` alone: strings and many others are not changed in place."""
    above = source.parent(node)
    if node.type != "call_expression" or above is None or above.type != "expression_statement":
        return
    function = node.child_by_field_name("function")
    owner = function.child_by_field_name("object") if function is not None else None
    if owner is not None and owner.type in ("identifier", "member_expression"):
        yield insert_at(node.start_byte, f"{source.text(owner)} = ", "kept-result", 0.35)


def add_calls(source: SourceFile, node: Node, _: JsClues) -> Iterator[JsEdit]:
    """A call around a value, or a method of it, that other places of the file use as well."""
    if node.type not in _VALUES:
        return
    above = source.parent(node)
    if above is None:
        return
    place = above.type
    if place not in ("binary_expression", "arguments", "return_statement", "variable_declarator",
                     "assignment_expression", "pair", "subscript_expression", "template_substitution",
                     "ternary_expression", "arrow_function"):  # fmt: skip
        return
    field_name = {"variable_declarator": "value", "assignment_expression": "right", "pair": "value",
                  "subscript_expression": "index", "arrow_function": "body"}.get(place)  # fmt: skip
    if field_name is not None:
        child = above.child_by_field_name(field_name)
        if child is None or child.id != node.id:
            return
    text = source.text(node)
    if len(text) > 60:
        return
    used = source.data
    for number, method in enumerate(_TEXT_METHODS):
        seen = f".{method.partition('(')[0]}(".encode() in used
        yield replace_node(
            node, f"{text}.{method}", "missing-method", (0.16 if seen else 0.07) * 0.95**number
        )
    for function in _FUNCTIONS:
        seen = f"{function}(".encode() in used
        yield replace_node(node, f"{function}({text})", "missing-call", 0.14 if seen else 0.05)
    own = [each.text for each in source.list_names(node) if each.kind in ("function", "import")]
    mine = source.name_function(node)
    for number, name in enumerate(each for each in own[:8] if each != mine and not text.startswith(each)):
        yield replace_node(node, f"{name}({text})", "missing-call", 0.14 * 0.9**number)


def wait_for_results(source: SourceFile, node: Node, _: JsClues) -> Iterator[JsEdit]:
    """``await`` before a call, or none; ``new`` before a class."""
    if node.type == "await_expression" and node.named_child_count:
        yield replace_node(node, source.text(node.named_children[0]), "needless-call", 0.15)
    if node.type != "call_expression":
        return
    above, function = source.parent(node), source.find_function(node)
    head = source.text(function)[:5] if function is not None else ""
    if head == "async" and above is not None and above.type != "await_expression":
        wrapped = (
            f"(await {source.text(node)})"
            if above.type == "member_expression"
            else f"await {source.text(node)}"
        )
        yield replace_node(node, wrapped, "missing-await", 0.5)
    called = node.child_by_field_name("function")
    if called is not None and called.type == "identifier" and source.text(called)[:1].isupper():
        yield insert_at(node.start_byte, "new ", "missing-call", 0.3)

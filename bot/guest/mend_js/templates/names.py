"""Wrong variables, properties and methods."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from ..syntax.declared import FUNCTIONS
from ..syntax.source import Name, SourceFile
from .edit import JsClues, JsEdit, insert_at, replace_node

if TYPE_CHECKING:
    from tree_sitter import Node

_MOST = 12
# Methods and functions that are taken for each other, the likeliest first.
_RELATED_TEXT = """
slice substring substr splice
substring slice substr
substr slice substring
splice slice
push unshift concat
unshift push
concat push
pop shift
shift pop
indexOf lastIndexOf includes findIndex search
lastIndexOf indexOf
includes startsWith indexOf has some
startsWith endsWith includes
endsWith startsWith includes
map forEach flatMap filter
forEach map
flatMap map
filter map find some
find filter findLast findIndex
findIndex findLastIndex indexOf
some every includes
every some
reduce reduceRight
reduceRight reduce
keys values entries getOwnPropertyNames
values keys entries
entries keys values
getOwnPropertyNames keys
toLowerCase toUpperCase toLocaleLowerCase
toUpperCase toLowerCase
padStart padEnd
padEnd padStart
trim trimStart trimEnd
trimStart trimEnd trim
trimEnd trimStart trim
floor ceil round trunc
ceil floor round
round floor ceil trunc
trunc floor round
min max
max min
abs sign
replace replaceAll
replaceAll replace
match matchAll exec test
exec match test
test exec
parseInt parseFloat Number
parseFloat parseInt Number
Number parseFloat parseInt String
String Number
encodeURIComponent encodeURI escape
encodeURI encodeURIComponent
decodeURIComponent decodeURI unescape
decodeURI decodeURIComponent
isNaN isFinite isInteger
isFinite isInteger isNaN
isInteger isFinite isSafeInteger
isSafeInteger isInteger
charAt charCodeAt at
charCodeAt codePointAt charAt
codePointAt charCodeAt
fromCharCode fromCodePoint
fromCodePoint fromCharCode
join concat
split match
sort reverse
reverse sort
call apply bind
apply call
get has
has get
set add
add set delete
delete add
sqrt cbrt
pow sqrt
sin cos tan
cos sin
log log2 log10
log2 log log10
log10 log
exp log
sinh cosh sin
cosh sinh cos
atan atan2 tan
atan2 atan
resolve reject
reject resolve
all allSettled race
race all any
then catch finally
getDay getDate
getDate getDay getUTCDate
getFullYear getUTCFullYear getYear
getMonth getUTCMonth
getHours getUTCHours getMinutes
TypeError RangeError Error SyntaxError
RangeError TypeError Error
Error TypeError RangeError SyntaxError
SyntaxError TypeError Error
stringify parse
parse stringify
toString valueOf toJSON
valueOf toString
hasOwnProperty hasOwn propertyIsEnumerable
hasOwn hasOwnProperty
freeze seal
on once
once on
Set Map WeakSet
Map Set WeakMap
assign defineProperties
toFixed toPrecision
toPrecision toFixed
isArray isBuffer
"""
_READING = frozenset(
    ("subscript_expression", "arguments", "return_statement", "binary_expression", "variable_declarator",
     "assignment_expression", "pair")
)  # fmt: skip
_BINDING = frozenset(
    ("formal_parameters", "array_pattern", "object_pattern", "import_specifier", "import_clause",
     "namespace_import", "export_specifier", "rest_pattern", "required_parameter", "optional_parameter",
     "labeled_statement", "catch_clause")
)  # fmt: skip
RELATED = {line.split()[0]: line.split()[1:] for line in _RELATED_TEXT.strip().splitlines()}


@lru_cache(maxsize=50_000)
def compare_names(one: str, other: str) -> float:
    """The similarity of two names, from 0 to 1."""
    return difflib.SequenceMatcher(None, one.lower()[:60], other.lower()[:60], autojunk=False).ratio()


def change_variables(source: SourceFile, node: Node, clues: JsClues) -> Iterator[JsEdit]:
    """Another variable that can be seen here: of the same function first, and with a name that is like it."""
    if node.type not in ("identifier", "shorthand_property_identifier", "this"):
        return
    above = source.parent(node)
    if above is None or _is_bound(source, above, node):
        return
    text = source.text(node)
    called = above.type in ("call_expression", "new_expression") and _is_field(
        above, "function" if above.type == "call_expression" else "constructor", node
    )
    undeclared = text in clues.missing
    names = [each for each in source.list_names(node) if each.text != text]
    own = next((each for each in source.list_names(node) if each.text == text), None)
    rated = [(_rate(each, own, text, called=called), each.text) for each in names]
    rated = sorted(((weight, name) for weight, name in rated if weight > 0.02), key=lambda each: -each[0])
    for number, (weight, name) in enumerate(rated[:_MOST]):
        new = f"{text}: {name}" if node.type == "shorthand_property_identifier" else name
        template = "called-name" if called else "name" if undeclared else "variable"
        yield replace_node(node, new, template, (weight + 0.6 * undeclared) * 0.93**number)
    for number, name in enumerate(RELATED.get(text, ())):
        if called or above.type == "member_expression":
            yield replace_node(node, name, "called-name", 0.5 * 0.8**number)


def _rate(name: Name, own: Name | None, text: str, *, called: bool) -> float:
    likeness = compare_names(name.text, text)
    callable_ = name.kind in ("function", "class", "import")
    if called != callable_ and not (called and name.kind in ("parameter", "variable") and likeness > 0.6):
        return 0.1 * likeness if called or callable_ else 0.0
    near = (0.45, 0.2, 0.12)[min(name.far, 2)]
    same = 0.1 if own is not None and (own.kind, own.far) == (name.kind, name.far) else 0.0
    return near + same + 0.3 * likeness


def _is_field(above: Node, name: str, node: Node) -> bool:
    child = above.child_by_field_name(name)
    return child is not None and child.id == node.id


def _is_bound(source: SourceFile, above: Node, node: Node) -> bool:
    """Whether an identifier stands where a name is declared and not read."""
    if above.type in _BINDING:
        return True
    if above.type in ("assignment_pattern", "object_assignment_pattern", "for_in_statement"):
        return _is_field(above, "left", node)
    if above.type in ("variable_declarator", "class_declaration") or above.type in FUNCTIONS:
        return _is_field(above, "name", node) or _is_field(above, "parameter", node)
    return False


def change_properties(source: SourceFile, node: Node, clues: JsClues) -> Iterator[JsEdit]:
    """Another property of the same object, or a related method; ``?.`` where the object may not be there."""
    if node.type != "member_expression":
        return
    owner, name = node.child_by_field_name("object"), node.child_by_field_name("property")
    if owner is None or name is None:
        return
    text, object_text = source.text(name), source.text(owner)
    above = source.parent(node)
    called = above is not None and above.type == "call_expression" and _is_field(above, "function", node)
    for number, other in enumerate(RELATED.get(text, ())):
        yield replace_node(name, other, "called-name", 0.65 * 0.8**number)
    known = source.properties.get(object_text, {})
    rated = []
    for other in source.property_counts:
        if other == text or (called and other in RELATED) or not other.isidentifier():
            continue
        likeness = compare_names(other, text)
        weight = (0.4 if other in known else 0.08) + 0.3 * likeness + 0.1 * (other in clues.words)
        rated.append((weight, other))
    rated.sort(key=lambda each: -each[0])
    for number, (weight, other) in enumerate(rated[:_MOST]):
        yield replace_node(name, other, "attribute", weight * 0.93**number)
    for other in _name_target(source, node):
        if other != text and not called:
            yield replace_node(name, other, "attribute", 0.6)
    optional = node.child_by_field_name("optional_chain") is not None
    if not optional and above is not None and not _is_field(above, "left", node):
        dot = name.start_byte - 1
        if source.data[dot : dot + 1] == b".":
            weight = 0.9 if text in clues.missing else 0.06
            yield insert_at(dot, "?", "fallback", weight)
            if text in clues.missing and owner.type in ("identifier", "member_expression"):
                yield replace_node(node, f"({object_text} || {{}}).{text}", "fallback", 0.3)
    names = [each for each in source.list_names(node) if each.kind in ("parameter", "variable")]
    if owner.type == "this":
        for each in names[:4]:
            yield replace_node(owner, each.text, "other-object", 0.12)
        if text in {each.text for each in names}:
            yield replace_node(node, text, "variable", 0.4)
    if owner.type == "identifier" and "this" in source.properties and text in source.properties["this"]:
        yield replace_node(owner, "this", "other-object", 0.25)
    if owner.type == "member_expression":
        inner = owner.child_by_field_name("object")
        if inner is not None:
            yield replace_node(owner, source.text(inner), "attribute", 0.12)


def _name_target(source: SourceFile, node: Node) -> Iterator[str]:
    """The name of what a value is for: of the variable or the property that it is put into."""
    above = source.parent(node)
    while above is not None and above.type not in FUNCTIONS:
        field_name = {"variable_declarator": "name", "assignment_expression": "left", "pair": "key"}.get(
            above.type
        )
        target = above.child_by_field_name(field_name) if field_name else None
        if target is not None:
            yield source.text(target).rpartition(".")[2].strip("'\"")
            return
        above = source.parent(above)


def name_literals(source: SourceFile, node: Node, _: JsClues) -> Iterator[JsEdit]:
    """A variable in a literal's place: an index that stays the same, a value that has a name."""
    if node.type not in ("number", "string", "true", "false", "null"):
        return
    above = source.parent(node)
    indexed = above is not None and above.type == "subscript_expression"
    if above is None or above.type not in _READING:
        return
    names = [
        each for each in source.list_names(node) if each.kind in ("parameter", "variable") and each.far < 2
    ]
    for number, each in enumerate(names[:6]):
        weight = (0.5 if indexed and len(each.text) < 4 else 0.3 if indexed else 0.15) * (
            0.9 if each.far else 1
        )
        yield replace_node(node, each.text, "variable", weight * 0.93**number)


def index_otherwise(source: SourceFile, node: Node, _: JsClues) -> Iterator[JsEdit]:
    """``a[i]`` for ``a`` and ``a`` for ``a[i]``; ``a.b`` for ``a[b]`` and the other way round."""
    if node.type != "subscript_expression":
        return
    owner, index = node.child_by_field_name("object"), node.child_by_field_name("index")
    if owner is None or index is None:
        return
    yield replace_node(node, source.text(owner), "needless-index", 0.15)
    if index.type == "string":
        own, quote = source.text(index)[1:-1], source.text(index)[0]
        counts = source.keys.get(source.text(owner), {})
        others = sorted((each for each in counts if each != own), key=lambda each: -counts[each])
        for number, other in enumerate(others[:_MOST]):
            yield replace_node(index, f"{quote}{other}{quote}", "attribute", 0.45 * 0.9**number)
    if index.type == "number":
        value = source.text(index)
        last = f"{source.text(owner)}.length - 1"
        if value == "0":
            yield replace_node(index, last, "slice", 0.25)
    elif source.text(index).endswith(".length - 1"):
        yield replace_node(index, "0", "slice", 0.3)

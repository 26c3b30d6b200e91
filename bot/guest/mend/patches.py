"""Edits as the fork server swaps them into living code: functions, their defaults, values made on import."""

from __future__ import annotations
import __future__

import ast
from collections.abc import Iterator

from .source import FUNCTIONS, Source, TextEdit, apply_edits, find_first_line

Patch = dict[str, object]
_FLAGS = {name: getattr(__future__, name).compiler_flag for name in __future__.all_feature_names}


def in_body(source: Source, offset: int) -> bool:
    """Whether a change at ``offset`` lies in a function's body, so that living functions can take it."""
    return body_function(source, source.line_of(offset)) is not None


def body_function(source: Source, line: int) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """The outermost function whose body covers ``line``; None on signatures and outside."""
    found = source.bodies
    if found is None:
        found = {}
        stack: list[ast.AST] = [source.tree]
        while stack:
            node = stack.pop()
            if isinstance(node, FUNCTIONS):
                after = (node.end_lineno or node.lineno) + 2  # a line put behind the last one is in the body
                first = find_first_line(node.body[0])
                if first > node.lineno:
                    found.update(dict.fromkeys(range(first, after), node))
            else:
                stack.extend(ast.iter_child_nodes(node))
        source.bodies = found
    return found.get(line)


def make_patches(
    source: Source, edits: tuple[TextEdit, ...], root: str, *, values: bool = False
) -> list[Patch] | None:
    """What the fork server needs to swap a change into living code; None when a fresh import is needed.

    With ``values`` defaults of functions and values that are made on import are swapped as well: where that
    makes a test pass a fresh import has to show it once more, where it does not, one may yet.
    Raises ValueError when edits overlap.
    """
    groups: dict[ast.stmt, list[TextEdit]] = {}
    for edit in edits:
        function = body_function(source, source.line_of(edit.start))
        place: ast.stmt | None = function or (_find_loaded(source, edit) if values else None)
        if place is None:
            return None
        groups.setdefault(place, []).append(edit)
    made: list[Patch] = []
    for changed, group in groups.items():
        if isinstance(changed, FUNCTIONS):
            patch = _patch_function(source, changed, group)
        else:
            patch = _patch_value(source, changed, group)
        if patch is None:
            return None
        made.append({"path": f"{root}/{source.path}", "flags": find_future_flags(source), **patch})
    return made


def _patch_function(
    source: Source, changed: ast.FunctionDef | ast.AsyncFunctionDef, group: list[TextEdit]
) -> Patch | None:
    first = find_first_line(changed)
    start = source.starts[first - 1]
    end = max(source.span(changed)[1], *(each.end for each in group))
    moved = [TextEdit(each.start - start, each.end - start, each.new) for each in group]
    heads = [
        f"{' ' * depth}{f'class {each.name}:' if isinstance(each, ast.ClassDef) else 'if 1:'}\n"
        for depth, each in enumerate(reversed([*source.ancestors(changed)][:-1]))
    ]
    if first <= len(heads) or (
        source.text[start : source.span(changed)[0]].strip() and first == changed.lineno
    ):
        return None
    patch: Patch = {
        "line": first - len(heads),
        "text": "".join(heads) + apply_edits(source.text[start:end], moved),
        "name": source.qualname(changed),
    }
    if any(body_function(source, source.line_of(each.start)) is None for each in group):
        patch["defaults"] = True
    return patch


def _find_loaded(source: Source, edit: TextEdit) -> ast.stmt | None:
    """The assignment of a module or a class, or the function by its parameters, that an edit lies in."""
    for node in _walk_loaded(source.tree.body):
        start, end = source.span(node)
        if not start <= edit.start <= edit.end <= end:
            continue
        if isinstance(node, FUNCTIONS):
            return node if edit.end <= source.span(node.body[0])[0] else None
        return node
    return None


def _walk_loaded(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from _walk_loaded(node.body)
        elif isinstance(node, FUNCTIONS) or (_is_plain(node) and not set(_list_altered(node))):
            yield node


_PLAIN_TEXT = (
    "compile dict set frozenset tuple list str int float len sorted range zip bytes join format split "
    "replace strip lower upper encode escape items keys values get union copy OrderedDict Decimal "
    "Fraction timedelta itemgetter attrgetter min max sum abs round fromkeys object repr ord chr type "
    "partial"
)
_PLAIN_CALLS = frozenset(_PLAIN_TEXT.split())


def _is_plain(node: ast.stmt) -> bool:
    """Whether it is an assignment that does nothing else when it runs twice."""
    if not (isinstance(node, ast.Assign) or (isinstance(node, ast.AnnAssign) and node.value)):
        return False
    called = [each.func for each in ast.walk(node) if isinstance(each, ast.Call)]
    return all(getattr(each, "attr", getattr(each, "id", "")) in _PLAIN_CALLS for each in called)


def _patch_value(source: Source, changed: ast.stmt, group: list[TextEdit]) -> Patch:
    """The assignment as it is meant, with those after it that are made of its names."""
    start, end = source.span(changed)
    moved = [TextEdit(each.start - start, each.end - start, each.new) for each in group]
    texts = [apply_edits(source.text[start:end], moved)]
    names = set(_list_targets(changed))
    block = source.block(changed)
    for later in block[block.index(changed) + 1 :]:
        if _is_plain(later) and names.issuperset(_list_altered(later)):
            read = {
                each.id
                for each in ast.walk(later)
                if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load)
            }
            if read & names:
                texts.append(source.segment(later))
                names |= set(_list_targets(later))
    owner = source.owner(changed)
    return {
        "line": changed.lineno,
        "text": "\n".join(texts),
        "owner": source.qualname(owner) if owner is not None else "",
    }


def _list_altered(node: ast.stmt) -> Iterator[str]:
    """What an assignment alters instead of naming it anew, "" where that has no name: ``TABLE["a"] = 1``.

    Only in an object that the change itself made that leaves nothing behind.
    """
    for target in node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]:
        for each in ast.walk(target) if target is not None else ():
            if isinstance(each, ast.Subscript | ast.Attribute) and isinstance(each.ctx, ast.Store):
                yield each.value.id if isinstance(each.value, ast.Name) else ""


def _list_targets(node: ast.stmt) -> Iterator[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    for each in targets:
        for name in ast.walk(each) if each is not None else ():
            if isinstance(name, ast.Name):
                yield name.id


def find_future_flags(source: Source) -> int:
    """The compiler flags of the file's ``from __future__`` imports."""
    value = 0
    for node in source.tree.body:
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            for alias in node.names:
                value |= _FLAGS.get(alias.name, 0)
    return value

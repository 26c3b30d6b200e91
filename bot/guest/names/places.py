"""Where a name has to be written differently: scopes by Python's own rules, imports followed by name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from .index import FUNCTIONS, SCOPES, Definition, Index, SourceFile


@dataclass(frozen=True, slots=True)
class NameUse:
    """The character offset in a file where the old name begins."""

    path: str
    offset: int


def module_places(index: Index, target: list[Definition], new: str, refused: type[Exception]) -> set[NameUse]:
    """A module's function, class or variable: its own module, and every module that imports it."""
    name, home = target[0].name, index.files[target[0].path]
    places: set[NameUse] = set()
    done: set[str] = set()
    todo = [home, *(index.files[each.path] for each in target[1:])]  # a stub beside the module is one more
    while todo:
        file = todo.pop()
        if file.path in done:
            continue
        done.add(file.path)
        _refuse_taken_name(file, new, name, refused)
        places |= set(_global_reads(file, name)) | set(_find_in_all(file, name))
        for other in index.files.values():
            if other.path == file.path:
                continue
            hits, exported = _find_imported_uses(other, file, name)
            if exported and other.path not in done:
                todo.append(other)
            places |= hits
    return places


def _refuse_taken_name(file: SourceFile, new: str, old: str, refused: type[Exception]) -> None:
    """The new name must not be bound, nor read, anywhere in a file whose names change."""
    for node in ast.walk(file.tree):
        names = {getattr(node, "id", None), getattr(node, "arg", None) if isinstance(node, ast.arg) else None}
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)) and not _in_class(file, node):
            names.add(node.name)
        if isinstance(node, ast.alias):
            names.add(node.asname or node.name.partition(".")[0])
        if new in names:
            line = getattr(node, "lineno", 0)
            raise refused(
                f"`{new}` is used already in `{file.path}:{line}`, so renaming `{old}` could mix them up"
            )


def _in_class(file: SourceFile, node: ast.AST) -> bool:
    return isinstance(file.parents.get(node), ast.ClassDef)


def _locate(file: SourceFile, line: int, column: int) -> NameUse:
    return NameUse(file.path, file.offset(line, column))


def _find_in_head(file: SourceFile, node: ast.AST, name: str) -> NameUse:
    """The position of ``name`` in a ``def`` or ``class`` line, or in an import's part."""
    start = file.offset(node.lineno, node.col_offset)  # type: ignore[attr-defined]
    match = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)").search(file.text, start)
    return NameUse(file.path, match.start() if match else start)


def _global_reads(file: SourceFile, name: str) -> Iterator[NameUse]:
    """Every place in the file whose ``name`` is the module's."""
    for node in ast.walk(file.tree):
        if isinstance(node, ast.Name) and node.id == name and not _is_shadowed(file, node, name):
            yield _locate(file, node.lineno, node.col_offset)
        elif isinstance(node, (*FUNCTIONS, ast.ClassDef)) and node.name == name:
            if not any(isinstance(each, SCOPES) for each in file.up(node)):
                yield _find_in_head(file, node, name)
        elif isinstance(node, ast.Global) and name in node.names:
            yield _find_in_head(file, node, name)


def _is_shadowed(file: SourceFile, node: ast.AST, name: str) -> bool:
    """Whether a function or class between the node and the module binds the name itself."""
    inner = True
    for scope in file.up(node):
        if (
            isinstance(scope, (*FUNCTIONS, ast.Lambda))
            and _binds(file, scope, name)
            and _inside(file, node, scope)
        ):
            return True
        if isinstance(scope, ast.ClassDef) and inner and _binds(file, scope, name):
            return True
        if isinstance(scope, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            targets = {e.id for g in scope.generators for e in ast.walk(g.target) if isinstance(e, ast.Name)}
            if name in targets:
                return True
        inner = inner and not isinstance(scope, (*FUNCTIONS, ast.Lambda))
    return False


def _inside(file: SourceFile, node: ast.AST, scope: ast.AST) -> bool:
    """Defaults, decorators and annotations of a function are read in the scope around it."""
    if isinstance(scope, ast.Lambda):
        return True
    chain = [node, *file.up(node)]
    child = chain[chain.index(scope) - 1]
    if child in getattr(scope, "decorator_list", ()) or child is getattr(scope, "returns", None):
        return False
    return not (isinstance(child, ast.arguments) and not isinstance(node, ast.arg))


def _binds(file: SourceFile, scope: ast.AST, name: str) -> bool:
    bound = False
    for node in _walk_scope(scope):
        if isinstance(node, (ast.Global, ast.Nonlocal)) and name in node.names:
            return False
        match node:
            case ast.Name(id=found, ctx=ast.Store() | ast.Del()) | ast.arg(arg=found):
                bound |= found == name
            case ast.FunctionDef(name=found) | ast.AsyncFunctionDef(name=found) | ast.ClassDef(name=found):
                bound |= found == name
            case ast.alias(name=found, asname=alias):
                bound |= (alias or found.partition(".")[0]) == name
            case ast.ExceptHandler(name=found) | ast.MatchAs(name=found) | ast.MatchStar(name=found):
                bound |= found == name
    return bound


def _walk_scope(scope: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a scope; of scopes inside it their heads only."""
    stack = list(ast.iter_child_nodes(scope))
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, SCOPES):
            stack.extend(ast.iter_child_nodes(node))


def _find_in_all(file: SourceFile, name: str) -> Iterator[NameUse]:
    """The name as a string in ``__all__``."""
    for node in ast.walk(file.tree):
        match node:
            case (
                ast.Assign(targets=[ast.Name(id="__all__")], value=value)
                | ast.AugAssign(target=ast.Name(id="__all__"), value=value)
            ):
                for each in ast.walk(value):
                    if isinstance(each, ast.Constant) and each.value == name:
                        yield _find_in_head(file, each, name)


def _find_imported_uses(file: SourceFile, home: SourceFile, name: str) -> tuple[set[NameUse], bool]:
    """Places in another file, and whether the name is now bound there under its own name."""
    places: set[NameUse] = set()
    exported = False
    prefixes: set[str] = set()
    for node in ast.walk(file.tree):
        if isinstance(node, ast.ImportFrom):
            source = _resolve_import(file, node)
            for alias in node.names:
                if source in home.modules and alias.name == name:
                    places.add(_find_in_head(file, alias, name))
                    exported |= alias.asname in (None, name)
                elif source in home.modules and alias.name == "*":
                    exported = True
                elif f"{source}.{alias.name}".lstrip(".") in home.modules:
                    prefixes.add(alias.asname or alias.name)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name in home.modules:
                    prefixes.add(alias.asname or alias.name)
    for node in ast.walk(file.tree):
        if isinstance(node, ast.Attribute) and node.attr == name and ast.unparse(node.value) in prefixes:
            places.add(_locate_attribute(file, node))
    return places, exported


def _resolve_import(file: SourceFile, node: ast.ImportFrom) -> str:
    """The module an import names, relative ones made absolute from the repository's root."""
    if not node.level:
        return node.module or ""
    parts = list(file.path.removesuffix(".py").split("/"))
    parts = parts[: len(parts) - node.level]
    return ".".join([*parts, *([node.module] if node.module else [])])


def _locate_attribute(file: SourceFile, node: ast.Attribute) -> NameUse:
    end = file.offset(node.end_lineno or 0, node.end_col_offset or 0)
    return NameUse(file.path, end - len(node.attr))


def attribute_places(
    index: Index, target: list[Definition], family: set[str], strangers: set[str], refused: type[Exception]
) -> set[NameUse]:
    """A method or attribute: every ``.name``, the definitions, fields given by keyword to the class.

    Where classes that are no relatives, the ``strangers``, have the same name, each ``.name`` must be told by
    what stands before the dot; refuses one that cannot be.
    """
    name = target[0].name
    places: set[NameUse] = set()
    for each in target:
        file = index.files[each.path]
        if not isinstance(each.node, ast.Attribute):
            places.add(_find_in_head(file, each.node, name))
    for file in index.files.values():
        for node in ast.walk(file.tree):
            match node:
                case ast.Attribute(attr=attr) if attr == name:
                    receiver = _find_receiver(file, node.value) if strangers else ""
                    if receiver in strangers:
                        continue
                    if strangers and receiver not in family:
                        raise refused(
                            f"`{ast.unparse(node)}` in `{file.path}:{node.lineno}` may be of another class: "
                            f"{', '.join(f'`{each}`' for each in sorted(strangers)[:3])} has a `{name}` too"
                        )
                    places.add(_locate_attribute(file, node))
                case ast.Name(id=found) if found == name:
                    owner = next((each for each in file.up(node) if isinstance(each, SCOPES)), None)
                    if isinstance(owner, ast.ClassDef) and owner.name in family:
                        places.add(_locate(file, node.lineno, node.col_offset))
                case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called), keywords=keywords):
                    if called in family and any(each.kind == "attribute" for each in target):
                        fields = not any(_has_init(index, each) for each in family)
                        places |= {
                            _locate(file, each.lineno, each.col_offset)
                            for each in keywords
                            if each.arg == name and fields
                        }
    return places


def _find_receiver(file: SourceFile, node: ast.expr) -> str:
    """The class that an expression is an object of, as far as its scope says so; "" when it does not."""
    match node:
        case ast.Call(func=ast.Name(id=made) | ast.Attribute(attr=made)):
            return made
        case ast.Name(id="self" | "cls"):
            return next((each.name for each in file.up(node) if isinstance(each, ast.ClassDef)), "")
        case ast.Name(id=name):
            for scope in file.up(node):
                if isinstance(scope, (*FUNCTIONS, ast.Module)) and (known := _list_types(scope, name)):
                    return known.pop() if len(known) == 1 else ""
            return name  # the class itself, if it is one
    return ""


def _list_types(scope: ast.AST, name: str) -> set[str]:
    """The classes that a name is annotated with, or bound to objects of, in a scope; "" for anything else."""
    found: set[str] = set()
    for node in ast.walk(scope):
        match node:
            case ast.arg(arg=each) if each == name:
                found.add(_read_class(node.annotation))
            case ast.AnnAssign(target=ast.Name(id=each)) if each == name:
                found.add(_read_class(node.annotation))
            case ast.Assign(targets=targets, value=value):
                if any(isinstance(each, ast.Name) and each.id == name for each in targets):
                    match value:
                        case ast.Call(func=ast.Name(id=made) | ast.Attribute(attr=made)):
                            found.add(made)
                        case _:
                            found.add("")
            case ast.For(target=ast.Name(id=each)) | ast.comprehension(target=ast.Name(id=each)):
                if each == name:
                    found.add("")
    return found


def _read_class(node: ast.expr | None) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Constant(value=str(name)):
            return name.rpartition(".")[2]
    return ""


def _has_init(index: Index, name: str) -> bool:
    return any(
        each.kind == "method" and each.owner.rpartition(".")[2] == name for each in index.find("__init__")
    )


def local_places(
    file: SourceFile, target: list[Definition], new: str, refused: type[Exception]
) -> set[NameUse]:
    """A local name or parameter: its function, and for a parameter refuses when callers give it by name."""
    name = target[0].name
    scope = next(each for each in file.up(target[0].node) if isinstance(each, FUNCTIONS))
    places: set[NameUse] = set()
    for node in ast.walk(scope):
        if isinstance(node, (ast.Name, ast.arg)):
            found = node.id if isinstance(node, ast.Name) else node.arg
            if found == new:
                raise refused(f"`{new}` is used already in `{file.path}:{node.lineno}`")
            owner = next((each for each in file.up(node) if isinstance(each, (*FUNCTIONS, ast.Lambda))), None)
            if found == name and (owner is scope or not _binds(file, owner or scope, name)):
                places.add(_locate(file, node.lineno, node.col_offset))
        elif isinstance(node, (ast.Nonlocal, ast.Global)) and name in node.names:
            raise refused(f"`{name}` is declared `nonlocal` or `global` in `{file.path}:{node.lineno}`")
    return places


def keyword_places(index: Index, function: str, name: str) -> set[NameUse]:
    """Where calls of a function (by its last name) give the parameter ``name`` by keyword."""
    places: set[NameUse] = set()
    for file in index.files.values():
        for node in ast.walk(file.tree):
            match node:
                case ast.Call(func=ast.Name(id=called) | ast.Attribute(attr=called), keywords=keywords):
                    if called == function:
                        places |= {
                            _locate(file, each.lineno, each.col_offset)
                            for each in keywords
                            if each.arg == name
                        }
    return places

"""Suspicious places that run on import only, so that no test's trace has them: tables, patterns, defaults."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

from ..layout import find_import_roots, is_test
from ..source import FUNCTIONS, Source

Lines = dict[tuple[str, int], float]
MOST_FILES = 6  # that are read for what they give to others


def add_loaded(lines: Lines, sources: Mapping[str, Source]) -> None:
    """Module and class level assignments that suspicious functions read: their lines run on import only."""
    for path, source in sources.items():
        used: dict[str, float] = {}
        for node in ast.walk(source.tree):
            name = (
                node.id
                if isinstance(node, ast.Name)
                else node.attr
                if isinstance(node, ast.Attribute)
                else ""
            )
            if name:
                used[name] = max(used.get(name, 0.0), lines.get((path, node.lineno), 0.0))  # type: ignore[attr-defined]
        for node in ast.walk(source.tree):
            if isinstance(node, (ast.Assign, ast.AnnAssign)) and source.function(node) is None and node.value:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                score = max((used.get(_find_name(each), 0.0) for each in targets), default=0.0)
                for line in range(node.lineno, (node.end_lineno or node.lineno) + 1):
                    if score and (path, line) not in lines:
                        lines[path, line] = 0.6 * score
            elif isinstance(node, FUNCTIONS) and node.body:
                inside = range(node.body[0].lineno, (node.end_lineno or node.lineno) + 1)
                score = max((lines.get((path, line), 0.0) for line in inside), default=0.0)
                if score and (node.args.defaults or node.args.kw_defaults or node.decorator_list):
                    for line in range(source.statement(node).lineno, node.body[0].lineno):  # type: ignore[union-attr]
                        lines.setdefault((path, line), 0.7 * score)


def _find_name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def add_imported(lines: Lines, sources: dict[str, Source], root: Path) -> None:
    """Assignments of other modules whose names suspicious lines read: ``from .tables import SIGNS``.

    What files are read for it comes into ``sources``.
    """
    wanted: dict[str, dict[str, float]] = {}
    for path, source in list(sources.items()):
        names = dict(_list_imports(source, root))
        for node in ast.walk(source.tree) if names else ():
            score = lines.get((path, getattr(node, "lineno", 0)), 0.0)
            match node:
                case ast.Name(id=name) if score and name in names and names[name][1]:
                    file, given = names[name]
                case ast.Attribute(value=ast.Name(id=name), attr=given) if (
                    score and name in names and not names[name][1]
                ):
                    file = names[name][0]
                case _:
                    continue
            known = wanted.setdefault(file, {})
            known[given] = max(score, known.get(given, 0.0))
    worst = sorted(wanted, key=lambda file: -max(wanted[file].values()))
    for file in worst[:MOST_FILES]:
        _add_given(lines, sources, root, file, wanted[file])


def _add_given(
    lines: Lines, sources: dict[str, Source], root: Path, file: str, wanted: Mapping[str, float]
) -> None:
    try:
        source = sources.get(file) or Source.read(root, file)
    except (OSError, SyntaxError, ValueError):
        return
    for node in source.tree.body:
        if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
            continue
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        score = max((wanted.get(_find_name(each), 0.0) for each in targets), default=0.0)
        if score:
            sources.setdefault(file, source)
            for line in range(node.lineno, (node.end_lineno or node.lineno) + 1):
                lines.setdefault((file, line), 0.6 * score)


def _list_imports(source: Source, root: Path) -> Iterator[tuple[str, tuple[str, str]]]:
    """Names that a file imports of the repository: (name, (file, name there)), "" there for a module."""
    roots = [Path(each) for each in find_import_roots(root)]
    for node in source.tree.body:
        if isinstance(node, ast.ImportFrom):
            folders = [(root / source.path).parents[node.level - 1]] if node.level else roots
            parts = node.module.split(".") if node.module else []
            for alias in node.names:
                local = alias.asname or alias.name
                if module := _find_module(root, folders, [*parts, alias.name]):
                    yield local, (module, "")
                elif parts and (module := _find_module(root, folders, parts)):
                    yield local, (module, alias.name)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.asname or "." not in alias.name:
                    module = _find_module(root, roots, alias.name.split("."))
                    if module:
                        yield alias.asname or alias.name, (module, "")


def _find_module(root: Path, folders: list[Path], parts: list[str]) -> str:
    """The file of a module below ``root``, relative to it; "" when there is none, or when it is a test."""
    for folder in folders:
        base = folder.joinpath(*parts)
        for file in (base.with_suffix(".py"), base / "__init__.py"):
            if file.is_file() and file.is_relative_to(root):
                found = str(file.relative_to(root))
                return "" if is_test(found) else found
    return ""

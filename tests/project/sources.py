"""What the rules of the project ask of its source files, read once for all tests of a process.

Parsing them all takes seconds, and their trees some hundred megabytes: a tree is dropped when it is read.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")


@dataclass(frozen=True, slots=True)
class Imported:
    """One import statement: ``from base import names``, or ``import names`` where ``base`` is empty."""

    base: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """A file's imports, whether it begins with a docstring, and the attributes of ``os.environ`` it names."""

    imports: tuple[Imported, ...]
    has_docstring: bool
    reads_environment: bool


@cache
def read_facts(path: Path, module: str) -> SourceFacts:
    """The facts of a file that is imported as ``module``; relative imports are resolved."""
    text = path.read_text("utf-8")
    tree = ast.parse(text)
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    return SourceFacts(
        imports=tuple(_resolve(node, package) for node in list_imports(tree)),
        has_docstring=bool(ast.get_docstring(tree)),
        reads_environment=_reads_environment(text, tree),
    )


def list_imports(tree: ast.Module) -> Iterator[ast.Import | ast.ImportFrom]:
    """Every import of a file, in functions and branches too: statements stand in blocks only."""
    left: list[ast.AST] = [tree]
    while left:
        node = left.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        for block in _BLOCKS:
            left += getattr(node, block, ())


def _resolve(node: ast.Import | ast.ImportFrom, package: list[str]) -> Imported:
    names = tuple(alias.name for alias in node.names)
    if isinstance(node, ast.Import):
        return Imported("", names)
    above = package[: len(package) - node.level + 1] if node.level else []
    return Imported(".".join([*above, *([node.module] if node.module else [])]), names)


def _reads_environment(text: str, tree: ast.Module) -> bool:
    names = ("environ", "getenv")
    if text.isascii() and not any(name in text for name in names):
        return False  # no attribute is called what nowhere stands
    return any(isinstance(node, ast.Attribute) and node.attr in names for node in ast.walk(tree))

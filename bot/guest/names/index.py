"""The repository's Python files, parsed, and every definition in them."""

from __future__ import annotations

import ast
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

SKIPPED = {".git", ".hg", ".tox", ".nox", ".venv", "venv", "node_modules", "build", "dist", "__pycache__"}
MOST_FILES = 20_000
LARGEST = 2 << 20  # bytes of a file that is looked at
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
SCOPES = (*FUNCTIONS, ast.ClassDef, ast.Lambda)
_BREAK = re.compile(r"\r\n|\r|\n")  # where ``ast`` counts a new line; str.splitlines knows more


@dataclass(frozen=True, slots=True)
class Definition:
    """One place that binds a name. ``owner``: the dotted name of the class or function it is in."""

    path: str
    line: int
    name: str
    owner: str
    kind: str  # function, method, class, variable, attribute, parameter, local
    node: ast.AST

    @property
    def dotted(self) -> str:
        """The name with that of its class: ``Cart.total``."""
        return f"{self.owner}.{self.name}" if self.owner else self.name


@dataclass(slots=True)
class SourceFile:
    """One parsed file. ``text`` keeps its line ends."""

    path: str
    text: str
    encoding: str
    tree: ast.Module
    parents: dict[ast.AST, ast.AST] = field(default_factory=dict)
    definitions: list[Definition] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)

    def offset(self, line: int, column: int) -> int:
        """The character offset of ``ast``'s (line, UTF-8 column)."""
        self.starts = self.starts or [0, *(each.end() for each in _BREAK.finditer(self.text))]
        start = self.starts[line - 1]
        return start + len(self.text[start : start + column].encode()[:column].decode(errors="ignore"))

    @property
    def modules(self) -> tuple[str, ...]:
        """The dotted names this file may be imported by, the longest first."""
        parts = list(Path(self.path).with_suffix("").parts)
        if parts[-1] == "__init__":
            parts.pop()
        return tuple(".".join(parts[i:]) for i in range(len(parts)))

    def up(self, node: ast.AST) -> Iterator[ast.AST]:
        """The nodes around ``node``, innermost first."""
        while (parent := self.parents.get(node)) is not None:
            yield parent
            node = parent

    def owner(self, node: ast.AST) -> str:
        """Dotted name of the classes and functions around ``node``."""
        names = [each.name for each in self.up(node) if isinstance(each, (*FUNCTIONS, ast.ClassDef))]
        return ".".join(reversed(names))


@dataclass(slots=True)
class Index:
    """Everything that was read. ``broken``: files that are not valid Python."""

    root: Path
    files: dict[str, SourceFile] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)

    def find(self, name: str) -> list[Definition]:
        """Definitions of ``name``; a dotted one must fit the owner's, or the module's, last parts."""
        head, _, last = name.rpartition(".")
        found = []
        for file in self.files.values():
            for each in file.definitions:
                if each.name == last and (not head or _fits(head, each.owner, file.modules)):
                    found.append(each)
        return found


def _fits(head: str, owner: str, modules: tuple[str, ...]) -> bool:
    full = {owner} | {f"{module}.{owner}".rstrip(".") for module in modules if module}
    return any(each == head or each.endswith(f".{head}") for each in full)


def read(root: Path) -> Index:
    """Parse every Python file below ``root`` that is not somebody else's."""
    index = Index(root)
    stack = [root]
    while stack and len(index.files) < MOST_FILES:
        for entry in sorted(stack.pop().iterdir()):
            if entry.is_symlink() or entry.name in SKIPPED or entry.name.endswith(".egg-info"):
                continue
            if entry.is_dir():
                stack.append(entry)
            elif entry.suffix in (".py", ".pyi") and entry.stat().st_size < LARGEST:
                _add(index, entry)
    return index


def _add(index: Index, path: Path) -> None:
    name = path.relative_to(index.root).as_posix()
    try:
        data = path.read_bytes()
        encoding, _ = tokenize.detect_encoding(BytesIO(data).readline)
        text = data.decode(encoding)
        file = SourceFile(name, text, encoding, ast.parse(text))
    except (OSError, ValueError, SyntaxError):
        index.broken.append(name)
        return
    for parent in ast.walk(file.tree):
        for child in ast.iter_child_nodes(parent):
            file.parents[child] = parent
    file.definitions = list(_definitions(file))
    index.files[name] = file


def _definitions(file: SourceFile) -> Iterator[Definition]:
    for node in ast.walk(file.tree):
        owner = file.owner(node)
        scope = next((each for each in file.up(node) if isinstance(each, SCOPES)), None)
        inside = isinstance(scope, ast.ClassDef)
        line = getattr(node, "lineno", 0)
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield Definition(file.path, line, name, owner, "method" if inside else "function", node)
            case ast.ClassDef(name=name):
                yield Definition(file.path, line, name, owner, "class", node)
            case ast.Name(id=name, ctx=ast.Store()):
                kind = "variable" if scope is None else "attribute" if inside else "local"
                yield Definition(file.path, line, name, owner, kind, node)
            case ast.arg(arg=name) if isinstance(scope, FUNCTIONS):
                yield Definition(file.path, line, name, owner, "parameter", node)
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name, ctx=ast.Store()):
                cls = next((each for each in file.up(node) if isinstance(each, ast.ClassDef)), None)
                if cls is not None:
                    around = f"{file.owner(cls)}.{cls.name}".lstrip(".")
                    yield Definition(file.path, line, name, around, "attribute", node)

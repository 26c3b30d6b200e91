"""Where the names of a call are defined in the repository, and how they are imported."""

from __future__ import annotations

import ast
import builtins
import re
from pathlib import Path

from .. import layout

READ = 3000  # files that are looked at
_PURE_TEXT = (
    "abs all any bool bytes dict divmod float frozenset int len list max min range repr reversed round "
    "set sorted str sum tuple type zip enumerate complex"
)
_PURE = frozenset(_PURE_TEXT.split())


class Unresolved(Exception):
    """A name of the call cannot be determined; the message says why."""


def list_modules(root: Path) -> dict[str, Path]:
    """The repository's own modules by dotted name, tests and scripts of its tools left out."""
    found: dict[str, Path] = {}
    bases = [Path(each) for each in layout.find_import_roots(root)]
    for path in layout.list_python_files(root, READ):
        if layout.is_test(path.as_posix()):
            continue
        base = next(each for each in bases if (root / path).is_relative_to(each))
        parts = list((root / path).relative_to(base).with_suffix("").parts)
        if parts[-1] == "__init__":
            parts.pop()
        if parts and all(part.isidentifier() for part in parts) and parts[-1] != "__main__":
            found[".".join(parts)] = root / path
    return found


def resolve_names(root: Path, modules: dict[str, Path], call: str) -> tuple[str, list[str]]:
    """The call as a test writes it, and the import lines that it needs; raises Unresolved."""
    tree = ast.parse(call, mode="eval")
    imports: list[str] = []
    local = False
    for node in ast.walk(tree):
        if not isinstance(node, ast.Name):
            continue
        if line := _find_import(root, modules, node, tree):
            imports.append(line)
            local = True
        elif node.id not in _PURE:
            raise Unresolved(f"no module here defines `{node.id}`")
    if not local:
        raise Unresolved("it calls no code of this repository")
    return call, sorted(set(imports))


def _find_import(root: Path, modules: dict[str, Path], node: ast.Name, tree: ast.Expression) -> str:
    """The import line for one name; "" for a name that no module defines. Raises Unresolved."""
    dotted = _find_dotted(node, tree)
    for size in range(len(dotted) - 1, 0, -1):
        head = ".".join(dotted[:size])
        near = [each for each in modules if each == head or each.endswith(f".{head}")]
        if size == 1 and head in modules:
            near = [head]
        if len(near) == 1 and _defines(modules[near[0]], dotted[size]):
            package, _, last = near[0].rpartition(".")
            return f"import {near[0]}" if near[0] == head else f"from {package} import {last}"
    homes = [each for each, path in modules.items() if _defines(path, node.id)]
    if len(homes) > 1:
        used = [each for each in homes if _is_imported_by_tests(root, each, node.id)]
        homes = used if len(used) == 1 else [each for each in homes if not _is_private(each)]
    if len(homes) > 1:
        raise Unresolved(f"`{node.id}` is defined in {' and '.join(f'`{each}`' for each in homes[:3])}")
    if not homes:
        return ""
    if hasattr(builtins, node.id) and node.id in _PURE and not _is_imported_by_tests(root, homes[0], node.id):
        return ""
    return f"from {homes[0]} import {node.id}"


def _is_private(module: str) -> bool:
    return any(part.startswith("_") for part in module.split("."))


def _find_dotted(node: ast.Name, tree: ast.Expression) -> list[str]:
    """``a.b.c`` around the name ``a`` as [a, b, c]."""
    above = {child: parent for parent in ast.walk(tree) for child in ast.iter_child_nodes(parent)}
    parts, at = [node.id], above.get(node)
    while isinstance(at, ast.Attribute):
        parts.append(at.attr)
        at = above.get(at)
    return parts


def _defines(path: Path, name: str) -> bool:
    """Whether a module defines a function, class or value at its top, going by its text."""
    try:
        text = path.read_text("utf-8")
    except (OSError, ValueError):
        return False
    return (
        re.search(rf"^(?:async def|def|class) {re.escape(name)}\b|^{re.escape(name)}\s*[:=]", text, re.M)
        is not None
    )


def _is_imported_by_tests(root: Path, module: str, name: str) -> bool:
    pattern = re.compile(
        rf"from {re.escape(module)} import (?:[^\n]*|\([^)]*)\b{re.escape(name)}\b"
        rf"|import {re.escape(module)}\b|from {re.escape(module.rpartition('.')[0] or module)} import "
        rf"[^\n]*\b{re.escape(module.rpartition('.')[2])}\b"
    )
    for path in layout.list_python_files(root, READ):
        if layout.is_test(path.as_posix()):
            try:
                if pattern.search((root / path).read_text("utf-8")):
                    return True
            except (OSError, ValueError):
                continue
    return False

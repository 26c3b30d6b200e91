"""Names that a package has and does not give: ``from shop import Cart`` where ``shop/cart.py`` defines it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from ..baseline import Baseline
from ..candidates import Candidate
from ..layout import find_import_roots, is_test, list_python_files
from ..localise import Findings
from ..source import Source, TextEdit

LOOKED_AT = 400  # files that are searched for the name
MOST = 3  # files that may define it
_IMPORTED = re.compile(r"cannot import name '(\w+)' from '([\w.]+)'")
_READ = re.compile(r"module '([\w.]+)' has no attribute '(\w+)'")


def list_ungiven(text: str, root: Path) -> Iterator[tuple[str, str]]:
    """The names that a failure's message says are not given, each with the package's file below ``root``."""
    found = [(name, module) for name, module in _IMPORTED.findall(text)]
    found += [(name, module) for module, name in _READ.findall(text)]
    for name, module in found:
        for place in map(Path, find_import_roots(root)):
            file = place.joinpath(*module.split("."), "__init__.py")
            if file.is_file() and file.is_relative_to(root) and _find_definers(root, name):
                yield name, str(file.relative_to(root))
                break


def propose_exports(findings: Findings, base: Baseline, root: Path) -> Iterator[Candidate]:
    """The import that the package lacks, in ``__all__`` too where there is one."""
    failures = [run.failure for run in base.failing] + base.errors
    said = "\n".join(f"{each.get('text', '')}\n{each.get('message', '')}" for each in failures)
    for name, file in dict.fromkeys(list_ungiven(said, root)):
        try:
            source = findings.sources.get(file) or Source.read(root, file)
        except (OSError, SyntaxError, ValueError):
            continue
        findings.sources[file] = source
        for at, definer in enumerate(_find_definers(root, name)):
            added = _add_import(source, definer, name)
            listed = _add_to_all(source, name)
            yield Candidate(
                path=file,
                edits=(added,) if listed is None else (added, listed),
                template="export",
                line=source.line_of(added.start),
                function="",
                score=2.2 - 0.1 * at,
                fresh=True,
            )


def _find_definers(root: Path, name: str) -> list[Path]:
    defined = re.compile(rf"^(?:(?:async[ \t]+)?def|class)[ \t]+{name}\b|^{name}[ \t]*=", re.M)
    found: list[Path] = []
    for number, path in enumerate(list_python_files(root)):
        if number >= LOOKED_AT or len(found) >= MOST:
            break
        try:
            text = (root / path).read_text("utf-8")
        except (OSError, ValueError):
            continue
        if name in text and not is_test(path.as_posix()) and defined.search(text):
            found.append(path)
    return found


def _add_import(source: Source, definer: Path, name: str) -> TextEdit:
    """The name behind those that the package already takes from there, else a line of its own."""
    folder = Path(source.path).parent
    inside = definer.relative_to(folder) if definer.is_relative_to(folder) else definer
    module = ".".join(inside.with_suffix("").parts)
    imports = [each for each in source.tree.body if isinstance(each, ast.ImportFrom)]
    for node in imports:
        if node.names[-1].name == "*":  # nothing may stand beside it
            continue
        if (node.module or "") == module or (node.module or "").endswith(f".{module}"):
            last = node.names[-1]
            end = source.span(last)[1]
            own_line = (
                last.lineno != node.lineno and last.lineno != node.names[max(0, len(node.names) - 2)].lineno
            )
            line = source.line(last.lineno)
            between = f",{source.newline}{line[: len(line) - len(line.lstrip())]}" if own_line else ", "
            return TextEdit(end, end, f"{between}{name}")
    relative = any(node.level for node in imports) or all(node.module == "__future__" for node in imports)
    text = f"from {'.' if relative else f'{folder.name}.'}{module} import {name}{source.newline}"
    docstring = source.tree.body[:1] if ast.get_docstring(source.tree, clean=False) is not None else []
    above = imports[-1:] or docstring
    after = source.whole_lines(above[0]) if above else None
    place = after[1] if after is not None else 0
    return TextEdit(place, place, text)


def _add_to_all(source: Source, name: str) -> TextEdit | None:
    for node in source.tree.body:
        match node:
            case ast.Assign(
                targets=[ast.Name(id="__all__")], value=ast.List(elts=[*_, last]) | ast.Tuple(elts=[*_, last])
            ):
                end = source.span(last)[1]
                quote = source.segment(last)[:1]
                line = source.line(last.lineno)
                own_line = last.lineno != node.lineno
                between = f",{source.newline}{line[: len(line) - len(line.lstrip())]}" if own_line else ", "
                return TextEdit(end, end, f"{between}{quote}{name}{quote}")
    return None

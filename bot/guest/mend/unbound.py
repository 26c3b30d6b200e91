"""Names that do not exist: an import that is missing, a slip of the pen, an import of the wrong name."""

from __future__ import annotations

import ast
import builtins
import difflib
import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from .candidates import Candidate
from .layout import find_import_roots, is_test, list_python_files
from .localise import Findings
from .patches import in_body
from .source import FUNCTIONS, Source, TextEdit, find_first_line

LIBRARY = (
    "collections functools itertools operator os os.path re typing dataclasses datetime copy math json "
    "pathlib contextlib abc enum string decimal fractions heapq bisect random time statistics types inspect "
    "warnings textwrap uuid io sys shutil tempfile threading asyncio collections.abc importlib urllib.parse "
    "hashlib logging argparse csv struct queue weakref traceback calendar numbers unicodedata html base64 "
    "subprocess"
)
LOOKED_AT = 400  # files that are searched for an import to copy


def repair_names(findings: Findings, missing: frozenset[str], root: Path) -> list[Candidate]:
    """Candidates for the names that tests found missing, the likeliest first."""
    found: list[Candidate] = []
    _add_holders(findings, missing, root)
    for source in list(findings.sources.values()):
        for name in missing:
            if _is_unbound(source, name):
                found += _propose_imports(source, name, root)
            found += _propose_slips(source, name)
        found += _propose_wrong_imports(source, missing, root)
    return sorted(found, key=lambda each: -each.score)


def _add_holders(findings: Findings, missing: frozenset[str], root: Path) -> None:
    """Files that hold a missing name and took no part so far: what they say may be the slip."""
    names = [name for name in missing if len(name) > 3]
    added = 0
    for path in list_python_files(root, LOOKED_AT) if names else ():
        shown = path.as_posix()
        if added < 4 and shown not in findings.sources and not is_test(shown):
            try:
                text = (root / path).read_text("utf-8")
                if any(name in text for name in names):
                    findings.sources[shown] = Source.read(root, shown)
                    added += 1
            except (OSError, ValueError, SyntaxError):
                continue


def _is_unbound(source: Source, name: str) -> bool:
    if hasattr(builtins, name):
        return False
    read = False
    for node in ast.walk(source.tree):
        match node:
            case ast.Name(id=found, ctx=ast.Load()) if found == name:
                read = True
            case ast.Name(id=found) | ast.arg(arg=found) if found == name:
                return False
            case ast.FunctionDef(name=found) | ast.ClassDef(name=found) if found == name:
                return False
            case ast.alias(name=found, asname=alias) if (alias or found.split(".")[0]) == name:
                return False
    return read


def _propose_imports(source: Source, name: str, root: Path) -> Iterator[Candidate]:
    """A line at the top that imports the name."""
    place = _find_top(source)
    for number, line in enumerate(dict.fromkeys(_import_lines(source, name, root))):
        edit = TextEdit(place, place, line + source.newline)
        yield Candidate(
            path=source.path,
            edits=(edit,),
            template="missing-import",
            line=source.line_of(place),
            function="",
            score=2.0 - 0.05 * number,
            fresh=True,
        )


def _find_top(source: Source) -> int:
    """The offset in front of the first statement that may have an import before it."""
    for node in source.tree.body:
        future = isinstance(node, ast.ImportFrom) and node.module == "__future__"
        text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if not future and not text:
            return source.starts[find_first_line(node) - 1]
    return len(source.text)


def _import_lines(source: Source, name: str, root: Path) -> Iterator[str]:
    if name in sys.stdlib_module_names:
        yield f"import {name}"
    yield from _copy_imports(source, name, root)
    for module in LIBRARY.split():
        if name in getattr(importlib.import_module(module), "__all__", ()) or (
            not name.startswith("_") and hasattr(importlib.import_module(module), name)
        ):
            yield f"from {module} import {name}"


def _copy_imports(source: Source, name: str, root: Path) -> Iterator[str]:
    """As another file of the repository imports it; from the file that defines it."""
    line = re.compile(
        rf"^(?:from\s+([\w.]+)\s+import\s.*\b{name}\b|import\s+[\w.]+\s+as\s+{name}\b|import\s+{name}\b)"
    )
    defined = re.compile(rf"^(?:(?:async\s+)?def|class)\s+{name}\b|^{name}\s*(?::[^=]+)?=", re.M)
    folder = Path(source.path).parent
    for number, path in enumerate(list_python_files(root)):
        if number >= LOOKED_AT:
            return
        if path.as_posix() == source.path:
            continue
        try:
            text = (root / path).read_text("utf-8")
        except (OSError, ValueError):
            continue
        if name not in text:
            continue
        for each in text.splitlines():
            match = line.match(each)
            if match and match.group(1):
                if not match.group(1).startswith(".") or path.parent == folder:
                    yield f"from {match.group(1)} import {name}"
            elif match:
                yield each.split("#")[0].rstrip()
        if defined.search(text) and not is_test(path.as_posix()):
            if path.parent == folder and (root / folder / "__init__.py").exists():
                yield f"from .{path.stem} import {name}"
            yield f"from {_name_module(path, root)} import {name}"


def _name_module(path: Path, root: Path) -> str:
    places = [Path(each) for each in find_import_roots(root)]
    full = root / path
    inside = next((full.relative_to(place) for place in places if full.is_relative_to(place)), path)
    parts = list(inside.with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _propose_slips(source: Source, name: str) -> Iterator[Candidate]:
    """The name as it was probably meant: another one of the file that is nearly the same."""
    words: set[str] = set()
    places: list[tuple[int, int]] = []
    for node in ast.walk(source.tree):
        match node:
            case ast.Name(id=found) | ast.arg(arg=found):
                words.add(found)
                if found == name:
                    start = source.span(node)[0]
                    places.append((start, start + len(name)))
            case ast.Attribute(attr=found):
                words.add(found)
                if found == name:
                    end = source.span(node)[1]
                    places.append((end - len(name), end))
            case ast.FunctionDef(name=found) | ast.ClassDef(name=found) | ast.alias(name=found):
                words.add(found)
            case ast.keyword(arg=str(found)):
                words.add(found)
                if found == name:
                    start = source.span(node)[0]
                    places.append((start, start + len(name)))
            case ast.Constant(value=str(found)) if found.isidentifier():
                words.add(found)
                if found == name:
                    start = source.span(node)[0] + 1
                    places.append((start, start + len(name)))
    meant = difflib.get_close_matches(name, sorted(words - {name}), n=4, cutoff=0.7)
    for number, other in enumerate(meant):
        for start, end in places[:12]:
            if source.text[start:end] == name:
                yield _make_candidate(source, TextEdit(start, end, other), "name", 1.3 - 0.15 * number)


def _make_candidate(source: Source, edit: TextEdit, template: str, score: float) -> Candidate:
    line = source.line_of(edit.start)
    return Candidate(
        path=source.path,
        edits=(edit,),
        template=template,
        line=line,
        function="",
        score=score,
        fresh=not in_body(source, edit.start),
    )


def _propose_wrong_imports(source: Source, missing: frozenset[str], root: Path) -> Iterator[Candidate]:
    """``from module import nmae``: a name that the module has and that is nearly the same."""
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.ImportFrom):
            continue
        for alias in node.names:
            if alias.name in missing:
                for number, other in enumerate(_find_offered(source, node, alias.name, root)):
                    start = source.span(alias)[0]
                    new = (
                        other
                        if alias.asname
                        else f"{other} as {alias.name}"
                        if _is_read(source, alias.name)
                        else other
                    )
                    edit = TextEdit(start, start + len(alias.name), new)
                    yield _make_candidate(source, edit, "import", 1.8 - 0.1 * number)


def _is_read(source: Source, name: str) -> bool:
    return any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(source.tree))


def _find_offered(source: Source, node: ast.ImportFrom, name: str, root: Path) -> list[str]:
    if node.level:
        folder = (root / source.path).parents[node.level - 1]
        bases = [folder.joinpath(*(node.module or "").split("."))]
    else:
        bases = [Path(each).joinpath(*(node.module or "").split(".")) for each in find_import_roots(root)]
    for base in bases:
        for path in (base.with_suffix(".py"), base / "__init__.py"):
            try:
                tree = ast.parse(path.read_text("utf-8"))
            except (OSError, ValueError, SyntaxError):
                continue
            names = [each.name for each in tree.body if isinstance(each, (*FUNCTIONS, ast.ClassDef))]
            names += [
                each.id
                for each in ast.walk(tree)
                if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
            ]
            return difflib.get_close_matches(name, list(dict.fromkeys(names)), n=3, cutoff=0.5)
    return []

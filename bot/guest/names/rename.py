"""Renames one thing everywhere it is meant, or refuses: never a guess that could change something else."""

from __future__ import annotations

import ast
import builtins
import keyword
import os
import re
from pathlib import Path
from typing import Any

from .index import Definition, Index, SourceFile
from .places import NameUse, attribute_places, keyword_places, local_places, module_places

COMMON = frozenset(
    name
    for kind in (str, bytes, list, dict, set, int, float, tuple, object, BaseException)
    for name in dir(kind)
) | {"join", "read", "write", "close", "open", "start", "stop", "run", "match", "search", "group", "send"}


class RenameRefused(Exception):
    """The rename cannot be told apart from something else; the message says why."""


def rename(index: Index, old: str, new: str) -> dict[str, Any]:
    """Write the files that change; returns what was done, or ``refused`` and why, with nothing written."""
    try:
        target = _find_target(index, old, new)
        places = _places(index, target, new)
        texts = _rewrite(index, places, target[0].name, new)
    except RenameRefused as refused:
        return {"refused": str(refused)}
    _write(index, texts)
    return {
        "old": target[0].dotted,
        "new": new,
        "kind": target[0].kind,
        "path": target[0].path,
        "line": target[0].line,
        "places": len(places),
        "files": sorted(texts),
        "mentions": _list_mentions(index.root, target[0].name, set(texts)),
    }


def _find_target(index: Index, old: str, new: str) -> list[Definition]:
    """All definitions of the one thing that ``old`` means."""
    name = old.rpartition(".")[2]
    if not new.isidentifier() or keyword.iskeyword(new):
        raise RenameRefused(f"`{new}` is not a name that Python allows")
    if name == new:
        raise RenameRefused("both names are the same")
    if name.startswith("__") and name.endswith("__"):
        raise RenameRefused(f"`{name}` has a meaning in Python itself")
    found = index.find(old)
    if not found:
        raise RenameRefused(f"no Python file here defines `{old}`")
    outer = [each for each in found if each.kind not in ("local", "parameter")] or found
    groups: dict[tuple[str, str, str], list[Definition]] = {}
    for each in outer:
        groups.setdefault(_key(index, each), []).append(each)
    if len(groups) > 1:
        places = sorted(
            {
                f"`{each[0].path}:{each[0].line}` ({each[0].kind} `{each[0].dotted}`)"
                for each in groups.values()
            }
        )
        raise RenameRefused(
            f"`{old}` may be any of {', '.join(places[:6])}; "
            "name the one that is meant with its class or file"
        )
    (group,) = groups.values()
    return sorted(group, key=lambda each: (each.path, each.line))


def _key(index: Index, found: Definition) -> tuple[str, str, str]:
    """Two definitions of one key are the same thing: a method and what overrides it, a variable set twice."""
    if found.kind in ("method", "attribute"):
        return ("member", min(_family(index, found.owner.rpartition(".")[2])), "")
    stub = found.path.endswith(".pyi") and found.path[:-1] in index.files
    return (found.path[:-1] if stub else found.path, found.owner, "")


def _family(index: Index, name: str) -> set[str]:
    """The classes that are bases of, or derived from, the class ``name``, by name."""
    bases: dict[str, set[str]] = {}
    for file in index.files.values():
        for node in ast.walk(file.tree):
            if isinstance(node, ast.ClassDef):
                names = {ast.unparse(each).rpartition(".")[2].partition("[")[0] for each in node.bases}
                bases.setdefault(node.name, set()).update(names)
    family, fresh = {name}, True
    while fresh:
        more = {b for each in family for b in bases.get(each, ()) if b in bases}
        more |= {each for each, above in bases.items() if above & family}
        fresh = bool(more - family)
        family |= more
    return family


def _find_strangers(index: Index, name: str, family: set[str]) -> set[str]:
    """Classes that are no relatives and have a method or attribute of the same name."""
    found = {
        each.owner.rpartition(".")[2] for each in index.find(name) if each.kind in ("method", "attribute")
    } - family
    return set().union(*(_family(index, each) for each in found)) if found else set()


def _places(index: Index, target: list[Definition], new: str) -> set[NameUse]:
    first = target[0]
    if first.kind in ("local", "parameter"):
        local = local_places(index.files[first.path], target, new, RenameRefused)
        return local | (_find_keyword_uses(index, first) if first.kind == "parameter" else set())
    if first.kind in ("method", "attribute"):
        if first.name in COMMON:
            raise RenameRefused(
                f"`.{first.name}` is also an attribute of Python's own types, and types are not known here"
            )
        others = [each for each in index.find(first.name) if each.kind in ("function", "class", "variable")]
        if others:
            other = others[0]
            raise RenameRefused(f"`{first.name}` is also a {other.kind} in `{other.path}:{other.line}`")
        family = _family(index, first.owner.rpartition(".")[2])
        taken = [each for each in index.find(new) if each.owner.rpartition(".")[2] in family]
        if taken:
            raise RenameRefused(f"`{taken[0].dotted}` is there already, `{taken[0].path}:{taken[0].line}`")
        strangers = _find_strangers(index, first.name, family)
        return attribute_places(index, target, family, strangers, RenameRefused)
    if new in dir(builtins):
        raise RenameRefused(f"`{new}` would hide Python's own")
    return module_places(index, target, new, RenameRefused)


def _find_keyword_uses(index: Index, parameter: Definition) -> set[NameUse]:
    """Where callers give a parameter by its name; refuses when several functions share theirs."""
    owner, _, function = parameter.owner.rpartition(".")
    called = owner.rpartition(".")[2] if function == "__init__" else function
    given = keyword_places(index, called, parameter.name)
    same = [each for each in index.find(called) if each.kind in ("function", "method", "class")]
    if given and len(same) > 1:
        raise RenameRefused(
            f"calls of `{called}` give `{parameter.name}` by name, and there are {len(same)} of them"
        )
    return given


def _rewrite(index: Index, places: set[NameUse], old: str, new: str) -> dict[str, str]:
    """The new texts; every place must hold the old name, and every file must still be valid Python."""
    by_path: dict[str, list[int]] = {}
    for place in places:
        by_path.setdefault(place.path, []).append(place.offset)
    texts = {}
    for path, offsets in by_path.items():
        text = index.files[path].text
        for offset in sorted(offsets, reverse=True):
            if text[offset : offset + len(old)] != old:
                raise RenameRefused(f"`{old}` stands in `{path}` where it cannot be replaced safely")
            text = text[:offset] + new + text[offset + len(old) :]
        try:
            ast.parse(text)
        except SyntaxError as error:
            raise RenameRefused(f"`{path}` would not be valid Python: {error}") from None
        texts[path] = text
    return texts


def _write(index: Index, texts: dict[str, str]) -> None:
    for path, text in texts.items():
        file: SourceFile = index.files[path]
        target = index.root / path
        spare = target.with_name(f".{target.name}.hob")
        spare.write_bytes(text.encode(file.encoding))
        spare.chmod(target.stat().st_mode)
        spare.replace(target)


def _list_mentions(root: Path, name: str, changed: set[str]) -> list[str]:
    """Other texts that hold the old name; they are left as they are, and named."""
    found: list[str] = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(
            each for each in folders if not each.startswith(".") and each not in ("node_modules", "build")
        )
        for each in sorted(names):
            path = Path(folder) / each
            if (
                path.suffix in (".md", ".rst", ".txt", ".toml", ".cfg", ".py", ".yml", ".yaml", ".ini")
                and len(found) < 20
            ):
                found += _find_mentions(path, path.relative_to(root).as_posix(), name)
    return found[:20]


def _find_mentions(path: Path, shown: str, name: str) -> list[str]:
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, ValueError):
        return []
    word = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")
    return [f"{shown}:{number}" for number, line in enumerate(lines, 1) if word.search(line)][:3]

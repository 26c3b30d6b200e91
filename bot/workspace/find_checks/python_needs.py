"""What a Python project's files declare that its tests need, as words for ``pip install``.

Declared are extras, dependency groups, requirements files, and what tox, nox, Poetry, PDM, uv, Hatch and
Pipenv install for tests or for development. Nothing is run; what only checks style or makes documents is left
out.
"""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator, Mapping
from itertools import chain

from bot.text.python_source import parse_pieces
from bot.workspace.find_checks.pytest_settings import read_ini
from bot.workspace.find_checks.tree import Tree, get, name_of

MOST_WORDS = 40
_GROUPS = ("test", "tests", "testing", "dev", "develop", "development")  # the first that there is
_EXTRAS = (
    ("project", "optional-dependencies"),
    ("tool", "poetry", "extras"),
    ("tool", "flit", "metadata", "requires-extra"),
)
_REQUIREMENTS = re.compile(
    r"(?:(?:requirements|tests?)/)?(?:requirements[-_.])?(?:tests?|testing|dev|ci)(?:[-_]requirements)?\.(?:txt|in)"
    r"|(?:tests?/)?requirements\.txt"
)
_REQUIREMENT = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}(?:\[[\w ,.-]{0,80}\])? ?(?:[<>=!~;(][^\x00-\x1f`$\\#]{0,120})?"
)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_FILE = re.compile(r"(?:-r|--requirement)[= ]{0,3}(?:\{(?:toxinidir|tox_root)\}/)?(?:\./)?([\w./-]{1,100})")
_OWN = re.compile(r"(?:-e )?\.(?:\[([\w ,.-]{1,100})\])?")
_NOT_FOR_TESTS = re.compile(
    r"(?:black|blue|build|bump2?version|commitizen|docutils|flake8.*|furo|isort|jupyter.*|mkdocs.*|mypy|nox|notebook|"
    r"pdoc.*|pip|poetry|pre-commit|pydocstyle|pylint|pyright|python|readme-renderer|ruff|setuptools|sphinx.*|towncrier|"
    r"tox.*|twine|types-.*|wheel)"
)


def list_python_needs(tree: Tree, *, installs: bool) -> list[str]:
    """Words for ``pip install``.

    With ``installs`` the project itself is one of them, with its extras for tests.
    """
    data = tree.toml("pyproject.toml")
    extras, needs = _find_extras(tree, data), _Needs()
    told = (_read_tox(tree, data), _read_nox(tree.text("noxfile.py")), _read_groups(tree, data))
    for line in chain.from_iterable(told):
        needs.add(line, tree)
    chosen = [name for name in (*_GROUPS, *needs.extras) if name in extras]
    chosen = list(dict.fromkeys([*chosen[:1], *(name for name in needs.extras if name in extras)]))
    own = [f"-e '.[{','.join(chosen)}]'" if chosen else "-e ."] if installs else []
    listed = [path for path in sorted(tree.paths) if _REQUIREMENTS.fullmatch(path)]
    about = [path for path in listed if "test" in path]
    if about:  # those for development pin their own tools, often against the project
        listed = [path for path in listed if path in about or path == "requirements.txt"]
    for path in listed[:3]:
        needs.files.setdefault(path)
    words = [*needs.by_name.values()][:MOST_WORDS]
    return [*own, *map(shlex.quote, words), *(f"-r {shlex.quote(path)}" for path in needs.files)]


class _Needs:
    """What was found so far, each distribution once, by the first that names it."""

    def __init__(self) -> None:
        self.by_name: dict[str, str] = {}
        self.files: dict[str, None] = {}
        self.extras: dict[str, None] = {}

    def add(self, line: str, tree: Tree) -> None:
        """Take a requirement, ``-r FILE``, or ``.[extra]``; anything else is passed over."""
        line = " ".join(line.split())
        if found := _FILE.fullmatch(line):
            if tree.has(found[1]):
                self.files.setdefault(found[1])
        elif found := _OWN.fullmatch(line):
            names = (each.strip() for each in (found[1] or "").split(","))
            self.extras.update(dict.fromkeys(filter(None, names)))
        elif _REQUIREMENT.fullmatch(line) and (name := _NAME.match(line)):
            key = re.sub(r"[-_.]+", "-", name[0]).lower()
            if key != "pytest" and not _NOT_FOR_TESTS.fullmatch(key):
                self.by_name.setdefault(key, line)


def _find_extras(tree: Tree, data: object) -> set[str]:
    """The names of the project's extras."""
    found = {name for keys in _EXTRAS for name in _keys(get(data, *keys))}
    found |= set(read_ini(tree, "setup.cfg", "options.extras_require") or {})
    extras = _read_setup(tree).get("extras_require")
    keys = extras.keys if isinstance(extras, ast.Dict) else []
    found |= {str(key.value) for key in keys if isinstance(key, ast.Constant)}
    return {name for name in found if _NAME.fullmatch(name)}


def _read_groups(tree: Tree, data: object) -> Iterator[str]:
    """The requirements of the first fitting group of each tool, and what ``setup.py`` needs for its tests."""
    groups = get(data, "dependency-groups")
    for name in _choose(groups):
        yield from _expand_group(groups, name, set())
    tools = get(data, "tool")
    poetry = get(tools, "poetry")
    groups = get(poetry, "group")
    tables = [get(groups, name, "dependencies") for name in _choose(groups)]
    tables += [get(poetry, "dev-dependencies"), get(tree.toml("Pipfile"), "dev-packages")]
    for table in tables:
        yield from _keys(table)  # any version: what theirs mean is not pip's
    pdm = get(tools, "pdm", "dev-dependencies")
    yield from (each for name in _choose(pdm) for each in _texts(get(pdm, name)))
    yield from _texts(get(tools, "uv", "dev-dependencies"))
    environments = get(tools, "hatch", "envs")
    for name in ("default", "test", "tests", "hatch-test"):
        for key in ("dependencies", "extra-dependencies"):
            yield from _texts(get(environments, name, key))
        yield from (f".[{each}]" for each in _texts(get(environments, name, "features")))
    yield from _read_texts(_read_setup(tree).get("tests_require"))


def _choose(groups: object) -> list[str]:
    return [name for name in _GROUPS if get(groups, name) is not None][:1]


def _expand_group(groups: object, name: str, seen: set[str]) -> Iterator[str]:
    """https://packaging.python.org/en/latest/specifications/dependency-groups/"""
    if name in seen:
        return
    seen.add(name)
    for each in get(groups, name) or ():
        if isinstance(each, str):
            yield each
        elif isinstance(included := get(each, "include-group"), str):
            yield from _expand_group(groups, included, seen)


def _read_tox(tree: Tree, data: object) -> Iterator[str]:
    """The dependencies of tox's common environment, without those that only some of its factors have."""
    values = read_ini(tree, "tox.ini", "testenv") or read_ini(tree, "setup.cfg", "tox:testenv") or {}
    for line in values.get("deps", "").splitlines():
        text = line.split(" #")[0].strip()
        if text and not text.startswith("#") and not re.match(r"[\w{},!-]+:", text):
            yield text
    yield from (f".[{each}]" for each in re.split(r"[\s,]+", values.get("extras", "")) if each)
    groups = get(data, "dependency-groups")
    names = re.split(r"[\s,]+", values.get("dependency_groups", ""))
    for table in (get(data, "tool", "tox", "env_run_base"), get(tree.toml("tox.toml"), "env_run_base")):
        yield from _texts(get(table, "deps"))
        yield from (f".[{each}]" for each in _texts(get(table, "extras")))
        names += _texts(get(table, "dependency_groups"))
    for name in filter(None, names):
        yield from _expand_group(groups, name, set())


def _read_nox(text: str) -> Iterator[str]:
    """What sessions about tests install."""
    try:
        functions = [each for piece in parse_pieces(text) for each in piece.body]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for function in functions:
        if not isinstance(function, ast.FunctionDef) or "test" not in function.name:
            continue
        for call in ast.walk(function):
            if isinstance(call, ast.Call) and name_of(call.func) == "session.install":
                words = [str(each.value) for each in call.args if isinstance(each, ast.Constant)]
                for word, after in zip(words, [*words[1:], ""], strict=False):
                    yield f"-r {after}" if word in ("-r", "--requirement") else word


def _read_setup(tree: Tree) -> dict[str, ast.expr]:
    """What setup.py gives to ``setup()``; a name stands for what it was set to."""
    try:
        nodes = [each for piece in parse_pieces(tree.text("setup.py")) for each in ast.walk(piece)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    given = {
        target.id: each.value
        for each in nodes
        if isinstance(each, ast.Assign)
        for target in each.targets
        if isinstance(target, ast.Name)
    }
    found: dict[str, ast.expr] = {}
    for call in nodes:
        if isinstance(call, ast.Call) and name_of(call.func) in ("setup", "setuptools.setup"):
            for keyword in call.keywords:
                value = keyword.value
                found[keyword.arg or ""] = (
                    given.get(value.id, value) if isinstance(value, ast.Name) else value
                )
    return found


def _read_texts(value: ast.expr | None) -> list[str]:
    elements = value.elts if isinstance(value, ast.List | ast.Tuple) else []
    constants = (each.value for each in elements if isinstance(each, ast.Constant))
    return [each for each in constants if isinstance(each, str)]


def _keys(table: object) -> list[str]:
    return [str(key) for key in table] if isinstance(table, Mapping) else []


def _texts(listed: object) -> list[str]:
    return [each for each in listed if isinstance(each, str)] if isinstance(listed, list) else []

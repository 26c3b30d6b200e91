"""What a Python project's files declare that its tests need, as words for ``pip install``.

Declared are extras, dependency groups, requirements files, and what tox, nox, Poetry, PDM, uv, Hatch and
Pipenv install for tests or for development. Nothing is run. Left out are what only checks style or makes
documents, and what comes from a folder, a repository or an index of its own: on the public index its name may
be another's.
"""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain, islice

from packaging.requirements import InvalidRequirement, Requirement

from bot.text.python_source import parse_pieces
from bot.workspace.find_checks.pytest_settings import read_ini
from bot.workspace.find_checks.python_indexes import has_own_index
from bot.workspace.find_checks.tree import Tree, get, list_texts, name_of

MOST_WORDS = 40  # with the files
MOST_CHARS = 900  # of all words
MOST_EXTRAS = 8
MOST_LINES = 400  # that are looked at
MOST_GROUPS = 50  # that include one another
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
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}")
_FILE_NAME = re.compile(r".*\.(?:txt|in|toml|cfg|lock|whl|zip|gz|py)", re.IGNORECASE)
_FILE = re.compile(r"(?:-r|--requirement)[= ]{0,3}(?:\{(?:toxinidir|tox_root)\}/)?(?:\./)?([\w./-]{1,100})")
_OWN = re.compile(r"(?:-e )?\.(?:\[([\w ,.-]{1,100})\])?")
_NOT_FOR_TESTS = re.compile(
    r"(?:black|blue|build|bump2?version|commitizen|docutils|flake8.*|furo|isort|jupyter.*|mkdocs.*|mypy|nox|notebook|"
    r"pdoc.*|pip|poetry|pre-commit|pydocstyle|pylint|pyright|python|readme-renderer|ruff|setuptools|sphinx.*|towncrier|"
    r"tox.*|twine|types-.*|wheel)"
)

_ELSEWHERE = ("path", "file", "url", "git", "hg", "svn", "bzr", "editable", "source", "workspace", "index")
# Options of ``pip install`` and ``uv pip install`` that stand alone; the word after any other is its value.
_FLAGS = frozenset(
    (
        *("-U", "--upgrade", "--pre", "-q", "--quiet", "-v", "--verbose", "--no-deps", "--force-reinstall"),
        *("-I", "--ignore-installed", "--no-cache-dir", "--no-cache", "--no-index", "--no-build-isolation"),
        *("--user", "--isolated", "--require-hashes", "--disable-pip-version-check", "--prefer-binary"),
        *("--use-pep517", "--no-use-pep517", "--check-build-dependencies", "--compile", "--no-compile"),
        *("--no-warn-script-location", "--no-warn-conflicts", "--no-input", "--break-system-packages"),
        *("--system", "--debug", "--no-clean", "--no-color", "--dry-run", "--exact", "--reinstall"),
    )
)


def list_python_needs(tree: Tree, *, installs: bool) -> list[str]:
    """Words for ``pip install``.

    With ``installs`` the project itself is one of them, with its extras for tests. Where plain names
    come from an index of the project's own, none are named.
    """
    data = tree.toml("pyproject.toml")
    extras, needs = _find_extras(tree, data), _Needs(elsewhere=_list_elsewhere(data))
    told = (_read_tox(tree, data), _read_nox(tree.text("noxfile.py")), _read_groups(tree, data))
    for line in islice(chain.from_iterable(told), MOST_LINES):
        needs.add(line, tree)
    if has_own_index(tree):
        needs.by_name.clear()
    chosen = [name for name in (*_GROUPS, *needs.extras) if name in extras]
    chosen = [*chosen[:1], *(name for name in needs.extras if name in extras)]
    chosen = list(dict.fromkeys(chosen))[:MOST_EXTRAS]
    own = [f"-e '.[{','.join(chosen)}]'" if chosen else "-e ."] if installs else []
    listed = [path for path in sorted(tree.paths) if _REQUIREMENTS.fullmatch(path)]
    about = [path for path in listed if "test" in path]
    if about:  # those for development pin their own tools, often against the project
        listed = [path for path in listed if path in about or path == "requirements.txt"]
    for path in listed[:3]:
        needs.files.setdefault(path)
    files = [f"-r {shlex.quote(path)}" for path in needs.files]
    names = [shlex.quote(word) for word in needs.by_name.values()]
    kept = _list_fitting([*own, *files, *names])
    return [word for word in (*own, *names, *files) if word in kept]


def _list_fitting(words: Sequence[str]) -> set[str]:
    """The first words, as many as are allowed."""
    kept, left = set(), MOST_CHARS
    for word in words[:MOST_WORDS]:
        left -= len(word) + 1
        if left < 0:
            break
        kept.add(word)
    return kept


class _Needs:
    """What was found so far, each distribution once, by the first that names it.

    Those whose normalised names are ``elsewhere`` are on another index than the public one, or on none.
    """

    def __init__(self, elsewhere: Collection[str]) -> None:
        self.by_name: dict[tuple[str, str], str] = {}
        self.files: dict[str, None] = {}
        self.extras: dict[str, None] = {}
        self._elsewhere = elsewhere

    def add(self, line: str, tree: Tree) -> None:
        """Take a requirement, ``-r FILE``, or ``.[extra]``; anything else is passed over."""
        line = " ".join(line.split())
        if found := _FILE.fullmatch(line):
            if tree.has(found[1]):
                self.files.setdefault(found[1])
        elif found := _OWN.fullmatch(line):
            names = (each.strip() for each in (found[1] or "").split(","))
            self.extras.update(dict.fromkeys(filter(None, names)))
        elif _REQUIREMENT.fullmatch(line) and (needed := _parse_requirement(line)):
            key = _normalise(needed.name)
            own = key == "pytest" and not needed.specifier  # it is installed in any case
            if own or key in self._elsewhere or _NOT_FOR_TESTS.fullmatch(key):
                return
            self.by_name.setdefault((key, str(needed.marker or "")), line)


def _parse_requirement(line: str) -> Requirement | None:
    """The requirement that pip would read; None for anything else and for the name of a file."""
    try:
        needed = Requirement(line)
    except InvalidRequirement:
        return None
    return None if needed.url or _FILE_NAME.fullmatch(needed.name) else needed


def _normalise(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _list_elsewhere(data: object) -> set[str]:
    """https://docs.astral.sh/uv/concepts/projects/dependencies/#dependency-sources"""
    return {_normalise(name) for name in _keys(get(data, "tool", "uv", "sources"))}


def _find_extras(tree: Tree, data: object) -> set[str]:
    """The names of the project's extras."""
    found = {name for keys in _EXTRAS for name in _keys(get(data, *keys))}
    found |= set(read_ini(tree, "setup.cfg", "options.extras_require") or {})
    extras = _read_setup(tree).get("extras_require")
    keys = extras.keys if isinstance(extras, ast.Dict) else []
    found |= {key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)}
    return {name for name in found if _NAME.fullmatch(name)}


def _read_groups(tree: Tree, data: object) -> Iterator[str]:
    """The requirements of the first fitting group of each tool, and what ``setup.py`` needs for its tests."""
    groups = get(data, "dependency-groups")
    for name in _choose(groups):
        yield from _expand_group(groups, name)
    tools = get(data, "tool")
    poetry = get(tools, "poetry")
    groups = get(poetry, "group")
    tables = [get(groups, name, "dependencies") for name in _choose(groups)]
    tables += [get(poetry, "dev-dependencies"), get(tree.toml("Pipfile"), "dev-packages")]
    for table in tables:
        yield from _list_indexed(table)
    pdm = get(tools, "pdm", "dev-dependencies")
    yield from (each for name in _choose(pdm) for each in list_texts(get(pdm, name)))
    yield from list_texts(get(tools, "uv", "dev-dependencies"))
    environments = get(tools, "hatch", "envs")
    for name in ("default", "test", "tests", "hatch-test"):
        for key in ("dependencies", "extra-dependencies"):
            yield from list_texts(get(environments, name, key))
        yield from (f".[{each}]" for each in list_texts(get(environments, name, "features")))
    yield from _read_texts(_read_setup(tree).get("tests_require"))


def _choose(groups: object) -> list[str]:
    return [name for name in _GROUPS if get(groups, name) is not None][:1]


def _expand_group(groups: object, name: str) -> Iterator[str]:
    """https://packaging.python.org/en/latest/specifications/dependency-groups/"""
    seen, open_ = {name}, [_iterate(get(groups, name))]
    while open_:
        each = next(open_[-1], None)
        if each is None:
            open_.pop()
        elif isinstance(each, str):
            yield each
            continue
        name = get(each, "include-group")
        if isinstance(name, str) and name not in seen and len(seen) < MOST_GROUPS:
            seen.add(name)
            open_.append(_iterate(get(groups, name)))


def _iterate(listed: object) -> Iterator[object]:
    return iter(listed if isinstance(listed, list) else ())


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
        yield from list_texts(get(table, "deps"))
        yield from (f".[{each}]" for each in list_texts(get(table, "extras")))
        names += list_texts(get(table, "dependency_groups"))
    for name in filter(None, names):
        yield from _expand_group(groups, name)


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
                values = (each.value if isinstance(each, ast.Constant) else "" for each in call.args)
                yield from _read_pip_words([each if isinstance(each, str) else "" for each in values])


def _read_pip_words(words: Sequence[str]) -> Iterator[str]:
    """What the arguments of ``pip install`` name; the values of options but -r and -e are left out."""
    left = iter(words)
    for word in left:
        if word in ("-r", "--requirement"):
            yield f"-r {next(left, '')}"
        elif word in ("-e", "--editable"):
            value = next(left, "")
            yield value if value.startswith(".") else ""
        elif re.fullmatch(r"--[\w-]+|-\w", word):
            if word not in _FLAGS:
                next(left, "")
        else:
            yield word


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
    return [key for key in table if isinstance(key, str)] if isinstance(table, Mapping) else []


def _list_indexed(table: object) -> Iterator[str]:
    """The names in a table of Poetry's or Pipenv's that come from the public index, of any version.

    What their versions mean is not pip's. https://python-poetry.org/docs/dependency-specification/
    """
    for name in _keys(table):
        value = get(table, name)
        for told in value if isinstance(value, list) else [value]:
            if any(get(told, key) not in (None, "pypi") for key in _ELSEWHERE):
                break
        else:
            yield name

"""The test commands that tox, nox and Python's script runners name: the commands, never the environments."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterable, Iterator
from itertools import islice

from bot.text.python_source import parse_pieces
from bot.workspace.find_checks.pytest_settings import parse_ini, read_ini
from bot.workspace.find_checks.python_scripts import list_script_lines
from bot.workspace.find_checks.tree import MOST_CHARS, Tree, get, join, name_of

MOST_COMMANDS = 200  # of tox, of nox and of all scripts: those behind them are not read
_TESTS = re.compile(
    r"^(?:python3?\b(?: -(?!m\b)\S+(?: [^-\s]\S*)?)*? -m )?"
    r"(?:pytest|py\.test|unittest|twisted\.trial|trial|stestr|nose2?|nosetests|zope-testrunner|ward)(?=\s|$)"
    r"|^(?:python3? )?\S*manage\.py test|^python3? setup\.py test"
    r"|^python3? (?:-(?!m )\w+ (?:[^-\s]\S* )?)*(?:-m )?\S*(?:tests?|runtests)(?:\.py)?(?=\s|$|[./])"
)
_FACTORS = re.compile(r"\s*[\w{},!.-]+:\s+")
_PREFIX = re.compile(r"^(?:poetry run|uv run|pipenv run|hatch run|pdm run|xvfb-run(?: -a)?|env)\s+")
_COVERAGE = re.compile(r"^(?:python3? -m )?coverage run(?: -(?!m\b)\S+(?: (?=-)| )?)*? ?(-m )?(?=\w)")


def list_declared_commands(tree: Tree, folder: str) -> list[str]:
    """The test commands of tox's and nox's environments in a folder, where they need nothing of tox."""
    sources = (
        _list_tox_lines(tree, folder),
        _list_nox_lines(tree.text(join(folder, "noxfile.py"))),
        list_script_lines(tree, folder),
    )
    lines = (line for source in sources for line in islice(source, MOST_COMMANDS))
    plain = (make_plain(line) for line in lines if len(line) <= MOST_CHARS)
    return list(dict.fromkeys(line for line in plain if line and _TESTS.search(line)))


def make_plain(line: str) -> str:
    """A command without tox's substitutions and without what only measures; '' where that is not possible."""
    line = line.strip().removeprefix("-").strip().removeprefix("@").strip()
    line = re.sub(r"\{posargs:((?:[^{}]|\{[^{}]*\})*)\}", r"\1", line)
    line = re.sub(r"\{env:\w+:([^{}]*)\}", r"\1", line)
    line = re.sub(r"\{args(?::([^{}]*))?\}", r"\1", line)  # hatch's
    line = line.replace("{posargs}", "").replace("{envpython}", "python")
    line = re.sub(r"\{(?:toxinidir|tox_root|changedir)\}/?", "./", line)
    line = re.sub(r"\{envbindir\}/", "", line)
    line = _PREFIX.sub("", line)
    line = _COVERAGE.sub(lambda found: f"python {found[1] or ''}", line)
    line = re.sub(r"^(?:pytest|py\.test)(?=\s|$)", "python -m pytest", line)
    line = re.sub(r"^python3? -m coverage run .*?-m ", "python -m ", line)
    return "" if "{" in line or "[" in line.split("#")[0][:1] else " ".join(line.split())


def list_pytest_arguments(tree: Tree, folder: str, command: str) -> list[str] | None:
    """The words of a pytest command that choose tests and exist in the tree; None when it is not pytest's."""
    try:
        words = shlex.split(command)
    except ValueError:
        return None
    if words[:3] != ["python", "-m", "pytest"]:
        return None
    kept, left = [], iter(words[3:])
    for word in left:
        if word in ("-m", "-k", "--ignore", "-o", "--deselect"):
            value = next(left, "")
            kept += [word, value] if value else []  # "" where the value is not written out
        elif word.startswith(("--doctest", "--import-mode", "--ignore=", "--deselect=")):
            kept.append(word)
        elif not word.startswith("-"):
            path = join(folder, word.removeprefix("./").partition("::")[0].rstrip("/"))
            if path in tree.all or any(each.startswith(f"{path}/") for each in tree.paths):
                kept.append(word)
    return kept


def _list_tox_lines(tree: Tree, folder: str) -> Iterator[str]:
    settings = tree.toml(join(folder, "pyproject.toml"))
    values = read_ini(tree, join(folder, "tox.ini"), "testenv")
    values = values or read_ini(tree, join(folder, "setup.cfg"), "tox:testenv") or {}
    legacy = get(settings, "tool", "tox", "legacy_tox_ini")
    if not values and isinstance(legacy, str):
        values = parse_ini(legacy, "testenv") or {}
    lines = re.sub(r"\\\n\s*", " ", values.get("commands", "")).splitlines()
    some = (line for line in lines if line.strip() and len(line) <= MOST_CHARS)
    yield from _choose_for_all(islice(some, MOST_COMMANDS))
    for table in (get(settings, "tool", "tox"), tree.toml(join(folder, "tox.toml"))):
        commands = get(table, "env_run_base", "commands")
        for words in commands if isinstance(commands, list) else ():
            yield from _join_words(words)


def _choose_for_all(lines: Iterable[str]) -> Iterator[str]:
    """The lines of every environment; where none of them tests, the one of some factors that says least more.

    https://tox.wiki/en/stable/config.html#conditional-settings
    """
    some: list[str] = []
    tested = False
    for line in lines:
        if found := _FACTORS.match(line):
            some.append(line[found.end() :])
        else:
            tested = tested or _TESTS.search(make_plain(line)) is not None
            yield line
    tests = [line for line in some if _TESTS.search(make_plain(line))]
    if tests and not tested:
        yield min(tests, key=lambda line: len(make_plain(line)))


def _join_words(words: object) -> Iterator[str]:
    """One command of tox 4's TOML; a table in it stands for arguments, with a default.

    https://tox.wiki/en/stable/config.html#positional-argument-reference
    """
    if not isinstance(words, list):
        return
    plain: list[str] = []
    for word in words:
        if isinstance(word, str):
            plain.append(word)
        elif get(word, "replace") in ("posargs", "env"):
            default = get(word, "default")
            plain += [
                each
                for each in (default if isinstance(default, list) else [default])
                if isinstance(each, str)
            ]
        else:
            return
    yield shlex.join(plain)


def _list_nox_lines(text: str) -> Iterator[str]:
    """``session.run`` calls of sessions that are about tests; words that are no constants are left out."""
    try:
        statements = [each for piece in parse_pieces(text) for each in piece.body]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for function in statements:
        if not isinstance(function, ast.FunctionDef) or not _is_about_tests(function):
            continue
        for call in ast.walk(function):
            if isinstance(call, ast.Call) and name_of(call.func) == "session.run":
                words = [each.value for each in call.args if isinstance(each, ast.Constant)]
                yield shlex.join(word for word in words if isinstance(word, str))


def _is_about_tests(session: ast.FunctionDef) -> bool:
    """Whether the function's name speaks of tests, or the one that its mark gives it."""
    names = [session.name]
    for mark in session.decorator_list:
        for each in mark.keywords if isinstance(mark, ast.Call) else ():
            if (
                each.arg == "name"
                and isinstance(each.value, ast.Constant)
                and isinstance(each.value.value, str)
            ):
                names.append(each.value.value)
    return any("test" in name for name in names)

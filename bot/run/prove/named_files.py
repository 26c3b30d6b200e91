"""Files that a check's command runs without naming them: through a recipe, a script, a runner's settings.

    make test  ->  Makefile: sh scripts/check.sh  ->  scripts/check.sh
    npm test   ->  package.json: node scripts/run.js, jest's setupFiles

Such a file decides how the checks end, so a change of it is no source. Only what stands where a program or a
setting's file stands is followed: a recipe names source files too.
"""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from collections.abc import Callable, Iterable, Iterator

from bot.domain import CheckCommand
from bot.workspace.find_checks.pytest_settings import read_pytest_settings
from bot.workspace.find_checks.recipes import MAKEFILES, list_target_lines
from bot.workspace.find_checks.tree import Tree, get, join

MOST_FILES = 60  # that are found
MOST_BYTES = 256 << 10  # of one of them
LINE_CHARS = 2000
_RECIPES = {
    "make": MAKEFILES,
    "gmake": MAKEFILES,
    "just": ("justfile", "Justfile", ".justfile"),
    "task": ("Taskfile.yml", "Taskfile.yaml", "taskfile.yml", "taskfile.yaml"),
}
_WORD = r"[\"']?(?:\./)?(?P<file>[\w@+-][\w./@+-]{0,200})[\"']?"
_RUN_BY = re.compile(
    r"(?<![\w./-])(?:(?:ba|da|z|k)?sh|source|\.|exec|node|deno run|bun|ts-node|tsx|python[\d.]{0,5}"
    r"|ruby|perl|php|Rscript|lua)"
    rf"(?:\s{{1,5}}-(?!m\b|c\b|e\b|-test\b)[\w-]{{1,40}}(?:=\S{{1,80}})?)*\s{{1,5}}{_WORD}"
)
_RUN_ITSELF = re.compile(r"(?:^|[;&|(]|\bexec)\s{0,5}\./(?P<file>[\w@+-][\w./@+-]{0,200})")
_OPTION = re.compile(
    r"(?<![\w-])--(?:config|setup|setupFiles\w{0,20}|require|import|loader|rcfile|opts|file|bootstrap|configuration)"
    rf"[=\s]\s{{0,5}}{_WORD}"
)
_REQUIRED = re.compile(r"(?<![\w-])-r\s{1,5}(?:\./)?(?P<file>[\w@+-][\w./@+-]{0,200}\.(?:[cm]?[jt]s|rb))\b")
_INCLUDED = re.compile(  # of make, of just, of task
    r"^[-s]?include[ \t]{1,9}(?P<files>[\w./+ \t-]{1,400})$"
    r"|^(?:(?:import|mod)\??\s{1,9}(?:\w{1,60}\s{1,9})?[\"']|\s{1,9}(?:taskfile|\w{1,60}):\s{1,9}[\"']?)"
    r"(?:\./)?(?P<file>[\w@+-][\w./@+-]{0,200})[\"']?\s{0,9}$",
    re.M,
)
_IMPORTED = {  # what a script of such a name takes from beside it
    ".py": re.compile(r"^[ \t]{0,40}(?:from|import)[ \t]{1,9}([\w.]{1,200})", re.M),
    **dict.fromkeys(
        (".js", ".mjs", ".cjs", ".ts"),
        re.compile(
            r"(?:\b(?:require|import)\s{0,5}\(|\bfrom\b|\bimport\b)\s{0,5}[\"'](\./[\w./@+-]{1,200})[\"']"
        ),
    ),
    ".rb": re.compile(r"\brequire_relative\s{0,5}\(?\s{0,5}[\"'](?:\./)?([\w./@+-]{1,200})[\"']"),
}
_SHELL = (".sh", ".bash", ".zsh", "")
_SETUP = re.compile(
    r"[\"']?\b(?:setupFiles\w{0,20}|globalSetup|globalTeardown|testEnvironment|testRunner|runner|preset|require|file|reporters?)"
    r"[\"']?\s{0,5}[:=]\s{0,5}(?P<files>\[[^\]]{0,2000}|[\"'][^\"']{1,200}|[^\n,;]{1,200})"
)
_QUOTED = re.compile(
    r"[\"'](?:<rootDir>/)?(?:\./)?([\w@+-][\w./@+-]{0,200})[\"']"
    r"|^[ \t]{0,40}-?[ \t]{0,9}(?:\./)?([\w@+-][\w./@+-]{0,200})"
)
_CONFIGS = tuple(
    f"{name}.{end}"
    for name, ends in (
        ("jest.config", "js cjs mjs ts json"),
        ("vitest.config", "js mjs ts mts"),
        ("vite.config", "js mjs ts mts"),
        (".mocharc", "js cjs json jsonc yml yaml"),
        ("karma.conf", "js"),
    )
    for end in ends.split()
)
_ENDS = ("", ".js", ".ts", ".mjs", ".cjs", ".py", ".rb")
_PLUGIN = re.compile(r"-p[= ]?([A-Za-z_][\w.]{0,100})")
_PLUGINS = re.compile(r"^pytest_plugins\b[^=\n]{0,40}=([^\n]{0,300}(?:\n[^\n=]{0,200}){0,10})", re.M)
_DOTTED = re.compile(r"[\"']([A-Za-z_][\w.]{0,100})[\"']")

ReadBase = Callable[[str], bytes | None]


def list_named_files(commands: Iterable[CheckCommand], read_base: ReadBase) -> set[str]:
    """The paths in the base's tree that the commands run or take settings from, directly or not."""
    reader = _Reader(read_base)
    found: set[str] = set()
    for command in commands:
        folders = dict.fromkeys(("", command.folder))
        lines = [(command.command.removeprefix(f"cd {shlex.quote(command.folder)} && "), command.folder)]
        for folder in folders:
            lines += [(line, folder) for line in _list_recipe_lines(reader, command.command, folder)]
            found |= {*_list_setup_files(reader, folder), *_list_plugins(reader, folder)}
            found |= {*_list_included(reader, command.command, folder)}
        while lines and len(found) < MOST_FILES:
            line, folder = lines.pop()
            for path in _list_run(reader, line[:LINE_CHARS], folder) - found:
                found |= {path, *_list_beside(reader, path)}
                if posixpath.splitext(path)[1] in _SHELL:
                    lines += [(each, folder) for each in reader.text(path).splitlines()]
    return found


class _Reader:
    """Files of the base, each read once, and a bounded number of them."""

    def __init__(self, read_base: ReadBase) -> None:
        self._read = read_base
        self.seen: dict[str, str | None] = {}

    def text(self, path: str) -> str:
        """A file's text, '' where there is none."""
        return self._load(path) or ""

    def has(self, path: str) -> bool:
        """Whether there is such a file."""
        return self._load(path) is not None

    def read(self, path: str) -> bytes | None:
        """A file's bytes as ``Tree`` wants them."""
        text = self._load(path)
        return None if text is None else text.encode()

    def _load(self, path: str) -> str | None:
        if path not in self.seen:
            data = self._read(path) if path and not path.startswith("../") else None
            self.seen[path] = None if data is None else data[:MOST_BYTES].decode("utf-8", "replace")
        return self.seen[path]


def _list_recipe_lines(reader: _Reader, command: str, folder: str) -> Iterator[str]:
    """The lines of the recipes and scripts that a command starts."""
    words = re.findall(r"[\w./:-]{1,100}", command[:LINE_CHARS])
    for tool, names in _RECIPES.items():
        path = next(
            (join(folder, name) for name in names if tool in words and reader.has(join(folder, name))), ""
        )
        if path:
            tree = Tree([path], reader.read)
            yield from list_target_lines(tree, path, "make" if tool == "gmake" else tool, words)
    if {"npm", "pnpm", "yarn", "bun", "npx"} & {*words}:
        yield from _list_scripts(reader, words, folder)


def _list_included(reader: _Reader, command: str, folder: str) -> Iterator[str]:
    """The files that a command's recipe file includes."""
    words = re.findall(r"[\w./:-]{1,100}", command[:LINE_CHARS])
    for tool, names in _RECIPES.items():
        if tool not in words:
            continue
        for path in [join(folder, name) for name in names if reader.has(join(folder, name))][:1]:
            for told in _INCLUDED.finditer(reader.text(path)):
                for name in (told["files"] or told["file"]).split():
                    yield from _resolve(reader, name, folder, ends=("",))


def _list_beside(reader: _Reader, script: str) -> set[str]:
    """What a script below the root imports from its own folder: tools/check.py imports tools/load.py."""
    home, kind = posixpath.dirname(script), posixpath.splitext(script)[1]
    if home in ("", "src", "lib") or kind not in _IMPORTED:
        return set()
    found, left = set[str](), [script]
    ends = ("", kind, *_ENDS, "/__init__.py")
    while left and len(found) < MOST_FILES:
        path = left.pop()
        for told in _IMPORTED[kind].findall(reader.text(path)):
            name = told.lstrip("./").replace(".", "/") if kind == ".py" else told
            for each in _resolve(reader, name, posixpath.dirname(path), ends):
                if each.startswith(f"{home}/") and each not in (*found, script):
                    found.add(each)
                    left.append(each)
    return found


def _list_scripts(reader: _Reader, words: list[str], folder: str) -> Iterator[str]:
    """The scripts of package.json that a command names, and those that they run in turn."""
    try:
        scripts = get(json.loads(reader.text(join(folder, "package.json")) or "{}"), "scripts")
    except (ValueError, RecursionError):
        return
    named, done = [word for word in words if get(scripts, word)], set[str]()
    while named:
        name = named.pop()
        if name in done:
            continue
        done.add(name)
        for each in (f"pre{name}", name, f"post{name}"):
            text = get(scripts, each)
            if isinstance(text, str):
                yield text[:LINE_CHARS]
                named += [
                    word for word in re.findall(r"[\w:.-]{1,100}", text[:LINE_CHARS]) if get(scripts, word)
                ]


def _list_run(reader: _Reader, line: str, folder: str) -> set[str]:
    """The files of the base that a line runs, or gives to a program as its settings."""
    found = set()
    for pattern in (_RUN_BY, _RUN_ITSELF, _OPTION, _REQUIRED):
        for told in pattern.finditer(line):
            found |= {*_resolve(reader, told["file"], folder)}
    return found


def _list_setup_files(reader: _Reader, folder: str) -> Iterator[str]:
    """What the settings of JavaScript's runners have loaded before the tests."""
    package = reader.text(join(folder, "package.json"))
    if not package:
        return
    texts = [reader.text(join(folder, name)) for name in _CONFIGS]
    if "setupFiles" in package or '"mocha"' in package or "globalSetup" in package:
        texts.append(package)
    for text in texts:
        for told in _SETUP.finditer(text):
            for one, other in _QUOTED.findall(told["files"]):
                yield from _resolve(reader, one or other, folder)


def _list_plugins(reader: _Reader, folder: str) -> Iterator[str]:
    """The modules of the repository that pytest's settings and conftest.py name as plugins.

    A project that is a plugin itself has them as its source.
    """
    manifests = [reader.text(join(folder, name)) for name in ("pyproject.toml", "setup.cfg", "setup.py")]
    if any("pytest11" in text for text in manifests):
        return
    names: list[str] = []
    candidates = ("pytest.ini", ".pytest.ini", "pytest.toml", "pyproject.toml", "tox.ini", "setup.cfg")
    paths = [join(folder, name) for name in candidates if reader.has(join(folder, name))]
    settings = read_pytest_settings(Tree(paths, reader.read), folder) if paths else None
    if settings:
        names += _PLUGIN.findall(" ".join(settings.addopts))
    for place in ("conftest.py", "tests/conftest.py", "test/conftest.py"):
        for told in _PLUGINS.findall(reader.text(join(folder, place))):
            names += _DOTTED.findall(told)
    for name in names:
        for root in ("", "src", "lib", "tests", "test"):
            yield from _resolve(
                reader, join(root, name.replace(".", "/")), folder, ends=(".py", "/__init__.py")
            )


def _resolve(reader: _Reader, name: str, folder: str, ends: Iterable[str] = _ENDS) -> Iterator[str]:
    """The files of the base that a name may mean, relative to a folder."""
    for end in ends:
        path = posixpath.normpath(join(folder, name + end))
        if reader.has(path):
            yield path
            return

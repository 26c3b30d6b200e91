"""Manifests are a stranger's: whatever type stands at a key and however much of it, a checkout goes on."""

from __future__ import annotations

import datetime
import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from bot.errors import UserError
from bot.repo_config import parse_repo_config
from bot.workspace.find_checks.find import find_all_checks
from bot.workspace.find_checks.others import list_unknown_checks
from bot.workspace.find_checks.python_needs import list_python_needs
from bot.workspace.find_checks.tree import Tree
from bot.workspace.python_project import list_python_projects, write_project_records
from bot.workspace.tree_facts import ENVIRONMENT_FILES, read_tree_facts

NAMES = (
    *("pyproject.toml", "tox.toml", "hatch.toml", "pixi.toml", "Pipfile", "pytest.toml", "Cargo.toml"),
    *("package.json", "lerna.json", "composer.json", "pnpm-workspace.yaml", "Taskfile.yml", "src/a.py"),
    *("setup.py", "setup.cfg", "tox.ini", "noxfile.py", "x.test.js", "tests/test_a.py", *ENVIRONMENT_FILES),
)
HUGE = int("f" * 6000, 16)  # which str() refuses
VALUES = (
    *(5, -1.5, True, HUGE, "abc", "", "\ud800\0\n", "a = b:c", datetime.date(2001, 1, 1), None),
    *([], [5], [HUGE], [[["a"]]], ["a", {}], [{"include-group": "test"}], {}, {"a": 1}, {"": []}),
    *({"test": "test"}, {"test": ["test", 5, "dev"]}, {"a": {"a": "a:a"}}, {"a": HUGE}),
)


class Everything(dict[Any, Any]):
    """A table that has a table at every key, and so on, to a depth at which ``value`` stands."""

    def __init__(self, depth: int, value: object) -> None:
        inner = value if depth == 1 else dict.fromkeys(("test", "dev"), value)
        super().__init__(dict.fromkeys(("test", "dev", "a b", "x"), inner))
        self.depth, self.value = depth, value

    def get(self, key: Any, default: Any = None) -> Any:
        return self.value if self.depth == 1 else Everything(self.depth - 1, self.value)


class StrangeTree(Tree):
    """One whose manifests all say the same, whatever is asked of them."""

    def __init__(self, data: object) -> None:
        super().__init__(NAMES, lambda _: b"")
        self.data = data

    def json(self, path: str) -> dict[str, Any]:
        return self.data if isinstance(self.data, dict) else {}

    toml = json

    def yaml(self, path: str) -> Any:
        return self.data


def read_all(tree: Tree) -> str:
    """What a checkout reads of a tree; its suggestion for a setup."""
    list(find_all_checks(tree))
    list(list_unknown_checks(tree))
    projects = list_python_projects(tree)
    facts = read_tree_facts(tree, tree, projects, lfs_files=(), submodules=(), has_setup=False)
    assert all(isinstance(word, str) for word in shlex.split(facts.python_setup))
    return facts.python_setup


@pytest.mark.parametrize("depth", range(1, 8))
@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_any_value_may_stand_at_any_key(depth: int, value: object) -> None:
    tree = StrangeTree(Everything(depth, value))
    read_all(tree)
    assert len(list_python_needs(tree, installs=True)) < 40


@pytest.mark.parametrize(
    "value",
    [
        *(
            "5",
            "None",
            "'abc'",
            r"'a\ud800 = b:c'",
            r"['a\ud800 = b:c', 'a\0=b']",
            "[5, [6]]",
            "{1: 2}",
            "{}",
        ),
        *(
            f"0x{'f' * 6000}",
            f"[0x{'f' * 6000}]",
            f"{{0x{'f' * 6000}: 5}}",
            "{b'a': b'b'}",
            "{(): {}}",
            "f()",
        ),
    ],
    ids=lambda value: value[:20],
)
def test_any_value_may_be_given_to_setup(tmp_path: Path, value: str) -> None:
    keys = ("name", "version", "package_dir", "packages", "entry_points", "install_requires")
    keys += ("extras_require", "tests_require")
    for at, given in enumerate(
        (value, f"{{'console_scripts': {value}}}", f"{{'a': {value}, 'test': {value}}}")
    ):
        told = ", ".join(f"{key}={given}" for key in keys)
        files = {
            "setup.py": f"setup({told})\n".encode(),
            "noxfile.py": f"@nox.session(name={value})\ndef test(session):\n"
            f"    session.install({value})\n    session.run({value})\n".encode(),
            "a.py": b"",
        }
        tree = Tree(files, files.get)
        read_all(tree)
        for number, project in enumerate(list_python_projects(tree)):
            write_project_records(project, tmp_path / f"{at}-{number}")


TAGS = (
    *("!!bool x", "!!int ''", "!!timestamp x", "2001-99-99", "9" * 5000, "[" * 2000, "&a [*a]", "{? [1]: 2}"),
    f"{{0x{'f' * 6000}: a, 5: a, test: [make a]}}",
)


@pytest.mark.parametrize("value", TAGS, ids=lambda value: value[:12])
def test_yaml_with_any_value_is_read_or_left(value: str) -> None:
    for key in ("tasks", "packages", "jobs"):
        data = f"{key}: {value}".encode()
        read_all(Tree(NAMES, {name: data for name in NAMES if name.endswith("ml")}.get))


@pytest.mark.parametrize("value", TAGS[:5], ids=lambda value: value[:12])
def test_hobs_own_settings_are_refused_in_words(value: str) -> None:
    with pytest.raises(UserError, match="is not valid YAML"):
        parse_repo_config(f"test: {value}".encode())


@pytest.mark.parametrize("end", ["toml", "Pipfile", "json", "yaml", "yml", "cfg", "ini", ".py"])
def test_a_number_of_many_digits_ends_nothing(end: str) -> None:
    texts = {"json": '{"a": %s}', "yaml": "a: %s", "yml": "a: %s"}
    data = (texts.get(end, "a = %s") % ("9" * 5000)).encode()
    read_all(Tree(NAMES, {name: data for name in NAMES if name.endswith(end)}.get))


def test_a_chain_of_thousands_is_followed_no_further_than_it_helps() -> None:
    chain = range(3000)
    groups = "".join(f'g{at} = [{{include-group = "g{at + 1}"}}]\n' for at in chain)
    files = {
        "pyproject.toml": f'[dependency-groups]\ntest = [{{include-group = "g0"}}, "mock"]\n{groups}',
        "Makefile": "test: t0\n" + "".join(f"t{at}: t{at + 1}\n" for at in chain),
        "Taskfile.yml": "tasks:\n  test: {deps: [t0, t0]}\n"
        + "".join(f"  t{at}: {{deps: [t{at + 1}, t{at + 1}]}}\n" for at in range(60)),
    }
    tree = Tree(files, {path: text.encode() for path, text in files.items()}.get)
    assert "mock" in read_all(tree)


@pytest.mark.timeout(20)
def test_what_names_many_that_name_many_is_read_once_each() -> None:
    lines = ", ".join(['"a"'] * 20_000)
    scripts = {"test": "npm run a " * 199, "a": "npm run b " * 199, "b": "npm run c " * 199, "c": "jest"}
    files = {
        "pyproject.toml": "[tool.pdm.scripts]\n" + f"test = {{composite = [{lines}]}}\n"
        f"a = {{composite = [{lines.replace('a', 'b')}]}}\nb = {{composite = [{lines.replace('a', 'c')}]}}\n"
        'c = "pytest -q"\n',
        "package.json": json.dumps({"scripts": scripts}),
        "tests/test_a.py": "",
    }
    tree = Tree(files, {path: text.encode() for path, text in files.items()}.get)
    assert {check.line for check in find_all_checks(tree)} == {"npm test --silent", "python -m pytest -q"}


def test_however_much_is_declared_the_setup_is_one_line_that_can_be_run() -> None:
    names = "".join(f"  package-{at}>=1.{at}\n" for at in range(40_000))
    files = {
        "tox.ini": f"[testenv]\ndeps =\n{names}extras = {' '.join(f'extra{at}' for at in range(2000))}\n",
        "setup.cfg": "[metadata]\nname = x\n[options.extras_require]\n"
        + "".join(f"extra{at} =\n" for at in range(2000)),
        "requirements/test.txt": "",
        **{f"need-{at}.txt": "" for at in range(500)},
        "noxfile.py": "def test(session):\n"
        + "".join(f"    session.install('-r', 'need-{at}.txt')\n" for at in range(500)),
    }
    setup = read_all(Tree(files, {path: text.encode() for path, text in files.items()}.get))
    assert len(setup) <= 1000
    words = shlex.split(setup)
    assert words[-2] == "-r" and words.count("-e") == 1 and "package-0>=1.0" in words

"""What a repository's files declare that its tests need, in the setup that Hob suggests for it."""

from __future__ import annotations

import pytest

from bot.workspace.find_checks.python_needs import list_python_needs
from bot.workspace.find_checks.tree import Tree

PROJECT = '[project]\nname = "x"\n'
DECLARED: dict[str, tuple[dict[str, str], list[str]]] = {
    "an extra of setup.cfg": (
        {"setup.cfg": "[options.extras_require]\ntesting =\n  mock\n"},
        ["-e '.[testing]'"],
    ),
    "an extra of setup.py, under a name": (
        {"setup.py": "EXTRAS = {'docs': ['sphinx'], 'tests': ['mock']}\nsetup(extras_require=EXTRAS)\n"},
        ["-e '.[tests]'"],
    ),
    "tests_require": (
        {"setup.py": "setup(tests_require=['mock>=2', 'six'])\n"},
        ["-e .", "'mock>=2'", "six"],
    ),
    "a group that includes another": (
        {
            "pyproject.toml": PROJECT
            + '[dependency-groups]\nbase = ["mock"]\ntest = [{include-group = "base"}, "pytest>=8", "six"]\n'
        },
        ["-e .", "mock", "six"],
    ),
    "tox's, with a file and an extra": (
        {
            "tox.ini": "[testenv]\ndeps =\n  -r{toxinidir}/need.txt\n  mock  # for tests\n  py27: six\n"
            "extras = fast\n",
            "need.txt": "",
            "pyproject.toml": PROJECT + "[project.optional-dependencies]\nfast = []\n",
        },
        ["-e '.[fast]'", "mock", "-r need.txt"],
    ),
    "tox 4's TOML": (
        {"tox.toml": '[env_run_base]\ndeps = ["mock", "pytest-cov"]\n'},
        ["-e .", "mock", "pytest-cov"],
    ),
    "nox's": (
        {
            "noxfile.py": "def tests(session):\n    session.install('-r', 'tests/need.txt')\n"
            "    session.install('mock', '.', silent=True)\n"
            "def lint(session):\n    session.install('six')\n",
            "tests/need.txt": "",
        },
        ["-e .", "mock", "-r tests/need.txt"],
    ),
    "Poetry's, without what checks style": (
        {"pyproject.toml": '[tool.poetry.group.dev.dependencies]\nmock = "^5"\nblack = "*"\nmypy = "1"\n'},
        ["-e .", "mock"],
    ),
    "Pipenv's": ({"Pipfile": '[dev-packages]\nmock = "*"\n'}, ["-e .", "mock"]),
    "Hatch's": (
        {"pyproject.toml": '[tool.hatch.envs.default]\ndependencies = ["mock"]\n'},
        ["-e .", "mock"],
    ),
    "files for tests before those for development": (
        {"requirements/dev.txt": "", "requirements/tests.txt": "", "requirements.txt": ""},
        ["-e .", "-r requirements.txt", "-r requirements/tests.txt"],
    ),
    "nothing that a shell would run": (
        {"tox.toml": '[env_run_base]\ndeps = ["mock; $(touch x)", "a`b`", "-i http://x", "six\\n&& x"]\n'},
        ["-e ."],
    ),
}


@pytest.mark.parametrize("name", DECLARED)
def test_what_is_declared_is_installed(name: str) -> None:
    files, words = DECLARED[name]
    tree = Tree(files, {path: text.encode() for path, text in files.items()}.get)
    assert list_python_needs(tree, installs=True) == words


def test_without_a_project_only_its_needs_are_installed() -> None:
    tree = Tree({"requirements.txt": ""}, lambda _: b"")
    assert list_python_needs(tree, installs=False) == ["-r requirements.txt"]

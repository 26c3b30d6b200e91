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
        ["-e .", "mock", "'pytest>=8'", "six"],
    ),
    "a group that is a text, or a number": (
        {"pyproject.toml": PROJECT + '[dependency-groups]\ntest = "abc"\ndev = 5\n'},
        ["-e ."],
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
    "for one of two Pythons": (
        {
            "tox.toml": """[env_run_base]\ndeps = ["mock<4; python_version<'3'", """
            """"mock>=4; python_version>='3'"]\n"""
        },
        ["-e .", """'mock<4; python_version<'"'"'3'"'"''""", """'mock>=4; python_version>='"'"'3'"'"''"""],
    ),
    "pytest's bound": (
        {"setup.py": "setup(tests_require=['pytest<8', 'pytest', 'mock'])\n"},
        ["-e .", "'pytest<8'", "mock"],
    ),
    "nox's, without the values of options": (
        {
            "noxfile.py": "def tests(session):\n    session.install('-c', 'constraints.txt', 'mock')\n"
            "    session.install('--find-links', 'dist', '--upgrade-strategy', 'eager', '-U', 'six')\n"
            "    session.install('-e', 'sub', '--group', 'test', '--no-such', 'mine', '--x=y', 'lxml')\n"
            "    session.install('-e', '.[fast]', '-c', CONSTRAINTS, 'idna', 'other.whl', '-r', NEEDS)\n"
            "    session.install(f'mine=={version}', *more, '-cfile', 'attrs', 'own @ https://a.b/own.whl')\n",
            "pyproject.toml": PROJECT + "[project.optional-dependencies]\nfast = []\n",
        },
        ["-e '.[fast]'", "mock", "six", "lxml", "idna", "attrs"],
    ),
    "nothing that is on no public index": (
        {
            "Pipfile": '[dev-packages]\nmine = {path = ".", editable = true}\nours = {git = "https://a.b/c"}\n'
            'private = {version = "*", index = "ours"}\nmock = {version = "*", index = "pypi"}\n',
            "pyproject.toml": '[tool.poetry.group.test.dependencies]\nmylib = {path = "../mylib"}\n'
            'other = {git = "https://a.b/c", branch = "main"}\nprivate2 = {version = "1", source = "ours"}\n'
            'either = [{version = "1"}, {url = "https://a.b/c.whl"}]\n'
            'six = {version = "^1", extras = ["x"]}\n'
            '[tool.uv]\ndev-dependencies = ["Next_Door", "idna"]\n'
            "[tool.uv.sources]\nnext-door = {workspace = true}\n",
        },
        ["-e .", "six", "mock", "idna"],
    ),
    "nothing that a shell would run": (
        {
            "tox.toml": '[env_run_base]\ndeps = ["mock; $(touch x)", "a`b`", "-i http://x", "six\\n&& x", '
            '"foo; rm -rf ~", "foo;bar", "foo >= 1 | bar"]\n'
        },
        ["-e ."],
    ),
}


OURS, UV_GROUP = "https://pypi.corp.example/simple", PROJECT + '[dependency-groups]\ntest = ["mock"]\n'
INDEXES: dict[str, tuple[dict[str, str], bool]] = {
    "Poetry's first": (
        {"pyproject.toml": UV_GROUP + f'[[tool.poetry.source]]\nname = "a"\nurl = "{OURS}"\n'},
        True,
    ),
    "Poetry's by name": (
        {
            "pyproject.toml": UV_GROUP
            + f'[[tool.poetry.source]]\nname = "a"\nurl = "{OURS}"\npriority = "explicit"\n'
        },
        False,
    ),
    "Poetry's public one": ({"pyproject.toml": UV_GROUP + '[[tool.poetry.source]]\nname = "PyPI"\n'}, False),
    "uv's": ({"pyproject.toml": UV_GROUP + f'[[tool.uv.index]]\nurl = "{OURS}"\n'}, True),
    "uv's by name": (
        {"pyproject.toml": UV_GROUP + f'[[tool.uv.index]]\nurl = "{OURS}"\nexplicit = true\n'},
        False,
    ),
    "uv's other spelling": (
        {"pyproject.toml": UV_GROUP + f'[tool.uv.pip]\nextra-index-url = ["{OURS}"]\n'},
        True,
    ),
    "PDM's": ({"pyproject.toml": UV_GROUP + f'[[tool.pdm.source]]\nurl = "{OURS}"\nname = "pypi"\n'}, True),
    "Pipenv's": ({"Pipfile": f'[[source]]\nurl = "{OURS}"\n[dev-packages]\nmock = "*"\n'}, True),
    "Pipenv's second": (
        {
            "Pipfile": f'[[source]]\nurl = "https://pypi.org/simple"\n[[source]]\nurl = "{OURS}"\n'
            '[dev-packages]\nmock = "*"\n'
        },
        False,
    ),
    "tox's": ({"tox.ini": f"[testenv]\nsetenv =\n  PIP_INDEX_URL = {OURS}\ndeps = mock\n"}, True),
    "nox's": (
        {"noxfile.py": f"def tests(session):\n    session.install('--index-url', '{OURS}', 'mock')\n"},
        True,
    ),
    "Hatch's": (
        {
            "pyproject.toml": '[tool.hatch.envs.default]\ndependencies = ["mock"]\n'
            f'[tool.hatch.envs.default.env-vars]\nPIP_EXTRA_INDEX_URL = "{OURS}"\n'
        },
        True,
    ),
    "uv's own file": ({"pyproject.toml": UV_GROUP, "uv.toml": f'[[index]]\nurl = "{OURS}"\n'}, True),
    "pip's": ({"pyproject.toml": UV_GROUP, "pip.conf": f"[global]\nindex-url = {OURS}\n"}, True),
    "PDM's own file": ({"pyproject.toml": UV_GROUP, "pdm.toml": f'[pypi]\nurl = "{OURS}"\n'}, True),
    "Rye's": ({"pyproject.toml": UV_GROUP + f'[[tool.rye.sources]]\nurl = "{OURS}"\n'}, True),
    "pixi's": ({"pyproject.toml": UV_GROUP + f'[tool.pixi.pypi-options]\nindex-url = "{OURS}"\n'}, True),
    "tox 3's": ({"tox.ini": f"[tox]\nindexserver =\n  default = {OURS}\n[testenv]\ndeps = mock\n"}, True),
    "tox's by a variable": (
        {"tox.ini": "[testenv]\ninstall_command = pip install -i {env:INDEX} {packages}\ndeps = mock\n"},
        True,
    ),
    "nox's by a variable": (
        {"noxfile.py": "def tests(session):\n    session.install('-i', INDEX, 'mock')\n"},
        True,
    ),
    "wheels in a folder": ({"pyproject.toml": UV_GROUP + '[tool.uv]\nfind-links = ["./wheels"]\n'}, False),
    "a file that is edited in place": (
        {"tox.ini": "[testenv]\ndeps = mock\ncommands = sed -i s/a/b/ x\n"},
        False,
    ),
    "a broken address": ({"pyproject.toml": UV_GROUP + '[tool.uv]\nindex-url = "https://[a"\n'}, True),
}


@pytest.mark.parametrize("name", INDEXES)
def test_no_name_of_a_private_index_is_looked_for_on_the_public_one(name: str) -> None:
    files, is_private = INDEXES[name]
    tree = Tree(files, {path: text.encode() for path, text in files.items()}.get)
    assert list_python_needs(tree, installs=True) == (["-e ."] if is_private else ["-e .", "mock"])


@pytest.mark.parametrize("name", DECLARED)
def test_what_is_declared_is_installed(name: str) -> None:
    files, words = DECLARED[name]
    tree = Tree(files, {path: text.encode() for path, text in files.items()}.get)
    assert list_python_needs(tree, installs=True) == words


def test_without_a_project_only_its_needs_are_installed() -> None:
    tree = Tree({"requirements.txt": ""}, lambda _: b"")
    assert list_python_needs(tree, installs=False) == ["-r requirements.txt"]

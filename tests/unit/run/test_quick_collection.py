"""The plugin that has pytest pass over files without tests: what is collected is what pytest collects."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.guest.checks.supervise import PLUGINS

QUICK = ("-p", "hob_quick_collection")
TEST = "def test_it():\n    pass\n"
TREE = {
    "package/__init__.py": "",
    "package/plain.py": '"""\n>>> 1 + 1\n2\n"""\n' + TEST,
    "package/test_inside.py": TEST,
    "package/deep/check_this.py": TEST,
    "package/odd.py/test_odd.py": TEST,
    "tests/test_first.py": TEST,
    "tests/second_test.py": TEST,
    "tests/conftest.py": "import sys\n",
    "tests/notes.txt": ">>> 1 + 1\n2\n",
    "venv/pyvenv.cfg": "",
    "venv/test_of_another.py": TEST,
}
COLLECTS_ALL = """
import pytest
def pytest_collect_file(file_path, parent):
    if file_path.name == "plain.py":
        return pytest.Module.from_parent(parent, path=file_path)
"""
IGNORES_ONE = (
    "def pytest_ignore_collect(collection_path):\n    return 'first' in collection_path.name or None\n"
)
ADDS_A_PATTERN = """
def pytest_sessionstart(session):
    session.config.addinivalue_line("python_files", "check_*.py")
"""
ADDS_DOCTESTS = "def pytest_sessionstart(session):\n    session.config.option.doctestmodules = True\n"
MATCHES_ANOTHER = """
import _pytest.python
_pytest.python.path_matches_patterns = lambda path, patterns: path.name == "check_this.py"
"""
COLLECTS_BY_ITSELF = """
import _pytest.main, pytest
def collect(self):
    for path in sorted(self.path.rglob("check_*.py")):
        if not self.ihook.pytest_ignore_collect(collection_path=path, config=self.config):
            yield pytest.Module.from_parent(self, path=path)
"""
PATCHES_FOLDERS = f"{COLLECTS_BY_ITSELF}\n_pytest.main.Dir.collect = collect\n"
HAS_FOLDERS_OF_ITS_OWN = f"""{COLLECTS_BY_ITSELF}
class Folder(pytest.Dir):
    pass
Folder.collect = collect
def pytest_collect_directory(path, parent):
    return Folder.from_parent(parent, path=path) if path.name == "deep" else None
"""
# There are as many implementations as before.
PUTS_ANOTHER_IN_PLACE = """
import pytest
class All:
    def pytest_collect_file(self, file_path, parent):
        if file_path.name == "check_this.py":
            return pytest.Module.from_parent(parent, path=file_path)
class Changes:
    def __init__(self, manager):
        self.manager = manager
    def pytest_collectstart(self, collector):
        if collector.name == "deep":
            self.manager.unregister(name="doctest")
            self.manager.register(All(), "all")
def pytest_configure(config):
    config.pluginmanager.register(Changes(config.pluginmanager))
"""
# Says what the hook answers about some files once all is collected.
ASKING = """
import json, pathlib, sys, pytest
class Asking:
    def pytest_collection_finish(self, session):
        hook = session.config.pluginmanager.get_plugin("hob-quick-collection")
        ask = lambda path: hook and hook.pytest_ignore_collect(pathlib.Path(path).resolve())
        print(json.dumps({path: ask(path) for path in sys.argv[1].split()}))
pytest.main([*sys.argv[2:], "--collect-only", "-qq", "-p", "hob_quick_collection"], plugins=[Asking()])
"""


def lay(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")


def run(folder: Path, *arguments: str) -> str:
    env = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": PLUGINS}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 5), done.stdout + done.stderr
    return done.stdout


def collect(folder: Path, *arguments: str) -> list[str]:
    """What pytest would run in a folder."""
    command = ("-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider")
    return [line for line in run(folder, *command, *arguments).splitlines() if "::" in line]


def ask(folder: Path, paths: str, *arguments: str) -> dict[str, bool | None]:
    """What the hook answers about the paths at the end of a session there."""
    said = run(folder, "-c", ASKING, paths, *arguments)
    answers: dict[str, bool | None] = json.loads(
        next(line for line in said.splitlines() if line.startswith("{"))
    )
    return answers


@pytest.mark.parametrize(
    ("more", "arguments", "found"),
    [
        ({}, (), 4),
        ({}, ("package",), 2),
        ({}, ("package/plain.py",), 1),
        ({}, ("tests", "package/deep/check_this.py"), 3),
        ({}, ("--doctest-modules",), 5),
        ({}, ("--doctest-glob=*.py", "package"), 2),
        ({"pytest.ini": "[pytest]\npython_files = check_*.py"}, (), 1),
        ({"pytest.ini": "[pytest]\npython_files = package/*.py"}, (), 4),
        ({"pytest.ini": "[pytest]\npython_files = *.py"}, (), 6),
        ({"conftest.py": COLLECTS_ALL}, (), 5),
        ({"package/conftest.py": COLLECTS_ALL}, (), 5),
        ({"conftest.py": IGNORES_ONE}, (), 3),
        ({"conftest.py": "collect_ignore = ['package']"}, (), 2),
        ({"conftest.py": ADDS_A_PATTERN}, (), 5),
        ({"conftest.py": ADDS_A_PATTERN.replace("check_*", "*/check_*")}, (), 5),
        ({"package/conftest.py": ADDS_DOCTESTS}, ("package",), 3),
        ({"conftest.py": MATCHES_ANOTHER}, (), 1),
        ({"conftest.py": PATCHES_FOLDERS}, (), 1),
        ({"conftest.py": HAS_FOLDERS_OF_ITS_OWN}, (), 5),
        ({"conftest.py": PUTS_ANOTHER_IN_PLACE}, (), 5),
        ({".py": ">>> 1 + 1\n2\n"}, ("--doctest-glob=*.py",), 5),
    ],
)
def test_what_is_collected_is_what_pytest_collects(
    more: dict[str, str], arguments: tuple[str, ...], found: int, tmp_path: Path
) -> None:
    lay(tmp_path, TREE | more)
    plain = collect(tmp_path, *arguments)
    assert len(plain) == found
    assert collect(tmp_path, *QUICK, *arguments) == plain


def test_files_without_tests_are_passed_over_and_all_else_is_left_to_pytest(tmp_path: Path) -> None:
    lay(tmp_path, TREE)
    paths = "package/plain.py package/__init__.py package/test_inside.py package/odd.py tests/notes.txt"
    assert ask(tmp_path, paths) == {
        "package/plain.py": True,
        "package/__init__.py": None,
        "package/test_inside.py": None,
        "package/odd.py": None,
        "tests/notes.txt": None,
    }


@pytest.mark.parametrize(
    ("more", "arguments"),
    [
        ({}, ("package/plain.py",)),
        ({}, ("--doctest-modules",)),
        ({"conftest.py": COLLECTS_ALL}, ()),
        ({"conftest.py": IGNORES_ONE}, ()),
        ({"conftest.py": PATCHES_FOLDERS}, ()),
        ({}, ("-p", "no:python")),
    ],
)
def test_nothing_is_passed_over_where_somebody_else_has_a_say(
    more: dict[str, str], arguments: tuple[str, ...], tmp_path: Path
) -> None:
    lay(tmp_path, TREE | more)
    assert ask(tmp_path, "package/plain.py", *arguments) == {"package/plain.py": None}

"""A Python project's name, version, layout and entry points, read from every kind of manifest."""

from __future__ import annotations

from importlib.metadata import Distribution
from pathlib import Path

import pytest

from bot.workspace.find_checks.tree import Tree
from bot.workspace.python_project import (
    PythonProject,
    list_import_roots,
    list_own_modules,
    list_python_projects,
    read_python_project,
    write_project_records,
)


def tree_of(files: dict[str, str]) -> Tree:
    return Tree(files, lambda path: files[path].encode() if path in files else None)


def read(files: dict[str, str], folder: str = "") -> PythonProject:
    project = read_python_project(tree_of(files), folder)
    assert project is not None
    return project


ATTRIBUTE = '[project]\nname = "d"\n[tool.setuptools.dynamic]\nversion = {attr = "d.__version__"}\n'
SCRIPTS = "[metadata]\nname=x\n[options.entry_points]\nconsole_scripts =\n    a = m:f\n    b = m:g\n"
PLAIN = '[project]\nname = "a-b"\nversion = "1.2"\n'


@pytest.mark.parametrize(
    ("files", "name", "version"),
    [
        ({"pyproject.toml": PLAIN}, "a-b", "1.2"),
        ({"setup.cfg": "[metadata]\nname = x\nversion = 3"}, "x", "3"),
        ({"setup.py": "from setuptools import setup\nsetup(name='y', version='4', cmdclass=z)"}, "y", "4"),
        ({"pyproject.toml": '[tool.poetry]\nname = "p"\nversion = "0.1"'}, "p", "0.1"),
        (
            {
                "pyproject.toml": ATTRIBUTE,
                "d/__init__.py": "__version__ = '7.1'",
            },
            "d",
            "7.1",
        ),
        (
            {
                "setup.cfg": "[metadata]\nname=e\nversion=attr: e.meta.VERSION\n",
                "src/e/meta.py": 'VERSION = "8"',
            },
            "e",
            "8",
        ),
        ({"setup.cfg": "[metadata]\nname=f\nversion=file: VERSION\n", "VERSION": "9.0\n"}, "f", "9.0"),
        (
            {
                "pyproject.toml": '[project]\nname="h"\n[tool.hatch.version]\npath="h/__about__.py"',
                "h/__about__.py": '__version__: str = "2"',
            },
            "h",
            "2",
        ),
        (
            {"pyproject.toml": '[project]\nname="s"\ndynamic=["version"]\n[tool.setuptools_scm]\n'},
            "s",
            "0.0.0",
        ),
        ({"pyproject.toml": '[project]\nname="../x"\nversion="/etc"\n'}, "", "0.0.0"),
    ],
)
def test_names_and_versions(files: dict[str, str], name: str, version: str) -> None:
    project = read(files)
    assert (project.name, project.version) == (name, version)


@pytest.mark.parametrize(
    ("manifest", "text", "root"),
    [
        ("pyproject.toml", '[build-system]\n[tool.setuptools.packages.find]\nwhere = ["lib"]', "lib"),
        ("pyproject.toml", '[build-system]\n[tool.setuptools.package-dir]\n"" = "./code/py"', "code/py"),
        ("setup.cfg", "[metadata]\nname=x\n[options]\npackage_dir =\n    = lib\n", "lib"),
        ("setup.cfg", "[metadata]\nname=x\n[options.packages.find]\nwhere = source\n", "source"),
        ("setup.py", "import setuptools\nsetuptools.setup(name='x', package_dir={'': 'lib'})", "lib"),
        ("setup.py", "setup(name='x', packages=find_packages('py'))", "py"),
        ("pyproject.toml", '[tool.poetry]\npackages = [{include = "m", from = "lib"}]', "lib"),
        ("pyproject.toml", '[build-system]\n[tool.hatch.build.targets.wheel]\npackages = ["py/m"]', "py"),
        ("pyproject.toml", '[build-system]\n[tool.maturin]\npython-source = "python"', "python"),
        ("pyproject.toml", '[build-system]\n[tool.pdm.build]\npackage-dir = "lib"', "lib"),
        ("pyproject.toml", '[project]\nname = "x"', "src"),
    ],
)
def test_layouts(manifest: str, text: str, root: str) -> None:
    files = {manifest: text, f"{root}/m/__init__.py": "", "tests/test_a.py": ""}
    tree = tree_of(files)
    projects = list_python_projects(tree)
    assert list_import_roots(tree, projects) == (root,)
    assert "m" in list_own_modules(tree, (root,))


@pytest.mark.parametrize("where", ["/etc", "../x", "nothing", "."])
def test_a_folder_that_is_not_in_the_project_is_no_root(where: str) -> None:
    text = f'[build-system]\n[tool.setuptools.packages.find]\nwhere = ["{where}"]'
    tree = tree_of({"pyproject.toml": text, "m.py": ""})
    assert list_import_roots(tree, list_python_projects(tree)) == ()


def test_packages_of_a_monorepo_see_each_other() -> None:
    files = {
        "libs/a/setup.py": "setup(name='a')",
        "libs/a/a.py": "",
        "libs/b/pyproject.toml": PLAIN,
        "libs/b/src/b.py": "",
    }
    tree = tree_of(files)
    assert list_import_roots(tree, list_python_projects(tree)) == ("libs/a", "libs/b/src")


def test_records_are_those_that_the_standard_library_reads(tmp_path: Path) -> None:
    text = PLAIN + (
        'dependencies = ["click>=8"]\n[project.scripts]\nrun-it = "m.cli:main"\nbad = "not an object"\n'
        '[project.entry-points.pytest11]\nplug = "m.plug"\n[tool.setuptools.package-dir]\nm = "source"\n'
    )
    project = read({"pyproject.toml": text, "source/__init__.py": ""})
    write_project_records(project, tmp_path / "0")
    (found,) = Distribution.discover(name="a-b", path=[str(tmp_path / "0")])
    assert (found.metadata["Name"], found.version, found.requires) == ("a-b", "1.2", ["click>=8"])
    assert {(point.group, point.name) for point in found.entry_points} >= {
        ("pytest11", "plug"),
        ("console_scripts", "run-it"),
    }
    assert "from m.cli import main" in (tmp_path / "0" / "bin" / "run-it").read_text()
    assert not (tmp_path / "0" / "bin" / "bad").exists()
    assert str((tmp_path / "0" / "m").readlink()) == "/workspace/source"


@pytest.mark.parametrize(
    ("files", "folder", "root"),
    [
        ({"setup.cfg": SCRIPTS, "m.py": ""}, "", "/workspace"),
        ({"libs/it's/setup.cfg": SCRIPTS, "libs/it's/m.py": ""}, "libs/it's", "/workspace/libs/it's"),
        ({"setup.cfg": SCRIPTS, "src/m.py": ""}, "", "/workspace/src"),
    ],
)
def test_a_script_finds_its_module_wherever_it_is_started(
    tmp_path: Path, files: dict[str, str], folder: str, root: str
) -> None:
    write_project_records(read(files, folder), tmp_path / "0")
    launcher = (tmp_path / "0" / "bin" / "a").read_text()
    assert f"sys.path.insert(0, {root!r})\nfrom m import f\n" in launcher


@pytest.mark.parametrize(
    ("files", "points"),
    [
        (
            {"setup.cfg": SCRIPTS},
            {"a", "b"},
        ),
        ({"setup.py": "setup(name='x', entry_points={'console_scripts': ['a=m:f']})"}, {"a"}),
        ({"pyproject.toml": '[tool.poetry]\nname="x"\nversion="1"\n[tool.poetry.scripts]\na = "m:f"'}, {"a"}),
    ],
)
def test_entry_points(files: dict[str, str], points: set[str]) -> None:
    assert set(read(files).entry_points["console_scripts"]) == points

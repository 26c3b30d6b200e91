"""A Python project read from its manifests: its name and version, the folders of its packages, its entry
points.

What an installation would add is given to the sandbox without one: the folders to import from, and records as
``importlib.metadata`` reads them. No code of the project is executed.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.text.python_source import parse_pieces
from bot.workspace.find_checks.pytest_settings import read_ini
from bot.workspace.find_checks.tree import Tree, folder_of, get, join, list_texts, name_of
from sandbox.spec import WORKSPACE

PROJECTS = "/opt/hob/projects"
MOST_PROJECTS = 40
UNKNOWN = "0.0.0"  # where only a build could determine the version
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,100}[A-Za-z0-9])?")
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+!_-]{0,60}")
_ATTRIBUTE = re.compile(
    r"^(?:__version__|VERSION|version)[ \t]{0,9}(?::[ \t]{0,9}\w+)?[ \t]{0,9}=[ \t]{0,9}"
    r"['\"]([^'\"]+)['\"]",
    re.M,
)
_LAUNCHER = (
    "#!/usr/bin/env python\nimport sys\nsys.path.insert(0, {root!r})\n"
    "from {module} import {first}\nsys.exit({call}())\n"
)
_OBJECT = re.compile(r"([A-Za-z_][\w.]*):([A-Za-z_][\w.]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonProject:
    """A Python project as its manifests declare it; all paths are from the root of the tree.

    ``folder`` has the manifest, ``roots`` are the folders to import from, ``links`` maps packages to folders
    of another name. ``entry_points`` are by group, scripts under ``console_scripts``; ``requires`` are the
    runtime dependencies as written.
    """

    folder: str
    name: str = ""
    version: str = UNKNOWN
    roots: tuple[str, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    entry_points: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    requires: tuple[str, ...] = ()


def read_python_project(tree: Tree, folder: str = "") -> PythonProject | None:
    """The project whose manifest is in ``folder``; None where there is none."""
    data = tree.toml(join(folder, "pyproject.toml"))
    setup = _read_setup_call(tree.text(join(folder, "setup.py")))
    ini = {
        section: read_ini(tree, join(folder, "setup.cfg"), section) or {}
        for section in ("metadata", "options", "options.packages.find", "options.entry_points")
    }
    poetry, flit = get(data, "tool", "poetry"), get(data, "tool", "flit", "metadata")
    project = get(data, "project")
    builds = get(data, "build-system") is not None
    if not any((project, poetry, flit, setup, ini["metadata"], builds)):
        return None
    name = _first_text(
        *(get(each, "name") for each in (project, poetry, ini["metadata"], setup)), get(flit, "module")
    )
    roots, links = _find_layout(tree, folder, data, ini, setup)
    return PythonProject(
        folder=folder,
        name=name if _NAME.fullmatch(name) else "",
        version=_find_version(tree, folder, data, ini, setup, [join(folder, root) for root in (*roots, "")]),
        roots=tuple(dict.fromkeys(join(folder, root) for root in roots)),
        links={package: join(folder, place) for package, place in links.items()},
        entry_points=_find_entry_points(data, ini, setup),
        requires=_find_requirements(project, setup),
    )


def write_project_records(project: PythonProject, into: Path) -> None:
    """Write the project's records, launchers of its scripts below ``bin``, and links to its packages.

    The folder is meant to be mounted below PROJECTS in the sandbox; the links lead to WORKSPACE.
    """
    (into / "bin").mkdir(parents=True)
    if project.name:
        safe = re.sub(r"[-_.]+", "_", project.name)
        records = into / f"{safe}-{project.version}.dist-info"
        records.mkdir()
        lines = ["Metadata-Version: 2.1", f"Name: {project.name}", f"Version: {project.version}"]
        lines += [f"Requires-Dist: {each}" for each in project.requires]
        (records / "METADATA").write_text("\n".join(lines) + "\n", "utf-8")
        (records / "RECORD").write_text("", "utf-8")
        (records / "INSTALLER").write_text("hob\n", "utf-8")
        text = "".join(
            f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in points.items()) + "\n"
            for group, points in project.entry_points.items()
        )
        if text:
            (records / "entry_points.txt").write_text(text, "utf-8")
    # Unlike ``python -m``, a script does not import from the current folder.
    root = f"{WORKSPACE}/{(project.roots or (project.folder,))[0]}".rstrip("/")
    for name, value in project.entry_points.get("console_scripts", {}).items():
        found = _OBJECT.match(value)
        if found and re.fullmatch(r"[\w.-]{1,100}", name) and name not in (".", ".."):
            call = found[2]
            text = _LAUNCHER.format(root=root, module=found[1], first=call.partition(".")[0], call=call)
            (into / "bin" / name).write_text(text, "utf-8")
            (into / "bin" / name).chmod(0o755)
    for package, place in project.links.items():
        (into / package).symlink_to(f"{WORKSPACE}/{place}")
    for folder in (into, *(path for path in into.rglob("*") if path.is_dir() and not path.is_symlink())):
        folder.chmod(0o755)


def list_python_projects(tree: Tree) -> list[PythonProject]:
    """The root's project and those in folders below it, at most ``MOST_PROJECTS``."""
    folders = {folder_of(path) for path in tree.find("pyproject.toml", "setup.py", "setup.cfg")}
    found = (read_python_project(tree, folder) for folder in sorted(folders)[:MOST_PROJECTS])
    return [project for project in found if project]


def list_import_roots(tree: Tree, projects: Sequence[PythonProject]) -> tuple[str, ...]:
    """The folders, but for the root, that installations of these projects would make importable."""
    roots = [root for project in projects for root in project.roots or (project.folder,)]
    if tree.find("*.py", under="src"):
        roots.append("src")
    return tuple(dict.fromkeys(root for root in roots if root))


def list_own_modules(tree: Tree, roots: tuple[str, ...]) -> tuple[str, ...]:
    """The names of the top-level modules and packages in these folders."""
    found = set()
    for root in roots:
        start = f"{root}/" if root else ""
        for path in tree.find("*.py", under=root):
            first, _, rest = path.removeprefix(start).partition("/")
            found.add(first if rest else first.removesuffix(".py"))
    return tuple(sorted(name for name in found if name.isidentifier()))


def _first_text(*values: object) -> str:
    return next((value.strip() for value in values if isinstance(value, str) and value.strip()), "")


def _read_setup_call(text: str) -> dict[str, Any]:
    """The keyword arguments of ``setup()`` in setup.py that are plain values."""
    try:
        calls = [
            each for piece in parse_pieces(text) for each in ast.walk(piece) if isinstance(each, ast.Call)
        ]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    found: dict[str, Any] = {}
    for call in calls:
        if name_of(call.func) in ("setup", "setuptools.setup"):
            for keyword in call.keywords:
                try:
                    found[keyword.arg or ""] = ast.literal_eval(keyword.value)
                except (ValueError, TypeError, RecursionError, MemoryError):
                    found.setdefault("*", True)
                if keyword.arg == "packages" and isinstance(keyword.value, ast.Call):
                    found["packages"] = _read_where(keyword.value)
    return found


def _read_where(call: ast.Call) -> dict[str, str]:
    """The folder in which ``find_packages("src")`` looks."""
    for value in (*call.args[:1], *(each.value for each in call.keywords if each.arg == "where")):
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            return {"": value.value}
    return {}


def _find_layout(
    tree: Tree, folder: str, data: object, ini: Mapping[str, Any], setup: Mapping[str, Any]
) -> tuple[list[str], dict[str, str]]:
    """The folders below the project's to import from, and packages whose folders have another name."""
    tool = get(data, "tool")
    where = get(tool, "setuptools", "packages", "find", "where")
    roots = [*where] if isinstance(where, list) else []
    mapped: dict[str, Any] = {}
    for each in (get(tool, "setuptools", "package-dir"), setup.get("package_dir"), setup.get("packages")):
        mapped.update(each if isinstance(each, dict) else {})
    for line in ini["options"].get("package_dir", "").splitlines():
        package, equals, place = line.partition("=")
        mapped.update({package.strip(): place.strip()} if equals else {})
    roots += ini["options.packages.find"].get("where", "").split()
    roots += [get(tool, "pdm", "build", "package-dir"), get(tool, "maturin", "python-source")]
    wheel = get(tool, "hatch", "build", "targets", "wheel")
    for packages in (get(wheel, "packages"), get(tool, "hatch", "build", "packages")):
        roots += [folder_of(each) for each in list_texts(packages)]
    packages = get(tool, "poetry", "packages")
    roots += [get(each, "from") for each in packages] if isinstance(packages, list) else []
    roots.append(mapped.pop("", None))
    roots += ["src"] if tree.find("*.py", under=join(folder, "src")) else []
    links = {
        package: place
        for package, value in mapped.items()
        if isinstance(value, str)
        and isinstance(package, str)
        and package.isidentifier()
        and (place := _make_relative(value))
        and place.rpartition("/")[2] != package
        and tree.has(join(folder, f"{place}/__init__.py"))
    }
    roots += [folder_of(value) for value in mapped.values() if isinstance(value, str)]
    known = (_make_relative(root) for root in roots if isinstance(root, str))
    return [root for root in known if root and tree.find("*.py", under=join(folder, root))], links


def _make_relative(path: str) -> str:
    """A folder inside the project, '' for the project's own and for any outside."""
    parts = [part for part in path.replace("\\", "/").split("/") if part not in ("", ".")]
    return "" if path.startswith("/") or ".." in parts else "/".join(parts)


def _find_version(
    tree: Tree,
    folder: str,
    data: object,
    ini: Mapping[str, Any],
    setup: Mapping[str, Any],
    roots: list[str],
) -> str:
    tool = get(data, "tool")
    said = _first_text(get(data, "project", "version"), get(tool, "poetry", "version"), setup.get("version"))
    plain = str(ini["metadata"].get("version", "")).strip()
    if not said and plain and not plain.startswith(("attr:", "file:")):
        said = plain
    attribute = _first_text(get(tool, "setuptools", "dynamic", "version", "attr"))
    file = get(tool, "setuptools", "dynamic", "version", "file")
    file = file[0] if isinstance(file, list) and file else file
    if plain.startswith("attr:"):
        attribute = plain.removeprefix("attr:").strip()
    if plain.startswith("file:"):
        file = plain.removeprefix("file:").strip()
    if not said and isinstance(file, str):
        said = tree.text(join(folder, file)).strip()
    if not said:
        places = list(_list_version_files(tool, attribute, roots, folder))
        found = (_ATTRIBUTE.search(tree.text(path)) for path in places)
        said = next((match[1] for match in found if match), "")
    return said if _VERSION.fullmatch(said) else UNKNOWN


def _list_version_files(tool: object, attribute: str, roots: list[str], folder: str) -> Iterator[str]:
    """The files that may say ``__version__``."""
    for key in (("hatch", "version", "path"), ("pdm", "version", "path")):
        path = get(tool, *key)
        if isinstance(path, str):
            yield join(folder, path)
    module = attribute.rpartition(".")[0] or _first_text(get(tool, "flit", "metadata", "module"))
    for root in roots if module else ():
        base = join(root, module.replace(".", "/"))
        yield from (f"{base}/__init__.py", f"{base}.py")


def _find_entry_points(
    data: object, ini: Mapping[str, Any], setup: Mapping[str, Any]
) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}

    def add(group: object, name: object, value: object) -> None:
        if all(isinstance(each, str) and each and each.isprintable() for each in (group, name, value)):
            found.setdefault(str(group), {})[str(name).strip()] = str(value).strip()

    for table in (get(data, "project"), get(data, "tool", "poetry")):
        for key, group in (("scripts", "console_scripts"), ("gui-scripts", "gui_scripts")):
            for name, value in _items(get(table, key)):
                add(group, name, value)
    for table in (get(data, "project", "entry-points"), get(data, "tool", "poetry", "plugins")):
        for group, points in _items(table):
            for name, value in _items(points):
                add(group, name, value)
    for group, points in (*ini["options.entry_points"].items(), *_items(setup.get("entry_points"))):
        lines = points.splitlines() if isinstance(points, str) else points
        for line in lines if isinstance(lines, list | tuple) else ():
            name, _, value = line.partition("=") if isinstance(line, str) else ("", "", "")
            add(group, name.strip(), value.strip())
    return found


def _find_requirements(project: object, setup: Mapping[str, Any]) -> tuple[str, ...]:
    listed = get(project, "dependencies") or setup.get("install_requires")
    return tuple(each for each in list_texts(listed) if each.isprintable())


def _items(table: object) -> list[tuple[Any, Any]]:
    return list(table.items()) if isinstance(table, dict) else []

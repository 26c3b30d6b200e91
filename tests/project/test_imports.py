"""No import circle in bot, sandbox and localhub: no module depends on itself, lazy imports counted."""

from __future__ import annotations

from pathlib import Path

from tests.project.sources import read_facts
from tests.project.test_layers import modules

Graph = dict[str, set[str]]


def import_graph(files: dict[str, Path]) -> Graph:
    """For each module the others of ``files`` that it imports anywhere: at the top, in functions, for types.

    ``from package import name`` is an arrow to the module ``package.name`` where there is one, else to the
    package. That importing ``package.name`` also runs the package's ``__init__`` is no arrow.
    """
    return {module: imported_modules(path, module, set(files)) - {module} for module, path in files.items()}


def imported_modules(path: Path, module: str, known: set[str]) -> set[str]:
    """The modules among ``known`` that a file imports, relative imports resolved."""
    found: set[str] = set()
    for each in read_facts(path, module).imports:
        if not each.base:
            found |= set(each.names)
            continue
        names = {f"{each.base}.{name}" for name in each.names}
        found |= names & known or {each.base}
        if names - known:
            found.add(each.base)
    return found & known


def find_circles(graph: Graph) -> list[list[str]]:
    """The strongly connected components of more than one module, each sorted (Tarjan's algorithm)."""
    index: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    circles: list[list[str]] = []

    def visit(module: str) -> None:
        index[module] = lowest[module] = len(index)
        stack.append(module)
        for target in sorted(graph[module]):
            if target not in index:
                visit(target)
                lowest[module] = min(lowest[module], lowest[target])
            elif target in stack:
                lowest[module] = min(lowest[module], index[target])
        if lowest[module] == index[module]:
            position = stack.index(module)
            component = sorted(stack[position:])
            del stack[position:]
            if len(component) > 1:
                circles.append(component)

    for module in sorted(graph):
        if module not in index:
            visit(module)
    return sorted(circles)


def test_no_module_imports_itself_by_a_detour() -> None:
    circles = find_circles(import_graph(dict(modules())))
    assert not circles, "import circles:\n" + "\n".join(" <-> ".join(circle) for circle in circles)


def test_a_circle_is_found_behind_a_lazy_import_and_types_only(tmp_path: Path) -> None:
    texts = {
        "room/__init__.py": "from room.a import f\n",
        "room/a.py": "def f():\n    from . import b\n",
        "room/b.py": "from room.c import g\n",
        "room/c.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import room.a\n",
        "room/d.py": "from room import f\nfrom room.a import f as h\n",
    }
    files = {}
    for name, text in texts.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        files[name.removesuffix(".py").replace("/", ".").removesuffix(".__init__")] = path
    graph = import_graph(files)
    assert graph["room"] == {"room.a"} and graph["room.d"] == {"room", "room.a"}
    assert find_circles(graph) == [["room.a", "room.b", "room.c"]]

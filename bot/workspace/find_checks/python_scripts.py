"""The scripts that Python's project managers keep: hatch, PDM, Poe, taskipy, Rye, pixi, Pipenv.

https://hatch.pypa.io/latest/config/environment/overview/#scripts, https://pdm-project.org/en/latest/usage/scripts/,
https://poethepoet.natn.io/tasks/, https://pixi.sh/latest/workspace/advanced_tasks/
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from bot.workspace.find_checks.tree import Tree, get, join, list_texts

_NAMES = ("test", "tests", "unit", "unittest", "test-unit", "test_unit", "test-all", "test-cov", "cov")
_DEPTH = 3  # scripts that name scripts


def list_script_lines(tree: Tree, folder: str) -> Iterator[str]:
    """The commands of scripts that are called as tests are, those that they name in place of them."""
    settings = tree.toml(join(folder, "pyproject.toml"))
    tools = get(settings, "tool")
    for environments in (get(tools, "hatch", "envs"), get(tree.toml(join(folder, "hatch.toml")), "envs")):
        for name, environment in environments.items() if isinstance(environments, dict) else ():
            about = "test" in name or name == "default"
            yield from _list_named(
                get(environment, "scripts"), ("run",) if about and name != "default" else ()
            )
    for scripts in (
        get(tools, "pdm", "scripts"),
        get(tools, "poe", "tasks"),
        get(tools, "taskipy", "tasks"),
        get(tools, "rye", "scripts"),
        get(tools, "pixi", "tasks"),
        get(tree.toml(join(folder, "pixi.toml")), "tasks"),
        get(tree.toml(join(folder, "Pipfile")), "scripts"),
    ):
        yield from _list_named(scripts)


def _list_named(scripts: object, more: tuple[str, ...] = ()) -> Iterator[str]:
    for name in (*_NAMES, *more):
        yield from _expand(scripts, name, _DEPTH, {name})


def _expand(scripts: object, name: str, depth: int, seen: set[str]) -> Iterator[str]:
    """The lines of one script: a text, a list, or a table that has either under a name of its tool's.

    Those of a script that it names stand in its place, once.
    """
    script = get(scripts, name)
    if isinstance(script, dict):
        script = next(
            (script[key] for key in ("cmd", "composite", "sequence", "shell") if key in script), None
        )
        if isinstance(script, list) and get(scripts, name, "cmd") is not None:
            script = shlex.join(list_texts(script))
    for line in script if isinstance(script, list) else [script]:
        line = get(line, "cmd") if isinstance(line, dict) else line
        if not isinstance(line, str):
            continue
        called = line.split(maxsplit=1)[0] if line.strip() else ""
        if depth == 0 or called == name or get(scripts, called) is None:
            yield line
        elif called not in seen:
            seen.add(called)
            yield from _expand(scripts, called, depth - 1, seen)

"""What a tree says of itself before anything runs: what is missing, and what its environment is to be.

Of other tools' files (devcontainer.json and such) only words are taken, to be shown beside a suggestion.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.domain import TreeFacts
from bot.repo_config import DEVCONTAINERS, parse_jsonc
from bot.workspace.find_checks.python_needs import list_python_needs
from bot.workspace.find_checks.tree import Tree, get, list_texts
from bot.workspace.python_project import PythonProject, list_own_modules

SETUP_STEPS = (".github/workflows/copilot-setup-steps.yml", ".github/workflows/copilot-setup-steps.yaml")
CURSOR = ".cursor/environment.json"
VERSIONS = (".tool-versions", ".python-version", ".nvmrc", ".node-version", "rust-toolchain", "mise.toml")
ENVIRONMENT_FILES = (*SETUP_STEPS, *DEVCONTAINERS, CURSOR, *VERSIONS)
_MOST_CHARS = 160


def read_tree_facts(
    tree: Tree,
    believed: Tree,
    projects: Sequence[PythonProject],
    *,
    lfs_files: Sequence[str],
    submodules: Sequence[str],
    has_setup: bool,
) -> TreeFacts:
    """The facts of a tree; ``believed`` has ENVIRONMENT_FILES of the commit that instructions come from."""
    roots = tuple(dict.fromkeys(["", *(root for project in projects for root in project.roots)]))
    return TreeFacts(
        lfs_files=tuple(lfs_files),
        submodules=tuple(submodules),
        project=next((project.name for project in projects if not project.folder), ""),
        modules=list_own_modules(tree, roots),
        python_setup=_suggest_python_setup(tree, projects),
        node_setup=_suggest_node_setup(tree),
        sayings=tuple(_list_sayings(believed)),
        has_setup=has_setup,
    )


def _suggest_python_setup(tree: Tree, projects: Sequence[PythonProject]) -> str:
    """A command that installs a Python project with what its tests need; '' where there is nothing to.

    It has at most 1,000 characters.
    """
    named = any(not project.folder and project.name for project in projects)
    needs = list_python_needs(tree, installs=named or tree.has("setup.py"))
    return f"python -m venv .venv && .venv/bin/pip install pytest {' '.join(needs)}" if needs else ""


def _suggest_node_setup(tree: Tree) -> str:
    for lock, command in (
        ("pnpm-lock.yaml", "npx pnpm install --frozen-lockfile"),
        ("bun.lock", "npx bun install --frozen-lockfile"),
        ("bun.lockb", "npx bun install --frozen-lockfile"),
        ("yarn.lock", "npx yarn install --frozen-lockfile"),
        ("package-lock.json", "npm ci"),
        ("npm-shrinkwrap.json", "npm ci"),
    ):
        if tree.has(lock):
            berry = lock == "yarn.lock" and tree.has(".yarnrc.yml")
            return "npx corepack yarn install --immutable" if berry else command
    return "npm install" if tree.has("package.json") else ""


def _list_sayings(tree: Tree) -> Iterator[str]:
    """Clauses on what the repository says of its environment."""
    for path in SETUP_STEPS:
        steps = get(tree.yaml(path), "jobs", "copilot-setup-steps", "steps")
        commands = [get(step, "run") for step in steps] if isinstance(steps, list) else []
        yield from _say(path, [each for each in commands if isinstance(each, str)])
    for path in DEVCONTAINERS:
        data = parse_jsonc(tree.text(path))
        commands = [
            get(data, key) for key in ("onCreateCommand", "updateContentCommand", "postCreateCommand")
        ]
        yield from _say(
            path, [each if isinstance(each, str) else " ".join(list_texts(each)) for each in commands]
        )
    install = get(parse_jsonc(tree.text(CURSOR)), "install")
    yield from _say(CURSOR, [install] if isinstance(install, str) else [])
    for path in VERSIONS:
        lines = [
            line.strip() for line in tree.text(path).splitlines() if line.strip() and line[:1] not in "#["
        ]
        if lines:
            yield f"`{path}` asks for {_make_code(', '.join(lines[:5]))}"


def _say(path: str, commands: Sequence[str]) -> Iterator[str]:
    lines = [line.strip() for command in commands for line in command.splitlines() if line.strip()]
    if lines:
        yield f"`{path}` prepares with {_make_code(' && '.join(lines))}"


def _make_code(text: str) -> str:
    shown = " ".join(text.replace("`", "'").split())
    shown = shown if len(shown) <= _MOST_CHARS else f"{shown[:_MOST_CHARS]} ..."
    return f"`{shown}`"

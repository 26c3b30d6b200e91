"""JavaScript's checks: each package's test script, or the test runner that it depends on; Deno's task."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from fnmatch import fnmatchcase

from bot.domain import Runner
from bot.workspace.find_checks.runner import guess_runner
from bot.workspace.find_checks.tree import (
    MOST_CHARS,
    FoundCheck,
    Tree,
    folder_of,
    get,
    is_node_test,
    join,
    list_texts,
    owner_of,
)

# In each place's order: the script called ``test`` is what ``npm init`` makes.
_SCRIPTS = ("test", "tests", "test:unit", "test:ci", "unit", "test:all")
_RUN = {
    "npm": ("npm test --silent", "npm run --silent {script}"),
    "pnpm": ("pnpm --silent test", "pnpm --silent run {script}"),
    "yarn": ("yarn test", "yarn run {script}"),
    "bun": ("bun run test", "bun run {script}"),
}
_LOCKS = (
    ("pnpm-lock.yaml", "pnpm"),
    ("pnpm-workspace.yaml", "pnpm"),
    ("yarn.lock", "yarn"),
    ("bun.lock", "bun"),
    ("bun.lockb", "bun"),
    ("package-lock.json", "npm"),
)
# A script that goes through the members of a workspace itself.
_GOES_THROUGH = re.compile(
    r"--workspaces\b|(?<![\w-])(?:-ws|lerna|turbo|nx|wsrun|ultra|jest|vitest)(?![\w-])"
    r"|\b(?:pnpm|npm|yarn)\b.*(?:\s-r\b|--recursive|--filter|workspaces? )|--projects\b"
)
# Scripts of tests that are none of: the same with another output, style, what waits for a person.
_TESTS_TOO = re.compile(
    r"(?:test|tests|spec)[:_-]"
    r"(?!.*(?:watch|cov|update|debug|dev|ui|lint|types?|ci|fix|snap|open|inspect|headed|report|tap\b))[\w:.-]+"
    r"|e2e|integration"
)
_NOTHING = re.compile(r"\s*(?:echo\b.*|exit(?:\s+\d+)?|true|:|printf\b.*)\s*")
# A runner without words that choose among its tests, and one with any.
_PARTS = re.compile(r"&&|\|\||[;\n]")
_STARTED = r"\s*(?:cross-env\s+)?(?:\w+=\S*\s+)*+(?:npx\s+)?(vitest|jest|mocha)\b"
_WHOLE_RUN = re.compile(
    rf"{_STARTED}(?:\s+(?:run|--run|--silent|--passWithNoTests|--ci|--coverage|--typecheck))*\s*"
)
_PART_RUN = re.compile(rf"{_STARTED}(.*)")
_OTHER_CONFIG = re.compile(r"(?:^|\s)(?:--config|-c|--root|--dir|--rootDir|--workspace)\b")
_RUNS = re.compile(r"(?:npm run|bun run|pnpm(?: run)?|yarn(?: run)?|run-[sp])\s+(?:-\S+\s+)*([\w:.-]+)")
MOST_RUN = 40  # scripts
_MATERIAL = frozenset(("test", "tests", "__tests__", "e2e", "doc", "docs"))
_TOOLS = (
    ("vitest", Runner.VITEST, "npx --no-install vitest run"),
    ("jest", Runner.JEST, "npx --no-install jest"),
    ("mocha", Runner.MOCHA, "npx --no-install mocha"),
    ("ava", Runner.OTHER, "npx --no-install ava"),
)


def find_node_checks(tree: Tree) -> Iterator[FoundCheck]:
    """A check for each package.json that has tests, but for members that the root's script goes through."""
    yield from _find_packages(tree)[0]
    if not tree.has("package.json") and _has_node_tests(tree, ""):
        yield FoundCheck(label="node --test", command="node --test", runner=Runner.NODE_TEST, declared=False)
    yield from _find_deno_checks(tree)


def list_inner_checks(tree: Tree) -> list[FoundCheck]:
    """Those of packages among the tests or documents of an outer one, which are material of its tests."""
    return _find_packages(tree)[1]


def list_other_scripts(tree: Tree) -> list[str]:
    """How to run the root's further scripts that test, and that the one which is run does not start."""
    package = tree.json("package.json")
    script = _find_script(package)
    names = get(package, "scripts")
    if not script or not isinstance(names, dict):
        return []
    text = _expand(package, script)
    run = {script, *re.findall(r"[\w:.-]+", text)}
    if re.search(r"\btest:\*|run-[sp]|npm-run-all|concurrently|wireit|turbo|nx\b", text):
        return []
    command = _RUN[_find_package_manager(tree, "")][1].replace(" --silent", "")
    whole = {found[1] for part in _PARTS.split(text) if (found := _WHOLE_RUN.fullmatch(part))}
    return [
        command.format(script=name)
        for name, line in names.items()
        if _TESTS_TOO.fullmatch(name)
        and name not in run
        and isinstance(line, str)
        and not is_placeholder(line[:MOST_CHARS])
        and not _is_part_of(_expand(package, name), whole)
    ]


def read_root_script(tree: Tree) -> str:
    """The text of the root's test script and of all that it runs; '' where there is none."""
    package = tree.json("package.json")
    script = _find_script(package)
    return _expand(package, script) if script else ""


def _find_packages(tree: Tree) -> tuple[list[FoundCheck], list[FoundCheck]]:
    """The packages' checks: those that stand for themselves, and those that belong to an outer package."""
    root = tree.json("package.json")
    members = _list_member_patterns(tree, root)
    script = _find_script(root)
    through = bool(script and members and _GOES_THROUGH.search(_expand(root, script)))
    found: list[FoundCheck] = []
    left: list[FoundCheck] = []
    tested: set[str] = set()
    for path in tree.find("package.json"):  # outer ones first
        folder = folder_of(path)
        member = bool(folder) and _is_member(folder, members)
        check = None if through and member else _find_package_check(tree, folder)
        if check is None:
            continue
        inner = not member and not _MATERIAL.isdisjoint(folder.split("/"))
        if inner and (members or owner_of(folder, tested) is not None):
            left.append(check)
        else:
            found.append(check)
            tested.add(folder)
    return found, left


def _is_part_of(text: str, whole: Collection[str]) -> bool:
    """Whether a script starts nothing but a choice of what one of the runners that run ``whole`` runs."""
    started = [found for part in _PARTS.split(text) if (found := _PART_RUN.match(part))]
    return bool(started) and all(
        found[1] in whole and not _OTHER_CONFIG.search(found[2]) for found in started
    )


def is_placeholder(script: str) -> bool:
    """Whether a test script tests nothing: what ``npm init`` writes, and its like."""
    return all(_NOTHING.fullmatch(part) for part in re.split(r"&&|\|\||;", script))


def _find_package_check(tree: Tree, folder: str) -> FoundCheck | None:
    package = tree.json(join(folder, "package.json"))
    script = _find_script(package)
    if script:
        tool = _find_package_manager(tree, folder)
        plain, other = _RUN[tool]
        command = plain if script == "test" else other.format(script=script)
        label = f"{tool} test" if script == "test" else f"{tool} run {script}"
        runner = guess_runner(_expand(package, script))
        return FoundCheck(label=label, command=command, runner=runner, folder=folder)
    for name, runner, command in _TOOLS:
        needed = any(get(package, kind, name) is not None for kind in ("dependencies", "devDependencies"))
        config = tree.has(
            *(join(folder, f"{name}.config.{end}") for end in ("js", "ts", "mjs", "cjs", "mts"))
        )
        config = config or (name == "mocha" and bool(_files_in(tree, folder, ".mocharc*")))
        if (needed or config) and any(is_node_test(path) for path in _own_files(tree, folder)):
            return FoundCheck(label=name, command=command, runner=runner, folder=folder)
    if _find_package_manager(tree, folder) == "bun" and _imports(tree, folder, "bun:test"):
        return FoundCheck(label="bun test", command="bun test", folder=folder)
    if (not folder or get(package, "name")) and _has_node_tests(tree, folder):
        return FoundCheck(
            label="node --test", command="node --test", runner=Runner.NODE_TEST, folder=folder, declared=False
        )
    return None


def _find_script(package: object) -> str:
    """The name of the script that tests, '' where there is none or it tests nothing."""
    scripts = get(package, "scripts")
    for name in _SCRIPTS:
        text = get(scripts, name)
        if isinstance(text, str) and text.strip() and not is_placeholder(text[:MOST_CHARS]):
            return name
    return ""


def _expand(package: object, script: str) -> str:
    """The script's text, with those that it runs behind it, at most ``MOST_RUN``."""
    names, texts = [script], []
    for name in names:  # which grows
        text = get(package, "scripts", name)
        if not isinstance(text, str):
            continue
        texts.append(text[:MOST_CHARS])
        for other in _RUNS.findall(texts[-1]):
            if other not in names and len(names) < MOST_RUN:
                names.append(other)
    return "\n".join(texts)


def _find_package_manager(tree: Tree, folder: str) -> str:
    """npm, or what the nearest ``packageManager`` key or lock file names."""
    while True:
        said = get(tree.json(join(folder, "package.json")), "packageManager")
        said = said.partition("@")[0] if isinstance(said, str) else ""
        if said in _RUN:
            return said
        for name, tool in _LOCKS:
            if tree.has(join(folder, name)):
                return tool
        if not folder:
            return "npm"
        folder = folder_of(folder)


def _list_member_patterns(tree: Tree, root: object) -> list[str]:
    """The globs that name a workspace's members, in package.json or pnpm-workspace.yaml."""
    named = get(root, "workspaces")
    named = get(named, "packages") if isinstance(named, dict) else named
    if not named and tree.has("lerna.json"):
        named = tree.json("lerna.json").get("packages", ["packages/*"])
    if tree.has("pnpm-workspace.yaml"):
        named = get(tree.yaml("pnpm-workspace.yaml"), "packages")
    return [each.rstrip("/") for each in list_texts(named)]


def _is_member(folder: str, patterns: Sequence[str]) -> bool:
    if any(fnmatchcase(folder, each[1:].removeprefix("./")) for each in patterns if each.startswith("!")):
        return False
    return any(fnmatchcase(folder, each.removeprefix("./")) for each in patterns)


def _own_files(tree: Tree, folder: str) -> list[str]:
    """The JavaScript and TypeScript files of a package, without those of packages inside it."""
    packages = tree.folders("package.json")
    files = tree.find("*.js", "*.mjs", "*.cjs", "*.ts", "*.mts", "*.tsx", "*.jsx", under=folder)
    return [path for path in files if (owner_of(path, packages) or "") == folder]


def _files_in(tree: Tree, folder: str, pattern: str) -> list[str]:
    return [path for path in tree.find(pattern, under=folder) if folder_of(path) == folder]


def _has_node_tests(tree: Tree, folder: str) -> bool:
    return _imports(tree, folder, "node:test")


def _imports(tree: Tree, folder: str, module: str) -> bool:
    """Whether a file with a test's name imports the module."""
    return any(
        is_node_test(path) and re.search(rf"""["']{module}["']""", tree.text(path))
        for path in _own_files(tree, folder)
        if not path.endswith("x")
    )


def _find_deno_checks(tree: Tree) -> Iterator[FoundCheck]:
    for path in tree.find("deno.json", "deno.jsonc"):
        folder = folder_of(path)
        if tree.has(join(folder, "package.json")):
            continue
        has_task = re.search(r'"test"\s*:', tree.text(path)) is not None
        if has_task or any(is_node_test(each) for each in _own_files(tree, folder)):
            command = "deno task test" if has_task else "deno test"
            yield FoundCheck(label=command, command=command, folder=folder)

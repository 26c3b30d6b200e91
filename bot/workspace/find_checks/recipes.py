"""Checks that a Makefile, a justfile or a Taskfile names, unless they only start what is found anyway."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from bot.domain import Runner
from bot.workspace.find_checks.runner import guess_runner
from bot.workspace.find_checks.tree import MOST_BYTES, MOST_CHARS, FoundCheck, Tree, get

MOST_PARTS = 50_000  # prerequisites and lines of all targets of a file: those behind them are not read
MOST_REACHED = 100_000  # characters of the lines, filled in, that targets reach
_LINE = 50  # characters that a line counts at least
_MOST_INCLUDED = 20  # files that a Makefile includes
TARGETS = (
    *("test", "check", "tests", "unittest", "unit", "unit-test", "unit-tests", "test-unit", "test-all"),
    *("unit_test", "unit_tests", "test_unit", "test_all", "test-ci", "pytest"),
)
MAKEFILES = ("GNUmakefile", "makefile", "Makefile")  # in make's own order
_JUSTFILES = ("justfile", "Justfile", ".justfile")
_TASKFILES = ("Taskfile.yml", "Taskfile.yaml", "taskfile.yml", "taskfile.yaml")
_RULE = re.compile(r"^([\w./ \t-]++)::?(?!=)([^=\n]*+)$")
_JUST_RULE = re.compile(r"^@?([\w-]++(?:\s[^:=]*+)?):(?!=)(.*)$")
_SCRIPTED = re.compile(r"(?<![\w-])(?:npm|pnpm|yarn|bun)(?: run)? (?:-\S+ )*+test|\b(?:tox|nox)\b")
_VARIABLE = re.compile(r"\$[({]([A-Z][A-Z0-9_]{0,40})[)}]")
_SET = re.compile(
    r"^(?:export[ \t]{1,9})?([A-Z][A-Z0-9_]{0,40})[ \t]{0,20}[:?]{0,2}=[ \t]{0,20}"
    r"([\w$(./][\w$(){}./ -]{0,100})$",
    re.M,
)
# What such a variable stands for by convention, where the text that is read does not set it.
_PROGRAMS = {
    name.upper(): name
    for name in ("go", "cargo", "python", "python3", "pytest", "npm", "yarn", "pnpm", "node", "dotnet")
}
_PROGRAM = re.compile(
    r"(?<![\w-])(phpunit|pest|rspec|rake test|mix test|dotnet test|swift test|zig build test|bats|prove"
    r"|sbt test|deno (?:task )?test|dart test|flutter test|dune test|stack test|busted|crystal spec"
    r"|lein test|composer test|bun test)(?![\w-])"
)


def find_recipe_checks(tree: Tree, found: Collection[FoundCheck], script: str = "") -> Iterator[FoundCheck]:
    """The root's recipes that test and start more than the checks that are ``found`` already.

    ``script`` is the text of the root package's test script.
    """
    runners = {check.runner for check in found} - {Runner.OTHER}
    scripts = any(check.runner is Runner.PYTEST or "test" in check.label.split() for check in found)
    programs = {_name_program(check.command) for check in found if not check.folder} - {""}
    for names, tool in ((MAKEFILES, "make"), (_JUSTFILES, "just"), (_TASKFILES, "task")):
        path = next((name for name in names if tree.has(name)), "")
        rules = _read_rules(tree, path, tool) if path else _Rules()
        target = next((name for name in TARGETS if name in rules.targets), "")
        if not target or re.search(rf"(?<![\w-]){tool}(?: \w{{1,40}}=\S{{0,80}}){{0,9}} {target}", script):
            continue
        lines = _list_lines(rules, target)
        if not _is_covered(lines, runners, scripts, programs):
            command = f"{tool} {target}"
            yield FoundCheck(label=command, command=command, runner=_guess(lines))


def list_target_lines(tree: Tree, path: str, tool: str, words: Collection[str]) -> list[str]:
    """The lines of a recipe file's targets that stand among ``words``, and of all that they need."""
    rules = _read_rules(tree, path, tool)
    named = [name for name in rules.targets if name in words] or [*rules.targets][:1]
    return _list_lines(rules, *named)


@dataclass(slots=True)
class _Rules:
    """The targets of a file, as many as MOST_PARTS take, and what its variables stand for."""

    values: Mapping[str, str] | None = None  # None where there are none like make's
    targets: dict[str, tuple[list[str], list[str]]] = field(
        default_factory=dict
    )  # what each needs, its lines
    left: int = MOST_PARTS

    def add(self, name: str, needs: Collection[str] = (), lines: Collection[str] = ()) -> None:
        """Note a target, also one that is there, with more that it needs or runs."""
        if self.left > 0:
            known_needs, known_lines = self.targets.setdefault(name, ([], []))
            known_needs.extend(needs)
            known_lines.extend(lines)
            self.left -= 1 + len(needs) + len(lines)


def _read_rules(tree: Tree, path: str, tool: str) -> _Rules:
    if tool == "task":
        return _read_tasks(tree.yaml(path))
    text = _join_included(tree, tree.text(path)) if tool == "make" else tree.text(path)
    values = dict(reversed(_SET.findall(text))) if tool == "make" else None  # the first is no condition's
    rules = _Rules(values=values)
    current: list[str] = []
    for line in text.replace("\\\n", " ").splitlines():
        if line[:1] in ("\t", " "):
            for name in current:
                rules.add(name, lines=[line.strip().lstrip("@-+")])
        elif len(line) <= MOST_CHARS and line.strip() and not line.startswith("#"):
            current = _read_rule(rules, line, tool)
        if rules.left <= 0:
            break
    return rules


def _join_included(tree: Tree, text: str) -> str:
    """A Makefile's text and those of the files that it includes, of which a bounded number is read."""
    included = dict.fromkeys(re.findall(r"^[-s]?include[ \t]+([\w./-]+)[ \t]*$", text, re.M))
    return "\n".join((text, *map(tree.text, [*included][:_MOST_INCLUDED])))[:MOST_BYTES]


def _read_rule(rules: _Rules, line: str, tool: str) -> list[str]:
    """Note the targets that a line begins, none where it is another line, and return their names."""
    rule = (_JUST_RULE if tool == "just" else _RULE).match(line.partition("#")[0].rstrip())
    if not rule:
        return []
    before, _, inline = rule[2].partition(";")
    names = rule[1].split()[:1] if tool == "just" else rule[1].split()
    for name in names:
        rules.add(name, before.split(), [inline.strip()] if inline.strip() else [])
    return names


def _fill_in(line: str, values: Mapping[str, str] | None) -> str:
    """A line with the names of programs in place of their variables, also those that lead to another."""
    if values is None:
        return line
    for _ in range(2):
        if "$" not in line or len(line) > MOST_CHARS:
            break
        line = _VARIABLE.sub(lambda found: values.get(found[1]) or _PROGRAMS.get(found[1], found[0]), line)
    return line


def _read_tasks(data: object) -> _Rules:
    """https://taskfile.dev/docs/reference/schema"""
    tasks = get(data, "tasks")
    rules = _Rules()
    for name, task in tasks.items() if isinstance(tasks, dict) else ():
        task = (
            {"cmds": [task]} if isinstance(task, str) else {"cmds": task} if isinstance(task, list) else task
        )
        commands, needed = get(task, "cmds") or [get(task, "cmd")], get(task, "deps") or []
        if not isinstance(name, str) or not isinstance(commands, list) or not isinstance(needed, list):
            continue
        if rules.left < len(commands) + len(needed):  # an alias may name the same long list again and again
            break
        lines = [each if isinstance(each, str) else get(each, "cmd") for each in commands]
        needs = [get(each, "task") for each in commands] + needed
        rules.add(
            name,
            [need for need in needs if isinstance(need, str)],
            [line for line in lines if isinstance(line, str)],
        )
    return rules


def _list_lines(rules: _Rules, *targets: str) -> list[str]:
    """The lines of targets and of all that they need or call, each target's once, in the order of a run.

    Of lines that are longer together than MOST_REACHED only the first are read.
    """
    found: list[str] = []
    seen: set[str] = set()
    chars = MOST_REACHED
    left = [(name, "") for name in reversed(targets)]  # either a target or a line
    while left:
        name, line = left.pop()
        if not name:
            found.append(line)
        elif name not in seen and name in rules.targets:
            seen.add(name)
            needs, lines = rules.targets[name]
            parts = [(need, "") for need in needs if need]
            for each in lines:
                if chars <= 0:
                    break
                filled = _fill_in(each, rules.values)
                chars -= max(len(filled), _LINE)
                called = _find_called(filled)
                parts += [(called, ""), ("", filled)] if called else [("", filled)]
            left += reversed(parts)
    return found


def _find_called(line: str) -> str:
    """The target that a line calls: ``$(MAKE) unit``."""
    called = re.match(r"(?:\$\(MAKE\)|\$\{MAKE\}|make|just|task)\s+([\w.-]+)$", line)
    return called[1] if called else ""


def _is_covered(
    lines: list[str], found: Collection[Runner], scripts: bool, programs: Collection[str]
) -> bool:
    """Whether every test program that the lines start is one that is known, and there is one."""
    started = []
    for line in lines:
        runner, scripted, program = (
            guess_runner(line),
            _SCRIPTED.search(line) is not None,
            _name_program(line),
        )
        if scripted or program or runner is not Runner.OTHER:
            started.append((scripted and scripts) or runner in found or program in programs)
    return bool(started) and all(started)


def _name_program(line: str) -> str:
    """A test program that has no runner's name, or the line itself where it starts a script with Python."""
    found = _PROGRAM.search(line[:MOST_CHARS])
    if found:
        return found[1]
    return line if re.match(r"python3? [\w./-]+$", line) else ""


def _guess(lines: list[str]) -> Runner:
    runners = {guess_runner(line) for line in lines} - {Runner.OTHER}
    return runners.pop() if len(runners) == 1 else Runner.OTHER

"""Runs the repository's tests: all by its own command, or a few as that command's runner would run them."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from .node_run import NodeRun, Program, Seen, run_command

EXIT = "the exit code"  # stands for a test where nothing reports tests
NAME_CHARS = 590  # of a test's name, which the report cuts at 600
MOST_FILES = 60
_JS_SIGNS = re.compile(r"[.*+?^${}()|\[\]\\/]")
_NUMBERED = re.compile(r" \(\d{1,6}\)\Z")
_MANAGERS = re.compile(
    r"(?:\A|/)(?:npm|npx|npm-cli|npx-cli|yarn|yarnpkg|pnpm|pnpx|corepack|c8|nyc|cross-env|run-s|run-p|"
    r"npm-run-all|npm-run-all2)(?:\.c?js|\.mjs)?\Z"
)
_PROGRAMS = {
    "mocha": re.compile(r"(?:/|\A)_?mocha(?:\.c?js)?\Z|/mocha/lib/cli/cli\.c?js\Z"),
    "jest": re.compile(r"(?:/|\A)jest(?:\.js)?\Z"),
    "vitest": re.compile(r"/(?:\.bin/vitest|vitest/(?:vitest|dist/cli)\.m?js)\Z"),
}


def list_outcomes(run: NodeRun) -> dict[str, str]:
    """Each test's end; the exit code stands for a test where it says more than the tests do."""
    said = dict(run.tests)
    if run.hung:
        said[EXIT] = "failed"
    elif not run.tests:
        said[EXIT] = "passed" if run.code == 0 else "failed"
    elif run.code != 0 and "failed" not in run.tests.values():
        said[EXIT] = "failed"
    return said


@dataclass(slots=True, kw_only=True)
class Judge:
    """How the tests of one repository are run. ``runner`` is '' where only the exit code is known."""

    root: Path
    command: str
    scratch: Path
    runner: str = ""
    program: Program | None = None
    files: list[str] = field(default_factory=list)  # that the failing tests stand in, absolute

    def run_all(self, seconds: float, coverage: Path | None = None, seen: Seen | None = None) -> NodeRun:
        """The whole suite, by the repository's own command."""
        words = ("bash", "-c", self.command)
        return run_command(words, self.scratch, seconds, cwd=self.root, coverage=coverage, seen=seen)

    def learn(self, run: NodeRun, failing: Sequence[str]) -> None:
        """Find the runner and its program from a run of all, and the files of the tests that fail."""
        self.runner = next((each for each in run.runners if each in (*_PROGRAMS, "node:test")), "")
        if not self.runner and EXIT not in failing and run.tests:
            self.runner = "tape"  # its output is read
        self.program = _find_program(run.programs, self.runner, self.root)
        if self.runner == "node:test":
            files = [_find_test_file(each, self.root) for each in run.programs if each.code]
            self.files = list(dict.fromkeys(each for each in files if each))
        elif self.runner in _PROGRAMS:
            cwd = Path(self.program.cwd if self.program else self.root)
            named = [cwd / name.partition(" > ")[0] for name in failing]
            self.files = list(dict.fromkeys(str(each) for each in named if each.is_file()))

    def narrow(self, seconds: float) -> None:
        """Where tests report no files of their own, find those whose run alone fails."""
        if self.runner not in ("", "tape") or self.program is None:
            return
        own = _find_test_file(self.program, self.root)
        given = [own] if own else _list_file_arguments(self.program, self.root)
        self.files = given if len(given) == 1 else []
        if not 1 < len(given) <= MOST_FILES:
            return
        failing = []
        for file in given:
            run = self.run_part(seconds, files=[file])
            if "failed" in list_outcomes(run).values():
                failing.append(file)
        self.files = failing

    def run_part(
        self,
        seconds: float,
        *,
        files: Sequence[str],
        names: Iterable[str] = (),
        coverage: Path | None = None,
        seen: Seen | None = None,
    ) -> NodeRun:
        """Tests of some files, those in ``names`` or all; ``coverage`` is a new folder for what ran."""
        chosen = list(names)
        where = self.root if self.program is None else Path(self.program.cwd)
        pattern = make_pattern(chosen, where)
        v8 = None if self.runner == "jest" else coverage
        asked: dict[str, object] = {
            "files": list(files),
            "pattern": pattern,
            "titles": [title for name in chosen for title in split_name(name, where)],
            "coverage": str(coverage) if coverage else "",
        }
        program = self.program
        if program is None or (self.runner == "node:test" and not files):
            words: Sequence[str] = ("bash", "-c", self.command)
            told = asked if self.runner else None
            return run_command(
                words, self.scratch, seconds, cwd=self.root, asked=told, coverage=v8, seen=seen
            )
        cwd = Path(program.cwd)
        if self.runner == "node:test":
            return self._run_node_tests(program, seconds, files, chosen, asked, coverage, seen)
        words = (program.argv[0], *program.options, *program.argv[1:])
        if self.runner == "vitest":
            words = _narrow_vitest(words, files, pattern)
        elif self.runner in ("", "tape") and files:
            words = _put_files(words, program, files, self.root)
        given = asked if self.runner in ("mocha", "jest", "tape") else None
        return run_command(words, self.scratch, seconds, cwd=cwd, asked=given, coverage=v8, seen=seen)

    def make_name_options(self, names: Iterable[str]) -> list[str]:
        """node:test's options for tests of these names, and for those that they are in."""
        where = self.root if self.program is None else Path(self.program.cwd)
        titles = dict.fromkeys(
            part for name in names for part in split_name(name, where) if len(name) < NAME_CHARS
        )
        return [f"--test-name-pattern=^{_escape(title)}$" for title in titles]

    def _run_node_tests(
        self,
        program: Program,
        seconds: float,
        files: Sequence[str],
        names: Iterable[str],
        asked: dict[str, object],
        coverage: Path | None,
        seen: Seen | None,
    ) -> NodeRun:
        """Each file in a process of its own, without the one that ``node --test`` has above them."""
        patterns = self.make_name_options(names)
        options = [each for each in program.options if not each.startswith("--test")]
        runs = [
            run_command(
                (program.argv[0], *options, *patterns, file),
                self.scratch,
                seconds,
                cwd=Path(program.cwd),
                asked=asked,
                coverage=coverage,
                seen=seen,
            )
            for file in files
        ]
        return _join_runs(runs)


def _join_runs(runs: Sequence[NodeRun]) -> NodeRun:
    tests: dict[str, str] = {}
    for run in runs:
        for name, was in run.tests.items():
            tests[name] = "failed" if "failed" in (was, tests.get(name)) else was
    return replace(
        runs[0],
        code=next((run.code for run in runs if run.code), 0),
        hung=any(run.hung for run in runs),
        seconds=sum(run.seconds for run in runs),
        output="\n".join(run.output for run in runs),
        tests=tests,
        complete=all(run.complete for run in runs),
    )


def split_name(name: str, cwd: Path) -> list[str]:
    """The titles of a reported test, without its file: of its suites, and its own."""
    parts = name.split(" > ")
    if len(parts) > 1 and (cwd / parts[0]).is_file():
        parts = parts[1:]
    return [*parts[:-1], _NUMBERED.sub("", parts[-1])]


def make_pattern(names: Iterable[str], cwd: Path) -> str:
    """A regular expression of JavaScript's for tests' full names, as mocha, jest and vitest join them."""
    found = []
    for name in names:
        titles = [_escape(each) for each in split_name(name, cwd)]
        end = "" if len(name) >= NAME_CHARS else "$"
        found.append("(?: > | )".join(titles) + end)
    return f"^(?:{'|'.join(dict.fromkeys(found))})" if found else ""


def _escape(title: str) -> str:
    return _JS_SIGNS.sub(lambda match: f"\\{match[0]}", title)


def _find_program(programs: Sequence[Program], runner: str, root: Path) -> Program | None:
    """The process in which the tests of ``runner`` are; of unknown runners the outermost that failed."""
    if runner == "node:test":
        own = [each for each in programs if _find_test_file(each, root)]
        return next((each for each in own if each.code), own[0] if own else None)
    if runner in _PROGRAMS:
        mark = _PROGRAMS[runner]
        fitting = [each for each in programs if len(each.argv) > 1 and mark.search(each.argv[1])]
        return fitting[-1] if fitting else None
    for each in programs:
        if each.code and len(each.argv) > 1 and not _MANAGERS.search(each.argv[1]):
            return each
    return None


def _find_test_file(program: Program, root: Path) -> str:
    """The repository's file that a process runs, '' where it runs none."""
    if len(program.argv) < 2 or "--test" in program.options:
        return ""
    path = program.argv[1]
    inside = path.startswith(f"{root}/") and "/node_modules/" not in path
    return path if inside and Path(path).is_file() else ""


def _list_file_arguments(program: Program, root: Path) -> list[str]:
    """The repository's files among the arguments of a program, patterns for such files filled in."""
    found: list[str] = []
    for word in program.argv[2:]:
        if word.startswith("-"):
            continue
        whole = os.path.join(program.cwd, word)  # noqa: PTH118
        matches = [whole] if Path(whole).is_file() else sorted(glob.glob(whole, recursive=True))  # noqa: PTH207
        found += [each for each in matches if _is_own_file(each, root)]
    return list(dict.fromkeys(found))


def _is_own_file(path: str, root: Path) -> bool:
    return path.startswith(f"{root}/") and "/node_modules/" not in path and Path(path).is_file()


def _put_files(words: Sequence[str], program: Program, files: Sequence[str], root: Path) -> Sequence[str]:
    """The program's words with ``files`` in place of the files that it was given."""
    kept = []
    for word in words:
        as_argument = replace(program, argv=("", "", word))
        if not _list_file_arguments(as_argument, root):
            kept.append(word)
    return (*kept, *files)


def _narrow_vitest(words: Sequence[str], files: Sequence[str], pattern: str) -> Sequence[str]:
    kept = [each for each in words if "hob_vitest_report" not in each and not each.startswith("--coverage")]
    more = ["-t", pattern] if pattern else []
    return (*kept, *files, *more)

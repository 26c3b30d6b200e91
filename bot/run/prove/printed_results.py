"""Test results read from what a runner printed, for runners that report in no other way.

What is printed can be printed by the code under test too, so these results are named as such
(``ResultSource.OUTPUT``), and a run whose runner did not come to its own summary counts as broken off.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bot.domain import Runner

Outcomes = dict[str, str]  # test -> passed, failed, skipped


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedResults:
    """What was printed. ``named``: every test is in ``tests``, and not only those that fail.

    ``broken_off`` says what has no end, '' where everything has one.
    """

    passed: int
    failed: int
    skipped: int = 0
    tests: Outcomes = field(default_factory=dict)
    named: bool = False
    broken_off: str = ""

    @property
    def counted(self) -> int:
        """All that came to an end."""
        return self.passed + self.failed + self.skipped


def read_printed_results(text: str, runner: Runner) -> PrintedResults | None:
    """The results in a check's output, or None where no runner that is known printed any."""
    text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text)
    own = _READERS.get(runner)
    for read in (own,) if own else (*reversed(dict.fromkeys(_READERS.values())), _read_counts):
        found = read(text)
        if found is not None:
            return found
    return _read_counts(text)


def _count(tests: Outcomes, *, broken_off: str = "") -> PrintedResults:
    ends = list(tests.values())
    return PrintedResults(
        passed=ends.count("passed"),
        failed=ends.count("failed"),
        skipped=ends.count("skipped"),
        tests=tests,
        named=True,
        broken_off=broken_off,
    )


_CARGO_TEST = re.compile(r"^test (.+?)(?: - should panic)? \.\.\. (ok|FAILED|ignored)", re.MULTILINE)
_CARGO_BINARY = re.compile(r"^\s+(?:Running (?:unittests )?(\S+)|Doc-tests (\S+))", re.MULTILINE)
_CARGO_WORDS = {"ok": "passed", "FAILED": "failed", "ignored": "skipped"}


def _read_cargo(text: str) -> PrintedResults | None:
    """``cargo test``: each binary says how many tests it runs, and ends with ``test result:``."""
    begun = len(re.findall(r"^running \d+ tests?$", text, re.MULTILINE))
    ended = len(re.findall(r"^test result: ", text, re.MULTILINE))
    if not begun:
        return None
    tests: Outcomes = {}
    binary = ""
    for line in text.splitlines():
        if there := _CARGO_BINARY.match(line):
            binary = there[1] or f"doc {there[2]}"
        elif told := _CARGO_TEST.match(line):
            name = told[1] if binary in ("", "src/lib.rs", "src/main.rs") else f"{binary}: {told[1]}"
            _add(tests, name, _CARGO_WORDS[told[2]])
    return _count(tests, broken_off="a test binary" if ended < begun else "")


_GO_TEST = re.compile(r"^\s*--- (PASS|FAIL|SKIP): (\S+)", re.MULTILINE)
_GO_PACKAGE = re.compile(r"^(ok|FAIL|\?)[ ]*\t(\S+)(?:\t| (?=\[))(\S.*)$", re.MULTILINE)
_GO_WORDS = {"PASS": "passed", "FAIL": "failed", "SKIP": "skipped", "ok": "passed"}


def _read_go(text: str) -> PrintedResults | None:
    """``go test``: one line for each package, and for each test with ``-v`` or where it fails."""
    found = _GO_PACKAGE.findall(text)
    packages = [(end, name) for end, name, rest in found if end != "?" or "no test" in rest]
    if not packages:
        return None
    tests: Outcomes = {}
    for line in text.splitlines():
        if told := _GO_TEST.match(line):
            _add(tests, told[2], _GO_WORDS[told[1]])
    if any(end == "passed" for end in tests.values()):
        for _, name, rest in found:
            if rest.endswith("[build failed]") or rest.endswith("[setup failed]"):
                _add(tests, name, "failed")
        return _count(tests)
    for end, name in packages:
        if end != "?":
            _add(tests, name, _GO_WORDS[end])
    return _count(tests)


_TAP_LINE = re.compile(r"^(\s*)(not )?ok \d+(?: - | |$)(.*?)(?:\s+# (SKIP|TODO)\b.*)?$", re.IGNORECASE)
_TAP_SUBTEST = re.compile(r"^(\s*)# Subtest: (.*)$")
_TAP_END = re.compile(r"^# (?:tests|pass) \d+$", re.MULTILINE)


def _read_tap(text: str) -> PrintedResults | None:
    """TAP 13 and 14, as ``node --test`` prints it: subtests are indented, before the line of their parent."""
    if not re.search(r"^TAP version 1[34]$", text, re.MULTILINE):
        return None
    tests: Outcomes = {}
    above: list[tuple[int, str]] = []
    parents: set[str] = set()
    for line in text.splitlines():
        if sub := _TAP_SUBTEST.match(line):
            depth = len(sub[1])
            above = [each for each in above if each[0] < depth]
            parents.update(" > ".join(name for _, name in above[:at]) for at in range(1, len(above) + 1))
            above.append((depth, sub[2]))
        elif told := _TAP_LINE.match(line):
            depth = len(told[1])
            name = " > ".join([*(name for at, name in above if at < depth), told[3]])
            above = [each for each in above if each[0] < depth]
            was = "skipped" if told[4] else "failed" if told[2] else "passed"
            _add(tests, name, was)
    for name in parents & tests.keys():  # a suite fails with its tests: they tell it
        if any(each.startswith(f"{name} > ") for each in tests):
            del tests[name]
    return _count(tests, broken_off="" if _TAP_END.search(text) or not tests else "the run")


_SPEC_LINE = re.compile(
    r"^(\s*)(✔|✓|√|✖|✗|✕|×|\d+\)|﹣|○|-) (.+?)(?: \(?\d[\d.]* ?m?s\)?)?(?: # (?:SKIP|TODO).*)?$"
)
_SPEC_WORDS = {"✔": "passed", "✓": "passed", "√": "passed", "﹣": "skipped", "○": "skipped", "-": "skipped"}


def _read_spec_lines(text: str) -> Outcomes:
    tests: Outcomes = {}
    for line in text.splitlines():
        if told := _SPEC_LINE.match(line):
            _add(tests, told[3], _SPEC_WORDS.get(told[2], "failed"))
    return tests


_NODE_COUNT = re.compile(r"^ℹ (tests|pass|fail|skipped|todo) (\d+)$", re.MULTILINE)


def _read_node(text: str) -> PrintedResults | None:
    """``node --test`` in TAP, or as its spec reporter prints it."""
    tap = _read_tap(text)
    if tap is not None:
        return tap
    counts = {word: int(number) for word, number in _NODE_COUNT.findall(text)}
    if "pass" not in counts:
        return None
    head = text.partition("✖ failing tests:")[0]
    tests = {name: was for name, was in _read_spec_lines(head).items() if was != "skipped"}
    return PrintedResults(
        passed=counts["pass"],
        failed=counts.get("fail", 0),
        skipped=counts.get("skipped", 0) + counts.get("todo", 0),
        tests=tests,
        named=len(tests) >= counts["pass"] + counts.get("fail", 0),
    )


_JEST = re.compile(r"^\s*Tests:?\s+(?=.*\b(?:passed|failed|total)\b)(.+)$", re.MULTILINE)
_JEST_COUNT = re.compile(r"(\d+) (passed|failed|skipped|todo|total)")


def _read_jest(text: str) -> PrintedResults | None:
    """jest and vitest: their last lines have the counts; names stand above where they are verbose."""
    lines = _JEST.findall(text)
    if not lines:
        return None
    counts: dict[str, int] = {}
    for line in lines:  # several packages of a workspace
        for number, word in _JEST_COUNT.findall(line):
            counts[word] = counts.get(word, 0) + int(number)
    tests = _read_spec_lines(text)
    failed = counts.get("failed", 0) + len(re.findall(r"Test suite failed to run", text))
    return PrintedResults(
        passed=counts.get("passed", 0),
        failed=failed,
        skipped=counts.get("skipped", 0) + counts.get("todo", 0),
        tests=tests,
        named=sum(was != "skipped" for was in tests.values()) >= counts.get("passed", 0) + failed > 0,
    )


_MOCHA = re.compile(r"^\s+(\d+) (passing|failing|pending)\b", re.MULTILINE)


def _read_mocha(text: str) -> PrintedResults | None:
    """mocha's spec reporter: ``3 passing (5ms)`` ends it, and the failures are listed again below."""
    counts: dict[str, int] = {}
    for number, word in _MOCHA.findall(text):
        counts[word] = counts.get(word, 0) + int(number)
    if "passing" not in counts:
        return None
    above = text[: next(m.start() for m in _MOCHA.finditer(text))]
    tests = _read_spec_lines(above)
    ended = counts["passing"] + counts.get("failing", 0)
    return PrintedResults(
        passed=counts["passing"],
        failed=counts.get("failing", 0),
        skipped=counts.get("pending", 0),
        tests=tests,
        named=sum(was != "skipped" for was in tests.values()) >= ended > 0,
    )


_UNITTEST_BAD = re.compile(r"^(?:FAIL|ERROR): (\S+) \(([\w.]+)\)", re.MULTILINE)
_UNITTEST_RAN = re.compile(r"^Ran (\d+) tests? in ", re.MULTILINE)
_UNITTEST_SKIPPED = re.compile(r"^(?:OK|FAILED) \(.*?skipped=(\d+)", re.MULTILINE)


def _read_unittest(text: str) -> PrintedResults | None:
    """unittest: the failing tests by name, and how many ran."""
    ran = [int(number) for number in _UNITTEST_RAN.findall(text)]
    if not ran:
        return None
    failing = [
        where if where.endswith(name) else f"{where}.{name}" for name, where in _UNITTEST_BAD.findall(text)
    ]
    skipped = sum(int(number) for number in _UNITTEST_SKIPPED.findall(text))
    passed = max(0, sum(ran) - len(failing) - skipped)
    return PrintedResults(
        passed=passed, failed=len(failing), skipped=skipped, tests=dict.fromkeys(failing, "failed")
    )


_PYTEST_COUNT = re.compile(r"(\d+) (passed|failed|errors?|skipped|xfailed|xpassed)\b")
_PYTEST_BAD = re.compile(r"^(?:FAILED|ERROR) (\S+?(?:\[.*?\])?)(?: - .*)?$", re.MULTILINE)


def _read_pytest(text: str) -> PrintedResults | None:
    """pytest: its last line has the counts, the summary above it names what failed."""
    for line in reversed(text.splitlines()):
        found = {word.rstrip("s"): int(number) for number, word in _PYTEST_COUNT.findall(line)}
        if found and re.search(r" in \d", line):
            return PrintedResults(
                passed=found.get("passed", 0) + found.get("xpassed", 0),
                failed=found.get("failed", 0) + found.get("error", 0),
                skipped=found.get("skipped", 0) + found.get("xfailed", 0),
                tests=dict.fromkeys(_PYTEST_BAD.findall(text), "failed"),
            )
    return None


_MAVEN = r"Tests run: (\d+), Failures: (\d+), Errors: (\d+), Skipped: (\d+)\s*$"
_PHPUNIT = r"^Tests: (\d+), Assertions: \d+(?:, Errors: (\d+))?(?:, Failures: (\d+))?(?:.*Skipped: (\d+))?"
_DOTNET = r"Failed:\s+(?=\d)(?P<failed>\d+), Passed:\s+(?P<passed>\d+), Skipped:\s+(?P<skipped>\d+)"
_COUNTS = tuple(  # of runners whose names are not read: total, failed, errors, skipped
    re.compile(pattern, re.MULTILINE)
    for pattern in (
        rf"^(?:\[\w+\] )?{_MAVEN}",
        r"^(\d+) runs, \d+ assertions, (\d+) failures, (\d+) errors, (\d+) skips",  # minitest
        r"^(\d+) tests, (\d+) failures?()(?:, (\d+) skipped)?\s*$",  # mix, bats
        r"^(\d+) examples?, (\d+) failures?()(?:, (\d+) pending)?",  # rspec
        r"^OK \((\d+) tests?, \d+ assertions?()()()\)",  # PHPUnit
        _PHPUNIT,
        _DOTNET,
    )
)


def _read_counts(text: str) -> PrintedResults | None:
    """The summary line of another runner; of several the numbers are added."""
    for pattern in _COUNTS:
        found = list(pattern.finditer(text))
        if not found:
            continue
        if "passed" in pattern.groupindex:
            passed, failed, skipped = (
                sum(int(one[key]) for one in found) for key in ("passed", "failed", "skipped")
            )
        else:
            total, bad, errors, skipped = (sum(int(one[at] or 0) for one in found) for at in (1, 2, 3, 4))
            failed = bad + errors
            passed = max(0, total - failed - skipped)
        return PrintedResults(passed=passed, failed=failed, skipped=skipped)
    return None


def _add(tests: Outcomes, name: str, was: str) -> None:
    """Add a test under its own name; one whose name was there before gets a number."""
    tests[next(each for each in _number_names(name) if each not in tests)] = was


def _number_names(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name} ({number})" for number in range(2, 100_000))


_READERS: dict[Runner, Callable[[str], PrintedResults | None]] = {
    Runner.PYTEST: _read_pytest,
    Runner.UNITTEST: _read_unittest,
    Runner.DJANGO: _read_unittest,
    Runner.CARGO: _read_cargo,
    Runner.NODE_TEST: _read_node,
    Runner.JEST: _read_jest,
    Runner.VITEST: _read_jest,
    Runner.MOCHA: _read_mocha,
    Runner.GO: _read_go,
}

"""Test results read from what a runner printed, for runners that report in no other way.

What is printed can be printed by the code under test too, so these results are named as such
(``ResultSource.OUTPUT``), and a run whose runner did not come to its own summary counts as broken off.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bot.domain import Runner

LINE_CHARS = 600  # of a line that are looked at
_COLOURS = re.compile(r"\x1b\[[0-9;]{0,20}[A-Za-z]")
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
    text = _COLOURS.sub("", text)
    text = "\n".join(line[:LINE_CHARS] for line in text.splitlines() if line.strip())
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


_CARGO_TEST = re.compile(r"^test (.{1,300}?)(?: - should panic)? \.\.\. (ok|FAILED|ignored)", re.MULTILINE)
_CARGO_BINARY = re.compile(
    r"^[ ]{1,20}(?:Running (?:unittests )?(\S{1,300})|Doc-tests (\S{1,300}))", re.MULTILINE
)
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


_GO_TEST = re.compile(r"^[ ]{0,80}--- (PASS|FAIL|SKIP): (\S{1,300})", re.MULTILINE)
_GO_PACKAGE = re.compile(r"^(ok|FAIL|\?)[ ]{0,4}\t(\S{1,300}+)(?:\t| (?=\[))(\S.{0,300})$", re.MULTILINE)
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


_TAP_LINE = re.compile(
    r"^([ ]{0,200})(not )?ok \d{1,9}(?: - | |$)([^#]{0,600}+)(?:# (SKIP|TODO)\b|#|$)", re.IGNORECASE
)
_TAP_SUBTEST = re.compile(r"^([ ]{0,200})# Subtest: (.{0,600})$")
_TAP_END = re.compile(r"^# (?:tests|pass) \d{1,9}$", re.MULTILINE)
_TAPE = re.compile(r"^TAP version 13\n# (?!Subtest: )", re.MULTILINE)
_TAPE_TITLE = re.compile(r"^# (?!SKIP |TODO )(\S.{0,600})$")
_TAPE_SUMMARY = re.compile(
    r"^# (?:(?P<count>(?:tests|pass) {1,9}\d{1,9})|(?:fail|skip|todo) {1,9}\d{1,9}|ok)$"
)
_TAP_PLAN = re.compile(r"^1\.\.\d{1,9}(?: #.{0,600})?$")
_TAPE_LEFT = "test exited without ending: "


def _read_tap(text: str) -> PrintedResults | None:
    """TAP 13 and 14, as ``node --test`` prints it: subtests are indented, before the line of their parent."""
    if not re.search(r"^TAP version 1[34]$", text, re.MULTILINE):
        return None
    if _TAPE.search(text) and "# Subtest: " not in text:
        return _read_tape(text)
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
            name = " > ".join([*(name for at, name in above if at < depth), told[3].strip()])
            above = [each for each in above if each[0] < depth]
            was = "skipped" if told[4] else "failed" if told[2] else "passed"
            _add(tests, name, was)
    for name in parents & tests.keys():  # a suite fails with its tests: they tell it
        if any(each.startswith(f"{name} > ") for each in tests):
            del tests[name]
    return _count(tests, broken_off="" if _TAP_END.search(text) or not tests else "the run")


def _read_tape(text: str) -> PrintedResults:
    """tape: a test's title is a comment, and its points follow. One that throws has points of other names,

    and each test that does not come to run has one: https://github.com/tape-testing/tape
    Behind the plan comes the summary; before it, a test may have the words of one as its title.
    """
    tests: Outcomes = {}
    current = ""
    planned = ended = False
    for line in text.splitlines():
        if _TAP_PLAN.match(line):
            planned = True
        elif line.startswith("TAP version "):  # of another program
            planned, current = False, ""
        elif planned and (summary := _TAPE_SUMMARY.match(line)):
            ended = ended or summary["count"] is not None
        elif title := _TAPE_TITLE.match(line):
            current = next(each for each in _number_names(title[1].strip()) if each not in tests)
        elif (told := _TAP_LINE.match(line)) and not told[1]:
            point = told[3].strip()
            was = "skipped" if told[4] else "failed" if told[2] else "passed"
            name = point.removeprefix(_TAPE_LEFT) if point.startswith(_TAPE_LEFT) else current or point
            known = tests.get(name, "skipped")
            tests[name] = (
                "failed" if "failed" in (was, known) else "passed" if "passed" in (was, known) else was
            )
    return _count(tests, broken_off="" if ended or not tests else "the run")


_SPEC_LINE = re.compile(
    r"^([ ]{0,80})(✔|✓|√|✖|✗|✕|×|\d{1,5}\)|﹣|○|-) "
    r"(\S.{0,200}?)(?: \(?\d[\d.]{0,12} ?m?s\)?)?(?: # (?:SKIP|TODO).{0,100})?$"
)
_SPEC_WORDS = {"✔": "passed", "✓": "passed", "√": "passed", "﹣": "skipped", "○": "skipped", "-": "skipped"}


def _read_spec_lines(text: str) -> Outcomes:
    tests: Outcomes = {}
    for line in text.splitlines():
        if told := _SPEC_LINE.match(line):
            _add(tests, told[3], _SPEC_WORDS.get(told[2], "failed"))
    return tests


_NODE_COUNT = re.compile(r"^ℹ (tests|pass|fail|skipped|todo) (\d{1,9})$", re.MULTILINE)


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


_JEST = re.compile(
    r"^[ ]{0,20}Tests:?[ ]{1,20}(\d{1,9} (?:passed|failed|skipped|todo|total).{0,300})$", re.MULTILINE
)
_JEST_COUNT = re.compile(r"(?<!\d)(\d{1,9}) (passed|failed|skipped|todo|total)")


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


_MOCHA = re.compile(r"^[ ]{1,20}(\d{1,9}) (passing|failing|pending)\b", re.MULTILINE)


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


_UNITTEST_BAD = re.compile(r"^(?:FAIL|ERROR): (\S{1,300}) \(([\w.]{1,300})\)", re.MULTILINE)
_UNITTEST_RAN = re.compile(r"^Ran (\d{1,9}) tests? in ", re.MULTILINE)
_UNITTEST_SKIPPED = re.compile(r"^(?:OK|FAILED) \([^)\n]{0,120}?skipped=(\d{1,9})", re.MULTILINE)


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


_PYTEST_COUNT = re.compile(r"(?<!\d)(\d{1,9}) (passed|failed|errors?|skipped|xfailed|xpassed)\b")
_PYTEST_BAD = re.compile(r"^(?:FAILED|ERROR) ([^\s\[]{1,300}+(?:\[.{0,250}?\])?)(?= - |$)", re.MULTILINE)


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


_MAVEN = r"Tests run: (\d{1,9}), Failures: (\d{1,9}), Errors: (\d{1,9}), Skipped: (\d{1,9})[ ]{0,9}$"
_PHPUNIT = (
    r"^Tests: (\d{1,9}), Assertions: \d{1,9}(?:, Errors: (\d{1,9}))?"
    r"(?:, Failures: (\d{1,9}))?(?:.{0,200}Skipped: (\d{1,9}))?"
)
_DOTNET = (
    r"Failed:[ ]{1,20}(?P<failed>\d{1,9}), "
    r"Passed:[ ]{1,20}(?P<passed>\d{1,9}), Skipped:[ ]{1,20}(?P<skipped>\d{1,9})"
)
_COUNTS = tuple(  # of runners whose names are not read: total, failed, errors, skipped
    re.compile(pattern, re.MULTILINE)
    for pattern in (
        rf"^(?:\[\w{{1,9}}\] )?{_MAVEN}",
        r"^(\d{1,9}) runs, \d{1,9} assertions, (\d{1,9}) failures, (\d{1,9}) errors, (\d{1,9}) skips",
        r"^(\d{1,9}) tests, (\d{1,9}) failures?()(?:, (\d{1,9}) skipped)?[ ]{0,9}$",  # mix, bats
        r"^(\d{1,9}) examples?, (\d{1,9}) failures?()(?:, (\d{1,9}) pending)?",  # rspec
        r"^OK \((\d{1,9}) tests?, \d{1,9} assertions?()()()\)",  # PHPUnit
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

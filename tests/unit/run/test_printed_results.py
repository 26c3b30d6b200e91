"""Results read from what runners print: names and counts, as they came from real runs."""

from __future__ import annotations

import pytest

from bot.domain import Runner
from bot.run.prove.printed_results import read_printed_results

PYTEST = """
FAILED tests/test_a.py::test_x[10-5] - assert 0 == 5
FAILED tests/test_a.py::test_y[a b] - AssertionError: x
ERROR tests/test_b.py::test_z
=================== 2 failed, 9 passed, 1 error in 0.94s ===================
"""
UNITTEST = """
FAIL: test_sum (tests.test_calc.CalcTest.test_sum)
ERROR: test_old (tests.test_calc.CalcTest)
Ran 7 tests in 0.001s

FAILED (failures=1, errors=1)
"""
CARGO = """
     Running unittests src/lib.rs (target/debug/deps/calc-0a1b)

running 3 tests
test tests::it_adds ... ok
test tests::it_doubles ... FAILED
test tests::slow ... ignored

test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s

     Running tests/whole.rs (target/debug/deps/whole-0a1b)

running 1 test
test tests::it_adds ... ok

test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
"""
GO = """
=== RUN   TestAdd
--- PASS: TestAdd (0.00s)
=== RUN   TestDouble
    calc_test.go:9: 6
--- FAIL: TestDouble (0.00s)
FAIL
FAIL\texample.com/calc\t0.002s
?   \texample.com/calc/cmd\t[no test files]
FAIL
"""
GO_QUIET = "ok  \texample.com/calc\t0.002s\nok  \texample.com/calc/more\t(cached)\n"
TAP = """TAP version 13
# Subtest: it doubles
not ok 1 - it doubles
  ---
  duration_ms: 1.2
  ...
# Subtest: a suite
    # Subtest: inside
    ok 1 - inside
      ---
      duration_ms: 0.1
      ...
    # Subtest: later
    ok 2 - later # SKIP
    1..2
ok 2 - a suite
1..2
# tests 3
# suites 1
# pass 1
# fail 1
"""
SPEC = """✔ it adds (0.5ms)
✖ it doubles (1.2ms)
ℹ tests 2
ℹ suites 0
ℹ pass 1
ℹ fail 1
ℹ cancelled 0
ℹ skipped 0
ℹ todo 0

✖ failing tests:

✖ it doubles (1.2ms)
"""
JEST = """
FAIL ./calc.test.js
  ✓ it adds (1 ms)
  ✕ it doubles (2 ms)

Test Suites: 1 failed, 1 total
Tests:       1 failed, 1 passed, 2 total
"""
VITEST = """
 ✓ calc.test.ts > it adds 1ms
 × calc.test.ts > it doubles 2ms

 Test Files  1 failed (1)
      Tests  1 failed | 1 passed (2)
"""
MOCHA = """
  calc
    ✔ adds
    1) doubles

  1 passing (3ms)
  1 failing

  1) calc
       doubles:
"""


@pytest.mark.parametrize(
    ("text", "runner", "counts", "named"),
    [
        (PYTEST, Runner.PYTEST, (9, 3, 0), False),
        (UNITTEST, Runner.UNITTEST, (5, 2, 0), False),
        (CARGO, Runner.CARGO, (2, 1, 1), True),
        (GO, Runner.GO, (1, 1, 0), True),
        (f"{GO}FAIL\tbad [build failed]\n", Runner.GO, (1, 2, 0), True),
        (GO_QUIET, Runner.GO, (2, 0, 0), True),
        (TAP, Runner.NODE_TEST, (1, 1, 1), True),
        (SPEC, Runner.NODE_TEST, (1, 1, 0), True),
        (JEST, Runner.JEST, (1, 1, 0), True),
        (VITEST, Runner.VITEST, (1, 1, 0), True),
        (MOCHA, Runner.MOCHA, (1, 1, 0), True),
        ("[INFO] Tests run: 5, Failures: 1, Errors: 1, Skipped: 1\n", Runner.OTHER, (2, 2, 1), False),
        ("5 runs, 9 assertions, 1 failures, 0 errors, 1 skips\n", Runner.OTHER, (3, 1, 1), False),
        ("Passed!  - Failed:     0, Passed:     7, Skipped:     1\n", Runner.OTHER, (7, 0, 1), False),
        ("OK (4 tests, 9 assertions)\n", Runner.OTHER, (4, 0, 0), False),
    ],
)
def test_counts(text: str, runner: Runner, counts: tuple[int, int, int], named: bool) -> None:
    for known in (runner, Runner.OTHER):
        found = read_printed_results(text, known)
        assert found is not None
        assert (found.passed, found.failed, found.skipped) == counts
        assert found.named is named and not found.broken_off


def test_names() -> None:
    def read(text: str, runner: Runner) -> dict[str, str]:
        found = read_printed_results(text, runner)
        assert found is not None
        return found.tests

    failed = ("tests/test_a.py::test_x[10-5]", "tests/test_a.py::test_y[a b]", "tests/test_b.py::test_z")
    assert read(PYTEST, Runner.PYTEST) == dict.fromkeys(failed, "failed")
    assert list(read(UNITTEST, Runner.UNITTEST)) == [
        "tests.test_calc.CalcTest.test_sum",
        "tests.test_calc.CalcTest.test_old",
    ]
    assert read(CARGO, Runner.CARGO) == {
        "tests::it_adds": "passed",
        "tests::it_doubles": "failed",
        "tests::slow": "skipped",
        "tests/whole.rs: tests::it_adds": "passed",
    }
    tap = {"it doubles": "failed", "a suite > inside": "passed", "a suite > later": "skipped"}
    assert read(TAP, Runner.NODE_TEST) == tap
    for text, runner in ((SPEC, Runner.NODE_TEST), (JEST, Runner.JEST)):
        assert read(text, runner) == {"it adds": "passed", "it doubles": "failed"}
    assert read(MOCHA, Runner.MOCHA) == {"adds": "passed", "doubles": "failed"}


@pytest.mark.parametrize("text", ["", "all is well\n", "3 little pigs\n", "ok, done\n"])
def test_words_are_no_results(text: str) -> None:
    assert read_printed_results(text, Runner.OTHER) is None


def test_what_has_no_end_is_broken_off() -> None:
    for text, runner in ((CARGO.partition("test result")[0], Runner.CARGO), (TAP[:60], Runner.NODE_TEST)):
        found = read_printed_results(text, runner)
        assert found is not None and found.broken_off


TAPE = """TAP version 13
# adds
ok 1 is three
ok 2 should be equal
# doubles
not ok 3 should be equal
  ---
    operator: equal
  ...
# adds
ok 4 is three
ok 5 later # SKIP

1..5
# tests 5
# pass  4
# fail  1
"""
TAPE_BROKEN = """TAP version 13
# adds
ok 1 is three
# throws
not ok 2 plan != count
not ok 3 test exited without ending: throws
not ok 4 test exited without ending: doubles
Error: no
"""


def test_tape_tells_its_tests_by_their_titles_also_where_one_throws() -> None:
    """A point's name is that of no test: "plan != count" is not there once the test passes."""
    told = read_printed_results(TAPE, Runner.OTHER)
    assert told is not None
    assert told.tests == {"adds": "passed", "doubles": "failed", "adds (2)": "passed"}
    assert (told.passed, told.failed) == (2, 1)
    told = read_printed_results(TAPE_BROKEN, Runner.OTHER)
    assert told is not None
    assert told.tests == {"adds": "passed", "throws": "failed", "doubles": "failed"}
    assert told.broken_off


def test_a_title_of_tape_may_have_the_words_of_a_summary() -> None:
    text = "TAP version 13\n# pass 2\nnot ok 1 a\n# ok\nok 2 b\n\n1..2\n# tests 2\n# pass  1\n# fail  1\n"
    told = read_printed_results(text, Runner.OTHER)
    assert told is not None
    assert told.tests == {"pass 2": "failed", "ok": "passed"}
    assert not told.broken_off
    told = read_printed_results(text.partition("\n1..2")[0], Runner.OTHER)
    assert told is not None
    assert told.broken_off

"""Which language a test command is of, and what the engine does with each."""

from __future__ import annotations

import pytest

from bot.offline.languages import TestLanguage, read_language
from tests.unit.offline.test_engine import RED, brief, play


@pytest.mark.parametrize(
    ("command", "output", "language"),
    [
        ("pytest -q", "", "Python"),
        ("cd web && npm test --silent", "", "JavaScript"),
        ("npx --no-install vitest run", "", "JavaScript"),
        ("node_modules/.bin/mocha test/*.js", "", "JavaScript"),
        ("NODE_ENV=test yarn run unit", "", "JavaScript"),
        ("python -m pytest && npm test", "", "Python"),
        ("go test ./...", "", "Go"),
        ("cargo test --offline", "", "Rust"),
        ("./gradlew test", "", "another language"),
        ("make test", "    at Object.<anonymous> (/w/a.test.js:3:5)\n", "JavaScript"),
        ("make test", "--- FAIL: TestAdd (0.00s)\n", "Go"),
        ("make test", "test result: FAILED. 1 passed; 1 failed\n", "Rust"),
        ("make test", "Traceback (most recent call last):\n", "Python"),
        ("just check", "", "Python"),
        ("python tools/go.py test", "", "Python"),
    ],
)
def test_by_the_first_program_or_the_output(command: str, output: str, language: str) -> None:
    assert read_language(command, output) is TestLanguage(language)


async def test_each_language_has_its_own_search() -> None:
    for command, program in (("pytest -q", "/mend "), ("npm test", "/mend_js ")):
        found = '{"outcome": "not_found"}'
        calls = await play(brief(test=command), RED, f"[exit code 1, 9 s]\nHOB-MEND-RESULT {found}")
        assert program in calls[3].args_as_dict()["command"]
        assert f"--test '{command}'" in calls[3].args_as_dict()["command"]


async def test_an_example_in_pythons_words_is_no_work_in_javascript() -> None:
    """The calls that a report shows are made by Python alone; here the failing tests say what is wrong."""
    found = '{"outcome": "not_found"}'
    asked = brief("add(2, 3) returns -1, expected 5", test="npm test")
    calls = await play(asked, RED, f"[exit code 1, 9 s]\nHOB-MEND-RESULT {found}")
    assert not any("--examples" in str(call.args) for call in calls)

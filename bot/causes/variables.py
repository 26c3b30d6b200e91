"""Environment variables that a command misses, read from the errors of languages and libraries."""

from __future__ import annotations

import re

_NAME = r"(?P<name>[A-Za-z_]\w{0,80})"
_IN_QUOTES = rf"[\"'`]?{_NAME}[\"'`]?"
_VARIABLE = r"env(?:ironment)? ?var(?:iable)?s?"
_MISSING = r"(?:is |was |are )?(?:not |missing|unset|undefined|required)|must be|has to be"
_LINES = r"(?:.{0,200}\n){0,3}?"
_PATTERNS = tuple(
    re.compile(pattern, re.MULTILINE)
    for pattern in (
        # os.environ["X"], as Python's own traceback and pytest's reports show it.
        r"(?:<frozen os>|/os\.py)\"?(?:, line |:)\d{1,5}(?:, in |: in )__getitem__\n"
        + rf"{_LINES}(?:E\s{{1,9}})?KeyError: '{_NAME}'",
        rf"KeyError: '{_NAME}'\n{_LINES}(?:<frozen os>|\S{{0,200}}/os\.py):\d{{1,5}}: KeyError",
        # django-environ, environs, decouple; Rust's env!, Ruby's ENV.fetch, PHP's dotenv
        rf"ImproperlyConfigured: Set the {_NAME} environment variable",
        rf"EnvError: Environment variable \"{_NAME}\" not set",
        rf"UndefinedValueError: {_NAME} not found\. Declare it as envvar",
        rf"environment variable `{_NAME}` not defined at compile time",
        rf"in `fetch': key not found: \"{_NAME}\"",
        rf"environment variables failed assertions: {_NAME} is missing",
        # shells with -u, or with ${X:?}
        rf"(?:line )?\d{{1,6}}: {_NAME}: (?:unbound variable|parameter (?:null or )?not set)",
        # in whatever words
        rf"(?i:(?:missing|required|undefined|unset) (?:required )?{_VARIABLE}:?) {_IN_QUOTES}",
        rf"(?i:{_VARIABLE}:?) {_IN_QUOTES} (?i:{_MISSING})",
        rf"{_IN_QUOTES} (?i:{_VARIABLE} (?:{_MISSING}))",
    )
)
_NO_NAMES = {
    "is",
    "are",
    "was",
    "the",
    "a",
    "an",
    "for",
    "to",
    "named",
    "called",
    "and",
    "or",
    "not",
    "variable",
}


def find_missing_variable(output: str) -> str:
    """The name of the first variable that is missing by the output's words, '' where none is."""
    for pattern in _PATTERNS:
        for found in pattern.finditer(output):
            if found["name"].lower() not in _NO_NAMES:
                return found["name"]
    return ""

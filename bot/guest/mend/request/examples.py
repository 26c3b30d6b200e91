"""``--examples JSON``: makes the calls that a bug report shows, and writes a test that fails by them.

JSON is a list of objects with ``call``, ``expected``, ``actual``, ``shown`` and the names of exceptions, as
``bot/offline/examples/find.py`` reads them; values are literals. What is printed is one line of JSON.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .. import layout
from .names import Unresolved, list_modules, resolve_names
from .written_test import find_same_test, write_test

MARK = "HOB-EXAMPLES-RESULT "
SECONDS = 20.0  # for all calls together


@dataclass(slots=True, kw_only=True)
class CheckedExample:
    """One example and how it ends now: fails, holds, unclear or unknown; ``why`` is for the last two."""

    call: str
    expected: str = ""
    actual: str = ""
    shown: str = ""
    expected_error: str = ""
    actual_error: str = ""
    bare: str = ""  # "yes": the values stood without quotes
    state: str = "unknown"
    why: str = ""
    now: str = ""  # repr of the result, or what was raised
    imports: list[str] = field(default_factory=list)
    shown_by: str = ""  # an existing test that says the same


# Run in a process of its own, twice: what differs from one run to the next is not an example.
_CALLS = """
import importlib, json, math, sys

def same(one, other):
    if isinstance(one, bool) != isinstance(other, bool):
        return False
    if isinstance(one, float) or isinstance(other, float):
        try:
            return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
        except TypeError:
            return False
    return type(one) is type(other) and one == other or one == other and not isinstance(one, (str, bytes))

told = []
for each in json.loads(sys.argv[1]):
    answer = {}
    try:
        names = {}
        for line in each["imports"]:
            exec(line, names)
        value = eval(each["call"], names)
        answer["now"] = repr(value)[:300]
        for key in ("expected", "actual", "shown"):
            if each[key]:
                answer[key] = bool(same(value, eval(each[key], {})))
    except Exception as error:
        answer["error"] = [kind.__name__ for kind in type(error).__mro__]
        answer["now"] = f"{type(error).__name__}: {error}"[:300]
    told.append(answer)
sys.stderr.write("\\n" + "HOB-CALLS " + json.dumps(told) + "\\n")
"""


def main(argv: list[str]) -> int:
    """Run in the repository's root. Exit code 0: there is an example that fails; 1: there is none."""
    parser = argparse.ArgumentParser(prog="mend", description=__doc__)
    parser.add_argument("--examples", required=True, help="JSON")
    parser.add_argument("--test", default="pytest -q", help="the repository's own test command")
    options = parser.parse_args(argv)
    told = check_examples(Path.cwd().resolve(), options.test, json.loads(options.examples))
    sys.stdout.write(f"{MARK}{json.dumps(told, ensure_ascii=False)}\n")
    return 0 if told["tests"] or told["shown_by"] else 1


def check_examples(root: Path, command: str, given: list[dict[str, Any]]) -> dict[str, Any]:
    """How each example ends now, and the text of a test for those that fail and that no test shows."""
    examples = [CheckedExample(**each) for each in given]
    modules = list_modules(root)
    for each in examples:
        try:
            each.call, each.imports = resolve_names(root, modules, each.call)
            each.state = ""
        except Unresolved as error:
            each.why = str(error)
    known = [each for each in examples if not each.state]
    python = layout.find_interpreter(root, command)
    first, again = _make_calls(root, python, known), _make_calls(root, python, known)
    for number, each in enumerate(known):
        if first is None or again is None:
            each.state, each.why = "unclear", f"the calls did not come to an end in {SECONDS:.0f} s"
        elif first[number] != again[number]:
            each.state, each.why = "unclear", "it gives another result each time"
        else:
            _judge(each, first[number])
    failing = [each for each in known if each.state == "fails"]
    for each in failing:
        each.shown_by = find_same_test(root, each.call, each.expected)
    unshown = [each for each in failing if not each.shown_by]
    written = write_test(root, command, unshown) if unshown else None
    return {
        "examples": [asdict(each) for each in examples],
        "shown_by": [each.shown_by for each in failing if each.shown_by],
        "path": written.path if written else "",
        "text": written.text if written else "",
        "tests": written.names if written else [],
    }


def _make_calls(root: Path, python: str, examples: list[CheckedExample]) -> list[dict[str, Any]] | None:
    """What every call gives; None when they do not end in time or end the process."""
    if not examples:
        return []
    path = os.pathsep.join([*layout.find_import_roots(root), os.environ.get("PYTHONPATH", "")]).rstrip(
        os.pathsep
    )
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    asked = json.dumps([asdict(each) for each in examples])
    try:
        done = subprocess.run(
            [python, "-c", _CALLS, asked],
            cwd=root,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS / 2,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None
    lines = [
        line for line in done.stderr.decode(errors="replace").splitlines() if line.startswith("HOB-CALLS ")
    ]
    try:
        found: list[dict[str, Any]] = json.loads(lines[-1].removeprefix("HOB-CALLS "))
    except (IndexError, ValueError):
        return None
    return found if len(found) == len(examples) else None


def _judge(each: CheckedExample, answer: dict[str, Any]) -> None:
    """Settle the example's state. What stands beside the call is expected only where it is not so now."""
    each.now = answer["now"]
    raised = answer.get("error", [])
    if not each.expected and not each.expected_error and each.shown and not answer.get("shown"):
        each.expected = each.shown
        answer["expected"] = answer.get("shown", False)
    if each.expected_error:
        each.state = "holds" if each.expected_error in raised else "fails"
    elif each.expected:
        each.state = "holds" if answer.get("expected") else "fails"
    else:
        each.state, each.why = "unclear", "it does not say what is expected instead"
        if each.actual_error and each.actual_error not in raised:
            each.why = f"it does not raise {each.actual_error} here, and {each.why}"
    if each.bare and each.state == "fails" and not answer.get("actual"):
        each.state, each.why = "unclear", "the values in the request are not in quotes, so they may be words"
    if each.state == "fails" and "ModuleNotFoundError" in raised:
        each.state, each.why = "unclear", f"the module cannot be loaded here: {each.now}"
    if each.state == "fails" and each.expected and not _is_steady(each.expected):
        each.state, each.why = "unclear", "the expected value cannot be compared"


def _is_steady(value: str) -> bool:
    try:
        parsed = ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return value == "set()"
    return bool(parsed == parsed)

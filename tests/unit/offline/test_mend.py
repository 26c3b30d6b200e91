"""The search for a fault, run as the sandbox runs it: a process on a repository with one bug."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.guest.mend.forkserver.client import ForkServerClient
from bot.offline.tool_results import RESULT, read_mend_result
from tests.support import ROOT

pytestmark = pytest.mark.timeout(250)
ENVIRONMENT = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # as in the sandbox
MEND = ROOT / "bot" / "guest" / "mend"

BUGS = {
    "boolean": (
        "def ok(age, member):\n    return age >= 18 or member\n",
        "def test_a():\n    assert not m.ok(17, True)\n\ndef test_b():\n    assert m.ok(18, True)\n",
        "age >= 18 and member",
    ),
    "missing import": (
        "def tally(words):\n    return dict(Counter(words))\n",
        "def test_a():\n    assert m.tally('aab') == {'a': 2, 'b': 1}\n",
        "from collections import Counter",
    ),
    "fails on import": (
        "from dataclasses import dataclass, field\n\n\n@dataclass\nclass Cart:\n    name: str = ''\n"
        "    items: list = field()\n",
        "def test_a():\n    one = m.Cart()\n    one.items.append(1)\n    assert m.Cart().items == []\n",
        "field(default_factory=list)",
    ),
    # It waits in each round: the search lets some loops run to their deadline.
    "loop without end": (
        "import time\n\n\ndef count(n):\n    i = 0\n    while i < n:\n        time.sleep(0.01)\n"
        "        i -= 1\n    return i\n",
        "def test_a():\n    assert m.count(3) == 3\n\ndef test_b():\n    assert m.count(0) == 0\n",
        "i += 1",
    ),
    "not caught": (
        "def number(text):\n    return int(text)\n",
        "def test_a():\n    assert m.number('x') is None\n\ndef test_b():\n    assert m.number('3') == 3\n",
        "except ValueError",
    ),
    "missing item": (
        "def card(name, age):\n    return {'name': name}\n",
        "def test_a():\n    assert m.card('a', 3)['age'] == 3\n",
        "'age': age",
    ),
    "case of letters": (
        "def find(users, name):\n    return [each for each in users if each == name]\n",
        "def test_a():\n    assert m.find(['Ada', 'Bob'], 'ada') == ['Ada']\n\n"
        "def test_b():\n    assert m.find(['Ada'], 'Bob') == []\n",
        "each.lower() == name.lower()",
    ),
    "no braces filled in": (
        "def hello(name):\n    return 'Hello, {name}!'\n",
        "def test_a():\n    assert m.hello('Ada') == 'Hello, Ada!'\n",
        "f'Hello",
    ),
}


def repository(folder: Path, source: str, tests: str) -> Path:
    folder.mkdir()
    (folder / "m.py").write_text(source)
    (folder / "test_m.py").write_text(f"import m\n\n\n{tests}")
    return folder


def search(folder: Path, *arguments: str) -> dict[str, Any]:
    command = [
        sys.executable,
        "-I",
        str(MEND),
        "--test",
        "python -m pytest -q",
        "--seconds",
        "30",
        *arguments,
    ]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=230, check=False, env=ENVIRONMENT
    )
    (line,) = [line for line in done.stdout.splitlines() if line.startswith(RESULT)]
    told: dict[str, Any] = json.loads(line.removeprefix(RESULT))
    return told


@pytest.mark.parametrize("kind", BUGS)
def test_a_small_fault_is_mended(kind: str, tmp_path: Path) -> None:
    source, tests, right = BUGS[kind]
    folder = repository(tmp_path / "repo", source, tests)
    told = search(folder)
    assert told["outcome"] == "mended", told
    assert right in "".join(edit["new"] for edit in told["edits"])
    assert (folder / "m.py").read_text() == source  # it only says what to change


def test_what_no_small_edit_mends_is_said(tmp_path: Path) -> None:
    source = "def primes(n):\n    return []\n"
    tests = "def test_a():\n    assert m.primes(20) == [2, 3, 5, 7, 11, 13, 17, 19]\n"
    told = search(repository(tmp_path / "repo", source, tests))
    assert told["outcome"] == "not_found"
    assert told["reason"]
    assert told["suspects"]


def test_tests_that_cannot_be_imported_are_said(tmp_path: Path) -> None:
    told = search(repository(tmp_path / "repo", "import nowhere\n", "def test_a():\n    pass\n"))
    assert told["outcome"] == "cannot_run"
    assert "nowhere" in json.dumps(told)


def test_a_hanging_candidate_does_not_stop_the_search(tmp_path: Path) -> None:
    source = "def count(n):\n    i = 0\n    while i < n:\n        i += 1\n    return i - 1\n"
    tests = "def test_a():\n    assert m.count(3) == 3\n\ndef test_b():\n    assert m.count(1) == 1\n"
    assert search(repository(tmp_path / "repo", source, tests))["outcome"] == "mended"


def test_a_candidate_that_fills_the_memory_is_stopped(tmp_path: Path) -> None:
    """Each change of the comparison or the step makes a list without an end."""
    source = (
        "def fill(n):\n    out = []\n    size = 0\n    while size < n:\n"
        "        out += [0] * 1_000_000\n        size += 2\n    return len(out) // 1_000_000\n"
    )
    tests = "def test_a():\n    assert m.fill(3) == 3\n\ndef test_b():\n    assert m.fill(0) == 0\n"
    found = search(repository(tmp_path / "repo", source, tests))
    assert found["outcome"] == "mended", found
    assert found["used"]["peak_mib"] < 450


@pytest.mark.parametrize(
    "text", ["", "no result", f"{RESULT}not json", f"{RESULT}[]", f'{RESULT}{{"tests": 3}}']
)
def test_what_is_no_result_is_none(text: str) -> None:
    assert read_mend_result(text) is None


def test_only_the_repositorys_own_code_is_compiled_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    folder = repository(tmp_path / "repo", "x = 1\n", "def test_a():\n    assert m.x == 1\n")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    server = ForkServerClient(folder, [str(folder)], ["-q", "-p", "no:cacheprovider"], scratch, "first")
    try:
        server.start(60)
    finally:
        server.close()
    compiled = list(scratch.rglob("*.pyc"))
    assert {path.name.partition(".")[0] for path in compiled} >= {"m", "test_m"}
    assert [path for path in compiled if "site-packages" in path.parts] == []
    assert not list(folder.rglob("__pycache__"))


def test_a_test_that_can_pass_by_itself_shows_nothing(tmp_path: Path) -> None:
    """It fails in the first runs and passes in a later one: no change is claimed to have mended it."""
    source = "def grow(n):\n    return n + 1\n"
    tests = (
        "from pathlib import Path\n\nCOUNT = Path(__file__).parent.parent / 'count'\n\n\n"
        "def test_a():\n    runs = int(COUNT.read_text()) if COUNT.exists() else 0\n"
        "    COUNT.write_text(str(runs + 1))\n    assert m.grow(runs) > 4\n\n\n"
        "def test_b():\n    assert m.grow(1) == 2\n"
    )
    told = search(repository(tmp_path / "repo", source, tests))
    assert told["outcome"] == "flaky", told
    assert "edits" not in told


def test_a_change_that_turns_one_of_two_tests_of_a_line_is_none(tmp_path: Path) -> None:
    source = "def label(n):\n    return 'one'\n"
    tests = (
        "def test_a():\n    assert m.label(2) == 'two'\n\ndef test_b():\n    assert m.label(9) == 'nine-9'\n"
    )
    told = search(repository(tmp_path / "repo", source, tests))
    assert told["outcome"] == "not_found", told


def test_a_change_that_only_fits_the_tests_own_value_is_none(tmp_path: Path) -> None:
    source = "def leap(year):\n    return year % 4 == 0 and year % 100 != 0 or year % 4001 == 0\n"
    tests = "def test_a():\n    assert m.leap(2000)\n\ndef test_b():\n    assert not m.leap(1900)\n"
    told = search(repository(tmp_path / "repo", source, tests))
    assert told["outcome"] == "not_found", told
    assert "only put 2000, a value of the tests, into the code, and differ: leap(" in told["reason"]


def test_a_search_that_ends_for_the_tests_graph_only_is_not_claimed(tmp_path: Path) -> None:
    """To leave the start out mends the test's circle and no other."""
    source = (
        "def reach(graph, start, goal):\n    def search(node):\n        if node == goal:\n"
        "            return True\n        return any(search(each) for each in graph[node])\n\n"
        "    return search(start)\n"
    )
    tests = (
        "def test_a():\n    assert not m.reach({1: [2], 2: [1], 3: []}, 1, 3)\n\n"
        "def test_b():\n    assert m.reach({1: [2], 2: [3], 3: []}, 1, 3)\n"
    )
    told = search(repository(tmp_path / "repo", source, tests))
    assert told["outcome"] == "not_found", told
    assert "reach({1: [2], 2: [2], 3: []}, 1, 3) still does not end" in told["reason"]
    assert told["unsure"][0]["after"] == (
        "        return any(search(each) for each in graph[node] if each != start)\n"
    )


def test_where_another_change_passes_too_a_call_tells_them_apart(tmp_path: Path) -> None:
    source, tests, _ = BUGS["boolean"]
    told = search(repository(tmp_path / "repo", source, tests))
    assert told["rival"]["call"].startswith("ok(")
    assert told["rival"]["this"] != told["rival"]["other"]
    assert told["covering"] == 1


def test_a_change_that_reads_less_than_before_is_not_the_first_choice(tmp_path: Path) -> None:
    """One of two arguments could be thrown away as well; what reads both is taken."""
    source = "def area(width, height):\n    return width + height\n"
    tests = "def test_a():\n    assert m.area(1, 3) == 3\n\ndef test_b():\n    assert m.area(2, 2) == 4\n"
    told = search(repository(tmp_path / "repo", source, tests))
    assert [each["after"] for each in told["edits"]] == ["    return width * height\n"]


@pytest.mark.parametrize(
    "line",
    [
        "assert os.environ['DATABASE_URL']",  # a service that is not there
        "assert open('/srv/fixtures/big.bin').read()",
        "socket.create_connection(('127.0.0.1', 1), 0.1)",
    ],
)
def test_a_failure_that_no_code_took_part_in_is_left_alone(line: str, tmp_path: Path) -> None:
    """The one line that is wrong is mended as if that test were not."""
    source = "def add(a, b):\n    return a - b\n\n\ndef mul(a, b):\n    return a * b\n"
    tests = (
        "import os, socket\n\ndef test_add():\n    assert m.add(2, 3) == 5\n\n"
        "def test_mul():\n    assert m.mul(2, 3) == 6\n\n"
        f"def test_needs_service():\n    {line}\n"
    )
    told = search(repository(tmp_path / "repo", source, tests))
    assert told["outcome"] == "mended"
    edits = [(edit["before"], edit["after"]) for edit in told["edits"]]
    assert edits == [("    return a - b\n", "    return a + b\n")]
    assert told["tests"]["failed"] == 1
    assert told["tests"]["beyond"] == ["test_m.py::test_needs_service"]

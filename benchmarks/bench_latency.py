"""How long somebody waits: ``make bench-latency``.

The demo, until everything is up and until there is a pull request. Then `hob solve` on a repository of 200
files and on one of ``--files`` (100,000), cold (an empty HOB_HOME) and warm: to the first call of a model,
and with the offline engine to its end; and with this engine on one of 2,000 tests, beside what they take.
What a command costs beside bare bubblewrap is ``make bench-sandbox``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
FAULT = "def double(number):\n    return number * 3\n"
TEST = "from package.doubling import double\n\n\ndef test_double():\n    assert double(2) == 4\n"
REQUEST = "double(2) gives 6 and should give 4: please fix it, tests/test_doubling.py shows it"
MODULE = '''"""Part {number}."""


def part_{number}(value):
    """Add {number}."""
    return value + {number}
'''
FILES_A_FOLDER = 200
TESTED = """

def count_{number}(values):
    return sum(value * {number} + 1 for value in values)
"""
TESTED_BY = """

def test_count_{number}_of_{values}():
    assert module.count_{number}(range({values})) == {expected}
"""
EDIT = {
    "name": "edit",
    "args": {"path": "package/doubling.py", "old": "number * 3", "new": "number * 2"},
}
FINISH = {"name": "finish", "args": {"kind": "changed", "title": "Double by two", "summary": "It tripled."}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Seconds of one `hob solve`: to the model's first call, and to the end. MiB: of the latter's process."""

    first_call: float
    end: float
    mebibytes: float


def make_repository(folder: Path, files: int) -> Path:
    """A git repository with one fault, a test that shows it, and so many modules."""
    package = folder / "package"
    (folder / "tests").mkdir(parents=True)
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "doubling.py").write_text(FAULT)
    (folder / "tests" / "test_doubling.py").write_text(TEST)
    (folder / "conftest.py").touch()
    for number in range(files):
        part = package / f"part{number // FILES_A_FOLDER}"
        if number % FILES_A_FOLDER == 0:
            part.mkdir()
            (part / "__init__.py").touch()
        (part / f"module{number}.py").write_text(MODULE.format(number=number))
    git = ["git", "-C", str(folder), "-c", "user.name=bench", "-c", "user.email=bench@localhost"]
    for step in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "Begin"]):
        subprocess.run([*git, *step], check=True)
    return folder


def add_tests(repository: Path) -> Path:
    """The same with 2,000 tests more, each of some thousand steps; all of them pass."""
    for part in range(20):
        numbers = range(10 * part, 10 * part + 10)
        module = repository / "package" / f"counting{part}.py"
        module.write_text("".join(TESTED.format(number=number) for number in numbers))
        tests = [f"from package import counting{part} as module\n"]
        for number in numbers:
            for values in range(20_000, 21_000, 100):
                expected = number * values * (values - 1) // 2 + values
                tests.append(TESTED_BY.format(number=number, values=values, expected=expected))
        (repository / "tests" / f"test_counting{part}.py").write_text("".join(tests))
    git = ["git", "-C", str(repository), "-c", "user.name=bench", "-c", "user.email=bench@localhost"]
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "Count"], check=True)
    return repository


def time_suite(repository: Path) -> float:
    """Seconds that the repository's tests take by themselves."""
    began = time.time()
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=repository, stdout=subprocess.PIPE, text=True)
    if "1 failed, 2000 passed" not in done.stdout:
        raise SystemExit(f"the tests did not end as they should: {done.stdout[-500:]}")
    return time.time() - began


def solve(repository: Path, home: Path, model: str) -> tuple[float, float]:
    """One `hob solve`; the seconds that it took, and the MiB that its process had at most."""
    environment = {**os.environ, "HOB_HOME": str(home), "PYTHONPATH": str(ROOT)}
    began = time.time()
    done = subprocess.Popen(
        [sys.executable, "-m", "bot", "solve", "--model", model, "--diff", str(repository), REQUEST],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert done.stdout is not None
    diff = done.stdout.read()
    done.stdout.close()
    _, _, usage = os.wait4(done.pid, 0)
    done.returncode = 0
    if b"number * 2" not in diff and b"number + number" not in diff:
        raise SystemExit(f"hob solve --model {model} did not mend the fault: {diff.decode()[:500]}")
    return time.time() - began, usage.ru_maxrss / 1024


def measure(repository: Path, home: Path, scratch: Path) -> Times:
    """To the first call with a script, then to the end with the offline engine, on the same HOB_HOME."""
    go, script = scratch / "go", scratch / "script.json"
    asked = scratch / "go.asked"
    asked.unlink(missing_ok=True)
    go.touch()
    script.write_text(json.dumps([{"calls": [EDIT], "once": str(go)}, {"calls": [FINISH]}]))
    began = time.time()
    solve(repository, home, f"scripted:{script}")
    first_call = asked.stat().st_mtime - began
    end, mebibytes = solve(repository, home, "offline")
    return Times(first_call=first_call, end=end, mebibytes=mebibytes)


def time_demo() -> tuple[float, float]:
    """Seconds from the demo's start until everything is up, and until there is a pull request."""
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(
            [sys.executable, "-m", "bot", "demo", "--exit", "--json"],
            env={**os.environ, "HOB_HOME": home, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            check=True,
        )
    seconds = json.loads(done.stdout)["seconds"]
    return float(seconds["start"]), float(seconds["pull"])


def main() -> None:
    """Read the command line, measure, print the table; ends with 1 when something took too long."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--files", type=int, default=100_000)
    files = options.parse_args().files
    start, pull = time_demo()
    rows = [("the demo: everything is up", start, 5.0), ("the demo: to the pull request", pull, 5.0)]
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for count in (200, files):
            repository = make_repository(place / f"repository{count}", count)
            home = place / f"home{count}"
            cold = measure(repository, home, place)
            warm = measure(repository, home, place)
            for name, times, most in (("cold", cold, 10.0), ("warm", warm, 5.0)):
                rows.append((f"{count} files, {name}: to the first call", times.first_call, most))
                rows.append((f"{count} files, {name}: whole, offline engine", times.end, 2 * most))
                print(f"{count} files, {name}: {times.mebibytes:.0f} MiB in `hob solve`", flush=True)
        tested = add_tests(make_repository(place / "tested", 0))
        alone = time_suite(tested)
        whole, _ = solve(tested, place / "home200", "offline")
        rows.append((f"2,000 tests of {alone:.1f} s: whole, offline engine", whole, 2 * alone + 20))
    print(f"\n{'':52}{'seconds':>10}{'at most':>10}")
    for name, seconds, most in rows:
        print(f"{name:52}{seconds:10.1f}{most:10.0f}")
    raise SystemExit(any(seconds > most for _, seconds, most in rows))


if __name__ == "__main__":
    main()

"""The offline engine on 120 bugs planted in npm packages that have their tests: what it mends, how rightly.

    make eval-js                          # all of eval_js.toml and eval_js_second.toml, through `hob solve`
    make eval-js ARGS="--only minimist"   # some of them
    make eval-js ARGS="--dev --search"    # those that no set holds back, without sandbox and proof: tests of
                                          # packages, and calls that the search makes up, run on this machine
    make eval-js ARGS="--held b --search" # those of one set: "first" (spent), "a" (looked at), "b" (not)

Solved: the change is proved. Right: it makes the file what it was, white space aside, or what `also` says is
as good. Same: it gives what the file as it was gives, for the calls that the tests make; for this they run on
this machine, outside of any sandbox, and no calls are made up.
Other solved ones are printed with their change, to be read. Packages come from npm, by SHA-256.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import realworld
from bot.guest.mend_js.candidates import JsCandidate
from bot.guest.mend_js.choice.observe import Observer
from bot.guest.mend_js.choice.weigh import find_differences
from bot.guest.mend_js.judge import Judge, list_outcomes
from bot.guest.mend_js.syntax.source import SourceFile
from bot.guest.mend_js.templates.edit import JsEdit

HERE = Path(__file__).parent
ASK = "The tests fail since the last change. Please find out why and fix it."
SUITES = ("eval_js.toml", "eval_js_second.toml")
UNSEEN = frozenset({"b"})  # the sets whose changes are not printed
SECONDS = 48  # of the search alone, as the engine gives it
RESULT = "HOB-MEND-RESULT "
Z = 1.96


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageWithTests:
    """A package of npm: ``test`` runs its tests, with ``needs`` (packages) and ``files`` (path to text)."""

    name: str
    package: str
    version: str
    sha256: str
    test: str
    needs: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantedBug:
    """In ``path`` the text ``right`` becomes ``bug``; ``also``: texts as right. ``held``: its set, if any."""

    name: str
    package: str
    path: str
    right: str
    bug: str
    held: str = ""
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedBug:
    """What came of one: right, same or other (solved in another way), refused, or fails (so does the proof).

    unshown: the tests pass with the bug, so it does not count. ``cpu``: processor seconds of the engine and
    all that it started.
    """

    bug: PlantedBug
    ended: str
    cpu: float
    said: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; exit code 1 when no bug was tried."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", action="append", default=[], help="a bug's or a package's name")
    parser.add_argument("--dev", action="store_true", help="without the held bugs")
    parser.add_argument("--held", metavar="SET", help="the bugs of this set alone: first, a or b")
    parser.add_argument("--search", action="store_true", help="the search alone: no sandbox, no proof")
    parser.add_argument(
        "--check", action="store_true", help="only whether the tests show each bug and nothing else"
    )
    parser.add_argument("--cache", type=Path, default=realworld.CACHE, help="where archives are kept")
    options = parser.parse_args(arguments)
    packages, bugs = read_suites([HERE / name for name in SUITES])
    bugs = [
        bug
        for bug in bugs
        if (not options.only or bug.name in options.only or bug.package in options.only)
        and not (options.dev and bug.held)
        and options.held in (None, bug.held)
    ]
    tried: list[TriedBug] = []
    with tempfile.TemporaryDirectory(prefix="hob-eval-js-") as folder:
        home = Path(folder)
        for name in dict.fromkeys(bug.package for bug in bugs):
            root = make_repository(packages[name], options.cache, home / name)
            if options.check and run_tests(packages[name], root):
                print(f"{name}: the tests fail without a bug", flush=True)
            for bug in [each for each in bugs if each.package == name]:
                plant(bug, root)
                if options.check:
                    print(
                        f"{bug.name}: {'shown' if run_tests(packages[name], root) else 'NOT SHOWN'}",
                        flush=True,
                    )
                    continue
                one = try_bug(bug, packages[name], root, home / "hob", alone=options.search)
                print(render_bug(one), flush=True)
                if one.ended != "unshown":
                    tried.append(one)
    if tried:
        print(summarize("all", tried))
        for held in sorted({each.bug.held for each in tried}):
            part = [each for each in tried if each.bug.held == held]
            if len(part) < len(tried):
                print(summarize(f"held {held}" if held else "not held", part))
    return 0 if tried or options.check else 1


def read_suites(paths: Sequence[Path]) -> tuple[dict[str, PackageWithTests], list[PlantedBug]]:
    """The packages by name, and the bugs."""
    packages: dict[str, PackageWithTests] = {}
    bugs: list[PlantedBug] = []
    for path in paths:
        data = tomllib.loads(path.read_text("utf-8"))
        for row in data["package"]:
            packages[row["name"]] = PackageWithTests(**row | {"needs": tuple(row.get("needs", ()))})
        bugs += [PlantedBug(**row | {"also": tuple(row.get("also", ()))}) for row in data["bug"]]
    return packages, bugs


def make_repository(package: PackageWithTests, cache: Path, root: Path) -> Path:
    """The package with what its tests need, as a repository of one commit."""
    project = realworld.Project(
        name=package.package, source="npm", version=package.version, sha256=package.sha256,
        shape="", path="", right="", bug="", wrong="", needs=package.needs,
    )  # fmt: skip
    realworld.unpack(project, realworld.fetch(project, cache), root)
    realworld.add_needs(project, root)
    for path, text in package.files.items():
        (root / path).write_text(text, "utf-8")
    (root / ".github").mkdir(exist_ok=True)
    (root / ".github" / "hob.yml").write_text(f"test: {json.dumps(package.test)}\n", "utf-8")
    for words in (("init", "-q"), ("add", "--all", "--force"), ("commit", "-q", "-m", "The package")):
        realworld.run(("git", *realworld.AUTHOR, *words), root)
    return root


def plant(bug: PlantedBug, root: Path) -> None:
    """A commit with this bug alone. Raises ValueError when it does not fit exactly once."""
    realworld.run(("git", "checkout", "-q", "--force", "--detach", "HEAD"), root)
    first = subprocess.run(
        ("git", "rev-list", "--max-parents=0", "HEAD"), cwd=root, check=True, capture_output=True, text=True
    )
    realworld.run(("git", "reset", "-q", "--hard", first.stdout.strip()), root)
    path = root / bug.path
    text = path.read_bytes().decode("utf-8")
    if text.count(bug.right) != 1:
        raise ValueError(f"{bug.name}: {bug.path} has the right text {text.count(bug.right)} times")
    path.write_bytes(text.replace(bug.right, bug.bug).encode("utf-8"))
    realworld.run(("git", *realworld.AUTHOR, "commit", "-q", "--all", "-m", "A change"), root)


def run_tests(package: PackageWithTests, root: Path) -> bool:
    """Whether the tests fail."""
    words = ("bash", "-c", package.test)
    done = subprocess.run(words, cwd=root, check=False, capture_output=True, timeout=120)
    return done.returncode != 0


def try_bug(bug: PlantedBug, package: PackageWithTests, root: Path, home: Path, *, alone: bool) -> TriedBug:
    """Have the engine mend it."""
    before = measure_children()
    text = (root / bug.path).read_bytes().decode("utf-8")
    edits, passed, said = search_alone(package, root) if alone else solve(root, home)
    cpu = measure_children() - before
    if not edits:
        ended = (
            "unshown" if said.startswith("all_pass") or "no test shows what is wrong" in said else "refused"
        )
        return TriedBug(bug=bug, ended=ended, cpu=cpu, said=said)
    ended = "fails"
    if passed:
        mended = apply_edits(bug.path, text, edits)
        words = ("git", "show", f"HEAD~1:{bug.path}")
        was = subprocess.run(words, cwd=root, check=True, capture_output=True).stdout.decode("utf-8")
        right = [was.replace(bug.right, each) for each in (bug.right, *bug.also)]
        known = squeeze(mended) in map(squeeze, right)
        ended = "right" if known else "same" if gives_the_same(bug, package, root, was, mended) else "other"
    return TriedBug(bug=bug, ended=ended, cpu=cpu, said=said)


def measure_children() -> float:
    """The processor seconds of all that this process started and waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def gives_the_same(bug: PlantedBug, package: PackageWithTests, root: Path, right: str, mended: str) -> bool:
    """Whether a mended text gives what the right one gives, as far as the tests' own calls show it.

    The tests run without a sandbox, so no calls are made up.
    """
    source = SourceFile.read(root, bug.path)
    if source is None or not mended:
        return False
    with tempfile.TemporaryDirectory(prefix="hob-eval-js-") as scratch:
        judge = Judge(root=root, command=package.test, scratch=Path(scratch))
        run = judge.run_all(120.0)
        judge.learn(run, [name for name, was in list_outcomes(run).items() if was == "failed"])
        judge.narrow(60.0)
        observer = Observer(judge, [source], 60.0, made=False)
        one, two, again = (observer.observe(change_all(source, text)) for text in (mended, right, right))
    chance = set(find_differences(two.seen, again.seen))
    return bool(one.seen) and set(find_differences(one.seen, two.seen)) <= chance


def change_all(source: SourceFile, text: str) -> JsCandidate:
    """A change of a whole file."""
    edit = JsEdit(start=0, end=len(source.data), new=text, template="", weight=1.0)
    return JsCandidate(path=source.path, line=1, function="", score=1.0, edit=edit, passing=None)


def squeeze(text: str) -> str:
    """A text without white space and the signs that may stand or not at an end."""
    return "".join(text.split()).replace(";", "")


Edit = tuple[str, str, str]  # path, old, new


def search_alone(package: PackageWithTests, root: Path) -> tuple[list[Edit], bool, str]:
    """The search in a process of its own; its word that the whole suite passes stands for the proof."""
    words = (
        *(sys.executable, "-I", str(HERE.parent / "bot" / "guest" / "mend_js")),
        *("--test", package.test, "--seconds", str(SECONDS), "--hint", ASK),
    )
    done = subprocess.run(words, cwd=root, check=False, capture_output=True, text=True, timeout=400)
    lines = [line for line in done.stdout.splitlines() if line.startswith(RESULT)]
    if not lines:
        return [], False, f"{done.stdout[-300:]} {done.stderr[-500:]}"
    told = json.loads(lines[-1].removeprefix(RESULT))
    edits = [(each["path"], each["old"], each["new"]) for each in told.get("edits", [])]
    shown = "".join(f"-{each['before']}+{each['after']}" for each in told.get("edits", []))
    return edits, bool(edits), f"{told['outcome']} {told.get('reason', '')} {told.get('search')}\n{shown}"


def solve(root: Path, home: Path) -> tuple[list[Edit], bool, str]:
    """`hob solve` with the offline engine."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("HOB_")}
    env |= {"HOB_HOME": str(home), "HOB_MODEL": "offline", "PYTHONPATH": str(HERE.parent)}
    words = (sys.executable, "-m", "bot", "solve", str(root), ASK, "--json")
    done = subprocess.run(words, env=env, check=False, capture_output=True, text=True, timeout=600)
    try:
        told = json.loads(done.stdout)
    except ValueError:
        return [], False, done.stderr[-500:]
    if told["outcome"] != "changed" or not told["diff"]:
        return [], False, str(told["summary"])
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        realworld.run(("git", "clone", "-q", "--no-checkout", str(root), str(copy)), root)
        names = [line[6:] for line in told["diff"].splitlines() if line.startswith("+++ b/")]
        realworld.run(("git", "checkout", "-q", "HEAD", "--", *names), copy)
        subprocess.run(("git", "apply", "-"), cwd=copy, input=told["diff"].encode(), check=True)
        edits = [
            (name, (root / name).read_bytes().decode("utf-8"), (copy / name).read_bytes().decode("utf-8"))
            for name in names
        ]
    return edits, bool(told["proof"]["passed"]), f"{told['summary']}\n{told['diff']}"


def apply_edits(path: str, text: str, edits: Sequence[Edit]) -> str:
    """What the edits make of a file; '' when they change another one."""
    for name, old, new in edits:
        if name != path:
            return ""
        text = text.replace(old, new, 1)
    return text


def render_bug(one: TriedBug) -> str:
    """One line, and the change where it is to be read."""
    line = f"{one.bug.name:28} {one.ended:8} {one.cpu:6.1f} s"
    return line if one.bug.held in UNSEEN or one.ended in ("right", "same") else f"{line}\n{one.said.strip()}"


def summarize(name: str, tried: Sequence[TriedBug]) -> str:
    """Counts with Wilson's interval at 95%: https://en.wikipedia.org/wiki/Binomial_proportion_confidence_interval"""
    right = sum(each.ended == "right" for each in tried)
    other = sum(each.ended == "other" for each in tried)
    solved = right + other + sum(each.ended == "same" for each in tried)
    refused = sum(each.ended == "refused" for each in tried)
    middle = sorted(each.cpu for each in tried)[len(tried) // 2]
    shares = [
        f"{word} {count} ({100 * count / len(tried):.0f}%, {low:.0f} to {high:.0f}%)"
        for word, count in (
            ("solved", solved),
            ("as it was", right),
            ("other than it was", other),
            ("refused", refused),
        )
        for low, high in (find_interval(count, len(tried)),)
    ]
    return f"{name}: {len(tried)} bugs, {', '.join(shares)}, half of them within {middle:.0f} CPU seconds"


def find_interval(count: int, total: int) -> tuple[float, float]:
    """Wilson's interval in percent."""
    share, square = count / total, Z * Z / total
    centre = (share + square / 2) / (1 + square)
    half = Z * math.sqrt(share * (1 - share) / total + square / (4 * total)) / (1 + square)
    return 100 * (centre - half), 100 * (centre + half)


if __name__ == "__main__":
    sys.exit(main())

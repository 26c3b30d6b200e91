"""One search from start to end: run the tests, localise, propose, try, confirm, report."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from . import clock, report
from .asked import JsRequest, choose_asked
from .bench import Bench
from .candidates import JsCandidate, gather_clues, propose
from .choice.keep import TreeKeeper
from .choice.observe import Observer
from .choice.verdict import BLIND, SHOWN, describe_damage, describe_left, find_doubt
from .choice.weigh import JsComparison, weigh_changes
from .coverage import Counts, read_counts
from .focus import focus
from .judge import EXIT, Judge, list_outcomes
from .localise import Spectrum, list_suspects, localise
from .node_run import NodeRun
from .search import JsBaseline, JsSearch, limit
from .syntax.source import SourceFile, is_source

Say = Callable[[str], None]
MOST_PILOTS = 12
MOST_BENCH_FILES = 4  # test files that the process for quick tries loads for each try
PROPOSE_SHARE = 0.1  # of the time that is left, to make candidates
PROPOSE_LEAST = 1.5  # seconds
TRY_LEAST = 10.0  # seconds for tries where the runs before them took a slow suite's time, if any is left
RIVALS = 3
RIVAL_SHARE = (
    0.3  # of the time that it took to the first answer, to look for others; twice that for few tests
)
RIVAL_LEAST = 2.0  # seconds
RIVAL_SECONDS = 6.0  # at most
WEIGH_SECONDS = 8.0  # for comparing what changes give
WEIGH_RUNS = 16  # runs of all tests, where those take longer
WEIGH_LATE = 4.0  # for it at the search's end
STEADY = 2  # further runs of what a change turned
_NO_NAME = "no test of this name, by Hob's own search"


def mend(
    root: Path, command: str, request: JsRequest, seconds: float, scratch: Path, say: Say
) -> dict[str, Any]:
    """Try to make the failing tests pass that the request is about; ``outcome`` says how it ended.

    mended, not_found, all_pass, unasked, flaky, cannot_run.
    """
    began = clock.read_seconds()
    result: dict[str, Any] = {"version": 1}
    if shutil.which("node") is None:
        return result | {"outcome": "cannot_run", "reason": "there is no node in the sandbox"}
    judge = Judge(root=root, command=command, scratch=scratch)
    keeper = TreeKeeper(root)
    try:
        result |= _search(judge, request, began + seconds, say, keeper)
    finally:
        left = keeper.clean()
    if left:
        result = report.withhold_change(result, describe_left(left))
    return result | {"seconds": round(clock.read_seconds() - began, 1)}


def _search(
    judge: Judge, request: JsRequest, deadline: float, say: Say, keeper: TreeKeeper
) -> dict[str, Any]:
    began = clock.read_seconds()
    whole = judge.run_all(0.5 * (deadline - began), coverage=judge.scratch / "coverage" / "all")
    keeper.settle()
    latest = deadline
    deadline = began + clock.allot_seconds(deadline - began, clock.read_seconds() - began)
    everything = list_outcomes(whole)
    failing = [name for name, was in everything.items() if was == "failed"]
    say(f"{len(everything)} tests: {len(everything) - len(failing)} pass, {len(failing)} fail")
    if not failing:
        return {"outcome": "all_pass", "reason": "every test passes"}
    if whole.hung:
        reason = (
            f"they did not end within {whole.seconds:.0f} s, as with a loop without end; I tried no change"
        )
        return {"outcome": "not_found", "reason": reason}
    asked = choose_asked(failing, request, whole.output, judge.root)
    base = JsBaseline(
        everything=everything, asked=asked, seconds=whole.seconds,
        part_seconds=whole.seconds, all_seconds=whole.seconds,
    )  # fmt: skip
    unasked = [name for name in failing if name not in asked]
    tests = {
        "tests": report.report_tests(base, unasked, judge.command),
        "failure": _report_failure(whole, asked or failing),
    }
    if not asked:
        return tests | {"outcome": "unasked", "reason": "the request is about none of the tests that fail"}
    judge.learn(whole, asked)
    if judge.program is None and not judge.runner:
        reason = f"it ends with exit code {whole.code}, and no program of Node's ran a test that fails"
        return tests | {"outcome": "cannot_run", "reason": reason}
    judge.narrow(limit(whole.seconds))
    spectrum, output = _watch(judge, base, whole, unasked)
    tests["tests"] = report.report_tests(base, unasked, judge.command)
    if not base.targets:
        reason = "the tests that fail pass when they are run again, so nothing could be shown by them"
        return tests | {"outcome": "flaky", "reason": reason}
    words = f"{request.text} {' '.join(asked[:10])}"
    suspicions = localise(judge.root, spectrum, output, words, _list_sources(judge.root))
    clues = gather_clues(judge.root, judge.files, asked, output)
    deadline = max(deadline, min(latest, clock.read_seconds() + TRY_LEAST))
    patience = max(PROPOSE_LEAST, PROPOSE_SHARE * (deadline - clock.read_seconds()))
    candidates = propose(suspicions, clues, patience, say)
    sources = {one.source.path: one.source for one in suspicions}
    say(f"{len(suspicions)} files, {len(candidates)} candidate changes")
    bench, quick = _start_bench(judge, base)
    try:
        say(f"a try takes {bench.usual_seconds if quick else base.seconds:.2f} s")
        search = JsSearch(judge.root, judge, base, bench if quick else None)
        compared = _find_answer(search, candidates, sources, deadline, keeper)
    finally:
        bench.close()
    told = tests | {
        "suspects": report.report_suspects(list_suspects(suspicions), sources),
        "search": report.report_effort(search, len(candidates)),
    }
    if compared is None:
        reason = "" if search.exhausted else "no small edit made the tests pass in the time that I had"
        return told | {"outcome": "not_found", "reason": reason}
    if compared.damage:
        return told | {"outcome": "not_found", "reason": describe_damage(compared.damage, "compared")}
    if loss := keeper.find_loss():
        return told | {"outcome": "not_found", "reason": describe_damage(loss, "tried")}
    answer = compared.ranked[0]
    if reason := find_doubt(compared, sources[answer.path].data, base) or (BLIND if keeper.blind else ""):
        shown = [report.make_edit(sources[answer.path], answer)]
        return told | {"outcome": "not_found", "reason": reason, "unsure": shown}
    told |= report.report_change(sources[answer.path], answer, base, judge.command)
    return told | report.report_doubts(compared, sources) | {"outcome": "mended"}


def _start_bench(judge: Judge, base: JsBaseline) -> tuple[Bench, bool]:
    """A process for quick tries, with the failing tests of all their files where it can run those."""
    if base.pilots and 1 < len(judge.files) <= MOST_BENCH_FILES:
        bench = Bench(judge, judge.files, base.pilots)
        if bench.try_out():
            return bench, True
        bench.close()
    bench = Bench(judge, base.pilot_files, base.pilot_targets if base.pilots else ())
    return bench, bench.try_out()


def _find_answer(
    search: JsSearch,
    candidates: Sequence[JsCandidate],
    sources: Mapping[str, SourceFile],
    deadline: float,
    keeper: TreeKeeper,
) -> JsComparison | None:
    """What passes, the likeliest first; the first one found gets some company to be compared with.

    What other tries broke in the tree is put back before: it has to pass in the tree as it was.
    """
    began = clock.read_seconds()
    first = search.run(candidates, until=deadline)
    if first is None:
        return None
    spent = clock.read_seconds() - began
    at = next(number for number, each in enumerate(candidates) if each is first)
    few = 2.0 if len(search.base.asked) < SHOWN else 1.0
    patience = few * max(RIVAL_LEAST, min(RIVAL_SECONDS, RIVAL_SHARE * spent))
    until = min(deadline, clock.read_seconds() + patience)
    search.find_rivals(
        [each for each in candidates[at + 1 :] if each.score > 0.3 * first.score], until, RIVALS
    )
    passed = search.passed
    if keeper.find_loss():
        keeper.clean()
        passed = [each for each in passed if search.passes_all(each)]
    passed = [each for each in passed if search.is_steady(each, STEADY)]
    if not passed:
        return None
    base = search.base
    paths = dict.fromkeys(each.path for each in passed)
    observer = Observer(search.judge, [sources[path] for path in paths], limit(base.all_seconds))
    now = clock.read_seconds()
    patience = min(max(WEIGH_SECONDS, WEIGH_RUNS * base.all_seconds), max(WEIGH_LATE, deadline - now))
    compared = weigh_changes(observer, passed, base.pilots, now + patience)
    return replace(compared, damage=observer.find_damage())


def _watch(judge: Judge, base: JsBaseline, whole: NodeRun, unasked: Sequence[str]) -> tuple[Spectrum, str]:
    """Run the failing tests' files, the failing tests, and no test, each with coverage; fills ``base``."""
    patience = limit(whole.seconds) + 5.0
    folder = judge.scratch / "coverage"
    run = judge.run_part(patience, files=judge.files, coverage=folder / "part")
    base.part, base.part_seconds = list_outcomes(run), run.seconds
    base.targets = _find_targets(base, unasked)
    if not base.targets:
        base.flaky = base.asked
        return Spectrum(), ""
    part = read_counts(folder / "part", judge.root)
    spectrum = Spectrum(failing=part, everything=read_counts(folder / "all", judge.root))
    output = run.output
    if judge.runner and judge.program is not None and EXIT not in base.targets:
        output = _contrast(judge, base, spectrum, part, patience) or output
    if judge.files and judge.runner != "jest":
        focus(judge, spectrum, base.pilots[:1], output, patience)
    base.pilot_files = judge.files[:1] if base.pilots or len(judge.files) > 1 else judge.files
    again = judge.run_part(patience, files=base.pilot_files, names=base.pilots)
    outcomes = list_outcomes(again)
    failed = [name for name in base.pilots or base.targets if outcomes.get(name) == "failed"]
    if not failed and len(judge.files) > 1:
        base.pilot_files = judge.files
        again = judge.run_part(patience, files=base.pilot_files, names=base.pilots)
        outcomes = list_outcomes(again)
        failed = [name for name in base.pilots or base.targets if outcomes.get(name) == "failed"]
    base.seconds = max(0.02, again.seconds)
    base.pilot_targets = failed
    flaky = {name for name in base.targets if outcomes.get(name, "failed") != "failed"}
    base.flaky = sorted(flaky) if failed else base.asked
    base.targets = [name for name in base.targets if name not in flaky] if failed else []
    base.pilots = [name for name in base.pilots if name not in flaky]
    ends = {name.rpartition(" > ")[2] for name in flaky}
    base.asked = [name for name in base.asked if name.rpartition(" > ")[2] not in ends]
    return spectrum, output


def _find_targets(base: JsBaseline, unasked: Sequence[str]) -> list[str]:
    """The tests to mend, by the names that they have when their files run alone."""
    ends = {name.rpartition(" > ")[2] for name in base.asked}
    left_out = {name.rpartition(" > ")[2] for name in unasked}
    failed = [name for name, was in base.part.items() if was == "failed"]
    found = [name for name in failed if name.rpartition(" > ")[2] in ends or name == EXIT]
    return found or [each for each in failed if each.rpartition(" > ")[2] not in left_out]


def _contrast(judge: Judge, base: JsBaseline, spectrum: Spectrum, part: Counts, patience: float) -> str:
    """Run the failing tests alone, and none, where the runner can choose; returns what the former print."""
    folder = judge.scratch / "coverage"
    chosen = base.targets[:MOST_PILOTS]
    run = judge.run_part(patience, files=judge.files, names=chosen, coverage=folder / "failing")
    outcomes = list_outcomes(run)
    ran = [name for name, was in outcomes.items() if was != "skipped"]
    before = [name for name, was in base.part.items() if was != "skipped"]
    if any(outcomes.get(name) != "failed" for name in chosen):
        return ""
    base.pilots = chosen
    if len(ran) >= len(before) and len(before) > len(base.targets):
        return ""  # it ran them all
    spectrum.failing, spectrum.told_apart = read_counts(folder / "failing", judge.root), True
    if not spectrum.everything:
        spectrum.everything = part
    none = judge.run_part(patience, files=judge.files, names=[_NO_NAME], coverage=folder / "none")
    if "failed" not in none.tests.values():
        spectrum.loading = read_counts(folder / "none", judge.root)
    return run.output


def _report_failure(run: NodeRun, failing: Sequence[str]) -> dict[str, Any]:
    title = failing[0].rpartition(" > ")[2]
    at = max(0, run.output.rfind(title)) if title != EXIT else max(0, len(run.output) - 400)
    return {"test": "" if failing[0] == EXIT else failing[0], "type": "", "text": run.output[at : at + 400]}


def _list_sources(root: Path) -> list[str]:
    """The repository's own source files, for where no coverage says which of them ran."""
    try:
        done = subprocess.run(
            ("git", "-c", "core.fsmonitor=", "ls-files", "-z"),
            cwd=root,
            capture_output=True,
            check=False,
            timeout=20,
        )
        names = done.stdout.decode("utf-8", "replace").split("\0") if done.returncode == 0 else []
    except (OSError, subprocess.TimeoutExpired):
        names = []
    if not names:
        names = [str(path.relative_to(root)) for path in sorted(root.rglob("*.[cm]?[jt]s*"))]
        names = names or [str(path.relative_to(root)) for path in sorted(root.rglob("*.js"))]
    found = [name for name in names if name and is_source(name)]
    return sorted(found, key=lambda name: ("dist/" in name or "build/" in name, name.count("/"), name))

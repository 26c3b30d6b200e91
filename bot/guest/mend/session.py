"""One search from start to end: baseline, localise, propose, search, verify, report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from . import clock, report
from .baseline import REPEATS, Baseline, exclude_flaky, run_baseline, start_server, trace_tests
from .candidates import MOST_MADE, Candidate, FoundChange, propose, replace_parts
from .choice.compare import compare_changes
from .choice.verdict import find_doubt
from .clues import gather_clues
from .forkserver.broken_modules import repair_syntax, take_modules_as_tests
from .forkserver.candidate_runner import CandidateRunner
from .forkserver.client import ForkServerClient, ServerRefused
from .learned.weights import load_weights, rank_candidates
from .localise import Findings, localise
from .places.alike import combine_alike, put_alike_first
from .places.exports import propose_exports
from .request.asked import Request, leave_unasked, order_by_request
from .search import CandidateSearch
from .source import TextEdit
from .unbound import repair_names

# One side alone passes the test and is half a change.
ONE_EDIT = frozenset(("case-folding", "whole-text", "wrapped-sides", "export"))
FIRST_MADE = 3000  # candidates of the most suspicious places, before those of all places are made
FIRST_TRIED = 120  # of these, the likeliest
VERIFY_SHARE = 0.08  # of the time, kept for running the whole suite on what was found

Say = Callable[[str], None]
See = Callable[[Findings, Sequence[Candidate]], None]  # is shown the ranked candidates before they are tried


def mend(
    root: Path,
    command: str,
    request: Request,
    seconds: float,
    scratch: Path,
    say: Say,
    see: See | None = None,
) -> dict[str, Any]:
    """Try to make the failing tests pass that the request is about; ``outcome`` says how it ended.

    mended, partial, not_found, all_pass, unasked, no_tests, flaky, cannot_run.
    """
    began = clock.read_seconds()
    deadline = began + seconds
    result: dict[str, Any] = {"version": 1}
    try:
        server = start_server(root, command, scratch, seconds)
    except ServerRefused as refused:
        reason = "pytest finds no tests" if refused.code == 5 else "pytest cannot start here"
        outcome = "no_tests" if refused.code == 5 else "cannot_run"
        return result | {"outcome": outcome, "reason": reason, "tail": refused.tail[-1500:]}
    try:
        result |= _search_with_server(server, root, request, deadline, say, see)
    except ServerRefused as refused:
        result |= {"outcome": "cannot_run", "reason": "the test process ended", "tail": refused.tail[-1500:]}
    finally:
        server.close()
    return result | {"seconds": round(clock.read_seconds() - began, 1)}


def _search_with_server(
    server: ForkServerClient, root: Path, request: Request, deadline: float, say: Say, see: See | None
) -> dict[str, Any]:
    began = clock.read_seconds()
    order = partial(order_by_request, request=request)
    base = run_baseline(server, 0.4 * (deadline - began), order)
    suite = min(base.ended_seconds, clock.read_seconds() - began)
    deadline = began + clock.allot_seconds(deadline - began, suite)
    left = deadline - began
    say(
        f"{len(base.where)} tests: {len(base.passed_ids)} pass, {len(base.failed_ids)} fail, "
        f"{len(base.errors)} modules do not load"
    )
    if not base.where and not base.errors:
        return {"outcome": "no_tests", "reason": "pytest finds no tests", "tests": report.report_tests(base)}
    if not base.failed_ids and not base.errors and base.not_run:
        reason = (
            f"{len(base.not_run)} of {len(base.where)} tests did not come to run in the time of the search"
        )
        return {"outcome": "not_found", "reason": reason, "tests": report.report_tests(base)}
    if not base.failed_ids and not base.errors:
        return {"outcome": "all_pass", "reason": "every test passes", "tests": report.report_tests(base)}
    trace_tests(server, base, 0.3 * (deadline - clock.read_seconds()), order)
    if not base.failing and not base.errors:
        reason = "the tests that fail in the whole run pass when run alone"
        return {"outcome": "flaky", "reason": reason, "tests": report.report_tests(base)}
    leave_unasked(base, request, f"{root}/")
    exclude_flaky(server, base, 0.1 * (deadline - clock.read_seconds()))
    if not base.failing and not base.errors and base.flaky:
        reason = "the tests that fail pass when they are run again, so nothing could be shown by them"
        return {"outcome": "flaky", "reason": reason, "tests": report.report_tests(base)}
    if not base.failing and base.unasked:
        reason = "the request is about none of the tests that fail"
        return {"outcome": "unasked", "reason": reason, "tests": report.report_tests(base)}
    if not base.failing:
        why = take_modules_as_tests(base, root)
        if why:
            told = {"tests": report.report_tests(base), "failure": report.report_failure(base)}
            return told | {"outcome": "cannot_run", "reason": why}
    findings = localise(root, base, request.text)
    clues = gather_clues(base, request.text)
    findings.request = request.text
    findings.test_literals = frozenset(map(repr, (*clues.numbers, *clues.strings)))
    seconds = 0.15 * (deadline - clock.read_seconds())
    repairs = [*repair_syntax(findings), *propose_exports(findings, base, root)]
    repairs += repair_names(findings, clues.missing, root)

    def make_candidates(most: int) -> list[Candidate]:
        made = [*repairs, *propose(findings, clues, seconds, most)]
        made = rank_candidates(made, findings, clues, request.text, load_weights())
        made = combine_alike(made, findings.sources)
        made = [replace(each, fresh=True) for each in made] if base.only_fresh_imports else made
        say(f"{len(findings.suspects)} suspicious lines, {len(made)} candidate changes")
        if see is not None:
            see(findings, made)
        return made

    candidates = make_candidates(FIRST_MADE)
    whole = len(candidates) < FIRST_MADE
    runner = CandidateRunner(
        root=root,
        server=server,
        new_fresh_server=lambda: _start_fresh_server(server, base),
        base=base,
        findings=findings,
        end=deadline,
    )
    search = CandidateSearch(runner, base, deadline - VERIFY_SHARE * left)
    try:
        answer = None if whole else _search_first(search, candidates, say)
        if answer is None:
            candidates = candidates if whole else make_candidates(MOST_MADE)
            answer = _search(search, candidates, say)
    finally:
        runner.close()
    return _make_result(search, base, findings, candidates, answer)


def _start_fresh_server(server: ForkServerClient, base: Baseline) -> ForkServerClient:
    arguments = [each for each in server.arguments if not each.startswith("--basetemp")]
    fresh = ForkServerClient(
        server.root,
        server.path,
        [each for each in arguments if not _is_selection(each, server.root)],
        server.scratch,
        "fresh",
        server.python,
    )
    fresh.start(60.0, modules=base.modules)
    return fresh


def _is_selection(argument: str, root: Path) -> bool:
    return not argument.startswith("-") and (root / argument.split("::")[0]).exists()


def _search_first(search: CandidateSearch, candidates: list[Candidate], say: Say) -> FoundChange | None:
    """The likeliest of the most suspicious places: often enough, and to make them all takes seconds."""
    search.run(candidates, most=FIRST_TRIED)
    search.tally.exhausted = False
    return _find_verified(search, say)


def _search(search: CandidateSearch, candidates: list[Candidate], say: Say) -> FoundChange | None:
    """Single edits, then a second edit on top of those that turned some tests, then the best part."""
    now = clock.read_seconds()
    search.run(candidates, until=now + 0.75 * (search.deadline - now))
    if (answer := _find_verified(search, say)) is not None:
        return answer
    search.run(candidates)
    if (answer := _find_verified(search, say)) is not None:
        return answer
    while search.tally.exhausted and not search.tally.partial and search.another_pilot():
        search.run(candidates)
        if (answer := _find_verified(search, say)) is not None:
            return answer
    while (answer := _find_verified(search, say, claimable=False)) is None:
        if search.tally.exhausted or clock.read_seconds() >= search.deadline:
            break
        search.run(candidates)  # it had ended for the sake of changes that break something
        if (answer := _find_verified(search, say)) is not None:
            return answer
    if answer is not None:
        return answer
    for under in sorted(search.tally.partial, key=lambda each: (-len(each.turned), -each.score))[:3]:
        if _find_broken(search, under):
            continue
        say(f"one edit turns {len(under.turned)} of {len(search.failing)} tests; looking for a second")
        search.run(
            put_alike_first(candidates, under.parts, search.runner.findings.sources),
            under=under,
            until=clock.read_seconds() + 0.4 * (search.deadline - clock.read_seconds()),
        )
        if (answer := _find_verified(search, say)) is not None:
            return answer
    useful = [each for each in search.tally.partial if not _has_useless_part(each, search.tally.partial)]
    useful = [each for each in useful if not _leaves_near_failures(search, each)]
    best = sorted(useful, key=lambda each: (-len(each.turned), len(each.parts), -each.score))
    return next((each for each in best[:3] if not _find_broken(search, each)), None)


def _leaves_near_failures(search: CandidateSearch, change: FoundChange) -> bool:
    """Whether a test that still fails runs the changed lines: then the change is not what was wrong there."""
    for part in change.parts:
        source = search.runner.findings.sources[part.path]
        lines = {source.line_of(edit.start) for edit in part.edits} | {part.line}
        for run in (*search.base.failing, *search.base.also_failing.values()):
            ran = run.lines.get(f"{search.runner.root}/{part.path}", ())
            if run.id not in change.turned and lines & set(ran):
                return True
    return False


def _has_useless_part(change: FoundChange, others: list[FoundChange]) -> bool:
    """Whether fewer of its parts turn the same tests."""
    return any(
        len(other.parts) < len(change.parts)
        and all(part in change.parts for part in other.parts)
        and change.turned <= other.turned
        for other in others
    )


def _find_verified(search: CandidateSearch, say: Say, *, claimable: bool = True) -> FoundChange | None:
    """The first answer that breaks nothing in the whole suite; with ``claimable`` one that can be claimed.

    Those that cannot are compared all the same: what they do otherwise may be a reason to doubt.
    """
    if claimable and not search.tally.claimable:
        return None
    search.compared = compare_changes(search.runner, search.tally.answers)
    for answer in search.compared.ranked:
        if claimable and not any(answer is each for each in search.tally.claimable):
            continue
        broken = _find_broken(search, answer) or _find_unsteady(search, answer)
        if not broken:
            return answer
        say(f"a change in {answer.parts[0].function or answer.parts[0].path} breaks {broken}")
        search.drop(answer)
    return None


def _find_broken(search: CandidateSearch, answer: FoundChange) -> str:
    """A test that passed before and does not in the whole suite, run once; "" when there is none."""
    run_report = search.runner.run(answer.parts, search.base.passed_ids, fresh=answer.fresh)
    if run_report.hung and clock.read_seconds() >= search.runner.end:
        return ""
    failed = run_report.list_failed()
    return failed[0] if failed else "the process" if run_report.crashed or run_report.hung else ""


def _find_unsteady(search: CandidateSearch, answer: FoundChange) -> str:
    """A turned test that does not pass each time; "" when all do, as far as the time goes."""
    turned = sorted(answer.turned)
    seconds = sum(search.base.runs[name].seconds for name in turned if name in search.base.runs)
    for again in range(1, REPEATS + 1 if seconds < 0.5 and not answer.fresh else 1):
        run_report = search.runner.run(answer.parts, turned, fresh=False, quick=True, seed=again)
        if failed := run_report.list_failed():
            return failed[0]
    return ""


def _drop_useless_edits(search: CandidateSearch, answer: FoundChange) -> FoundChange:
    """The change without every part, and every edit of a part, without which the same tests pass."""
    kept = list(answer.parts)
    for part in answer.parts:
        whole = part.template in ONE_EDIT and len(kept) == 1
        for edit in part.edits if not whole and (len(part.edits) > 1 or len(kept) > 1) else ():
            fewer = [_remove_edit(each, edit) if each.path == part.path else each for each in kept]
            smaller = replace_parts(answer, tuple(each for each in fewer if each.edits))
            if smaller.parts and _turns_as_much(search, smaller):
                kept = list(smaller.parts)
    return replace_parts(answer, tuple(kept))


def _remove_edit(part: Candidate, edit: TextEdit) -> Candidate:
    return replace(part, edits=tuple(each for each in part.edits if each != edit))


def _turns_as_much(search: CandidateSearch, smaller: FoundChange) -> bool:
    run_report = search.runner.run(smaller.parts, sorted(smaller.turned), fresh=smaller.fresh, quick=True)
    passed = {name for name, run in run_report.runs.items() if run.outcome == "passed"}
    return not run_report.unfit and smaller.turned <= passed and not _find_broken(search, smaller)


def _make_result(
    search: CandidateSearch,
    base: Baseline,
    findings: Findings,
    candidates: list[Candidate],
    answer: FoundChange | None,
) -> dict[str, Any]:
    told: dict[str, Any] = {
        "tests": report.report_tests(base),
        "failure": report.report_failure(base),
        "suspects": report.report_suspects(findings),
        "search": report.report_tally(search.tally, len(candidates)),
    }
    if answer is None:
        time_up = clock.read_seconds() >= search.deadline
        reason = (
            "the time ran out"
            if time_up and not search.tally.exhausted
            else "no small edit makes the tests pass"
        )
        return told | {"outcome": "not_found", "reason": reason}
    answer = _drop_useless_edits(search, answer)
    texts = search.runner.texts(answer.parts) or {}
    chosen = next((each for each in search.compared.ranked if each.turned is answer.turned), None)
    told |= report.report_change(answer, findings, texts)
    told |= report.report_doubts(search, answer, told["edits"])
    if reason := find_doubt(search.runner, search.compared, chosen, answer):
        left = {name: told[name] for name in ("tests", "failure", "suspects", "search", "edits")}
        left["unsure"] = left.pop("edits")
        return left | {"outcome": "not_found", "reason": reason}
    rival = search.compared.find_rival(chosen) if chosen is not None else None
    strange = search.compared.find_strange(chosen) if chosen is not None else None
    if strange is not None:
        told["strange"] = report.report_strange(strange)
    if rival is not None:
        told["rival"] = report.report_rival(rival, findings, search.runner.texts(rival.change.parts) or {})
    others = [
        each for each in search.tally.answers if each is not chosen and len(each.parts) == len(answer.parts)
    ]
    told["others"] = len(others)
    alike = rival is None and len(others) < sum(bool(each.outputs) for each in search.compared.seen)
    told["calls"] = len(search.compared.calls) if alike else 0
    return told | {"outcome": "mended" if answer.full else "partial", "reason": ""}

"""What Hob makes of a case: an attempt as ``hob solve`` makes it, judged by the tests and by the true fix."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from bot.eval.measure import EvalEnvironment, measure
from bot.eval.real.cases import RealCase, make_task
from bot.eval.real.compare import ComparedMend, Likeness, compare_with_fix
from bot.eval.search_journal import SearchJournal
from bot.eval.source import checkout_task

OFFLINE = "offline"


@dataclass(frozen=True, slots=True, kw_only=True)
class RealResult:
    """One case under one set of weights; ``tried`` counts candidates until the search ended."""

    case: str
    weights: str
    passed: bool  # every test that the fix turns, and none of its others is broken
    claimed: bool  # Hob's own proof passed
    ended: str  # as ``bot.eval.results.Why`` says it
    likeness: Likeness | None = None
    detail: str = ""
    lines: int = 0
    seconds: float = 0.0
    tried: int = 0
    tried_first: int | None = None  # until the first that made the failing tests pass
    cpu_seconds: float = 0.0
    peak_mib: float = 0.0
    template: str = ""
    diff: str = ""

    @property
    def right(self) -> bool:
        """It does what the true fix does, as far as that was seen."""
        return self.passed and self.likeness in (Likeness.SAME_TREE, Likeness.SAME_OUTPUTS)

    @property
    def key(self) -> tuple[str, str]:
        """What makes it this one and no other."""
        return self.case, self.weights


async def measure_case(case: RealCase, weights: str, environment: EvalEnvironment, home: Path) -> RealResult:
    """One attempt of the offline engine. Raises what ``bot.eval.measure.measure`` raises."""
    task, journal = make_task(case, home), SearchJournal()
    found = await measure(task, OFFLINE, 1, environment, journal=journal)
    compared: ComparedMend | None = None
    if found.diff:
        checkout = await checkout_task(task, environment.workshop, environment.home)
        compared = await compare_with_fix(checkout, case, found.diff)
    told = journal.search
    search = told.get("search", {})
    result = RealResult(
        case=case.fix.name,
        weights=weights,
        passed=found.solved,
        claimed=found.claimed,
        ended=found.why.value,
        detail=found.detail,
        lines=case.fix.lines,
        seconds=found.seconds,
        tried=search.get("tried", 0),
        tried_first=search.get("tried_first"),
        cpu_seconds=found.cpu_seconds,
        peak_mib=found.peak_mib,
        template=", ".join(part["template"] for part in told.get("parts", ())),
        diff=found.diff,
    )
    if compared is None:
        return result
    return replace(result, likeness=compared.likeness, detail=compared.detail or found.detail)

"""``make eval-real ARGS=--explain``: where the true fix of each case stands in the engine's search."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from rich.console import Console
from rich.text import Text

from bot.agent.tools.context import GUEST
from bot.domain import Brief, TaskKind
from bot.eval.real.cases import RealCase, make_task
from bot.eval.source import checkout_task
from bot.offline.engine import MEND_SECONDS
from bot.offline.scope import judge_scope
from bot.offline.texts import make_hint
from bot.workspace.workshop import Workshop
from sandbox.spec import Command

MARK = "HOB-EXPLAIN-RESULT "


class _Place(BaseModel):
    path: str
    line: int
    old: str
    new: str
    suspect: int | None
    rank: int | None
    template: str


class _Search(BaseModel):
    tried: int = 0


class _Explained(BaseModel):
    """The guest's line."""

    outcome: str
    reason: str = ""
    search: _Search = _Search()
    places: list[_Place]
    edits: list[dict[str, Any]] = []
    unsure: list[dict[str, Any]] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedCase:
    """How the search ended, and where each place of the fix stood in it, as the guest's program says it."""

    case: str
    outcome: str
    reason: str = ""
    tried: int = 0
    places: tuple[Mapping[str, Any], ...] = ()
    edits: tuple[Mapping[str, Any], ...] = ()  # what it found, claimed or not

    @property
    def kind(self) -> str:
        """Why the fix was missed, or that its places have their edits."""
        if not self.places:
            return "the search did not begin"
        if any(each["suspect"] is None for each in self.places):
            return "a place was not suspected"
        if any(each["rank"] is None for each in self.places):
            return "an edit is not among the candidates"
        return "all edits are candidates" + (", but of several places" if len(self.places) > 1 else "")


async def explain_case(case: RealCase, workshop: Workshop, home: Path) -> ExplainedCase:
    """Search once, without a proof. Raises UserError where the case cannot be set up."""
    found = await checkout_task(make_task(case, home), workshop, home)
    request = case.fix.request
    brief = Brief(kind=TaskKind.CHANGE, request=request, title=request.strip().splitlines()[0][:300])
    told = {
        "test": found.checks.test,
        "request": make_hint(brief),
        "scope": judge_scope(brief).value,
        "seconds": MEND_SECONDS,
        "fix": {each.path: each.after for each in case.fix.sources},
    }
    sandbox = await found.open()
    try:
        argv = ("python", "-I", f"{GUEST}/mend", "--explain")
        done = await sandbox.run(Command(argv=argv, stdin=json.dumps(told).encode(), env=found.policy.env))
    finally:
        await sandbox.aclose()
    return read_explained(case.fix.name, done.text)


def read_explained(name: str, output: str) -> ExplainedCase:
    """What the guest's program printed, beside which the project's own code may print anything."""
    lines = [line for line in output.splitlines() if line.startswith(MARK)]
    if not lines:
        return ExplainedCase(case=name, outcome="no result", reason=output[-300:])
    try:
        told = _Explained.model_validate_json(lines[-1].removeprefix(MARK))
    except ValidationError:
        return ExplainedCase(case=name, outcome="no result", reason=lines[-1][:300])
    return ExplainedCase(
        case=name,
        outcome=told.outcome,
        reason=told.reason,
        tried=told.search.tried,
        places=tuple(each.model_dump() for each in told.places),
        edits=tuple(told.edits or told.unsure),
    )


def print_explained(explained: Sequence[ExplainedCase], console: Console) -> None:
    """A paragraph for each case, then how many of each kind. Texts of repositories are no markup."""
    for each in explained:
        why = f" ({each.reason})" if each.reason else ""
        console.print(Text(f"{each.case}: {each.outcome}{why}, {each.tried} tried; {each.kind}"))
        for place in each.places:
            rank = "none" if place["rank"] is None else f"{place['rank'] + 1}, {place['template']}"
            suspect = "none" if place["suspect"] is None else place["suspect"] + 1
            console.print(
                Text(f"  {place['path']}:{place['line']}  suspicion's rank {suspect}, edit's {rank}")
            )
            console.print(Text(f"    - {place['old']}\n    + {place['new']}"))
        for edit in each.edits:
            console.print(Text(f"  found: {json.dumps(edit, ensure_ascii=False)[:600]}"))
    for kind, count in Counter(each.kind for each in explained).most_common():
        console.print(Text(f"{count} of {len(explained)}: {kind}"))

"""``make eval-real REPOS="path path"``: the offline engine on bug fixes of the histories of local clones."""

from __future__ import annotations

import asyncio
import random
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from bot.errors import HobError, UserError
from bot.eval.measure import EvalEnvironment
from bot.eval.real.cases import RealCase, make_case
from bot.eval.real.compare import Likeness
from bot.eval.real.explain import ExplainedCase, explain_case, print_explained
from bot.eval.real.history import MOST_LINES, Fix, find_fixes
from bot.eval.real.measure import RealResult, measure_case
from bot.eval.real.summary import print_real_summary
from bot.eval.results import append_row, hold_folder, read_rows
from bot.settings import Settings, load, make_home
from bot.workspace.network import make_upstream
from bot.workspace.workshop import Workshop
from sandbox.spec import SandboxUnavailable

CASES, RESULTS = "cases.jsonl", "real-results.jsonl"
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.argument("repos", nargs=-1, required=True, type=FOLDER)
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Where cases and results are kept."
)
@click.option(
    "--sample", type=click.IntRange(1), default=30, help="So many cases, of all repositories by turns."
)
@click.option("--seed", type=int, default=1, help="Another number, another sample.")
@click.option("--lines", type=click.IntRange(1, MOST_LINES), default=MOST_LINES, help="The most of one fix.")
@click.option("--since", default="", help="Only commits after this date; old ones often do not run.")
@click.option(
    "--weights", type=click.Choice(("learned", "plain", "both")), default="learned", help="Of the order."
)
@click.option("--timeout", type=click.FloatRange(1), default=600.0, help="Seconds for one attempt.")
@click.option(
    "--install/--no-install", default=True, help="Whether what the tests need comes from the package index."
)
@click.option("--explain", is_flag=True, help="Search once for each case, and say where the true fix stood.")
@click.option("--cases-only", is_flag=True, help="Make the cases and say which count; measure nothing.")
def main(
    repos: tuple[Path, ...],
    out: Path | None,
    sample: int,
    seed: int,
    lines: int,
    since: str,
    weights: str,
    timeout: float,
    install: bool,
    explain: bool,
    cases_only: bool,
) -> None:
    """Cases of 1 to 10 changed lines with a test. What is measured is kept: the same command goes on."""
    names = (LEARNED, PLAIN) if weights == "both" else (weights,)
    home = out
    try:
        settings = load()
        make_home(settings)
        home = out or settings.home / "eval-real"
        work = RealWork(
            workshop=_make_workshop(settings),
            home=home,
            seconds=timeout,
            installs=install and settings.internet != "off",
        )
        with hold_folder(work.home):
            chosen = choose_fixes(repos, lines, since, seed)
            cases = asyncio.run(work.make_cases(chosen, sample))
            if explain:
                explained = asyncio.run(work.explain(cases))
                print_explained(explained, Console(width=120, soft_wrap=True))
                return
            results = [] if cases_only else asyncio.run(work.measure(cases, names))
    except (HobError, SandboxUnavailable) as error:
        click.echo(f"hob: {error}", err=True)
        sys.exit(2)
    except KeyboardInterrupt:
        click.echo(
            f"\nStopped. What is measured is kept; the same command with --out {home} goes on.", err=True
        )
        sys.exit(130)
    console = Console()
    by_weights = {name: [each for each in results if each.weights == name] for name in names}
    print_real_summary(by_weights, work.left_out, console if console.is_terminal else Console(width=120))
    click.echo(f"Cases and results: {work.home}", err=True)


def _make_workshop(settings: Settings) -> Workshop:
    """As a worker's. Raises HobError for a proxy that is none."""
    proxy = settings.egress_proxy.get_secret_value() if settings.egress_proxy else ""
    return Workshop(
        settings.home,
        backend=settings.sandbox,
        internet=settings.internet != "off",
        upstream=make_upstream(settings.egress_private, proxy, settings.egress_ca),
    )


LEARNED, PLAIN = "learned", "plain"
FORMAT = 2  # of the rows that are kept; those of another are made anew


def choose_fixes(repos: Sequence[Path], lines: int, since: str, seed: int) -> list[Fix]:
    """All fixes in a random order, the repositories by turns. Raises UserError when there are none."""
    order = random.Random(seed)  # noqa: S311  a sample, no secret
    by_repo: list[list[Fix]] = []
    for path in repos:
        fixes = [fix for fix in find_fixes(path, since) if fix.lines <= lines]
        click.echo(f"{path}: {len(fixes)} small fixes with changed tests", err=True)
        order.shuffle(fixes)
        by_repo.append(fixes)
    if not any(by_repo):
        raise UserError("no history has a small fix with changed tests")
    longest = max(map(len, by_repo))
    return [fixes[at] for at in range(longest) for fixes in by_repo if at < len(fixes)]


@dataclass(slots=True, kw_only=True)
class RealWork:
    """Makes cases and measures them, each once; rows of ``home`` are what is there already.

    A row that was made with another ``installs`` counts for nothing here and stays where it is.
    """

    workshop: Workshop
    home: Path
    seconds: float
    installs: bool
    left_out: Counter[str]

    def __init__(self, *, workshop: Workshop, home: Path, seconds: float, installs: bool = True) -> None:
        self.workshop, self.home, self.seconds, self.installs = workshop, home, seconds, installs
        self.left_out = Counter()

    async def make_cases(self, fixes: Sequence[Fix], wanted: int) -> list[RealCase]:
        """The first ``wanted`` fixes whose tests show them; the others are counted by reason."""
        rows = read_rows(self.home / CASES, lambda row: row)
        known = {row["name"]: row for row in rows if self._is_own(row)}
        cases: list[RealCase] = []
        for fix in fixes:
            if len(cases) == wanted:
                break
            row = known.get(fix.name)
            if row:
                case = _load_case(fix, row)
            else:
                case = await make_case(fix, self.workshop, self.home, installs=self.installs)
                append_row(self.home / CASES, {**_dump_case(case), **self._mode})
                click.echo(f"case {fix.name}: {case.trouble or 'counts'}", err=True)
            if case.trouble:
                self.left_out[case.trouble.split(":")[0]] += 1
            else:
                cases.append(case)
        return cases

    async def explain(self, cases: Sequence[RealCase]) -> list[ExplainedCase]:
        """Where the true fix of each case stands in the search."""
        found = []
        for at, case in enumerate(cases, start=1):
            try:
                found.append(await explain_case(case, self.workshop, self.home))
            except (HobError, OSError) as error:
                click.echo(f"[{at}/{len(cases)}] {case.fix.name}: not explained: {error}", err=True)
                continue
            click.echo(f"[{at}/{len(cases)}] {case.fix.name}: {found[-1].kind}", err=True)
        return found

    async def measure(self, cases: Sequence[RealCase], weights: Sequence[str]) -> list[RealResult]:
        """What is missing is measured, one attempt after the other."""
        rows = read_rows(self.home / RESULTS, lambda row: row)
        kept = [_load_result(row) for row in rows if self._is_own(row)]
        found = {each.key: each for each in kept}
        keys = [(case, name) for case in cases for name in weights]
        for at, (case, name) in enumerate(keys, start=1):
            if (case.fix.name, name) in found:
                continue
            try:
                result = await measure_case(case, name, self._make_environment(name), self.home)
            except (HobError, OSError) as error:
                click.echo(f"[{at}/{len(keys)}] {case.fix.name}: not measured: {error}", err=True)
                continue
            append_row(self.home / RESULTS, {**asdict(result), **self._mode})
            found[result.key] = result
            how = result.likeness.value if result.likeness else "no change"
            click.echo(f"[{at}/{len(keys)}] {case.fix.name}, {name}: {result.ended}, {how}", err=True)
        return [found[case.fix.name, name] for case, name in keys if (case.fix.name, name) in found]

    @property
    def _mode(self) -> dict[str, Any]:
        return {"format": FORMAT, "installs": self.installs}

    def _is_own(self, row: dict[str, Any]) -> bool:
        return {key: row.get(key) for key in self._mode} == self._mode

    def _make_environment(self, weights: str) -> EvalEnvironment:
        workshop = self.workshop
        if weights == PLAIN:
            plain = self.home / "no-weights"
            plain.mkdir(exist_ok=True)
            (plain / "weights.json").write_text('{"version": 1, "weights": {}}')
            workshop = workshop.with_weights(plain)
        return EvalEnvironment(workshop=workshop, home=self.home, seconds=self.seconds)


def _dump_case(case: RealCase) -> dict[str, Any]:
    fix = case.fix
    return {
        "name": fix.name,
        "request": fix.request,
        "lines": fix.lines,
        "setup": case.setup,
        "test_command": case.test_command,
        "fail_to_pass": case.fail_to_pass,
        "pass_to_pass": case.pass_to_pass,
        "trouble": case.trouble,
    }


def _load_case(fix: Fix, row: dict[str, Any]) -> RealCase:
    return RealCase(
        fix=fix,
        setup=row.get("setup", ""),
        test_command=row.get("test_command", ""),
        fail_to_pass=tuple(row["fail_to_pass"]),
        pass_to_pass=tuple(row["pass_to_pass"]),
        trouble=row["trouble"],
    )


def _load_result(row: dict[str, Any]) -> RealResult:
    row = {key: value for key, value in row.items() if key not in ("format", "installs")}
    return RealResult(**{**row, "likeness": Likeness(row["likeness"]) if row["likeness"] else None})


if __name__ == "__main__":
    main()

"""From a load to workers, money, waits and limits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.forecast.limits import LimitUse, Load, list_limits
from bot.forecast.simulate import Arrivals, Fleet, Simulated, find_quantile, simulate
from bot.forecast.workload import ForecastError, Workload
from bot.serve.capacity import MOST_RUNS, Capacity

MOST_TASKS = 600  # that one simulation plays: of more, a slice of everything by so much
LEAST_TASKS = 150
FULL = 0.7  # of processors and runs that may be used on the average, to begin with
TRIES = 5
REPOSITORIES_EACH = 10  # of an installation, where nobody says
SLOWER = 1.5  # times what a task needs, that half of them may take
PATIENCE = 60.0  # seconds that 99 of 100 tasks wait at most to be begun


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a load needs; ``limits`` with the first to bind first.

    Of the tasks of the busiest hour: the wait of half of them and of 99% until they are begun, and the time
    of half of them until they are done, in seconds; infinite where more comes than can be done.
    """

    load: Load
    fleet: Fleet
    usd_a_day: float
    wait_p50: float
    wait_p99: float
    done_p50: float
    limits: tuple[LimitUse, ...]

    @property
    def binds_at(self) -> float:
        """The tasks a day at which the first limit is reached."""
        used = self.limits[0].used
        return self.load.tasks / used if used else math.inf


def read_load(text: str) -> Load:
    """``REPOSITORIES:TASKS`` or ``REPOSITORIES:TASKS:INSTALLATIONS``, tasks a day. Raises ForecastError."""
    parts = text.split(":")
    if len(parts) not in (2, 3) or not all(each.isascii() and each.isdigit() and int(each) for each in parts):
        raise ForecastError(
            f"{text[:60]!r} is no load: REPOSITORIES:TASKS, such as 10:50 for 50 tasks a day in ten "
            "repositories, and :INSTALLATIONS behind it where that is known"
        )
    repositories, tasks, *more = map(int, parts)
    installations = more[0] if more else max(1, repositories // REPOSITORIES_EACH)
    if not installations <= repositories <= 10**7 or tasks > 10**8:
        raise ForecastError(f"{text[:60]!r}: at most a repository to an installation, 10^7 and 10^8 of all")
    return Load(repositories=repositories, tasks=float(tasks), installations=installations)


def forecast(
    workload: Workload,
    load: Load,
    capacity: Capacity,
    *,
    cpus: int,
    tokens_per_minute: float | None = None,
    workers: int | None = None,
    patience: float = PATIENCE,
) -> Forecast:
    """How many workers of this capacity keep the wait within ``patience``, or how ``workers`` of them do."""
    a_second = load.tasks * workload.busiest_hour / 3600
    needed = max(
        a_second * workload.span / (FULL * capacity.runs),
        a_second * workload.cpu / (FULL * min(cpus, capacity.commands)),
    )
    fleet = Fleet(
        workers=workers or max(1, math.ceil(needed)),
        runs=capacity.runs,
        commands=capacity.commands,
        cpus=cpus,
        tokens_per_minute=tokens_per_minute,
    )
    seen = _play(workload, fleet, load)
    limits = list_limits(workload, fleet, load, runs_bound_by="runs at once")
    elsewhere = any(each.used > 1 for each in limits if each.name not in ("CPU", "runs at once"))
    for _ in range(0 if workers or elsewhere else TRIES):  # more workers mend no limit but their own
        if not seen.left and _is_swift(seen, workload, patience):
            break
        fleet = replace(fleet, workers=fleet.workers + max(1, fleet.workers // 6))
        seen = _play(workload, fleet, load)
    lost = seen.left > 0.01 * len(seen.waits)
    bound = "memory (runs at once)" if capacity.runs < MOST_RUNS else "runs at once"
    return Forecast(
        load=load,
        fleet=fleet,
        usd_a_day=load.tasks * workload.usd,
        wait_p50=math.inf if lost else find_quantile(seen.waits, 0.5),
        wait_p99=math.inf if lost else find_quantile(seen.waits, 0.99),
        done_p50=math.inf if lost else find_quantile(seen.spans, 0.5),
        limits=tuple(list_limits(workload, fleet, load, runs_bound_by=bound)),
    )


def _is_swift(seen: Simulated, workload: Workload, patience: float) -> bool:
    """Whether tasks are begun in time, and done in not much more than they need."""
    in_time = find_quantile(seen.waits, 0.99) <= patience
    return in_time and find_quantile(seen.spans, 0.5) <= SLOWER * workload.span


def _play(workload: Workload, fleet: Fleet, load: Load) -> Simulated:
    """The busiest hour, or of a large load a slice of it: so much of its tasks, workers and installations."""
    an_hour = load.tasks * workload.busiest_hour
    slices = max(1, min(round(an_hour / MOST_TASKS), fleet.workers))
    tokens = fleet.tokens_per_minute
    part = replace(
        fleet,
        workers=math.ceil(fleet.workers / slices),
        tokens_per_minute=tokens / slices if tokens else None,
    )
    arrivals = Arrivals(
        an_hour=an_hour / slices * part.workers * slices / fleet.workers,
        repositories=max(1, min(20_000, load.repositories // slices)),
        installations=max(1, min(load.installations // slices, load.repositories // slices, 20_000)),
    )
    hours = min(1.0, MOST_TASKS / an_hour * slices) if an_hour > LEAST_TASKS else LEAST_TASKS / an_hour
    return simulate(workload, part, arrivals, hours=hours)


def render_table(forecasts: Sequence[Forecast]) -> list[str]:
    """The forecasts as a table in Markdown, line by line."""
    head: tuple[str, ...] = ("repositories", "tasks a day", "workers", "model a day")
    head += ("begun p50", "p99", "done p50", "binds first")
    rows = [
        (
            f"{each.load.repositories:,}",
            f"{each.load.tasks:,.0f}",
            f"{each.fleet.workers:,}",
            f"${each.usd_a_day:,.0f}",
            render_wait(each.wait_p50),
            render_wait(each.wait_p99),
            render_wait(each.done_p50),
            _render_limit(each),
        )
        for each in forecasts
    ]
    widths = [max(len(row[at]) for row in (head, *rows)) for at in range(len(head))]
    lines = [
        " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in (head, *rows)
    ]
    rule = "-|-".join("-" * width for width in widths)
    return [f"| {line} |" for line in (lines[0], rule, *lines[1:])]


def render_wait(seconds: float) -> str:
    """Seconds in readable units; without a number for a load that cannot be served."""
    if math.isinf(seconds):
        return "grows"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _render_limit(each: Forecast) -> str:
    first = each.limits[0]
    if first.used > 1:
        return f"{first.name}: {first.used:.1f} times what there is; {first.mend}"
    return f"{first.name}: {first.used:.0%} used, all at {each.binds_at:,.0f} tasks a day"

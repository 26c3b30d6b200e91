"""Which limit binds first: how much of each is used in the busiest hour of a day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bot.forecast.simulate import Fleet, weigh
from bot.forecast.workload import Workload
from bot.github.http.pace import CREATING_HOUR, CREATING_MINUTE
from bot.tasks.leases.renew import BEAT

# Commits a second of one PostgreSQL on two cores, 20 connections (`make bench-scale` prints its machine's).
COMMITS = 2000.0
OWN_COMMITS = 30.0  # of a task, beside its turns and the renewals of its lease: deliveries, effects, phases


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """So many ``tasks`` a day in ``repositories`` of ``installations``."""

    repositories: int
    tasks: float
    installations: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitUse:
    """How much of a limit is used in the busiest hour, 1 for all of it."""

    name: str
    used: float
    mend: str


def list_limits(workload: Workload, fleet: Fleet, load: Load, *, runs_bound_by: str) -> list[LimitUse]:
    """Every limit, the one that binds first at the head."""
    return sorted(_list(workload, fleet, load, runs_bound_by), key=lambda each: -each.used)


def _list(workload: Workload, fleet: Fleet, load: Load, runs_bound_by: str) -> Iterator[LimitUse]:
    an_hour = load.tasks * workload.busiest_hour
    a_second = an_hour / 3600
    yield LimitUse(
        name=runs_bound_by,
        used=a_second * workload.span / (fleet.workers * fleet.runs),
        mend="more workers",
    )
    cpu = a_second * workload.cpu / (fleet.workers * fleet.cpus)
    yield LimitUse(name="CPU", used=cpu, mend="more workers, or more processors for each")
    if fleet.tokens_per_minute:
        used = a_second * 60 * workload.tokens / fleet.tokens_per_minute
        yield LimitUse(name="the model's tokens a minute", used=used, mend="a higher tier, or a second model")
    if fleet.write_seconds > 0:
        # The repositories of one installation: every so-many-th of the list.
        shares = weigh(load.repositories)[:: max(1, load.installations)]
        creating = an_hour * sum(shares) * workload.creating
        mend = "a second App for the busiest installation"
        yield LimitUse(name="GitHub's 500 contents an hour", used=creating / CREATING_HOUR[0], mend=mend)
        yield LimitUse(
            name="GitHub's 80 contents a minute", used=creating / 60 / CREATING_MINUTE[0], mend=mend
        )
    commits = a_second * (OWN_COMMITS + workload.mean_turns + workload.span / BEAT)
    yield LimitUse(name="PostgreSQL", used=commits / COMMITS, mend="a larger server, then shards")

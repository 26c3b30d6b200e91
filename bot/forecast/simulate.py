"""A discrete-event simulation (SimPy) of the queue by its real rules: who is served when, who waits how long.

Tasks come at random at a steady rate. A worker with a free run takes the task whose turn it is, by the rule
of ``bot.tasks.leases.next_task``: a person's before automatic work, then whose installation, whose repository
and who has the fewest runs that go on or began in the last ten minutes. A run calls the model, which may have
so many tokens a minute; its commands wait for one of the worker's slots (HOB_COMMANDS) and share its
processors; what it writes to GitHub waits for its installation's pace (``bot.github.http.pace``).

Taken for less than it is: several tasks on one thread wait for each other, which is left out; the calls of a
run are simulated in at most ``CHUNKS`` pieces.
"""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

import simpy

from bot.forecast.workload import Workload
from bot.github.http.pace import CREATING_HOUR, CREATING_MINUTE, LONGEST_WAIT
from bot.tasks.leases.next_task import FAIR_WITHIN

CHUNKS = 5  # pieces in which the turns of a run are simulated
SLICES = 4  # turns on a processor in which a command is simulated
SKEW = 0.5  # of Zipf's law: the second most active repository has 1/2**SKEW of the first one's tasks
AUTOMATIC = 0.1  # the share of tasks that no person asked for: failed checks
PEOPLE = 5  # who ask, in one repository

Events = Generator[simpy.Event, Any, None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """Workers, and what each carries at once: ``runs``, ``commands`` of theirs, on so many ``cpus``.

    ``tokens_per_minute`` is what the model's account may use, None for any amount. ``write_seconds`` lie
    between writes of one installation, 0 lifts all of its bounds.
    """

    workers: int
    runs: int
    commands: int
    cpus: int
    tokens_per_minute: float | None = None
    write_seconds: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrivals:
    """So many tasks an hour from ``repositories`` of ``installations``; ``at_once`` instead come together."""

    an_hour: float = 0.0
    repositories: int = 1
    installations: int = 1
    at_once: int = 0


@dataclass(slots=True)
class Simulated:
    """Seconds that each task waited to be begun, and that it took until its end.

    ``left`` tasks had not ended when the simulation did: more comes than can be done.
    """

    waits: list[float] = field(default_factory=list)
    spans: list[float] = field(default_factory=list)
    left: int = 0


def find_quantile(values: Sequence[float], share: float) -> float:
    """The value that ``share`` of all do not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def weigh(count: int) -> list[float]:
    """How much of all each of ``count`` repositories or installations asks for, the most active one first."""
    weights = [1 / (rank + 1) ** SKEW for rank in range(count)]
    total = sum(weights)
    return [each / total for each in weights]


def simulate(
    workload: Workload,
    fleet: Fleet,
    arrivals: Arrivals,
    *,
    hours: float = 1.0,
    warm_up: float = 0.3,
    seed: int = 1,
) -> Simulated:
    """Play ``hours`` of arrivals after ``warm_up`` hours, which do not count, until all of them end."""
    dice = random.Random(seed)  # noqa: S311 - nothing is secret here
    simulation = _Simulation(simpy.Environment(), workload, fleet, dice, warm_up * 3600)
    simulation.env.process(simulation.arrive(arrivals, (warm_up + hours) * 3600))
    # What has not ended by then never does: more comes than can be done.
    simulation.env.run(
        until=(warm_up + hours) * 3600 + (24 * 3600 if arrivals.at_once else 4 * workload.span + 3600)
    )
    simulation.seen.left = simulation.count_left()
    return simulation.seen


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A task as it waits."""

    id: int
    at: float
    automatic: bool
    installation: int
    repository: int
    person: int


class _Worker:
    def __init__(self, env: simpy.Environment, fleet: Fleet) -> None:
        self.free = fleet.runs
        self.commands = simpy.Resource(env, fleet.commands)
        self.cpus = simpy.Resource(env, fleet.cpus)


class _Pace:
    """An installation's writes: one at a time, apart, and so many a minute and an hour."""

    def __init__(self) -> None:
        self.free_at = 0.0
        self.sent: deque[float] = deque()

    def find_turn(self, now: float, spacing: float) -> float:
        """When the next write that creates content may be sent; it is counted."""
        at = max(now, self.free_at)
        for most, seconds in (CREATING_MINUTE, CREATING_HOUR):
            if len(self.sent) >= most:
                at = max(at, self.sent[-int(most)] + seconds)
        self.sent.append(at)
        while self.sent and self.sent[0] < at - CREATING_HOUR[1]:
            self.sent.popleft()
        self.free_at = at + spacing
        return at


class _Simulation:
    """The simulated installation: its queue, workers, model and budgets."""

    def __init__(
        self,
        env: simpy.Environment,
        workload: Workload,
        fleet: Fleet,
        dice: random.Random,
        counted_from: float,
    ) -> None:
        self.env, self.seen = env, Simulated()
        self._load, self._fleet, self._dice, self._from = workload, fleet, dice, counted_from
        self._workers = [_Worker(env, fleet) for _ in range(fleet.workers)]
        self._waiting: dict[tuple[bool, int, int], list[_Asked]] = {}
        self._lately: Counter[tuple[str, int, int]] = Counter()
        self._pace: dict[int, _Pace] = {}
        self._tokens_free_at = 0.0
        self._running = 0

    def count_left(self) -> int:
        """How many tasks have not ended."""
        return sum(map(len, self._waiting.values())) + self._running

    def arrive(self, arrivals: Arrivals, until: float) -> Events:
        """Tasks come until a time, or all at once after the warm-up."""
        repositories = range(arrivals.repositories)
        bounds = list(accumulate(weigh(arrivals.repositories)))
        number = 0
        if arrivals.at_once:
            yield self.env.timeout(self._from)
            for number in range(arrivals.at_once):  # one to a repository, as far as there are any
                self._ask(number, number % arrivals.repositories, arrivals)
            self._begin_runs()
            return
        while self.env.now < until:
            yield self.env.timeout(self._dice.expovariate(arrivals.an_hour / 3600))
            number += 1
            (repository,) = self._dice.choices(repositories, cum_weights=bounds)
            self._ask(number, repository, arrivals)
            self._begin_runs()

    def _ask(self, number: int, repository: int, arrivals: Arrivals) -> None:
        task = _Asked(
            id=number,
            at=self.env.now,
            automatic=self._dice.random() < AUTOMATIC and not arrivals.at_once,
            installation=repository % arrivals.installations,
            repository=repository,
            person=repository * PEOPLE + self._dice.randrange(PEOPLE),
        )
        group = (task.automatic, task.installation, task.repository)
        self._waiting.setdefault(group, []).append(task)

    def _begin_runs(self) -> None:
        """Every free run takes the task whose turn it is."""
        while self._waiting:
            worker = max(self._workers, key=lambda each: each.free)
            if not worker.free:
                return
            task = self._take_next()
            worker.free -= 1
            self._running += 1
            self._count(task, 1)
            self.env.process(self._work(task, worker))

    def _take_next(self) -> _Asked:
        """The task whose turn it is, as ``bot.tasks.leases.next_task`` chooses."""
        lately = self._lately

        def rank(group: tuple[bool, int, int]) -> tuple[bool, int, int, int]:
            automatic, installation, repository = group
            of_owner, of_repo = lately["owner", installation, 0], lately["repo", installation, repository]
            return automatic, of_owner, of_repo, self._waiting[group][0].id

        group = min(self._waiting, key=rank) if len(self._waiting) > 1 else next(iter(self._waiting))
        tasks = self._waiting[group]
        task = min(tasks, key=lambda each: (lately["person", each.installation, each.person], each.id))
        tasks.remove(task)
        if not tasks:
            del self._waiting[group]
        return task

    def _count(self, task: _Asked, by: int) -> None:
        self._lately["owner", task.installation, 0] += by
        self._lately["repo", task.installation, task.repository] += by
        self._lately["person", task.installation, task.person] += by

    def _work(self, task: _Asked, worker: _Worker) -> Events:
        began, load = self.env.now, self._load
        yield from self._compute(worker, load.prepare, load.own_cpu / 2)
        turns = self._dice.choice(load.turns)
        for count in _split(turns, CHUNKS):
            yield from self._ask_model(count)
            yield from self._compute(worker, count * load.tool)
        yield from self._compute(worker, load.prove, load.own_cpu / 2)
        held = yield from self._write(task, worker)
        if held:
            worker.free += 1
        self._end(task, began)
        self._begin_runs()
        yield self.env.timeout(max(0.0, began + FAIR_WITHIN.total_seconds() - self.env.now))
        self._count(task, -1)

    def _end(self, task: _Asked, began: float) -> None:
        self._running -= 1
        if task.at >= self._from:
            self.seen.waits.append(began - task.at)
            self.seen.spans.append(self.env.now - task.at)

    def _ask_model(self, count: int) -> Events:
        """So many calls, when the account's tokens allow them."""
        load, most = self._load, self._fleet.tokens_per_minute
        if most:
            needed = count * (load.input_tokens + load.output_tokens) / most * 60
            free_at = max(self.env.now, self._tokens_free_at)
            self._tokens_free_at = free_at + needed
            yield self.env.timeout(free_at - self.env.now)
        yield self.env.timeout(count * load.model_turn)

    def _compute(self, worker: _Worker, seconds: float, own: float = 0.0) -> Events:
        """A command in a slot, on its share of the processors; ``own`` seconds are Hob's own, without one."""
        if own:
            yield from self._burn(worker, own)
        if seconds <= 0:
            return
        with worker.commands.request() as slot:
            yield slot
            yield from self._burn(worker, seconds * self._load.busy)
            yield self.env.timeout(seconds * (1 - self._load.busy))

    def _burn(self, worker: _Worker, seconds: float) -> Events:
        for _ in range(SLICES):
            with worker.cpus.request() as cpu:
                yield cpu
                yield self.env.timeout(seconds / SLICES)

    def _write(self, task: _Asked, worker: _Worker) -> Generator[simpy.Event, Any, bool]:
        """What is published; returns whether the run is still held: a long wait parks the task."""
        held, spacing = True, self._fleet.write_seconds
        if spacing <= 0:
            return held
        pace = self._pace.setdefault(task.installation, _Pace())
        yield self.env.timeout(max(0.0, self._load.writes - self._load.creating) * spacing)
        for _ in range(round(self._load.creating)):
            wait = pace.find_turn(self.env.now, spacing) - self.env.now
            if held and wait > LONGEST_WAIT:
                held = False
                worker.free += 1
                self._begin_runs()
            yield self.env.timeout(wait)
        return held


def _split(turns: int, most: int) -> Sequence[int]:
    """Turns in at most so many pieces."""
    pieces = min(turns, most)
    each, more = divmod(turns, pieces)
    return [each + (number < more) for number in range(pieces)]

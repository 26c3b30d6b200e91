"""``hob forecast``: the simulation keeps to the queue's rules, and what was measured is used."""

from __future__ import annotations

import json
import math
import random
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import simpy
from click.testing import CliRunner
from sqlalchemy import text

from bot.cli.main import main
from bot.forecast.forecast import Forecast, forecast, read_load, render_table, render_wait
from bot.forecast.measure import measure_workload
from bot.forecast.simulate import Arrivals, Fleet, _Asked, _Simulation, simulate, weigh
from bot.forecast.workload import ForecastError, Workload
from bot.serve.capacity import Capacity
from bot.tasks.database.connection import Database
from tests.support.releases import add_ended_tasks

CARRIES = Capacity(runs=32, commands=8)
# One turn, no tools and no processor: a run of 100 seconds.
PLAIN = Workload(
    turns=(1,),
    first_token=100.0,
    output_tokens=0.0,
    tool=0,
    prepare=0,
    prove=0,
    own_cpu=0,
    creating=0,
    writes=0,
)


def serve(workload: Workload, arrivals: Arrivals, **fleet: float) -> list[float]:
    made = Fleet(**{"workers": 1, "runs": 2, "commands": 2, "cpus": 2, "write_seconds": 0} | fleet)  # type: ignore[arg-type]
    return simulate(workload, made, arrivals, warm_up=0.0).waits


def test_runs_at_once_are_bounded() -> None:
    waits = serve(PLAIN, Arrivals(at_once=6, repositories=6))
    assert waits == [0, 0, 100, 100, 200, 200]
    assert serve(PLAIN, Arrivals(at_once=6, repositories=6), workers=3) == [0] * 6


def test_commands_and_processors_are_shared() -> None:
    """Eight proofs of ten seconds on two processors take forty, however many may run at once."""
    proving = replace(PLAIN, first_token=0.0, prove=10.0, busy=1.0)
    for commands in (2, 8):
        fleet = Fleet(workers=1, runs=8, commands=commands, cpus=2, write_seconds=0)
        seen = simulate(proving, fleet, Arrivals(at_once=8, repositories=8), warm_up=0.0)
        assert max(seen.spans) == pytest.approx(40)


def test_the_models_tokens_a_minute_are_a_bound() -> None:
    """Ten tasks of 24,000 tokens with 24,000 a minute: the last one is asked after nine minutes."""
    fleet = Fleet(workers=1, runs=10, commands=1, cpus=1, tokens_per_minute=24_000, write_seconds=0)
    seen = simulate(
        replace(PLAIN, first_token=1.0), fleet, Arrivals(at_once=10, repositories=10), warm_up=0.0
    )
    assert max(seen.spans) == pytest.approx(9 * 60 + 1)


def test_githubs_limit_is_an_installations() -> None:
    """120 tasks with five contents each: 480 fit into an hour of one installation, in two all of them do."""
    writing = replace(PLAIN, first_token=1.0, creating=5.0, writes=5.0)
    fleet = Fleet(workers=1, runs=200, commands=1, cpus=1)
    of_one, of_two = (Arrivals(at_once=120, repositories=120, installations=count) for count in (1, 2))
    ends = [max(simulate(writing, fleet, each, warm_up=0.0).spans) for each in (of_one, of_two)]
    assert 3600 < ends[0] < 4800 and ends[1] < 600


def test_a_flood_from_one_repository_keeps_no_other_waiting() -> None:
    """As the queue chooses: of 200 tasks in one repository and one each in 20 others, these come first."""
    simulation = _Simulation(
        simpy.Environment(), PLAIN, Fleet(workers=1, runs=1, commands=1, cpus=1), random.Random(1), 0
    )
    for number in range(220):
        repository = 0 if number < 200 else number
        task = _Asked(
            id=number, at=0, automatic=number == 219, installation=1, repository=repository, person=number % 3
        )
        simulation._waiting.setdefault((task.automatic, 1, repository), []).append(task)
    order = []
    while simulation._waiting:
        task = simulation._take_next()
        simulation._count(task, 1)
        order.append(task.id)
    assert order[0] == 0 and order[1:20] == list(range(200, 219)) and order[-1] == 219
    assert {number % 3 for number in order[20:23]} == {0, 1, 2}, "and then who has the fewest"


def test_waiting_grows_with_the_load_and_shrinks_with_workers() -> None:
    made = [
        forecast(Workload(), read_load("500:4000"), CARRIES, cpus=4, workers=count) for count in (2, 3, 8)
    ]
    assert made[0].done_p50 > made[1].done_p50 > made[2].done_p50
    assert made[0].limits[0].name == "CPU" and made[0].limits[0].used > made[2].limits[0].used
    few = Capacity(runs=8, commands=8)
    waits = [forecast(Workload(), read_load("500:4000"), few, cpus=4, workers=count) for count in (2, 4, 6)]
    assert waits[0].wait_p99 > waits[1].wait_p99 > waits[2].wait_p99
    assert math.isinf(forecast(Workload(), read_load("500:40000"), CARRIES, cpus=4, workers=1).wait_p50)


@pytest.mark.parametrize(
    ("load", "options", "first"),
    [
        ("1:2000", {}, "GitHub's 500 contents an hour"),
        ("500:1000", {"tokens_per_minute": 200_000.0}, "the model's tokens a minute"),
        ("500:1000:250", {}, "CPU"),
    ],
)
def test_the_limit_that_binds_first_is_named(load: str, options: dict[str, float], first: str) -> None:
    made = forecast(Workload(), read_load(load), CARRIES, cpus=4, **options)  # type: ignore[arg-type]
    assert made.limits[0].name == first
    if made.limits[0].used > 1:
        assert made.binds_at < made.load.tasks


def test_three_loads_are_printed_within_ten_seconds() -> None:
    began = time.process_time()
    words = [
        "forecast",
        "--defaults",
        "--cpus",
        "4",
        "--memory-gib",
        "32",
        "10:50",
        "200:2000",
        "5000:100000",
    ]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    assert time.process_time() - began < 10
    rows = [line for line in done.output.splitlines() if line.startswith("| ")]
    assert [row.split("|")[2].strip() for row in rows[2:]] == ["50", "2,000", "100,000"]
    assert "32 runs and 8 commands at once" in done.output and "prove" in done.output


@pytest.mark.parametrize(
    "words",
    [["ten:5"], ["0:5"], ["5"], ["1:2:3"], ["--set", "prove=x"], ["--set", "hours=1"], ["--set", "turns=0"]],
)
def test_what_cannot_be_forecast_is_named(words: list[str]) -> None:
    done = CliRunner().invoke(main, ["forecast", "--defaults", *words])
    assert done.exit_code == 2 and "Traceback" not in done.output


def test_a_value_that_is_set_is_used_and_said() -> None:
    made = Workload().change("prove", "400").change("turns", "5")
    assert (made.prove, made.turns, made.origin) == (400.0, (5,), {"prove": "set", "turns": "set"})
    assert made.span > Workload().span - 100
    with pytest.raises(ForecastError):
        made.change("tokens_per_second", "0")


async def test_what_was_measured_stands_in_for_defaults(database: Database) -> None:
    async def measure() -> Workload:
        async with database.engine.connect() as connection:
            return await connection.run_sync(measure_workload)

    assert await measure() == Workload()
    await add_ended_tasks(database, 1, taken=True, proved=30, usd=0.25)
    at = datetime.now(UTC)
    timeline = [
        {"phase": "prepare", "at": at.isoformat()},
        {"phase": "think", "at": (at + timedelta(seconds=4)).isoformat()},
        {"phase": "prove", "at": (at + timedelta(seconds=9)).isoformat()},
    ]
    async with database.engine.begin() as connection:
        usage = '{"turns": 7, "input_tokens": 70000, "output_tokens": 1400, "usd": 0.5}'
        await connection.execute(
            text(
                "UPDATE runs SET usage = cast(:usage AS jsonb), timeline = cast(:line AS jsonb),"
                " ended_at = :end"
            ),
            {"usage": usage, "line": json.dumps(timeline), "end": at + timedelta(seconds=30)},
        )
    made = await measure()
    assert (made.mean_turns, made.input_tokens, made.output_tokens, made.usd) == (7, 10_000, 200, 0.5)
    assert (made.prepare, made.prove) == (4.0, 21.0)
    assert made.origin["prove"] == "measured, 30 tasks" and "first_token" not in made.origin
    assert made.hours == Workload().hours, "thirty tasks say nothing of hours"


def test_the_table_says_what_grows() -> None:
    assert (render_wait(math.inf), render_wait(3), render_wait(600)) == ("grows", "3 s", "10 min")
    assert sum(weigh(500)) == pytest.approx(1) and weigh(3) == sorted(weigh(3), reverse=True)
    made: Forecast = forecast(Workload(), read_load("10:50"), CARRIES, cpus=4)
    assert len({len(line) for line in render_table([made])}) == 1

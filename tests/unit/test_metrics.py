"""What the processes count: runs, models, GitHub, commands, pages; and where it is read."""

from __future__ import annotations

import asyncio
import re
import urllib.request
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest
from flask import Flask
from pydantic_ai import exceptions as ai
from sqlalchemy import text

from bot.agent.models.calls import ModelTry, RetryPolicy
from bot.agent.models.choose import ModelRegistry
from bot.agent.models.provider_errors import name_error
from bot.agent.prompt import make_opening
from bot.agent.tools.registry import list_definitions
from bot.demo.free_port import find_free_port
from bot.domain import Phase, TaskState
from bot.errors import HobError, LeaseLost, Parked
from bot.github.http.client import Exchange
from bot.serve.metrics.measured_store import MeasuredStore
from bot.serve.metrics.pages import PageMetrics
from bot.serve.metrics.server import serve_metrics_in_thread, serve_worker_metrics
from bot.serve.metrics.worker import MOST_INSTALLATIONS, WorkerMetrics
from bot.settings import SettingsError, load
from bot.tasks.database.connection import Database
from bot.tasks.store import Store
from bot.tasks.sweep import SweepCounts
from bot.workspace.network import CommandSlots
from sandbox.spec import CommandResult, Ending
from tests.support.agent import brief
from tests.support.model_servers import Fault, Say, Server
from tests.support.tasks import make_request


@pytest.fixture
def metrics() -> WorkerMetrics:
    return WorkerMetrics(slots=3)


def read(metrics: WorkerMetrics) -> dict[str, float]:
    """Every sample that is not 0, by its name with labels."""
    lines = (line.rpartition(" ") for line in metrics.text().decode().splitlines() if line[0] != "#")
    return {name: float(value) for name, _, value in lines if float(value) and "_created" not in name}


@pytest.fixture
def port() -> int:
    return find_free_port()


async def test_a_run_is_counted_by_its_phases_and_its_end(store: Store, metrics: WorkerMetrics) -> None:
    measured = MeasuredStore(store.engine, metrics)
    task = await measured.add_task(make_request())
    claimed = await measured.claim(task.id, "w")
    assert claimed
    await measured.set_phase(claimed[1], Phase.PREPARE)
    await measured.set_phase(claimed[1], Phase.THINK)
    found = read(metrics)
    assert found["hob_runs"] == 1 and found["hob_run_slots"] == 3
    assert found['hob_phase_seconds_count{phase="prepare"}'] == 1
    assert 'hob_phase_seconds_count{phase="think"}' not in found
    await measured.release(claimed[1], TaskState.DONE)
    found = read(metrics)
    assert found['hob_phase_seconds_count{phase="think"}'] == 1
    assert found['hob_outcomes_total{kind="change",state="done"}'] == 1
    assert "hob_runs" not in found and "hob_leases_lost_total" not in found


async def test_a_lost_lease_is_counted_once(store: Store, database: Database, metrics: WorkerMetrics) -> None:
    measured = MeasuredStore(store.engine, metrics)
    task = await measured.add_task(make_request())
    claimed = await measured.claim(task.id, "w")
    assert claimed
    async with database.engine.begin() as connection:
        await connection.execute(text("UPDATE tasks SET fence = fence + 1"))
    for _ in range(2):
        with pytest.raises(LeaseLost):
            await measured.renew_lease(claimed[1])
    with pytest.raises(LeaseLost):
        await measured.release(claimed[1], TaskState.DONE)
    metrics.note_sweep(SweepCounts(expired=2))
    found = read(metrics)
    assert found["hob_leases_lost_total"] == 1 and found["hob_leases_expired_total"] == 2
    assert found['hob_outcomes_total{kind="change",state="lost"}'] == 1


async def test_a_call_to_a_model_is_counted_with_each_try(server: Server, metrics: WorkerMetrics) -> None:
    registry = ModelRegistry(observe=metrics.note_model_try)
    model = registry.choose(server.model, retry_policy=RetryPolicy(tries=2, first=0.001, park=1))
    server.answers = [Fault(status=429, headers={"retry-after": "0"}), Say(text="fine")]
    await model.ask([make_opening(brief())], list_definitions())
    server.answers = [Fault(status=500), Fault(status=502)]
    with pytest.raises(Parked):
        await model.ask([make_opening(brief())], list_definitions())
    await model.aclose()
    found = read(metrics)
    calls = {name: found[name] for name in found if name.startswith("hob_model_calls")}
    assert calls == {
        f'hob_model_calls_total{{model="{server.model}",result="ok"}}': 1,
        f'hob_model_calls_total{{model="{server.model}",result="rate_limited"}}': 1,
        f'hob_model_calls_total{{model="{server.model}",result="server"}}': 2,
    }
    assert found[f'hob_model_first_token_seconds_count{{model="{server.model}"}}'] == 1
    assert found[f'hob_model_tokens_total{{kind="output",model="{server.model}"}}'] > 0


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ai.ModelHTTPError(429, "m", "slow down"), "rate_limited"),
        (ai.ModelHTTPError(503, "m", "later"), "server"),
        (ai.ModelHTTPError(400, "m", "context size exceeded"), "too_long"),
        (ai.ModelHTTPError(422, "m", "bad schema"), "rejected"),
        (ai.UnexpectedModelBehavior("torn"), "nonsense"),
        (ValueError("no JSON"), "nonsense"),
    ],
)
def test_the_kinds_of_errors_are_a_closed_list(error: Exception, kind: str) -> None:
    assert name_error(error) == kind


def test_a_script_is_named_without_its_path(metrics: WorkerMetrics) -> None:
    metrics.note_model_try(ModelTry(model="scripted:/home/me/one.json", error="server"))
    assert 'hob_model_calls_total{model="scripted",result="server"}' in read(metrics)


def make_exchange(installation: int, status: int = 200, remaining: int | None = 40) -> Exchange:
    return Exchange(
        method="GET",
        resource="core",
        status=status,
        seconds=0.1,
        remaining=remaining,
        installation=installation,
    )


def test_rate_limits_are_told_of_who_was_asked_last(metrics: WorkerMetrics) -> None:
    for number in range(3 * MOST_INSTALLATIONS):
        metrics.note_exchange(make_exchange(number, remaining=number + 1))
    told = [name for name in read(metrics) if name.startswith("hob_github_rate_limit_remaining")]
    assert len(told) == 2 * MOST_INSTALLATIONS
    assert 'hob_github_rate_limit_remaining{installation="299",resource="core"}' in told


@pytest.mark.parametrize(("status", "shown"), [(0, "none"), (201, "2xx"), (404, "4xx"), (429, "429")])
def test_requests_to_github_by_status(metrics: WorkerMetrics, status: int, shown: str) -> None:
    metrics.note_exchange(make_exchange(5, status, None))
    assert read(metrics)[f'hob_github_requests_total{{resource="core",status="{shown}"}}'] == 1


async def test_commands_are_counted_by_their_end_and_their_wait(metrics: WorkerMetrics) -> None:
    slots, ended = CommandSlots(1, metrics.note_command), asyncio.Event()

    async def work() -> CommandResult:
        await ended.wait()
        return CommandResult(exit_code=None, ending=Ending.TIMED_OUT, seconds=3.0, output=b"")

    running = [asyncio.create_task(slots.run(work)) for _ in range(2)]
    await asyncio.sleep(0)
    ended.set()
    await asyncio.gather(*running)
    found = read(metrics)
    assert found['hob_command_seconds_sum{ending="timed out"}'] == 6
    assert found["hob_command_wait_seconds_count"] == 2


async def test_the_queue_is_told_by_installation_and_bounded(store: Store, database: Database) -> None:
    for number in range(4):
        await store.add_task(make_request(installation=number + 1, number=number + 1, repo=number + 1))
    async with database.engine.begin() as connection:
        await connection.execute(
            text("UPDATE tasks SET updated_at = now() - installation * interval '100 seconds'")
        )
        await connection.execute(
            text("UPDATE tasks SET not_before = now() + interval '1 hour' WHERE installation = 4")
        )
    ages = await store.list_queue_ages(most=2)
    assert [(installation, round(age, -2)) for installation, age in ages] == [(3, 300), (2, 200), (-1, 100)]


async def test_a_workers_numbers_are_served_and_its_health(
    tmp_path: Path, port: int, metrics: WorkerMetrics
) -> None:
    settings = load(home=tmp_path, metrics_port=f"worker={port}")
    async with AsyncExitStack() as runners, aiohttp.ClientSession() as http:
        assert await serve_worker_metrics(runners, settings, metrics.text) == port
        async with http.get(f"http://127.0.0.1:{port}/metrics") as answer:
            assert "hob_run_slots 3.0" in await answer.text()
        async with http.get(f"http://127.0.0.1:{port}/healthz") as answer:
            assert answer.status == 200
        with pytest.raises(HobError, match=r"HOB_METRICS_PORT: cannot listen on \d+.*web=9464,worker=9465"):
            await serve_worker_metrics(runners, settings, metrics.text)
    async with AsyncExitStack() as runners:
        assert await serve_worker_metrics(runners, load(home=tmp_path), metrics.text) is None


def test_the_dashboard_counts_its_pages(tmp_path: Path, port: int) -> None:
    app, pages = Flask("pages"), PageMetrics()
    app.add_url_rule("/tasks/<int:number>", "task", lambda number: f"{number}")
    pages.measure(app)
    for path in ("/tasks/1", "/tasks/2", "/nothing"):
        app.test_client().get(path)
    stop = serve_metrics_in_thread(load(home=tmp_path, metrics_port=port), pages.registry)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        text = answer.read().decode()
    stop()
    assert 'hob_pages_total{page="task",status="200"} 2.0' in text
    assert 'hob_pages_total{page="none",status="404"} 1.0' in text
    assert re.search(r'hob_build_info\{process="dashboard",version="[^"]+"\} 1.0', text)


@pytest.mark.parametrize(
    ("value", "ports"),
    [
        ("9464", [9464, 9464, 9464]),
        ("web=1,worker=2", [1, 2, None]),
        (" worker=7 ", [None, 7, None]),
    ],
)
def test_each_process_may_have_a_port_of_its_own(
    monkeypatch: pytest.MonkeyPatch, value: str, ports: list[int | None]
) -> None:
    monkeypatch.setenv("HOB_METRICS_PORT", value)
    settings = load()
    assert [settings.find_metrics_port(name) for name in ("web", "worker", "dashboard")] == ports


@pytest.mark.parametrize("value", ["web", "9464,9465", "hub=1", "web=70000", "web=1,web=2", "-1", "=5"])
def test_a_port_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("HOB_METRICS_PORT", value)
    with pytest.raises(SettingsError, match="HOB_METRICS_PORT: must be a port, or PROCESS=PORT"):
        load()

"""What ``hob forecast`` would predict, beside a run of bench_throughput: ``make bench-forecast``.

A whole Hob on this machine, as ``bench_throughput`` starts it. One task at a time shows how long a task's
phases take, a few at once what it costs in processor time; from these, the simulation predicts how long many
at once take. Then they are asked for. Exits 1 where the two differ by more than 20%.

What others on this machine use of its processors meanwhile is taken from /proc/stat and left out of what the
simulation may use: it cannot know of them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp

from benchmarks.bench_throughput import SCRIPT, Hub, Processes, _wait_for_pulls, make_commit
from bot.demo.free_port import find_free_port
from bot.forecast.measure import measure_workload
from bot.forecast.simulate import Arrivals, Fleet, simulate
from bot.forecast.workload import Workload
from bot.serve.capacity import compute_capacity, read_machine
from bot.settings import load
from bot.tasks.database.connection import open_database

ALLOWED = 0.2
CALIBRATING = 6  # tasks at once, for processor time


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """Tasks asked for at once: seconds until the last one's pull request, and what was used meanwhile."""

    seconds: float
    cpu: float  # seconds of a task, all of Hob's processes and the local GitHub
    others: float  # processors that others used


async def play(hub: Hub, processes: Processes, work: Path, name: str, tasks: int) -> Round:
    """Ask for so many tasks at once and wait for them."""
    names = [f"{name}-{number}" for number in range(tasks)]
    for each in names:
        await hub.seed(each, work)
    before, busy, began = processes.measure_cpu(), read_busy(), time.perf_counter()
    await asyncio.gather(*(hub.ask(each) for each in names))
    seconds = await _wait_for_pulls(hub, names, began)
    ours = sum(cpu - before.get(each, 0.0) for each, cpu in processes.measure_cpu().items())
    others = max(0.0, (read_busy() - busy - ours) / seconds)
    return Round(seconds=seconds, cpu=ours / tasks, others=others)


def read_busy() -> float:
    """Seconds that the machine's processors were busy since it started (proc(5), /proc/stat)."""
    user, nice, system, _, _, irq, softirq, *_ = map(int, Path("/proc/stat").read_text().split()[1:9])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def calibrate(measured: Workload, cpu: float) -> Workload:
    """The measured phases, as busy as the processor time of a task says."""
    sandboxed = measured.prepare + measured.prove + measured.mean_turns * measured.tool
    busy = min(0.95, cpu / sandboxed)
    return replace(measured, busy=busy, own_cpu=cpu - busy * sandboxed)


def predict(workload: Workload, tasks: int, workers: int, others: float) -> float:
    """Seconds until the last of ``tasks`` at once has its pull request."""
    machine = read_machine()
    capacity = compute_capacity(load(), machine)
    left = machine.cpus / max(0.25, machine.cpus - others)
    stretched = replace(
        workload,
        own_cpu=workload.own_cpu * left,
        prepare=workload.prepare * left,
        prove=workload.prove * left,
        tool=workload.tool * left,
    )
    fleet = Fleet(
        workers=1,
        runs=workers * capacity.runs,
        commands=workers * capacity.commands,
        cpus=machine.cpus,
        write_seconds=0,
    )
    arrivals = Arrivals(at_once=tasks, repositories=tasks)
    return max(simulate(stretched, fleet, arrivals).spans)


async def measure(tasks: int, workers: int) -> bool:
    """Start everything, calibrate, predict, measure, print; whether they agree."""
    with tempfile.TemporaryDirectory(prefix="hob-bench-") as place, ExitStack() as stack:
        home, port = Path(place), find_free_port()
        home.chmod(0o755)  # the account of the embedded server must reach it
        (home / "script.json").write_text(json.dumps(SCRIPT))
        processes = Processes(home, stack)
        hook = f"http://127.0.0.1:{port}/webhook"
        hub_process = processes.start("hub", "hub", "--data", str(home / "hub"), "--webhook", hook)
        assert hub_process.stdout is not None
        facts = json.loads(hub_process.stdout.readline())
        env = {"HOB_HOME": str(home / "home"), "HOB_LOG": "json"}
        processes.start("web", "web", **env, PORT=str(port), HOB_WEBHOOK_SECRET=facts["webhook_secret"])
        processes.wait_for_log("web", b"web.started")
        app = {
            "HOB_GITHUB_URL": facts["api_url"], "HOB_APP_ID": str(facts["app_id"]),
            "HOB_MODEL": f"scripted:{home / 'script.json'}", "HOB_WRITE_SECONDS": "0",
            "HOB_PRIVATE_KEY_FILE": facts["private_key_file"],
        }  # fmt: skip
        for number in range(workers):
            processes.start(f"worker-{number}", "worker", **env, **app)
        for number in range(workers):
            processes.wait_for_log(f"worker-{number}", b"worker.started")
        async with aiohttp.ClientSession() as session:
            hub, work = Hub(session, facts), make_commit(home)
            await hub.lift_limits()
            for number in range(4):  # the first one warms up: toolchain, layers, caches
                await play(hub, processes, work, f"alone-{number}", 1)
            async with open_database(home / "home") as database, database.engine.connect() as connection:
                measured = await connection.run_sync(lambda sync: measure_workload(sync, least=2))
            few = await play(hub, processes, work, "few", CALIBRATING)
            workload = calibrate(measured, few.cpu)
            many = await play(hub, processes, work, "many", tasks)
    predicted = predict(workload, tasks, workers, many.others)
    off = predicted / many.seconds - 1
    alone = f"{measured.prepare:.1f} s to prepare, {measured.prove:.1f} s to prove"
    print(f"a task alone: {alone}, {measured.mean_turns:.0f} turns with {measured.tool:.1f} s of tools each")
    print(f"CPU of a task: {few.cpu:.2f} s of {CALIBRATING} at once, {many.cpu:.2f} s of {tasks} at once")
    print(f"others used {few.others:.2f} processors meanwhile, and then {many.others:.2f}")
    print(f"{tasks} tasks at once, {workers} workers: predicted {predicted:.1f} s, ", end="")
    print(f"measured {many.seconds:.1f} s: {off:+.0%}", flush=True)
    return abs(off) <= ALLOWED


def main() -> None:
    """Read the command line."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--tasks", type=int, default=24)
    options.add_argument("--workers", type=int, default=2)
    asked = options.parse_args()
    sys.exit(0 if asyncio.run(measure(asked.tasks, asked.workers)) else 1)


if __name__ == "__main__":
    main()

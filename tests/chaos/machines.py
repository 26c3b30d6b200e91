"""``make chaos-machines``: web, PostgreSQL and two workers on machines of their own, which are cut off.

Each is a network namespace (`tests.chaos.network`), with its own HOB_HOME; the local GitHub is on a fifth. A
worker is cut off in the middle of a run and healed after another has taken its task over; then the database,
while requests come in; then the web process, whose deliveries GitHub must be asked for again. Prints the
table of ``make chaos``; exits with 1 when a request was lost, doubled or wrongly failed, or when a worker
that is back on the network takes no more work.
"""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bot.tasks.database.connection import Database, connect, wait_for_database
from bot.tasks.database.embedded import find_programs
from bot.tasks.database.schema import migrate
from bot.tasks.store import Store
from tests.chaos.network import HOST, Machine, open_network, relay
from tests.chaos.play import SCRIPT, Chaos
from tests.chaos.processes import Processes, holds_run, play_requests, print_table
from tests.support import ROOT
from tests.support.flow import DONE, MEND, AtWork, eventually
from tests.support.hub import Hub, running_hub
from tests.support.worker import Workers

WEB_PORT = 8080
POSTGRES_PORT = 5432
AWAY_SECONDS = 20.0  # how long the database and the web process are cut off
ROUNDS = 4
ACCOUNT = "nobody"  # runs PostgreSQL, which refuses to be run by root
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A machine with what runs on it."""

    machine: Machine
    processes: Processes


@contextmanager
def run_postgres(machine: Machine, folder: Path) -> Iterator[str]:
    """PostgreSQL itself on a machine, over TCP with a password; gives its URL."""
    data, password = folder / "postgres", secrets.token_urlsafe(16)
    secret = folder / "password"
    secret.write_text(password)
    data.mkdir()
    for path in (data, secret):
        shutil.chown(path, ACCOUNT)
    programs = find_programs()
    enter = [*machine.prefix, "setpriv", "--reuid", ACCOUNT, "--regid", "nogroup", "--clear-groups"]
    make: list[str | Path] = [programs / "initdb", "-D", data, "-U", "hob", "--encoding=UTF8", "--locale=C"]
    make += ["--auth=scram-sha-256", f"--pwfile={secret}"]
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
    subprocess.run([*enter, *make], cwd="/", env=environment, check=True, stdout=subprocess.DEVNULL)
    with (data / "pg_hba.conf").open("a") as rules:
        rules.write("host all all samenet scram-sha-256\n")
    with (folder / "postgres.log").open("wb") as log:
        serve: list[str | Path] = [programs / "postgres", "-D", data, "-k", ""]
        serve += ["-h", machine.address, "-p", str(POSTGRES_PORT)]
        running = subprocess.Popen([*enter, *serve], cwd="/", env=environment, stdout=log, stderr=log)
        try:
            yield f"postgresql://hob:{password}@{machine.address}:{POSTGRES_PORT}/postgres"
        finally:
            running.send_signal(signal.SIGINT)  # fast: SIGTERM waits for the clients
            running.wait(30)


@contextmanager
def run_relay(machine: Machine, port: int) -> Iterator[None]:
    """GitHub at the machine's own loopback: plain HTTP is for loopback alone."""
    command = [*machine.prefix, sys.executable, "-m", "tests.chaos.network", LOOPBACK, HOST, str(port)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as running:
        try:
            if running.stdout is None or running.stdout.readline() != b"up\n":
                raise RuntimeError(f"no relay on {machine.address}")
            yield
        finally:
            running.terminate()


@asynccontextmanager
async def open_machines(folder: Path) -> AsyncIterator[tuple[Chaos, Database, dict[str, Place]]]:
    """All of them, with everything started."""
    async with AsyncExitStack() as stack:
        network = stack.enter_context(open_network())
        machines = {name: network.add_machine() for name in ("web", "postgres", "worker-1", "worker-2")}
        url = stack.enter_context(run_postgres(machines["postgres"], folder))
        await wait_for_database(url, asyncio.Event())
        database = connect(url)
        stack.push_async_callback(database.engine.dispose)
        await migrate(database)
        hook = f"http://{machines['web'].address}:{WEB_PORT}/webhook"
        hub = await stack.enter_async_context(running_hub(folder, hook))
        port = urlsplit(hub.web_url).port or 80
        await stack.enter_async_context(relay(HOST, LOOPBACK, port))
        hob = AtWork(hub, folder / "script.json")
        hob.says(*SCRIPT)
        places = {}
        for name in ("web", "worker-1", "worker-2"):
            stack.enter_context(run_relay(machines[name], port))
            processes = make_processes(name, machines[name], hub, url, hob.model, folder)
            stack.callback(processes.stop)
            places[name] = Place(machine=machines[name], processes=processes)
        places["postgres"] = Place(machine=machines["postgres"], processes=places["web"].processes)
        workers = Workers(hob, folder / "unused", database, folder)
        yield Chaos(hob, workers, Store(database.engine), random.Random(1)), database, places


def make_processes(name: str, machine: Machine, hub: Hub, url: str, model: str, folder: Path) -> Processes:
    """What runs on a machine: with a home of its own, and what every process of Hob needs."""
    key = folder / "key.pem"
    key.write_text(hub.private_key)
    key.chmod(0o600)
    home = folder / name
    home.mkdir()
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(home), "HOB_HOME": str(home / "hob"), "HOB_DATABASE_URL": url,
        "HOB_WEB_HOST": "0.0.0.0", "PORT": str(WEB_PORT), "HOB_WEBHOOK_SECRET": hub.webhook_secret,
        "HOB_GITHUB_URL": hub.api_url, "HOB_APP_ID": str(hub.app_id), "HOB_PRIVATE_KEY_FILE": str(key),
        "HOB_MODEL": model, "HOB_WRITE_SECONDS": "0", "HOB_PROGRESS_SECONDS": "0",
    }  # fmt: skip
    return Processes(name=name, program=ROOT, environment=environment, logs=folder, prefix=machine.prefix)


async def play() -> int:
    """The whole of it; 1 when something went wrong. SIGTERM ends it as Ctrl-C does."""
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, os.kill, os.getpid(), signal.SIGINT)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        folder.chmod(0o711)  # PostgreSQL's data lies in it
        async with open_machines(folder) as (chaos, database, places):
            await places["web"].processes.start_web()
            wrong = await play_phases(chaos, database, places)
        return print_table(chaos, wrong)


async def play_phases(chaos: Chaos, database: Database, places: dict[str, Place]) -> list[str]:
    """The phases, in order; what is wrong with which workers took the requests."""
    first = await places["worker-1"].processes.start_worker()
    second = await places["worker-2"].processes.start_worker()
    wrong = await play_requests(chaos, "everybody there", 4, database, workers=1)

    row = chaos.add_row("a worker cut off in mid-run")
    print(f"{row.name} ...", file=sys.stderr)
    chaos.hob.says_held([MEND], [DONE])
    request = asyncio.create_task(chaos.play(row, row.name))
    await chaos.hob.until_asked()
    at_first = await holds_run(database, first.pid)
    machine = places["worker-1" if at_first else "worker-2"].machine
    other = second if at_first else first
    machine.cut_off()
    cut = time.time()
    await eventually(lambda: holds_run(database, other.pid), "nobody takes the task over", every=0.1)
    chaos.hob.go_on()  # both, the one that is cut off too
    await request
    row.recovery += await chaos.measure_recovery([cut])
    chaos.hob.says(*SCRIPT)
    machine.heal()
    late = []
    for number in range(1, ROUNDS + 1):  # until it has noticed that it is back, after 25 s at most
        late = await play_requests(chaos, f"healed, round {number}", 8, database, workers=2)
        if not late:
            break
    wrong += late

    wrong += await play_cut_off(chaos, database, places["postgres"].machine, "the database cut off")
    wrong += await play_requests(chaos, "healed", 4, database, workers=1)

    playing = asyncio.create_task(play_cut_off(chaos, database, places["web"].machine, "web cut off"))
    await asyncio.sleep(AWAY_SECONDS)
    first.terminate()
    await asyncio.to_thread(first.wait)
    await places["worker-1"].processes.start_worker()  # 20 s after its start it asks for what did not arrive
    return wrong + await playing


async def play_cut_off(chaos: Chaos, database: Database, machine: Machine, name: str) -> list[str]:
    """Requests while a machine is away for the first seconds of them."""
    machine.cut_off()
    playing = asyncio.create_task(play_requests(chaos, name, 4, database, workers=1))
    try:
        await asyncio.sleep(AWAY_SECONDS)
    finally:
        machine.heal()
    return await playing


if __name__ == "__main__":
    sys.exit(asyncio.run(play()))

"""``make chaos-upgrade``: two versions side by side over a migration, as wheels in processes of their own.

The version before (``OLD=`` a commit or tag; by default the last commit without the newest migration) takes
requests alone; the new one joins it and migrates; the old one's worker is killed and started again on the
newer schema; the old one goes, and at last comes back alone. Prints the table of ``make chaos``; exits with 1
when a request was lost, doubled or wrongly failed, or when a version took none where it should have.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bot.demo.free_port import find_free_port
from bot.tasks.database.connection import Database, open_database
from bot.tasks.store import Store
from tests.chaos.play import SCRIPT, Chaos
from tests.chaos.processes import Processes, holds_run, play_requests, print_table
from tests.support import ROOT
from tests.support.flow import AtWork, eventually
from tests.support.hub import Hub, running_hub
from tests.support.worker import Workers

VERSIONS = "bot/tasks/database/migrations/versions"


def run_git(*arguments: str) -> str:
    """What git says in this repository."""
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout


def find_version_before() -> str:
    """The last commit that has not the newest migration."""
    newest = sorted(path.name for path in (ROOT / VERSIONS).glob("0*.py"))[-1]
    added = run_git("log", "--diff-filter=A", "--format=%H", "--", f"{VERSIONS}/{newest}").split()
    return f"{added[-1]}^"


def install(source: Path, folder: Path) -> Path:
    """Build a wheel of ``source`` and unpack it into ``folder``; what it needs is in this environment."""
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    wheels = folder / "wheels"
    subprocess.run([*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", wheels, source], check=True)
    (wheel,) = wheels.glob("*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", folder / "program", wheel], check=True)
    return folder / "program"


def install_commit(commit: str, folder: Path) -> Path:
    """The same for a commit of this repository."""
    source = folder / "source"
    source.mkdir(parents=True)
    packed = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-C", source], input=packed, check=True)
    return install(source, folder)


def copy_tracked_files(folder: Path) -> Path:
    """What is tracked here, as it stands now."""
    source = folder / "source"
    source.mkdir(parents=True)
    listed = run_git("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    there = "\0".join(name for name in listed.split("\0") if name and (ROOT / name).exists())
    packed = subprocess.run(
        ["tar", "-c", "--null", "-T", "-"], input=there.encode(), cwd=ROOT, check=True, capture_output=True
    ).stdout
    subprocess.run(["tar", "-x", "-C", source], input=packed, check=True)
    return source


async def play(old_commit: str) -> int:
    """The whole of it; 1 when something went wrong."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        old_program = await asyncio.to_thread(install_commit, old_commit, folder / "old")
        source = await asyncio.to_thread(copy_tracked_files, folder / "new")
        new_program = await asyncio.to_thread(install, source, folder / "new")
        home, scratch = folder / "home", folder / "scratch"
        scratch.mkdir()
        port = find_free_port()
        async with (
            open_database(home) as database,
            running_hub(scratch, f"http://127.0.0.1:{port}/webhook") as hub,
        ):
            environment = make_environment(hub, home, database, scratch, port)
            old = Processes(name="old", program=old_program, environment=environment, logs=scratch)
            new = Processes(name="new", program=new_program, environment=environment, logs=scratch)
            hob = AtWork(hub, scratch / "script.json")
            hob.says(*SCRIPT)
            chaos = Chaos(
                hob, Workers(hob, home, database, scratch), Store(database.engine), random.Random(1)
            )
            try:
                wrong = await play_upgrade(chaos, old, new, database)
            finally:
                old.stop()
                new.stop()
    print(f"old: {old_commit}, new: the working tree\n")
    return print_table(chaos, wrong)


def make_environment(hub: Hub, home: Path, database: Database, scratch: Path, port: int) -> dict[str, str]:
    """What every process of both versions gets."""
    key = scratch / "key.pem"
    key.write_text(hub.private_key)
    key.chmod(0o600)
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(scratch),
        "PORT": str(port),
        "HOB_HOME": str(home),
        "HOB_DATABASE_URL": database.url,
        "HOB_GITHUB_URL": hub.api_url,
        "HOB_APP_ID": str(hub.app_id),
        "HOB_PRIVATE_KEY_FILE": str(key),
        "HOB_WEBHOOK_SECRET": hub.webhook_secret,
        "HOB_MODEL": f"scripted:{scratch / 'script.json'}",
        "HOB_WRITE_SECONDS": "0",
        "HOB_PROGRESS_SECONDS": "0",
    }


async def play_upgrade(chaos: Chaos, old: Processes, new: Processes, database: Database) -> list[str]:
    """The phases, in order; what is wrong with which workers took the requests."""
    wrong = []
    old_web = await old.start_web()
    old_worker = await old.start_worker()
    wrong += await play_requests(chaos, "old alone", 2, database, workers=1)
    new_worker = await new.start_worker()
    wrong += await play_requests(chaos, "both, after the migration", 8, database, workers=2)
    killing = asyncio.create_task(play_requests(chaos, "old worker killed", 12, database, workers=2))
    await eventually(lambda: holds_run(database, old_worker.pid), "the old worker takes nothing", every=0.02)
    old_worker.kill()
    killed = time.time()
    old_worker.wait()
    old_worker = await old.start_worker()  # on the newer schema
    wrong += await killing
    chaos.rows[-1].recovery += await chaos.measure_recovery([killed])
    for one in (old_worker, old_web):
        one.send_signal(signal.SIGTERM)
        await asyncio.to_thread(one.wait)
    new_web = await new.start_web()
    wrong += await play_requests(chaos, "new alone", 3, database, workers=1)
    for one in (new_worker, new_web):
        one.send_signal(signal.SIGTERM)
        await asyncio.to_thread(one.wait)
    await old.start_web()
    await old.start_worker()
    wrong += await play_requests(chaos, "old again, newer schema", 3, database, workers=1)
    return wrong


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="make chaos-upgrade")
    parser.add_argument("--old", default="", help="a commit or tag; default: before the newest migration")
    return asyncio.run(play(parser.parse_args().old or find_version_before()))


if __name__ == "__main__":
    sys.exit(main())

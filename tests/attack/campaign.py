"""All of the attacks: on both backends, as root and as an ordinary user, then the moves of a hostile model over
the whole path, and inputs that would stop a worker's event loop. ``make attack`` runs this.

Where no Docker engine answers and this is root, Debian's docker.io is started beside the host's, with all its
state in a temporary directory (and installed first where it is missing); without root, that half is left out,
which is said and counts as a failure here.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support import docker_engine, ordinary_user

HERE = Path(__file__).parent
_ROOT = HERE.parent.parent


@dataclass(frozen=True, slots=True)
class Half:
    """One run of everything: which backend, as root or as an ordinary user."""

    backend: str
    root: bool

    def __str__(self) -> str:
        return f"{self.backend}, as {'root' if self.root else 'an ordinary user'}"


def halves(backend: str) -> list[Half]:
    """What this user can play against a backend."""
    return [Half(backend, True), Half(backend, False)] if os.geteuid() == 0 else [Half(backend, False)]


def play_half(half: Half, address: str = "", group: int = 0) -> tuple[dict[str, list[str]], str]:
    """Play a half in a process of its own; the verdicts, and the table."""
    if half.root or os.geteuid() != 0:
        env = {**os.environ, "PYTHONPATH": str(_ROOT)}
        return _play(half, address, [sys.executable], env, None)
    with ordinary_user.make_home(("pyseccomp",), [HERE]) as home:
        start = [*ordinary_user.as_nobody([group] if address else []), ordinary_user.interpreter(home)]
        return _play(half, address, start, ordinary_user.environment(home), home)


def _play(
    half: Half, address: str, start: list[str], env: dict[str, str], home: Path | None
) -> tuple[dict[str, list[str]], str]:
    with tempfile.TemporaryDirectory(prefix="hob-verdicts-") as folder:
        Path(folder).chmod(0o777)
        verdict_file = Path(folder, "verdicts.json")
        arguments = ["-m", "tests.attack.play", "--backend", half.backend, "--json", str(verdict_file)]
        arguments += ["--image", docker_engine.make_image(address), "--engine", address] if address else []
        ran = subprocess.run([*start, *arguments], capture_output=True, text=True, env=env, cwd=home)
        if not verdict_file.exists():
            raise RuntimeError(f"{half}: {ran.stdout[-2000:]}{ran.stderr[-6000:]}")
        return json.loads(verdict_file.read_text()), f"{half}\n{ran.stdout}"


@contextmanager
def docker() -> Iterator[tuple[str, int]]:
    """An engine's address, and the group that may talk to it: the host's own, or one started for this."""
    if docker_engine.is_answering(docker_engine.HOSTS_OWN):
        yield docker_engine.HOSTS_OWN, docker_engine.docker_group()
        return
    if os.geteuid() != 0:
        yield "", 0
        return
    if shutil.which("dockerd", path="/usr/sbin:/usr/bin") is None:
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "docker.io"]
        subprocess.run(install, check=True, stdout=subprocess.DEVNULL)
    folder = tempfile.mkdtemp(prefix="hob-engine-")
    try:
        with docker_engine.start_engine(Path(folder), docker_engine.docker_group()) as address:
            yield address, docker_engine.docker_group()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    """Everything, one half after the other; 0 when nothing unexpected happened."""
    wrong = 0
    with docker() as (address, group):
        for half in (*halves("bwrap"), *(halves("docker") if address else ())):
            verdicts, table = play_half(half, address if half.backend == "docker" else "", group)
            print(table, flush=True)
            wrong += sum(bool(each) for both in verdicts.values() for each in both)
        if address:
            tests = [
                sys.executable,
                "-m",
                "pytest",
                "-q",
                str(HERE.parent / "unit" / "sandbox" / "test_docker.py"),
            ]
            env = {**os.environ, "HOB_TEST_ENGINE": address}
            wrong += subprocess.run(tests, env=env, cwd=_ROOT).returncode
    env = {**os.environ, "PYTHONPATH": str(_ROOT)}
    wrong += subprocess.run([sys.executable, "-m", "tests.attack.model"], env=env, cwd=_ROOT).returncode
    slow = [sys.executable, "-m", "pytest", "-q", str(HERE / "event_loop.py")]
    wrong += subprocess.run(slow, env=env, cwd=_ROOT).returncode
    if not address:
        print("docker: left out, no engine answers and only root can start one")
    print(f"{wrong} unexpected" if wrong else "nothing unexpected")
    return int(bool(wrong or not address))


if __name__ == "__main__":
    sys.exit(main())

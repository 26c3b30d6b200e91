"""Start compose.yaml's set of processes as containers and have them play the demo (``make deploy-check``).

No image is pulled: the base is made by debootstrap, Hob's from deploy/Dockerfile on it, and PostgreSQL's from
Debian's package. All containers share one network of their own that has nothing but a loopback, since the
local GitHub speaks plain HTTP, which Hob takes there alone. So three things are not as in the file: that
network, the dashboard's host (loopback, without sign-in) and the ports of metrics. Needs root, Debian's
docker.io and debootstrap (installed where they are missing), and its mirror.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.deploy.compose import list_containers, make_arguments
from tests.support import ROOT, docker_engine

BASE, HOB, DATABASE, SUITE = "hob-play-base", "hob-play", "hob-play-database", "bookworm"
USER = 10001
HUB_PORT = 8500
METRICS = {"web": 9464, "worker-1": 9465, "worker-2": 9466, "dashboard": 9467}
HEALTHY_SECONDS = 180.0
# As the official image is used: POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB, /var/lib/postgresql/data.
DATABASE_FILE = f"""
FROM {BASE}
RUN apt-get update && apt-get install -y --no-install-recommends postgresql && rm -rf /var/lib/postgresql/*
RUN printf '%s\\n' '#!/bin/sh' 'set -eu' 'bin=$(echo /usr/lib/postgresql/*/bin)' \\
    'data=/var/lib/postgresql/data; mkdir -p "$data"; chown postgres: "$data"' \\
    'as() {{ setpriv --reuid postgres --regid postgres --clear-groups "$@"; }}' \\
    'echo "$POSTGRES_PASSWORD" > /tmp/password; chmod 644 /tmp/password' \\
    'set -- -D "$data" -U "$POSTGRES_USER" -E UTF8 --pwfile /tmp/password -A scram-sha-256' \\
    'as "$bin/initdb" "$@" >/dev/null' \\
    'cd /; create="CREATE DATABASE $POSTGRES_DB"' \\
    'echo "$create" | as "$bin/postgres" --single -D "$data" postgres >/dev/null' \\
    'exec setpriv --reuid postgres --regid postgres --clear-groups "$bin/postgres" -D "$data"' \\
    > /start && chmod 755 /start
ENTRYPOINT ["/start"]
"""


class Engine:
    """A Docker engine, and the containers that were started in it here."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._started: list[str] = []

    def docker(self, *words: str, check: bool = True, stdin: str | None = None) -> str:
        """The output of a command of Docker's. Raises RuntimeError with what it said when it fails."""
        env = {"PATH": os.environ["PATH"], "DOCKER_BUILDKIT": "0"}
        command = ["docker", "-H", self._address, *words]
        done = subprocess.run(command, capture_output=True, text=True, input=stdin, env=env, check=False)
        if check and done.returncode:
            raise RuntimeError(f"docker {' '.join(words[:4])}: {done.stdout[-2000:]}{done.stderr[-4000:]}")
        return done.stdout

    def has(self, image: str) -> bool:
        """Whether an image of that name is there."""
        return bool(self.docker("images", "--quiet", image))

    def run(self, name: str, *words: str) -> None:
        """Start a container in the background."""
        self._started.append(name)
        self.docker("run", "--detach", f"--name={name}", *words)

    def stop_all(self) -> dict[str, int]:
        """Stop what was started, the last first, and remove it; the exit codes."""
        codes = {}
        for name in reversed(self._started):
            self.docker("stop", name, check=False)
            code = self.docker("inspect", "--format={{.State.ExitCode}}", name, check=False).strip()
            codes[name] = int(code) if code else -1
            self.docker("rm", "--force", "--volumes", name, check=False)
        self._started.clear()
        return codes

    def log(self, name: str) -> str:
        """What a container has printed last."""
        done = subprocess.run(
            ["docker", "-H", self._address, "logs", "--tail", "40", name],
            capture_output=True, text=True, env={"PATH": os.environ["PATH"]}, check=False,
        )  # fmt: skip
        return done.stdout + done.stderr


@contextmanager
def open_engine(address: str) -> Iterator[Engine]:
    """The engine at ``address``, or one started for this with all its state in a temporary folder."""
    if address:
        yield Engine(address)
        return
    install("dockerd", "docker.io")
    folder = tempfile.mkdtemp(prefix="hob-engine-")
    try:
        with docker_engine.start_engine(Path(folder), docker_engine.docker_group()) as started:
            yield Engine(started)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def install(program: str, package: str) -> None:
    """Have a program of Debian's."""
    if shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/bin") is None:
        command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def make_images(engine: Engine) -> None:
    """The images that the engine does not have yet."""
    if not engine.has(BASE):
        say(f"debootstrap {SUITE}")
        install("debootstrap", "debootstrap")
        with tempfile.TemporaryDirectory(prefix="hob-root-") as root:
            command = ["debootstrap", "--variant=minbase", "--include=ca-certificates", SUITE, root]
            subprocess.run([*command, "http://deb.debian.org/debian"], check=True, stdout=subprocess.DEVNULL)
            # Whatever stands between this machine and PyPI is trusted in there as it is here.
            trusted = "etc/ssl/certs/ca-certificates.crt"
            shutil.copy(Path("/", trusted), Path(root, trusted))
            Path(root, "etc/pip.conf").write_text(f"[global]\ncert = /{trusted}\n")
            subprocess.run(
                f"tar -C {root} -c . | docker -H {engine._address} import - {BASE}", shell=True, check=True
            )
    if not engine.has(HOB):
        say("deploy/Dockerfile")
        build = ["build", "--network=host", f"--build-arg=BASE={BASE}", "--tag", HOB]
        engine.docker(*build, "--file", str(ROOT / "deploy/Dockerfile"), str(ROOT))
    if not engine.has(DATABASE):
        say("an image for the database")
        engine.docker("build", "--network=host", "--tag", DATABASE, "-", stdin=DATABASE_FILE)


def say(what: str) -> None:
    """One line of what goes on."""
    print(f"{time.strftime('%H:%M:%S')}  {what}", flush=True)


def write_environments(folder: Path, facts: dict[str, object]) -> None:
    """The files that deploy/README.md has people write, for the local GitHub."""
    github = {"HOB_GITHUB_URL": facts["api_url"], "HOB_BASE_URL": "http://127.0.0.1:8001"}
    files: dict[str, dict[str, object]] = {
        "web": {"HOB_WEBHOOK_SECRET": facts["webhook_secret"]},
        "worker": {"HOB_APP_ID": facts["app_id"], "HOB_MODEL": "offline", **github, "HOB_WRITE_SECONDS": 0},
        "dashboard": dict(github),
    }
    for name, values in files.items():
        text = "".join(f"{key}={value}\n" for key, value in values.items())
        (folder / f"{name}.env").write_text(text, "utf-8")


def start_hub(engine: Engine, folder: Path) -> dict[str, object]:
    """The local GitHub, in whose network all others are; what it says of itself."""
    data = folder / "hub"
    data.mkdir()
    os.chown(data, USER, USER)
    engine.run(
        "hub", "--network=none", "--add-host=database:127.0.0.1", f"--volume={data}:/data", HOB,
        "hub", "--data=/data", f"--port={HUB_PORT}", "--webhook=http://127.0.0.1:8000/webhook",
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if found := re.search(r"^\{.*\}$", engine.log("hub"), re.MULTILINE):
            facts: dict[str, object] = json.loads(found[0])
            shutil.copy(data / "app.pem", folder / "app.pem")
            os.chown(folder / "app.pem", USER, USER)
            return facts
        time.sleep(0.2)
    raise RuntimeError("hub: " + engine.log("hub"))


def wait_until_healthy(engine: Engine, names: Sequence[str]) -> None:
    """Raises RuntimeError with the log of one that is not, or has ended."""
    deadline = time.monotonic() + HEALTHY_SECONDS
    for name in names:
        while True:
            state = engine.docker(
                "inspect", "--format={{.State.Status}} {{.State.Health.Status}}", name
            ).split()
            if state == ["running", "healthy"]:
                say(f"{name} is healthy")
                break
            if state[0] != "running" or time.monotonic() > deadline:
                raise RuntimeError(f"{name} is {' '.join(state)}:\n{engine.log(name)}")
            time.sleep(0.5)


def play(engine: Engine, folder: Path) -> int:
    """The whole story; 0 when the pull request is there and every process ended as it was asked to."""
    facts = start_hub(engine, folder)
    write_environments(folder, facts)
    variables = {"TAG": HOB, "POSTGRES_IMAGE": DATABASE, "POSTGRES_PASSWORD": secrets.token_hex(16)}
    containers = list_containers(variables)
    for name, service in containers:
        more: dict[str, str] = {}
        if port := METRICS.get(name):
            more["HOB_METRICS_PORT"] = str(port)
        if name == "dashboard":
            more["HOB_DASHBOARD_HOST"] = "127.0.0.1"
        words = [word.replace(":9464/", f":{port}/") for word in make_arguments(service, folder, more)]
        engine.run(name, "--network=container:hub", *words, service["image"], *service.get("command", ()))
        if not service.get("depends_on"):
            wait_until_healthy(engine, [name])
    wait_until_healthy(engine, [name for name, service in containers if "healthcheck" in service])
    (folder / "facts.json").write_text(json.dumps(facts), "utf-8")
    pid = engine.docker("inspect", "--format={{.State.Pid}}", "hub").strip()
    story = [sys.executable, "-m", "tests.deploy.story", str(folder / "facts.json")]
    ports = ",".join(f"{name}={port}" for name, port in METRICS.items())
    done = subprocess.run(["nsenter", "--net", f"--target={pid}", *story, ports], cwd=ROOT, check=False)
    codes = engine.stop_all()
    say(f"ended with {codes}")
    # tini hands on the signal; who ends by itself after it says 0, a PostgreSQL that was asked to wait too.
    wrong = {name: code for name, code in codes.items() if code not in (0, 143)}
    return int(bool(done.returncode or wrong))


def main() -> int:
    """Play it; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--engine", default="", help="an engine's address that is to be used, and keeps the images"
    )
    address = parser.parse_args().engine
    if os.geteuid() != 0:
        print("compose.yaml is not played: only root can start an engine")
        return 1
    with ExitStack() as stack:
        engine = stack.enter_context(open_engine(address))
        stack.callback(engine.stop_all)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hob-play-")))
        folder.chmod(0o711)
        make_images(engine)
        return play(engine, folder)


if __name__ == "__main__":
    sys.exit(main())

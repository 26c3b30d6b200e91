"""The docker backend in real containers, where an engine answers; ``make attack`` starts one for this too."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox import open_sandbox
from sandbox.docker.sandbox import open_docker
from sandbox.probe import probe
from sandbox.spec import Command, Ending, EntryKind, Policy, PolicyUnmet
from tests.support import ROOT, docker_engine
from tests.support.sandbox import SMALL, base_layer, begin


@pytest.fixture(scope="module")
def image():
    if not docker_engine.is_answering(docker_engine.HOSTS_OWN):
        pytest.skip(f"no Docker engine answers at {docker_engine.HOSTS_OWN}; `make attack` starts one")
    return docker_engine.make_image(docker_engine.HOSTS_OWN)


def policy(image: str) -> Policy:
    return Policy(limits=SMALL, image=image, engine=docker_engine.HOSTS_OWN)


async def open_container(tmp_path: Path, image: str):
    layers = [tmp_path / "base" if (tmp_path / "base").exists() else base_layer(tmp_path)]
    return await open_sandbox(
        layers=layers, policy=policy(image), scratch=tmp_path / "scratch", backend="docker"
    )


async def shell(sandbox, script: str, **rest):
    return await sandbox.run(Command(argv=("sh", "-c", script), **rest))


async def test_a_command_in_an_image(tmp_path, image):
    async with await open_container(tmp_path, image) as sandbox:
        ran = await shell(sandbox, "pwd; cat readme.txt; id -un; echo x > new; rm pkg/one.py; exit 3")
        merged = await shell(sandbox, "cat; echo a; echo b >&2", stdin=b"in\n", split_stderr=True)
        found = {entry.path: entry.kind for entry in sandbox.entries()}
    assert (ran.exit_code, ran.text) == (3, "/workspace\nhello\nhob\n")
    assert (merged.output, merged.errors) == (b"in\na\n", b"b\n")
    assert found == {b"new": EntryKind.FILE, b"pkg/one.py": EntryKind.DELETED}
    assert (tmp_path / "base" / "pkg" / "one.py").read_text() == "one = 1\n"
    assert not list((tmp_path / "scratch").iterdir())


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (Command(argv=("no-such-program",)), 127),
        (Command(argv=("true",), cwd="/workspace/missing"), 126),
        (Command(argv=("true", "x" * 200_000)), 126),
        (Command(argv=("true", "a\0b")), 126),
    ],
)
async def test_exit_codes_are_a_shells(tmp_path, image, command, code):
    async with await open_container(tmp_path, image) as sandbox:
        assert (await sandbox.run(command)).exit_code == code


async def test_cancelling_and_closing_kill(tmp_path, image):
    sandbox = await open_container(tmp_path, image)
    running = await begin(sandbox, "echo x > here; echo begun; sleep 99")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not sandbox.list_strays()
    assert (await shell(sandbox, "cat here")).text == "x\n"
    running = await begin(sandbox, "echo begun; sleep 99")
    await sandbox.aclose()
    assert (await running).ending is Ending.STOPPED


async def test_every_canary_holds(tmp_path, image):
    report = await probe("docker", scratch=tmp_path, image=image, engine=docker_engine.HOSTS_OWN)
    assert [finding for finding in report.findings if not finding.ok] == []
    assert report.backend.startswith("docker") and "Docker" in report.limits_by


async def test_a_volume_that_an_image_declares_is_bounded_and_leaves_nothing(tmp_path, image):
    made = docker("create", image, "true").strip()
    docker("commit", "--change", "VOLUME /data", made, "hob-attack:volume")
    docker("rm", made)
    before = docker("volume", "ls", "--quiet")
    async with await open_container(tmp_path, "hob-attack:volume") as sandbox:
        ran = await shell(sandbox, "cat /dev/zero > /data/x; stat -c %s /data/x")
    assert "No space" in ran.text and int(ran.text.split()[-1]) <= SMALL.tmp_bytes
    assert docker("volume", "ls", "--quiet") == before


WORKER = """
import asyncio, sys
sys.path[:0] = ["."]
from pathlib import Path
from tests.unit.sandbox.test_docker import open_container, shell
async def main():
    sandbox = await open_container(Path(sys.argv[1]), sys.argv[2])
    print(sandbox.name, flush=True)
    await shell(sandbox, "sleep 99")
asyncio.run(main())
"""


def test_what_a_killed_worker_left_is_cleared_at_the_next_start(tmp_path, image):
    base_layer(tmp_path)
    root = ROOT
    command = [sys.executable, "-c", WORKER, str(tmp_path), image]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=root) as worker:
        assert worker.stdout is not None
        name = worker.stdout.readline().decode().strip()
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    assert name in names() and list((tmp_path / "scratch").iterdir())
    again = [
        sys.executable,
        "-c",
        WORKER.replace('await shell(sandbox, "sleep 99")', "await sandbox.aclose()"),
        str(tmp_path),
        image,
    ]
    next_worker = subprocess.run(again, capture_output=True, text=True, cwd=root)
    assert next_worker.returncode == 0, next_worker.stderr
    assert name not in names()
    assert not list((tmp_path / "scratch").iterdir())
    assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text()


def names() -> str:
    return docker("ps", "--all", "--format", "{{.Names}}")


def docker(*words: str) -> str:
    command = ["docker", "-H", docker_engine.HOSTS_OWN, *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"image": "no/such-image:1"}, "an operator runs: docker pull no/such-image:1"),
        ({"image": ""}, "such as python"),
        ({"image": "--privileged"}, "docker pull"),
    ],
)
async def test_an_image_that_is_not_there(tmp_path, image, change, said):
    wanted = Policy(**{"engine": docker_engine.HOSTS_OWN, **change})
    with pytest.raises(PolicyUnmet) as caught:
        await open_docker(layers=[base_layer(tmp_path)], policy=wanted, scratch=tmp_path / "scratch")
    assert said in caught.value.mend

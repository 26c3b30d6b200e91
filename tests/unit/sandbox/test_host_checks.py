"""What a host lacks is named, and what the container backend asks an engine for, without any engine."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox import seccomp
from sandbox.bwrap import host_checks
from sandbox.docker import container
from sandbox.docker.engine import Engine, _is_stale, owner_label
from sandbox.docker.host_workspace import HostWorkspace, remove_stale
from sandbox.spec import Command, Mount, Policy, SandboxUnavailable
from tests.support.sandbox import SMALL, base_layer


@pytest.mark.parametrize(
    ("files", "step", "said"),
    [
        ({"sys/kernel/apparmor_restrict_unprivileged_userns": "1"}, "user namespace", "AppArmor"),
        ({"sys/kernel/apparmor_restrict_unprivileged_userns": "1"}, "tmpfs", "AppArmor"),
        ({"sys/kernel/unprivileged_userns_clone": "0"}, "user namespace", "userns_clone=1"),
        ({"sys/user/max_user_namespaces": "0"}, "user namespace", "max_user_namespaces=10000"),
        ({"sys/kernel/osrelease": "5.4.0-100-generic"}, "overlay", "Linux 5.4 has no overlay"),
        ({"sys/kernel/osrelease": "6.1.0"}, "overlay", "modprobe overlay"),
        ({"self/status": "Name: x\nSeccomp:\t2\n"}, "user namespace", "as in a container"),
        ({}, "user namespace", "or run the worker as root"),
        ({}, "mount source", "readable"),
        ({}, "anything else", "sandbox/README.md"),
    ],
)
def test_what_is_in_the_way_is_named(tmp_path, files, step, said):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text + "\n")
    assert said in host_checks.find_remedy(step, tmp_path)


def test_the_other_backend_is_offered(tmp_path):
    assert "install Docker" in host_checks.suggest_docker(f"unix://{tmp_path}/none")


PLACE = container.ContainerPlan(
    name="hob-1",
    files=Path("/state/etc"),
    workspace="type=bind,src=/state/workspace",
    output=Path("/state/output"),
    uid=70_000,
    keeper_uid=70_001,
)


def test_a_container_is_asked_for_with_everything_taken_away(tmp_path):
    policy = Policy(limits=SMALL, image="python:3.13", mounts=(Mount(source=tmp_path, target="/opt/x"),))
    words = " ".join(container.run_arguments(PLACE, policy))
    for wanted in (
        *(
            "--network none",
            "--read-only",
            "--cap-drop ALL",
            "no-new-privileges",
            "--pull never",
            "--ipc private",
        ),
        *(
            f"--memory {SMALL.memory_bytes} --memory-swap {SMALL.memory_bytes}",
            "--restart no",
            "--user 70001:70001",
        ),
        *("--security-opt seccomp=/state/etc/seccomp.json", f"type=bind,src={tmp_path},dst=/opt/x,readonly"),
        *(f"--ulimit fsize={SMALL.file_bytes}:{SMALL.file_bytes}", f"--pids-limit {SMALL.processes + 12}"),
    ):
        assert wanted in words
    assert words.endswith("--entrypoint sleep python:3.13 2147483647")
    assert "privileged" not in words.replace("no-new-privileges", "") and "docker.sock" not in words


def test_a_command_cannot_become_an_option():
    words = container.exec_arguments(PLACE, Policy(), Command(argv=("--privileged", "-u", "0")))
    at = words.index(PLACE.name)
    assert "--privileged" not in words[:at] and words[-3:] == ["--privileged", "-u", "0"]


@pytest.mark.parametrize("name", ["", "-v", "--privileged", "a b", "a;b", "a\nb", "x" * 300])
def test_names_that_are_no_image(name):
    with pytest.raises(SandboxUnavailable):
        container.check_image(name)


def test_paths_that_would_be_several_fields(tmp_path):
    source = tmp_path / "a,dst=etc"
    source.mkdir()
    policy = Policy(image="x", mounts=(Mount(source=source, target="/opt/x"),))
    with pytest.raises(SandboxUnavailable, match="cannot mount"):
        container.run_arguments(PLACE, policy)


def test_volumes_of_an_image_are_covered_and_never_in_the_workspace():
    image = {"Config": {"Volumes": {"/data": {}, "/workspace": {}, "/tmp": {}}}}
    assert container.list_volumes(image) == ("/data",)
    assert container.list_volumes({"Config": None}) == ()
    words = " ".join(
        container.run_arguments(replace(PLACE, volumes=("/data",)), Policy(limits=SMALL, image="x"))
    )
    assert f"--tmpfs /data:rw,nosuid,nodev,size={SMALL.tmp_bytes}" in words
    for wrong in ("/workspace/x", "/a/../workspace/x", "relative", "/a:b"):
        with pytest.raises(SandboxUnavailable, match="declares a volume"):
            container.list_volumes({"Config": {"Volumes": {wrong: {}}}})


def test_the_profile_denies_what_the_filter_denies():
    profile = json.loads(seccomp.render_docker_profile())
    assert profile["defaultAction"] == "SCMP_ACT_ALLOW" and len(profile["architectures"]) == 1
    whole = {name for rule in profile["syscalls"] if "args" not in rule for name in rule["names"]}
    assert {*seccomp.DENIED, "clone3"} <= whole
    some = {name for rule in profile["syscalls"] if "args" in rule for name in rule["names"]}
    assert some == {"clone", "unshare", "ioctl", "socket", "socketpair"}
    assert all(rule["action"] == "SCMP_ACT_ERRNO" for rule in profile["syscalls"])


def test_whose_container_it_is():
    mine = owner_label()
    boot, namespace, pid, _ = mine.split(":")
    assert not _is_stale(mine)
    assert _is_stale(f"{boot}:{namespace}:{pid}:1") and _is_stale(f"another-boot:{namespace}:{pid}:1")
    assert not _is_stale(f"{boot}:{int(namespace) + 1}:{pid}:1")  # who is in there cannot be seen from here
    assert not _is_stale("") and not _is_stale("something else")


@pytest.mark.parametrize("address", ["tcp://10.0.0.1:2375", "unix:///nonexistent/docker.sock"])
async def test_no_engine(address):
    with pytest.raises(SandboxUnavailable):
        await Engine.connect(address)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a workspace on the host")
def test_a_workspace_of_a_dead_worker_is_taken_away_and_no_layer_with_it(tmp_path):
    base = base_layer(tmp_path)
    held = HostWorkspace.create(tmp_path / "scratch", [base], 0x480C0000, 4 << 20)
    assert (held.workspace / "readme.txt").read_text() == "hello\n"
    with pytest.raises(OSError, match="Read-only"):
        (held.top / "l0" / "readme.txt").write_text("x")
    remove_stale(tmp_path / "scratch")
    assert held.workspace.is_dir(), "its worker lives"
    os.close(held.upper)
    os.close(held.lock)
    remove_stale(tmp_path / "scratch")
    assert not list((tmp_path / "scratch").iterdir())
    assert str(held.top) not in Path("/proc/self/mountinfo").read_text()
    assert (base / "readme.txt").read_text() == "hello\n"

"""The self-test passes on a host that contains, and says what is wrong on one that does not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox import probe as probe_module
from sandbox.bwrap.sandbox import open_bwrap
from sandbox.canaries.egress import try_gate
from sandbox.egress.upstream import Upstream
from sandbox.probe import probe
from sandbox.spec import Limits, Policy
from sandbox.toolchain import build_toolchain
from tests.support import ROOT


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    """Keeps the toolchain's layer from test to test."""
    return tmp_path_factory.mktemp("scratch")


async def test_every_canary_holds(scratch):
    report = await probe(scratch=scratch)
    assert [finding for finding in report.findings if not finding.ok] == []
    assert report.ok and report.limits_by and report.backend.startswith("bwrap")
    assert len(report.findings) >= 25
    assert sum(finding.name.startswith("gate: ") for finding in report.findings) == 11
    assert sorted(path.name for path in scratch.iterdir()) == ["layers", "locks", "trash", "unfinished"]


async def test_every_canary_holds_where_the_workspace_is_on_disk(scratch, tmp_path):
    """As it is for an ordinary user before Linux 6.6, and with the docker backend for one."""
    tools = build_toolchain(scratch)
    base = tmp_path / "base"
    base.mkdir()
    (base / "kept.txt").write_text("kept")
    policy = Policy(limits=probe_module._LIMITS, mounts=tools.mounts, path=tools.path, env=tools.env)
    async with await open_bwrap(
        layers=[base], policy=policy, scratch=tmp_path / "scratch", on_disk=True
    ) as sandbox:
        assert sandbox.facts["workspace"] == "disk"
        found = await probe_module._run_all(sandbox, base, tools, of_image=False)
    assert [finding for finding in found if not finding.ok] == []
    (space,) = [finding for finding in found if finding.name == "size of /workspace"]
    assert space.detail.startswith("out of space")


async def test_a_gate_that_is_careless_is_found_out(scratch, tmp_path):
    """One that connects to whatever address a name has."""

    async def lookup(name):
        return ["127.0.0.1"]

    careless = Upstream(lookup=lookup, find_objection=lambda address, port: "")
    tried = await try_gate(
        tmp_path, build_toolchain(scratch), Limits(), tmp_path / "scratch", upstream=careless
    )
    assert [name for name, held, _ in tried if not held] == [
        "gate: a name with a private address",
        "gate: nothing else comes through",
    ]


async def test_a_backend_that_is_not_there(scratch):
    report = await probe("none", scratch=scratch)
    assert not report.ok
    assert "no sandbox backend 'none'" in report.findings[0].detail
    report = await probe("docker", scratch=scratch, image="python:3.13", engine="unix:///nonexistent")
    assert not report.ok
    assert "Docker" in report.findings[0].detail


REFUSING_HOST = """
import asyncio, errno, pathlib, sys
import pyseccomp
from sandbox.probe import probe
host = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
for call in ("unshare", "mount"):
    host.add_rule(pyseccomp.ERRNO(errno.EPERM), call)
host.load()
report = asyncio.run(probe(scratch=pathlib.Path(sys.argv[1])))
print(report.ok, report.findings[0].detail)
"""


def test_a_host_that_refuses_namespaces(scratch):
    """A filter on unshare and mount is what containers and hardened hosts look like from inside."""
    command = [sys.executable, "-c", REFUSING_HOST, str(scratch)]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=Path.cwd())
    assert ran.stdout.startswith("False the sandbox cannot be set up: user namespace"), ran.stderr
    assert "or run the worker as root; a container needs --security-opt seccomp=unconfined" in ran.stdout


TEST_ITSELF = """
import asyncio, pathlib, sys
from sandbox.probe import probe
report = asyncio.run(probe(scratch=pathlib.Path(sys.argv[1]), layers=pathlib.Path(sys.argv[2])))
print(report.ok, report.backend, [finding for finding in report.findings if not finding.ok])
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user's commands are never root's")
def test_where_owners_cannot_be_translated_the_kernels_settings_stay_as_they_are(tmp_path, scratch):
    """There commands are root to the kernel, though without a capability, and root's files are theirs."""
    script = 'mount -t ramfs none "$1" && shift && exec "$@"'
    command = ["unshare", "--mount", "sh", "-c", script, "sh", str(tmp_path), sys.executable, "-c"]
    ran = subprocess.run(
        [*command, TEST_ITSELF, str(tmp_path), str(scratch)],
        capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert ran.stdout.startswith("True bwrap (root of a user namespace (no id-mapped mounts here)"), ran


NO_NAMESPACES = """
echo 0 > /proc/sys/user/max_user_namespaces || exit 77
exec "$@"
"""


def test_a_host_that_allows_no_user_namespaces_is_told_apart(scratch):
    """As hardened hosts have it, played in a user namespace of its own, where the same switch counts."""
    outer = ["unshare", "--user", "--map-root-user", "sh", "-c", NO_NAMESPACES, "sh"]
    command = [*outer, sys.executable, "-c", TEST_ITSELF, str(scratch), str(scratch)]
    ran = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    if ran.returncode == 77:
        pytest.skip("the switch cannot be set here")
    assert ran.stdout.startswith("False auto") and "no user namespace may be made at all" in ran.stdout, ran
    assert "sysctl -w user.max_user_namespaces=10000, or run the worker as root" in ran.stdout

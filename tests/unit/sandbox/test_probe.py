"""The self-test passes on a host that contains, and says what is wrong on one that does not."""

from __future__ import annotations

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


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    """Keeps the toolchain's layer from test to test."""
    return tmp_path_factory.mktemp("scratch")


async def test_s88_every_canary_holds(scratch):
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

"""Hosts that are hardened, or lack a feature of the kernel, played in namespaces of their own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.support import ROOT


def with_the_project() -> dict[str, str]:
    """The environment in which another Python finds the project, and what it found already."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path}


TEST_ITSELF = """
import asyncio, pathlib, sys
from sandbox.probe import probe
report = asyncio.run(probe(scratch=pathlib.Path(sys.argv[1]), layers=pathlib.Path(sys.argv[2])))
print(report.ok, report.backend, [finding for finding in report.findings if not finding.ok])
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user's commands are never root's")
def test_where_owners_cannot_be_translated_the_kernels_settings_stay_as_they_are(tmp_path):
    """There commands are root to the kernel, though without a capability, and root's files are theirs."""
    script = 'mount -t ramfs none "$1" && shift && exec "$@"'
    command = ["unshare", "--mount", "sh", "-c", script, "sh", str(tmp_path), sys.executable, "-c"]
    ran = subprocess.run(
        [*command, TEST_ITSELF, str(tmp_path), str(tmp_path / "layers")],
        capture_output=True, text=True, env=with_the_project(),
    )  # fmt: skip
    assert ran.stdout.startswith("True bwrap (root of a user namespace (no id-mapped mounts here)"), ran


NO_NAMESPACES = """
echo 0 > /proc/sys/user/max_user_namespaces || exit 77
exec "$@"
"""


def test_a_host_that_allows_no_user_namespaces_is_told_apart(tmp_path):
    """As hardened hosts have it, played in a user namespace of its own, where the same switch counts."""
    outer = ["unshare", "--user", "--map-root-user", "sh", "-c", NO_NAMESPACES, "sh"]
    command = [*outer, sys.executable, "-c", TEST_ITSELF, str(tmp_path), str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, env=with_the_project())
    if ran.returncode == 77:
        pytest.skip("the switch cannot be set here")
    assert ran.stdout.startswith("False auto") and "no user namespace may be made at all" in ran.stdout, ran
    assert "sysctl -w user.max_user_namespaces=10000, or run the worker as root" in ran.stdout

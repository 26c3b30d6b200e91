"""Bubblewrap's options for one command."""

from __future__ import annotations

import os

from sandbox import layout
from sandbox.egress.client_environment import ENVIRONMENT
from sandbox.keeper.keeper import STATUS_FD
from sandbox.keeper.stage import STAGE
from sandbox.spec import WORKSPACE, Command, Policy

# The network's is the keeper's, see sandbox.keeper.network.
_NAMESPACES = "--unshare-user --unshare-pid --unshare-ipc --unshare-uts --unshare-cgroup"
_IDENTITY = f"--disable-userns --uid {layout.UID} --gid {layout.UID} --hostname sandbox --cap-drop ALL"
_LIFE = f"--new-session --die-with-parent --clearenv --seccomp 4 --json-status-fd {STATUS_FD}"
_ROOT = f"--ro-bind {STAGE}/root / --proc /proc --dev /dev"
_SHM = "--perms 1777 --size {size} --tmpfs /dev/shm --remount-ro /dev"
_WRITABLE = f"--bind {STAGE}/root/tmp /tmp --bind {STAGE}/root{WORKSPACE} {WORKSPACE}"


def encode_options(policy: Policy, command: Command) -> bytes:
    """The options for ``--args``, separated by NUL, so that none of them can be read in /proc.

    Raises ValueError when an environment variable or the directory contains a NUL.
    """
    gate = ENVIRONMENT if policy.egress else ()
    env = {**layout.ENV, **dict(gate), "PATH": ":".join(policy.path), **dict(policy.env), **dict(command.env)}
    shm = _SHM.format(size=policy.limits.shm_bytes)
    options = " ".join((_NAMESPACES, _IDENTITY, _LIFE, _ROOT, shm, _WRITABLE)).split()
    options += ["--chdir", command.cwd]
    for name, value in env.items():
        options += ["--setenv", name, value]
    joined = "\0".join(options)
    if joined.count("\0") != len(options) - 1:
        raise ValueError("a NUL in a command's directory or environment")
    return os.fsencode(joined)

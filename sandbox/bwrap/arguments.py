"""Bubblewrap's options for one command."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from sandbox import layout
from sandbox.egress.client_environment import ENVIRONMENT
from sandbox.keeper.keeper import STATUS_FD
from sandbox.keeper.stage import EMPTY_FILE, EMPTY_FOLDER, STAGE
from sandbox.spec import WORKSPACE, Command, Policy

# The network's is the keeper's, see sandbox.keeper.network.
_NAMESPACES = "--unshare-user --unshare-pid --unshare-ipc --unshare-uts --unshare-cgroup"
_IDENTITY = f"--disable-userns --uid {layout.UID} --gid {layout.UID} --hostname sandbox --cap-drop ALL"
_LIFE = f"--new-session --die-with-parent --clearenv --seccomp 4 --json-status-fd {STATUS_FD}"
# The kernel's settings belong to root, whom commands are where owners cannot be translated; bubblewrap makes
# them read-only only where their folder, which nobody may write, can be written.
_ROOT = f"--ro-bind {STAGE}/root / --proc /proc --ro-bind /proc/sys /proc/sys --dev /dev"
_SHM = "--perms 1777 --size {size} --tmpfs /dev/shm --remount-ro /dev"
_WRITABLE = f"--bind {STAGE}/root/tmp /tmp --bind {STAGE}/root{WORKSPACE} {WORKSPACE}"


# Of /proc, what tells of the host's kernel, devices and disks and no program needs, and what root alone may
# read or write; shown empty, where it is.
_HIDDEN_FILES = (
    *("cmdline", "config.gz", "kallsyms", "modules", "keys", "key-users", "timer_list", "sched_debug"),
    *("partitions", "diskstats", "swaps", "interrupts", "iomem", "ioports", "mtrr", "slabinfo"),
    *("kpagecount", "kpageflags", "kpagecgroup", "vmallocinfo", "pagetypeinfo", "allocinfo", "latency_stats"),
)
_HIDDEN_FOLDERS = ("acpi", "asound", "bus", "driver", "dynamic_debug", "fs", "irq", "pressure", "scsi")


@cache
def _hide_host_facts() -> tuple[str, ...]:
    covers = [(EMPTY_FILE, f"/proc/{name}") for name in _HIDDEN_FILES if Path("/proc", name).is_file()]
    covers += [(EMPTY_FOLDER, f"/proc/{name}") for name in _HIDDEN_FOLDERS if Path("/proc", name).is_dir()]
    return tuple(word for cover, path in covers for word in ("--ro-bind", f"{STAGE}/{cover}", path))


def encode_options(policy: Policy, command: Command) -> bytes:
    """The options for ``--args``, separated by NUL, so that none of them can be read in /proc.

    Raises ValueError when an environment variable or the directory contains a NUL.
    """
    gate = ENVIRONMENT if policy.egress else ()
    env = {**layout.ENV, **dict(gate), "PATH": ":".join(policy.path), **dict(policy.env), **dict(command.env)}
    shm = _SHM.format(size=policy.limits.shm_bytes)
    options = " ".join((_NAMESPACES, _IDENTITY, _LIFE, _ROOT, shm, _WRITABLE)).split()
    options += [*_hide_host_facts(), "--chdir", command.cwd]
    for name, value in env.items():
        options += ["--setenv", name, value]
    joined = "\0".join(options)
    if joined.count("\0") != len(options) - 1:
        raise ValueError("a NUL in a command's directory or environment")
    return os.fsencode(joined)

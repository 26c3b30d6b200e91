"""Ceilings for each single process (setrlimit), which hold with and without a control group."""

from __future__ import annotations

import os
import re
import resource

from sandbox.spec import Limits

SPARE_PROCESSES = 8  # bubblewrap's own, and room for the one that says "too many"


def list_rlimits(limits: Limits, *, contained: bool) -> list[tuple[int, int]]:
    """(resource, value) for every process of a sandbox.

    ``contained``: a control group bounds the whole tree. RLIMIT_NPROC counts per sandbox, inside its own user
    namespace.
    """
    found = [
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, limits.cpu_seconds),
        (resource.RLIMIT_FSIZE, limits.largest_file),
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_MEMLOCK, 8 << 20),
        (resource.RLIMIT_MSGQUEUE, 819200),
    ]
    if _kernel_version() >= (5, 14):  # before, it counted all processes of the user on the host
        found.append((resource.RLIMIT_NPROC, limits.processes + SPARE_PROCESSES))
    if not contained:  # one great step must not outrun the watchdog
        found.append((resource.RLIMIT_DATA, limits.memory_bytes + limits.memory_bytes // 4))
    return found


def _kernel_version() -> tuple[int, int]:
    major, minor = os.uname().release.split(".")[:2]
    return int(major), int(re.sub(r"\D.*", "", minor))

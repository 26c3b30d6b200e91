"""Why a host refuses what a sandbox needs, and how to mend it, from what its /proc says."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

_USER_NAMESPACES = (  # (switch, the value that refuses, what it is, how to mend it)
    (
        "sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "AppArmor keeps ordinary users from user namespaces, as Ubuntu 24.04 does",
        "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or give bwrap a profile with `userns,`",
    ),
    (
        "sys/kernel/unprivileged_userns_clone",
        "0",
        "user namespaces are switched off for ordinary users",
        "sysctl -w kernel.unprivileged_userns_clone=1",
    ),
    (
        "sys/user/max_user_namespaces",
        "0",
        "no user namespace may be made at all",
        "sysctl -w user.max_user_namespaces=10000",
    ),
)
# Enough for a container of an ordinary user, as Docker names them; deploy/README.md has the same for others.
_CONTAINER = "--security-opt seccomp=unconfined, apparmor=unconfined and systempaths=unconfined"
_OTHERWISE = {
    "user namespace": "allow unprivileged user namespaces (sysctl kernel.unprivileged_userns_clone=1, "
    "kernel.apparmor_restrict_unprivileged_userns=0, user.max_user_namespaces=10000), or run the worker as "
    f"root; a container needs {_CONTAINER}",
    "overlay": "overlayfs is refused here: load it (modprobe overlay), use Linux 5.11 or newer; a container "
    f"needs {_CONTAINER}",
    "tmpfs": "mounting is refused here: allow user namespaces their capabilities "
    "(sysctl kernel.apparmor_restrict_unprivileged_userns=0) or run the worker as root",
    "mount source": "make the named path readable for the worker's user",
}


def find_remedy(step: str, proc: Path = Path("/proc")) -> str:
    """One line for a step of the set-up that failed: the cause, where /proc shows it, and what to do."""
    otherwise = _OTHERWISE.get(step, "see sandbox/README.md for what a host has to offer")
    if step in ("user namespace", "tmpfs"):
        for switch, refuses, what, how in _USER_NAMESPACES:
            if _read(proc / switch) == refuses:
                return f"{what}: {how}, or run the worker as root"
    if step == "overlay" and (version := _kernel_version(proc)) < (5, 11):
        return (
            f"Linux {version[0]}.{version[1]} has no overlay in a user namespace: use 5.11 or newer, or root"
        )
    if re.search(r"^Seccomp:\s+2", _read(proc / "self" / "status"), re.MULTILINE) and step != "mount source":
        return f"a filter on system calls is in force already, as in a container: {otherwise}"
    return otherwise


def suggest_docker(socket: str) -> str:
    """What to do where bubblewrap cannot work: the docker backend, and whether its engine answers here."""
    if Path(socket.removeprefix("unix://")).is_socket():
        return "or choose the docker backend, an engine is here"
    return "or install Docker and choose the docker backend"


def _read(path: Path) -> str:
    with suppress(OSError):
        return path.read_text().strip()
    return ""


def _kernel_version(proc: Path) -> tuple[int, int]:
    found = re.match(r"(\d{1,6})\.(\d{1,6})", _read(proc / "sys" / "kernel" / "osrelease"))
    return (int(found[1]), int(found[2])) if found else (99, 0)

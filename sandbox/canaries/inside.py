"""The self-test's program inside a sandbox: the interpreter there reads it from stdin; standard library only.

Prints one JSON object: name -> [held, detail]. A canary holds when the attack failed the way it should. What
it must not reach on the host comes as JSON in the first argument.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import json
import os
import platform
import signal
import socket
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

Verdict = tuple[bool, str]
HOST: dict[str, Any] = json.loads(sys.argv[1]) if len(sys.argv) > 1 else {}
CLONE_NEWUSER = 0x10000000
_libc = ctypes.CDLL(None, use_errno=True)

_ARM = platform.machine() != "x86_64"
_NUMBERS = {  # (x86-64, arm64)
    "ptrace": (101, 117),
    "mount": (165, 40),
    "bpf": (321, 280),
    "keyctl": (250, 219),
    "io_uring_setup": (425, 425),
    "unshare": (272, 97),
    "setns": (308, 268),
    "process_vm_readv": (310, 270),
    "perf_event_open": (298, 241),
    "open_by_handle_at": (304, 265),
}
_ARGUMENTS = {"unshare": (CLONE_NEWUSER,), "setns": (0, CLONE_NEWUSER)}


def system_call(number: int, *arguments: int) -> int:
    """The error number that a raw system call ends with; 0 when it succeeds."""
    padded = [ctypes.c_long(value) for value in (*arguments, *[0] * (6 - len(arguments)))]
    return ctypes.get_errno() if _libc.syscall(ctypes.c_long(number), *padded) == -1 else 0


def attempt(action: Callable[[], object], *expected: int) -> Verdict:
    """Holds when the action fails with one of the errors."""
    try:
        action()
    except OSError as error:
        return error.errno in expected, errno.errorcode.get(error.errno or 0, str(error))
    return False, "it worked"


def check_system_calls() -> dict[str, Verdict]:
    """Dangerous system calls answer EPERM."""
    found = {}
    for name, numbers in _NUMBERS.items():
        got = system_call(numbers[_ARM], *_ARGUMENTS.get(name, ()))
        found[name] = (got == errno.EPERM, errno.errorcode.get(got, "it worked"))
    if not _ARM:
        child = os.fork()  # which the filter may end with a signal
        if child == 0:
            os._exit(system_call(0x40000000 | 39))
        got = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        found["x32 entry"] = (got in (errno.EPERM, -signal.SIGSYS), f"ended with {got}")
    return found


def check_sockets() -> dict[str, Verdict]:
    """No family but the internet's, and nothing of the host behind that."""

    def connect(address: tuple[str, int]) -> None:
        with socket.socket() as client:
            client.settimeout(0.5)
            client.connect(address)

    def open_socket(family: int) -> None:
        socket.socket(family, socket.SOCK_DGRAM).close()

    outside = (errno.ENETUNREACH, errno.EHOSTUNREACH)
    found = {
        "network": attempt(lambda: connect(("192.0.2.1", 80)), *outside),
        "host's loopback": attempt(lambda: connect(("127.0.0.1", HOST["port"])), errno.ECONNREFUSED),
    }
    for name, family in (("unix", 1), ("netlink", 16), ("packet", 17), ("alg", 38), ("vsock", 40)):
        outcome = attempt(partial(open_socket, family), errno.EPERM)
        found[f"{name} socket"] = outcome
    interfaces = {line.split(":")[0].strip() for line in Path("/proc/net/dev").read_text().splitlines()[2:]}
    found["interfaces"] = (interfaces <= {"lo"}, " ".join(sorted(interfaces)))
    return found


def check_host_files() -> dict[str, Verdict]:
    """Nothing of the host beyond /usr can be named."""
    visible = [
        path
        for path in ("/root", "/home", "/run", "/var", "/srv", "/mnt", "/boot", "/sys")
        if Path(path).exists()
    ]
    found: dict[str, Verdict] = {
        "host directories": (not visible or HOST["of_image"], " ".join(visible)),
        "host file": attempt(
            lambda: Path(HOST["file"]).read_bytes(), errno.ENOENT, errno.EACCES, errno.ENOTDIR
        ),
    }
    for path in ("/usr/canary", "/canary", "/dev/canary", "/etc/canary", "/proc/sys/kernel/core_pattern"):
        outcome = attempt(partial(Path(path).write_text, "x"), errno.EROFS, errno.EACCES, errno.EPERM)
        found[f"write {path}"] = outcome
    found["the kernel's files"] = check_proc()
    return found


def check_proc() -> Verdict:
    """Nothing in /proc but a process's own can be written: some of it commands the host."""
    places = [Path("/proc"), *(Path("/proc/sys", name) for name in ("fs", "kernel", "net/core", "vm"))]
    files = [path for place in places if place.is_dir() for path in place.iterdir() if path.is_file()]
    writable = [str(path) for path in files if os.access(path, os.W_OK)]
    return not writable or HOST["of_image"], " ".join(writable[:9])


def check_identity() -> dict[str, Verdict]:
    """No capability, no new privilege, no process, descriptor or variable of the host."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    wanted = {"CapEff": "0" * 16, "CapPrm": "0" * 16, "CapBnd": "0" * 16, "NoNewPrivs": "1", "Seccomp": "2"}
    wrong = [name for name, value in wanted.items() if status[name].strip() != value]
    pids = {int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()}
    known = {"HOME", "USER", "LANG", "TERM", "TMPDIR", "PATH", "PWD", *HOST["env"]}
    extra = [] if HOST["of_image"] else sorted(set(os.environ) - known)  # an image has variables of its own
    try:
        first = Path("/proc/1/environ").read_bytes()
    except PermissionError:
        first = b""
    descriptors = sorted(int(fd) for fd in os.listdir("/proc/self/fd"))[:-1]  # noqa: PTH208
    return {
        "capabilities": (not wrong, " ".join(wrong)),
        "host processes": (len(pids) < 8 and max(pids) < 100, f"{len(pids)} visible"),
        "environment": (not extra and not first, " ".join(extra)),
        "descriptors": (descriptors == [0, 1, 2], str(descriptors)),
        "terminal": attempt(lambda: fcntl.ioctl(0, 0x5412, b"x"), errno.EPERM),
    }


def check_ceilings() -> dict[str, Verdict]:
    """Every writable place has a size, and processes run out."""
    found = {}
    for path, size in HOST["sizes"].items():
        room = os.statvfs(path)
        found[f"size of {path}"] = (room.f_blocks * room.f_frsize <= size, str(room.f_blocks * room.f_frsize))
    children: list[int] = []
    try:
        while len(children) < 2 * HOST["processes"] + 16:
            child = os.fork()
            if child == 0:
                time.sleep(60)
                os._exit(0)
            children.append(child)
    except BlockingIOError:
        pass
    found["processes"] = (len(children) <= HOST["processes"] + 16, f"{len(children)} started")
    for child in children:
        os.kill(child, 9)
        os.waitpid(child, 0)
    return found


def main() -> None:
    """Try everything; a canary that breaks does not hold."""
    found: dict[str, Verdict] = {}
    for group in (check_system_calls, check_sockets, check_host_files, check_identity, check_ceilings):
        try:
            found |= group()
        except Exception as error:
            found[group.__name__] = (False, repr(error))
    print(json.dumps(found))


if __name__ == "__main__":
    main()

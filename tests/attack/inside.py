"""Runs inside the sandbox, standard library only: plays pieces of Python, each in a process of its own.

Reads {"host": ..., "plays": [[key, source], ...]} and prints {key: "" or what went wrong}. ``HOST`` says what
there is to be found on the host; the names below are what the pieces are written with.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import json
import mmap
import os
import platform
import resource
import select
import signal
import socket
import stat
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

SECONDS = 60
X86 = platform.machine() == "x86_64"
HOST: dict[str, Any] = {}
GONE = (errno.ENOENT, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.ENXIO, errno.EROFS, errno.ENODEV)
libc = ctypes.CDLL(None, use_errno=True)
USED = (errno, fcntl, mmap, resource, select, socket, stat, struct, subprocess, threading, time)

NUMBERS = {  # (x86-64, arm64); those above 423 are the same everywhere
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "process_madvise": (440, 440), "pidfd_getfd": (438, 438), "kcmp": (312, 272),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "userfaultfd": (323, 282), "bpf": (321, 280), "perf_event_open": (298, 241), "keyctl": (250, 219),
    "add_key": (248, 217), "request_key": (249, 218), "fanotify_init": (300, 262), "syslog": (103, 116),
    "vhangup": (153, 58), "kexec_load": (246, 104), "kexec_file_load": (320, 294),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106),
    "reboot": (169, 142), "acct": (163, 89), "settimeofday": (164, 170), "clock_settime": (227, 112),
    "sethostname": (170, 161), "setdomainname": (171, 162), "personality": (135, 92),
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "move_mount": (429, 429), "open_tree": (428, 428), "fsopen": (430, 430), "fsconfig": (431, 431),
    "fsmount": (432, 432), "fspick": (433, 433), "mount_setattr": (442, 442), "swapon": (167, 224),
    "swapoff": (168, 225), "quotactl": (179, 60), "quotactl_fd": (443, 443),
    "open_by_handle_at": (304, 265), "name_to_handle_at": (303, 264), "setns": (308, 268),
    "unshare": (272, 97), "clone": (56, 220), "clone3": (435, 435), "ioctl": (16, 29),
    "socket": (41, 198), "iopl": (172, None), "ioperm": (173, None), "modify_ldt": (154, None),
    "adjtimex": (159, 171), "capset": (126, 91), "ioprio_set": (251, 30), "mq_open": (240, 180),
}  # fmt: skip


def call(name: str | int, *arguments: Any) -> int:
    """The error number of a raw system call, 0 when it succeeds; a call this machine lacks is refused."""
    number = name if isinstance(name, int) else NUMBERS[name][0 if X86 else 1]
    if number is None:
        return errno.EPERM
    padded = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    padded += [ctypes.c_long(0)] * (6 - len(padded))
    return ctypes.get_errno() if libc.syscall(ctypes.c_long(number), *padded) == -1 else 0


def failed(number: int, *wanted: int) -> None:
    """The attack ended with one of the errors, EPERM if none is given."""
    assert number in (wanted or (errno.EPERM,)), errno.errorcode.get(number, "IT WORKED")


def refused(action: Callable[[], object], *wanted: int) -> None:
    """The action raises an OSError of one of the numbers; by default, any that says no or not there."""
    try:
        result = action()
    except OSError as error:
        assert error.errno in (wanted or GONE), repr(error)
    else:
        raise AssertionError(f"IT WORKED: {result!r:.200}")


def read(path: str) -> bytes:
    """Some of a file."""
    with open(path, "rb", buffering=0) as file:
        return file.read(65536) or b""


def write(path: str, data: str = "x") -> None:
    """Write a file."""
    with open(path, "w") as file:
        file.write(data)


def wrote(path: str) -> None:
    """A file can be written, read and removed."""
    write(path)
    assert read(path) == b"x"
    os.unlink(path)


def connect(family: int, address: Any) -> None:
    """Connect a TCP socket."""
    with socket.socket(family) as client:
        client.settimeout(5)
        client.connect(address)


def loopback(family: int = socket.AF_INET, host: str = "127.0.0.1") -> None:
    """A server and a client of one's own find each other."""
    with (
        socket.create_server((host, 0), family=family) as server,
        socket.create_connection(server.getsockname()[:2], timeout=SECONDS) as client,
    ):
        server.accept()[0].sendall(b"ok")
        assert client.recv(2) == b"ok"


def output(*argv: str) -> str:
    """What a program prints."""
    return subprocess.run(argv, capture_output=True, text=True, timeout=SECONDS).stdout


def machine_code(code: bytes) -> int:
    """Run instructions in a child: its exit status, or minus the signal that ended it."""
    pid = os.fork()
    if pid == 0:
        page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        page.write(code)
        start = ctypes.addressof(ctypes.c_char.from_buffer(page))
        result = ctypes.CFUNCTYPE(ctypes.c_long)(start)()
        os._exit(-result & 0x7F if result < 0 else 0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def play(source: str) -> str:
    """Run one piece in a child, in a directory of its own."""
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        signal.alarm(SECONDS)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(nowhere, fd)
        said = ""
        try:
            place = f"/workspace/play-{os.getpid()}"
            os.mkdir(place)
            os.chdir(place)
            exec(source, dict(globals()))
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"[:500]
        os.write(theirs, (said or "ok").encode("utf-8", "replace"))
        os._exit(0)
    os.close(theirs)
    with open(ours, "rb") as pipe:
        said = pipe.read().decode("utf-8", "replace")
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return "" if said == "ok" else said or f"ended with {code}"


def main() -> None:
    """Play everything that stdin asks for."""
    asked = json.load(sys.stdin)
    HOST.update(asked["host"])
    print(json.dumps({key: play(source) for key, source in asked["plays"]}))


if __name__ == "__main__":
    main()

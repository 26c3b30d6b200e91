"""Canaries: secrets that a worker's host may hold, each of which no tool inside may ever read.

Each is a word of its own, told inside by nothing but its fingerprint, so that whatever is found there came
from the host. ``SEARCH`` looks with every means that a tool has: it opens the known places by name, walks all
that can be seen, asks /proc, the keyring, shared memory, sockets and its own descriptors, and greps.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

_FILES = {
    "App's private key": "app.pem",
    "App's settings": "app.env",
    "ssh key": ".ssh/id_ed25519",
    "netrc": ".netrc",
    "git credentials": ".git-credentials",
    "git configuration": ".gitconfig",
    "cloud credentials": ".aws/credentials",
    "docker's login": ".docker/config.json",
    "package token": ".npmrc",
    "index token": ".pypirc",
    "gpg key": ".gnupg/secring.gpg",
    "shell history": ".bash_history",
    "database": "database/base/1",
    "mirror of a private repository": "mirrors/7/config",
    "another run's layer": "layers/other/settings.py",
    "transcript of another run": "runs/8/transcript.json",
    "unpublished setup log": "layers/setup/log.txt",
    "group-readable file": "shared/token",
    "world-readable file": "world/token",
}


@dataclass(slots=True)
class Planted:
    """``words`` are name -> the canary; the rest says where some of them can be asked for."""

    words: dict[str, str] = field(default_factory=dict)
    paths: list[str] = field(default_factory=list)
    port: int = 0
    abstract: str = ""

    def word(self, name: str) -> str:
        """A new canary."""
        self.words[name] = f"CANARY{secrets.token_hex(12)}"
        return self.words[name]

    def found_in(self, text: bytes) -> set[str]:
        """The names of the canaries in a text."""
        return {name for name, word in self.words.items() if word.encode() in text}


@contextmanager
def plant(home: Path) -> Iterator[Planted]:
    """Plant them all, and dig them up again."""
    planted = Planted()
    with ExitStack() as stack:
        for name, path in _FILES.items():
            _file(planted, name, home / path)
        _variables(planted, stack)
        _outside(planted, stack)
        _sockets(planted, stack, home)
        _memory(planted, stack)
        yield planted


def _file(planted: Planted, name: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(planted.word(name))
    path.chmod(0o644 if "readable" in name else 0o600)
    planted.paths.append(str(path))


def _variables(planted: Planted, stack: ExitStack) -> None:
    os.environ["HOB_WEBHOOK_SECRET"] = planted.word("worker's variable")
    stack.callback(os.environ.pop, "HOB_WEBHOOK_SECRET")
    sleeping = [
        sys.executable,
        "-c",
        "import time; time.sleep(600)",
        planted.word("another process's argument"),
    ]
    env = {**os.environ, "OPENAI_API_KEY": planted.word("another process's variable")}
    other = subprocess.Popen(sleeping, env=env)
    stack.callback(other.wait)
    stack.callback(other.kill)
    planted.paths += [f"/proc/{other.pid}/environ", f"/proc/{other.pid}/cmdline"]
    planted.paths += [f"/proc/{os.getpid()}/environ"]


def _outside(planted: Planted, stack: ExitStack) -> None:
    """Files of the host in places that a sandbox has of its own too."""
    for name, folder in (
        ("file in /tmp", "/tmp"),
        ("file in /dev/shm", "/dev/shm"),
        ("file in /var", "/var/tmp"),
    ):
        file = stack.enter_context(tempfile.NamedTemporaryFile("w", prefix="hob-canary-", dir=folder))  # noqa: SIM115
        file.write(planted.word(name))
        file.flush()
        os.set_inheritable(file.fileno(), True)  # an open descriptor that is not closed on exec, too
        planted.paths.append(file.name)


def _sockets(planted: Planted, stack: ExitStack, home: Path) -> None:
    """Servers that tell their canary to whoever connects."""
    tcp = socket.create_server(("127.0.0.1", 0))
    planted.port = tcp.getsockname()[1]
    planted.abstract = f"hob-canary-{secrets.token_hex(6)}"
    served = {"loopback service": tcp}
    for name, address in (
        ("agent socket", str(home / "agent.sock")),
        ("abstract socket", "\0" + planted.abstract),
    ):
        served[name] = socket.socket(socket.AF_UNIX)
        served[name].bind(address)
        served[name].listen()
    for name, server in served.items():
        stack.enter_context(server)
        word = planted.word(name).encode()
        threading.Thread(target=_tell, args=(server, word), daemon=True).start()
        stack.callback(server.shutdown, socket.SHUT_RDWR)


def _tell(server: socket.socket, word: bytes) -> None:
    with suppress(OSError):
        while True:
            client = server.accept()[0]
            with suppress(OSError), client:
                client.sendall(word)


def _memory(planted: Planted, stack: ExitStack) -> None:
    """An inheritable file in memory, System V shared memory, a key in the session's keyring."""
    fd = os.memfd_create("canary", 0)
    stack.callback(os.close, fd)
    os.write(fd, planted.word("file in memory").encode())
    os.set_inheritable(fd, True)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.shmat.restype = ctypes.c_void_p
    segment = libc.shmget(0x4857_0B00, mmap.PAGESIZE, 0o1666)
    if segment >= 0:
        place = libc.shmat(segment, None, 0)
        word = planted.word("shared memory").encode()
        ctypes.memmove(place, word, len(word))
        stack.callback(libc.shmctl, segment, 0, None)


SEARCH = r"""
import ctypes, os, socket, stat, sys, json, subprocess
asked = json.load(sys.stdin)
def show(data):
    if b"CANARY" in data:
        start = 0
        while (start := data.find(b"CANARY", start)) >= 0:
            print(data[start:start + 30].decode("ascii", "replace"), flush=True)
            start += 6
def look(path):
    try:
        if stat.S_ISREG(os.stat(path).st_mode):
            with open(path, "rb", buffering=0) as file:
                show(file.read(1 << 20) or b"")
    except OSError:
        pass
for path in asked["paths"]:
    for start in ("", "/proc/self/root", "/proc/1/root", "/proc/1/cwd/.."):
        look(start + path)
for fd in range(3, 64):
    try: show(os.pread(fd, 1 << 20, 0))
    except OSError: pass
for name, value in os.environb.items(): show(name + b"=" + value)
for top, folders, files in os.walk("/"):
    if top == "/": folders[:] = [f for f in folders if f not in ("proc", "sys", "usr", "lib", "lib64", "bin", "sbin")]
    for name in files: look(os.path.join(top, name))
for pid in os.listdir("/proc"):
    for name in ("environ", "cmdline", "maps", "mountinfo", "status", "stack", "comm"):
        look(f"/proc/{pid}/{name}") if pid.isdigit() or name == "cmdline" else None
    try:
        for fd in os.listdir(f"/proc/{pid}/fd"): look(f"/proc/{pid}/fd/{fd}")
    except OSError: pass
for path in ("/proc/keys", "/proc/cmdline", "/proc/mounts", "/proc/net/unix", "/proc/net/tcp", "/proc/sysvipc/shm"):
    try: show(open(path, "rb").read())
    except OSError: pass
def hear(family, address):
    try:
        s = socket.socket(family); s.settimeout(1); s.connect(address); show(s.recv(100))
    except OSError: pass
hear(socket.AF_INET, ("127.0.0.1", asked["port"]))
hear(socket.AF_UNIX, "\0" + asked["abstract"])
hear(socket.AF_UNIX, asked["socket"])
libc = ctypes.CDLL(None); libc.shmat.restype = ctypes.c_void_p
segment = libc.shmget(0x48570B00, 4096, 0)
if segment >= 0: show(ctypes.string_at(libc.shmat(segment, None, 0), 4096))
try: show(subprocess.run(["grep", "-rhoa", "CANARY[0-9a-f]*", "/tmp", "/dev/shm", "/workspace", "/opt", "/etc", "/output"],
                     capture_output=True, timeout=20).stdout)
except OSError: pass
"""

"""The filter refuses what it should and leaves ordinary programs alone."""

from __future__ import annotations

import pyseccomp
import pytest

from sandbox import seccomp
from tests.support.sandbox import open_base_sandbox, python, shell


def test_every_name_is_known_on_both_architectures():
    for arch in (pyseccomp.Arch.X86_64, pyseccomp.Arch.AARCH64):
        unknown = {name for name in (*seccomp.DENIED, "clone", "clone3", "unshare") if unknown_on(arch, name)}
        assert unknown <= set(seccomp._NUMBERS)


def unknown_on(arch: int, name: str) -> bool:
    return pyseccomp.resolve_syscall(arch, name) == -1


def test_the_program_is_whole_instructions_and_built_once():
    program = seccomp.compile_filter()
    assert len(program) > 1000 and len(program) % 8 == 0
    assert seccomp.compile_filter() is program


REFUSED = {
    "clone with a new user namespace": "check(libc.syscall(56 if X86 else 220, 0x10000000 | 17, 0, 0, 0, 0))",
    "clone3 looks absent": "check(libc.syscall(435, 0, 0), errno.ENOSYS)",
    "unshare": "check(libc.unshare(0x20000))",
    "chroot": "check(libc.chroot(b'/tmp'))",
    "personality": "check(libc.personality(0x0400000))",
    "ioctl with high bits": "check(libc.syscall(16 if X86 else 29, 0, ctypes.c_long(0xdead00005412), b'x'))",
    "family with high bits": "check(libc.syscall(41 if X86 else 198, ctypes.c_long((1 << 32) | 1), 1, 0))",
    "socketpair of another family": "check(libc.socketpair(2, 1, 0, (ctypes.c_int * 2)()))",
    "memory of a child": "check(libc.ptrace(16, os.getppid(), 0, 0))",
}
PRELUDE = (
    "import ctypes, errno, os, platform\nX86 = platform.machine() == 'x86_64'\n"
    "libc = ctypes.CDLL(None, use_errno=True)\n"
    "def check(result, wanted=errno.EPERM):\n    print(result, ctypes.get_errno() == wanted)\n"
)


async def test_what_is_refused(tmp_path):
    async with await open_base_sandbox(tmp_path) as sandbox:
        ran = await python(sandbox, PRELUDE + "\n".join(REFUSED.values()))
    assert dict(zip(REFUSED, ran.text.splitlines(), strict=True)) == dict.fromkeys(REFUSED, "-1 True")


TWINS = {
    "threads": "import threading; t = threading.Thread(target=print, args=('ok',)); t.start(); t.join()",
    "subprocess": "import subprocess as s; print(s.run(['echo', 'ok'], capture_output=True).stdout.decode())",
    "pool": "import multiprocessing as m\np = m.get_context('fork').Pool(2); print(*p.map(str, ['ok']))",
    "asyncio": "import asyncio; print(asyncio.run(asyncio.sleep(0, 'ok')))",
    "loopback": "import socket\ns = socket.create_server(('127.0.0.1', 0))\n"
    "c = socket.create_connection(s.getsockname())\ns.accept()[0].sendall(b'ok'); print(c.recv(2).decode())",
    "loopback 6": "import socket\ns = socket.create_server(('::1', 0), family=socket.AF_INET6); print('ok')",
    "socketpair": "import socket; a, b = socket.socketpair(); a.send(b'ok'); print(b.recv(2).decode())",
    "terminal": "import pty, os; m, s = pty.openpty(); os.write(s, b'ok'); print(os.read(m, 2).decode())",
    "shared memory": "from multiprocessing import shared_memory as s\n"
    "m = s.SharedMemory(create=True, size=9); print('ok'); m.close(); m.unlink()",
}


@pytest.mark.parametrize("name", TWINS)
async def test_what_works(tmp_path, name):
    async with await open_base_sandbox(tmp_path) as sandbox:
        ran = await python(sandbox, TWINS[name])
    assert ran.ok and ran.text.split() == ["ok"], ran.text


async def test_git_works_in_the_workspace(tmp_path):
    script = "git init -q && git add -A && git commit -qm one && echo x >> readme.txt && git diff --stat"
    async with await open_base_sandbox(tmp_path) as sandbox:
        ran = await shell(sandbox, script)
    assert ran.ok and "readme.txt | 1 +" in ran.text

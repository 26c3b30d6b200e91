"""The system call filter (seccomp) of every process in a sandbox: a list of denials that answer EPERM.

Errors rather than kills, because programs probe: libuv dies where io_uring is answered with a kill. clone3
answers ENOSYS so that libc falls back to clone, whose flags can be seen by a filter. Anything that does not
come through the native entry of the machine (i386, x32) is refused as a whole.
"""

from __future__ import annotations

import errno
import json
import platform
import tempfile
from functools import cache
from typing import TYPE_CHECKING

from sandbox.spec import SandboxUnavailable

if TYPE_CHECKING:
    import pyseccomp

# Calls newer than many libseccomp releases; numbers from 424 on are the same on every architecture.
_NUMBERS = {
    "io_uring_setup": 425,
    "io_uring_enter": 426,
    "io_uring_register": 427,
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsconfig": 431,
    "fsmount": 432,
    "fspick": 433,
    "clone3": 435,
    "pidfd_getfd": 438,
    "process_madvise": 440,
    "mount_setattr": 442,
    "quotactl_fd": 443,
    "open_tree_attr": 467,
}
_MEMORY_OF_OTHERS = (
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "process_madvise",
    "pidfd_getfd",
    "kcmp",
)
_KERNEL_DOORS = (
    *("io_uring_setup", "io_uring_enter", "io_uring_register", "userfaultfd", "bpf", "perf_event_open"),
    *("keyctl", "add_key", "request_key", "fanotify_init", "lookup_dcookie", "syslog", "vhangup"),
    *("kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "reboot", "acct"),
    *("settimeofday", "clock_settime", "sethostname", "setdomainname", "personality", "nfsservctl"),
)
_X86_DOORS = ("iopl", "ioperm", "modify_ldt", "uselib", "create_module")
_FILESYSTEMS = (
    *(
        "mount",
        "umount2",
        "move_mount",
        "open_tree",
        "open_tree_attr",
        "fsopen",
        "fsconfig",
        "fsmount",
        "fspick",
    ),
    *("mount_setattr", "pivot_root", "chroot", "swapon", "swapoff", "quotactl", "quotactl_fd"),
    *("open_by_handle_at", "name_to_handle_at"),
)
DENIED = (*_MEMORY_OF_OTHERS, *_KERNEL_DOORS, *_FILESYSTEMS, "setns")

# Memory that belongs to no process and so is seen by no watchdog; only control groups count it.
_UNSEEN_MEMORY = ("memfd_create", "shmget")
# linux/sched.h; CLONE_NEWTIME shares its bit with clone's exit signal, so it can be asked of unshare only.
_NAMESPACE_FLAGS = (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000)
_CLONE_NEWTIME = 0x80
_TERMINAL_INJECTION = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX
_AF_UNIX, _AF_INET, _AF_INET6 = 1, 2, 10
_INT = 0xFFFFFFFF  # the kernel looks at the low half of an int argument only, so must we

MACHINES = ("x86_64", "aarch64", "arm64")


@cache
def compile_filter(*, contained: bool = True) -> bytes:
    """The filter as BPF for bubblewrap's ``--seccomp``. Raises SandboxUnavailable without libseccomp.

    ``contained``: control groups count memory. Where they do not, calls for memory that no watchdog sees are
    refused too.
    """
    machine = platform.machine()
    if machine not in MACHINES:
        raise SandboxUnavailable(f"no system call filter for {machine}", "run Hob on x86-64 or arm64")
    try:
        import pyseccomp
    except (ImportError, RuntimeError) as error:
        raise SandboxUnavailable(
            f"libseccomp is not there ({error})", "install it: apt install libseccomp2"
        ) from error
    filters = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    refuse = pyseccomp.ERRNO(errno.EPERM)
    filters.set_attr(pyseccomp.Attr.ACT_BADARCH, refuse)
    filters.set_attr(pyseccomp.Attr.CTL_OPTIMIZE, 2)  # a tree: loaded and run faster than a list
    for name in DENIED if machine != "x86_64" else (*DENIED, *_X86_DOORS):
        filters.add_rule(refuse, _call_number(name))
    for name in ("clone3", *(() if contained else _UNSEEN_MEMORY)):  # programs know another way then
        filters.add_rule(pyseccomp.ERRNO(errno.ENOSYS), _call_number(name))
    for call, argument, operator, *values in _conditions():
        filters.add_rule(refuse, call, pyseccomp.Arg(argument, getattr(pyseccomp, operator), *values))
    return _export(filters)


def render_docker_profile() -> str:
    """The same denials as a profile for Docker (OCI runtime specification, ``linux.seccomp``).

    Other entries than the native one are then ended by a signal: a profile cannot say otherwise.
    """
    machine = platform.machine()
    if machine not in MACHINES:
        raise SandboxUnavailable(f"no system call filter for {machine}", "run Hob on x86-64 or arm64")
    refuse = {"action": "SCMP_ACT_ERRNO", "errnoRet": errno.EPERM}
    absent = {"action": "SCMP_ACT_ERRNO", "errnoRet": errno.ENOSYS}
    names = DENIED if machine != "x86_64" else (*DENIED, *_X86_DOORS)
    rules: list[dict[str, object]] = [{"names": [*names], **refuse}, {"names": ["clone3"], **absent}]
    for call, argument, operator, mask, value in _conditions():
        condition = {"index": argument, "value": mask, "valueTwo": value, "op": f"SCMP_CMP_{operator}"}
        rules.append({"names": [call], "args": [condition], **refuse})
    architecture = "SCMP_ARCH_X86_64" if machine == "x86_64" else "SCMP_ARCH_AARCH64"
    profile = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": [architecture], "syscalls": rules}
    return json.dumps(profile)


def _conditions() -> list[tuple[str, int, str, int, int]]:
    """(call, argument's index, comparison, its two values) of what is denied only with some arguments."""
    rules = [(call, 0, "MASKED_EQ", flag, flag) for call in ("clone", "unshare") for flag in _NAMESPACE_FLAGS]
    rules.append(("unshare", 0, "MASKED_EQ", _CLONE_NEWTIME, _CLONE_NEWTIME))
    rules += [("ioctl", 1, "MASKED_EQ", _INT, request) for request in _TERMINAL_INJECTION]
    allowed = {"socket": (_AF_INET, _AF_INET6), "socketpair": (_AF_UNIX,)}
    for call, families in allowed.items():
        rules += [(call, 0, "MASKED_EQ", _INT, family) for family in range(64) if family not in families]
        rules += [(call, 0, "MASKED_EQ", 1 << bit, 1 << bit) for bit in range(6, 32)]
    return rules


def _call_number(name: str) -> int | str:
    import pyseccomp

    unknown = -1
    known = pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name) != unknown
    return name if known else _NUMBERS[name]


def _export(filters: pyseccomp.SyscallFilter) -> bytes:
    with tempfile.TemporaryFile() as file:
        filters.export_bpf(file)
        file.seek(0)
        return file.read()

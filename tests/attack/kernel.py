"""Doors of the kernel: system calls, namespaces, mounts, ioctls, power."""

from __future__ import annotations

from tests.attack.case import each

_NAMESPACES = {
    "mount": 0x20000,
    "cgroup": 0x2000000,
    "uts": 0x4000000,
    "ipc": 0x8000000,
    "user": 0x10000000,
    "pid": 0x20000000,
    "network": 0x40000000,
}
_FORK = (
    "pid = os.fork()\nif pid == 0: os._exit(7)\nassert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7"
)
_THREAD = (
    "found = []; t = threading.Thread(target=found.append, args=(1,)); t.start(); t.join(); assert found"
)

NAMESPACES = [
    *each(
        "namespaces", _FORK,
        [
            *((f"unshare {name}", f"failed(call('unshare', {flag}))") for name, flag in _NAMESPACES.items()),
            ("unshare time", "failed(call('unshare', 0x80))"),
            ("unshare all at once", "failed(call('unshare', 0x7e020080))"),
        ],
    ),
    *each(
        "namespaces", _THREAD,
        [
            *((f"clone {name}", f"failed(call('clone', {flag} | 17))") for name, flag in _NAMESPACES.items()),
            ("clone3 looks absent", "failed(call('clone3', 0, 0), errno.ENOSYS)"),
        ],
    ),
    *each(
        "namespaces", "assert os.readlink('/proc/self/ns/net').startswith('net:')",
        [
            *(
                (f"setns {name}", f"failed(call('setns', os.open('/proc/1/ns/{name}', 0) "
                 f"if os.access('/proc/1/ns/{name}', 4) else 0, 0))")
                for name in ("mnt", "net", "pid", "user")
            ),
            ("setns by pidfd", "failed(call('setns', os.pidfd_open(os.getppid()), 0x10000000))"),
        ],
    ),
    *each(
        "namespaces", "assert output('env', 'true') == '' and subprocess.run(['true']).returncode == 0",
        [
            ("unshare(1)", "assert subprocess.run(['sh', '-c', 'unshare -Urm true']).returncode"),
            ("nested bubblewrap", "assert subprocess.run(['sh', '-c', 'bwrap --bind / / true']).returncode"),
        ],
    ),
]  # fmt: skip

_MOUNT = "failed(call('mount', {0}, {1}, {2}, {3}, {4}))"
MOUNTS = [
    *each(
        "mounts", "os.mkdir('d'); os.rename('d', 'e'); assert os.listdir('e') == []",
        [
            ("tmpfs", _MOUNT.format("b't'", "b'/tmp'", "b'tmpfs'", 0, 0)),
            ("bind of the root", _MOUNT.format("b'/'", "b'/tmp'", "0", 4096, 0)),
            ("remount /usr writable", _MOUNT.format("0", "b'/usr'", "0", 4096 | 32, 0)),
            ("proc anew", _MOUNT.format("b'p'", "b'/tmp'", "b'proc'", 0, 0)),
            ("overlay over the root", _MOUNT.format(
                "b'o'", "b'/tmp'", "b'overlay'", 0, "b'lowerdir=/,upperdir=/tmp,workdir=/dev/shm'")),
            ("make the root shared", _MOUNT.format("0", "b'/'", "0", 0x104000, 0)),
            ("cgroup with a release agent", _MOUNT.format(
                "b'c'", "b'/tmp'", "b'cgroup'", 0, "b'memory'")),
            ("unmount /proc", "failed(call('umount2', b'/proc', 2))"),
            ("unmount the workspace", "failed(call('umount2', b'/workspace', 2))"),
        ],
    ),
    *each(
        "mounts", "os.chdir('/tmp'); assert os.getcwd() == '/tmp'",
        [
            ("pivot_root", "failed(call('pivot_root', b'.', b'.'))"),
            ("chroot", "failed(call('chroot', b'/tmp'))"),
            ("open_tree", "failed(call('open_tree', -100, b'/', 1))"),
            ("move_mount", "failed(call('move_mount', 3, b'', -100, b'/tmp', 4))"),
            ("fsopen", "failed(call('fsopen', b'tmpfs', 0))"),
            ("fsconfig", "failed(call('fsconfig', 0, 6, 0, 0, 0))"),
            ("fsmount", "failed(call('fsmount', 0, 0, 0))"),
            ("fspick", "failed(call('fspick', -100, b'/', 0))"),
            ("mount_setattr", "failed(call('mount_setattr', -100, b'/usr', 0, 0, 0))"),
        ],
    ),
]  # fmt: skip

_TWINS = {
    "p = select.poll(); r, w = os.pipe(); p.register(r, 1); os.write(w, b'x'); assert p.poll(1000)": [
        ("io_uring_setup", "failed(call('io_uring_setup', 8, ctypes.create_string_buffer(256)))"),
        ("io_uring_enter", "failed(call('io_uring_enter', 0, 1, 0, 0, 0, 0))"),
        ("io_uring_register", "failed(call('io_uring_register', 0, 0, 0, 0))"),
        ("userfaultfd", "failed(call('userfaultfd', 0))"),
    ],
    "assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > 0": [
        ("bpf map", "failed(call('bpf', 0, ctypes.create_string_buffer(128), 128))"),
        ("perf_event_open", "failed(call('perf_event_open', ctypes.create_string_buffer(128), 0, -1, -1, 0))"),
        ("acct", "failed(call('acct', b'/tmp/acct'))"),
        ("syslog", "failed(call('syslog', 3, ctypes.create_string_buffer(512), 512))"),
    ],
    "assert len(os.urandom(16)) == 16": [
        ("keyctl", "failed(call('keyctl', 0, -3, 1))"),
        ("add_key", "failed(call('add_key', b'user', b'x', b'y', 1, -3))"),
        ("request_key", "failed(call('request_key', b'user', b'hob-canary', 0, -3))"),
    ],
    "from multiprocessing import shared_memory as s; m = s.SharedMemory(create=True, size=9); "
    "m.buf[0] = 7; m.close(); m.unlink()": [
        ("ptrace attach", "failed(call('ptrace', 16, os.getppid(), 0, 0))"),
        ("ptrace seize", "failed(call('ptrace', 0x4206, os.getppid(), 0, 0))"),
        ("ptrace traceme", "failed(call('ptrace', 0, 0, 0, 0))"),
        ("process_vm_readv", "failed(call('process_vm_readv', os.getppid(), 0, 0, 0, 0, 0))"),
        ("process_vm_writev", "failed(call('process_vm_writev', os.getppid(), 0, 0, 0, 0, 0))"),
        ("process_madvise", "failed(call('process_madvise', 0, 0, 0, 0, 0))"),
        ("pidfd_getfd", "failed(call('pidfd_getfd', os.pidfd_open(os.getppid()), 0, 0))"),
        ("kcmp", "failed(call('kcmp', os.getpid(), os.getppid(), 0, 0, 0))"),
    ],
    "assert os.uname().sysname == 'Linux' and os.uname().machine == platform.machine()": [
        ("kexec_load", "failed(call('kexec_load', 0, 0, 0, 0))"),
        ("kexec_file_load", "failed(call('kexec_file_load', 0, 0, 0, b'', 0))"),
        ("init_module", "failed(call('init_module', b'x', 1, b''))"),
        ("finit_module", "failed(call('finit_module', 0, b'', 0))"),
        ("delete_module", "failed(call('delete_module', b'overlay', 0))"),
        ("reboot", "failed(call('reboot', 0xfee1dead, 672274793, 0, 0))"),
        ("personality", "failed(call('personality', 0x0400000))"),
    ],
    "assert os.statvfs('.').f_blocks > 0": [
        ("swapon", "failed(call('swapon', b'/tmp/swap', 0))"),
        ("swapoff", "failed(call('swapoff', b'/tmp/swap'))"),
        ("quotactl", "failed(call('quotactl', 0, 0, 0, 0))"),
        ("quotactl_fd", "failed(call('quotactl_fd', 0, 0, 0, 0))"),
        ("fanotify", "failed(call('fanotify_init', 0, 0))"),
    ],
    "write('f'); assert os.open(b'f', os.O_RDONLY) > 2": [
        ("open_by_handle_at", "failed(call('open_by_handle_at', 0, ctypes.create_string_buffer(128), 0))"),
        ("name_to_handle_at", "failed(call('name_to_handle_at', -100, b'/usr', "
         "ctypes.create_string_buffer(128), ctypes.create_string_buffer(8), 0))"),
    ],
    "assert time.clock_gettime(time.CLOCK_REALTIME) > 1e9": [
        ("settimeofday", "failed(call('settimeofday', ctypes.create_string_buffer(16), 0))"),
        ("clock_settime", "failed(call('clock_settime', 0, ctypes.create_string_buffer(16)))"),
        ("adjtimex", "failed(call('adjtimex', ctypes.create_string_buffer(b'\\xff\\x0f', 208)))"),
    ],
    "assert socket.gethostname() == 'sandbox'": [
        ("sethostname", "failed(call('sethostname', b'evil', 4))"),
        ("setdomainname", "failed(call('setdomainname', b'evil', 4))"),
    ],
    "assert ctypes.sizeof(ctypes.c_void_p) == 8 and machine_code(b'\\xc3' if X86 else "
    "b'\\xc0\\x03\\x5f\\xd6') >= 0": [
        ("i386 entry", "assert not X86 or machine_code(bytes.fromhex('b814000000cd804863c0c3')) in (1, -31)"),
        ("i386 mount", "assert not X86 or machine_code(bytes.fromhex('b815000000cd804863c0c3')) in (1, -31)"),
        ("x32 getpid", "pid = os.fork()\nif pid == 0: os._exit(call(0x40000000 | 39))\n"
         "assert not X86 or os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) in (1, -31)"),
        ("iopl", "failed(call('iopl', 3))"),
        ("ioperm", "failed(call('ioperm', 0x70, 4, 1))"),
        ("modify_ldt", "failed(call('modify_ldt', 1, ctypes.create_string_buffer(16), 16))"),
    ],
}  # fmt: skip
SYSCALLS = [case for twin, attacks in _TWINS.items() for case in each("syscalls", twin, attacks)]

_PTY = "m, s = os.openpty(); os.setsid(); fcntl.ioctl(s, 0x540E, 0); "
IOCTLS = each(
    "ioctls", "m, s = os.openpty(); fcntl.ioctl(s, 0x5414, struct.pack('4H', 24, 80, 0, 0)); "
    "assert os.write(s, b'ok') and os.read(m, 2) == b'ok'",
    [
        ("TIOCSTI", _PTY + "failed(call('ioctl', s, 0x5412, b'x'))"),
        ("TIOCSTI with high bits", _PTY + "failed(call('ioctl', s, 0xdead00005412, b'x'))"),
        ("TIOCLINUX", _PTY + "failed(call('ioctl', s, 0x541C, b'\\x03'))"),
        ("there is no terminal", "refused(lambda: os.open('/dev/tty', os.O_RDWR))"),
        ("FS_IOC_SETFLAGS immutable", "fd = os.open('.', 0); failed(call('ioctl', fd, 0x40086602, "
         "struct.pack('l', 16)), errno.EPERM, errno.ENOTTY, errno.EOPNOTSUPP, errno.EACCES)"),
        ("an interface's flags", "s = socket.socket(); failed(call('ioctl', s.fileno(), 0x8914, "
         "struct.pack('16sh14x', b'lo', 0)))"),
        ("console key map", "m, s = os.openpty(); failed(call('ioctl', s, 0x4B47, 0), errno.EPERM, "
         "errno.ENOTTY, errno.EINVAL)"),
    ],
)  # fmt: skip

_STATUS = (
    "dict(line.split(':\\t', 1) for line in open('/proc/self/status').read().splitlines() if ':\\t' in line)"
)
_HARD = (
    "soft, hard = resource.getrlimit(resource.{0}); refused(lambda: resource_raise(resource.{0}, hard + 1))"
)
POWER = [
    *each(
        "power", f"found = {_STATUS}; assert found['Uid'].split()[0] == str(os.getuid())",
        [
            *((f"{name} is empty", f"assert set({_STATUS}['{name}'].strip()) == {{'0'}}")
              for name in ("CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb")),
            ("new privileges", f"assert {_STATUS}['NoNewPrivs'].strip() == '1'"),
            ("without a filter", f"assert {_STATUS}['Seccomp'].strip() == '2'"),
            ("capset", "failed(call('capset', struct.pack('II', 0x20080522, 0), struct.pack('6I', *[-1 & 0xffffffff] * 6)))"),
            ("ambient capability", "failed(libc.prctl(47, 2, 21, 0, 0) and ctypes.get_errno())"),
        ],
    ),
    *each(
        "power", "assert os.getuid() == os.geteuid() > 0",
        [
            ("setuid 0", "refused(lambda: os.setuid(0), errno.EPERM, errno.EINVAL)"),
            ("setgid 0", "refused(lambda: os.setgid(0), errno.EPERM, errno.EINVAL)"),
            ("setgroups", "refused(lambda: os.setgroups([0]), errno.EPERM)"),
            ("chown to another", "write('f'); refused(lambda: os.chown('f', 0, 0), errno.EPERM, errno.EINVAL)"),
        ],
    ),
    *each(
        "power", "import shutil; shutil.copy('/usr/bin/id', 'me'); os.chmod('me', 0o755); "
        "assert output('./me', '-u').strip() == str(os.geteuid())",
        [
            ("a setuid copy", "import shutil; shutil.copy('/usr/bin/id', 'me'); os.chmod('me', 0o4755); "
             "assert output('./me', '-u').strip() == str(os.geteuid())"),
            ("file capabilities", "write('f'); refused(lambda: os.setxattr('f', 'security.capability', "
             "bytes.fromhex('0100000200200000000000000000000000000000')))"),
            ("su and sudo", "assert subprocess.run(['sh', '-c', 'su -c true || sudo -n true || "
             "pkexec true'], stdin=subprocess.DEVNULL, capture_output=True).returncode"),
            ("every setuid program gains nothing", "for name in os.listdir('/usr/bin'):\n"
             "    if os.stat(f'/usr/bin/{name}', follow_symlinks=False).st_mode & 0o6000:\n"
             "        assert os.statvfs('/usr/bin').f_flag & 2 or "
             f"{_STATUS}['NoNewPrivs'].strip() == '1'"),
        ],
    ),
    *each(
        "power", "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)); os.nice(1)",
        [
            *((f"raise {name}", f"soft, hard = resource.getrlimit(resource.{name})\nassert hard != -1\n"
               f"try: resource.setrlimit(resource.{name}, (hard + 1, hard + 1))\n"
               "except ValueError: pass\nelse: assert 0, 'IT WORKED'")
              for name in ("RLIMIT_NOFILE", "RLIMIT_CORE", "RLIMIT_FSIZE", "RLIMIT_CPU", "RLIMIT_MEMLOCK")),
            ("negative nice", "refused(lambda: os.setpriority(os.PRIO_PROCESS, 0, -10), errno.EACCES, errno.EPERM)"),
            ("real-time scheduling", "refused(lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)), errno.EPERM)"),
            ("real-time input and output", "failed(call('ioprio_set', 1, 0, (1 << 13)))"),
        ],
    ),
]  # fmt: skip

CASES = [*NAMESPACES, *MOUNTS, *SYSCALLS, *IOCTLS, *POWER]

"""Files, devices, /proc and /sys: what must not be read, and what must not be written."""

from __future__ import annotations

from tests.attack.arena import Arena
from tests.attack.case import Case, each

_READ_OWN = "write('own'); assert read('own') == b'x'"

READING = [
    *each(
        "files", _READ_OWN,
        [
            *((f"read {path}", f"refused(lambda: read({path!r}))") for path in (
                "/etc/shadow", "/root/.ssh/id_rsa", "/root/.bashrc", "/run/docker.sock", "/var/run/docker.sock",
                "/var/lib/docker", "/run/systemd/private", "/home/hob/.netrc", "/boot/vmlinuz", "/srv/x",
                "/etc/ssh/ssh_host_rsa_key", "/etc/machine-id", "/var/log/syslog")),
            ("the worker's home", "refused(lambda: os.listdir(HOST['home']))"),
            ("the worker's scratch", "refused(lambda: os.listdir(HOST['scratch']))"),
            ("another run's layer", "refused(lambda: os.listdir(HOST['other']))"),
            ("the repository on the host", "refused(lambda: os.listdir(HOST['layer']))"),
        ],
    ),
    *each(
        "files", "os.symlink('/workspace/readme.txt', 'l'); assert b'hello' in read('l')",
        [
            ("by a symbolic link", "os.symlink(HOST['secret'], 'l'); refused(lambda: read('l'))"),
            ("by a chain of links", "os.symlink(HOST['home'], 'a'); os.symlink('a', 'b'); "
             "refused(lambda: read('b/secret'))"),
            ("by a relative link", "os.symlink('../' * 30 + HOST['secret'][1:], 'l'); refused(lambda: read('l'))"),
            ("by /proc/self/root", "refused(lambda: read('/proc/self/root' + HOST['secret']))"),
            ("by /proc/1/root", "refused(lambda: read('/proc/1/root' + HOST['secret']))"),
            ("by /proc/1/cwd", "refused(lambda: read('/proc/1/cwd/../..' + HOST['secret']))"),
            ("by the parent of the root", "os.chdir('/'); os.chdir('../../..'); "
             "assert os.stat('.').st_ino == os.stat('/').st_ino; refused(lambda: read('..' + HOST['secret']))"),
            ("by open directories", "for fd in os.listdir('/proc/self/fd'):\n"
             "    refused(lambda: read(f'/proc/self/fd/{fd}' + HOST['secret']))"),
        ],
    ),
    *each(
        "files", "write('f'); os.link('f', 'g'); assert os.stat('g').st_nlink == 2",
        [
            ("hard link to the host's program", "refused(lambda: os.link('/usr/bin/env', 'l'), 1, 18, 13, 30)"),
            ("hard link to the host's file", "refused(lambda: os.link(HOST['secret'], 'l'))"),
            ("hard link out of a read-only mount", "refused(lambda: os.link('/opt/tools/hello', 'l'), 1, 18, 13, 30)"),
        ],
    ),
]  # fmt: skip

_WRITE_OWN = "for place in ('/workspace', '/tmp', os.path.expanduser('~'), '/dev/shm'): wrote(f'{place}/w')"
WRITING = [
    *each(
        "files", _WRITE_OWN,
        [(f"write {path}", f"refused(lambda: write({path!r}))") for path in (
            "/usr/bin/evil", "/usr/lib/evil.so", "/bin/sh", "/etc/passwd", "/etc/ld.so.preload", "/etc/profile",
            "/etc/hosts", "/etc/resolv.conf", "/evil", "/opt/evil", "/opt/tools/evil", "/dev/evil", "/output/evil",
            "/proc/evil", "/sys/evil")],
    ),
    *each(
        "files", "write('f'); os.chmod('f', 0o600); os.utime('f', (1, 1)); assert os.stat('f').st_mtime == 1",
        [
            ("modes of the root", "refused(lambda: os.chmod('/', 0o777))"),
            ("times of the host's program", "refused(lambda: os.utime('/usr/bin/env', (1, 1)))"),
            ("remove the host's program", "refused(lambda: os.unlink('/usr/bin/env'))"),
            ("rename a read-only mount's file", "refused(lambda: os.rename('/opt/tools/hello', '/opt/tools/h'))"),
            ("truncate the host's program", "refused(lambda: os.truncate('/usr/bin/env', 0))"),
            ("an overlay's own attribute", "write('f'); refused(lambda: os.setxattr('f', "
             "'trusted.overlay.opaque', b'y'), 1, 95)"),
        ],
    ),
]  # fmt: skip

DEVICES = [
    *each(
        "devices", "for name in ('null', 'zero', 'full', 'random', 'urandom'): assert os.open(f'/dev/{name}', 0)",
        [(f"open /dev/{name}", f"refused(lambda: os.open('/dev/{name}', os.O_RDWR))") for name in (
            "mem", "kmem", "port", "kmsg", "sda", "vda", "fuse", "kvm", "net/tun", "loop-control", "vsock",
            "mapper/control", "uinput", "cpu/0/msr", "hpet", "vhost-net")],
    ),
    *each(
        "devices", "os.mkfifo('p'); assert stat.S_ISFIFO(os.stat('p').st_mode)",
        [
            ("make a memory device", "refused(lambda: os.mknod('m', 0o666 | stat.S_IFCHR, os.makedev(1, 1)), 1)"),
            ("make a disk", "refused(lambda: os.mknod('d', 0o666 | stat.S_IFBLK, os.makedev(254, 0)), 1)"),
            ("make a terminal", "refused(lambda: os.mknod('/tmp/t', 0o666 | stat.S_IFCHR, os.makedev(5, 0)), 1)"),
        ],
    ),
]  # fmt: skip

PROC = [
    *each(
        "proc", "write('/proc/self/comm', 'me'); write('/proc/self/oom_score_adj', '1000')",
        [(f"write {path}", f"refused(lambda: write({path!r}, {text!r}), 1, 2, 13, 22, 30, 5)") for path, text in (
            ("/proc/sys/kernel/core_pattern", "|/tmp/x"), ("/proc/sys/kernel/modprobe", "/tmp/x"),
            ("/proc/sys/kernel/hostname", "x"), ("/proc/sys/vm/drop_caches", "3"),
            ("/proc/sys/vm/overcommit_memory", "1"), ("/proc/sys/fs/binfmt_misc/register", ":x:M::x::/x:"),
            ("/proc/sys/net/ipv4/ip_forward", "1"), ("/proc/sysrq-trigger", "h"), ("/proc/mtrr", "x"),
            ("/proc/self/uid_map", "0 0 1"), ("/proc/self/gid_map", "0 0 1"), ("/proc/self/setgroups", "allow"),
            ("/proc/self/timens_offsets", "monotonic 1 0"), ("/proc/self/oom_score_adj", "-1000"),
            ("/proc/irq/default_smp_affinity", "1"), ("/sys/kernel/uevent_helper", "/tmp/x"),
            ("/sys/fs/cgroup/memory/release_agent", "/tmp/x"), ("/sys/fs/cgroup/cgroup.procs", "0"),
            ("/sys/power/state", "mem"))],
    ),
    *each(
        "proc", "assert b'MemTotal' in read('/proc/meminfo') and read('/proc/self/environ')",
        [
            ("the kernel's memory", "refused(lambda: read('/proc/kcore'))"),
            ("the kernel's messages", "refused(lambda: read('/proc/kmsg'))"),
            ("addresses of the kernel", "for line in open('/proc/kallsyms'): assert int(line.split()[0], 16) == 0, line"),
            ("addresses of physical memory", "for line in open('/proc/iomem'): assert line.split()[0] in "
             "('00000000-00000000', '00000000-00000000:'), line"),
            ("page frames", "with open('/proc/self/pagemap', 'rb') as f: assert int.from_bytes(f.read(8), "
             "'little') & (1 << 55) - 1 == 0"),
            ("memory of the first process", "refused(lambda: os.pread(os.open('/proc/1/mem', os.O_RDONLY), 8, 0), 1, 13, 5)"),
            ("the first process's variables", "try: found = read('/proc/1/environ')\n"
             "except PermissionError: found = b''\nassert not [e for e in found.split(b'\\0') if e and b'HOST' not in e "
             "and not e.startswith((b'PATH=', b'HOME='))], found"),
            ("the first process's arguments", "found = read('/proc/1/cmdline')\n"
             "assert HOST['scratch'].encode() not in found and b'--bind' not in found, found"),
            ("the first process's descriptors", "try: fds = os.listdir('/proc/1/fd')\n"
             "except PermissionError: fds = []\n"
             "for fd in fds: assert HOST['home'] not in os.readlink(f'/proc/1/fd/{fd}')"),
            ("keys", "try: found = read('/proc/keys')\nexcept OSError: found = b''\nassert b'hob-canary' not in found"),
            ("the host's processes", "pids = [int(n) for n in os.listdir('/proc') if n.isdigit()]\n"
             "assert len(pids) < 40 and HOST['pid'] not in pids or not read(f\"/proc/{HOST['pid']}/cmdline\")"
             ".count(b'pytest')"),
            ("a process of the host", "assert not os.path.exists(f\"/proc/{HOST['pid']}/root\" + HOST['secret'])"),
            ("the host's unix sockets", "assert HOST['home'].encode() not in read('/proc/net/unix')"),
            ("the host's connections", "assert f\"{HOST['port']:04X}\".encode() not in read('/proc/net/tcp')"),
        ],
    ),
]  # fmt: skip

# What Docker masks by itself, and cannot be told to mask more by its command line.
_MASKED_BY_DOCKER = ("acpi", "asound", "keys", "sched_debug", "scsi", "timer_list")


def _tells_nothing(name: str) -> Case:
    async def attack(arena: Arena) -> None:
        if arena.target.backend == "docker" and name not in _MASKED_BY_DOCKER:
            return
        told = await arena.shell(f"head -c 100 /proc/{name} 2>/dev/null; ls -A /proc/{name}/ 2>/dev/null")
        assert told.text == "", told.text

    return Case("proc", f"what {name} tells of the host", attack, _read_processors)


async def _read_processors(arena: Arena) -> None:
    told = await arena.shell(
        "grep -c ^processor /proc/cpuinfo; head -c 8 /proc/meminfo; cat /proc/sys/kernel/osrelease"
    )
    assert int(told.text.split()[0]) > 0 and "MemTotal" in told.text


HOST_FACTS = [
    _tells_nothing(name)
    for name in (
        *("cmdline", "config.gz", "kallsyms", "modules", "keys", "timer_list", "partitions", "swaps"),
        *("diskstats", "interrupts", "iomem", "bus", "fs", "irq", "scsi", "acpi"),
    )
]

CASES: list[Case] = [*READING, *WRITING, *DEVICES, *PROC, *HOST_FACTS]

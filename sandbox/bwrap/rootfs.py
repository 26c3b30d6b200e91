"""What a sandbox's root consists of: the host's /usr, generated files for /etc, and the policy's mounts."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from sandbox.spec import WORKSPACE, Mount, SandboxUnavailable

UID = 1000
HOME = "/tmp/home"
OUTPUT = "/output"  # the whole of outputs that were too long to be handed back
ENV = {"HOME": HOME, "USER": "hob", "LANG": "C.UTF-8", "TERM": "dumb", "TMPDIR": "/tmp"}

ETC = {
    "passwd": f"root:x:0:0:root:/nonexistent:/usr/sbin/nologin\nhob:x:{UID}:{UID}:Hob:{HOME}:/bin/sh\n"
    "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
    "group": f"root:x:0:\nhob:x:{UID}:\nnogroup:x:65534:\n",
    "hosts": "127.0.0.1 localhost sandbox\n::1 localhost sandbox\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\nservices: files\nprotocols: files\n",
    "resolv.conf": "",
    "hostname": "sandbox\n",
    "gitconfig": "[init]\n\tdefaultBranch = main\n[user]\n\tname = Hob\n\temail = hob@localhost\n"
    "[advice]\n\tdetachedHead = false\n",
}
# Debian keeps parts of its programs' own data in /etc; none of it is about the host. Small files are copied:
# every mount makes every command slower.
_COPIED = ("ld.so.cache", "mime.types", "protocols", "services", "ssl/openssl.cnf")
_BOUND = ("alternatives", "ssl/certs", "pki/ca-trust/extracted", "java-*")
_TAKEN = (WORKSPACE[1:], OUTPUT[1:], "proc", "dev", "sys", "tmp", "usr")
_TOP_LEVEL = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """``binds`` are (source, path below the root, may owners be translated); such paths are relative."""

    dirs: tuple[str, ...]
    links: tuple[tuple[str, str], ...]
    files: tuple[tuple[str, str], ...]
    copies: tuple[tuple[str, str], ...]
    binds: tuple[tuple[str, str, bool], ...]


def plan(mounts: tuple[Mount, ...], output: Path) -> Root:
    """The root for a policy with these mounts; ``output`` is shown as OUTPUT.

    Raises SandboxUnavailable when a mount is impossible.
    """
    links, binds = [], [("/usr", "usr", False)]
    for name in _TOP_LEVEL:
        top = Path("/", name)
        if top.is_symlink():
            links.append((str(top.readlink()), name))
        elif top.is_dir():
            binds.append((str(top), name, False))
    for pattern in _BOUND:
        binds += [(str(path), str(path)[1:], False) for path in sorted(Path("/etc").glob(pattern))]
    binds += [bind(mount) for mount in mounts]
    binds.append((str(output), OUTPUT[1:], False))
    return Root(
        dirs=("usr", "etc/ssl", "opt", "proc", "dev", "tmp", WORKSPACE[1:]),
        links=(*links, ("/usr/share/zoneinfo/UTC", "etc/localtime")),
        files=tuple((f"etc/{name}", text) for name, text in ETC.items()),
        copies=tuple(
            (f"/etc/{name}", f"etc/{name}") for name in _COPIED if os.access(f"/etc/{name}", os.R_OK)
        ),
        binds=tuple(binds),
    )


def bind(mount: Mount) -> tuple[str, str, bool]:
    """(source, path below the root, owners may be translated). Raises SandboxUnavailable."""
    target = os.path.normpath(mount.target)
    inside = tuple(Path(target).parts[1:])
    if target != mount.target.rstrip("/") or not inside or inside[0] in _TAKEN:
        raise SandboxUnavailable(
            f"{mount.target!r} cannot be a mount's target",
            "give an absolute path outside the workspace, /usr, /tmp, /proc and /dev, such as /opt/name",
        )
    if not mount.source.exists():
        raise SandboxUnavailable(
            f"{mount.source} is not there", "the policy mounts it: create it or leave it out"
        )
    return str(mount.source), target[1:], True

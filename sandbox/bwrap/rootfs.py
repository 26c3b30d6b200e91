"""What a sandbox's root consists of: the host's /usr, generated files for /etc, and the policy's mounts."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from sandbox.layout import ETC, OUTPUT, check_mount
from sandbox.spec import WORKSPACE, Mount

# Debian keeps parts of its programs' own data in /etc; none of it is about the host. Small files are copied:
# every mount makes every command slower.
_COPIED = ("ld.so.cache", "mime.types", "protocols", "services", "ssl/openssl.cnf")
_BOUND = ("alternatives", "ssl/certs", "pki/ca-trust/extracted", "java-*")
_TOP_LEVEL = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """``binds`` are (source, path below the root, may owners be translated); such paths are relative."""

    dirs: tuple[str, ...]
    links: tuple[tuple[str, str], ...]
    files: tuple[tuple[str, str], ...]
    copies: tuple[tuple[str, str], ...]
    binds: tuple[tuple[str, str, bool], ...]


def plan_root(mounts: tuple[Mount, ...], output: Path) -> Root:
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
    binds += [(*check_mount(mount), True) for mount in mounts]
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

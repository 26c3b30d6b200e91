"""What every backend shows inside: paths, environment variables, files of /etc, targets of mounts."""

from __future__ import annotations

import os
from pathlib import Path

from sandbox.spec import WORKSPACE, Mount, SandboxUnavailable

UID = 1000
HOME = "/tmp/home"
OUTPUT = "/output"  # here are the files with whole outputs of which a result has only head and tail
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
_TAKEN = (WORKSPACE[1:], OUTPUT[1:], "proc", "dev", "sys", "tmp", "usr")


def check_mount(mount: Mount) -> tuple[str, str]:
    """(source, path below the root) of a policy's mount. Raises SandboxUnavailable when it is impossible."""
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
    return str(mount.source), target[1:]

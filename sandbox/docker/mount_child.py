"""The program that ``host_workspace.py`` runs to mount a workspace; it ends at once."""

from __future__ import annotations

import json
import os

from sandbox.keeper import kernel
from sandbox.keeper.stage import new_user_namespace

_FLAGS = kernel.MS_NOSUID | kernel.MS_NODEV


def main(plan_json: str) -> None:
    """Mount a plan's layers and overlay below its ``top``; an OSError ends the process with a traceback."""
    plan = json.loads(plan_json)
    top, uid, size = plan["top"], plan["uid"], plan["size"]
    options = f"mode=700,size={size},nr_inodes={max(1024, size // 4096)}"
    kernel.mount("tmpfs", top, "tmpfs", _FLAGS, options)
    kernel.mount("none", top, "", kernel.MS_PRIVATE)
    os.chdir(top)
    identity = new_user_namespace(uid)
    names = [f"l{number}" for number in range(len(plan["layers"]))]
    for name, layer in zip(names, plan["layers"], strict=True):
        os.mkdir(name)
        kernel.bind_with_ids(layer, name, identity, read_only=True)
    for name in ("upper", "work", "workspace"):
        os.mkdir(name, 0o755)
        os.chown(name, uid, uid)
    overlay = f"lowerdir={':'.join(names)},upperdir=upper,workdir=work,"
    overlay += "index=off,metacopy=off,redirect_dir=nofollow,xino=off"
    kernel.mount("overlay", "workspace", "overlay", _FLAGS, overlay)

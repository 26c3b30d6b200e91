"""One sandbox as a container: the client's words for making it and for running a command in it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox import seccomp
from sandbox.bwrap import rootfs
from sandbox.docker.engine import LABEL, owner_label
from sandbox.spec import WORKSPACE, Command, Policy, PolicyUnmet

_SPARE_PROCESSES = (
    12  # the two that stay, the shell around a command, and the engine's own while it starts one
)
_REFERENCE = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._:/@-]{0,254}")

# Starts a command and, when its first process is over, ends all others of the user.
_AROUND = 'cd -- "$1" || exit 126; shift; "$@" {merged}; code=$?; kill -9 -1 2>/dev/null; exit $code'


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a container's parts are on the host. ``workspace`` is a bind's or a volume's ``type=,src=``."""

    name: str
    files: Path
    workspace: str
    output: Path
    uid: int
    keeper_uid: int
    volumes: tuple[str, ...] = ()


def checked_image(name: str) -> str:
    """The name, when it can be one. Raises PolicyUnmet."""
    if not name:
        raise PolicyUnmet("no image is named", "the policy needs one, such as python:3.13")
    if not _REFERENCE.fullmatch(name):
        raise PolicyUnmet(f"{name!r} is not the name of an image", "write it as in `docker pull`")
    return name


def declared_volumes(image: dict[str, Any]) -> tuple[str, ...]:
    """Where an image asks for volumes, which would be unbounded: each is covered by a sized tmpfs instead.

    Raises PolicyUnmet for one inside the workspace, where nothing is ever mounted.
    """
    found = []
    for target in sorted((image.get("Config") or {}).get("Volumes") or ()):
        path = os.path.normpath(target)
        if path.startswith(f"{WORKSPACE}/") or not path.startswith("/") or set(":,\n") & set(path):
            raise PolicyUnmet(f"the image declares a volume at {target!r}", "use another image")
        if path not in (WORKSPACE, "/tmp", "/", "/sys", rootfs.OUTPUT):
            found.append(path)
    return tuple(found)


def write_files(folder: Path, uid: int) -> None:
    """What a container sees of /etc beside its image's own, and the filter."""
    folder.mkdir(mode=0o755)
    passwd = f"root:x:0:0:root:/nonexistent:/bin/false\nhob:x:{uid}:{uid}:Hob:{rootfs.HOME}:/bin/sh\n"
    files = {
        "passwd": passwd,
        "group": f"root:x:0:\nhob:x:{uid}:\n",
        "resolv.conf": "",
        "hosts": rootfs.ETC["hosts"],
        "gitconfig": rootfs.ETC["gitconfig"],
    }
    for name, text in files.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o644)
    (folder / "seccomp.json").write_text(seccomp.docker_profile())


def creation(place: Place, policy: Policy) -> list[str]:
    """``docker run`` for a container in which nothing runs yet but a sleeping process of another user."""
    words = [
        "run",
        "--detach",
        "--pull",
        "never",
        "--name",
        place.name,
        "--label",
        f"{LABEL}={owner_label()}",
    ]
    words += _confinement(place) + _ceilings(policy, place.uid)
    words += ["--mount", f"{place.workspace},dst={WORKSPACE}"]
    for target in place.volumes:
        words += ["--tmpfs", f"{target}:rw,nosuid,nodev,size={policy.limits.tmp_bytes},nr_inodes=4096"]
    shown = [(place.files / name, f"/etc/{name}") for name in ("passwd", "group", "resolv.conf", "hosts")]
    shown += [(place.files / "gitconfig", "/etc/gitconfig"), (place.output, rootfs.OUTPUT)]
    shown += [(Path(source), f"/{target}") for source, target, _ in map(rootfs.bind, policy.mounts)]
    for source, target in shown:
        words += ["--mount", _field("type=bind", f"src={source}", f"dst={target}", "readonly")]
    user = f"{place.keeper_uid}:{place.keeper_uid}"
    words += ["--user", user, "--init", "--workdir", "/", "--entrypoint", "sleep"]
    return [*words, checked_image(policy.image), "2147483647"]


def execution(place: Place, policy: Policy, command: Command) -> list[str]:
    """``docker exec`` for one command."""
    user = f"{place.uid}:{place.uid}"
    words = ["exec", "--user", user, *(("--interactive",) if command.stdin else ())]
    env = {**rootfs.ENV, "PATH": ":".join(policy.path), **dict(policy.env), **dict(command.env)}
    for name, value in env.items():
        words += ["--env", f"{name}={value}"]
    around = _AROUND.format(merged="" if command.split_stderr else "2>&1")
    return [*words, place.name, "/bin/sh", "-c", around, "sh", command.cwd, *command.argv]


def _confinement(place: Place) -> list[str]:
    words = ["--network", "none", "--read-only", "--cap-drop", "ALL", "--ipc", "private"]
    words += ["--security-opt", "no-new-privileges"]
    words += ["--security-opt", f"seccomp={place.files / 'seccomp.json'}"]
    words += ["--cgroupns", "private", "--hostname", "sandbox", "--log-driver", "none", "--restart", "no"]
    return [*words, "--no-healthcheck", "--tmpfs", "/sys:ro,size=4k,nr_inodes=64,mode=555"]


def _ceilings(policy: Policy, uid: int) -> list[str]:
    limits = policy.limits
    words = ["--memory", str(limits.memory_bytes), "--memory-swap", str(limits.memory_bytes)]
    words += ["--pids-limit", str(limits.processes + _SPARE_PROCESSES), "--oom-score-adj", "900"]
    words += ["--cpus", f"{min(limits.cpus, os.cpu_count() or 1):.2f}"]
    words += ["--shm-size", str(limits.shm_bytes)]
    inodes = max(1024, limits.tmp_bytes // 4096)
    options = f"rw,nosuid,nodev,exec,size={limits.tmp_bytes},nr_inodes={inodes},mode=1777"
    words += ["--tmpfs", f"/tmp:{options},uid={uid},gid={uid}"]
    rlimits = {
        "core": 0,
        "fsize": limits.file_bytes,
        "nofile": limits.open_files,
        "memlock": 8 << 20,
        "msgqueue": 819200,
        "cpu": limits.cpu_seconds,
    }
    for name, value in rlimits.items():
        words += ["--ulimit", f"{name}={value}:{value}"]
    return words


def _field(*fields: str) -> str:
    """A mount's fields as the client reads them: as CSV. Raises PolicyUnmet for a path it cannot."""
    if any(set(',"\n') & set(each) for each in fields):
        raise PolicyUnmet(f"a path that Docker cannot mount: {fields}", "rename it")
    return ",".join(fields)

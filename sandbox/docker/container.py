"""One sandbox as a container: the client's arguments for making it and for running a command in it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox import layout, seccomp
from sandbox.docker.engine import LABEL, owner_label
from sandbox.spec import WORKSPACE, Command, Policy, PolicyUnmet

_SPARE_PROCESSES = (
    12  # the two that stay, the shell around a command, and the engine's own while it starts one
)
_REFERENCE = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._:/@-]{0,254}")

# Starts a command and, when its first process is over, ends all others of the user.
_SHELL_SCRIPT = 'cd -- "$1" || exit 126; shift; "$@" {merged}; code=$?; kill -9 -1 2>/dev/null; exit $code'


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerPlan:
    """A container's name, users and parts on the host; ``workspace`` is a mount's ``type=,src=``."""

    name: str
    files: Path
    workspace: str
    output: Path
    uid: int
    keeper_uid: int
    volumes: tuple[str, ...] = ()


def check_image(name: str) -> str:
    """The name of an image, unchanged. Raises PolicyUnmet when it is not a valid name."""
    if not name:
        raise PolicyUnmet("no image is named", "the policy needs one, such as python:3.13")
    if not _REFERENCE.fullmatch(name):
        raise PolicyUnmet(f"{name!r} is not the name of an image", "write it as in `docker pull`")
    return name


def list_volumes(image: dict[str, Any]) -> tuple[str, ...]:
    """The paths at which an image asks for volumes; they would be unbounded, so a sized tmpfs covers each.

    Raises PolicyUnmet for one inside the workspace, where nothing is ever mounted.
    """
    found = []
    for target in sorted((image.get("Config") or {}).get("Volumes") or ()):
        path = os.path.normpath(target)
        if path.startswith(f"{WORKSPACE}/") or not path.startswith("/") or set(":,\n") & set(path):
            raise PolicyUnmet(f"the image declares a volume at {target!r}", "use another image")
        if path not in (WORKSPACE, "/tmp", "/", "/sys", layout.OUTPUT):
            found.append(path)
    return tuple(found)


def write_files(folder: Path, uid: int) -> None:
    """Write into ``folder`` the files of /etc that replace the image's own, and the system call filter."""
    folder.mkdir(mode=0o755)
    passwd = f"root:x:0:0:root:/nonexistent:/bin/false\nhob:x:{uid}:{uid}:Hob:{layout.HOME}:/bin/sh\n"
    files = {
        "passwd": passwd,
        "group": f"root:x:0:\nhob:x:{uid}:\n",
        "resolv.conf": "",
        "hosts": layout.ETC["hosts"],
        "gitconfig": layout.ETC["gitconfig"],
    }
    for name, text in files.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o644)
    (folder / "seccomp.json").write_text(seccomp.render_docker_profile())


def run_arguments(plan: ContainerPlan, policy: Policy) -> list[str]:
    """``docker run`` for a container in which nothing runs yet but a sleeping process of another user."""
    arguments = [
        "run",
        "--detach",
        "--pull",
        "never",
        "--name",
        plan.name,
        "--label",
        f"{LABEL}={owner_label()}",
    ]
    arguments += _confinement_options(plan) + _limit_options(policy, plan.uid)
    arguments += ["--mount", f"{plan.workspace},dst={WORKSPACE}"]
    for target in plan.volumes:
        arguments += ["--tmpfs", f"{target}:rw,nosuid,nodev,size={policy.limits.tmp_bytes},nr_inodes=4096"]
    mounts = [(plan.files / name, f"/etc/{name}") for name in ("passwd", "group", "resolv.conf", "hosts")]
    mounts += [(plan.files / "gitconfig", "/etc/gitconfig"), (plan.output, layout.OUTPUT)]
    mounts += [(Path(source), f"/{target}") for source, target in map(layout.check_mount, policy.mounts)]
    for source, target in mounts:
        arguments += ["--mount", _mount_option("type=bind", f"src={source}", f"dst={target}", "readonly")]
    user = f"{plan.keeper_uid}:{plan.keeper_uid}"
    arguments += ["--user", user, "--init", "--workdir", "/", "--entrypoint", "sleep"]
    return [*arguments, check_image(policy.image), "2147483647"]


def exec_arguments(plan: ContainerPlan, policy: Policy, command: Command) -> list[str]:
    """``docker exec`` for one command."""
    user = f"{plan.uid}:{plan.uid}"
    arguments = ["exec", "--user", user, *(("--interactive",) if command.stdin else ())]
    env = {**layout.ENV, "PATH": ":".join(policy.path), **dict(policy.env), **dict(command.env)}
    for name, value in env.items():
        arguments += ["--env", f"{name}={value}"]
    script = _SHELL_SCRIPT.format(merged="" if command.split_stderr else "2>&1")
    return [*arguments, plan.name, "/bin/sh", "-c", script, "sh", command.cwd, *command.argv]


def _confinement_options(plan: ContainerPlan) -> list[str]:
    arguments = ["--network", "none", "--read-only", "--cap-drop", "ALL", "--ipc", "private"]
    arguments += ["--security-opt", "no-new-privileges"]
    arguments += ["--security-opt", f"seccomp={plan.files / 'seccomp.json'}"]
    arguments += ["--cgroupns", "private", "--hostname", "sandbox", "--log-driver", "none", "--restart", "no"]
    return [*arguments, "--no-healthcheck", "--tmpfs", "/sys:ro,size=4k,nr_inodes=64,mode=555"]


def _limit_options(policy: Policy, uid: int) -> list[str]:
    limits = policy.limits
    arguments = ["--memory", str(limits.memory_bytes), "--memory-swap", str(limits.memory_bytes)]
    arguments += ["--pids-limit", str(limits.processes + _SPARE_PROCESSES), "--oom-score-adj", "900"]
    arguments += ["--cpus", f"{min(limits.cpus, os.cpu_count() or 1):.2f}"]
    arguments += ["--shm-size", str(limits.shm_bytes)]
    inodes = max(1024, limits.tmp_bytes // 4096)
    options = f"rw,nosuid,nodev,exec,size={limits.tmp_bytes},nr_inodes={inodes},mode=1777"
    arguments += ["--tmpfs", f"/tmp:{options},uid={uid},gid={uid}"]
    rlimits = {
        "core": 0,
        "fsize": limits.largest_file,
        "nofile": limits.open_files,
        "memlock": 8 << 20,
        "msgqueue": 819200,
        "cpu": limits.cpu_seconds,
    }
    for name, value in rlimits.items():
        arguments += ["--ulimit", f"{name}={value}:{value}"]
    return arguments


def _mount_option(*fields: str) -> str:
    """A mount's fields as CSV, which is how the client reads them. Raises PolicyUnmet for odd characters."""
    if any(set(',"\n') & set(each) for each in fields):
        raise PolicyUnmet(f"a path that Docker cannot mount: {fields}", "rename it")
    return ",".join(fields)

"""A Docker engine for tests: the host's own where one answers, or Debian's docker.io started beside it.

No image can be pulled in a test, so one is made of this machine's own files: a shell, the core programs,
Python with its library, and what they link to.
"""

from __future__ import annotations

import grp
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HOSTS_OWN = os.environ.get("HOB_TEST_ENGINE", "unix:///var/run/docker.sock")
IMAGE = "hob-attack:2"
_SEARCH = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
_PROGRAMS = (
    *("sh", "bash", "cat", "ls", "head", "tail", "sleep", "true", "false", "echo", "printf", "env", "id"),
    *("mkdir", "rm", "rmdir", "ln", "cp", "mv", "chmod", "touch", "stat", "seq", "wc", "sort", "yes", "tee"),
    *("setsid", "nohup", "mknod", "mkfifo", "grep", "sed", "kill", "timeout", "python3", "git", "dd", "tr"),
)


def is_answering(engine: str) -> bool:
    """An engine takes questions at this address."""
    if shutil.which("docker", path=_SEARCH) is None:
        return False
    return _docker(engine, "version", "--format", "{{.Server.Version}}", check=False).returncode == 0


@contextmanager
def start_engine(folder: Path, group: int = 0) -> Iterator[str]:
    """Debian's engine with all its state below ``folder``; its address. Needs root and docker.io."""
    socket = f"unix://{folder}/docker.sock"
    command = ["dockerd", "-H", socket, "--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec"]
    command += ["--pidfile", f"{folder}/pid", "--bridge=none", "--iptables=false", "--ip6tables=false"]
    command += ["--group", str(group), "--log-level", "error"]
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711)
    with (folder / "log").open("wb") as log:
        daemon = subprocess.Popen(command, env={"PATH": _SEARCH}, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 60
        while not is_answering(socket):
            if daemon.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("dockerd does not start: " + (folder / "log").read_text()[-2000:])
            time.sleep(0.2)
        yield socket
    finally:
        daemon.terminate()
        daemon.wait(30)


def make_image(engine: str) -> str:
    """The name of the image, made first where the engine does not have it."""
    if _docker(engine, "image", "inspect", IMAGE, check=False).returncode:
        _docker(engine, "import", "-", IMAGE, stdin=_archive())
    return IMAGE


def docker_group() -> int:
    """The group that may talk to the engine that ``start_engine`` starts."""
    try:
        return grp.getgrnam("docker").gr_gid
    except KeyError:
        return 0


def _docker(
    engine: str, *words: str, stdin: bytes = b"", check: bool = True
) -> subprocess.CompletedProcess[bytes]:
    command = ["docker", "-H", engine, *words]
    return subprocess.run(command, input=stdin, capture_output=True, check=check, env={"PATH": _SEARCH})


def _archive() -> bytes:
    """A root file system as a tar file."""
    files = {Path(found).resolve() for name in _PROGRAMS if (found := shutil.which(name, path=_SEARCH))}
    links = {f"usr/bin/{name}": found for name in _PROGRAMS if (found := shutil.which(name, path=_SEARCH))}
    system = Path(links["usr/bin/python3"]).resolve()
    library = Path("/usr/lib", system.name)
    trees = [library, Path("/usr/lib/git-core/git")]
    modules = [*library.rglob("*.so"), *Path(sys.base_prefix, "lib").rglob("lib-dynload/*.so")]
    own = [Path(sys.executable).resolve(), *Path(sys.prefix, "bin").glob("rg")]
    for program in (*files, *modules, *own):
        files |= _find_libraries(program)
    files |= {path for tree in trees for path in (tree.rglob("*") if tree.is_dir() else [tree])}
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for name in ("bin", "sbin", "lib", "lib64"):
            _link(tar, name, f"usr/{name}")
        for name in ("tmp", "workspace", "etc", "proc", "sys", "dev", "opt", "root", "home"):
            _folder(tar, name)
        for name, target in links.items():
            if Path(target).resolve() != Path("/", name):
                _link(tar, name, str(Path(target).resolve()))
        for path in sorted(files):
            if path.is_file() and "/test/" not in str(path) and "__pycache__" not in str(path):
                tar.add(path, str(path)[1:], recursive=False)
    return file.getvalue()


def _find_libraries(program: Path) -> set[Path]:
    """The shared libraries of a program, below the names that it asks for."""
    told = subprocess.run(["ldd", program], capture_output=True, text=True).stdout
    found = re.findall(r"(?:=> |^\s+)(/\S+) \(0x", told, re.MULTILINE)
    merged = {Path("/usr", path[1:]) if not path.startswith("/usr") else Path(path) for path in found}
    merged = {path for path in merged if not str(path).startswith(sys.base_prefix)}
    mine = () if program.is_relative_to(sys.prefix) else (program,)
    return merged | {path.resolve() for path in merged} | {*mine}


def _link(tar: tarfile.TarFile, name: str, target: str) -> None:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, target
    tar.addfile(info)


def _folder(tar: tarfile.TarFile, name: str) -> None:
    info = tarfile.TarInfo(name)
    info.type, info.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
    tar.addfile(info)

"""The interpreter and test tools mounted into a sandbox: Hob's own Python, pytest, coverage, ripgrep.

Parsers (tree-sitter and its grammars) lie in a folder that no interpreter searches by itself, so that a
repository's tests see no package that is not there for them.

What is shown comes from Hob's own environment, file by file as its package records list them: no network,
and the versions are those that Hob was tested with. Files are linked where they lie on the same file system:
they are mounted read-only, and whoever could change them there could change Hob itself.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import sys
import sysconfig
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

from sandbox.layers.store import LayerStore
from sandbox.spec import Mount, SandboxUnavailable

PYTHON = "/opt/python"
VENV = "/opt/hob/venv"
BIN = "/opt/hob/bin"

_WANTED = ("pytest", "coverage")
PARSERS = ("tree-sitter", *(f"tree-sitter-{name}" for name in (
    "python", "javascript", "typescript", "go", "rust", "java", "c", "cpp", "c-sharp", "ruby", "php",
)))  # fmt: skip
_LAUNCHER = "#!{venv}/bin/python\nimport sys\nfrom {module} import {name}\nsys.exit({name}())\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolchain:
    """The mounts and environment that make ``python``, ``pytest``, ``coverage`` and ``rg`` available."""

    mounts: tuple[Mount, ...]
    path: tuple[str, ...]
    env: tuple[tuple[str, str], ...]


def build_toolchain(root: Path) -> Toolchain:
    """Build the running interpreter's toolchain as a layer below ``root``, or reuse it. Blocking; slow once.

    Raises SandboxUnavailable when a package that it copies is not installed.
    """
    base = Path(sys.base_prefix).resolve()
    inside = base.is_relative_to("/usr")
    python = str(base) if inside else PYTHON
    packages, parsers = _collect_dependencies(_WANTED), _collect_dependencies(PARSERS)
    key = _compute_key((*packages, *parsers), python)
    layer = LayerStore(root).layer_now(key, lambda into: _build(into, packages, parsers, python))
    mounts = [
        Mount(source=layer / "venv", target=VENV),
        Mount(source=layer / "bin", target=BIN),
    ]
    env = [("PYTHONDONTWRITEBYTECODE", "1"), ("VIRTUAL_ENV", VENV)]
    if not inside:
        mounts.append(Mount(source=base, target=PYTHON))
        if sysconfig.get_config_var("Py_ENABLE_SHARED"):
            env.append(("LD_LIBRARY_PATH", f"{PYTHON}/lib"))
    return Toolchain(
        mounts=tuple(mounts),
        path=(f"{VENV}/bin", BIN, "/usr/local/bin", "/usr/bin", "/bin"),
        env=tuple(env),
    )


@cache
def _collect_dependencies(names: tuple[str, ...]) -> tuple[metadata.Distribution, ...]:
    """These packages and what they need on this interpreter, sorted by name; read once in a process."""
    found: dict[str, metadata.Distribution] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        key = re.sub(r"[-_.]+", "-", name).lower()
        if key in found:
            continue
        try:
            found[key] = metadata.distribution(name)
        except metadata.PackageNotFoundError as error:
            raise SandboxUnavailable(
                f"{name} is not installed", "install Hob with its dependencies again"
            ) from error
        waiting += [needed for line in found[key].requires or () if (needed := _find_applicable_name(line))]
    return tuple(found[key] for key in sorted(found))


def _find_applicable_name(requirement: str) -> str:
    """The name in a requirement line, or nothing when its marker leaves it out here."""
    from packaging.requirements import Requirement

    parsed = Requirement(requirement)
    return parsed.name if parsed.marker is None or parsed.marker.evaluate({"extra": ""}) else ""


@cache
def _compute_key(packages: tuple[metadata.Distribution, ...], python: str) -> str:
    versions = [f"{package.name}=={package.version}" for package in packages]
    digest = hashlib.sha256("\n".join([sys.version, sys.base_prefix, python, sys.prefix, *versions]).encode())
    return f"toolchain-2-{digest.hexdigest()[:24]}"


def _build(
    into: Path,
    packages: tuple[metadata.Distribution, ...],
    parsers: tuple[metadata.Distribution, ...],
    python: str,
) -> None:
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    venv = into / "venv"
    site = venv / "lib" / version / "site-packages"
    for directory in (site, venv / "bin", into / "bin"):
        directory.mkdir(parents=True)
    for package in packages:
        _copy(package, site)
    for package in parsers:
        _copy(package, venv / "parsers")
    (venv / "pyvenv.cfg").write_text(
        f"home = {python}/bin\ninclude-system-site-packages = false\nversion = {sys.version.split()[0]}\n"
    )
    (venv / "bin" / version).symlink_to(f"{python}/bin/{version}")
    for name in ("python", "python3"):
        (venv / "bin" / name).symlink_to(version)
    for entry in (
        entry for package in packages for entry in package.entry_points.select(group="console_scripts")
    ):
        script = venv / "bin" / entry.name
        script.write_text(_LAUNCHER.format(venv=VENV, module=entry.module, name=entry.attr))
        script.chmod(0o755)
    _copy_ripgrep(into / "bin" / "rg")
    for directory in (into, *(path for path in into.rglob("*") if path.is_dir() and not path.is_symlink())):
        directory.chmod(0o755)


def _copy(package: metadata.Distribution, site: Path) -> None:
    """Copy the package's files that lie in site-packages; its scripts are generated by the caller."""
    for file in package.files or ():
        source = Path(str(file.locate()))
        if ".." in file.parts or not source.is_file():
            continue
        target = site.joinpath(*file.parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        _link_or_copy(source, target)


def _link_or_copy(source: Path, target: Path) -> None:
    """The same file at another place; a copy where the system allows no link, as between file systems."""
    try:
        target.hardlink_to(source.resolve())
    except OSError:
        shutil.copy2(source, target)


def _copy_ripgrep(target: Path) -> None:
    """Copy ``rg`` from the ripgrep wheel, else from the host's PATH. Raises SandboxUnavailable."""
    try:
        files = metadata.distribution("ripgrep").files or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        source = Path(str(file.locate()))
        if file.name == "rg" and source.is_file():
            shutil.copy2(source, target)  # and no link: its mode is changed
            target.chmod(0o755)
            return
    found = shutil.which("rg")
    if found is None:
        raise SandboxUnavailable("ripgrep is not installed", "install it: pip install ripgrep")
    shutil.copy2(Path(found).resolve(), target)

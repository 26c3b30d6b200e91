"""Real projects with a planted bug each: Hob finds and runs their checks, proves the right fix alone.

    make realworld                        # all of benchmarks/realworld.toml, an hour on two cores
    make realworld ARGS="--only toolz"    # some of them
    make realworld ARGS="--write"         # and their rows into the table of docs/realworld.md

The projects are source distributions of PyPI, packages of npm and of Debian, by version and SHA-256, got with
pip, npm and apt-get. A scripted model makes the right fix, then a wrong one; all else is the real thing.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "realworld.md"
CACHE = Path.home() / ".cache" / "hob-realworld"
BEGIN, END = "<!-- table -->", "<!-- end of table -->"
ASK = "A test fails since the last change. Find out why and mend it."
AUTHOR = ("-c", "user.name=Real world", "-c", "user.email=realworld@localhost")


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """One row of realworld.toml.

    ``source`` is pypi, npm or debian; ``folder`` lies in what is unpacked. In ``path`` the bug turns
    ``right`` into ``bug``; the wrong fix turns that into ``wrong``. ``hob`` are lines of .github/hob.yml.
    ``needs`` are packages that its tests need, by version: they are committed with it, as node_modules or as
    wheels in the folder wheelhouse, so that no run depends on a network. ``package`` is what the registry
    calls it, where that is not ``name``. With ``beside``, other packages as "name version SHA-256", they all
    are the npm workspaces packages/* of one repository.
    """

    name: str
    source: str
    version: str
    sha256: str
    shape: str
    path: str
    right: str
    bug: str
    wrong: str
    folder: str = ""
    hob: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    package: str = ""
    beside: tuple[str, ...] = ()

    @property
    def registry_name(self) -> str:
        """What the registry calls it."""
        return self.package or self.name

    def __post_init__(self) -> None:
        if len(self.hob) > 3:
            raise ValueError(f"{self.name}: at most three lines of hob.yml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What came of a project: its checks, how they end on base, and what was said of both fixes."""

    project: Project
    checks: tuple[str, ...]
    base: str
    right: str
    wrong: str
    good: bool


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; the exit code is 0 when every right fix is proved and no wrong one is."""
    parser = argparse.ArgumentParser(description="Real projects with a planted bug each.")
    parser.add_argument("--only", action="append", default=[], help="a project's name; may be repeated")
    parser.add_argument("--write", action="store_true", help="put the rows into docs/realworld.md")
    parser.add_argument("--cache", type=Path, default=CACHE, help="where archives are kept")
    options = parser.parse_args(arguments)
    rows = []
    for project in read_projects():
        if options.only and project.name not in options.only:
            continue
        row = try_project(project, options.cache)
        print(render_row(row), flush=True)
        rows.append(row)
    if options.write:
        write_page(rows)
    good = sum(row.good for row in rows)
    print(f"{good} of {len(rows)} as they should be")
    return 0 if rows and good == len(rows) else 1


def read_projects() -> list[Project]:
    """The rows of realworld.toml."""
    data = tomllib.loads((HERE / "realworld.toml").read_text("utf-8"))
    lists = ("hob", "needs", "beside")
    return [Project(**row | {key: tuple(row.get(key, ())) for key in lists}) for row in data["project"]]


def try_project(project: Project, cache: Path) -> Row:
    """Plant the bug, let both fixes be judged."""
    with tempfile.TemporaryDirectory(prefix="hob-realworld-") as folder:
        root = Path(folder) / project.name.rpartition("/")[2]
        unpack_all(project, cache, root)
        add_needs(project, root)
        plant(project, root)
        right = solve(project, root, project.right, Path(folder))
        wrong = solve(project, root, project.wrong, Path(folder))
    proof = right.get("proof", {})
    checks = proof.get("checks", [])
    return Row(
        project=project,
        checks=tuple(check["command"] for check in checks),
        base="; ".join(describe_result(check["base"]) for check in checks),
        right=judge(right),
        wrong=judge(wrong),
        good=bool(checks) and judge(right) == "proved" and judge(wrong) == "not proved",
    )


def fetch(project: Project, cache: Path) -> Path:
    """The archive, from the cache or from its registry by the registry's own client. Raises ValueError."""
    store = cache / project.sha256
    found = next(store.glob("*"), None) if store.is_dir() else None
    if found is None:
        store.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=store.parent) as folder:
            run(list_fetch_words(project), Path(folder))
            (archive,) = (path for path in Path(folder).iterdir() if path.is_file())
            actual = hashlib.sha256(archive.read_bytes()).hexdigest()
            if actual != project.sha256:
                raise ValueError(f"{project.name}: {archive.name} has the SHA-256 {actual}")
            store.mkdir()
            found = archive.rename(store / archive.name)
    return found


def list_fetch_words(project: Project) -> list[str]:
    """The command that downloads a project's archive into the current folder."""
    name, version = project.registry_name, project.version
    match project.source:
        case "pypi":
            options = ("download", "--quiet", "--no-deps", "--no-binary", ":all:")
            return [sys.executable, "-m", "pip", *options, f"{name}=={version}"]
        case "npm":
            return ["npm", "pack", "--silent", f"{name}@{version}"]
        case "debian":
            return ["apt-get", "download", f"{name}={version}"]
    raise ValueError(f"{name}: no such source: {project.source}")


def unpack_all(project: Project, cache: Path, root: Path) -> None:
    """The project's files at ``root``, as one of several workspaces where others stand beside it."""
    if not project.beside:
        return unpack(project, fetch(project, cache), root)
    (root / "packages").mkdir(parents=True)
    members = [project]
    for words in project.beside:
        name, version, digest = words.split()
        members.append(replace(project, name=name, package="", version=version, sha256=digest, beside=()))
    for member in members:
        unpack(member, fetch(member, cache), root / "packages" / member.registry_name.rpartition("/")[2])
    whole = {"name": project.name, "private": True, "workspaces": ["packages/*"]}
    (root / "package.json").write_text(json.dumps(whole, indent=2) + "\n", "utf-8")
    return None


def unpack(project: Project, archive: Path, into: Path) -> None:
    """The project's files at ``into``."""
    with tempfile.TemporaryDirectory(dir=into.parent) as beside:
        if archive.suffix == ".deb":
            run(["dpkg-deb", "-x", str(archive), beside], into.parent)
            source = Path(beside) / project.folder
        else:
            with tarfile.open(archive) as file:
                file.extractall(beside, filter="data")
            (top,) = Path(beside).iterdir()
            source = top / project.folder
        shutil.copytree(source, into, symlinks=True)


def add_needs(project: Project, root: Path) -> None:
    """The packages that the project's tests need, from its registry, into its tree."""
    if not project.needs:
        return
    if project.source == "npm":
        with tempfile.TemporaryDirectory(dir=root.parent) as beside:  # not the project's other packages too
            run(["npm", "install", "--ignore-scripts", "--silent", *project.needs], Path(beside))
            shutil.move(Path(beside) / "node_modules", root)
    else:
        options = ("--quiet", "--only-binary", ":all:", "--dest", str(root / "wheelhouse"))
        run([sys.executable, "-m", "pip", "download", *options, *project.needs], root)


def plant(project: Project, root: Path) -> None:
    """One commit with the bug and hob.yml. Raises ValueError when the bug does not fit exactly once."""
    path = root / project.path
    text = path.read_text("utf-8")
    times = text.count(project.right)
    if times != 1:
        raise ValueError(f"{project.name}: {project.path} has the right text {times} times")
    path.write_text(text.replace(project.right, project.bug), "utf-8")
    if project.hob:
        (root / ".github").mkdir(exist_ok=True)
        (root / ".github" / "hob.yml").write_text("".join(f"{line}\n" for line in project.hob), "utf-8")
    run(["git", "init", "--quiet", "--initial-branch=main"], root)
    run(["git", "add", "--all", "--force"], root)
    run(["git", *AUTHOR, "commit", "--quiet", "-m", f"{project.name} {project.version}, changed"], root)


def solve(project: Project, root: Path, text: str, folder: Path) -> dict[str, Any]:
    """What ``hob solve --json`` says of a fix that puts ``text`` in the place of the bug."""
    turns = [
        [{"name": "edit", "args": {"path": project.path, "old": project.bug, "new": text}}],
        [{"name": "finish", "args": {"kind": "changed", "title": "Mend it", "summary": "Mended."}}],
    ]
    script = folder / "script.json"
    script.write_text(json.dumps([{"calls": turn} for turn in turns]), "utf-8")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "bot", "solve", str(root), ASK, "--json", "--attempts", "1"),
            *("--model", f"scripted:{script}"),
        ],
        cwd=HERE.parent,
        env={**os.environ, "PYTHONPATH": str(HERE.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        told: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        print(done.stderr[-2000:], file=sys.stderr)
        return {}
    return told


def judge(told: dict[str, Any]) -> str:
    """ "proved", "not proved", another state of a proof as it is called, or that Hob did not get so far."""
    if not told:
        return "no answer"
    if told["outcome"] != "changed":
        return "not proved"
    state = str(told["proof"]["state"])
    return "not proved" if state in ("fails", "partly") else state


def describe_result(result: dict[str, Any]) -> str:
    """One check's end on base, in words."""
    counts = f"{result['failed']} of {result['passed'] + result['failed']}"
    return f"{counts} fail" if result["passed"] + result["failed"] else str(result["verdict"])


def render_row(row: Row) -> str:
    """A row of the table."""
    project = row.project
    lines = "<br>".join(f"`{line}`" for line in project.hob) or "none"
    checks = "<br>".join(f"`{check}`" for check in row.checks) or "none"
    name = f"{project.name} {project.version} ({project.source})"
    cells = (name, project.shape, lines, checks, row.base, row.right, row.wrong)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def write_page(rows: Sequence[Row], page: Path = PAGE) -> None:
    """The table between the page's marks: these rows, and of other projects those that stand there."""
    head = "| project | what it is | lines of hob.yml | checks found | on base | right fix | wrong fix |"
    before, _, rest = page.read_text("utf-8").partition(BEGIN)
    old, _, after = rest.partition(END)
    stands = {line.split(" ")[1]: line for line in old.strip().splitlines()[2:]}
    stands |= {row.project.name: render_row(row) for row in rows}
    known = [project.name for project in read_projects()]
    table = "\n".join([head, "|---|---|---|---|---|---|---|", *(stands[n] for n in known if n in stands)])
    page.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", "utf-8")


def run(words: Sequence[str], where: Path) -> None:
    """A program to its end. Raises CalledProcessError."""
    subprocess.run(words, cwd=where, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())

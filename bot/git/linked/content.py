"""What a commit points to and does not hold: its submodules at their pinned commits, and content in Git LFS.

It is fetched outside the sandbox, bounded, from the host that the repository itself is on and no other: both
``.gitmodules`` and pointers are the commit author's text. What cannot be fetched stays a gap.

https://git-scm.com/docs/gitmodules, https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from bot.errors import HobError
from bot.git.mirror import Mirror, git_directory

MOST_SUBMODULES = 20
MOST_LFS_FILES = 200
MOST_LFS_BYTES = 256 << 20  # of all files of one commit together
MOST_ATTRIBUTES = 100  # of the files .gitattributes
_ATTRIBUTES = re.compile(r"(?:^|/)\.gitattributes$")
_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n"
    rb"(?:ext-\S+ \S+\n)*oid sha256:([0-9a-f]{64})\nsize (\d{1,15})\n"
)
_SCP = re.compile(r"(?:ssh://)?(?:[\w.-]+@)?([\w.-]+)[:/](?!/)(.+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Submodule:
    """Where a submodule lies, the commit it is pinned to, and its name and address in .gitmodules."""

    path: str
    pin: str
    name: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LfsFile:
    """A path of a commit whose content has this SHA-256 and size in bytes."""

    path: str
    oid: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedSurvey:
    """Which of a commit's submodules and LFS files are here, and the paths of those that are not."""

    modules: tuple[Submodule, ...] = ()
    files: tuple[LfsFile, ...] = ()
    missing_modules: tuple[str, ...] = ()
    missing_files: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """A name for what is here, '' for nothing."""
        here = [*(module.path for module in self.modules), *(file.path for file in self.files)]
        return (
            hashlib.sha256("\0".join(here).encode("utf-8", "surrogateescape")).hexdigest()[:16]
            if here
            else ""
        )


class LinkedContent:
    """The stores for what repositories point to, beside the mirrors."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror
        self._objects = mirror.root / "lfs"

    async def list_submodules(self, repo_id: int, sha: str) -> list[Submodule]:
        """A commit's submodules, in the order of their paths."""
        pins = await self._mirror.list_submodules(repo_id, sha)
        text = await self._mirror.read_file(repo_id, sha, ".gitmodules") if pins else None
        named = _read_gitmodules(text or b"")
        return [
            Submodule(path=path, pin=pin, name=named.get(path, ("", ""))[0], url=named.get(path, ("", ""))[1])
            for path, pin in pins.items()
        ]

    async def list_lfs_files(self, repo_id: int, sha: str) -> list[LfsFile]:
        """A commit's LFS pointers, where a ``.gitattributes`` says that it uses LFS."""
        paths = [path for path in await self._mirror.tree_paths(repo_id, sha) if _ATTRIBUTES.search(path)]
        attributes = await self._mirror.read_files(repo_id, sha, paths[:MOST_ATTRIBUTES])
        if not any(b"filter=lfs" in text for text in attributes.values()):
            return []
        texts = await self._mirror.read_lfs_pointers(repo_id, sha)
        found = ((path, _POINTER.fullmatch(text)) for path, text in texts.items())
        return [
            LfsFile(path=path, oid=match[1].decode("ascii"), size=int(match[2]))
            for path, match in found
            if match
        ]

    async def adopt(self, repo_path: Path, repo_id: int, sha: str) -> None:
        """Take what a repository on disk has of it: its submodules' repositories, and LFS objects."""
        git_dir = await asyncio.to_thread(git_directory, repo_path)
        for module in (await self.list_submodules(repo_id, sha))[:MOST_SUBMODULES]:
            source = git_dir / "modules" / module.name
            if module.name and ".." not in Path(module.name).parts and (source / "HEAD").is_file():
                try:
                    await self._mirror.adopt_as(source, module.pin, _number(repo_id, module.path))
                except HobError:
                    continue
        for file in _bound(await self.list_lfs_files(repo_id, sha)):
            source = git_dir / "lfs" / "objects" / file.oid[:2] / file.oid[2:4] / file.oid
            if source.is_file():
                await asyncio.to_thread(self._keep, file, source)

    async def fetch_submodules(self, repo_id: int, sha: str, url: str, token: str | None) -> None:
        """Fetch each submodule on the repository's own host, without the token first and then with it.

        A private one needs a token that reads it. Raises TimeoutError.
        """
        for module in (await self.list_submodules(repo_id, sha))[:MOST_SUBMODULES]:
            address, number = resolve_address(url, module.url), _number(repo_id, module.path)
            if not address or await self._mirror.resolve(number, module.pin) is not None:
                continue
            for secret in dict.fromkeys((None, token)):
                try:
                    await self._mirror.fetch(
                        number, address, token=secret, refspecs=[f"{module.pin}:refs/hob/pin-{module.pin}"]
                    )
                except HobError:
                    continue
                break

    def keep_all(self, folder: Path, files: Iterable[LfsFile]) -> None:
        """Take downloaded objects, which are named by their SHA-256, from a folder. Blocking."""
        for file in files:
            if (folder / file.oid).is_file():
                self._keep(file, folder / file.oid)

    async def list_wanted_files(self, repo_id: int, sha: str) -> list[LfsFile]:
        """The LFS files of a commit that are not here, as many as may be taken."""
        return _bound(
            file for file in await self.list_lfs_files(repo_id, sha) if not self._place(file).is_file()
        )

    async def survey(self, repo_id: int, sha: str) -> LinkedSurvey:
        """Which submodules and LFS files of a commit are in the stores, and which are not."""
        modules: dict[bool, list[Submodule]] = {True: [], False: []}
        for module in await self.list_submodules(repo_id, sha):
            pinned = await self._mirror.resolve(_number(repo_id, module.path), module.pin)
            modules[pinned is not None].append(module)
        files: dict[bool, list[LfsFile]] = {True: [], False: []}
        for file in await self.list_lfs_files(repo_id, sha):
            files[self._place(file).is_file()].append(file)
        return LinkedSurvey(
            modules=tuple(modules[True]),
            files=tuple(files[True]),
            missing_modules=tuple(module.path for module in modules[False]),
            missing_files=tuple(file.path for file in files[False]),
        )

    async def write(self, repo_id: int, found: LinkedSurvey, into: Path) -> None:
        """Write what was found below ``into`` at its paths, to be laid above the commit's own tree."""
        for module in found.modules:
            with tempfile.TemporaryDirectory(dir=into.parent) as folder:
                tree = Path(folder) / "tree"
                await self._mirror.materialise(_number(repo_id, module.path), module.pin, tree)
                await asyncio.to_thread(_move_tree, tree, into / module.path)
        for file in found.files:
            target = into / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            await asyncio.to_thread(shutil.copyfile, self._place(file), target)
            target.chmod(0o644)

    def _place(self, file: LfsFile) -> Path:
        return self._objects / file.oid[:2] / file.oid

    def _keep(self, file: LfsFile, source: Path) -> None:
        """Copy an object into the store when it is what its name says."""
        target = self._place(file)
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as beside:
            digest = hashlib.sha256()
            with source.open("rb") as data:
                while piece := data.read(1 << 20):
                    digest.update(piece)
                    beside.write(piece)
        if digest.hexdigest() == file.oid:
            Path(beside.name).replace(target)
        else:
            Path(beside.name).unlink()


def resolve_address(base: str, url: str) -> str:
    """Where a submodule is fetched from: an address on the host of ``base``; '' where it is on another.

    Relative addresses begin at ``base``; ssh's are read as the same repository over HTTP.
    """
    home = urlsplit(base)
    if url.startswith(("./", "../")):
        address = urljoin(f"{base.rstrip('/')}/", url)
    elif "://" in url and not url.startswith("ssh://"):
        address = url
    else:
        found = _SCP.fullmatch(url)
        address = f"{home.scheme}://{found[1]}/{found[2]}" if found else ""
        address = address.replace(f"://{home.hostname}/", f"://{home.netloc}/", 1)
    parts = urlsplit(address)
    same = (parts.scheme, parts.netloc) == (home.scheme, home.netloc)
    return address if same and parts.path.strip("/") and not re.search(r"[\x00-\x20]", address) else ""


def _number(repo_id: int, path: str) -> int:
    """The mirror's number for a submodule; negative, as no number of GitHub's is."""
    return -int(hashlib.sha256(f"{repo_id}:{path}".encode("utf-8", "surrogateescape")).hexdigest()[:15], 16)


def _read_gitmodules(text: bytes) -> Mapping[str, tuple[str, str]]:
    """Name and address by path. git's own syntax, as far as git itself writes it into this file."""
    found: dict[str, tuple[str, str]] = {}
    name, path, url = "", "", ""
    for line in [*text.decode("utf-8", "surrogateescape").splitlines(), '[submodule ""]']:
        section = re.match(r'\s*\[submodule "(.*)"\]', line)
        if section:
            if path:
                found[path] = (name, url)
            name, path, url = section[1], "", ""
        key, equals, value = line.partition("=")
        if equals and key.strip() == "path":
            path = value.strip().strip('"').rstrip("/")
        elif equals and key.strip() == "url":
            url = value.strip().strip('"')
    return found


def _bound(files: Iterable[LfsFile]) -> list[LfsFile]:
    """As many files, in order, as may be taken."""
    kept: list[LfsFile] = []
    left = MOST_LFS_BYTES
    for file in files:
        if len(kept) < MOST_LFS_FILES and file.size <= left:
            kept.append(file)
            left -= file.size
    return kept


def _move_tree(tree: Path, target: Path) -> None:
    shutil.rmtree(tree / ".git")
    target.parent.mkdir(parents=True, exist_ok=True)
    tree.rename(target)

"""Files of a commit's tree as git has them: with their mode, and through symbolic links inside the tree.

The contents API follows a link to a file without reporting that
(https://docs.github.com/en/rest/repos/contents#get-repository-content), so code that is to write a file reads
it here.
"""

from __future__ import annotations

import base64
import binascii
from collections import deque
from dataclasses import dataclass

from bot.errors import UserError
from bot.github.answers import Json, parse
from bot.github.repository import Repository
from bot.text.json_fields import Fields

FILES = (0o100644, 0o100755)
LINK = 0o120000
MOST_LINKS = 8  # on the way to one file
LONGEST_LINK = 4096  # bytes of a link's target


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeFile:
    """A file at its real place: ``path`` has all links resolved, ``mode`` is git's."""

    path: str
    mode: int
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    mode: int
    sha: str
    size: int


class Trees(Repository):
    """Reads trees and blobs."""

    async def read_through(self, tree: str, path: str, *, most_bytes: int) -> TreeFile | None:
        """The file at ``path`` of a tree, links followed; None where there is nothing at ``path``.

        Raises UserError where a link leads out of the repository or to nothing, or what is there is not a
        file or is larger than ``most_bytes``.
        """
        left, at, trees, links = deque(path.split("/")), list[str](), [tree], 0
        while left:
            name = left.popleft()
            if name in ("", "."):
                continue
            if name == "..":
                if not at:
                    raise UserError(f"`{path}` is a link out of the repository")
                at.pop()
                trees.pop()
                continue
            entry = (await self._list(trees[-1])).get(name)
            if entry is None:
                if links:
                    raise UserError(f"`{path}` is a link to `{'/'.join([*at, name])}`, which is not there")
                return None
            if entry.mode == LINK:
                links += 1
                target = (await self._read(entry, path, LONGEST_LINK)).decode("utf-8", "surrogateescape")
                if links > MOST_LINKS or target.startswith("/"):
                    where = "out of the repository" if links <= MOST_LINKS else "that leads in a circle"
                    raise UserError(f"`{path}` is a link {where}")
                left.extendleft(reversed(target.split("/")))
            elif entry.mode in FILES and not left:
                data = await self._read(entry, path, most_bytes)
                return TreeFile(path="/".join([*at, name]), mode=entry.mode, data=data)
            elif entry.mode == 0o040000 and any(left):
                at.append(name)
                trees.append(entry.sha)
            else:
                raise UserError(f"`{path}` is no file")
        raise UserError(f"`{path}` is no file")

    async def _list(self, tree: str) -> dict[str, _Entry]:
        """https://docs.github.com/en/rest/git/trees#get-a-tree"""
        found = parse(await self._get("/git/trees/{sha}", sha=tree), "tree", _parse_tree)
        if found is None:
            raise UserError(f"GitHub lists a part of the tree `{tree[:12]}` alone: it is too large")
        return found

    async def _read(self, entry: _Entry, path: str, most_bytes: int) -> bytes:
        """https://docs.github.com/en/rest/git/blobs#get-a-blob"""
        if entry.size > most_bytes:
            raise UserError(f"`{path}` is larger than {most_bytes:,} bytes")
        answer: Json = await self._get("/git/blobs/{sha}", sha=entry.sha)
        text = parse(answer, "blob", lambda blob: blob.text("content"))
        try:
            return base64.b64decode(text)
        except binascii.Error:
            raise UserError(f"GitHub's answer about `{path}` is not base64") from None


def _parse_tree(tree: Fields) -> dict[str, _Entry] | None:
    if tree.flag("truncated"):
        return None
    return {
        each.text("path"): _Entry(
            mode=int(each.text("mode"), 8), sha=each.text("sha"), size=each.number("size", 0)
        )
        for each in tree.objects("tree")
    }

"""What is left in the workspace and read by the host: links, special files, names, depth, races."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from sandbox.layers import upper
from sandbox.spec import Entry, EntryKind, MiB, Sandbox
from tests.attack.arena import LIMITS, Arena
from tests.attack.case import Case, Judged


async def _entries(arena: Arena, source: str) -> dict[bytes, Entry]:
    """The entries after a Python program ran in a fresh sandbox; the host's layer is as it was."""
    before = _tree(arena.layer)
    async with arena.fresh() as sandbox:
        ran = await arena.python("import os, socket, stat\n" + source, sandbox)
        assert ran.ok, ran.text[-500:]
        found = _read(sandbox)
    assert _tree(arena.layer) == before, "THE LAYER WAS CHANGED"
    return found


def _read(sandbox: Sandbox) -> dict[bytes, Entry]:
    return {entry.path: entry for entry in sandbox.entries()}


def _tree(top: Path) -> list[tuple[str, int, bytes]]:
    return sorted(
        (str(path), path.lstat().st_mode, path.read_bytes() if path.is_file() else b"")
        for path in top.rglob("*")
    )


def _kept(source: str, path: bytes, kind: EntryKind, *, secret: bool = False) -> Judged:
    """After the program, one path is an entry of a kind; nothing of the host's secret is in any."""

    async def attack(arena: Arena) -> None:
        prelude = f"SECRET = {str(arena.home / 'secret')!r}\n"
        found = await _entries(arena, prelude + source)
        hidden = (arena.home / "secret").read_bytes()
        assert not any(hidden in entry.data for entry in found.values()), "THE SECRET WAS READ"
        assert path in found and found[path].kind is kind, sorted(found)[:10]

    return attack


async def _plain(arena: Arena) -> None:
    """Files, programs, links and deletions come back as they are."""
    source = "open('new', 'w').write('x'); os.chmod('new', 0o755); os.symlink('readme.txt', 'to'); os.remove('pkg/one.py')"
    found = await _entries(arena, source)
    assert (found[b"new"].data, found[b"new"].executable) == (b"x", True)
    assert (found[b"to"].kind, found[b"to"].data) == (EntryKind.LINK, b"readme.txt")
    assert found[b"pkg/one.py"].kind is EntryKind.DELETED


async def _marked_by_itself(arena: Arena) -> None:
    """An overlay's marks that a command sets hide nothing: what it sees there is what the host reads."""
    found = await _entries(
        arena,
        "open('pkg/new', 'w').write('x')\n"
        "for name in ('user.overlay.opaque', 'user.overlay.whiteout', 'user.overlay.redirect'):\n"
        "    for path in ('pkg', 'pkg/deep', 'pkg/new'):\n"
        "        try: os.setxattr(path, name, b'y')\n"
        "        except OSError: pass\n"
        "assert os.path.exists('pkg/one.py') and os.path.exists('pkg/deep/two.py')",
    )
    assert [path for path, entry in found.items() if entry.kind is EntryKind.DELETED] == [], sorted(found)
    assert found[b"pkg/new"].data == b"x"


async def _hard_link(arena: Arena) -> None:
    found = await _entries(arena, "os.link('readme.txt', 'again'); open('again', 'a').write('more')")
    assert found[b"again"].data == b"hello\nmore"


async def _deep(arena: Arena) -> None:
    source = "for n in range(3000):\n    os.mkdir('d'); os.chdir('d')\nopen('end', 'w').write('x')"
    found = await _entries(arena, source)
    assert len(found) == 1 and next(iter(found.values())).kind is EntryKind.SPECIAL


async def _sparse(arena: Arena) -> None:
    """A file with a hole is as big as it looks; together they are left out beyond what a scan may hold."""
    limit = LIMITS.file_bytes
    source = f"for n in range(40): os.truncate(os.open(f's{{n:02}}', os.O_RDWR | os.O_CREAT), {limit})"
    found = await _entries(arena, source)
    held = sum(len(entry.data) for entry in found.values())
    assert held <= upper.TOTAL_BYTES and any(entry.too_big for entry in found.values()), held


async def _modes(arena: Arena) -> None:
    source = "os.mkdir('d'); open('d/f', 'w').write('x'); os.chmod('d/f', 0); os.chmod('d', 0)"
    found = await _entries(arena, source)
    assert found[b"d/f"].data == b"x" and not found[b"d/f"].executable


async def _setuid(arena: Arena) -> None:
    found = await _entries(arena, "open('s', 'w').write('x'); os.chmod('s', 0o6755)")
    assert found[b"s"].executable and found[b"s"].kind is EntryKind.FILE


async def _git(arena: Arena) -> None:
    """What is written below .git stays inside: the host's has no new hook."""
    source = (
        "open('.git/config', 'w').write('[core]\\nfsmonitor = touch /tmp/owned')\n"
        "open('.git/hooks/pre-commit', 'w').write('#!/bin/sh'); os.chmod('.git/hooks/pre-commit', 0o755)"
    )
    await _entries(arena, source)
    assert (arena.layer / ".git" / "config").read_text() == "[core]\n"


async def _git_works(arena: Arena) -> None:
    async with arena.fresh() as sandbox:
        script = "rm -rf .git; git init -q --template= . && git add -A && git -c user.name=a -c user.email=a commit -qm one"
        ran = await arena.shell(f"{script} && git log --oneline | wc -l", sandbox)
    assert ran.text.strip() == "1", ran.text


async def _raced(arena: Arena) -> None:
    """A directory that turns into a link and back while the host reads leads nowhere."""
    outside, top = arena.home / "outside", arena.home / "race"
    for folder in (outside, top / "d", top / "e"):
        folder.mkdir(parents=True)
    (outside / "f").write_text("SECRET")
    (top / "d" / "f").write_text("inside")
    over = threading.Event()
    swapping = threading.Thread(target=_swap, args=(top, outside, over))
    swapping.start()
    fd = os.open(top, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for _ in range(400):
            try:
                found = upper.scan(fd, [], 1 * MiB)
            except OSError:
                continue  # it changed under the reader: an error, never the wrong content
            assert not any(b"SECRET" in entry.data for entry in found), "THE SECRET WAS READ"
    finally:
        over.set()
        swapping.join()
        os.close(fd)


def _swap(top: Path, outside: Path, over: threading.Event) -> None:
    while not over.is_set():
        (top / "d").rename(top / "hidden")
        (top / "d").symlink_to(outside)
        (top / "d").unlink()
        (top / "hidden").rename(top / "d")


_LINKS = {
    "link to a secret": "os.symlink(SECRET, 'l')",
    "link to the root": "os.symlink('/', 'l')",
    "link upwards": "os.symlink('../' * 40 + SECRET[1:], 'l')",
    "link to itself": "os.symlink('l', 'l')",
    "directory replaced by a link": "import shutil; shutil.rmtree('pkg'); os.symlink('/etc', 'l')",
    "file replaced by a link": "os.remove('readme.txt'); os.symlink(SECRET, 'l')",
    "link in a new directory": "os.mkdir('x'); os.symlink(os.path.dirname(SECRET), 'x/y'); os.symlink('x/y', 'l')",
}
_SPECIAL = {
    "fifo": "os.mkfifo('s')",
    "socket": "os.mknod('s', 0o666 | stat.S_IFSOCK)",
    "fifo in the place of a file": "os.remove('readme.txt'); os.mkfifo('s'); os.rename('s', 'readme.txt'); os.mkfifo('s')",
}
_NAMES = {
    "newline in a name": "a\nb",
    "name that is an option": "-rf",
    "name of three dots": "...",
    "name with a backslash": "..\\..\\x",
    "name with quotes": "a'b\"c$(id)`id`",
    "longest name": "n" * 255,
    "name that turns the line": "\u202egpj.exe",
    "name with an escape": "\x1b]8;;x\x07",
}


def _named(name: str) -> Judged:
    source = f"open({name!r}, 'w').write('x')"
    return _kept(source, name.encode(), EntryKind.FILE)


CASES = [
    *(Case("files out", name, _kept(source, b"l", EntryKind.LINK), _plain) for name, source in _LINKS.items()),
    *(Case("files out", name, _kept(source, b"s", EntryKind.SPECIAL), _plain) for name, source in _SPECIAL.items()),
    *(Case("files out", name, _named(spelt), _plain) for name, spelt in _NAMES.items()),
    Case(
        "files out", "name that is not UTF-8",
        _kept("open(b'\\xff\\xfe', 'w').write('x')", b"\xff\xfe", EntryKind.FILE), _plain,
    ),
    Case("files out", "very deep directories", _deep, _plain),
    Case("files out", "sparse files", _sparse, _plain),
    Case("files out", "hard link to a layer's file", _hard_link, _plain),
    Case("files out", "an overlay's marks", _marked_by_itself, _plain),
    Case("files out", "modes that forbid reading", _modes, _plain),
    Case("files out", "setuid bits", _setuid, _plain),
    Case("files out", "hooks and configuration of git", _git, _git_works),
    Case("files out", "swapping while the host reads", _raced, _plain),
]  # fmt: skip

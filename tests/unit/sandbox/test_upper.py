"""What a run touched, read back as entries."""

from __future__ import annotations

import pytest

from sandbox.layers import upper
from sandbox.spec import Entry, EntryKind, Policy
from tests.support.sandbox import SMALL, base_layer, open_base_sandbox, python, shell

FILE, LINK, DELETED, SPECIAL = EntryKind.FILE, EntryKind.LINK, EntryKind.DELETED, EntryKind.SPECIAL


def list_kinds(entries: list[Entry]) -> list[tuple[bytes, EntryKind]]:
    return [(entry.path, entry.kind) for entry in entries]


CASES = {
    "nothing": ("cat readme.txt; ls -R >/dev/null", []),
    "new file": ("echo x > new", [(b"new", FILE)]),
    "new file in an old directory": ("echo x > pkg/new", [(b"pkg/new", FILE)]),
    "changed": ("echo x > readme.txt", [(b"readme.txt", FILE)]),
    "deleted file": ("rm readme.txt", [(b"readme.txt", DELETED)]),
    "deleted directory": ("rm -r pkg", [(b"pkg", DELETED)]),
    "created and deleted": ("touch x; rm x", []),
    "directory made anew": (
        "rm -r pkg; mkdir pkg; echo x > pkg/one.py",
        [(b"pkg/deep", DELETED), (b"pkg/one.py", FILE)],
    ),
    "directory for a file": (
        "rm readme.txt; mkdir readme.txt; echo x > readme.txt/y",
        [(b"readme.txt", DELETED), (b"readme.txt/y", FILE)],
    ),
    "file for a directory": ("rm -r pkg; echo x > pkg", [(b"pkg", FILE)]),
    "renamed file": ("mv readme.txt other", [(b"other", FILE), (b"readme.txt", DELETED)]),
    "renamed directory": (
        "mv pkg lib",
        [(b"lib/deep/two.py", FILE), (b"lib/one.py", FILE), (b"pkg", DELETED)],
    ),
    "link": ("ln -s /etc/passwd l", [(b"l", LINK)]),
    "link for a directory": ("rm -r pkg; ln -s /usr pkg", [(b"pkg", LINK)]),
    "hard link": ("ln readme.txt twin", [(b"readme.txt", FILE), (b"twin", FILE)]),
    "special": ("mkfifo f", [(b"f", SPECIAL)]),
    "empty directory": ("mkdir empty", []),
    "awkward names": (
        "touch \"$(printf 'a\\377\\nb')\" ' ' '*'",
        [(b" ", FILE), (b"*", FILE), (b"a\xff\nb", FILE)],
    ),
    "no right to read": ("mkdir d; echo x > d/f; chmod 0 d/f d", [(b"d/f", FILE)]),
}


@pytest.mark.parametrize("case", CASES)
async def test_entries(tmp_path, case):
    script, expected = CASES[case]
    async with await open_base_sandbox(tmp_path) as sandbox:
        ran = await shell(sandbox, script)
        assert ran.ok, ran.text
        assert list_kinds(sandbox.entries()) == expected


async def test_contents_modes_and_targets(tmp_path):
    async with await open_base_sandbox(tmp_path) as sandbox:
        await shell(
            sandbox, "printf 'a\\0b' > data; chmod 755 data; ln -s ../../../etc/passwd l; chmod +x readme.txt"
        )
        data, link, readme = sandbox.entries()
    assert (data.data, data.executable) == (b"a\0b", True)
    assert link.data == b"../../../etc/passwd"
    assert (readme.data, readme.executable) == (b"hello\n", True)


async def test_only_the_layers_are_compared(tmp_path):
    base_layer(tmp_path)
    (tmp_path / "base" / "trap").symlink_to("/etc")
    async with await open_base_sandbox(tmp_path) as sandbox:
        await shell(sandbox, "rm trap; mkdir trap; echo x > trap/passwd")
        assert list_kinds(sandbox.entries()) == [(b"trap", DELETED), (b"trap/passwd", FILE)]


async def test_what_is_too_big_is_named_without_content(tmp_path, monkeypatch):
    limits = SMALL
    async with await open_base_sandbox(tmp_path, policy=Policy(limits=limits)) as sandbox:
        await shell(
            sandbox, "truncate -s 15M sparse; head -c 1000 /dev/zero > small; head -c 3000 /dev/zero > mid"
        )
        monkeypatch.setattr(upper, "TOTAL_BYTES", 2000)
        found = {entry.path: entry for entry in sandbox.entries()}
    assert not found[b"small"].too_big
    assert found[b"mid"].too_big and not found[b"mid"].data
    assert found[b"sparse"].too_big


async def test_a_tree_deeper_than_any_path(tmp_path):
    deep = "import os\nfor _ in range(1500):\n    os.mkdir('ddddd'); os.chdir('ddddd')\nopen('leaf', 'w')"
    async with await open_base_sandbox(tmp_path) as sandbox:
        assert (await python(sandbox, deep)).ok
        (entry,) = sandbox.entries()
    assert entry.kind is SPECIAL
    assert len(entry.path) < upper.PATH_MAX


async def test_layers_show_in_their_order(tmp_path):
    from sandbox.bwrap.sandbox import open_bwrap

    low, high = base_layer(tmp_path), tmp_path / "high"
    (high / "pkg").mkdir(parents=True)
    (high / "pkg" / "three.py").write_text("3")
    (high / "readme.txt").write_text("higher\n")
    scratch = tmp_path / "scratch"
    async with await open_bwrap(layers=[high, low], policy=Policy(limits=SMALL), scratch=scratch) as sandbox:
        assert (await shell(sandbox, "cat readme.txt; ls pkg")).text.split() == [
            "higher",
            "deep",
            "one.py",
            "three.py",
        ]
        await shell(sandbox, "rm -r pkg; mkdir pkg")
        assert list_kinds(sandbox.entries()) == [
            (b"pkg/" + name, DELETED) for name in (b"deep", b"one.py", b"three.py")
        ]

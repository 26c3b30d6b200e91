"""The unified diff of a change set, and where on it a review comment may stand."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from bot.domain import ChangeKind, ChangeSet, FileChange
from bot.git.diff import diff_between, make_patch, unified_diff
from bot.text.diffs import commentable_lines, diffstat, list_unappliable, split_by_file
from tests.support.git import commit, git, write
from tests.unit.git.test_commit import added, deleted

LINES = "".join(f"line {at}\n" for at in range(1, 41))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("diff")
    commit(
        where,
        {
            "long.txt": LINES,
            "gone.txt": "one\ntwo\n",
            "data.bin": b"\0\1",
            "run.sh": "#!/bin/sh\n",
            "old name.txt": "".join(f"some words {at}\n" for at in range(20)),
            "link": "-> long.txt",
            ".gitattributes": "*.txt binary diff=evil\n",
        },
    )
    return where


def diff_of(root: Path, *files: FileChange) -> str:
    base = git(root, "rev-parse", "HEAD")
    return unified_diff(root / ".git", base, ChangeSet(base=base, files=files))


def modified(path: str, data: bytes, mode: int = 0o100644) -> FileChange:
    return FileChange(path=path, kind=ChangeKind.MODIFIED, mode=mode, data=data)


def test_it_reads_like_gits_and_applies(root: Path, tmp_path: Path) -> None:
    text = LINES.replace("line 20\n", "LINE 20\nline 20b\n").encode()
    diff = diff_of(
        root,
        added("new/file.py", b"a = 1\nb = 2"),
        modified("long.txt", text),
        modified("run.sh", b"#!/bin/sh\n", 0o100755),
        modified("data.bin", b"\0\2"),
        added("out", b"/etc/passwd", 0o120000),
        deleted("gone.txt"),
    )
    for line in (
        "diff --git a/new/file.py b/new/file.py\nnew file mode 100644",
        "deleted file mode 100644",
        "old mode 100644\nnew mode 100755",
        "Binary files a/data.bin and b/data.bin differ",
        "new file mode 120000",
        "@@ -17,7 +17,8 @@ line 16",
        "\\ No newline at end of file",
        "+++ /dev/null",
    ):
        assert line in diff, line
    assert commentable_lines(diff) == {
        "new/file.py": {1, 2},
        "long.txt": set(range(17, 25)),
        "out": {1},
    }
    stat = diffstat(diff)
    assert (stat.files, stat.added, stat.removed) == (6, 5, 3)
    git(tmp_path, "clone", "--quiet", str(root), "copy")
    parts = diff.replace("Binary files", "\0").split("diff --git ")
    whole = "".join("diff --git " + part for part in parts if part and "\0" not in part)
    git(tmp_path / "copy", "apply", "--index", stdin=whole.encode())
    assert (tmp_path / "copy/long.txt").read_bytes() == text


PATCHED = (
    added("crlf.txt", b"a\r\nb\r\n"),
    added('d e/\u00fc "q".txt', b"x\t\x1b[31mred\n"),
    added("empty", b""),
    modified("data.bin", bytes(range(256)) * 20),
    added("latin.txt", b"caf\xe9\nform\x0cfeed\n"),
    added("new.bin", b"\0\xff"),
    modified("long.txt", LINES.encode() + b"caf\xe9"),
    modified("run.sh", b"#!/bin/sh\n", 0o100755),
    deleted("link"),
    deleted("old name.txt"),
    added("new name.txt", "".join(f"some words {at}\n" for at in range(20)).encode()),
)


@pytest.mark.parametrize("change", [*((each,) for each in PATCHED), PATCHED])
def test_a_patch_holds_every_byte(root: Path, tmp_path: Path, change: tuple[FileChange, ...]) -> None:
    base = git(root, "rev-parse", "HEAD")
    patch = make_patch(root / ".git", base, ChangeSet(base=base, files=change))
    git(tmp_path, "clone", "--quiet", str(root), "copy")
    copy = tmp_path / "copy"
    git(copy, "apply", "--index", "--whitespace=nowarn", stdin=patch)
    for each in change:
        there = copy / each.path
        assert there.is_file() is (each.kind is not ChangeKind.DELETED)
        assert not there.is_file() or there.read_bytes() == each.data


def test_files_that_a_diff_does_not_hold_whole_are_named(root: Path) -> None:
    diff = diff_of(root, *PATCHED)
    gone = list_unappliable(diff)
    assert gone == ["data.bin", "latin.txt", "long.txt", "new.bin"]
    left_out = [f"--exclude={name}" for name in gone]
    git(root, "apply", "--check", "--whitespace=nowarn", *left_out, stdin=diff.encode())


def test_a_rename_can_be_commented_where_github_shows_it(root: Path) -> None:
    text = (root / "old name.txt").read_bytes()
    diff = diff_of(root, deleted("old name.txt"), added("b/new name.txt", text + b"more\n"))
    assert "rename to b/new name.txt" in diff
    assert commentable_lines(diff) == {"b/new name.txt": {18, 19, 20, 21}}
    assert commentable_lines(diff_of(root, deleted("old name.txt"), added("pure", text))) == {}


@pytest.mark.parametrize(
    "name",
    ["a b/c b/d.py", 'quo"te', "tab\there", "new\nline", "ünï☃", "back\\slash", "--- a", "b"],
)
def test_odd_names_are_found_again(root: Path, name: str) -> None:
    assert commentable_lines(diff_of(root, added(name))) == {name: {1}}


def test_a_name_that_is_not_utf8_cannot_be_commented(root: Path) -> None:
    assert commentable_lines(diff_of(root, added("\udcff"), added("fine"))) == {"fine": {1}}


def test_odd_contents_do_not_confuse_it(root: Path) -> None:
    text = "\n".join(
        [
            "--- a/x",
            "+++ b/x",
            "@@ -1,2 +1,2 @@",
            "diff --git a/q b/q",
            "\x0cform\u2028feed\x1c",
            "bad \udcff".encode("utf-8", "surrogateescape").decode("latin-1"),
            "cr\rin\r",
            "\\ No newline at end of file",
            "",
            "end",
        ]
    ).encode()
    lines = text.count(b"\n") + 1
    assert commentable_lines(diff_of(root, added("odd", text))) == {"odd": set(range(1, lines + 1))}
    text = b"-- x\n++ y\n" + (root / "gone.txt").read_bytes()
    diff = diff_of(root, modified("gone.txt", text))
    assert commentable_lines(diff) == {"gone.txt": {1, 2, 3, 4}}


def test_each_file_of_a_difference_between_commits_is_named(tmp_path: Path) -> None:
    first = commit(tmp_path, {"kept.txt": "0\n", "gone b/x.txt": "1\n"})
    (tmp_path / "gone b" / "x.txt").unlink()
    second = commit(tmp_path, {"new name.txt": "1\n2\n3\n", "caf\u00e9.txt": "2\n", "data.bin": b"\0\1"})
    diff = diff_between(tmp_path / ".git", first, second)
    names = [name for name, _ in split_by_file(diff)]
    assert set(names) >= {"new name.txt", "caf\u00e9.txt", "gone b/x.txt", "data.bin"}
    assert "".join(part for _, part in split_by_file(diff)) == diff
    assert set(commentable_lines(diff)) == {"new name.txt", "caf\u00e9.txt"}


def test_nothing_is_nothing(root: Path) -> None:
    assert diff_of(root) == "" and commentable_lines("") == {} and diffstat("").files == 0


def test_a_hostile_file_does_not_take_minutes(root: Path) -> None:
    text = b"".join(b"%d\n" % (at * 7919 % 1000) for at in range(60_000))
    began = time.process_time()
    diff_of(root, modified("long.txt", text), added("big", b"x" * 5_000_000))
    assert time.process_time() - began < 10


def test_configuration_of_the_repository_has_no_say(root: Path, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    for key in ("diff.external", "diff.evil.textconv", "diff.evil.command", "core.pager", "core.fsmonitor"):
        git(root, "config", key, f"touch {marker}")
    write(root, {".git/info/attributes": "* diff=evil\n"})
    diff = diff_of(root, modified("run.sh", b"changed\n"), modified("long.txt", b"x\n"))
    assert "+changed" in diff and not marker.exists()

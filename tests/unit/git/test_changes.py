"""Overlay entries against a base tree: what is published, what is held back, what is left out."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from dulwich.objects import Blob, Tree
from dulwich.repo import Repo
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain import ChangeKind, ChangeSet
from bot.errors import UserError
from bot.git.changes import change_set
from bot.git.ignored import find_ignored
from bot.git.paths import printable_path, why_refused
from sandbox.spec import Entry, EntryKind
from tests.support.git import ENV, commit, git

FILE, LINK, DELETED, SPECIAL = EntryKind.FILE, EntryKind.LINK, EntryKind.DELETED, EntryKind.SPECIAL
BASE: dict[str, str | bytes | None] = {
    ".gitignore": "*.log\nbuild/\n!keep.log\n/only-here\n",
    "a.py": "a = 1\n",
    "run.sh": "!#!/bin/sh\n",
    "link": "-> a.py",
    "docs/.gitignore": "*.html\n!index.html\n",
    "docs/guide.md": "guide\n",
    "docs/deep/one.txt": "1\n",
    "docs/deep/two.txt": "2\n",
    "tracked.log": "tracked although ignored\n",
}


class Base:
    """One base commit, and a short way to ask."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.sha = commit(root, BASE)

    def changes(self, *entries: Entry) -> ChangeSet:
        return change_set(entries, repo=self.root, base=self.sha)

    def kinds(self, *entries: Entry) -> dict[str, str]:
        return {file.path: file.kind.value for file in self.changes(*entries).files}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Base:
    return Base(tmp_path_factory.mktemp("base"))


def file(path: str | bytes, data: str = "new\n", *, executable: bool = False) -> Entry:
    raw = path.encode() if isinstance(path, str) else path
    return Entry(path=raw, kind=FILE, data=data.encode(), executable=executable)


def gone(path: str) -> Entry:
    return Entry(path=path.encode(), kind=DELETED)


def test_added_modified_deleted_sorted_by_path(base: Base) -> None:
    changes = base.changes(gone("docs/guide.md"), file("z"), file("a.py", "a = 2\n"))
    assert [(file.path, file.kind, file.mode, file.data) for file in changes.files] == [
        ("a.py", ChangeKind.MODIFIED, 0o100644, b"a = 2\n"),
        ("docs/guide.md", ChangeKind.DELETED, 0, b""),
        ("z", ChangeKind.ADDED, 0o100644, b"new\n"),
    ]
    assert changes.base == base.sha and changes.held == ()


def test_what_is_as_before_is_dropped(base: Base) -> None:
    same = [
        file("a.py", "a = 1\n"),
        file("run.sh", "#!/bin/sh\n", executable=True),
        Entry(path=b"link", kind=LINK, data=b"a.py"),
        gone("never-was"),
        file(".git/index"),
        gone(".git/ORIG_HEAD"),
        gone(".git"),
    ]
    assert not base.changes(*same)


def test_modes_and_links_are_changes(base: Base) -> None:
    changes = base.changes(
        file("a.py", "a = 1\n", executable=True),
        file("link", "a.py"),
        Entry(path=b"out", kind=LINK, data=b"/etc/passwd"),
        Entry(path=b"run.sh", kind=LINK, data=b"#!/bin/sh\n"),
    )
    assert [(file.path, file.mode) for file in changes.files] == [
        ("a.py", 0o100755),
        ("link", 0o100644),
        ("out", 0o120000),
        ("run.sh", 0o120000),
    ]


def test_a_directory_goes_and_comes_back(base: Base) -> None:
    assert base.kinds(gone("docs/deep")) == {
        "docs/deep/one.txt": "deleted",
        "docs/deep/two.txt": "deleted",
    }
    assert base.kinds(gone("docs/deep"), file("docs/deep/one.txt", "1\n"), file("docs/deep/six", "6")) == {
        "docs/deep/six": "added",
        "docs/deep/two.txt": "deleted",
    }
    assert base.kinds(file("docs/deep", "now a file")) == {
        "docs/deep": "added",
        "docs/deep/one.txt": "deleted",
        "docs/deep/two.txt": "deleted",
    }
    assert base.kinds(file("a.py/inside", "now a directory")) == {"a.py": "deleted", "a.py/inside": "added"}


def test_ignored_files_are_left_out_and_tracked_ones_count(base: Base) -> None:
    assert base.kinds(
        file("x.log"),
        file("keep.log"),
        file("docs/keep.log"),
        file("build/out/x"),
        file("docs/build/x"),
        file("only-here"),
        file("docs/only-here"),
        file("docs/page.html"),
        file("docs/index.html"),
        file("page.html"),
        file("tracked.log", "changed\n"),
        file("src/__pycache__/a.cpython-311.pyc"),
        file(".pytest_cache/.gitignore", "*\n"),
        Entry(path=b"build/socket", kind=SPECIAL),
    ) == {
        "docs/index.html": "added",
        "docs/keep.log": "added",
        "docs/only-here": "added",
        "keep.log": "added",
        "page.html": "added",
        "tracked.log": "modified",
    }
    assert base.kinds(gone("tracked.log")) == {"tracked.log": "deleted"}


def test_the_changes_own_rules_count(base: Base) -> None:
    assert base.kinds(file(".gitignore", "*.tmp\n!*.pyc\n"), file("x.log"), file("y.tmp"), file("m.pyc")) == {
        ".gitignore": "modified",
        "m.pyc": "added",
        "x.log": "added",
    }
    assert base.kinds(gone(".gitignore"), file("x.log")) == {".gitignore": "deleted", "x.log": "added"}
    link = Entry(path=b"new/.gitignore", kind=LINK, data=b"../rules")
    assert base.kinds(file("rules", "*\n"), link, file("new/x")) == {
        "new/.gitignore": "added",
        "new/x": "added",
        "rules": "added",
    }


def test_s74_what_cannot_be_published_is_held_with_a_reason(base: Base) -> None:
    changes = base.changes(
        file("../outside"),
        file("/etc/passwd"),
        file("docs/../../x"),
        file("vendor/.git/config"),
        file("vendor/.git/hooks/pre-commit", executable=True),
        file("vendor/code.py"),
        file(".GIT/config"),
        file("git~1/config"),
        file(".g\u200cit/config"),
        file(".git /config"),
        file(".git\\config"),
        file("docs/.git::$INDEX_ALLOCATION/x"),
        file("n" * 256),
        Entry(path=b"pipe", kind=SPECIAL),
        Entry(path=b"huge.bin", kind=FILE, too_big=True),
        Entry(path=b"a.py", kind=FILE, too_big=True),
        file(".gitmodules", "[submodule]"),
    )
    assert [file.path for file in changes.files] == [".gitmodules", "vendor/code.py"]  # for the gate
    held = {item.path: item.why for item in changes.held}
    assert held.keys() == {
        "..",
        "/etc/passwd",
        "docs/..",
        "vendor/.git",
        ".GIT",
        "git~1",
        ".g\u200cit",
        ".git ",
        ".git\\config",
        "docs/.git::$INDEX_ALLOCATION",
        "n" * 256,
        "pipe",
        "huge.bin",
        "a.py",
    }
    assert "named pipe" in held["pipe"] and "larger" in held["huge.bin"] and "own directory" in held[".GIT"]


def test_submodules_stay_as_they_are(tmp_path: Path) -> None:
    commit(tmp_path, {".gitmodules": "[submodule]\n", "a": "a"})
    git(tmp_path, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},libs/sub")
    git(tmp_path, "commit", "--quiet", "-m", "submodule")
    sha = git(tmp_path, "rev-parse", "HEAD")
    for entries in (
        [file("libs/sub/inside.c")],
        [gone("libs/sub")],
        [gone("libs")],
        [file("libs", "a file")],
        [file("libs/sub", "a file")],
    ):
        changes = change_set(entries, repo=tmp_path, base=sha)
        assert changes.files == () and len(changes.held) == 1, entries


def test_odd_names_are_kept_as_they_are(base: Base) -> None:
    changes = base.changes(
        file(b"caf\xe9\x01"), file("ünïcode/☃"), file("a\nb"), Entry(path=b"\xff.git", kind=SPECIAL)
    )
    assert [file.path for file in changes.files] == ["a\nb", "caf\udce9\x01", "ünïcode/☃"]
    assert printable_path("caf\udce9\x01") == "caf\\xe9\\x01"


NAMES = st.sampled_from(["a", "b", "b.log", "dir", "x", "*", "ab", "a b"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
PATTERNS = st.lists(
    st.sampled_from(
        [
            *("a", "/a", "a/", "*.log", "!b.log", "dir/", "dir/*", "!dir/x", "**/x", "dir/**", "a/**/x", "*"),
            *("!*/", "!a", "\\*", "a\\ b", "a b ", "#a", "\\#a", "[ab]", "[!a]", "?", "!", "/", "b*", "x/b"),
        ]
    ),
    max_size=5,
)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("ignore")
    git(root, "init", "--quiet", "--template=")
    yield root


@settings(max_examples=60, deadline=None)
@given(
    rules=st.dictionaries(st.sampled_from(["", "a", "dir", "a/dir"]), PATTERNS, max_size=3),
    paths=st.sets(PATHS, min_size=1, max_size=8),
)
def test_ignoring_agrees_with_git(scratch: Path, rules: dict[str, list[str]], paths: set[str]) -> None:
    files = {f"{folder}/.gitignore".lstrip("/"): "\n".join(lines) for folder, lines in rules.items()}
    where = scratch / "tree"
    subprocess.run(["rm", "-rf", str(where)], check=True)
    for name, text in files.items():
        (where / name).parent.mkdir(parents=True, exist_ok=True)
        (where / name).write_text(text + "\n")
    where.mkdir(exist_ok=True)
    command = ["git", f"--git-dir={scratch / '.git'}", f"--work-tree={where}", "check-ignore", "--no-index"]
    command += ["-z", "--stdin"]
    paths = {path for path in paths if not (where / path).is_dir()}
    asked = "\0".join(paths).encode()
    done = subprocess.run(command, cwd=where, env=ENV, input=asked, capture_output=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    expected = set(done.stdout.decode().split("\0")) - {""}
    ignored = find_ignored(
        map(str.encode, paths),
        lambda path: text.encode() if (text := files.get(path.decode())) is not None else None,
    )
    assert {path.decode() for path in ignored} == expected


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ("*a" * 10 + "b", b"a" * 200),
        ("a*" * 40 + "b", b"a" * 200),
        ("*[a-z]*" * 14 + "[0-9]", b"a" * 250),
        ("**/a" * 12 + "/b", b"a/" * 100 + b"a"),
        ("?" * 3000 + "*" * 3000, b"a" * 250),
    ],
)
def test_no_pattern_keeps_the_rules_busy(base: Base, rule: str, path: bytes) -> None:
    began = time.process_time()
    changes = base.changes(file(".gitignore", f"{rule}\n"), file(path))
    assert len(changes.files) == 2
    assert time.process_time() - began < 1


def test_rules_that_take_git_too_long_are_an_error_that_says_so(
    base: Base, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.git.ignored.SECONDS", 0.2)
    slow = "\n".join("**/*a*" * 12 + f"/{number}" for number in range(50))
    with pytest.raises(UserError, match=r"which new files the `\.gitignore` files leave out.*fewer `\*`"):
        base.changes(file(".gitignore", slow), file(b"/".join([b"aaaa"] * 60)))


def test_names_that_git_could_take_for_instructions_are_names(base: Base) -> None:
    names = (":(top)x.log", ":/x.log", ":!x.log", "-x.log", "--stdin.log", "*.txt", "a?", " .log", "\\a.log")
    assert base.kinds(*map(file, names)) == {"*.txt": "added", "a?": "added"}


def test_a_tree_two_thousand_directories_deep_can_be_deleted(tmp_path: Path) -> None:
    deep = Base(tmp_path)
    with closing(Repo(str(tmp_path))) as repo:
        entry = Blob.from_string(b"x\n")
        repo.object_store.add_object(entry)
        name, mode = entry.id, 0o100644
        for _ in range(1990):
            tree = Tree()
            tree.add(b"d", mode, name)
            repo.object_store.add_object(tree)
            name, mode = tree.id, 0o40000
    deep.sha = git(tmp_path, "commit-tree", "-m", "deep", name.decode())
    assert [change.kind for change in deep.changes(gone("d")).files] == [ChangeKind.DELETED]


@settings(max_examples=60, deadline=None)
@given(
    st.binary(min_size=1, max_size=12) | st.sampled_from([b".git", b"GIT~1", b".gitx", b"a/.giT", b"a\\b"])
)
def test_a_path_that_is_published_is_one_that_git_takes(scratch: Path, path: bytes) -> None:
    if why_refused(path) is not None:
        return
    done = subprocess.run(
        ["git", "update-index", "--add", "-z", "--index-info"],
        cwd=scratch,
        env=ENV | {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.protectHFS", "GIT_CONFIG_VALUE_0": "1"},
        input=b"100644 " + b"1" * 40 + b"\t" + path + b"\0",
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, (path, done.stderr)


def test_reading_a_base_that_is_no_commit_is_an_error(base: Base) -> None:
    tree = git(base.root, "rev-parse", "HEAD^{tree}")
    with pytest.raises(ValueError, match="not a commit"):
        change_set([], repo=base.root, base=tree)
    with closing(Repo(str(base.root))) as repo:
        assert repo.head().decode() == base.sha

"""Which new files are left out of a change: those that git would ignore, and what tools leave behind.

Git itself matches, in a process that can be killed: patterns and paths are a stranger's, and matching takes
time that grows with a power of their length. ``git check-ignore`` reads the rules from a directory made for
the moment that holds nothing but the ``.gitignore`` files of the tree in question.
https://git-scm.com/docs/git-check-ignore
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from bot.errors import Retry, UserError
from bot.git.paths import as_text, printable_path
from bot.git.program import GitFailed, run_now

# What tools leave behind in any repository: never part of a change. The same lines stand in the throw-away
# ``.git/info/exclude``, so that ``git status`` in the sandbox agrees with what is published. A ``.gitignore``
# of the repository overrides them with a negation, as git has it.
LEFT_OUT: tuple[str, ...] = (
    "__pycache__/",
    "*.py[cod]",
    ".pytest_cache/",
    ".mypy_cache/",
    ".ruff_cache/",
    ".hypothesis/",
    ".tox/",
    ".nox/",
    ".venv/",
    ".coverage",
    ".coverage.*",
    "*.egg-info/",
    "node_modules/",
    ".DS_Store",
)
SECONDS = 20.0  # for all files of one change; an honest repository takes some hundredths


def find_ignored(paths: Iterable[bytes], read: Callable[[bytes], bytes | None]) -> frozenset[bytes]:
    """Those of some untracked files that git ignores, by themselves or with a directory above them.

    ``read`` gives a regular file's content at a path of the tree, or None. Blocking, at most ``SECONDS``.
    Raises UserError when git cannot tell within that time.
    """
    asked = sorted(set(paths))
    if not asked:
        return frozenset()
    with tempfile.TemporaryDirectory(prefix="hob-ignore-") as made:
        git_dir, tree = Path(made) / "git", Path(made) / "tree"
        _make_git_directory(git_dir)
        tree.mkdir()
        for folder in _list_folders(asked):
            text = read(folder + b"/.gitignore" if folder else b".gitignore")
            if text is not None:
                _write_rules(tree, folder, text)
        # ./ keeps a name that begins with a colon from being an instruction to git
        stdin = b"".join(b"./" + path + b"\0" for path in asked)
        return _ask_git(git_dir, tree, stdin)


def _ask_git(git_dir: Path, tree: Path, stdin: bytes) -> frozenset[bytes]:
    args, env = ("check-ignore", "--no-index", "-z", "--stdin"), {"GIT_WORK_TREE": str(tree)}
    try:
        done = run_now(git_dir, *args, cwd=tree, stdin=stdin, seconds=SECONDS, env=env, allowed=(0, 1))
    except Retry:
        raise UserError(
            f"Git took more than {SECONDS:.0f} seconds to say which new files the `.gitignore` files leave "
            "out, so the change cannot be read. Make their patterns fewer, or use fewer `*` in one pattern.",
            phase="gate",
        ) from None
    except GitFailed as failed:
        raise UserError(
            f"Git cannot say which new files the `.gitignore` files leave out: {failed.message}", phase="gate"
        ) from failed
    return frozenset(path.removeprefix(b"./") for path in done.out.split(b"\0") if path)


def _make_git_directory(git_dir: Path) -> None:
    for folder in ("objects", "refs", "info"):
        (git_dir / folder).mkdir(parents=True)
    (git_dir / "HEAD").write_text("ref: refs/heads/none\n")
    (git_dir / "info" / "exclude").write_text("".join(f"{pattern}\n" for pattern in LEFT_OUT))


def _list_folders(paths: Iterable[bytes]) -> list[bytes]:
    """Every directory above some paths, once; the root is the empty path."""
    folders = {b""}
    for path in paths:
        folder = path.rpartition(b"/")[0]
        while folder not in folders:
            folders.add(folder)
            folder = folder.rpartition(b"/")[0]
    return sorted(folders)


def _write_rules(tree: Path, folder: bytes, text: bytes) -> None:
    target = tree / as_text(folder)
    try:
        target.mkdir(parents=True, exist_ok=True)
        (target / ".gitignore").write_bytes(text)
    except OSError as error:
        name = printable_path(as_text(folder))[:200]
        raise UserError(
            f"The `.gitignore` in {name} cannot be read here: {error.strerror}", phase="gate"
        ) from None

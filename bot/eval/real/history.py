"""Finds small bug fixes with a test in a repository's history.

A fix changes 1 to ``MOST_LINES`` lines of Python code (comments, docstrings and blank lines are not counted),
adds no function, class or parameter, and comes with changed tests. A merge counts as one change against its
first parent, since many projects keep fix and test in separate commits of one pull request.
"""

from __future__ import annotations

import ast
import difflib
import hashlib
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bot.domain import ChangeKind
from bot.eval.judge import belongs_to_judge
from bot.git.mirror import git_directory
from bot.git.program import run_now

MOST_LINES = 10
MOST_PATHS = 15  # of any kind, in one commit
MOST_RAW_LINES = 40  # with comments and docstrings
LONGEST = 400_000  # characters of a file that is read
SECONDS = 300.0  # for reading a history
_OTHER_WORK = re.compile(
    r"^\W*(?:add|support|implement|allow|introduce|drop|remove|deprecate|bump|rename|refactor|reformat|typing|"
    r"types?|docs?|style|release|version|revert|feat|feature|new|clean|move|update|upgrade|chore|"
    r"simplify|modernize|speed|optimi[sz]e|python 3|prepare|switch|convert|replace)\b",
    re.I,
)
_MERGE = re.compile(r"^Merge (?:pull request|branch|remote|tag)\b")
_TRAILER = re.compile(r"^(?:[A-Z][A-Za-z]+(?:-[A-Za-z]+)+|Closes|Fixes|Refs?|Resolves):? .*$")
_NUMBER = re.compile(r"[ \t]?\(?(?:gh-?)?#\d++\)?", re.I)
_WORD = re.compile(r"[A-Za-z]{2,}")
PLAIN_REQUEST = "A test fails. Find out why and fix it."


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceChange:
    """One changed file of code, as a whole text before and after."""

    path: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """A commit that mends something: its code, its tests' paths, and the request made of its message."""

    repo: str
    path: Path
    commit: str
    parent: str
    request: str
    sources: tuple[SourceChange, ...]
    tests: tuple[str, ...]
    lines: int

    @property
    def name(self) -> str:
        """``repository-commit``."""
        return f"{self.repo}-{self.commit[:10]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Commit:
    sha: str
    parents: tuple[str, ...]
    message: str
    paths: tuple[str, ...]


def find_fixes(path: Path, since: str = "") -> list[Fix]:
    """The fixes of the history of ``HEAD``, newest first, ``since`` a date of git's. Raises UserError."""
    git = git_directory(path)
    repo = path.resolve().name if path.resolve().name not in ("repo", ".git") else path.resolve().parent.name
    chosen = _drop_large(git, [each for each in _read_log(git, since) if _may_be_fix(each)])
    texts = read_texts(git, _list_wanted(chosen))
    found: dict[str, Fix] = {}
    for commit in sorted(chosen, key=lambda each: len(each.parents)):  # a commit's own words before a merge's
        fix = _make_fix(repo, path, commit, texts)
        if fix is not None:
            found.setdefault(_compute_key(fix), fix)
    order = {commit.sha: at for at, commit in enumerate(chosen)}
    return sorted(found.values(), key=lambda fix: order[fix.commit])


def _read_log(git: Path, since: str) -> Iterator[_Commit]:
    options: tuple[str, ...] = (
        "--no-renames",
        "--no-ext-diff",
        "--no-textconv",
        "--diff-merges=first-parent",
        "--name-only",
    )
    options += (f"--since={since}",) if since else ()
    mark, field = secrets.token_hex(8), secrets.token_hex(8)  # a message can hold any character
    form = f"--format={mark}%H{field}%P{field}%B{field}"
    log = run_now(git, "log", *options, "-z", form, "HEAD", seconds=SECONDS)
    for record in log.text.split(mark)[1:]:
        sha, parents, message, paths = record.split(field, 3)
        names = tuple(name.strip("\n") for name in paths.split("\0") if name.strip("\n"))
        yield _Commit(sha=sha, parents=tuple(parents.split()), message=message, paths=names)


def _drop_large(git: Path, commits: Sequence[_Commit]) -> list[_Commit]:
    """Without those that change many lines of a file of code; other files may be absent and are not read."""
    asked = "".join(f"{each.sha} {each.parents[0]}\n" for each in commits)
    options = ("--stdin", "-r", "-z", "--numstat", "--no-renames", "--no-ext-diff", "--no-textconv")
    told = run_now(git, "diff-tree", *options, "--", "*.py", stdin=asked.encode(), seconds=SECONDS).text
    large, sha = set(), ""
    for row in told.replace("\n", "\0").split("\0"):
        fields = row.split("\t")
        if len(fields) == 1 and fields[0]:
            sha = fields[0].split()[0]
        elif len(fields) == 3 and is_code(fields[2]):
            counts = [int(each) for each in fields[:2] if each.isdigit()]
            large |= {sha} if max(counts, default=0) > MOST_RAW_LINES else set()
    return [each for each in commits if each.sha not in large]


def _may_be_fix(commit: _Commit) -> bool:
    code, tests = _sort_paths(commit.paths)
    title = _find_title(commit.message)
    return bool(
        commit.parents
        and 1 <= len(code) <= 3
        and tests
        and len(commit.paths) <= MOST_PATHS
        and not _OTHER_WORK.match(title)
    )


def _sort_paths(paths: Iterable[str]) -> tuple[list[str], list[str]]:
    """(files of code, files of tests); what is no Python is left out."""
    code: list[str] = []
    tests: list[str] = []
    for path in paths:
        if path.endswith(".py"):
            (code if is_code(path) else tests).append(path)
    return code, tests


def is_code(path: str) -> bool:
    """Whether a Python file is code that may hold a bug: no test, no set-up, no documentation."""
    parts = PurePosixPath(path).parts
    return not (
        belongs_to_judge(path, ChangeKind.MODIFIED)
        or parts[-1] in ("setup.py", "noxfile.py", "test.py", "conf.py", "__about__.py", "__version__.py")
        or any(
            part in ("test", "testing", "docs", "examples", "benchmarks", "scripts") for part in parts[:-1]
        )
    )


def _list_wanted(commits: Sequence[_Commit]) -> Iterator[str]:
    for commit in commits:
        for path in _sort_paths(commit.paths)[0]:
            yield from (f"{commit.parents[0]}:{path}", f"{commit.sha}:{path}")


def read_texts(git: Path, wanted: Iterable[str]) -> dict[str, str]:
    """Files by ``commit:path``, in one call of git; what is not there or too long is left out."""
    asked = [each for each in wanted if "\n" not in each]
    if not asked:
        return {}
    told = "".join(f"{each}\n" for each in asked).encode("utf-8", "surrogateescape")
    out = run_now(git, "cat-file", "--batch", stdin=told, seconds=SECONDS).out
    texts, at = {}, 0
    for each in asked:
        end = out.index(b"\n", at)
        head, at = out[at:end].split(), end + 1
        if len(head) == 3 and head[1] in (b"blob", b"tree", b"commit"):
            size = int(head[2])
            data, at = out[at : at + size], at + size + 1
            if head[1] == b"blob" and size <= LONGEST:
                texts[each] = data.decode("utf-8", "replace")
    return texts


def _make_fix(repo: str, path: Path, commit: _Commit, texts: Mapping[str, str]) -> Fix | None:
    code, tests = _sort_paths(commit.paths)
    parent = commit.parents[0]
    changes, lines = [], 0
    for name in code:
        before, after = texts.get(f"{parent}:{name}"), texts.get(f"{commit.sha}:{name}")
        if before is None or after is None:
            return None  # a file that is new, gone or too long
        try:
            changed = _judge_change(before, after)
        except (SyntaxError, ValueError, RecursionError):
            return None  # of another Python
        if changed is None:
            return None
        if changed:
            changes.append(SourceChange(path=name, before=before, after=after))
            lines += changed
    if not 1 <= lines <= MOST_LINES:
        return None
    return Fix(
        repo=repo,
        path=path,
        commit=commit.sha,
        parent=parent,
        request=make_request(commit.message),
        sources=tuple(changes),
        tests=tuple(tests),
        lines=lines,
    )


def _judge_change(before: str, after: str) -> int | None:
    """How many lines of code differ, 0 where only comments do; None for what is no small fix."""
    one, two = before.splitlines(), after.splitlines()
    blocks = list(list_changed_blocks(one, two))
    if sum(max(b - a, d - c) for a, b, c, d in blocks) > MOST_RAW_LINES:
        return None
    if not any(_is_code_line(line) for a, b, c, d in blocks for line in (*one[a:b], *two[c:d])):
        return 0
    old, new = ast.parse(before), ast.parse(after)
    skipped, skipped_after = _list_text_lines(old), _list_text_lines(new)
    changed = 0
    for a, b, c, d in blocks:
        gone = sum(_is_code_line(one[at]) and at + 1 not in skipped for at in range(a, b))
        come = sum(_is_code_line(two[at]) and at + 1 not in skipped_after for at in range(c, d))
        changed += max(gone, come)
    if changed > MOST_LINES or _list_definitions(new) - _list_definitions(old):
        return None
    return changed


def list_changed_blocks(one: Sequence[str], two: Sequence[str]) -> Iterator[tuple[int, int, int, int]]:
    """What differs, as ranges ``one[a:b]`` and ``two[c:d]``; equal beginnings and ends are not compared."""
    start, end = 0, 0
    shorter = min(len(one), len(two))
    while start < shorter and one[start] == two[start]:
        start += 1
    while end < shorter - start and one[-1 - end] == two[-1 - end]:
        end += 1
    inner = one[start : len(one) - end], two[start : len(two) - end]
    for tag, a, b, c, d in difflib.SequenceMatcher(None, *inner).get_opcodes():
        if tag != "equal":
            yield a + start, b + start, c + start, d + start


def _is_code_line(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _list_text_lines(tree: ast.AST) -> set[int]:
    """The lines of docstrings."""
    found: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt) and _is_text(node):
            found.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return found


def _list_definitions(tree: ast.AST) -> set[str]:
    """Functions and classes with their parameters: a new one is more than a small fix."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            arguments = node.args
            every = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
            found |= {node.name} | {f"{node.name}({each.arg})" for each in every}
        elif isinstance(node, ast.ClassDef):
            found.add(node.name)
    return found


def normalise(text: str) -> str:
    """The syntax tree as text, without docstrings: equal for two texts that differ in form alone.

    The order of the names of one import is form.

    Raises SyntaxError, ValueError and RecursionError.
    """
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            node.names.sort(key=lambda each: (each.name, each.asname or ""))
        if isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            node.body = [each for each in node.body if not _is_text(each)] or [ast.Pass()]
    return ast.dump(tree)


def _is_text(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def make_request(message: str) -> str:
    """What somebody may have asked for, from a commit's message: no trailers, no numbers of issues."""
    lines = [line.strip() for line in message.strip().splitlines()]
    if lines and _MERGE.match(lines[0]):
        lines = lines[1:]
    lines = [line for line in lines if line and not _TRAILER.match(line) and not line.startswith("* ")]
    text = "\n".join(_NUMBER.sub("", line) for line in lines[:6]).strip()
    return text if len(_WORD.findall(text)) >= 3 else f"{text}\n{PLAIN_REQUEST}".strip()


def _find_title(message: str) -> str:
    return make_request(message).split("\n", 1)[0]


def _compute_key(fix: Fix) -> str:
    """Equal for the same change of the same code, as a commit and its merge have it."""
    told = "\0".join(f"{each.path}\0{each.before}\0{each.after}" for each in fix.sources)
    return hashlib.sha256(told.encode("utf-8", "replace")).hexdigest()

"""What may be published: decided from the difference of the trees, never from the agent's description.

Refused paths are held back and named on the pull request; the rest is published. A secret anywhere in the
change stops the whole publication, since a part of it may be all that an attacker needs.

A protected path under its plain name is stored with its new content, since a maintainer may release it.
Whatever else is refused (look-alikes, links out of the tree, what nobody could read, secrets) stays out.
"""

from __future__ import annotations

import posixpath
import stat
import unicodedata
from collections.abc import Container, Sequence
from dataclasses import replace

from bot.domain import ChangeKind, ChangeSet, FileChange, Held
from bot.domain.paths.protected_paths import (
    fold_path,
    is_plainly_protected,
    list_protection_rules,
    why_change_protected,
)
from bot.errors import UserError
from bot.text.redact import Redactor

MAX_FILES = 300  # GitHub shows at most 300 files of a pull request
MAX_BYTES = 5 << 20  # GitHub refuses objects over 100 MB and advises at most 1 MB


def admit_changes(
    changes: ChangeSet, *, protected: Sequence[str], redactor: Redactor, released: Container[str] = ()
) -> ChangeSet:
    """The part of ``changes`` that may be published; what is held back is in ``held`` with the reason.

    ``released`` are protected paths that a maintainer released. Raises UserError when a secret is found or
    the change is too large to be read by a person.
    """
    rules = list_protection_rules(protected)
    admitted: list[FileChange] = []
    held = [replace(item, path=_printable_name(item.path, redactor)) for item in changes.held]
    twins = _find_twins(changes.files)
    for change in changes.files:
        why, unfit = why_change_protected(change, rules), _why_unfit(change) or twins.get(change.path, "")
        if why and change.path in released and is_plainly_protected(change.path, rules):
            why = ""
        if why and not unfit and not is_plainly_protected(change.path, rules):
            unfit = "it only looks like such a path"
        if why or unfit:
            reasons = "; ".join(part for part in (why, unfit) if part)
            stored = None if unfit else change
            held.append(Held(path=_printable_name(change.path, redactor), why=reasons, change=stored))
        else:
            admitted.append(change)
    if len(admitted) > MAX_FILES:
        raise UserError(
            f"The change touches {len(admitted)} files; more than {MAX_FILES} cannot be reviewed in one pull "
            "request. Ask for a smaller part of it.",
            phase="gate",
        )
    _refuse_secrets(admitted, redactor)
    return replace(changes, files=tuple(admitted), held=_limit_held(held, admitted, redactor))


def _why_unfit(change: FileChange) -> str:
    """Why the change cannot be published under any rule, or ''."""
    try:
        change.path.encode("utf-8")
    except UnicodeEncodeError:
        return "its name is not UTF-8"
    if any(ord(c) < 32 or ord(c) == 127 for c in change.path):
        return "its name has control characters"
    if "\\" in change.path:
        return "its name has a backslash, which Windows takes for the end of a folder's name"
    if any(unicodedata.category(c) in ("Cf", "Zl", "Zp") for c in change.path):
        return "its name has invisible characters"
    if change.kind is ChangeKind.DELETED:
        return ""
    if len(change.data) > MAX_BYTES:
        return f"it is larger than {MAX_BYTES >> 20} MiB"
    if stat.S_ISLNK(change.mode) and _leads_out(change):
        return "it is a link that leads out of the repository"
    if stat.S_ISLNK(change.mode) and fold_path(change.path).rpartition("/")[2] == ".gitmodules":
        return "git takes no link there"
    return ""


def _limit_held(held: Sequence[Held], admitted: Sequence[FileChange], redactor: Redactor) -> tuple[Held, ...]:
    """Held paths, where only readable text without secrets stays releasable."""
    stored = [_check_readable(item, redactor) for item in held]
    changes = [item.change for item in stored if item.change is not None]
    if len(changes) + len(admitted) > MAX_FILES or sum(len(change.data) for change in changes) > MAX_BYTES:
        return tuple(_withhold(item, "this is too much to be released at once") for item in stored)
    everything = [*admitted, *changes]
    if changes and (
        redactor.has_split_secret(change.data.decode("utf-8", "replace") for change in everything)
        or redactor.has_split_secret(change.path for change in everything)
    ):
        return tuple(_withhold(item, "together these hold a secret in pieces") for item in stored)
    return tuple(stored)


def _check_readable(item: Held, redactor: Redactor) -> Held:
    if item.change is None:
        return item
    data = item.change.data
    if redactor.find_secrets(data) or redactor.find_secrets(item.change.path.encode()):
        return _withhold(item, "it holds what looks like a secret")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return _withhold(item, "it is no text that could be read here")
    return _withhold(item, "it is no text that could be read here") if b"\0" in data else item


def _withhold(item: Held, why: str) -> Held:
    """Make a held path unreleasable, adding ``why``; one that is so already is unchanged."""
    return item if item.change is None else replace(item, why=f"{item.why}; {why}", change=None)


def _find_twins(files: Sequence[FileChange]) -> dict[str, str]:
    """New paths that some file systems do not tell from another path, with the reason why they are held."""
    spelt: dict[str, str] = {}
    found = {}
    for change in files:
        if change.kind is ChangeKind.DELETED:
            continue
        parts = change.path.split("/")
        for path in ("/".join(parts[:depth]) for depth in range(1, len(parts) + 1)):
            same = unicodedata.normalize("NFC", path).casefold()
            if spelt.setdefault(same, path) != path:
                found[change.path] = "some file systems take its name for that of another changed file"
                break
    return found


def _printable_name(path: str, redactor: Redactor) -> str:
    """The name without secrets, with U+FFFD for invalid UTF-8, so that it can be stored and shown."""
    return redactor.text(path.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))


def _leads_out(change: FileChange) -> bool:
    target = change.data.decode("utf-8", "surrogateescape")
    if target.startswith("/"):
        return True
    steps = [step for step in target.split("/") if step not in ("", ".")]
    up = next((at for at, step in enumerate(steps) if step != ".."), len(steps))
    if ".." in steps[up:]:
        return True  # what it goes up from may be a link itself, so where it ends cannot be read off it
    landed = posixpath.normpath(posixpath.join(posixpath.dirname(change.path), target))
    return landed == ".." or landed.startswith("../") or fold_path(landed).partition("/")[0] == ".git"


def _refuse_secrets(files: Sequence[FileChange], redactor: Redactor) -> None:
    for change in files:
        kinds = redactor.find_secrets(change.data) or redactor.find_secrets(change.path.encode())
        if kinds:
            name = _printable_name(change.path, redactor).replace("`", " ")
            raise UserError(
                f"The change to `{name}` contains what looks like a secret ({', '.join(kinds)}), so "
                "nothing was published. If it is a test value, ask for one that does not look real.",
                phase="gate",
            )
    if redactor.has_split_secret(
        change.data.decode("utf-8", "replace") for change in files
    ) or redactor.has_split_secret(change.path for change in files):
        raise UserError("The changed files hold a secret in pieces, so nothing was published.", phase="gate")

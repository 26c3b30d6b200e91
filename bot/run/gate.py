"""What may be published: judged from the tree difference, never from what the agent says of it.

Refused paths are held back and named on the pull request; the rest is published. A secret anywhere in the
change stops the whole publication, since a part of it may be all that an attacker needs.
"""

from __future__ import annotations

import posixpath
import stat
from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from bot.domain import ChangeKind, ChangeSet, FileChange, Held
from bot.errors import UserError
from bot.redact import Redactor

MAX_FILES = 300  # GitHub shows at most 300 files of a pull request
MAX_BYTES = 5 << 20  # GitHub refuses objects over 100 MB and advises at most 1 MB

PROTECTED: tuple[tuple[str, str], ...] = (
    (".github/workflows/*", "workflow files run with the repository's secrets"),
    (".github/actions/*", "actions run with the repository's secrets"),
    (".github/hob.yml", "Hob does not change its own configuration"),
    ("CODEOWNERS", "ownership rules are for people to change"),
    (".github/CODEOWNERS", "ownership rules are for people to change"),
    ("docs/CODEOWNERS", "ownership rules are for people to change"),
    ("AGENTS.md", "instructions for agents are for people to change"),
    ("*/AGENTS.md", "instructions for agents are for people to change"),
    ("CLAUDE.md", "instructions for agents are for people to change"),
    ("*/CLAUDE.md", "instructions for agents are for people to change"),
    (".gitmodules", "submodules fetch from elsewhere"),
    ("*/.gitmodules", "submodules fetch from elsewhere"),
)


def admit(changes: ChangeSet, *, protected: Sequence[str], redactor: Redactor) -> ChangeSet:
    """The part of ``changes`` that may be published; what is held back stands in ``held`` with the reason.

    Raises UserError when a secret is found or the change is too large to be read by a person.
    """
    rules = (*PROTECTED, *((pattern, "the repository's hob.yml protects it") for pattern in protected))
    admitted: list[FileChange] = []
    held = [replace(item, path=_named(item.path, redactor)) for item in changes.held]
    for change in changes.files:
        why = _refuse(change, rules)
        if why:
            held.append(Held(path=_named(change.path, redactor), why=why))
        else:
            admitted.append(change)
    if len(admitted) > MAX_FILES:
        raise UserError(
            f"The change touches {len(admitted)} files; more than {MAX_FILES} cannot be reviewed in one pull "
            "request. Ask for a smaller part of it.",
            phase="gate",
        )
    _refuse_secrets(admitted, redactor)
    return replace(changes, files=tuple(admitted), held=tuple(held))


def why_protected(path: str, protected: Sequence[str]) -> str:
    """Why nobody but people may change a path; '' for any other. ``protected`` are hob.yml's patterns."""
    rules = (*PROTECTED, *((pattern, "the repository's hob.yml protects it") for pattern in protected))
    folded = path.casefold()
    return next((why for pattern, why in rules if fnmatchcase(folded, pattern.casefold())), "")


def _refuse(change: FileChange, rules: Sequence[tuple[str, str]]) -> str:
    """Why the path is held back, or ''."""
    try:
        change.path.encode("utf-8")
    except UnicodeEncodeError:
        return "its name is not UTF-8"
    if any(ord(c) < 32 or ord(c) == 127 for c in change.path):
        return "its name has control characters"
    folded = change.path.casefold()
    for pattern, why in rules:
        if fnmatchcase(folded, pattern.casefold()):
            return why
        if change.kind is not ChangeKind.DELETED and pattern.casefold().startswith(f"{folded}/"):
            return why  # a file or link in the place of a protected folder
    if change.kind is ChangeKind.DELETED:
        return ""
    if len(change.data) > MAX_BYTES:
        return f"it is larger than {MAX_BYTES >> 20} MiB"
    if stat.S_ISLNK(change.mode) and _leaves_tree(change):
        return "it is a link that leads out of the repository"
    return ""


def _named(path: str, redactor: Redactor) -> str:
    """The name without secrets, with U+FFFD for what is no UTF-8, so that it can be stored and shown."""
    return redactor.text(path.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))


def _leaves_tree(change: FileChange) -> bool:
    target = change.data.decode("utf-8", "surrogateescape")
    if target.startswith("/"):
        return True
    landed = posixpath.normpath(posixpath.join(posixpath.dirname(change.path), target))
    return landed == ".." or landed.startswith("../") or landed == ".git" or landed.startswith(".git/")


def _refuse_secrets(files: Sequence[FileChange], redactor: Redactor) -> None:
    for change in files:
        kinds = redactor.found(change.data) or redactor.found(change.path.encode())
        if kinds:
            name = _named(change.path, redactor).replace("`", " ")
            raise UserError(
                f"The change to `{name}` contains what looks like a secret ({', '.join(kinds)}), so "
                "nothing was published. If it is a test value, ask for one that does not look real.",
                phase="gate",
            )

"""The name of the branch for an issue: the same every time, ASCII, valid by git's rule."""

from __future__ import annotations

import re

from anyascii import anyascii
from dulwich.refs import Ref, check_ref_format

OWN_PREFIX = "hob/"
SLUG_LENGTH = 40


def branch_name(issue: int, title: str, prefix: str = OWN_PREFIX) -> str:
    """``hob/<issue>-<slug of the title>``, or ``hob/<issue>`` where the title has neither letters nor digits.

    Letters of every script are written in ASCII: git and GitHub would take them as they are, but a branch is
    typed in shells, matched by rules, and read where letters that look alike would be another branch.
    ``prefix`` stands in place of ``hob/`` where the repository asks for another.
    """
    written = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", anyascii(title.lower()))  # XiuFu: one capital a syllable
    slug = re.sub(r"[^a-z0-9]+", "-", written.lower()).strip("-")
    if len(slug) > SLUG_LENGTH:
        cut = slug[: SLUG_LENGTH + 1].rpartition("-")[0] or slug[:SLUG_LENGTH]
        slug = cut.strip("-")
    return f"{prefix}{int(issue)}-{slug}" if slug else f"{prefix}{int(issue)}"


def read_issue_number(branch: str) -> int | None:
    """The issue that a branch named by ``branch_name`` is for; None for other names."""
    found = re.fullmatch(rf"{re.escape(OWN_PREFIX)}([0-9]{{1,18}})(?:-.*)?", branch)
    return int(found[1]) if found else None


def is_valid_branch(name: str) -> bool:
    """Whether git takes ``refs/heads/<name>``: https://git-scm.com/docs/git-check-ref-format."""
    if name.startswith("-") or name == "HEAD":
        return False
    try:
        return check_ref_format(Ref(f"refs/heads/{name}".encode()))
    except UnicodeEncodeError:
        return False

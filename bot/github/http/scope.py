"""What an installation token may be for. Apart from the tokens: naming a purpose needs no HTTP and no JWT."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Purpose(Enum):
    """What a token is for; the value is the permissions asked for it.

    app.yml has them, but for those of READ_LOGS, DISCUSS and LOOK_AT_DISCUSSIONS, which are optional.
    """

    IDENTIFY = (("metadata", "read"),)
    # Whether something was written of late, asked of all repositories at once; it reads no code.
    LOOK = (("issues", "read"), ("metadata", "read"), ("pull_requests", "read"))
    LOOK_AT_DISCUSSIONS = (("discussions", "read"), ("metadata", "read"))  # optional as DISCUSS is
    FETCH = (("contents", "read"), ("metadata", "read"))
    TALK = (
        ("checks", "write"),
        ("contents", "read"),
        ("issues", "write"),
        ("metadata", "read"),
        ("pull_requests", "write"),
    )
    # To say what went wrong where GitHub gives no token for TALK: what one of its permissions allows.
    SAY_ON_ISSUES = (("issues", "write"), ("metadata", "read"))
    SAY_ON_PULLS = (("metadata", "read"), ("pull_requests", "write"))
    PUBLISH = (("contents", "write"), ("metadata", "read"))
    # GitHub lets an app resolve a review thread only with both (github/gh-aw#35726, oven-sh/bun#40468).
    READ_LOGS = (("actions", "read"), ("metadata", "read"))  # optional: app.yml does not ask for it
    DISCUSS = (("discussions", "write"), ("metadata", "read"))  # optional too
    RESOLVE = (("contents", "write"), ("metadata", "read"), ("pull_requests", "write"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What one token is minted for. ``repo`` 0, all of an installation's, is to IDENTIFY and to look only."""

    installation: int
    repo: int
    purpose: Purpose

    def __post_init__(self) -> None:
        looks = (Purpose.IDENTIFY, Purpose.LOOK, Purpose.LOOK_AT_DISCUSSIONS)
        if self.repo <= 0 and self.purpose not in looks:
            raise ValueError("a token must be narrowed to one repository")

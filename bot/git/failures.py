"""What git says when a fetch fails -> the exception that tells a person, or tries again."""

from __future__ import annotations

import re

from bot.errors import HobError, Parked, Retry, UserError
from bot.git.remote import Unauthorized

ACCESS = (
    "GitHub does not let the app read this repository. Check that it is still installed there, that its "
    "'Contents' permission is accepted and that the repository is not archived"
)

# In this order: the first expression that is found decides.
_MENDABLE: tuple[tuple[str, str], ...] = (
    (r"couldn't find remote ref (\S+)", "{0} does not exist in the repository any more"),
    (r"not our ref (\w+)|did not send all necessary objects", "a commit of the repository is gone: {0}"),
    (r"returned error: 30\d", "the repository has moved: mention me again under its new name"),
    (r"returned error: 403\b", ACCESS),
    (r"returned error: 404|repository '[^']*' not found", "the repository does not exist, or " + ACCESS),
    (r"transport '(\w+)' not allowed", "the transport {0} is not allowed"),
    (r"(?:fsck error|error: object [0-9a-f]+: .*)", "git refuses an object of the repository: {0}"),
)
_TURNED_AWAY = re.compile(r"Authentication failed|could not read Username|returned error: 401\b")


def explain_failure(words: str) -> HobError:
    """The exception for a failed fetch; ``words`` are git's own, already redacted."""
    if _TURNED_AWAY.search(words):
        return Unauthorized(ACCESS, phase="prepare", log=words)
    for pattern, message in _MENDABLE:
        found = re.search(pattern, words)
        if found:
            what = next((group for group in found.groups() if group), found.group(0))
            return UserError(message.format(what), phase="prepare", log=words)
    if re.search(r"returned error: 429", words):
        return Parked("GitHub asks for fewer git requests", after=60)
    if "No space left on device" in words:
        return Retry("the disk of the machine that runs Hob is full", after=300)
    return Retry(f"git fetch failed: {words}")

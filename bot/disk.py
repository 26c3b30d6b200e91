"""Whether an error says that this machine's disk is full or broken, whoever hit it.

It comes as an OSError of ours, in the words of a program that we ran (git, pip), or as PostgreSQL's.
"""

from __future__ import annotations

import errno
import os

_ERRNOS = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS)
_WORDS = tuple(os.strerror(number).lower() for number in _ERRNOS)  # as the C library says them


def find_disk_trouble(error: BaseException) -> str:
    """What is wrong with the disk in the C library's words, '' when the error is about something else."""
    seen: BaseException | None = error
    for _ in range(10):  # of causes
        if seen is None:
            break
        if isinstance(seen, OSError) and seen.errno in _ERRNOS:
            return os.strerror(seen.errno or 0)
        said = str(seen).lower()
        for words in _WORDS:
            if words in said:
                return words.capitalize()
        seen = seen.__cause__ or seen.__context__
    return ""

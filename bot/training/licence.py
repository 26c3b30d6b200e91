"""Which licence a repository's own file has, recognised by its first words."""

from __future__ import annotations

LICENCE_FILES = ("LICENSE", "LICENSE.md", "LICENSE.txt", "LICENCE", "COPYING")
_SAID = (
    ("Apache-2.0", ("apache license", "version 2.0")),
    ("MIT", ("permission is hereby granted, free of charge", "without restriction")),
    ("MPL-2.0", ("mozilla public license", "2.0")),  # it names the GNU licences
    ("AGPL-3.0", ("gnu affero general public license", "version 3")),
    ("LGPL", ("gnu lesser general public license",)),
    ("GPL-3.0", ("gnu general public license", "version 3")),
    ("GPL-2.0", ("gnu general public license", "version 2")),
    ("BSD", ("redistribution and use in source and binary forms",)),
    ("ISC", ("permission to use, copy, modify, and/or distribute",)),
    ("Unlicense", ("this is free and unencumbered software",)),
)


def name_licence(text: str) -> str:
    """The licence's SPDX name, or ``other`` for a less common one."""
    small = " ".join(text.lower().split())[:20_000]
    return next((name for name, words in _SAID if all(word in small for word in words)), "other")

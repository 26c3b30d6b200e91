"""The process's environment: the only module that reads ``os.environ``."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

# How variables are called that hold secrets of others, such as OPENAI_API_KEY; a path is none.
_SECRET = re.compile(
    r"(?:^|_)(?:API_?)?(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)(?:_ID)?$", re.IGNORECASE
)
_PREFIX = "HOB_"


def find_empty_variable(names: Iterable[str]) -> str:
    """The first of these variables that is set, but to nothing; '' where none is."""
    return next((name for name in names if not os.environ.get(name, "set").strip()), "")


def list_own_variables() -> list[str]:
    """The names of all variables that begin as Hob's do, in any case."""
    return [name for name in os.environ if name.upper().startswith(_PREFIX)]


def list_secret_values() -> list[str]:
    """The values of all variables whose names say that they hold a secret."""
    return [value for name, value in os.environ.items() if _SECRET.search(name)]

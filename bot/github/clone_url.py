"""Where a repository is cloned from: its host is the operator's setting, never what a payload says."""

from __future__ import annotations

import re

from bot.errors import UserError
from bot.github_hosts import find_web_url

# https://docs.github.com/en/rest/repos/repos allows letters, digits, dots, hyphens and underscores.
_NAME = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,100}")


def make_clone_url(api_url: str, owner: str, name: str) -> str:
    """The git address of ``owner/name`` where the pages of the API ``api_url`` are.

    Raises UserError for a name that GitHub could not have given.
    """
    if not (_NAME.fullmatch(owner) and _NAME.fullmatch(name)):
        raise UserError("the repository's name is none that GitHub gives", phase="prepare")
    return f"{find_web_url(api_url)}/{owner}/{name}.git"

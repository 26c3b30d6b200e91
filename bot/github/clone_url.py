"""Where a repository is cloned from: its host is the operator's setting, never what a payload says."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from bot.errors import UserError

# https://docs.github.com/en/rest/repos/repos allows letters, digits, dots, hyphens and underscores.
_NAME = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,100}")


def make_clone_url(api_url: str, owner: str, name: str) -> str:
    """The git address of ``owner/name`` on the host of the API's address ``api_url``.

    GitHub Enterprise Server has its API below ``/api/v3`` of the same host
    (https://docs.github.com/en/enterprise-server@latest/rest/using-the-rest-api/getting-started-with-the-rest-api).
    Raises UserError for a name that GitHub could not have given.
    """
    if not (_NAME.fullmatch(owner) and _NAME.fullmatch(name)):
        raise UserError("the repository's name is none that GitHub gives", phase="prepare")
    parts = urlsplit(api_url)
    host = "github.com" if parts.netloc == "api.github.com" else parts.netloc
    below = re.sub(r"/api(?:/v3)?/?\Z", "", parts.path).rstrip("/")
    return f"{parts.scheme}://{host}{below}/{owner}/{name}.git"

"""Tokens are handed to the operator's host alone, whatever a payload says."""

from __future__ import annotations

import pytest

from bot.errors import UserError
from bot.github.clone_url import make_clone_url


@pytest.mark.parametrize(
    ("api", "clone"),
    [
        ("https://api.github.com", "https://github.com/octo/app.js.git"),
        ("https://ghe.example.com/api/v3", "https://ghe.example.com/octo/app.js.git"),
        ("https://ghe.example.com:8443/api/v3/", "https://ghe.example.com:8443/octo/app.js.git"),
        ("https://api.octocorp.ghe.com", "https://octocorp.ghe.com/octo/app.js.git"),
        ("https://API.GitHub.com/", "https://github.com/octo/app.js.git"),
        ("http://127.0.0.1:3000/api", "http://127.0.0.1:3000/octo/app.js.git"),
    ],
)
def test_the_host_is_that_of_the_api(api: str, clone: str) -> None:
    assert make_clone_url(api, "octo", "app.js") == clone


@pytest.mark.parametrize(
    ("owner", "name"),
    [("octo", ".."), ("..", "app"), ("octo", "a/b"), ("x@evil.test", "app"), ("octo", "a?b"), ("", "app"),
     ("octo", "a\n"), ("octo", "a#b"), ("octo", "\u0430pp")],
)  # fmt: skip
def test_a_name_that_github_could_not_give_is_refused(owner: str, name: str) -> None:
    with pytest.raises(UserError, match="none that GitHub gives"):
        make_clone_url("https://api.github.com", owner, name)

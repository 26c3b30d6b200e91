"""Where a GitHub has its pages, for each kind of GitHub, and what is no root of an API."""

from __future__ import annotations

import pytest

from bot.github_hosts import explain_wrong_root, find_email_domain, find_web_url
from bot.settings import SettingsError, load


@pytest.mark.parametrize(
    ("api", "web"),
    [
        ("https://api.github.com", "https://github.com"),
        ("https://api.github.com/", "https://github.com"),
        ("https://api.octocorp.ghe.com", "https://octocorp.ghe.com"),
        ("https://ghes.example.com/api/v3", "https://ghes.example.com"),
        ("https://api.example.com/api/v3", "https://api.example.com"),
        ("https://ghes.example.com:8443/api/v3/", "https://ghes.example.com:8443"),
        ("http://127.0.0.1:9/api", "http://127.0.0.1:9"),
    ],
)
def test_each_kind_of_github_has_its_pages_and_addresses(api: str, web: str) -> None:
    assert find_web_url(api) == web
    assert find_email_domain(api) == "users.noreply." + web.partition("://")[2].partition(":")[0]
    assert explain_wrong_root(api) == ""


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://github.com", "https://api.github.com"),
        ("https://octocorp.ghe.com", "https://api.octocorp.ghe.com"),
        ("https://ghes.example.com", "https://ghes.example.com/api/v3"),
        ("https://ghes.example.com/api", "https://ghes.example.com/api/v3"),
        ("https://api.github.com/graphql", "below the API's root"),
    ],
)
def test_an_address_that_is_no_root_is_named_with_the_right_one(
    url: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOB_GITHUB_URL", url)
    with pytest.raises(SettingsError, match=words):
        load()

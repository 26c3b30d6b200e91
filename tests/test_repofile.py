"""The repository file: defaults, and errors that name the key."""

from __future__ import annotations

import pytest

from bot.errors import UserError
from bot.repofile import RepoConfig, parse, schema


def test_no_file_and_an_empty_file_are_the_defaults() -> None:
    assert parse(None) == parse(b"") == parse(b"# nothing\n") == RepoConfig()


def test_values_are_read() -> None:
    config = parse(
        b"test: make check\nprotected_paths: ['*.lock']\nbudget: {turns: 5}\ninternet: [pypi.org]\n"
    )
    assert config.test == "make check"
    assert config.protected_paths == ("*.lock",)
    assert config.budget.turns == 5
    assert config.internet == ("pypi.org",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"tset: x", "unknown key `tset`"),
        (b"budget: {dollars: 3}", "unknown key `budget.dollars`"),
        (b"attempts: 99", "`attempts`"),
        (b"test: ''", "`test`"),
        (b"internet: [169.254.169.254]", "`internet"),
        (b"- a list", "must be a mapping"),
        (b"test: [", "not valid YAML"),
        (b"\xff\xfe", "not valid YAML"),
        (b"a: &a [*a]", "unknown key `a`"),
        (b"test: !!python/object/apply:os.system [id]", "not valid YAML"),
        (b"#" * 70_000, "larger than 64 KiB"),
    ],
)
def test_what_is_wrong_is_named(text: bytes, said: str) -> None:
    with pytest.raises(UserError) as caught:
        parse(text)
    assert said in caught.value.message


def test_the_schema_describes_every_key() -> None:
    properties = schema()["properties"]
    assert set(properties) == set(RepoConfig.model_fields)
    assert schema()["additionalProperties"] is False

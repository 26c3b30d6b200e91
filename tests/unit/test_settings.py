"""Settings: what is wrong is named, nothing fails open."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bot.settings import SettingsError, list_unknown_names, load


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in [name for name in os.environ if name.startswith("HOB_") or name == "PORT"]:
        monkeypatch.delenv(name)
    yield


@pytest.fixture(scope="module")
def pem() -> str:
    key = generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def test_defaults_need_nothing() -> None:
    settings = load()
    assert (settings.model, settings.port, settings.dashboard_host) == ("offline", 8000, "127.0.0.1")
    assert settings.github_url == "https://api.github.com"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HOB_APP_ID", ""),
        ("HOB_APP_ID", "zero"),
        ("HOB_APP_ID", "0"),
        ("HOB_WEBHOOK_SECRET", "  "),
        ("HOB_WEBHOOK_SECRET", "s"),
        ("HOB_WEBHOOK_SECRET", "0123456789abcde"),
        ("HOB_WEBHOOK_SECRET", "a" * 40),
        ("HOB_WEBHOOK_SECRET", "9f8c27d0b41e6a35,short"),
        ("HOB_WEBHOOK_SECRET", "passwordpassword"),
        ("HOB_WEBHOOK_SECRET", "changeme-changeme"),
        ("HOB_WEBHOOK_SECRET", "0123456789abcdefghijkl"),
        ("HOB_WEBHOOK_SECRET", "aaaaaaaaaaaaaaaabcdefg"),
        ("HOB_WEBHOOK_SECRET", "It's a Secret to Everybody"),
        ("HOB_WEBHOOK_SECRET", ","),
        ("HOB_WEBHOOK_SECRET", "one,"),
        ("HOB_WEBHOOK_SECRET", "a,b,c"),
        ("HOB_PRIVATE_KEY", "not a key"),
        ("HOB_BOTS", "renovate[bot]"),
        ("HOB_BOTS", "1,,2"),
        ("HOB_DAILY_USD", "0"),
        ("HOB_PRIVATE_KEY_FILE", "/does/not/exist"),
        ("HOB_GITHUB_URL", "http://github.example"),
        ("HOB_GITHUB_URL", "https://user@github.example"),
        ("HOB_BASE_URL", "ftp://x"),
        ("HOB_SANDBOX", "none"),
        ("HOB_CONCURRENCY", "0"),
        ("HOB_INTERNET", "on"),
        ("HOB_MEMORY_MIB", "1"),
        ("PORT", "70000"),
        ("HOB_LOG", "loud"),
    ],
)
def test_a_bad_value_names_its_variable(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        load()


def test_a_bad_secret_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOB_PRIVATE_KEY", "hunter2")
    with pytest.raises(SettingsError) as caught:
        load()
    assert "hunter2" not in str(caught.value)


def test_what_a_command_needs_is_named_when_missing() -> None:
    with pytest.raises(SettingsError, match=r"HOB_APP_ID, HOB_PRIVATE_KEY"):
        load("app_id", "private_key")


def test_what_others_trust_us_with_is_a_secret_unless_it_is_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", "a-long-key-of-a-provider")
    monkeypatch.setenv("POSTGRES_PASSWORD", "postgres")
    monkeypatch.setenv("KEYBOARD_LAYOUT", "a-long-name-of-a-layout")
    monkeypatch.setenv("HOB_DATABASE_URL", "postgresql://hob:long%2Fpassword-of-ours@db/hob")
    secrets = load().secrets()
    assert {"a-long-key-of-a-provider", "long/password-of-ours"} <= set(secrets)
    assert not {"postgres", "a-long-name-of-a-layout"} & set(secrets)


def test_two_secrets_are_valid_while_rotating(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOB_WEBHOOK_SECRET", "9f8c27d0b41e6a35, 5a6e14bd072c8f93")
    assert load("webhook_secret").webhook_secrets == ("9f8c27d0b41e6a35", "5a6e14bd072c8f93")


def test_the_key_comes_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, pem: str) -> None:
    path = tmp_path / "key.pem"
    path.write_text(pem)
    monkeypatch.setenv("HOB_PRIVATE_KEY_FILE", str(path))
    settings = load("private_key")
    assert settings.private_key and settings.private_key.get_secret_value() == pem
    assert pem not in repr(settings)
    monkeypatch.setenv("HOB_PRIVATE_KEY", pem)
    with pytest.raises(SettingsError, match="both set"):
        load()


def test_bots_are_numbers_and_people_see_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "HOB_BOTS": "29139614, 5",
        "HOB_DAILY_USD": "2.5",
        "HOB_WEBHOOK_SECRET": "open-sesame-please",
        "HOB_MODEL": "scripted:/home/me/x.json",
        "HOB_DATABASE_URL": "postgresql://me:open-sesame-please@db/x",
    }.items():
        monkeypatch.setenv(name, value)
    settings = load()
    assert settings.bots == frozenset([5, 29139614])
    values = settings.list_public_values()
    assert values["bots"] == ("5, 29139614", "the operator's `HOB_BOTS`")
    assert values["daily_usd"] == ("2.5", "the operator's `HOB_DAILY_USD`")
    assert values["image"] == ("python:3.13", "default") and values["model"][0] == "scripted"
    assert "sesame" not in str(values) and "/home" not in str(values)


def test_an_override_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOB_MODEL", "anthropic:x")
    assert load(model="offline").model == "offline"
    assert load(model=None).model == "anthropic:x"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("600", {"": 600}), ("ollama=1800, openai-chat=60.5", {"ollama": 1800, "openai-chat": 60.5})],
)
def test_how_long_a_model_may_take_to_begin(
    monkeypatch: pytest.MonkeyPatch, value: str, seconds: dict[str, float]
) -> None:
    monkeypatch.setenv("HOB_MODEL_SECONDS", value)
    assert load().model_seconds == seconds


@pytest.mark.parametrize("value", ["", "0", "soon", "=5", "ollama", "ollama=", "a=1,a=2", "1e3", "a=999999"])
def test_what_is_no_number_of_seconds_is_named(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("HOB_MODEL_SECONDS", value)
    with pytest.raises(SettingsError, match="HOB_MODEL_SECONDS"):
        load()


def test_a_name_that_is_no_setting_is_told_with_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOB_MODLE", "HOB_WEBHOOK_SECRETS", "HOB_XYZZY", "hob_labels", "HOB_MODEL", "HOBBY"):
        monkeypatch.setenv(name, "x")
    assert list_unknown_names() == [
        ("HOB_MODLE", "HOB_MODEL"),
        ("HOB_WEBHOOK_SECRETS", "HOB_WEBHOOK_SECRET"),
        ("HOB_XYZZY", ""),
        ("hob_labels", "HOB_LABEL"),
    ]


@pytest.mark.parametrize(
    ("settings", "local"),
    [
        ({"app_id": 7}, True),
        ({"client_id": "x"}, True),
        ({"base_url": "http://localhost:8001"}, True),
        ({}, False),  # such as `hob web` in an environment of its own, which makes no link
        ({"app_id": 7, "base_url": "https://hob.example"}, False),
        ({"app_id": 7, "github_url": "http://127.0.0.1:9/api"}, False),
    ],
)
def test_links_that_only_this_machine_reaches_are_known(settings: dict[str, Any], local: bool) -> None:
    assert load(**settings).has_local_links is local

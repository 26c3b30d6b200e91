"""Tokens whose shape the first net does not know are found by the second one, and ordinary text is not."""

from __future__ import annotations

import pytest

from bot.text.token_shapes import find_token_shapes

LETTERS = "q7Wk2mZt9RbX4vLs8HdP3nFy6GcJ1aTe5uNo0iBxQ7wK2MzT9rBx4VlS8hDp3NfY6gCj1AtE5UnO0IbX"
SMALL = LETTERS.lower()


@pytest.mark.parametrize(
    ("kind", "token"),
    [
        ("Azure Storage Account access key", f"AccountKey={LETTERS}{LETTERS[:6]}=="),
        ("Discord Bot Token", f"M{LETTERS[:23]}.{LETTERS[:6]}.{LETTERS[:27]}"),
        ("Mailchimp Access Key", f"{SMALL[:32]}-us12"),
        ("PyPI Token", f"pypi-AgEIcHlwaS5vcmc{LETTERS}"),
        ("SendGrid API Key", f"SG.{LETTERS[:22]}.{LETTERS[:43]}"),
        ("Square OAuth Secret", f"sq0csp-{LETTERS[:43]}"),
        ("Telegram Bot Token", f"1234567890:{LETTERS[:35]}"),
        ("Twilio API Key", f"SK{SMALL[:32]}"),
        ("GitLab Token", f"glrt-{LETTERS[:20]}"),
        ("AWS Access Key", f"aws_secret_access_key = '{LETTERS[:40]}'"),
    ],
)
def test_a_token_is_found_wherever_it_stands(kind: str, token: str) -> None:
    for before in ("", "x" * 650 + "\n", "\n" * 999, "word " * 5000):
        assert find_token_shapes(f"{before}{token}\nmore") == (kind,), len(before)


@pytest.mark.parametrize(
    "text",
    [
        "commit 2fd4e1c67a2d28fced849ee1bb76e7391b93eb12\n",
        "integrity: sha512-" + LETTERS + LETTERS[:4] + "==",
        "https://user:password@db.example/x and password = 'hunter2'",
        "APACHELICENSE APPEARANCEMODE us-east-1 12345678:tag",
        "export TWILIO=$TWILIO_KEY; SG.config.value; sk-learn-extensions",
    ],
)
def test_ordinary_text_has_none(text: str) -> None:
    assert find_token_shapes(text) == ()

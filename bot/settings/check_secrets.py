"""Secrets that are no secrets are refused at start: guessable, malformed, or too many."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import SecretStr

from bot.settings.groups import SettingsError

SHORTEST_SECRET = 16  # characters of a webhook secret
_DIFFERENT = 6  # characters that differ, at least, in a webhook secret
_EXAMPLE = "It's a Secret to Everybody"  # docs.github.com, validating webhook deliveries


def check_webhook_secrets(secrets: Sequence[str]) -> None:
    """Raise SettingsError for a secret that is only a separator or that can be guessed; none is fine."""
    if not all(secrets) or len(secrets) > 2:
        raise SettingsError("HOB_WEBHOOK_SECRET must be one secret, or two separated by a comma")
    if any(map(_is_guessable, secrets)):
        raise SettingsError(
            f"HOB_WEBHOOK_SECRET must have at least {SHORTEST_SECRET} characters, not all alike, "
            "repeated or in a row: whoever guesses it can give orders. Make one with `openssl rand "
            "-hex 32` and set it in the App too."
        )


def check_private_key(key: SecretStr | None) -> None:
    """Raise SettingsError for a key that is not in PEM, or that needs a passphrase; None is fine."""
    if key is None:
        return
    try:  # its numbers are checked by whoever signs with it: that takes a tenth of a second
        load_pem_private_key(
            key.get_secret_value().encode(), password=None, unsafe_skip_rsa_key_validation=True
        )
    except (ValueError, TypeError):
        raise SettingsError("HOB_PRIVATE_KEY is not a PEM private key without a passphrase") from None


def _is_guessable(secret: str) -> bool:
    """Whether a secret is short, of few characters, a piece repeated, in a row, or GitHub's example."""
    size = len(secret)
    steps = [abs(ord(here) - ord(there)) <= 1 for here, there in pairwise(secret)]
    return (
        size < SHORTEST_SECRET
        or len(set(secret)) < _DIFFERENT
        or any(secret == (secret[:part] * size)[:size] for part in range(1, size * 2 // 3))
        or sum(steps) * 4 > len(steps) * 3
        or secret == _EXAMPLE
    )

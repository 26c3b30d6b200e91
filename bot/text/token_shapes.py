"""A second net for secrets: the shapes of more providers' tokens, as detect-secrets knows them, offline.

``bot.text.redact`` has the first one. Taken are only shapes that hardly anything else has: entropy, keywords
and addresses with passwords are in ordinary code. Left out are patterns that are slow on hostile text, whose
tokens the first net knows (OpenAI, npm). A text is read in short pieces, so that no pattern sees a long one.
https://github.com/Yelp/detect-secrets
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import Any

_WINDOW, _OVERLAP = 1_000, 300  # characters; no token that is looked for is longer than the overlap
_PLUGINS = {
    "aws": "AWSKeyDetector",
    "azure_storage_key": "AzureStorageKeyDetector",
    "discord": "DiscordBotTokenDetector",
    "gitlab_token": "GitLabTokenDetector",
    "mailchimp": "MailchimpDetector",
    "pypi_token": "PypiTokenDetector",
    "sendgrid": "SendGridDetector",
    "slack": "SlackDetector",
    "square_oauth": "SquareOAuthDetector",
    "stripe": "StripeDetector",
    "telegram_token": "TelegramBotTokenDetector",
    "twilio": "TwilioKeyDetector",
}


def find_token_shapes(text: str) -> tuple[str, ...]:
    """The kinds of tokens that the text seems to hold, each once; takes time in proportion to its length."""
    found: dict[str, None] = {}
    for start in range(0, max(1, len(text) - _OVERLAP), _WINDOW - _OVERLAP):
        window = text[start : start + _WINDOW]
        for plugin in _load_plugins():
            if plugin.secret_type not in found and any(plugin.analyze_string(window)):
                found[plugin.secret_type] = None
    return tuple(found)


@cache
def _load_plugins() -> Sequence[Any]:
    """The library's detectors; imported when they are first used, which takes most of a second."""
    modules = {name: import_module(f"detect_secrets.plugins.{name}") for name in _PLUGINS}
    return tuple(getattr(modules[name], kind)() for name, kind in _PLUGINS.items())

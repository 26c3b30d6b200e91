"""The moderator that the operator's settings ask for."""

from __future__ import annotations

import aiohttp

from bot.moderation.endpoint import EndpointModerator
from bot.moderation.rules import RuleModerator
from bot.moderation.verdict import Moderator, ModeratorChain
from bot.settings import Settings, SettingsError


def make_moderator(settings: Settings, session: aiohttp.ClientSession) -> Moderator:
    """Rules, rules and then the endpoint, or nothing. Raises SettingsError when the endpoint has no key."""
    if settings.moderation == "off":
        return ModeratorChain([])
    if settings.moderation == "rules":
        return RuleModerator()
    if settings.moderation_key is None:
        raise SettingsError("HOB_MODERATION=endpoint needs HOB_MODERATION_KEY, the key of that endpoint")
    key = settings.moderation_key.get_secret_value()
    endpoint = EndpointModerator(session, settings.moderation_url, key, settings.moderation_model)
    return ModeratorChain([RuleModerator(), endpoint])

"""The models of this program by name: the engine without a language model, besides every provider's."""

from __future__ import annotations

from bot.agent.models.calls import OFFLINE
from bot.agent.models.choose import ModelRegistry
from bot.offline.engine import make_offline_model

MODELS = ModelRegistry(programs={OFFLINE: make_offline_model})

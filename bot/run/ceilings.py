"""The operator's ceilings: what hob.yml may ask for at most. Who merges that file may not be who pays."""

from __future__ import annotations

from bot.errors import UserError
from bot.repo_config import PATH, RepoConfig
from bot.settings import Settings


def limit_to_ceilings(config: RepoConfig, settings: Settings) -> RepoConfig:
    """The configuration with its budget and attempts no higher than the operator allows.

    Raises UserError for a model that the operator does not allow: another in its place would be a surprise.
    """
    _check_model(config.model, settings)
    asked = config.budget
    budget = asked.model_copy(
        update={
            "usd": min(asked.usd, settings.max_usd),
            "minutes": min(asked.minutes, settings.max_minutes),
            "turns": min(asked.turns, settings.max_turns),
        }
    )
    attempts = min(config.attempts, settings.max_attempts) if config.attempts else config.attempts
    return config.model_copy(update={"budget": budget, "attempts": attempts})


def _check_model(wanted: str | None, settings: Settings) -> None:
    """Raise UserError when hob.yml names a model that the operator has not allowed."""
    for name in (each.strip() for each in (wanted or "").split(",")):
        if name and name not in settings.allowed_models:
            known = ", ".join(f"`{each}`" for each in sorted(settings.allowed_models) if ":/" not in each)
            raise UserError(
                f"`{PATH}`: `model`: this Hob may use {known}, and no other. Whoever runs it can allow more "
                "with the variable HOB_MODELS.",
                phase="configuration",
            )

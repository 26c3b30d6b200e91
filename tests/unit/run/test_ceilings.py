"""hob.yml may lower what the operator allows, never raise it."""

from __future__ import annotations

import pytest

from bot.errors import UserError
from bot.repo_config import RepoConfig, parse_repo_config
from bot.run.ceilings import limit_to_ceilings
from bot.settings import Settings, load


def read_settings(**overrides: object) -> Settings:
    return load(**overrides)


def test_a_repository_cannot_raise_what_the_operator_allows() -> None:
    wish = parse_repo_config(b"budget: {usd: 1000, minutes: 1440, turns: 2000}\nattempts: 8\n")
    limited = limit_to_ceilings(
        wish, read_settings(max_usd=3.0, max_minutes=9.0, max_turns=7, max_attempts=2)
    )
    budget = limited.budget
    assert (budget.usd, budget.minutes, budget.turns, limited.attempts) == (3.0, 9.0, 7, 2)


def test_a_repository_may_ask_for_less() -> None:
    wish = parse_repo_config(b"budget: {usd: 0.5, minutes: 1, turns: 2}\nattempts: 1\n")
    assert limit_to_ceilings(wish, read_settings()) == wish
    assert limit_to_ceilings(RepoConfig(), read_settings()).attempts is None


@pytest.mark.parametrize("model", ["openai:gpt-9", "offline,openai:gpt-9", "anthropic:a , openai:gpt-9"])
def test_a_model_that_the_operator_did_not_allow_is_refused(model: str) -> None:
    settings = read_settings(model="anthropic:a", models="anthropic:b")
    with pytest.raises(UserError, match=r"may use `anthropic:a`, `anthropic:b`, `offline`, and no other"):
        limit_to_ceilings(RepoConfig(model=model), settings)
    for allowed in ("anthropic:a", "anthropic:b", "offline", "anthropic:a,anthropic:b"):
        limit_to_ceilings(RepoConfig(model=allowed), settings)


@pytest.mark.parametrize(
    ("given", "limit"),
    [
        ({}, None),
        ({"model": "scripted:/x.json"}, None),
        ({"model": "anthropic:a"}, 50.0),
        ({"model": "offline", "models": "anthropic:a"}, 50.0),
        ({"model": "anthropic:a", "daily_usd": 2.0}, 2.0),
        ({"daily_usd": 2.0}, 2.0),
    ],
)
def test_a_day_has_a_limit_once_a_model_has_a_price(given: dict[str, object], limit: float | None) -> None:
    assert read_settings(**given).daily_limit == limit

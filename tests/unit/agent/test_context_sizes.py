"""How a small window is shared out, and what of a brief is shown in it."""

from __future__ import annotations

import json

import pytest
from pydantic_ai.messages import SystemPromptPart, UserPromptPart

from bot.agent.compaction import TARGETS, choose_targets
from bot.agent.context_sizes import (
    FIXED_CHARS,
    FULL,
    FULL_WINDOW,
    choose_sizes,
    fit_brief,
    shrink_opening,
)
from bot.agent.prompt import find_brief, load_system_prompt, make_opening, render_brief
from bot.agent.tools.registry import list_short_definitions
from bot.domain import Brief, TaskKind
from tests.support.agent import brief, words


def large_brief(texts: int = 30) -> Brief:
    return brief(
        "Fix the total. " * 400,
        orientation="src/x.py  total:3\n" * 800,
        environment="tool 1\n" * 800,
        texts=tuple(words(f"text {n} " * 300) for n in range(texts)),
    )


def test_a_large_window_shows_everything() -> None:
    assert choose_sizes(FULL_WINDOW) == choose_sizes(1_000_000) == FULL
    assert fit_brief(large_brief(), FULL) == large_brief()
    assert choose_targets(FULL) == TARGETS


@pytest.mark.parametrize("kind", TaskKind)
def test_the_short_prompt_and_tools_are_as_small_as_is_counted_on(kind: TaskKind) -> None:
    tools = [[t.name, t.description, t.parameters_json_schema] for t in list_short_definitions(kind)]
    assert len(json.dumps(tools)) + len(load_system_prompt(small=True)) < FIXED_CHARS
    assert [each[0] for each in tools][-1] == "finish"


@pytest.mark.parametrize("window", [4096, 8192, 16_000, 31_999])
@pytest.mark.parametrize("texts", [0, 1, 5, 60])
def test_a_brief_is_made_to_fit(window: int, texts: int) -> None:
    sizes = choose_sizes(window)
    shown = render_brief(fit_brief(large_brief(texts), sizes))
    assert len(shown) < 1.15 * sizes.brief
    assert "Fix the total." in shown
    assert "left out here" in shown
    if texts and window >= 8192:
        assert f"text {texts - 1} " in shown


def test_what_fits_is_shown_whole() -> None:
    small = brief("Fix it", texts=(words("One word."),), orientation="a.py")
    assert fit_brief(small, choose_sizes(8192)) == small


def test_of_many_texts_the_latest_instructions_are_shown_and_the_rest_counted() -> None:
    texts = tuple(words(f"number {n}: " + "word " * 100) for n in range(40))
    shown = fit_brief(brief("Fix it", texts=texts), choose_sizes(8192)).texts
    assert 2 <= len(shown) < 40
    assert f"[{40 - len(shown)} further texts are left out here" in shown[0].text
    assert shown[-1].text.startswith("number 39: ")


def test_an_opening_is_made_smaller_for_the_next_model() -> None:
    whole = make_opening(large_brief())
    small = shrink_opening(whole, choose_sizes(8192))
    assert find_brief([small]) == large_brief()
    system, user = small.parts
    assert isinstance(system, SystemPromptPart) and system.content == load_system_prompt(small=True)
    assert isinstance(user, UserPromptPart) and len(user.content) < 8000
    own = shrink_opening(make_opening(large_brief(), "Be kind."), choose_sizes(8192))
    assert isinstance(own.parts[0], SystemPromptPart) and own.parts[0].content == "Be kind."

"""The messages for a text that is not taken or not published."""

from __future__ import annotations

from bot.moderation.verdict import Category, Verdict

_KIND = (
    "I cannot help with this, and I am only a program. If you think about hurting yourself, please talk to "
    "somebody now: https://findahelpline.com lists people who listen, by country."
)


def render_not_taken(verdict: Verdict) -> str:
    """The polite no to a request."""
    if verdict.category is Category.SELF_HARM:
        return _KIND
    return (
        f"I did not take this: it reads like {verdict.category.value}, which I do not work on. If something "
        "else is meant, please say it in other words."
    )


def render_not_published(verdict: Verdict) -> str:
    """Why what was made is not published."""
    return (
        f"What I made reads like {verdict.category.value}, so I published nothing of it. The run's page has "
        "it, for who may see that."
    )


def name_reason(verdict: Verdict) -> str:
    """The reason that is stored and counted."""
    return f"moderation: {verdict.category.value}"

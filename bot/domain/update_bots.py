"""The bots that bring dependencies up to date, whose pull requests a person may have Hob mend."""

from __future__ import annotations

from bot.domain.event import Person

# Names that no person's account can have, for the brackets; their ids differ from one GitHub to another.
# https://docs.github.com/en/code-security/dependabot and https://docs.renovatebot.com
LOGINS = frozenset({"dependabot[bot]", "renovate[bot]"})


def is_update_bot(person: Person) -> bool:
    """Whether an account is Dependabot's or Renovate's."""
    return person.is_bot and person.login in LOGINS

"""Who may ask, and what everybody else is told."""

from __future__ import annotations

import pytest

from bot.domain import Permission, Person, Refusal
from bot.errors import Retry
from bot.github.permissions import may_ask, render_refusal
from tests.support.payloads import event, issue_comment

REPO = event("issue_comment", issue_comment("x")).repo
ALICE = Person(id=21, login="alice")


class Answering:
    """A repository's API that knows one permission, or fails."""

    def __init__(self, answer: Permission | Exception) -> None:
        self.answer = answer

    async def get(self, login: str, account: int = 0) -> Permission:
        assert (login, account) == (ALICE.login, ALICE.id)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize("permission", list(Permission))
async def test_only_writers_may_ask(permission: Permission) -> None:
    assert REPO is not None
    answer = await may_ask(Answering(permission), ALICE, REPO)
    if permission in (Permission.WRITE, Permission.ADMIN):
        assert answer is permission
    else:
        assert isinstance(answer, Refusal)


async def test_s64_no_answer_is_no_permission() -> None:
    assert REPO is not None
    with pytest.raises(Retry):
        await may_ask(Answering(Retry("GitHub is away")), ALICE, REPO)


def test_the_refusal_says_who_may_and_how() -> None:
    assert REPO is not None
    read = render_refusal(Permission.READ, REPO).message
    assert "`read` access" in read and "`octo/app`" in read and "Collaborators" in read and "@" not in read
    assert "no access" in render_refusal(Permission.NONE, REPO).message
    assert len(read) < 500

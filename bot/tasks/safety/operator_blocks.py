"""The operator's blocks: set at a terminal or on the dashboard, by login or number."""

from __future__ import annotations

from bot.domain import Person
from bot.errors import HobError
from bot.tasks.safety.records import EVERYWHERE, name_repository
from bot.tasks.store import Store

STOPPED = "its requester was blocked by who runs this Hob"


class BlockError(HobError):
    """Nobody can be blocked or unblocked so; the message says why, and how to name somebody."""


async def block_person(
    store: Store, who: str, repository: str = "", *, reason: str = "", by: str = ""
) -> str:
    """Take no requests from somebody, everywhere or in one repository, and stop what they asked for.

    ``who`` is a login or an account's number, ``by`` '' for the operator at a terminal. Returns what was done
    in words. Raises BlockError.
    """
    person = await _find_account(store, who)
    scope, repo_id = await _find_scope(store, repository)
    new = await store.block(scope, person, by=by, reason=reason)
    ended = await store.list_open_tasks_of(person.id, repo_id)
    for task in ended:
        await store.ask_cancel(task, why=STOPPED)
    state = "blocked" if new else "was blocked before"
    return f"{person.login} ({person.id}) {state}, {len(ended)} tasks stopped"


async def unblock_person(store: Store, who: str, repository: str = "") -> str:
    """Take somebody's requests again there; returns a sentence on what was done. Raises BlockError."""
    scope, _ = await _find_scope(store, repository)
    person = await _find_account(store, who)
    if not await store.unblock(scope, person.id):
        raise BlockError(f"{person.login} ({person.id}) is not blocked there; `hob block` lists who is")
    return f"{person.login} ({person.id}) unblocked"


async def _find_account(store: Store, who: str) -> Person:
    """A number is an account, a login is looked up among those who asked for something."""
    name = who.strip().removeprefix("@")
    if name.isascii() and name.isdecimal() and len(name) < 19:
        known = next((each.login for each in await store.list_blocks() if each.person == int(name)), name)
        return Person(id=int(name), login=known)
    person = await store.find_person(name) if name else None
    if person is None:
        raise BlockError(
            f"nobody called {name[:100]} asked for anything here: give the account's number, which stands at "
            f"https://api.github.com/users/{name[:100]} as `id`"
        )
    return person


async def _find_scope(store: Store, repository: str) -> tuple[str, int | None]:
    """The block's scope and the repository's number."""
    if not repository:
        return EVERYWHERE, None
    found = await store.find_repository(repository)
    if found is None:
        raise BlockError(f"nothing was ever asked for in {repository[:200]}")
    return name_repository(found), found

"""How much people, repositories and installations may ask for: tasks in an hour, US dollars in 24 hours."""

from __future__ import annotations

from dataclasses import dataclass

from bot.domain import Person, Repo
from bot.tasks.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLimits:
    """None: no limit. ``person`` and ``person_usd`` count what one account asks for.

    ``person``, ``repository`` and ``installation`` are tasks in the last hour; ``person_usd`` and
    ``repository_usd`` US dollars of the last 24 hours.
    """

    person: int | None = None
    repository: int | None = None
    installation: int | None = None
    person_usd: float | None = None
    repository_usd: float | None = None

    def __bool__(self) -> bool:
        counted = (self.person, self.repository, self.installation)
        return any(most is not None for most in (*counted, self.person_usd, self.repository_usd))


async def find_exceeded_limit(
    store: Store,
    limits: RequestLimits,
    *,
    person: Person,
    repo: Repo,
    installation: int,
    task: int | None = None,
) -> str:
    """Which limit one request more would exceed, as a sentence; '' for none.

    With ``task``, the request that is a task already, only older ones count, and of a person only those in
    this repository.
    """
    if not limits:
        return ""
    made = await store.count_recent_requests(
        person=person.id, repo_id=repo.id, installation=installation, before=task
    )
    for count, most, who in (
        (made.person, limits.person, f"`{person.login}`"),
        (made.repository, limits.repository, f"`{repo.full_name}`"),
        (made.installation, limits.installation, "this installation"),
    ):
        if most is not None and count >= most:
            return f"No more than {most} requests in an hour are taken from {who}, and there were {count}."
    here = repo.id if task else None
    if limits.person_usd is not None:
        spent = (await store.sum_day_of_person(person.id, here)).usd
        if spent >= limits.person_usd:
            return _explain_cost(f"`{person.login}`", spent, limits.person_usd)
    if limits.repository_usd is not None:
        spent = (await store.sum_day_of_repository(repo.id)).usd
        if spent >= limits.repository_usd:
            return _explain_cost(f"`{repo.full_name}`", spent, limits.repository_usd)
    return ""


def _explain_cost(who: str, spent: float, most: float) -> str:
    return f"Requests of {who} may cost ${most:g} in 24 hours, and cost ${spent:.2f}."

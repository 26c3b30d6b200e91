"""What flags say to one task: asked through OpenFeature when its first run begins, and kept with its runs.

A later run of the task keeps the values of the first one, so that a change of a flag alters no work that is
under way, and figures compare what they seem to. Only what takes away holds at once: ``paused``, and an
``internet`` that is off.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from openfeature.client import OpenFeatureClient
from openfeature.flag_evaluation import FlagEvaluationDetails
from openfeature.provider import ProviderStatus
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.domain import Task
from bot.flags.known import KNOWN, FlagError, FlagValue
from bot.flags.provider import PostgresProvider, make_context
from bot.flags.records import render_value
from bot.flags.rules import Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenFlag:
    """One flag as a run had it. ``value`` is None where it said nothing; the rest is as in ``Decision``."""

    value: FlagValue | None
    why: str = ""
    release: int = 0
    step: float = 0.0
    taken: bool = False
    ignored: str = ""  # why this worker did not go by it
    digest: str = ""  # of the prompt's text, where it names one


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFlags:
    """The flags of a task that say something, or have a release going on."""

    given: Mapping[str, GivenFlag] = field(default_factory=dict)

    def find_word(self, name: str) -> str | None:
        """The word that a flag says; None where it says nothing."""
        value = self._find(name)
        return value if isinstance(value, str) else None

    def find_number(self, name: str) -> float | None:
        """The number that a flag says; None where it says nothing."""
        value = self._find(name)
        return None if value is None or isinstance(value, str | bool) else value

    def is_on(self, name: str, default: bool) -> bool:
        """What a flag says that is true or false; ``default`` where it says nothing."""
        value = self._find(name)
        return value if isinstance(value, bool) else default

    def ignore(self, name: str, why: str) -> RunFlags:
        """The same without what a flag says, which this worker cannot go by: its run is of no release."""
        new = replace(self.given[name], ignored=why, release=0, taken=False)
        return RunFlags(given={**self.given, name: new})

    def restrict(self, now: RunFlags) -> RunFlags:
        """These flags, with what ``now`` takes away at once."""
        if now.is_on("internet", True) or not self.is_on("internet", True):
            return self
        return RunFlags(given={**self.given, "internet": now.given["internet"]})

    def dump(self) -> dict[str, Any]:
        """As JSON, for the run's row."""
        return {name: asdict(each) for name, each in self.given.items()}

    def _find(self, name: str) -> FlagValue | None:
        found = self.given.get(name)
        return None if found is None or found.ignored else found.value


def load_run_flags(stored: Mapping[str, Any]) -> RunFlags:
    """What ``dump`` gave, of this version or another: fields that are not known are left out."""
    names = GivenFlag.__dataclass_fields__
    return RunFlags(
        given={
            name: GivenFlag(**{key: value for key, value in each.items() if key in names})
            for name, each in stored.items()
            if name in KNOWN and isinstance(each, Mapping) and "value" in each
        }
    )


def make_subject(task: Task) -> Subject:
    """Whom flags are asked about for a task."""
    return Subject(
        installation=task.installation,
        repository=task.repo.id,
        person=task.requester.id,
        thread=task.thread.number,
    )


async def ask_flags(engine: AsyncEngine, subject: Subject) -> RunFlags:
    """What each flag says to the subject now. Raises FlagError where what is stored cannot be read."""
    client, context = _Client(await PostgresProvider.read(engine)), make_context(subject)
    given = {}
    for name, flag in KNOWN.items():
        found: FlagEvaluationDetails[Any]
        if flag.kind is bool:
            found = client.get_boolean_details(name, False, context)
        elif flag.kind is str:
            found = client.get_string_details(name, "", context)
        else:
            found = client.get_float_details(name, 0.0, context)
        if found.error_code is not None:
            mend = f"`hob flags clear {name}` removes it"
            raise FlagError(f"the flag {name} cannot be read: {found.error_message}; {mend}")
        more = found.flag_metadata
        value = found.value if found.variant is not None else None
        if value is not None or more["release"]:
            given[name] = GivenFlag(
                value=value,
                why=str(more["why"]),
                release=int(more["release"]),
                step=float(more["step"]),
                taken=bool(more["taken"]),
            )
    return RunFlags(given=given)


def explain(name: str, flags: RunFlags) -> tuple[str, str] | None:
    """A flag's value and why it holds, for ``@hob config``; None where it says nothing."""
    found = flags.given.get(name)
    if found is None or found.value is None or found.ignored:
        return None
    return render_value(found.value), found.why


class _Client(OpenFeatureClient):
    """OpenFeature's client with a provider of its own: the SDK's registry is one for all of a process."""

    def __init__(self, provider: PostgresProvider) -> None:
        super().__init__(domain="hob", version=None)
        self._provider = provider

    @property
    def provider(self) -> PostgresProvider:
        """The provider that it was made with."""
        return self._provider

    def get_provider_status(self) -> ProviderStatus:
        """Ready: the rules are read."""
        return ProviderStatus.READY

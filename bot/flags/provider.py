"""OpenFeature's provider over our PostgreSQL.

https://openfeature.dev/specification/sections/providers: a provider resolves a flag for a context to a value
with the reason for it. Ours decides over the rules that it read from the database, so all flags of a run are
of one moment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import TargetingKeyMissingError, TypeMismatchError
from openfeature.flag_evaluation import FlagResolutionDetails, FlagValueType, Reason
from openfeature.provider import AbstractProvider, Metadata
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.flags.records import load_rules
from bot.flags.rules import FlagRules, Subject
from bot.tasks.database.reading import read_from

T = TypeVar("T")
_PARTS = ("installation", "repository", "person", "thread")


def make_context(subject: Subject) -> EvaluationContext:
    """The subject as OpenFeature takes it; the thread is the targeting key."""
    parts = {name: getattr(subject, name) for name in _PARTS}
    return EvaluationContext(f"{subject.repository}#{subject.thread}", parts)


class PostgresProvider(AbstractProvider):
    """Flags by rules that were read from the database."""

    def __init__(self, rules: FlagRules) -> None:
        super().__init__()
        self._rules = rules

    @classmethod
    async def read(cls, engine: AsyncEngine) -> PostgresProvider:
        """A provider with what the database says now."""
        async with read_from(engine) as connection:
            return cls(await connection.run_sync(load_rules))

    def get_metadata(self) -> Metadata:
        """Its name."""
        return Metadata(name="Hob's PostgreSQL")

    def resolve_boolean_details(
        self, flag_key: str, default_value: bool, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[bool]:
        """True or false."""
        return self._resolve(flag_key, default_value, (bool,), evaluation_context)

    def resolve_string_details(
        self, flag_key: str, default_value: str, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[str]:
        """A word."""
        return self._resolve(flag_key, default_value, (str,), evaluation_context)

    def resolve_integer_details(
        self, flag_key: str, default_value: int, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[int]:
        """A whole number."""
        return self._resolve(flag_key, default_value, (int,), evaluation_context)

    def resolve_float_details(
        self, flag_key: str, default_value: float, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[float]:
        """A number."""
        return self._resolve(flag_key, default_value, (int, float), evaluation_context)

    def resolve_object_details(
        self,
        flag_key: str,
        default_value: Sequence[FlagValueType] | Mapping[str, FlagValueType],
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[Sequence[FlagValueType] | Mapping[str, FlagValueType]]:
        """No flag of ours is an object."""
        raise TypeMismatchError(f"{flag_key} is not an object")

    def _resolve(
        self, flag: str, default: T, kinds: tuple[type, ...], context: EvaluationContext | None
    ) -> FlagResolutionDetails[T]:
        if context is None or not all(name in context.attributes for name in _PARTS):
            raise TargetingKeyMissingError(f"{flag} is asked for with {', '.join(_PARTS)}")
        subject = Subject(**{name: int(str(context.attributes[name])) for name in _PARTS})
        made = self._rules.decide(flag, subject)
        more: dict[str, bool | int | float | str] = {
            name: getattr(made, name) for name in ("why", "percent", "release", "step", "taken")
        }
        if made.value is None:
            return FlagResolutionDetails(default, reason=Reason.DEFAULT, flag_metadata=more)
        if type(made.value) not in kinds:
            raise TypeMismatchError(f"{flag} is stored as {type(made.value).__name__}")
        reason = Reason.SPLIT if made.percent < 100 else Reason.TARGETING_MATCH
        value: T = made.value  # type: ignore[assignment]  # one of ``kinds``, which are T's
        return FlagResolutionDetails(value, reason=reason, variant=str(made.value), flag_metadata=more)

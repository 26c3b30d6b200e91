"""Values that are right by a JSON schema, told at once: most are, and jsonschema takes its time for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

Check = Callable[[Any], bool]
Schema = Mapping[str, Any]

# bool is an int to Python and no number to JSON; a float may be an integer: jsonschema decides.
TYPES: Final[Mapping[str, Check]] = {
    "string": lambda value: type(value) is str,
    "integer": lambda value: type(value) is int,
    "number": lambda value: type(value) is int or type(value) is float,
    "boolean": lambda value: value is True or value is False,
    "null": lambda value: value is None,
    "object": lambda value: type(value) is dict,
    "array": lambda value: type(value) is list,
}
BOUNDS: Final[Mapping[str, tuple[tuple[type, ...], Callable[[Any, Any], bool]]]] = {
    "maxLength": ((str,), lambda value, bound: len(value) <= bound),
    "minLength": ((str,), lambda value, bound: len(value) >= bound),
    "maxItems": ((list,), lambda value, bound: len(value) <= bound),
    "minItems": ((list,), lambda value, bound: len(value) >= bound),
    "maximum": ((int, float), lambda value, bound: value <= bound),
    "minimum": ((int, float), lambda value, bound: value >= bound),
}


class RightValues:
    """Checks made of plain schemas, each once. ``formats`` says of which values a format holds."""

    def __init__(self, formats: Mapping[str, Check]) -> None:
        self._formats = formats
        self._made: dict[int, tuple[Schema, Check]] = {}

    def make_check(self, schema: Schema) -> Check:
        """What says True of a value only if the schema has nothing against it; False says nothing.

        The schema has no reference, may contain itself, and may not change any more.
        """
        if id(schema) not in self._made:
            parts: list[Check] = []
            # Entered before it is whole, as a schema may contain itself; kept, or its id might serve again.
            self._made[id(schema)] = (schema, lambda value: all(part(value) for part in parts))
            parts += self._make_parts(schema)
            if len(parts) == 1:
                self._made[id(schema)] = (schema, parts[0])
        return self._made[id(schema)][1]

    def _make_parts(self, schema: Schema) -> list[Check]:
        parts = [
            self._make_part(key, value)
            for key, value in schema.items()
            if key not in ("properties", "required", "additionalProperties")
        ]
        if schema.keys() & {"properties", "required", "additionalProperties"}:
            parts.append(self._make_fields(schema))
        return parts

    def _make_part(self, key: str, value: Any) -> Check:
        if key == "type":
            if isinstance(value, str):
                return TYPES.get(value, say_nothing)
            return make_any([TYPES.get(each, say_nothing) for each in value])
        if key in ("enum", "const"):
            allowed = [value] if key == "const" else value
            words = frozenset(each for each in allowed if each is None or type(each) is str)
            return lambda given: (given is None or type(given) is str) and given in words
        if key == "format":
            return self._formats.get(value, say_right)
        if key == "items" and isinstance(value, Mapping):
            item = self.make_check(value)
            return lambda given: not isinstance(given, list) or all(map(item, given))
        if key == "anyOf":
            return make_any([self.make_check(each) for each in value])
        if key == "allOf":
            checks = [self.make_check(each) for each in value]
            return lambda given: all(check(given) for check in checks)
        if key in BOUNDS:
            kinds, holds = BOUNDS[key]
            return lambda given: not isinstance(given, kinds) or holds(given, value)
        return say_nothing

    def _make_fields(self, schema: Schema) -> Check:
        fields = {name: self.make_check(each) for name, each in schema.get("properties", {}).items()}
        required = tuple(schema.get("required", ()))
        others = schema.get("additionalProperties", True)
        other = (
            self.make_check(others) if isinstance(others, Mapping) else (say_right if others else say_nothing)
        )

        def check(value: Any) -> bool:
            if not isinstance(value, dict):
                return True
            for name in required:
                if name not in value:
                    return False
            return all(fields.get(name, other)(item) for name, item in value.items())

        return check


def make_any(checks: list[Check]) -> Check:
    """What holds where one of them does."""
    return lambda value: any(check(value) for check in checks)


def say_right(value: Any) -> bool:
    """Of a format that nobody checks."""
    return True


def say_nothing(value: Any) -> bool:
    """Of a keyword that is not known here."""
    return False

"""JSON Schema as GitHub writes it, made fit for a validator: the machinery below ``github_spec``.

GitHub's REST description is OpenAPI 3.0 (``nullable``, overlapping ``oneOf``), its webhook schemas draft 7;
both lean on references, which a validator follows slowly. `Plain` makes plain schemas with everything in
place and says what is wrong with a value by one of them.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import jsonschema

Schema = Mapping[str, Any]

# Keywords that say nothing about a value's shape.
DROPPED: Final = frozenset(
    {"nullable", "discriminator", "deprecated", "readOnly", "writeOnly", "tsAdditionalProperties"}
)
FORMATS: Final = jsonschema.FormatChecker(formats=())


@FORMATS.checks("date-time")
def is_date_time(value: object) -> bool:
    """RFC 3339 with an offset, as GitHub writes times."""
    shape = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"
    return not isinstance(value, str) or bool(re.fullmatch(shape, value))


@FORMATS.checks("uri")
def is_uri(value: object) -> bool:
    """With a scheme."""
    return not isinstance(value, str) or bool(re.match(r"[a-z][a-z0-9+.-]*:\S", value))


def fingerprint(value: Any) -> bytes:
    """A short name of a JSON value."""
    return hashlib.blake2b(json.dumps(value).encode(), digest_size=16).digest()


def judge_properties(
    validator: jsonschema.Draft202012Validator, properties: Schema, value: Any, schema: Schema
) -> Iterator[jsonschema.ValidationError]:
    """As jsonschema's own, but an object that was right once is not judged again: most come many times."""
    if not isinstance(value, dict):
        return
    key = (id(properties), fingerprint(value))
    if key not in RIGHT:
        errors = list(OWN_PROPERTIES(validator, properties, value, schema))
        if not errors:
            RIGHT[key] = properties  # kept too, or its id might serve again
        yield from errors


RIGHT: Final[dict[tuple[int, bytes], Schema]] = {}
OWN_PROPERTIES: Final = jsonschema.Draft202012Validator.VALIDATORS["properties"]
VALIDATOR: Final = jsonschema.validators.extend(
    jsonschema.Draft202012Validator, {"properties": judge_properties}
)


class Plain:
    """Schemas without references and without OpenAPI's own words, each made once and kept for ever.

    ``look_up`` gives what a ``$ref`` points to.
    """

    def __init__(self, look_up: Callable[[str], Schema]) -> None:
        self._look_up = look_up
        self._targets: dict[str, dict[str, Any]] = {}
        self._made: dict[int, tuple[Schema, dict[str, Any], jsonschema.Draft202012Validator]] = {}
        self._fields: dict[tuple[int, ...], dict[str, list[Schema]] | None] = {}
        self._found_unknown: dict[tuple[int, bytes, str], list[str]] = {}

    def complaints(self, schema: Schema, value: Any, where: str) -> Iterator[str]:
        """What is wrong with a value by a schema."""
        _, _, validator = self._validator(schema)
        for error in validator.iter_errors(value):
            yield f"{where}{place(error)}: {innermost(error)}"

    def unknown(self, schema: Schema, value: Any, where: str) -> Iterator[str]:
        """The fields of a value that the schema does not know, though it may allow them."""
        _, plain, _ = self._validator(schema)
        key = (id(plain), fingerprint(value), where)
        if key not in self._found_unknown:
            self._found_unknown[key] = list(self._unknown((plain,), value, where))
        yield from self._found_unknown[key]

    def _validator(self, schema: Schema) -> tuple[Schema, dict[str, Any], jsonschema.Draft202012Validator]:
        if id(schema) not in self._made:
            plain = self._plain(schema)
            validator = VALIDATOR(plain, format_checker=FORMATS)
            self._made[id(schema)] = (schema, plain, validator)  # the schema too, or its id might serve again
        return self._made[id(schema)]

    def _plain(self, schema: Schema) -> dict[str, Any]:
        if "$ref" in schema:
            plain = self._target(schema["$ref"])
        else:
            plain = {key: self._keyword(key, value) for key, value in schema.items() if key not in DROPPED}
            if "oneOf" in plain:
                plain["anyOf"] = plain.pop("oneOf") + plain.get("anyOf", [])
        return {"anyOf": [plain, {"type": "null"}]} if schema.get("nullable") else plain

    def _keyword(self, key: str, value: Any) -> Any:
        if key == "properties":
            return {name: self._plain(item) for name, item in value.items()}
        if key in ("oneOf", "anyOf", "allOf"):
            return [self._plain(item) for item in value]
        if key in ("items", "additionalProperties", "not") and isinstance(value, dict):
            return self._plain(value)
        return value

    def _target(self, reference: str) -> dict[str, Any]:
        if reference not in self._targets:
            self._targets[reference] = {}  # entered before it is filled: a schema may contain itself
            self._targets[reference].update(self._plain(self._look_up(reference)))
        return self._targets[reference]

    def _unknown(self, schemas: Sequence[Schema], value: Any, where: str) -> Iterator[str]:
        if isinstance(value, dict):
            known = self._known_fields(schemas)
            if known is None:
                return
            for name, item in value.items():
                if name in known:
                    yield from self._unknown(known[name], item, f"{where}.{name}")
                else:
                    yield f"{where}.{name}: GitHub knows no such field"
        elif isinstance(value, list):
            parts = [part["items"] for part in branches(schemas) if isinstance(part.get("items"), dict)]
            for index, item in enumerate(value):
                yield from self._unknown(parts, item, f"{where}[{index}]")

    def _known_fields(self, schemas: Sequence[Schema]) -> dict[str, list[Schema]] | None:
        """Field name -> its schemas; None when any field goes."""
        key = tuple(map(id, schemas))
        if key not in self._fields:
            self._fields[key] = fields_of(schemas)
        return self._fields[key]


def fields_of(schemas: Sequence[Schema]) -> dict[str, list[Schema]] | None:
    """The fields of all alternatives and parts together; None when one of them is open."""
    fields: dict[str, list[Schema]] = {}
    for part in branches(schemas):
        is_free_object = part.get("type") == "object" and "properties" not in part
        if not part or is_free_object or part.get("additionalProperties"):
            return None
        for name, schema in part.get("properties", {}).items():
            fields.setdefault(name, []).append(schema)
    return fields


def branches(schemas: Sequence[Schema]) -> Iterator[Schema]:
    """The schemas and, flattened, what they combine."""
    for schema in schemas:
        combined = [part for key in ("anyOf", "allOf") for part in schema.get(key, ())]
        if not combined or len(schema) > 1:
            yield schema
        yield from branches(combined)


def place(error: jsonschema.ValidationError) -> str:
    """Where in a document an error is: ``.user.login``."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path)


def innermost(error: jsonschema.ValidationError) -> str:
    """The message that tells most: of alternatives, what the nearest one misses."""
    leaf = error
    while leaf.context:
        alternatives: dict[object, list[jsonschema.ValidationError]] = {}
        for cause in leaf.context:
            alternatives.setdefault(cause.schema_path[0], []).append(cause)
        leaf = min(alternatives.values(), key=lambda causes: (is_null_only(causes), len(causes)))[0]
    prefix = f"{place(leaf)}: " if leaf is not error else ""
    text = leaf.message
    return prefix + (text if len(text) <= 300 else f"{text[:140]} ... {text[-140:]}")


def is_null_only(causes: Sequence[jsonschema.ValidationError]) -> bool:
    """Whether the alternative was that there be nothing at all."""
    return causes[0].validator == "type" and causes[0].validator_value == "null"

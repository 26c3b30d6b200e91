"""What is told at once of a value by its schema: never more than jsonschema says."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.github_schema import FORMATS, is_date_time, is_uri
from tests.support.right_values import RightValues

RIGHT = RightValues({"date-time": is_date_time, "uri": is_uri})
TIME = "2026-01-02T03:04:05Z"

# Each schema with a value that is right, told at once, and one that is wrong.
SCHEMAS: list[tuple[dict[str, Any], Any, Any]] = [
    ({"type": "string"}, "a", 1),
    ({"type": "integer"}, 1, True),
    ({"type": "number"}, 1.5, "1"),
    ({"type": "boolean"}, False, 0),
    ({"type": "null"}, None, 0),
    ({"type": ["string", "null"]}, None, 0),
    ({"enum": ["a", None, 1]}, "a", "b"),
    ({"const": "a"}, "a", None),
    ({"format": "date-time"}, TIME, "a"),
    ({"format": "uri"}, "https://a", "a"),
    ({"format": "uri-template"}, "a", ...),
    ({"maxLength": 1}, "a", "ab"),
    ({"minLength": 1}, "a", ""),
    ({"maximum": 1}, 1, 2),
    ({"minimum": 1}, 1, 0),
    ({"maxItems": 1}, [0], [0, 1]),
    ({"minItems": 1}, [0], []),
    ({"type": "array", "items": {"type": "integer"}}, [1], [1, "a"]),
    ({"anyOf": [{"type": "null"}, {"minimum": 1}]}, None, 0),
    ({"allOf": [{"type": "integer"}, {"minimum": 1}]}, 1, 0),
    ({"required": ["a"]}, {"a": 0}, {"b": 0}),
    ({"properties": {"a": {"type": "null"}}}, {"b": 0}, {"a": 0}),
    ({"properties": {"a": {}}, "additionalProperties": False}, {"a": 0}, {"b": 0}),
    ({"additionalProperties": {"type": "null"}}, {"a": None}, {"a": 0}),
]
VALUES = st.recursive(
    st.sampled_from([None, False, True, 0, 1, 2, 1.0, 1.5, "", "a", "b", "ab", TIME, "https://a"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
    max_leaves=4,
)


@pytest.mark.parametrize(("schema", "right", "wrong"), SCHEMAS, ids=[str(each[0]) for each in SCHEMAS])
def test_what_is_right_is_told_and_what_is_wrong_is_not(
    schema: dict[str, Any], right: Any, wrong: Any
) -> None:
    check = RIGHT.make_check(schema)
    assert check(right)
    assert wrong is ... or not check(wrong)


@given(value=VALUES)
def test_it_never_says_more_than_jsonschema(value: Any) -> None:
    for schema, _, _ in SCHEMAS:
        if RIGHT.make_check(schema)(value):
            assert jsonschema.Draft202012Validator(schema, format_checker=FORMATS).is_valid(value)


@pytest.mark.parametrize("keyword", ["pattern", "oneOf", "not", "$ref", "patternProperties"])
def test_of_a_keyword_that_it_does_not_know_it_says_nothing(keyword: str) -> None:
    assert not RIGHT.make_check({keyword: {}})("a")


def test_a_schema_may_contain_itself() -> None:
    schema: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}
    schema["properties"]["parent"] = schema
    check = RIGHT.make_check(schema)
    assert check({"parent": {"parent": {}}})
    assert not check({"parent": {"parent": {"name": "a"}}})

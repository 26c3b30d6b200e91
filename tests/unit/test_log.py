"""Logging: ids, redaction, and texts that try to be more than text."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from bot.log import configure, escape_control_characters


def hide(value: Any) -> Any:
    """A redactor for one secret, deep inside too."""
    if isinstance(value, str):
        return value.replace("sesame", "***")
    if isinstance(value, dict):
        return {key: hide(item) for key, item in value.items()}
    if isinstance(value, list):
        return [hide(item) for item in value]
    return value


@pytest.fixture
def restored() -> Iterator[None]:
    """Logging as it was before."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


pytestmark = pytest.mark.usefixtures("restored")


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    """What was logged."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_ids_redaction_and_other_libraries() -> None:
    stream = io.StringIO()
    configure(json=True, redact=hide, stream=stream)
    configure(json=True, redact=hide, stream=stream)
    with structlog.contextvars.bound_contextvars(task=4, run=9):
        structlog.get_logger("a").info("run.started", url="http://x:sesame@y", deep={"k": ["sesame", 1]})
        logging.getLogger("lib").warning("about %s", "sesame", extra={"job": b"sesame"})
    first, second = lines(stream)
    assert (first["event"], first["task"], first["run"], first["level"]) == ("run.started", 4, 9, "info")
    assert first["url"] == "http://x:***@y" and first["deep"] == {"k": ["***", 1]}
    assert (second["event"], second["logger"], second["task"]) == ("about ***", "lib", 4)
    assert "sesame" not in stream.getvalue()


@pytest.mark.parametrize("as_json", [True, False])
def test_a_traceback_is_text_without_variables(as_json: bool) -> None:
    stream = io.StringIO()
    configure(json=as_json, redact=hide, stream=stream)
    hidden = "open " + "sesame"[:3] + "ame"
    try:
        raise ValueError(f"sesame\n2026 [info] forged {len(hidden)}")
    except ValueError:
        structlog.get_logger().exception("bug")
    written = stream.getvalue()
    assert "sesame" not in written and "ValueError: ***" in written
    assert not any(line.startswith("2026 [info]") for line in written.splitlines())


def test_no_text_forges_a_line_or_drives_a_terminal() -> None:
    stream = io.StringIO()
    configure(json=False, stream=stream)
    structlog.get_logger().info("a\nb", c="\x1b[2J\u202e\x9b")
    (line,) = stream.getvalue().splitlines()
    assert "a\\nb" in line and "\\x1b[2J\\u202e\\x9b" in line
    assert escape_control_characters({"\n": ["\t", 3, None]}) == {"\\n": ["\\t", 3, None]}


def test_levels() -> None:
    stream = io.StringIO()
    configure(json=True, stream=stream, level="warning")
    structlog.get_logger().info("no")
    structlog.get_logger().warning("yes")
    assert [line["event"] for line in lines(stream)] == ["yes"]

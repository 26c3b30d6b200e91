"""Logging: structlog, one line an event, with the ids of the delivery, task and run it belongs to.

Other libraries' records (aiohttp, procrastinate) go the same way. Everything is redacted last, after
tracebacks are text, and control characters are escaped, so that no text can forge a line or drive a terminal.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, MutableMapping
from typing import Any, TextIO

import structlog

from bot.text.terminal import escape_controls

Redact = Callable[[Any], Any]


def configure(
    *,
    json: bool,
    redact: Redact = lambda value: value,
    level: str = "INFO",
    stream: TextIO | None = None,
) -> None:
    """Set up logging for the process; may be called again.

    ``json``: lines for machines, else for a person. ``redact`` gets every value of an event, made of plain
    texts, numbers, lists and dictionaries, and returns it without secrets (``Redactor.value``).
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        structlog.processors.UnicodeDecoder(),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_formatter(json, redact, shared))
    root = logging.getLogger()
    for old in list(root.handlers):
        if getattr(old, "of_hob", False):
            root.removeHandler(old)
    handler.of_hob = True  # type: ignore[attr-defined]
    root.addHandler(handler)
    root.setLevel(level.upper())
    for noisy in ("procrastinate", "alembic", "aiohttp.access", "sqlalchemy.engine"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))


def _formatter(
    json: bool, redact: Redact, shared: list[structlog.typing.Processor]
) -> structlog.stdlib.ProcessorFormatter:
    renderer: structlog.typing.Processor
    if json:
        renderer = structlog.processors.JSONRenderer(default=str)
    else:
        renderer = structlog.dev.ConsoleRenderer(colors=False)

    def clean(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        cleaned = {str(key): redact(_plain(value)) for key, value in event.items()}
        trace = cleaned.pop("exception", None)
        cleaned = {key: escape_control_characters(value) for key, value in cleaned.items()}
        if trace is not None:  # a person gets its lines, set apart so that none passes for a line of the log
            lines = [f"  | {escape_control_characters(line)}" for line in str(trace).splitlines()]
            cleaned["exception"] = escape_control_characters(trace) if json else "\n".join(lines)
        return cleaned

    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, clean, renderer],
    )


def _plain(value: Any) -> Any:
    """Text, numbers, lists and dictionaries only: what a redactor can look into."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    if value is None or type(value) in (str, int, float, bool):
        return value
    return str(value)


def escape_control_characters(value: Any) -> Any:
    r"""The value with control characters in its texts written out: ``\x1b``, ``\n``."""
    if isinstance(value, str):
        return escape_controls(value)
    if isinstance(value, dict):
        return {
            escape_control_characters(key): escape_control_characters(item) for key, item in value.items()
        }
    if isinstance(value, list):
        return [escape_control_characters(item) for item in value]
    return value

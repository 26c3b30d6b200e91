"""What the templates may call on a value, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bot.dashboard.rendering.ansi import render_lines
from bot.dashboard.rendering.diff_view import split_files
from bot.dashboard.rendering.headline import name_command, render_edit, render_headline
from bot.dashboard.rendering.timeline import list_spans
from bot.dashboard.rendering.values import (
    arguments,
    diff_size,
    first_words,
    format_age,
    format_usd,
    list_proof_lines,
    markdown,
    moment,
    plain_text,
    seconds,
    summarize_proof,
    web_address,
)
from bot.dashboard.rendering.verdict import judge_task
from bot.flags.records import render_value

FILTERS: dict[str, Callable[..., Any]] = {
    "ago": format_age,
    "arguments": arguments,
    "diff_size": diff_size,
    "edit_rows": render_edit,
    "flag_value": render_value,
    "headline": render_headline,
    "judge": judge_task,
    "markdown": markdown,
    "moment": moment,
    "name_command": name_command,
    "plain": plain_text,
    "proved": summarize_proof,
    "proof_lines": list_proof_lines,
    "seconds": seconds,
    "spans": list_spans,
    "terminal": render_lines,
    "split_files": split_files,
    "usd": format_usd,
    "web_address": web_address,
    "words": first_words,
}

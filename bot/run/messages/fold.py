"""A part of a text that is closed until a user opens it."""

from __future__ import annotations


def fold_details(summary: str, body: str) -> str:
    """A details block: closed until a person opens it."""
    return f"<details>\n<summary>{summary}</summary>\n\n{body}\n\n</details>"

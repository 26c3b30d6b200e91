"""Suggestion blocks in review comments: their contents, and whether a change applies them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.domain import ChangeKind, ChangeSet
from bot.github.graphql.review_threads import SeenRemark

_SUGGESTION = re.compile(r"^(`{3,}|~{3,})[ \t]*suggestion[^\n]*\n(.*?)^\1[ \t]*$", re.MULTILINE | re.DOTALL)


def are_suggestions_applied(asked: Sequence[SeenRemark], path: str, changes: ChangeSet) -> bool:
    """Whether every suggestion of these remarks is in the changed file as it was written."""
    wanted = [block for one in asked for block in read_suggestions(one.body)]
    file = next((file for file in changes.files if file.path == path), None)
    if not wanted or not all(wanted) or file is None or file.kind is ChangeKind.DELETED:
        return False
    now = "\n" + file.data.decode("utf-8", "replace").replace("\r\n", "\n")
    return all(f"\n{block}" in now for block in wanted)


def read_suggestions(body: str) -> list[str]:
    """The contents of a remark's suggestion blocks, each with its last line's end; '' takes lines out.

    https://docs.github.com/en/pull-requests/collaborating-with-pull-requests/reviewing-changes-in-pull-requests/incorporating-feedback-in-your-pull-request
    """
    return [found[1] for found in _SUGGESTION.findall(body.replace("\r\n", "\n"))]

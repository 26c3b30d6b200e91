"""REST's ids of things in GraphQL's answers.

``databaseId`` has 32 bits, which the ids of comments and reviews have outgrown: there it is null, and
``fullDatabaseId`` is the id as digits.
https://docs.github.com/en/graphql/reference/objects#issuecomment
"""

from __future__ import annotations

from bot.text.json_fields import BadPayload, Fields


def read_id(node: Fields) -> int:
    """The id by which REST knows a comment or review. Raises BadPayload where there is none."""
    digits = node.text("fullDatabaseId")
    if not digits.isascii() or not digits.isdigit():
        raise BadPayload("fullDatabaseId", "is not a whole number")
    return int(digits)

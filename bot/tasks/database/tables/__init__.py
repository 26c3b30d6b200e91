"""The tables, as SQLAlchemy Core sees them. The migrations build the same; a test compares the two.

Times are ``timestamptz`` by the database's clock. Enums are text with a CHECK, so that a new value is a small
migration. What is queried often has a column of its own beside the JSON that it is copied from.
"""

from __future__ import annotations

from bot.tasks.database.tables.attempts import AttemptState, attempt_files, attempt_turns, attempts
from bot.tasks.database.tables.columns import metadata
from bot.tasks.database.tables.dashboard import api_tokens, audit, web_sessions
from bot.tasks.database.tables.deliveries import DeliveryState, deliveries, thread_stops, undelivered
from bot.tasks.database.tables.flags import flag_rules, pilots, releases
from bot.tasks.database.tables.installations import removed_installations, write_turns
from bot.tasks.database.tables.learning import corrections, proposed_rules, pull_ends
from bot.tasks.database.tables.live import live_output, live_viewers
from bot.tasks.database.tables.notices import notices, notify_wishes
from bot.tasks.database.tables.operation import command_reports, compatibility, pauses, workers
from bot.tasks.database.tables.safety import admissions, blocks, refused_requests
from bot.tasks.database.tables.tasks import (
    LOST,
    SUPERSEDED,
    TASK_PERSON,
    TASK_REQUESTER,
    TASK_WORDS,
    effects,
    runs,
    steering,
    tasks,
    turns,
)

__all__ = [
    "LOST",
    "SUPERSEDED",
    "TASK_PERSON",
    "TASK_REQUESTER",
    "TASK_WORDS",
    "AttemptState",
    "DeliveryState",
    "admissions",
    "api_tokens",
    "attempt_files",
    "attempt_turns",
    "attempts",
    "audit",
    "blocks",
    "command_reports",
    "compatibility",
    "corrections",
    "deliveries",
    "effects",
    "flag_rules",
    "live_output",
    "live_viewers",
    "metadata",
    "notices",
    "notify_wishes",
    "pauses",
    "pilots",
    "proposed_rules",
    "pull_ends",
    "refused_requests",
    "releases",
    "removed_installations",
    "runs",
    "steering",
    "tasks",
    "thread_stops",
    "turns",
    "undelivered",
    "web_sessions",
    "workers",
    "write_turns",
]

"""The tables, as SQLAlchemy Core sees them. The migrations build the same; a test compares the two.

Times are ``timestamptz`` by the database's clock. Enums are text with a CHECK, so that a new value is a small
migration. What is asked about often has a column of its own beside the JSON it is taken from.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    desc,
    false,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from bot.domain import EffectKind, Permission, Phase, TaskKind, TaskState


class DeliveryState(StrEnum):
    """Where a delivery stands: only ``new`` ones still want handling."""

    NEW = "new"
    HANDLED = "handled"
    IGNORED = "ignored"
    REJECTED = "rejected"
    FAILED = "failed"


class AttemptState(StrEnum):
    """Where an attempt stands. ``stopped``: a person stopped it, what it had is kept."""

    RUNNING = "running"
    ENDED = "ended"
    FAILED = "failed"
    STOPPED = "stopped"


LOST = (
    "lost"  # how a run ended whose lease ran out; every other end is named by the state it left the task in
)
SUPERSEDED = "superseded"  # allowed by the first migration, but no version ever stored it

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pk",
        "fk": "%(table_name)s_%(column_0_name)s_fk",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
    }
)


def _one_of(column: str, values: Iterable[str]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def _when(name: str, *, default: bool = False) -> Column[object]:
    if default:
        return Column(name, DateTime(timezone=True), nullable=False, server_default=func.now())
    return Column(name, DateTime(timezone=True))


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False, server_default="")


def _count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default="0")


deliveries = Table(
    "deliveries",
    metadata,
    Column("guid", Text, primary_key=True),
    Column("event", Text, nullable=False),
    _text("action"),
    Column("installation", BigInteger, nullable=False, server_default="0"),
    _when("received_at", default=True),
    Column("headers", JSONB, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("body_sha256", Text, nullable=False),
    Column("state", Text, nullable=False, server_default=DeliveryState.NEW.value),
    _text("reason"),
    _count("attempts"),
    _when("not_before"),
    _when("handled_at"),
    # The address of what it tells about, '' for nothing that people see; NULL: not known.
    Column("about", Text),
    _when("reopened_at"),  # when a person or GitHub had it taken up anew after it had failed
    _one_of("state", DeliveryState),
    Index("deliveries_new", "received_at", postgresql_where=text("state = 'new'")),
    Index("deliveries_done", "handled_at", postgresql_where=text("state <> 'new'")),
    Index("deliveries_about", "about", postgresql_where=text("about <> ''")),
    Index("deliveries_unnamed", "event", "received_at", postgresql_where=text("about IS NULL")),
    Index("deliveries_failed", "received_at", postgresql_where=text("state = 'failed'")),
)

# The newest ``stop`` on a thread, by GitHub's clock: a request from before it that arrives later is stopped.
thread_stops = Table(
    "thread_stops",
    metadata,
    Column("thread_key", Text, primary_key=True),
    Column("stopped_at", DateTime(timezone=True), nullable=False),
)

# From which revision on a program can work with the schema, for every revision from 0004 on.
compatibility = Table(
    "compatibility",
    metadata,
    Column("revision", Text, primary_key=True),
    Column("compatible_from", Text, nullable=False),
)

# What a search in words looks through: the words of the request and of the thread's title.
# Written as PostgreSQL writes it back, since Alembic compares the two.
TASK_WORDS = (
    "to_tsvector('simple'::regconfig, (request || ' '::text) || COALESCE(thread ->> 'title'::text, ''::text))"
)
TASK_PERSON = "lower(requester ->> 'login'::text)"
TASK_REQUESTER = "(requester ->> 'id'::text)"

tasks = Table(
    "tasks",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False, server_default=TaskState.QUEUED.value),
    Column("priority", SmallInteger, nullable=False, server_default="0"),
    Column("installation", BigInteger, nullable=False),
    Column("repo", JSONB, nullable=False),
    Column("repo_id", BigInteger, nullable=False),
    Column("repo_full_name", Text, nullable=False),
    Column("thread", JSONB, nullable=False),
    Column("thread_number", Integer, nullable=False),
    Column("thread_key", Text, nullable=False),
    Column("trigger", JSONB, nullable=False),
    Column("requester", JSONB, nullable=False),
    Column("request", Text, nullable=False),
    Column("delivery", Text, nullable=False),
    _count("ordinal"),
    _count("attempts"),
    Column("fence", BigInteger, nullable=False, server_default="0"),
    _when("lease_until"),
    _text("worker"),
    _text("reason"),
    Column("progress_comment", BigInteger, nullable=False, server_default="0"),
    _text("branch"),
    _count("pull"),
    Column("cancel_asked", Boolean, nullable=False, server_default=false()),
    _when("created_at", default=True),
    _when("updated_at", default=True),
    _when("not_before"),
    _text("cancel_reason"),  # why it is to be cancelled, when no person asked for that
    _when("told_at"),  # when people could see how it ended
    Column("directive", JSONB(none_as_null=True)),  # what a command asked for, see bot.domain.Directive
    _text("verdict"),  # the state of its last run's proof, '' where there is none or an older version ran it
    UniqueConstraint("delivery", "ordinal"),
    _one_of("kind", TaskKind),
    _one_of("state", [*TaskState, SUPERSEDED]),
    # A running task is leased to somebody, any other is nobody's.
    CheckConstraint("(state = 'running') = (lease_until IS NOT NULL)", name="lease"),
    # One thread is served serially, whatever a worker believes.
    Index("tasks_one_run_per_thread", "thread_key", unique=True, postgresql_where=text("state = 'running'")),
    Index("tasks_queued", desc("priority"), "id", postgresql_where=text("state = 'queued'")),
    Index(
        "tasks_queued_fairly",
        "priority",
        "installation",
        "repo_id",
        "id",
        postgresql_where=text("state = 'queued'"),
    ),
    Index("tasks_leases", "lease_until", postgresql_where=text("state = 'running'")),
    Index("tasks_waiting", "not_before", postgresql_where=text("state = 'waiting'")),
    Index(
        "tasks_open",
        "installation",
        postgresql_where=text("state IN ('queued', 'running', 'waiting')"),
    ),
    Index(
        "tasks_untold",
        "not_before",
        postgresql_where=text("told_at IS NULL AND state NOT IN ('queued', 'running', 'waiting')"),
    ),
    Index("tasks_by_thread", "thread_key", "id"),
    Index("tasks_by_state", "state", "id"),
    Index("tasks_by_repo", "repo_full_name", "id"),
    Index("tasks_by_repo_id", "repo_id", "id"),
    Index("tasks_by_verdict", "verdict", "id"),
    Index("tasks_by_kind", "kind", "id"),
    Index("tasks_by_installation", "installation", "id"),
    Index("tasks_by_creation", "created_at"),
    Index("tasks_by_person", text(TASK_PERSON), "id"),
    Index("tasks_by_requester", text(TASK_REQUESTER), "created_at"),
    Index("tasks_words", text(TASK_WORDS), postgresql_using="gin"),
    Index("tasks_by_pull", "repo_id", "pull", postgresql_where=text("pull > 0")),
)

runs = Table(
    "runs",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("task", BigInteger, ForeignKey("tasks.id", ondelete="CASCADE"), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("worker", Text, nullable=False),
    Column("phase", Text),
    Column("state", Text, nullable=False, server_default=TaskState.RUNNING.value),
    _when("started_at", default=True),
    _when("ended_at"),
    Column("outcome", JSONB(none_as_null=True)),
    Column("plan", JSONB(none_as_null=True)),
    _text("base_sha"),
    _text("diff"),
    Column("proof", JSONB(none_as_null=True)),
    Column("usage", JSONB(none_as_null=True)),
    Column("changes", LargeBinary),  # zlib over JSON, see bot.tasks.database.column_values
    _text("error"),
    Column("timeline", JSONB(none_as_null=True)),  # by phase: name, beginning, dollars reserved in it
    Column("flags", JSONB(none_as_null=True)),  # what flags said to the task, see bot.flags
    Column("estimate", JSONB(none_as_null=True)),  # chance, size and signs, before the work: see bot.run
    _text("prompt"),  # the version of its system prompt: a digest; '' in runs from before it was stored
    UniqueConstraint("task", "fence"),
    Index("runs_by_start", "started_at"),
    Index("runs_with_flags", "started_at", postgresql_where=text("flags <> '{}'::jsonb")),
    _one_of("phase", Phase),
    _one_of("state", [*TaskState, SUPERSEDED, LOST]),
)

# Only the version before the attempts wrote these; they are still read.
turns = Table(
    "turns",
    metadata,
    Column("run", BigInteger, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("record", JSONB, nullable=False),
    _when("at", default=True),
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    # whose request it is an attempt at, and which task made it: ``@hob try 2`` makes more for an earlier one
    Column("task", BigInteger, ForeignKey("tasks.id", ondelete="CASCADE"), nullable=False),
    Column("maker", BigInteger, ForeignKey("tasks.id", ondelete="CASCADE"), nullable=False),
    Column("run", BigInteger, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),  # the last one
    Column("ordinal", Integer, nullable=False),
    Column("state", Text, nullable=False, server_default=AttemptState.RUNNING.value),
    _text("model"),
    _text("base_sha"),
    _text("ground"),  # a digest of brief, layers and model: only on the same ground it is gone on with
    _when("started_at", default=True),
    _when("ended_at"),
    Column("outcome", JSONB(none_as_null=True)),
    _text("diff"),
    Column("proof", JSONB(none_as_null=True)),
    Column("usage", JSONB(none_as_null=True)),
    Column("changes", LargeBinary),  # what may be published of it, packed
    _text("error"),
    Column("chosen", Boolean, nullable=False, server_default=false()),
    Column("work", LargeBinary),  # the workspace after turn ``work_seq``, packed; contents in attempt_files
    Column("work_seq", Integer, nullable=False, server_default="-1"),
    Column("doing", JSONB(none_as_null=True)),  # the call that goes on, while its turn is not stored
    UniqueConstraint("task", "ordinal"),
    _one_of("state", AttemptState),
    Index("attempts_by_maker", "maker"),
    Index("attempts_by_run", "run"),
)

attempt_turns = Table(
    "attempt_turns",
    metadata,
    Column("attempt", BigInteger, ForeignKey("attempts.id", ondelete="CASCADE"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("record", JSONB, nullable=False),
    Column("heard", BigInteger, nullable=False, server_default="0"),  # the last words on the thread it knows
    _when("at", default=True),
    Index("attempt_turns_by_time", "at"),
)

attempt_files = Table(
    "attempt_files",
    metadata,
    Column("attempt", BigInteger, ForeignKey("attempts.id", ondelete="CASCADE"), primary_key=True),
    Column("sha256", Text, primary_key=True),
    Column("data", LargeBinary, nullable=False),  # zlib
)

effects = Table(
    "effects",
    metadata,
    Column("key", Text, primary_key=True),
    Column("task", BigInteger, ForeignKey("tasks.id", ondelete="CASCADE")),
    Column("run", BigInteger, ForeignKey("runs.id", ondelete="CASCADE")),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False, server_default="intended"),
    Column("answer", JSONB(none_as_null=True)),
    _when("intended_at", default=True),
    _when("done_at"),
    _one_of("kind", EffectKind),
    _one_of("state", ["intended", "done"]),
    CheckConstraint("(state = 'done') = (answer IS NOT NULL)", name="answer"),
    Index("effects_by_task", "task"),
    Index("effects_by_run", "run"),
)

steering = Table(
    "steering",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("task", BigInteger, ForeignKey("tasks.id", ondelete="CASCADE"), nullable=False),
    Column("delivery", Text, nullable=False),
    _count("ordinal"),
    Column("trigger", JSONB, nullable=False),
    Column("permission", Text, nullable=False),
    Column("heard", Boolean, nullable=False, server_default=false()),
    _when("created_at", default=True),
    UniqueConstraint("delivery", "ordinal"),
    _one_of("permission", Permission),
    Index("steering_by_task", "task", "id"),
    Index("steering_unheard", "task", postgresql_where=text("NOT heard")),
)

# People who are signed in on the dashboard. Neither the cookie nor the token can be had from here: of the
# first its SHA-256 is stored, and the second is encrypted under a key that is made of the first.
web_sessions = Table(
    "web_sessions",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("person", BigInteger, nullable=False),
    Column("login", Text, nullable=False),
    Column("token", LargeBinary, nullable=False),
    Column("access", JSONB(none_as_null=True)),  # the person's role in each repository, as GitHub said it
    _when("access_at"),
    _when("created_at", default=True),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Index("web_sessions_by_end", "expires_at"),
)

# Where no task is begun: ``all``, ``installation:5`` or ``repository:11``. What runs there goes on.
pauses = Table(
    "pauses",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("login", Text, nullable=False),  # whose order it is
    _when("since", default=True),
)

# When an installation's next write to GitHub may be sent, by whichever worker: see bot.tasks.write_turns.
write_turns = Table(
    "write_turns",
    metadata,
    Column("installation", BigInteger, primary_key=True, autoincrement=False),
    Column("turn_at", DateTime(timezone=True), nullable=False),  # of whoever asked last
    Column("next_at", DateTime(timezone=True), nullable=False),
    _when("closed_until"),
    Column(
        "created", ARRAY(DateTime(timezone=True)), nullable=False
    ),  # when content was made, the oldest first
)

# Installations from which the app was removed: what is kept of them is deleted, see bot.tasks.removal.
removed_installations = Table(
    "removed_installations",
    metadata,
    Column("installation", BigInteger, primary_key=True, autoincrement=False),
    Column("repositories", ARRAY(BigInteger), nullable=False),  # in which tasks were asked for, by id
    _when("removed_at", default=True),
    _when("purged_at"),
)

# A flag's value for an audience (``all``, ``installation:5``, ``repository:11``, ``person:7``,
# ``pilots:early``), for ``percent`` of its ``unit``s, by a hash.
flag_rules = Table(
    "flag_rules",
    metadata,
    Column("flag", Text, primary_key=True),
    Column("audience", Text, primary_key=True),
    Column("value", JSONB, nullable=False),
    Column("percent", Double, nullable=False),
    Column("unit", Text, nullable=False),
    Column("login", Text, nullable=False),  # whose order it is
    _when("since", default=True),
)

# Lists of pilots by name; a member is an installation, a repository or a person, as an audience names it.
pilots = Table(
    "pilots",
    metadata,
    Column("name", Text, primary_key=True),
    Column("member", Text, primary_key=True),
)

# A flag's value on its way to everybody of an audience, step by step, and how that ended.
releases = Table(
    "releases",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("flag", Text, nullable=False),
    Column("audience", Text, nullable=False),
    Column("value", JSONB, nullable=False),
    Column("unit", Text, nullable=False),
    Column("steps", JSONB, nullable=False),  # percentages, rising
    _count("step"),  # which of them it is at, from 0
    Column("hours", Double, nullable=False),  # that each step lasts, at least
    Column("margin", Double, nullable=False),  # how much worse a share may be at most, from 0 to 1
    Column("state", Text, nullable=False, server_default="going"),
    _text("reason"),  # why it waits, or how it ended
    Column("figures", JSONB(none_as_null=True)),  # what the guard saw when it last looked
    Column("login", Text, nullable=False),  # whose order it is
    _when("began_at", default=True),
    _when("step_at", default=True),
    _when("ended_at"),
    _one_of("state", ["going", "done", "stepped back", "stopped"]),
    Index("releases_going", "flag", unique=True, postgresql_where=text("state = 'going'")),
)

# What people did on the dashboard and with `hob flags`, who, when, from where, and what came of it; and what
# releases did by themselves.
audit = Table(
    "audit",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _when("at", default=True),
    Column("person", BigInteger, nullable=False),
    Column("login", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("task", BigInteger),
    Column("repo_id", BigInteger),
    _text("words"),
    _text("outcome"),
    Index("audit_by_time", "at"),
    Index("audit_by_task", "task", "id"),
)

# How pull requests of Hob's were closed, which merged one reverted them (0: none), and the thumbs on their
# threads when they were closed.
pull_ends = Table(
    "pull_ends",
    metadata,
    Column("repo_id", BigInteger, primary_key=True, autoincrement=False),
    Column("pull", Integer, primary_key=True, autoincrement=False),
    Column("merged", Boolean, nullable=False),
    _count("reverted_by"),
    _count("thumbs_up"),
    _count("thumbs_down"),
    _when("at", default=True),
)

# What people said against Hob's work in repositories that agreed to learning, and the rules proposed of it;
# the kinds and states as ``bot.tasks.learning.corrections`` has them.
_CORRECTED = ("said", "edited", "dismissed")
corrections = Table(
    "corrections",
    metadata,
    Column("repo_id", BigInteger, primary_key=True, autoincrement=False),
    Column("source", Text, primary_key=True),
    Column("installation", BigInteger, nullable=False),
    _text("repo_full_name"),
    Column("kind", Text, nullable=False),
    Column("pull", Integer, nullable=False),
    Column("words", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("person", BigInteger, nullable=False),
    Column("login", Text, nullable=False),
    _text("path"),
    _when("at", default=True),
    _one_of("kind", _CORRECTED),
    Index("corrections_by_time", "at"),
)
proposed_rules = Table(
    "proposed_rules",
    metadata,
    Column("repo_id", BigInteger, primary_key=True, autoincrement=False),
    Column("key", Text, primary_key=True),
    Column("installation", BigInteger, nullable=False),
    _text("repo_full_name"),
    Column("kind", Text, nullable=False),
    Column("words", Text, nullable=False),
    _text("file_kind"),
    Column("seeds", JSONB, nullable=False),  # the corrections that it came from
    Column("state", Text, nullable=False, server_default="wanted"),
    _count("pull"),
    _when("at", default=True),
    _one_of("kind", _CORRECTED),
    _one_of("state", ["wanted", "opened", "merged", "closed", "known"]),
)

# Whose requests are not taken, in ``all`` or in ``repository:11``; an account counts by its number.
blocks = Table(
    "blocks",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("person", BigInteger, primary_key=True, autoincrement=False),
    Column("login", Text, nullable=False),
    _text("decided_by"),  # a maintainer's login, '' for the operator
    _text("reason"),
    _when("since", default=True),
    Index("blocks_by_person", "person"),
)

# Who may ask in a repository where first requests wait for a maintainer's nod.
admissions = Table(
    "admissions",
    metadata,
    Column("repo_id", BigInteger, primary_key=True, autoincrement=False),
    Column("person", BigInteger, primary_key=True, autoincrement=False),
    Column("login", Text, nullable=False),
    _text("decided_by"),
    _when("since", default=True),
)

# What was asked for and not taken, or not published, and why.
refused_requests = Table(
    "refused_requests",
    metadata,
    Column("delivery", Text, primary_key=True),  # or ``task:7``
    Column("reason", Text, primary_key=True),
    _text("detail"),
    Column("installation", BigInteger, nullable=False),
    Column("repo_id", BigInteger, nullable=False),
    _text("repo_full_name"),
    Column("thread_number", Integer, nullable=False),
    Column("person", BigInteger, nullable=False),
    Column("login", Text, nullable=False),
    _when("at", default=True),
    _when("settled_at"),  # when a held request was taken up
    Index("refused_requests_by_time", "at"),
    Index("refused_requests_by_person", "person", "repo_id"),
)

# What commands of runs print while they run, newest pieces only, and which runs somebody watches. Unlogged:
# it is worth nothing after a crash, and is to cost a worker little.
live_output = Table(
    "live_output",
    metadata,
    Column("run", BigInteger, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("serial", Integer, primary_key=True, autoincrement=False),
    Column("command", Integer, nullable=False),
    Column("title", Text, nullable=False),
    Column("line", Integer, nullable=False),
    Column("text", Text, nullable=False),
    _text("ended"),
    prefixes=["UNLOGGED"],
)
live_viewers = Table(
    "live_viewers",
    metadata,
    Column("run", BigInteger, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("until", DateTime(timezone=True), nullable=False),
    prefixes=["UNLOGGED"],
)

# With what programs read the API in a person's name. As with a session, neither the token nor the person's
# GitHub token can be had from here.
api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("digest", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("person", BigInteger, nullable=False),
    Column("login", Text, nullable=False),
    Column("token", LargeBinary, nullable=False),
    Column("access", JSONB(none_as_null=True)),
    _when("access_at"),
    _when("created_at", default=True),
    _when("used_at"),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Index("api_tokens_by_person", "person"),
)

# Whom a repository's hob.yml wants told, as it was last read.
notify_wishes = Table(
    "notify_wishes",
    metadata,
    Column("repo_id", BigInteger, primary_key=True, autoincrement=False),
    Column("wishes", JSONB, nullable=False),
    _when("read_at", default=True),
)

# What people are told outside GitHub: one row for each event and target, made once, sent until it is taken.
notices = Table(
    "notices",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("key", Text, nullable=False),  # such as ``failed:7``, the task's number
    Column("target", Text, nullable=False),  # such as ``operator webhook``
    Column("task", BigInteger, ForeignKey("tasks.id", ondelete="CASCADE"), nullable=False),
    Column("address", Text, nullable=False),
    Column("body", JSONB, nullable=False),
    Column("state", Text, nullable=False, server_default="waiting"),
    _count("tries"),
    _when("not_before"),
    _text("reason"),
    _when("made_at", default=True),
    _when("sent_at"),
    UniqueConstraint("key", "target"),
    _one_of("state", ["waiting", "sent", "failed"]),
    Index("notices_waiting", "not_before", postgresql_where=text("state = 'waiting'")),
    Index("notices_by_task", "task"),
)

# What workers say of themselves every few seconds, see bot.tasks.workers. Unlogged: they say it again.
workers = Table(
    "workers",
    metadata,
    Column("worker", Text, primary_key=True),
    Column("version", Text, nullable=False),
    Column("slots", Integer, nullable=False),
    Column("memory_bytes", BigInteger, nullable=False),
    Column("cache_bytes", BigInteger, nullable=False),
    Column("free_bytes", BigInteger, nullable=False),
    Column("limits", JSONB, nullable=False),
    _when("seen_at", default=True),
    prefixes=["UNLOGGED"],
)

# What the operator's commands found (hob redteam, tune, export), see bot.tasks.reports.
command_reports = Table(
    "command_reports",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("host", Text, nullable=False),  # on which it was run
    Column("version", Text, nullable=False),
    Column("found", JSONB, nullable=False),
    _when("at", default=True),
)

# What GitHub could not deliver, as a worker last saw it: see bot.tasks.deliveries.undelivered. ``wanted`` is
# the entry of the audit log by which an operator wants it again, until a worker has taken that up.
undelivered = Table(
    "undelivered",
    metadata,
    Column("guid", Text, primary_key=True),
    Column("event", Text, nullable=False),
    Column("attempt", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("failed_at", DateTime(timezone=True), nullable=False),
    _text("why"),
    _when("asked_at"),
    Column("wanted", BigInteger),
)

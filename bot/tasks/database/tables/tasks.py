"""Tasks and their runs, what these write to GitHub, and the comments that steer them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    desc,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from bot.domain import EffectKind, Permission, Phase, TaskKind, TaskState
from bot.tasks.database.tables.columns import allow_only, make_count, make_text, make_time, metadata

# How a run ended whose lease ran out; every other end is named by the state it left the task in.
LOST = "lost"
SUPERSEDED = "superseded"  # allowed by the first migration, but no version ever stored it

# What a full-text search covers: the request and the thread's title. Spelled as PostgreSQL prints it, since
# Alembic compares the two.
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
    make_count("ordinal"),
    make_count("attempts"),
    Column("fence", BigInteger, nullable=False, server_default="0"),
    make_time("lease_until"),
    make_text("worker"),
    make_text("reason"),
    Column("progress_comment", BigInteger, nullable=False, server_default="0"),
    make_text("branch"),
    make_count("pull"),
    Column("cancel_asked", Boolean, nullable=False, server_default=false()),
    make_time("created_at", default=True),
    make_time("updated_at", default=True),
    make_time("not_before"),
    make_text("cancel_reason"),  # why it is cancelled, where no person asked for that
    make_time("told_at"),  # when its end was shown on the thread
    Column("directive", JSONB(none_as_null=True)),  # what a command asked for, see bot.domain.Directive
    # the state of its last run's proof, '' where there is none or an older version ran it
    make_text("verdict"),
    UniqueConstraint("delivery", "ordinal"),
    allow_only("kind", TaskKind),
    allow_only("state", [*TaskState, SUPERSEDED]),
    # A running task is leased to a worker, and no other task is.
    CheckConstraint("(state = 'running') = (lease_until IS NOT NULL)", name="lease"),
    # At most one task of a thread runs at a time, whatever a worker believes.
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
    make_time("started_at", default=True),
    make_time("ended_at"),
    Column("outcome", JSONB(none_as_null=True)),
    Column("plan", JSONB(none_as_null=True)),
    make_text("base_sha"),
    make_text("diff"),
    Column("proof", JSONB(none_as_null=True)),
    Column("usage", JSONB(none_as_null=True)),
    Column("changes", LargeBinary),  # zlib over JSON, see bot.tasks.database.column_values
    make_text("error"),
    Column("timeline", JSONB(none_as_null=True)),  # by phase: name, beginning, dollars reserved in it
    Column("flags", JSONB(none_as_null=True)),  # the values of flags for the task, see bot.flags
    Column("estimate", JSONB(none_as_null=True)),  # chance, size and signs, before the work: see bot.run
    make_text("prompt"),  # the version of its system prompt: a digest; '' in runs from before it was stored
    UniqueConstraint("task", "fence"),
    Index("runs_by_start", "started_at"),
    Index("runs_with_flags", "started_at", postgresql_where=text("flags <> '{}'::jsonb")),
    allow_only("phase", Phase),
    allow_only("state", [*TaskState, SUPERSEDED, LOST]),
)

# Written only by versions from before attempts; still read.
turns = Table(
    "turns",
    metadata,
    Column("run", BigInteger, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("record", JSONB, nullable=False),
    make_time("at", default=True),
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
    make_time("intended_at", default=True),
    make_time("done_at"),
    allow_only("kind", EffectKind),
    allow_only("state", ["intended", "done"]),
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
    make_count("ordinal"),
    Column("trigger", JSONB, nullable=False),
    Column("permission", Text, nullable=False),
    Column("heard", Boolean, nullable=False, server_default=false()),
    make_time("created_at", default=True),
    UniqueConstraint("delivery", "ordinal"),
    allow_only("permission", Permission),
    Index("steering_by_task", "task", "id"),
    Index("steering_unheard", "task", postgresql_where=text("NOT heard")),
)

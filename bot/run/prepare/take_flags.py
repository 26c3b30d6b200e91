"""A run takes the values of flags for its task, within what the operator's settings allow."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace

import structlog

from bot.agent.prompt import load_system_prompt
from bot.errors import Parked
from bot.flags.known import FlagError, is_prompt_name
from bot.flags.run_flags import RunFlags, ask_flags, load_run_flags, make_subject
from bot.repo_config import RepoConfig
from bot.run.job import Job
from bot.settings import Settings
from bot.tasks.database.transactions import WAIT_SECONDS, retry_while_away

log = structlog.get_logger(__name__)

PAUSED = "whoever runs this Hob has paused such work"
# Until it is asked again whether the flag ``paused`` is cleared: the first wait is shown on the thread, a
# shorter one is not (see ``classify_error.WORTH_TELLING``), and the comment goes on saying it.
PAUSED_SECONDS, STILL_PAUSED_SECONDS = 60.0, 50.0
BROKEN_SECONDS = 300.0  # until it is asked again whether a flag that cannot be read is mended
MOST_PROMPT_BYTES = 256 * 1024


async def take_flags(job: Job, *, publishing: bool) -> None:
    """Evaluate the flags for the task, store their values with the run, and apply them.

    A task that has run before keeps the values of its first run. Raises Parked where the task is paused,
    unless it is ``publishing`` already; and where a flag cannot be read.
    """
    store, subject = job.store, make_subject(job.task)
    try:
        now = await retry_while_away(lambda: ask_flags(store.engine, subject), seconds=WAIT_SECONDS)
    except FlagError as error:
        log.error("run.flags_unreadable", error=str(error))
        raise Parked(
            "a flag of whoever runs this Hob cannot be read; its log says which", after=BROKEN_SECONDS
        ) from None
    before = await store.load_flags(job.task.id)
    flags = now if before is None else load_run_flags(before).restrict(now)
    flags = _drop_unusable_model(flags, job.parts.settings)
    if "tuned" in flags.given and not job.parts.workshop.has_tuned_weights:
        flags = flags.ignore("tuned", "the worker has no weights of hob tune")
    flags, prompt = await asyncio.to_thread(_read_prompt, flags, job.parts.settings)
    await store.set_flags(job.run, flags.dump())
    await store.set_prompt(job.run, name_prompt(prompt or load_system_prompt()))
    job.flags, job.system_prompt = flags, prompt
    job.parts = replace(job.parts, settings=apply_flags(job.parts.settings, flags))
    if not flags.is_on("tuned", True):
        job.parts = replace(job.parts, workshop=job.parts.workshop.with_weights(None))
    if not flags.is_on("internet", True):
        job.parts = replace(job.parts, workshop=job.parts.workshop.without_internet("the flag `internet`"))
    if now.is_on("paused", False) and not publishing:
        if job.task.reason == PAUSED:
            raise Parked(PAUSED, after=STILL_PAUSED_SECONDS)
        await job.publisher.begin()
        raise Parked(PAUSED, after=PAUSED_SECONDS)


def apply_flags(settings: Settings, flags: RunFlags) -> Settings:
    """The settings with a flag's model as the operator's own, and with lower ceilings; none is raised."""
    changed: dict[str, object] = {}
    if model := flags.find_word("model"):
        changed |= {"model": model, "models": settings.allowed_models}
    for name in ("usd", "minutes", "turns"):
        if (most := flags.find_number(name)) is not None:
            ceiling = getattr(settings, f"max_{name}")
            changed[f"max_{name}"] = type(ceiling)(min(ceiling, most))
    return settings.model_copy(update=changed)


async def note_overruled_flags(job: Job, config: RepoConfig) -> None:
    """Store which flags the repository's own setting overrules: such a task does not count in a release."""
    flags = job.flags
    for name in ("model", "attempts"):
        if name in flags.given and getattr(config, name) is not None:
            flags = flags.ignore(name, "hob.yml says another")
    if flags is not job.flags:
        job.flags = flags
        await job.store.set_flags(job.run, flags.dump())


def add_flagged_attempts(config: RepoConfig, flags: RunFlags) -> RepoConfig:
    """The configuration with a flag's number of attempts where it names none itself."""
    attempts = flags.find_number("attempts")
    if config.attempts is not None or attempts is None:
        return config
    return config.model_copy(update={"attempts": int(attempts)})


def name_prompt(text: str) -> str:
    """The version of a system prompt: a digest of its text."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _drop_unusable_model(flags: RunFlags, settings: Settings) -> RunFlags:
    model = flags.find_word("model")
    if model is None or settings.allowed_models.issuperset(model.split(",")):
        return flags
    log.error("run.flag_ignored", flag="model", mend="name the model in HOB_MODELS of every worker")
    return flags.ignore("model", "HOB_MODELS of the worker does not name it")


def _read_prompt(flags: RunFlags, settings: Settings) -> tuple[RunFlags, str]:
    """The flags with the digest of the prompt that one names, and its text; '' for the shipped one."""
    name = flags.find_word("prompt")
    if name is None:
        return flags, ""
    text = ""
    if settings.prompts is not None and is_prompt_name(name):
        try:
            data = (settings.prompts / f"{name}.md").read_bytes()
            text = data.decode("utf-8").strip() if len(data) <= MOST_PROMPT_BYTES else ""
        except (OSError, UnicodeDecodeError) as trouble:
            log.error("run.prompt_unreadable", prompt=name, error=str(trouble))
    if not text:
        log.error("run.flag_ignored", flag="prompt", mend=f"put {name}.md into HOB_PROMPTS of every worker")
        return flags.ignore("prompt", "HOB_PROMPTS of the worker has no such text"), ""
    given = {**flags.given, "prompt": replace(flags.given["prompt"], digest=name_prompt(text))}
    return RunFlags(given=given), text

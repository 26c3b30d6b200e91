"""``@hob config``: the configuration in force in a repository, and where each value comes from; no secret."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import structlog
from pydantic import BaseModel

from bot.domain import Event
from bot.errors import UserError
from bot.flags.known import KNOWN, FlagError
from bot.flags.rules import Subject
from bot.flags.run_flags import RunFlags, ask_flags, explain
from bot.github.app import RepoApi
from bot.inbox.delivery_context import DeliveryContext
from bot.repo_config import PATH, RepoConfig, TaskBudget, read_repo_config
from bot.text.defuse import code_span

log = structlog.get_logger(__name__)

LONGEST = 200  # characters of a value that are shown
DEFAULT = "default"
OPERATORS = ("model", "image", "label", "create_label")  # the operator's, where the repository does not say
CEILINGS = {  # the operator's setting that each value cannot exceed
    "budget.usd": "max_usd",
    "budget.minutes": "max_minutes",
    "budget.turns": "max_turns",
    "attempts": "max_attempts",
}
FLAGS = {"budget.usd": "usd", "budget.minutes": "minutes", "budget.turns": "turns"}  # that lower a ceiling
FOUND = "found by the tree's files"  # where hob.yml names no command, see ``bot.workspace.check_commands``


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigInForce:
    """The repository's file as it counts now: of the default branch's newest commit, '' without a branch."""

    config: RepoConfig
    commit: str = ""
    there: bool = False


async def read_config_in_force(api: RepoApi, event: Event) -> ConfigInForce:
    """The configuration that a run would go by now. Raises UserError that names what is wrong with it."""
    commit = await api.commits.find_branch_head(event.repo.default_branch) if event.repo else None
    text = await api.commits.read_file(PATH, commit) if commit else None
    return ConfigInForce(config=await read_repo_config(text), commit=commit or "", there=text is not None)


def limit_budget(context: DeliveryContext, config: RepoConfig) -> TaskBudget:
    """What a task may use, no more than the operator allows."""
    asked, operator = config.budget, context.operator.public_settings
    limits = {
        key.removeprefix("budget."): float(operator[name][0])
        for key, name in CEILINGS.items()
        if key.startswith("budget.") and name in operator
    }
    return asked.model_copy(update={key: min(getattr(asked, key), most) for key, most in limits.items()})


async def render_config(context: DeliveryContext, api: RepoApi, event: Event) -> str:
    """Every value with its origin, as a table, and the values of flags for the person who asks.

    Raises UserError when the repository's file is invalid.
    """
    now = await read_config_in_force(api, event)
    file = f"`{PATH}` at `{now.commit[:12]}`"
    flags = await _ask_flags(context, event)
    rows = [_render_row(*each) for each in _list_values(context, now, file, flags)]
    head = f"What I go by here, {'with' if now.there else 'without a'} {file if now.there else f'`{PATH}`'}:"
    text = "\n".join([head, "", "| key | value | from |", "|---|---|---|", *rows])
    return await asyncio.to_thread(context.operator.safe, text)


async def _ask_flags(context: DeliveryContext, event: Event) -> RunFlags:
    """The values of flags for a run that the asking person would begin on this thread now."""
    subject = Subject(
        installation=event.installation,
        repository=event.repo.id if event.repo else 0,
        person=event.sender.id if event.sender else 0,
        thread=event.thread.number if event.thread else 0,
    )
    try:
        flags = await ask_flags(context.store.engine, subject)
    except FlagError as error:
        log.error("config.flags_unreadable", error=str(error))
        raise UserError("A flag of whoever runs this Hob cannot be read; its log says which.") from None
    model = flags.find_word("model")
    if model is None or context.operator.allowed_models.issuperset(model.split(",")):
        return flags
    return flags.ignore("model", "HOB_MODELS does not name it")


def _list_values(
    context: DeliveryContext, now: ConfigInForce, file: str, flags: RunFlags
) -> Iterator[tuple[str, str, str]]:
    operator = dict(context.operator.public_settings)
    left = [name for name in KNOWN if explain(name, flags)]
    for key, value in _flatten(now.config):
        given = _is_set(now.config, key)
        name = FLAGS.get(key, key)
        flagged = explain(name, flags)
        ceiling, setter = operator.get(CEILINGS.get(key, ""), ("", ""))
        if flagged and key in FLAGS and (not ceiling or float(flagged[0]) < float(ceiling)):
            ceiling, setter = flagged
        elif flagged and not given and key in ("model", "attempts"):
            left.remove(name)
            yield (key, *_limit(flagged, ceiling))
            operator.pop(key, None)
            continue
        if ceiling and isinstance(value, int | float) and value > float(ceiling):
            yield (
                key,
                _render_value(float(ceiling)),
                f"the ceiling ({setter}); {file if given else DEFAULT}: {_render_value(value)}",
            )
        elif not given and key in OPERATORS and key in operator:
            yield (key, *operator.pop(key))
        elif not given and key == "test":
            yield key, FOUND, DEFAULT
        elif not given and key == "attempts":
            yield key, "3, and 1 for `offline`", DEFAULT
        else:
            yield key, _render_value(value), file if given else DEFAULT
        operator.pop(key, None)
    for name in left:
        said = explain(name, flags)
        if said and name not in FLAGS.values():
            unused = "; hob.yml says another" if name in ("model", "attempts") else ""
            yield (f"flag {name}", said[0], said[1] + unused)
    for key, (value, source) in operator.items():
        yield key, value, source


def _limit(flagged: tuple[str, str], ceiling: str) -> tuple[str, str]:
    """What a flag says and why, no number above the operator's ceiling."""
    value, why = flagged
    if not ceiling or float(value) <= float(ceiling):
        return value, why
    return ceiling, f"the ceiling; {why}: {value}"


def _flatten(config: BaseModel, above: str = "") -> Iterator[tuple[str, object]]:
    for key in type(config).model_fields:
        value = getattr(config, key)
        if isinstance(value, BaseModel):
            yield from _flatten(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def _is_set(config: BaseModel, key: str) -> bool:
    first, _, rest = key.partition(".")
    inner = getattr(config, first)
    if first not in config.model_fields_set:
        return False
    return _is_set(inner, rest) if rest and isinstance(inner, BaseModel) else True


def _render_value(value: object) -> str:
    if value is None or value in ("", ()):
        return ""
    if isinstance(value, tuple):
        return ", ".join(str(each) for each in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _render_row(key: str, value: str, source: str) -> str:
    line = " ".join(value.split())
    cut = f"{line[:LONGEST]}…" if len(line) > LONGEST else line
    return f"| `{key}` | {code_span(cut, cell=True) if cut else 'none'} | {source} |"

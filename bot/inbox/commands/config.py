"""``@hob config``: what Hob goes by in a repository, and where each value comes from; no secret."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import BaseModel

from bot.domain import Event
from bot.github.app import RepoApi
from bot.inbox.commands.earlier_work import plain
from bot.inbox.delivery_context import DeliveryContext
from bot.repofile import PATH, RepoConfig, parse

LONGEST = 200  # characters of a value that are shown
DEFAULT = "default"
OPERATORS = ("model", "image", "label")  # the operator's, where the repository does not say
FOUND = "found by the tree's files"  # where hob.yml names no command, see ``bot.workspace.checks``


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
    return ConfigInForce(config=parse(text), commit=commit or "", there=text is not None)


async def render_config(context: DeliveryContext, api: RepoApi, event: Event) -> str:
    """Every value with its origin, as a table. Raises UserError when the repository's file is invalid."""
    now = await read_config_in_force(api, event)
    file = f"`{PATH}` at `{now.commit[:12]}`"
    rows = [_row(*each) for each in _values(context, now, file)]
    head = f"What I go by here, {'with' if now.there else 'without a'} {file if now.there else f'`{PATH}`'}:"
    text = "\n".join([head, "", "| key | value | from |", "|---|---|---|", *rows])
    return context.operator.safe(text)


def _values(context: DeliveryContext, now: ConfigInForce, file: str) -> Iterator[tuple[str, str, str]]:
    operator = dict(context.operator.shown)
    for key, value in _flat(now.config):
        given = _is_set(now.config, key)
        if not given and key in OPERATORS and key in operator:
            yield (key, *operator.pop(key))
        elif not given and key == "test":
            yield key, FOUND, DEFAULT
        elif not given and key == "attempts":
            yield key, "3, and 1 for `offline`", DEFAULT
        else:
            yield key, _shown(value), file if given else DEFAULT
        operator.pop(key, None)
    for key, (value, source) in operator.items():
        yield key, value, source


def _flat(config: BaseModel, above: str = "") -> Iterator[tuple[str, object]]:
    for key in type(config).model_fields:
        value = getattr(config, key)
        if isinstance(value, BaseModel):
            yield from _flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def _is_set(config: BaseModel, key: str) -> bool:
    first, _, rest = key.partition(".")
    inner = getattr(config, first)
    if first not in config.model_fields_set:
        return False
    return _is_set(inner, rest) if rest and isinstance(inner, BaseModel) else True


def _shown(value: object) -> str:
    if value is None or value in ("", ()):
        return ""
    if isinstance(value, tuple):
        return ", ".join(str(each) for each in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _row(key: str, value: str, source: str) -> str:
    line = " ".join(plain(value, keep="@#<>[]()*_~!&\\").split())
    cut = f"{line[:LONGEST]}…" if len(line) > LONGEST else line
    return f"| `{key}` | {f'`{cut}`' if cut else 'none'} | {source} |"

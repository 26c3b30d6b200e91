"""A repository's configuration, ``.github/hob.yml``: every key is optional, an unknown one is an error."""

from __future__ import annotations

import asyncio
import difflib
import json
import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import ErrorDetails

from bot.errors import UserError

PATH = ".github/hob.yml"
DEVCONTAINERS = (".devcontainer/devcontainer.json", ".devcontainer.json")
MAX_BYTES = 64 * 1024
_MOST_OPEN = 100
_BRACKET = re.compile(rb"[][{}]")

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
# "packages", or a host as ``sandbox.egress.rules.parse_rule`` reads it: example.com, *.example.com,
# example.com:8443, "GET,HEAD example.com".
Host = Annotated[
    str,
    StringConstraints(
        pattern=r"^(packages|([A-Z]{3,10}(,[A-Z]{3,10})* )?"
        r"(\*\.)?([a-z0-9-]{1,63}\.)+[a-z][a-z0-9-]{1,62}(:\d{1,5})?)$",
        max_length=300,
    ),
]


def _off(value: Any) -> Any:
    """YAML 1.1 reads a bare ``off`` as false."""
    return "off" if value is False else value


Internet = Annotated[
    Literal["off", "packages"] | Annotated[tuple[Host, ...], Field(max_length=100)], BeforeValidator(_off)
]

Image = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9._:/@-]*$", max_length=255)]
# A string, or what the file may hold beside JSON: comments, and commas before a closing bracket.
_JSON_EXTRA = re.compile(r'("(?:[^"\\]|\\.)*+(?:"|\Z))|//[^\n]*|/\*.*?(?:\*/|\Z)|,(?=\s*[}\]])', re.DOTALL)


BranchPrefix = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,40}(/[A-Za-z0-9][A-Za-z0-9_-]{0,40}){0,4}[/-]$"),
]


WebhookUrl = Annotated[str, StringConstraints(pattern=r"^https://[^\s@\\]{1,1000}$")]


class TaskBudget(BaseModel):
    """Limits of one task; a run that reaches one ends with what there is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    usd: float = Field(default=5.0, gt=0, le=1000, description="US dollars for model calls")
    minutes: float = Field(default=30.0, gt=0, le=24 * 60, description="minutes of thinking")
    turns: int = Field(default=60, ge=1, le=2000, description="model calls")


class RepoLimits(BaseModel):
    """What may be asked for in the repository, beside what the operator allows anyway."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    person: int | None = Field(default=None, ge=1, le=10_000, description="tasks of one person in an hour")
    repository: int | None = Field(default=None, ge=1, le=100_000, description="tasks of all in an hour")
    person_usd: float | None = Field(
        default=None, gt=0, le=100_000, description="US dollars in 24 hours for one person's tasks"
    )
    repository_usd: float | None = Field(
        default=None, gt=0, le=100_000, description="US dollars in 24 hours for all tasks"
    )


class NotifyWishes(BaseModel):
    """Whom Hob tells outside GitHub, and of what."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    webhook: WebhookUrl | None = Field(
        default=None, description="https address that takes Slack's messages; the operator lists its host"
    )
    events: tuple[Literal["failed", "approval", "budget"], ...] = Field(
        default=("failed", "approval", "budget"), max_length=3, description="of what it is told"
    )


class RepoConfig(BaseModel):
    """What a repository decides for itself."""

    model_config = ConfigDict(extra="forbid", frozen=True, title="Hob's repository file, .github/hob.yml")

    setup: Line | None = Field(default=None, description="shell command that prepares the checkout")
    test: Line | None = Field(default=None, description="shell command that runs the tests")
    lint: Line | None = Field(default=None, description="shell command that checks the style")
    internet: Internet = Field(
        default="off", description="what commands may reach: off, packages (registries, read only), or hosts"
    )
    image: Image | None = Field(
        default=None, description="image that commands run in, where the operator has chosen Docker"
    )
    setup_internet: Internet = Field(default="off", description="what setup alone may reach beyond internet")
    fork_internet: Internet = Field(
        default="off",
        description="what commands may reach on a pull request from a fork, in place of the other two",
    )
    linked_content: bool = Field(
        default=True, description="whether submodules and Git LFS content are fetched, outside the sandbox"
    )
    branch_prefix: BranchPrefix = Field(
        default="hob/", description="what the names of Hob's branches begin with, such as fix/hob-"
    )
    label: Line = Field(default="hob", description="label that hands an issue to Hob")
    create_label: bool = Field(default=False, description="whether Hob makes that label where it is missing")
    respond: Literal["mention", "always"] = Field(default="mention", description="when to answer on own PRs")
    respond_to_bots: tuple[int, ...] = Field(
        default=(), max_length=20, description="accounts of other bots, by id, whose mentions count here"
    )
    attempts: int | None = Field(
        default=None,
        ge=1,
        le=8,
        description="attempts at most: one first, more side by side when its proof fails; default 3",
    )
    budget: TaskBudget = Field(default_factory=TaskBudget)
    limits: RepoLimits = Field(default_factory=RepoLimits)
    notify: NotifyWishes = Field(default_factory=NotifyWishes)
    training: bool = Field(
        default=False, description="whether the operator may export what was done here as training data"
    )
    learning: bool = Field(
        default=False,
        description="whether Hob may propose a rule for AGENTS.md or instructions, corrected so three times",
    )
    protected_paths: tuple[Line, ...] = Field(
        default=(), description="glob patterns that Hob must not change"
    )
    model: Line | None = Field(default=None, description="model instead of the operator's default")
    instructions: str = Field(default="", max_length=20_000, description="what the agent should know")
    history: int = Field(default=1, ge=1, le=1000, description="commits of history in the sandbox")


def parse_repo_config(text: bytes | None) -> RepoConfig:
    """The configuration in the file's bytes, or the defaults when there is no file.

    Raises UserError that names the key and says what it may be.
    """
    if text is None:
        return RepoConfig()
    if len(text) > MAX_BYTES:
        raise UserError(f"`{PATH}` is larger than {MAX_BYTES // 1024} KiB", phase="configuration")
    if nests_deeply(text):
        raise UserError(f"`{PATH}` has more than {_MOST_OPEN} brackets open at once", phase="configuration")
    try:
        data = yaml.safe_load(text.decode("utf-8"))
    except (yaml.YAMLError, ValueError, RecursionError, LookupError, AttributeError) as error:
        # the last three also for values that do not fit their tag, such as an impossible date or ``!!bool x``
        raise UserError(f"`{PATH}` is not valid YAML: {_one_line(error)}", phase="configuration") from None
    if data is None:
        return RepoConfig()
    if not isinstance(data, dict):
        raise UserError(f"`{PATH}` must be a mapping of keys to values", phase="configuration")
    try:
        return RepoConfig.model_validate(data)
    except ValidationError as error:
        raise UserError(f"`{PATH}`: {_explain(error)}", phase="configuration") from None


async def read_repo_config(text: bytes | None) -> RepoConfig:
    """``parse_repo_config`` beside the event loop: 64 kB of YAML take most of a second."""
    return await asyncio.to_thread(parse_repo_config, text)


def nests_deeply(text: bytes) -> bool:
    """Whether too many brackets are open at once: YAML's reader takes time in their square."""
    depth = 0
    for bracket in _BRACKET.findall(text):
        depth += 1 if bracket in b"[{" else -1
        if depth > _MOST_OPEN:
            return True
        depth = max(depth, 0)
    return False


def find_devcontainer_image(text: bytes | None) -> str | None:
    """The ``image`` of a devcontainer.json (https://containers.dev/implementors/json_reference/), if any.

    The file is another tool's: what is wrong with it is not ours to complain of, and means no image.
    """
    if text is None or len(text) > MAX_BYTES:
        return None
    try:
        return RepoConfig.model_validate({"image": parse_jsonc(text.decode("utf-8")).get("image")}).image
    except ValueError:
        return None


def parse_jsonc(text: str) -> dict[str, Any]:
    """The object in a JSON file with comments and trailing commas; {} where there is none."""
    plain = text
    try:
        for _ in range(2):  # a comment may stand between such a comma and the bracket
            plain = _JSON_EXTRA.sub(lambda found: found[1] or "", plain)
        data = json.loads(plain)
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


_HOSTS = (
    'off, packages, or a list of hosts, as in `[example.com, "*.example.com", "example.com:8443", '
    '"GET,HEAD example.com"]`'
)
# What the values of keys must be, where pydantic would show a pattern, or each form by itself.
_MUST = {
    "internet": f"must be {_HOSTS}",
    "setup_internet": f"must be {_HOSTS}",
    "fork_internet": f"must be {_HOSTS}",
    "image": "must be an image's name, as in `python:3.13-slim`",
    "branch_prefix": "must be letters, digits, `_`, `-` and `/` up to a last `/` or `-`, as in `fix/hob-`",
    "webhook": "must be an address that begins with `https://`",
}
# The same by the type of pydantic's error. https://docs.pydantic.dev/latest/errors/validation_errors/
_MUST_BY_TYPE = {
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "invalid_key": "must be in quotes, or YAML reads it as something else than text",
    "model_type": "must have keys of its own",
    "string_too_short": "must not be empty",
    "string_type": "must be text, in quotes where YAML would read something else",
    "tuple_type": "must be a list",
}


def _explain(error: ValidationError) -> str:
    """A clause for each key that is wrong, once: what its value must be, or that there is no such key."""
    told: dict[str, str] = {}
    longest = ("too_long", "string_too_long")
    for item in sorted(error.errors(), key=lambda each: each["type"] not in longest):
        path = item["loc"]
        for number, part in enumerate(path):
            if part in _MUST:  # behind it stand the forms that its value may have, as if they were keys
                path = path[: number + 1]
                break
        where = ".".join(map(str, path)) or "the file"
        if where not in told:
            told[where] = _explain_one(item, where, path)
    return "; ".join(told.values())


def _explain_one(item: ErrorDetails, where: str, path: Sequence[str | int]) -> str:
    key = str(path[-1]) if path else ""
    if item["type"] == "extra_forbidden":
        known = _list_keys(path[:-1])
        near = difflib.get_close_matches(key, known, n=1)
        meant = f"did you mean `{near[0]}`? " if near else ""
        return f"unknown key `{where}` ({meant}known: {', '.join(known)})"
    must = _MUST.get(key) or _MUST_BY_TYPE.get(item["type"])
    if item["type"] in ("too_long", "string_too_long"):
        most = item.get("ctx", {}).get("max_length")
        must = f"must have at most {most} {'entries' if item['type'] == 'too_long' else 'characters'}"
    return f"`{where}` {must or item['msg'].replace('Input should', 'must').replace('String should', 'must')}"


def _list_keys(path: Sequence[str | int]) -> list[str]:
    """The keys that the table at ``path`` may have."""
    table: type[BaseModel] = RepoConfig
    for part in path:
        kind = table.model_fields[str(part)].annotation
        assert isinstance(kind, type) and issubclass(kind, BaseModel)  # noqa: S101  nothing else forbids keys
        table = kind
    return sorted(table.model_fields)


def _one_line(error: Exception) -> str:
    return re.sub(r"\s+", " ", str(error))[:300]

"""Where a rule is written: AGENTS.md or, where there is none, the ``instructions`` that hob.yml has already.

A link is written through: what changes is the file that it leads to, where that is prose of the repository.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

import yaml

from bot.errors import UserError
from bot.github.app import RepoApi
from bot.learn.rules import FILE, add_rule, render_rule
from bot.repo_config import MAX_BYTES, PATH, parse_repo_config
from bot.tasks.learning.corrections import ProposedRule

MOST_BYTES = 500_000  # of AGENTS.md
PROSE = ("", ".md", ".mdc", ".markdown", ".txt")  # endings of what a link may lead to
KEY = "instructions"
_COMMENT = re.compile(r"(?<![ \t])[ \t]++#[^\r\n]*+")


@dataclass(frozen=True, slots=True, kw_only=True)
class RulePlace:
    """A file at a commit. ``path`` is behind all links; ``text`` is '' where there is none yet."""

    commit: str
    tree: str
    file: str  # as people know it: AGENTS.md or .github/hob.yml
    path: str
    mode: int
    text: str

    async def add(self, rule: ProposedRule) -> str:
        """The file with the rule in it. Raises UserError where it cannot be added."""
        if self.file == FILE:
            return add_rule(self.text, rule)
        return await asyncio.to_thread(add_to_instructions, self.text, render_rule(rule))


async def find_place(api: RepoApi, branch: str) -> RulePlace:
    """Where a rule belongs on the branch's newest commit. Raises UserError where none can be added."""
    head = await api.commits.find_branch_head(branch)
    commit = await api.commits.find(head) if head else None
    if commit is None:
        raise UserError(f"`{branch}` has no commit to propose a rule on")
    where = FILE
    found = await api.trees.read_through(commit.tree, FILE, most_bytes=MOST_BYTES)
    if found is None:
        config = await api.trees.read_through(commit.tree, PATH, most_bytes=MAX_BYTES)
        if config is not None and await asyncio.to_thread(_has_instructions, config.data):
            where, found = PATH, config
    if found is None:
        return RulePlace(commit=commit.sha, tree=commit.tree, file=FILE, path=FILE, mode=0o100644, text="")
    if where == FILE and PurePosixPath(found.path).suffix.lower() not in PROSE:
        raise UserError(f"`{FILE}` is a link to `{found.path}`, which is no prose, so no rule is added to it")
    try:
        text = found.data.decode("utf-8")
    except UnicodeDecodeError:
        raise UserError(f"`{where}` is not UTF-8, so no rule is added to it") from None
    return RulePlace(
        commit=commit.sha, tree=commit.tree, file=where, path=found.path, mode=found.mode, text=text
    )


def _has_instructions(data: bytes) -> bool:
    return bool(parse_repo_config(data).instructions.strip())


def add_to_instructions(text: str, line: str) -> str:
    """hob.yml with a line more at the end of its instructions, which may be written in another style then.

    Raises UserError where the file would not say the same but for that line.
    """
    before = parse_repo_config(text.encode("utf-8"))
    said = f"{before.instructions.rstrip()}\n- {line}\n"
    wanted, why = before.model_copy(update={KEY: said}), "it is written in a way that no line fits into"
    for changed in _list_ways(text, said):
        try:
            after = parse_repo_config(changed.encode("utf-8"))
        except UserError as wrong:
            why = wrong.message
            continue
        if after == wanted:
            return changed
    raise UserError(f"no rule is added to `{KEY}` of `{PATH}`: {why}")


def _list_ways(text: str, said: str) -> Iterator[str]:
    """The file with other instructions: as a block of lines, else as a string in quotes."""
    root = yaml.compose(text, yaml.SafeLoader)
    pairs = root.value if isinstance(root, yaml.MappingNode) else []
    found = [(key, value) for key, value in pairs if key.value == KEY and isinstance(value, yaml.ScalarNode)]
    if not found:
        return
    key, value = found[-1]
    start, end = value.start_mark.index, value.end_mark.index
    newline = "\r\n" if "\r\n" in text else "\n"
    is_block = value.style in ("|", ">")
    stop = text.find("\n", start if is_block else end)
    stop = len(text) if stop < 0 else stop
    rest = text[start:stop] if is_block else text[end:stop]
    comment = (_COMMENT.search(rest) if is_block else _COMMENT.fullmatch(rest.rstrip())) or None
    indent = " " * (key.start_mark.column + 2)
    body = newline.join(f"{indent}{each}".rstrip() for each in said.splitlines())
    behind = text[end if is_block else min(stop + 1, len(text)) :]
    yield f"{text[:start]}|{comment.group().rstrip() if comment else ''}{newline}{body}{newline}{behind}"
    quoted = json.dumps(said, ensure_ascii=False)
    yield f"{text[:start]}{quoted}{newline if is_block else ''}{text[end:]}"

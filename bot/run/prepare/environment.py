"""What the first message says of the sandbox: its tools, what setup did, and how the checks end on base.

Tools are asked for once per toolchain and setup, the checks run once per commit; both results are kept as
layers, so that a later run only reads them. The checks are not waited for longer than ``BASE_SECONDS``.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from bot.agent.models.calls import OFFLINE
from bot.agent.tools.checks import render_check
from bot.agent.tools.context import GUEST, CheckReport
from bot.domain import Brief, ChangeSet
from bot.errors import UserError
from bot.run.prove.prove import run_checks
from bot.text.lists import join_first
from bot.text.redact import Redactor
from bot.text.terminal import escape_controls
from bot.workspace.checkout import Checkout
from bot.workspace.workshop import Workshop
from sandbox.layers.store import LayerStore
from sandbox.spec import Command, SandboxUnavailable

log = structlog.get_logger()

BASE_SECONDS = 20.0
TOOLS_SECONDS = 20.0
MOST_NAMES = 40
MOST_CHARS = 6000  # of the checks on base
_READS_NOTHING = (OFFLINE, "scripted:")  # models for which nothing has to be found out
_VERSION = 1  # of what is kept


class _Tools(BaseModel):
    """The answer of ``guest/environment.py``."""

    model_config = ConfigDict(extra="forbid")

    tools: dict[str, str]
    missing: list[str]
    packages: list[str]


async def add_environment(
    workshop: Workshop, checkout: Checkout, brief: Brief, model: str, redactor: Redactor
) -> Brief:
    """The brief with what the sandbox of ``checkout`` has and lacks, and with the task's budget.

    Nothing that fails here fails the run: what is not known is said to be unknown.
    """
    budget = checkout.config.budget
    brief = replace(
        brief, budget=f"{budget.turns} turns, {budget.minutes:g} minutes, {budget.usd:g} US dollars"
    )
    if model.startswith(_READS_NOTHING):
        return brief
    tools, checks = await asyncio.gather(
        _describe(lambda: _describe_tools(workshop.layers, checkout), "tools"),
        _describe(lambda: _describe_base_checks(workshop.layers, checkout, redactor), "checks on base"),
    )
    parts = [tools, _describe_setup(checkout), checks]
    return replace(brief, environment="\n".join(part for part in parts if part))


async def _describe(make: Callable[[], Awaitable[str]], what: str) -> str:
    try:
        return await make()
    except (OSError, ValueError, SandboxUnavailable, UserError, TimeoutError) as error:
        log.warning("run.environment_unknown", what=what, reason=str(error))
        return f"{what}: not known ({escape_controls(str(error))[:200]})"


async def _describe_tools(layers: LayerStore, checkout: Checkout) -> str:
    setup = [str(layer) for layer in checkout.layers[:-1]]
    policy = (checkout.policy.mounts, checkout.policy.path, checkout.policy.env, checkout.policy.image)
    place = repr((_VERSION, checkout.backend, checkout.config.image, policy, setup))

    async def ask(into: Path) -> None:
        sandbox = await checkout.open()
        try:
            argv = ("python", "-I", f"{GUEST}/environment.py")
            done = await sandbox.run(Command(argv=argv, seconds=TOOLS_SECONDS, split_stderr=True))
        finally:
            await sandbox.aclose()
        (into / "tools.json").write_text(_Tools.model_validate_json(done.output).model_dump_json(), "utf-8")

    kept = await layers.layer(f"tools-{_digest(place)}", ask)
    try:
        found = _Tools.model_validate_json((kept / "tools.json").read_bytes())
    except ValidationError as error:
        raise ValueError("what was kept of them cannot be read") from error
    there = [f"{name} {version}".strip() for name, version in found.tools.items()]
    lines = [
        f"tools: {', '.join(there)}",
        f"not there: {', '.join(found.missing) or 'nothing that is usual'}",
    ]
    lines += [f"Python packages: {join_first(found.packages, MOST_NAMES)}"] if found.packages else []
    return "\n".join(escape_controls(line) for line in lines)


def _describe_setup(checkout: Checkout) -> str:
    """What the setup command left; a layer's first level is read, names only."""
    if checkout.config.setup is None:
        return "setup: none, so of what the project depends on there is only what is listed here"
    names = sorted(each.name for each in checkout.layers[0].iterdir()) if len(checkout.layers) > 1 else []
    left = join_first([escape_controls(name)[:100] for name in names], MOST_NAMES) or "nothing"
    command = escape_controls(checkout.config.setup)
    return f"setup: `{command}` was run without error; in /workspace it left {left}"


async def _describe_base_checks(layers: LayerStore, checkout: Checkout, redactor: Redactor) -> str:
    if not checkout.checks.checks:
        return ""
    commands = [(check.name, check.command) for check in checkout.checks.checks]
    place = repr((_VERSION, checkout.repo.name, checkout.base, [str(each) for each in checkout.layers]))
    place += repr((commands, checkout.config.image, checkout.policy))

    async def run(into: Path) -> None:
        try:
            async with asyncio.timeout(BASE_SECONDS):
                results = await run_checks(checkout, ChangeSet(base=checkout.base), redactor)
        except TimeoutError:
            lines = [f"they take longer than {BASE_SECONDS:.0f} s, so their state is not known yet"]
        else:
            lines = [
                render_check(CheckReport(name=command.name, command=command.command, result=result))
                for command, result in results
            ]
        (into / "checks.json").write_text(json.dumps(lines), "utf-8")

    kept = await layers.layer(f"checks-{_digest(place)}", run)
    lines = json.loads((kept / "checks.json").read_text("utf-8"))
    text = "\n".join(map(str, lines))
    return f"checks on the commit you begin from, run once:\n{text}"[:MOST_CHARS]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:40]

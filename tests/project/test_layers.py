"""Who may import whom: the picture in design and README, read from the code's own imports."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.project.sources import read_facts
from tests.support import ROOT

BELOW_RUN = {
    "bot.agent", "bot.backoff", "bot.causes", "bot.disk", "bot.domain", "bot.errors", "bot.flags", "bot.git",
    "bot.github", "bot.injection", "bot.moderation", "bot.notify", "bot.repo_config", "bot.settings",
    "bot.tasks", "bot.text", "bot.trace", "bot.workspace", "sandbox",
}  # fmt: skip

# For each room what of the project it may import beside itself; every other import of it is an error.
ALLOWED: dict[str, set[str]] = {
    "sandbox": set(),
    "localhub": set(),
    "bot.domain": set(),
    "bot.errors": set(),
    "bot.backoff": set(),
    "bot.trace": {"bot.errors"},
    "bot.disk": set(),
    "bot.text": set(),
    "bot.guest": set(),
    "bot.causes": {"bot.domain"},
    "bot.log": {"bot.text"},
    "bot.github_hosts": set(),
    "bot.injection": {"bot.domain", "bot.text"},
    "bot.moderation": {"bot.errors", "bot.text"},
    "bot.settings": {"bot.errors", "bot.github_hosts"},
    "bot.notify": {
        "bot.domain", "bot.errors", "bot.repo_config", "bot.settings", "bot.tasks", "bot.text", "sandbox",
    },
    "bot.repo_config": {"bot.errors"},
    "bot.tasks": {"bot.backoff", "bot.domain", "bot.errors", "bot.text"},
    "bot.flags": {"bot.domain", "bot.errors", "bot.tasks"},
    "bot.github": {
        "bot.backoff", "bot.domain", "bot.errors", "bot.github_hosts", "bot.settings", "bot.text",
    },
    "bot.git": {"bot.domain", "bot.errors", "bot.text", "sandbox"},
    "bot.inbox": {
        "bot.backoff", "bot.domain", "bot.errors", "bot.flags", "bot.github", "bot.learn", "bot.moderation",
        "bot.repo_config", "bot.tasks", "bot.text", "bot.trace",
    },
    "bot.learn": {
        "bot.domain", "bot.errors", "bot.github", "bot.guest", "bot.injection", "bot.moderation",
        "bot.repo_config", "bot.tasks", "bot.text",
    },
    "bot.workspace": {
        "bot.agent", "bot.causes", "bot.domain", "bot.errors", "bot.git", "bot.github", "bot.repo_config",
        "bot.text", "sandbox",
    },
    "bot.agent": {
        "bot.backoff", "bot.domain", "bot.errors", "bot.guest", "bot.injection", "bot.text", "bot.trace",
        "sandbox",
    },
    "bot.offline": {"bot.agent", "bot.causes", "bot.domain"},
    "bot.run": {*BELOW_RUN, "bot.run"},
    # The packages of bot.run, each above the ones that it may import.
    "bot.run.stored": BELOW_RUN,
    "bot.run.prove": BELOW_RUN,
    "bot.run.attempts": {*BELOW_RUN, "bot.run.prove"},
    "bot.run.messages": {*BELOW_RUN, "bot.run.attempts"},
    "bot.run.publish": {*BELOW_RUN, "bot.run.messages"},
    "bot.run.end_without_pull": {*BELOW_RUN, "bot.run.messages"},
    "bot.run.live_screen": BELOW_RUN,
    "bot.run.job": {*BELOW_RUN, "bot.run.attempts", "bot.run.live_screen", "bot.run.publish"},
    "bot.run.daily_budget": {*BELOW_RUN, "bot.run.job"},
    "bot.run.ceilings": BELOW_RUN,
    "bot.run.moderate": {*BELOW_RUN, "bot.run.job"},
    "bot.run.same_change": {*BELOW_RUN, "bot.run.job", "bot.run.messages", "bot.run.publish"},
    "bot.run.prepare": {*BELOW_RUN, "bot.run.attempts", "bot.run.job", "bot.run.messages", "bot.run.prove"},
    "bot.run.strategies": {
        *BELOW_RUN, "bot.run.attempts", "bot.run.ceilings", "bot.run.daily_budget",
        "bot.run.end_without_pull", "bot.run.job", "bot.run.messages", "bot.run.prepare",
        "bot.run.prove", "bot.run.publish", "bot.run.same_change",
    },
    "bot.solve": {
        "bot.agent", "bot.domain", "bot.errors", "bot.git", "bot.offline", "bot.run", "bot.text",
        "bot.workspace", "sandbox",
    },
    "bot.replay": {
        "bot.agent", "bot.domain", "bot.errors", "bot.tasks", "bot.text", "bot.workspace", "sandbox",
    },
    "bot.eval": {
        "bot.agent", "bot.backoff", "bot.causes", "bot.domain", "bot.errors", "bot.git", "bot.offline",
        "bot.repo_config", "bot.run", "bot.settings", "bot.solve", "bot.text", "bot.workspace", "sandbox",
    },
    "bot.dashboard": {
        "bot.domain", "bot.errors", "bot.experiments", "bot.flags", "bot.forecast", "bot.github_hosts",
        "bot.serve.capacity", "bot.settings", "bot.tasks", "bot.text",
    },
    "bot.redteam": {
        "bot.agent", "bot.domain", "bot.errors", "bot.git", "bot.run", "bot.settings", "bot.text",
        "bot.workspace",
    },
    "bot.training": {
        "bot.agent", "bot.domain", "bot.errors", "bot.github", "bot.repo_config", "bot.tasks",
    },
    "bot.tune": {"bot.domain", "bot.errors", "bot.eval", "bot.git", "bot.guest", "bot.training"},
    "bot.experiments": {"bot.flags"},
    "bot.forecast": {"bot.errors", "bot.github", "bot.serve", "bot.tasks"},
    "bot.demo": {"bot.domain", "bot.errors"},
    "bot.serve": {"bot", "sandbox"},
    "bot.cli": {"bot", "sandbox", "localhub"},
    "bot.__main__": {"bot.cli"},
}  # fmt: skip


def room(module: str) -> str:
    """The longest key of ALLOWED that the module stands below."""
    matches = [key for key in ALLOWED if module == key or module.startswith(f"{key}.")]
    return max(matches, key=len, default="")


def modules() -> Iterator[tuple[str, Path]]:
    for top in ("bot", "sandbox", "localhub"):
        for path in sorted((ROOT / top).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def imports(path: Path, module: str) -> Iterator[str]:
    """Every module of the project that the file names in an import, relative ones resolved."""
    for each in read_facts(path, module).imports:
        if each.base:
            yield each.base
        yield from (f"{each.base}.{name}" if each.base else name for name in each.names)


KNOWN = dict(modules())
MODULES = [(name, path) for name, path in KNOWN.items() if name != "bot"]


@pytest.mark.parametrize(("module", "path"), MODULES, ids=[name for name, _ in MODULES])
def test_imports_go_in_one_direction(module: str, path: Path) -> None:
    home = room(module)
    assert home, f"{module} belongs to no room: give it one in ALLOWED"
    for target in imports(path, module):
        if target not in KNOWN or target == "bot" or room(target) == home:
            continue
        allowed = any(target == ok or target.startswith(f"{ok}.") for ok in ALLOWED[home])
        assert allowed, f"{module} must not import {target}"


def test_only_settings_reads_the_environment() -> None:
    # The demo, and the guest inside the sandbox, hand variables on to processes; they decide nothing by them.
    readers = {
        module
        for module, path in modules()
        if module.startswith("bot") and not module.startswith("bot.guest")
        if read_facts(path, module).reads_environment
    }
    assert readers - {"bot.demo.processes", "bot.demo.story"} == {"bot.settings.environment"}


def test_every_module_says_what_it_is_for() -> None:
    silent = [name for name, path in modules() if not read_facts(path, name).has_docstring]
    assert not silent

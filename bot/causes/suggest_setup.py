"""The lines of hob.yml that would let a check run."""

from __future__ import annotations

import re
from collections.abc import Iterable

from bot.causes.failure import FailedCommand
from bot.domain import TreeFacts

# A command of one Python tool, below a folder or with variables in front of it.
_PYTHON_COMMAND = re.compile(
    r"(?P<before>cd (?P<folder>[\w.@+-]+(?:/[\w.@+-]+)*) && )?(?P<set>(?:[A-Za-z_]\w*=[^\s;&|'\"$]*\s)*)"
    r"(?:(?:\.\./)*\.venv/bin/)?(?P<tool>python[\d.]*|pytest|py\.test|coverage)(?P<rest>(?:\s[^;&|]*)?)"
)


def suggest_python_setup(failure: FailedCommand, packages: Iterable[str] = ()) -> str:
    """The lines of hob.yml that install a Python project and what it needs, and run the check there."""
    facts = failure.facts
    also = "".join(f" {name}" for name in list(dict.fromkeys(packages))[:8] if name not in facts.python_setup)
    setup = facts.python_setup or "python -m venv .venv && .venv/bin/pip install pytest"
    if facts.has_setup:
        return f"`setup` does not install it; let it do what {render_line('setup', setup + also)} does"
    return (
        f"name a `setup`: {render_line('setup', setup + also)}, {render_line('setup_internet', 'packages')}, "
        f"{render_line('test', run_in_environment(failure.command))}"
    )


def run_in_environment(command: str) -> str:
    """The command with what ``python -m venv .venv`` made at the root of the checkout.

    ``cd a && python -m unittest`` becomes ``cd a && ../.venv/bin/python -m unittest``.
    """
    found = _PYTHON_COMMAND.fullmatch(command)
    if found is None:
        return f'PATH="$PWD/.venv/bin:$PATH"; {command}'
    up = "../" * (found["folder"].strip("/").count("/") + 1) if found["folder"] else ""
    tool = "python" if found["tool"].startswith("python") else found["tool"]
    return f"{found['before'] or ''}{found['set']}{up}.venv/bin/{tool}{found['rest']}"


def suggest_node_setup(facts: TreeFacts) -> str:
    """The lines of hob.yml that install a Node project's packages."""
    setup = facts.node_setup or "npm install"
    return f"name a `setup`: {render_line('setup', setup)}, {render_line('setup_internet', 'packages')}"


def render_line(key: str, value: str) -> str:
    """A line of hob.yml, as code."""
    text = f"{key}: {value}".replace("`", "'")
    return f"`{text}`"


def join_names(names: Iterable[str]) -> str:
    """The first eight names, and how many more there are."""
    shown = list(names)
    return ", ".join(shown[:8]) + (f" and {len(shown) - 8} more" if len(shown) > 8 else "")


def normalise_name(name: str) -> str:
    """A distribution's name as PyPI compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()

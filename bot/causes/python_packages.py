"""Python packages, plugins and modules that are missing where a check runs."""

from __future__ import annotations

import re
from collections.abc import Collection

from bot.causes.failure import FailedCommand
from bot.causes.known import DISTRIBUTIONS
from bot.causes.pytest_plugins import FIXTURES, MARKS, OPTIONS, PLUGINS
from bot.causes.suggest_setup import join_names, normalise_name, suggest_python_setup

MISSING_MODULE = re.compile(
    r"ModuleNotFoundError: No module named ['\"]([\w.]+)['\"]"
    r"|^[\w./-]{0,200}?/?python[\d.]{0,6}: No module named ([\w.]+)",
    re.M,
)
_OWN_NAMES = ("test", "tests", "conftest")  # the repository's own


def explain_plugin(failure: FailedCommand) -> str:
    refused = failure.find(r"error: unrecognized arguments: (.+)$")
    names = [each for each in failure.find(r"Missing required plugins: (.+)$").split(", ") if each]
    names += [failure.find(r"Error importing plugin \"([\w.-]+)\"").replace("_", "-")]
    words = refused.split() if failure.has(r"^ERROR: usage: |usage: .*pytest|__main__\.py: error") else []
    for word in words:
        names += [plugin for start, plugin in PLUGINS if word.startswith(start)][:1]
    names = [re.split(r"[<>=!~ ]", name)[0] for name in dict.fromkeys(names) if name]
    if not names and (plugin := _find_used_plugin(failure)):
        how = suggest_python_setup(failure, [plugin])
        return f"the tests use a plugin of pytest that is not in the sandbox ({plugin}); {how}"
    if names:
        plural = "plugins that are" if len(names) > 1 else "a plugin that is"
        return (
            f"pytest's settings ask for {plural} not in the sandbox ({join_names(names)}); "
            f"{suggest_python_setup(failure, names)}"
        )
    if words:
        asked = refused[:200].replace("`", "'")
        return f"pytest does not know `{asked}`, which its settings ask for; {suggest_python_setup(failure)}"
    return ""


def _find_used_plugin(failure: FailedCommand) -> str:
    """The plugin whose fixture, mark or setting pytest does not know, '' where none is known by it."""
    plugin = FIXTURES.get(failure.find(r"^(?:E\s+)?fixture '(\w{1,60})' not found$"), "")
    plugin = plugin or MARKS.get(
        failure.find(r"'(\w{1,60})' not found in `markers` configuration option"), ""
    )
    option = failure.find(r"Unknown config option: ([\w-]{1,60})")
    plugin = plugin or next((name for start, name in OPTIONS if option and option.startswith(start)), "")
    if not plugin and failure.has(r"async def functions are not natively supported"):
        plugin = "pytest-asyncio"
    return plugin


def explain_metadata(failure: FailedCommand) -> str:
    if not failure.has(r"PackageNotFoundError|DistributionNotFound|No package metadata was found"):
        return ""
    name = failure.find(r"No package metadata was found for ([\w.-]+)", r"PackageNotFoundError: ([\w.-]+)$")
    name = name or failure.find(r"DistributionNotFound: The '([\w.-]+)")
    if not name:
        return ""
    if normalise_name(name) == normalise_name(failure.facts.project):
        itself = f"the tests need the project itself to be installed (no metadata for {name})"
        return f"{itself}; {suggest_python_setup(failure)}"
    return f"{name} is not installed; {suggest_python_setup(failure, [name])}"


def list_missing_packages(output: str, own: Collection[str]) -> list[str]:
    """The distributions of modules that could not be imported; ``own`` are the project's own modules."""
    missing = (one or other for one, other in MISSING_MODULE.findall(output))
    names = dict.fromkeys(name.partition(".")[0] for name in missing)
    return [DISTRIBUTIONS.get(name, name) for name in names if name not in (*_OWN_NAMES, *own)]


def explain_module(failure: FailedCommand) -> str:
    missing = [one or other for one, other in MISSING_MODULE.findall(failure.output)]
    facts = failure.facts
    built = failure.find(
        r"ImportError: cannot import name '(_\w+)' from (?:partially initialized module )?'[\w.]+'"
    )
    own = [name for name in missing if name.partition(".")[0] in facts.modules]
    if own and "." in own[0]:
        built_by = "is not in the tree: the project's build makes it, or it is missing"
        return f"`{own[0]}` {built_by}; {suggest_python_setup(failure)}"
    if own:
        itself = f"the project itself is not installed, and `{own[0]}` cannot be imported from where it lies"
        return f"{itself}; {suggest_python_setup(failure)}"
    names = list(dict.fromkeys(name.partition(".")[0] for name in missing))
    names = [name for name in names if name not in _OWN_NAMES]
    if names == ["pytest"]:
        return f"this Python has no pytest; {suggest_python_setup(failure)}"
    if names:
        noun = "module is" if len(names) == 1 else "modules are"
        packages = [DISTRIBUTIONS.get(name, name) for name in names]
        return (
            f"the {noun} not in the sandbox: {join_names(names)}; {suggest_python_setup(failure, packages)}"
        )
    if built and facts.project:
        how = "as compiled extensions are when the project is installed"
        return f"`{built}` is not built, {how}; {suggest_python_setup(failure)}"
    return ""

"""Why a check does not run, read from its output and its tree's facts, with lines of hob.yml that mend it.

It recognises the tools' own error messages, and guesses at nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bot.causes.known import DISTRIBUTIONS, IMAGES, PACKAGES, SERVICES
from bot.causes.pytest_plugins import FIXTURES, MARKS, OPTIONS, PLUGINS
from bot.causes.python_versions import explain_python
from bot.causes.symptoms import NOT_IN_INDEX, SYMPTOMS
from bot.causes.variables import find_missing_variable
from bot.domain import TreeFacts

MOST_CHARS = 20_000  # of the output, its end
# A command of one Python tool, below a folder or with variables in front of it.
_PYTHON_COMMAND = re.compile(
    r"(?P<before>cd (?P<folder>[\w.@+-]+(?:/[\w.@+-]+)*) && )?(?P<set>(?:[A-Za-z_]\w*=[^\s;&|'\"$]*\s)*)"
    r"(?:(?:\.\./)*\.venv/bin/)?(?P<tool>python[\d.]*|pytest|py\.test|coverage)(?P<rest>(?:\s[^;&|]*)?)"
)
_MISSING_TOOL = (
    r"^(?:bash|sh|/bin/(?:ba|da)?sh)(?:: line \d+)?(?:: \d+)?: (?:\d+: )?([\w.+/-]+): (?:command )?not found",
    r"^make(?:\[\d+\])?: ([\w.+/-]+): (?:No such file or directory|Permission denied)",
    r"^(?:/usr/bin/)?env: [‘'\"]?([\w.+-]+)[’'\"]?: No such file or directory",
    r'exec: "([\w.+-]+)": executable file not found',
    r"^\S*npm (?:ERR!|error) .*\bspawn ([\w.+-]+) ENOENT",
    r"^(?:sh|bash): ([\w.+-]+): No such file or directory",
)
_MISSING_MODULE = re.compile(
    r"ModuleNotFoundError: No module named ['\"]([\w.]+)['\"]"
    r"|^[\w./-]{0,200}?/?python[\d.]{0,6}: No module named ([\w.]+)",
    re.M,
)

_NO_NETWORK = (
    r"Temporary failure in name resolution|Name or service not known|EAI_AGAIN|ENOTFOUND"
    r"|Could not resolve host|Network is unreachable|ENETUNREACH|Failed to resolve '"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failure:
    """A command that ended, with what it printed, on a tree of which these facts are known."""

    command: str
    exit_code: int | None
    output: str
    facts: TreeFacts

    def find(self, *patterns: str) -> str:
        """The first group of the first pattern that is found, '' without one."""
        for pattern in patterns:
            found = re.search(pattern, self.output, re.MULTILINE)
            if found:
                return next((group for group in found.groups() if group), "")
        return ""

    def has(self, pattern: str) -> bool:
        """Whether a pattern is found."""
        return re.search(pattern, self.output, re.MULTILINE) is not None


def explain_failure(command: str, exit_code: int | None, output: str, facts: TreeFacts) -> str:
    """Why a command that failed could not do its work, as a clause, and how to mend it; '' where unknown.

    "go is not in the sandbox; give an `image`, or install it with `setup`: `image: golang:1`"
    """
    failure = _Failure(command=command, exit_code=exit_code, output=output[-MOST_CHARS:], facts=facts)
    for rule in _RULES:
        cause = rule(failure)
        if cause:
            said = "".join(f"; {saying}" for saying in facts.sayings[:3])
            return cause + (said if "`setup" in cause or "`image" in cause else "")
    return ""


def explain_setup(command: str, exit_code: int | None, output: str) -> str:
    """Why a setup command failed, as ``explain_failure``, by the rules that apply to a setup too."""
    failure = _Failure(command=command, exit_code=exit_code, output=output[-MOST_CHARS:], facts=TreeFacts())
    return next((cause for rule in _SETUP_RULES if (cause := rule(failure))), "")


def _explain_tool(failure: _Failure) -> str:
    if failure.exit_code != 127 and not failure.has(
        r"Error 127\b|: No such file or directory$|ENOENT|executable file not found"
    ):
        return ""
    tool = failure.find(*_MISSING_TOOL).rpartition("/")[2] if "node_modules" not in failure.output else ""
    tool = tool or failure.find(*_MISSING_TOOL).rpartition("/")[2]
    if not tool:
        return ""
    if tool in ("pnpm", "yarn", "bun") and re.match(rf"(?:cd \S+ && )?{tool}\b", failure.command):
        script = re.sub(rf"\b{tool}(?: --silent)?(?: run)? ", "npm run ", failure.command).replace(
            "run test", "test"
        )
        return f"{tool} is not in the sandbox; {_line('test', script)} runs the same script with npm"
    if tool in IMAGES:
        return (
            f"{tool} is not in the sandbox; give an `image`, or install it with `setup`: "
            f"{_line('image', IMAGES[tool])}"
        )
    if re.search(r"\b(?:npm|npx|pnpm|yarn|bun)\b", failure.command):
        return f"{tool} is not there, since the packages are not installed; {_node_lines(failure.facts)}"
    if tool.startswith(("python", "pytest", "tox", "nox", "coverage")) or tool in (
        "uv",
        "poetry",
        "pdm",
        "hatch",
    ):
        own = _line("test", "python -m pytest -q")
        return f"{tool} is not in the sandbox; name the tests' own command as `test`: {own}"
    return f"{tool} is not in the sandbox; give an `image` that has it, or install it with `setup`"


def _explain_plugin(failure: _Failure) -> str:
    refused = failure.find(r"error: unrecognized arguments: (.+)$")
    names = [each for each in failure.find(r"Missing required plugins: (.+)$").split(", ") if each]
    names += [failure.find(r"Error importing plugin \"([\w.-]+)\"").replace("_", "-")]
    words = refused.split() if failure.has(r"^ERROR: usage: |usage: .*pytest|__main__\.py: error") else []
    for word in words:
        names += [plugin for start, plugin in PLUGINS if word.startswith(start)][:1]
    names = [re.split(r"[<>=!~ ]", name)[0] for name in dict.fromkeys(names) if name]
    if not names and (plugin := _find_used_plugin(failure)):
        how = _python_lines(failure, [plugin])
        return f"the tests use a plugin of pytest that is not in the sandbox ({plugin}); {how}"
    if names:
        plural = "plugins that are" if len(names) > 1 else "a plugin that is"
        return (
            f"pytest's settings ask for {plural} not in the sandbox ({_name(names)}); "
            f"{_python_lines(failure, names)}"
        )
    if words:
        asked = refused[:200].replace("`", "'")
        return f"pytest does not know `{asked}`, which its settings ask for; {_python_lines(failure)}"
    return ""


def _find_used_plugin(failure: _Failure) -> str:
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


def _explain_metadata(failure: _Failure) -> str:
    if not failure.has(r"PackageNotFoundError|DistributionNotFound|No package metadata was found"):
        return ""
    name = failure.find(r"No package metadata was found for ([\w.-]+)", r"PackageNotFoundError: ([\w.-]+)$")
    name = name or failure.find(r"DistributionNotFound: The '([\w.-]+)")
    if not name:
        return ""
    if _plain(name) == _plain(failure.facts.project):
        itself = f"the tests need the project itself to be installed (no metadata for {name})"
        return f"{itself}; {_python_lines(failure)}"
    return f"{name} is not installed; {_python_lines(failure, [name])}"


def _explain_module(failure: _Failure) -> str:
    missing = [one or other for one, other in _MISSING_MODULE.findall(failure.output)]
    facts = failure.facts
    built = failure.find(
        r"ImportError: cannot import name '(_\w+)' from (?:partially initialized module )?'[\w.]+'"
    )
    own = [name for name in missing if name.partition(".")[0] in facts.modules]
    if own and "." in own[0]:
        built_by = "is not in the tree: the project's build makes it, or it is missing"
        return f"`{own[0]}` {built_by}; {_python_lines(failure)}"
    if own:
        itself = f"the project itself is not installed, and `{own[0]}` cannot be imported from where it lies"
        return f"{itself}; {_python_lines(failure)}"
    names = list(dict.fromkeys(name.partition(".")[0] for name in missing))
    names = [name for name in names if name not in ("test", "tests", "conftest")]  # the repository's own
    if names == ["pytest"]:
        return f"this Python has no pytest; {_python_lines(failure)}"
    if names:
        noun = "module is" if len(names) == 1 else "modules are"
        packages = [DISTRIBUTIONS.get(name, name) for name in names]
        return f"the {noun} not in the sandbox: {_name(names)}; {_python_lines(failure, packages)}"
    if built and facts.project:
        how = "as compiled extensions are when the project is installed"
        return f"`{built}` is not built, {how}; {_python_lines(failure)}"
    return ""


def _explain_gap(failure: _Failure) -> str:
    """A submodule or LFS content that the output is about."""
    facts = failure.facts
    gone = {name for pair in _MISSING_MODULE.findall(failure.output) for name in pair if name}
    for path in facts.submodules:
        dotted = path.replace("/", ".")
        last = path.rpartition("/")[2]
        wanted = any(
            name == dotted or name.startswith(f"{dotted}.") or name.partition(".")[0] == last for name in gone
        )
        if wanted or re.search(rf"(?<![\w/.-]){re.escape(path)}/\S*", failure.output):
            return next(gap for gap in facts.gaps if "submodule" in gap)
    pointer = "git-lfs.github.com/spec" in failure.output
    if facts.lfs_files and (pointer or any(_mentions(failure.output, path) for path in facts.lfs_files)):
        return facts.gaps[0]
    return ""


def _explain_node_packages(failure: _Failure) -> str:
    name = failure.find(r"Cannot find (?:module|package) '((?:@[\w.-]+/)?[A-Za-z][\w.-]*)(?:/[^']*)?'")
    if not name or failure.has(rf"Cannot find module '{re.escape(name)}'.*\n.*ts-?node\b$"):
        return ""
    return f"the package {name} is not in the sandbox; {_node_lines(failure.facts)}"


def _explain_other_packages(failure: _Failure) -> str:
    for said, what, setup in PACKAGES:
        if failure.has(said):
            how = _line("setup", setup) if setup else "let `setup` fetch them into the checkout"
            return f"{what} are not in the sandbox; {how}, {_line('setup_internet', 'packages')}"
    if failure.has(r"^go: (?:errors parsing go\.mod|.*requires go >= )"):
        return f"this Go is too old for go.mod; give an `image`: {_line('image', 'golang:1')}"
    return ""


def _explain_service(failure: _Failure) -> str:
    if not failure.has(
        r"[Cc]onnection refused|ECONNREFUSED|Connect call failed"
        r"|\.s\.PGSQL\.\d{1,5}\"? failed: No such file|connect to local MySQL server through socket"
    ):
        return ""
    port = failure.find(
        r"(?:port |port=|:)(\d{2,5})\b[^\n]{0,120}(?:[Cc]onnection refused|ECONNREFUSED)",
        r"ECONNREFUSED [\w.:\[\]]*?:(\d{2,5})\b",
        r"Connect call failed \('[^']*', (\d{2,5})",
        r"(?:[Cc]onnection refused)[^\n]{0,160}port (\d{2,5})",
        r"\.s\.PGSQL\.(\d{2,5})",
    )
    port = "3306" if not port and failure.has(r"mysqld\.sock") else port
    what = SERVICES.get(port, "a service")
    where = f" at port {port}" if port else ""
    return (
        f"{what} is not there{where}: nothing listens for it in the sandbox; start it in `test`, "
        "with an `image` that has it, or leave the tests that need it out of `test`"
    )


def _explain_symptom(failure: _Failure) -> str:
    """A known error message of a tool about itself or the machine."""
    for pattern, what, image in SYMPTOMS:
        if not failure.has(pattern):
            continue
        cause = what.replace("{}", failure.find(pattern).replace("`", "'"))
        if image == "pytest":
            return f"{cause}; {_python_lines(failure, ['pytest'])}"
        if image:
            return f"{cause}; give an `image` that has it, such as {_line('image', image)}"
        asks = "`" not in cause and ";" not in cause
        return f"{cause}; give an `image` that has it, or install it with `setup`" if asks else cause
    return ""


def _explain_python(failure: _Failure) -> str:
    """A Python that is too old or too new: said before a module that PyPI may have by the same name."""
    cause, image = explain_python(failure.output)
    return f"{cause}; give an `image` that has another, such as {_line('image', image)}" if cause else ""


def _explain_index(failure: _Failure) -> str:
    """A version that the index does not have, where the index was asked."""
    if failure.has(_NO_NETWORK) or not failure.has(NOT_IN_INDEX):
        return ""
    wanted = failure.find(NOT_IN_INDEX).rstrip(".").replace("`", "'")
    return f"the index does not have {wanted}; ask for what it has, or name the index that has it"


def _explain_variable(failure: _Failure) -> str:
    name = find_missing_variable(failure.output)
    if not name:
        return ""
    own = failure.command
    line = _line("test", f"export {name}=...; {own}" if re.search(r"[;&|]", own) else f"{name}=... {own}")
    return (
        f"the environment variable {name} is not set in the sandbox; {line} would set one that is no secret"
    )


def _explain_network(failure: _Failure) -> str:
    host = failure.find(
        r"Could not resolve host:? '?([\w.-]+)",
        r"(?:EAI_AGAIN|ENOTFOUND) ([\w.-]+)",
        r"Failed to resolve '([\w.-]+)'",
        r"lookup ([\w.-]+)(?: on \S+)?: ",
        r"host='([\w.-]+)'",
        r"https?://([\w.-]+)[^\n]{0,200}(?:Temporary failure in name resolution|Name or service not known)",
    )
    if not failure.has(_NO_NETWORK):
        return ""
    line = _line("internet", f"[{host}]") if host and "." in host else "`internet`"
    return f"it asks for the network{f' ({host})' if host else ''}, and there is none; {line} would allow it"


_RULES: tuple[Callable[[_Failure], str], ...] = (
    _explain_tool,
    _explain_gap,
    _explain_python,
    _explain_symptom,
    _explain_plugin,
    _explain_metadata,
    _explain_module,
    _explain_node_packages,
    _explain_index,
    _explain_other_packages,
    _explain_network,
    _explain_service,
    _explain_variable,
)
_SETUP_RULES = (_explain_tool, _explain_python, _explain_symptom, _explain_index, _explain_variable)


def _python_lines(failure: _Failure, packages: Iterable[str] = ()) -> str:
    """The lines of hob.yml that install a Python project and what it needs, and run the check there."""
    facts = failure.facts
    also = "".join(f" {name}" for name in list(dict.fromkeys(packages))[:8] if name not in facts.python_setup)
    setup = facts.python_setup or "python -m venv .venv && .venv/bin/pip install pytest"
    if facts.has_setup:
        return f"`setup` does not install it; let it do what {_line('setup', setup + also)} does"
    return (
        f"name a `setup`: {_line('setup', setup + also)}, {_line('setup_internet', 'packages')}, "
        f"{_line('test', _run_in_environment(failure.command))}"
    )


def _run_in_environment(command: str) -> str:
    """The command with what ``python -m venv .venv`` made at the root of the checkout.

    ``cd a && python -m unittest`` becomes ``cd a && ../.venv/bin/python -m unittest``.
    """
    found = _PYTHON_COMMAND.fullmatch(command)
    if found is None:
        return f'PATH="$PWD/.venv/bin:$PATH"; {command}'
    up = "../" * (found["folder"].strip("/").count("/") + 1) if found["folder"] else ""
    tool = "python" if found["tool"].startswith("python") else found["tool"]
    return f"{found['before'] or ''}{found['set']}{up}.venv/bin/{tool}{found['rest']}"


def _node_lines(facts: TreeFacts) -> str:
    setup = facts.node_setup or "npm install"
    return f"name a `setup`: {_line('setup', setup)}, {_line('setup_internet', 'packages')}"


def _line(key: str, value: str) -> str:
    """A line of hob.yml, as code."""
    text = f"{key}: {value}".replace("`", "'")
    return f"`{text}`"


def _name(names: Iterable[str]) -> str:
    shown = list(names)
    return ", ".join(shown[:8]) + (f" and {len(shown) - 8} more" if len(shown) > 8 else "")


def _plain(name: str) -> str:
    """A distribution's name as PyPI compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _mentions(output: str, path: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(path.rpartition('/')[2])}(?![\w-])", output) is not None

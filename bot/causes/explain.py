"""Why a check does not run, read from its output and its tree's facts, with lines of hob.yml that mend it.

It recognises the tools' own error messages, and guesses at nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from bot.causes.failure import FailedCommand
from bot.causes.known import IMAGES, PACKAGES, SERVICES
from bot.causes.python_packages import MISSING_MODULE, explain_metadata, explain_module, explain_plugin
from bot.causes.python_versions import explain_python
from bot.causes.suggest_setup import render_line, suggest_node_setup, suggest_python_setup
from bot.causes.symptoms import NOT_IN_INDEX, SYMPTOMS
from bot.causes.variables import find_missing_variable
from bot.domain import TreeFacts

MOST_CHARS = 20_000  # of the output, its end
_MISSING_TOOL = (
    r"^(?:bash|sh|/bin/(?:ba|da)?sh)(?:: line \d+)?(?:: \d+)?: (?:\d+: )?([\w.+/-]+): (?:command )?not found",
    r"^make(?:\[\d+\])?: ([\w.+/-]+): (?:No such file or directory|Permission denied)",
    r"^(?:/usr/bin/)?env: [‘'\"]?([\w.+-]+)[’'\"]?: No such file or directory",
    r'exec: "([\w.+-]+)": executable file not found',
    r"^\S*npm (?:ERR!|error) .*\bspawn ([\w.+-]+) ENOENT",
    r"^(?:sh|bash): ([\w.+-]+): No such file or directory",
)
_NO_NETWORK = (
    r"Temporary failure in name resolution|Name or service not known|EAI_AGAIN|ENOTFOUND"
    r"|Could not resolve host|Network is unreachable|ENETUNREACH|Failed to resolve '"
)


def explain_failure(command: str, exit_code: int | None, output: str, facts: TreeFacts) -> str:
    """Why a command that failed could not do its work, as a clause, and how to mend it; '' where unknown.

    "go is not in the sandbox; give an `image`, or install it with `setup`: `image: golang:1`"
    """
    failure = FailedCommand(command=command, exit_code=exit_code, output=output[-MOST_CHARS:], facts=facts)
    for rule in _RULES:
        cause = rule(failure)
        if cause:
            said = "".join(f"; {saying}" for saying in facts.sayings[:3])
            return cause + (said if "`setup" in cause or "`image" in cause else "")
    return ""


def explain_setup(command: str, exit_code: int | None, output: str) -> str:
    """Why a setup command failed, as ``explain_failure``, by the rules that apply to a setup too."""
    failure = FailedCommand(
        command=command, exit_code=exit_code, output=output[-MOST_CHARS:], facts=TreeFacts()
    )
    return next((cause for rule in _SETUP_RULES if (cause := rule(failure))), "")


def _explain_tool(failure: FailedCommand) -> str:
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
        return f"{tool} is not in the sandbox; {render_line('test', script)} runs the same script with npm"
    if tool in IMAGES:
        return (
            f"{tool} is not in the sandbox; give an `image`, or install it with `setup`: "
            f"{render_line('image', IMAGES[tool])}"
        )
    if re.search(r"\b(?:npm|npx|pnpm|yarn|bun)\b", failure.command):
        return (
            f"{tool} is not there, since the packages are not installed; {suggest_node_setup(failure.facts)}"
        )
    if tool.startswith(("python", "pytest", "tox", "nox", "coverage")) or tool in (
        "uv",
        "poetry",
        "pdm",
        "hatch",
    ):
        own = render_line("test", "python -m pytest -q")
        return f"{tool} is not in the sandbox; name the tests' own command as `test`: {own}"
    return f"{tool} is not in the sandbox; give an `image` that has it, or install it with `setup`"


def _explain_gap(failure: FailedCommand) -> str:
    """A submodule or LFS content that the output is about."""
    facts = failure.facts
    gone = {name for pair in MISSING_MODULE.findall(failure.output) for name in pair if name}
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


def _explain_node_packages(failure: FailedCommand) -> str:
    name = failure.find(r"Cannot find (?:module|package) '((?:@[\w.-]+/)?[A-Za-z][\w.-]*)(?:/[^']*)?'")
    if not name or failure.has(rf"Cannot find module '{re.escape(name)}'.*\n.*ts-?node\b$"):
        return ""
    return f"the package {name} is not in the sandbox; {suggest_node_setup(failure.facts)}"


def _explain_other_packages(failure: FailedCommand) -> str:
    for said, what, setup in PACKAGES:
        if failure.has(said):
            how = render_line("setup", setup) if setup else "let `setup` fetch them into the checkout"
            return f"{what} are not in the sandbox; {how}, {render_line('setup_internet', 'packages')}"
    if failure.has(r"^go: (?:errors parsing go\.mod|.*requires go >= )"):
        return f"this Go is too old for go.mod; give an `image`: {render_line('image', 'golang:1')}"
    return ""


def _explain_service(failure: FailedCommand) -> str:
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


def _explain_symptom(failure: FailedCommand) -> str:
    """A known error message of a tool about itself or the machine."""
    for pattern, what, image in SYMPTOMS:
        if not failure.has(pattern):
            continue
        cause = what.replace("{}", failure.find(pattern).replace("`", "'"))
        if image == "pytest":
            return f"{cause}; {suggest_python_setup(failure, ['pytest'])}"
        if image:
            return f"{cause}; give an `image` that has it, such as {render_line('image', image)}"
        asks = "`" not in cause and ";" not in cause
        return f"{cause}; give an `image` that has it, or install it with `setup`" if asks else cause
    return ""


def _explain_python(failure: FailedCommand) -> str:
    """A Python that is too old or too new: said before a module that PyPI may have by the same name."""
    cause, image = explain_python(failure.output)
    return (
        f"{cause}; give an `image` that has another, such as {render_line('image', image)}" if cause else ""
    )


def _explain_index(failure: FailedCommand) -> str:
    """A version that the index does not have, where the index was asked."""
    if failure.has(_NO_NETWORK) or not failure.has(NOT_IN_INDEX):
        return ""
    wanted = failure.find(NOT_IN_INDEX).rstrip(".").replace("`", "'")
    return f"the index does not have {wanted}; ask for what it has, or name the index that has it"


def _explain_variable(failure: FailedCommand) -> str:
    name = find_missing_variable(failure.output)
    if not name:
        return ""
    own = failure.command
    line = render_line(
        "test", f"export {name}=...; {own}" if re.search(r"[;&|]", own) else f"{name}=... {own}"
    )
    return (
        f"the environment variable {name} is not set in the sandbox; {line} would set one that is no secret"
    )


def _explain_network(failure: FailedCommand) -> str:
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
    line = render_line("internet", f"[{host}]") if host and "." in host else "`internet`"
    return f"it asks for the network{f' ({host})' if host else ''}, and there is none; {line} would allow it"


_RULES: tuple[Callable[[FailedCommand], str], ...] = (
    _explain_tool,
    _explain_gap,
    _explain_python,
    _explain_symptom,
    explain_plugin,
    explain_metadata,
    explain_module,
    _explain_node_packages,
    _explain_index,
    _explain_other_packages,
    _explain_network,
    _explain_service,
    _explain_variable,
)
_SETUP_RULES = (_explain_tool, _explain_python, _explain_symptom, _explain_index, _explain_variable)


def _mentions(output: str, path: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(path.rpartition('/')[2])}(?![\w-])", output) is not None

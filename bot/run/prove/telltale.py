"""Which added lines of a change's source speak of what runs the tests, or compare nothing.

No report can tell code that knows that it is tested from code that is right, so people are told of them.
"""

from __future__ import annotations

import ast
import re

from bot.domain import ChangeKind, ChangeSet
from bot.run.prove.judge_files import ReadBase
from bot.text.python_source import SourceTooLargeError, parse_pieces

_PROGRAMS = (
    ".py",
    ".pyi",
    ".js",
    ".ts",
    ".mjs",
    ".cjs",
    ".jsx",
    ".tsx",
    ".rs",
    ".go",
    ".rb",
    ".php",
    ".java",
)
_TELLTALE = re.compile(
    r"PYTEST_CURRENT_TEST|PYTEST_VERSION|PYTEST_ADDOPTS|HOB_TEST_REPORT|hob_(?:test|vitest|go)_report"
    r"|\b_pytest\b|\b(import|from)\s{1,5}(pytest|unittest)\b|[\"'](_?pytest|unittest|hob-session)[\"'.]"
    r"|\bos\._exit\b|\b_exit\s{0,5}\(|\bsys\.(settrace|setprofile|_getframe)\b|\binspect\.(stack|currentframe)\b"
    r"|\bgc\.get_(objects|referrers)\b|\bos\.(kill|killpg|abort)\b|\bsignal\.(raise_signal|pthread_kill)\b"
    r"|\b(ctypes|faulthandler|atexit)\b|/proc/|\bsys\.exit\s{0,5}\(\s{0,5}0?\s{0,5}\)"
    r"|\bprocess\.(exit|reallyExit|kill|abort|_rawDebug)\b|\bprocess\.on\s{0,5}\(\s{0,5}[\"']exit"
    r"|NODE_TEST_CONTEXT|NODE_OPTIONS|JEST_WORKER_ID|VITEST\b|NODE_ENV\b.{0,40}test"
    r"|\brequire\s{0,5}\(\s{0,5}[\"'](node:)?(assert|test)[\"']|\bfrom\s{1,5}[\"'](node:)?(assert|test)[\"']"
    r"|\bprocess::(exit|abort|\{[^}]{0,80}\b(exit|abort))\b|\blibc::|\basm!|\bcfg!?\s{0,5}\(\s{0,5}(not\s{0,5}\(\s{0,5})?test\b|\bpanic::set_hook\b"
    r"|\bos\.Exit\s{0,5}\(\s{0,5}0|\btesting\.Testing\b|\bflag\.Lookup\s{0,5}\(\s{0,5}\"test"
    r"|(environ|getenv|process\.env).{0,12}\bCI\b"
    r"|__subclasses__|\b(f_back|f_globals|f_locals|tb_frame|gi_frame|cr_frame|_current_frames|__code__)\b"
    r"|\bsys\.modules\b|\bdef\s{1,5}pytest_\w|\bpytest_plugins\b|\bos\.exec[lv]|\bTEST_RUNNER\b"
    r"|\bObject\.is\s{0,5}=[^=]|\brequire\.cache\b|\bModule\._[a-z]|\bprocess\.(binding|mainModule|emit)\b"
    r"|\bexitCode\s{0,5}=\s{0,5}0\b|\bsyscall\.(Exit|Kill|Exec)\b|\bruntime\.Goexit\b|\bat_exit\b"
    r"|test result: |--- PASS"
    # Names that are put together, and code that is a text: both may be a runner's.
    r"|\b(__import__|import_module|require|import(?=\())\s{0,5}\(\s{0,5}[^\s\"'`)$_]"
    r"|\b(__import__|import_module|require)\s{0,5}\(\s{0,5}[\"'][^\"']{0,80}[\"']\s{0,5}[+\"']"
    r"|(?<![\w.$])(exec|eval)\s{0,5}\(|\bnew\s{1,5}Function\s{0,5}\(|\bbuiltins\.\w{1,40}\s{0,5}=[^=]"
    r"|\b(getattr|setattr|vars)\s{0,5}\(\s{0,5}(sys|os|builtins|signal|gc)\b|\b(sys|os)\.__dict__"
)
_COMPARISONS = {"__eq__", "__ne__", "__bool__"}


def find_telltale_lines(source: ChangeSet, read_base: ReadBase) -> tuple[str, ...]:
    """Added lines of the source that speak of the test runner or end its process, as ``path:line``."""
    found = []
    for change in source.files:
        if change.kind is ChangeKind.DELETED or not change.path.endswith(_PROGRAMS):
            continue
        before = (read_base(change.path) or b"").decode("utf-8", "replace")
        after = change.data.decode("utf-8", "replace")
        known = {line.strip() for line in before.splitlines()}
        for number, line in enumerate(after.splitlines(), 1):
            if line.strip() not in known and _TELLTALE.search(line):
                found.append(f"{change.path}:{number}")
        if change.path.endswith((".py", ".pyi")):
            known_forms = {form for form, _ in _list_odd_comparisons(before)}
            odd = _list_odd_comparisons(after)
            found += [f"{change.path}:{number}" for form, number in odd if form not in known_forms]
    return tuple(dict.fromkeys(found))


def _list_odd_comparisons(text: str) -> list[tuple[str, int]]:
    """Definitions of ``__eq__`` and its like that look at only one of what they compare, with their lines.

    A source that is too large to be read counts as one, at its first line.
    """
    found: list[tuple[str, int]] = []
    try:
        for piece in parse_pieces(text):
            found += _list_odd_in(piece)
    except SourceTooLargeError:
        return [("too large", 1)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    return found


def _list_odd_in(tree: ast.Module) -> list[tuple[str, int]]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name in _COMPARISONS:
            ends = [each.value for each in ast.walk(node) if isinstance(each, ast.Return) and each.value]
            odd = _is_odd(node.args, ends)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
            names = {each.id for each in node.targets if isinstance(each, ast.Name)}
            odd = bool(names & _COMPARISONS) and _is_odd(node.value.args, [node.value.body])
        else:
            continue
        if odd:
            found.append((ast.dump(node), node.lineno))
    return found


def _is_odd(arguments: ast.arguments, ends: list[ast.expr]) -> bool:
    """Whether no result depends on all arguments, or one is true whatever comes before ``or``."""
    names = {each.arg for each in (*arguments.posonlyargs, *arguments.args)}
    nodes = [node for end in ends for node in ast.walk(end)]
    used = {node.id for node in nodes if isinstance(node, ast.Name)}
    always = any(
        isinstance(each, ast.Constant) and bool(each.value)
        for node in nodes
        if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or)
        for each in node.values
    )
    calls = any(isinstance(node, ast.Call) for node in nodes)  # of something that may look at the rest
    return bool(ends) and (always or not (names <= used or calls))

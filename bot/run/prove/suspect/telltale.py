"""Which added lines of a change's source mention the test runner, or compare nothing.

No report tells code that detects its tests from code that is right, so these lines are reported.
"""

from __future__ import annotations

import re

from bot.domain import ChangeKind, ChangeSet
from bot.run.prove.named_files import ReadBase
from bot.run.prove.suspect.odd_comparisons import list_odd_comparisons
from bot.run.prove.suspect.python_names import list_telling_names

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
    ".kt",
    ".scala",
    ".cs",
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
# What one language alone has, by the ends of its files.
_BY_LANGUAGE = (
    (
        (".py", ".pyi"),
        re.compile(
            r"\b(extract_stack|walk_stack|format_stack|print_stack|getouterframes|getinnerframes|currentframe|findCaller)\b"
            r"|\bfrom\s{1,5}inspect\s{1,5}import\b.{0,200}\b(stack|trace)\b|\binspect\.trace\b|\bStackSummary\b"
            r"|\borig_argv\b|\bimport\s{1,5}__main__|\b__main__\s{0,5}\.|\bjoin\(sys\.argv\b"
            r"|\bin\s{1,5}sys\.argv\[0\]|\bsys\.argv\[0\]\)?\s{0,5}(\.\w{1,20}|[!=]=|in\b)"
            r"|\bpickle\.loads\s{0,5}\(\s{0,5}b?[\"']|\bresolve_name\b|\bpydoc\b|\brunpy\b|\bmarshal\b"
            r"|(?<![\w.])compile\s{0,5}\(|\b(FunctionType|CodeType)\b|\b(exec_module|load_module)\b|\b__(builtins|loader)__\b"
            r"|\bcloserange\b|/dev/fd\b|\benviron\.(values|items)\b|__pycache__|\bcache_from_source\b|\bpy_compile\b"
            r"|\bsys\.(exit|excepthook|unraisablehook|meta_path|path_hooks)\s{0,5}(=[^=]|\.)"
            # A warning, a task and a monitor know who called too.
            r"|\bcatch_warnings\s{0,5}\(.{0,80}\brecord\s{0,5}=\s{0,5}True|\bget_stack\s{0,5}\(|\bsys\.monitoring\b"
            r"|\bthreading\.(settrace|setprofile)|\bsite-packages\b"
        ),
    ),
    (
        (".js", ".ts", ".mjs", ".cjs", ".jsx", ".tsx"),
        re.compile(
            r"\b(globalThis|global|window|self)\s{0,5}\.\s{0,5}(it|test|describe|expect|assert|jest|vi|suite|before|after)\b"
            r"|\btypeof\s{1,5}(it|test|describe|expect|jest|vi|suite)\b"
            r"|(\bfrom|\b(require|import)\s{0,5}\()\s{0,5}[\"'](vitest|jest|@jest/[\w-]{1,40}|mocha|chai|sinon|ava|tap|tape|uvu"
            r"|uvu/assert|expect|should|jasmine|qunit|bun:test|@playwright/test)[\"']"
            r"|(?<![!=]= )\brequire\.main\b(?!\s{0,5}[!=]==?\s{0,5}module)|\bprocess\.execArgv\b"
            r"|\bprocess\.argv\[1\].{0,60}(test|match|includes|endsWith|startsWith|indexOf)|\.(test|exec)\(\s{0,5}process\.argv"
            r"|\bError\(.{0,60}\)\.stack\b|\bprepareStackTrace\b|\bgetBuiltinModule\b"
            r"|\bprocess\.(stdout|stderr)\.\w{1,20}\s{0,5}=[^=]|\bprocess\.\w{1,20}\s{0,5}\(\s{0,5}[\"'](exit|beforeExit)[\"']"
            r"|\b(Object|Array|Number|String|Function|Map|Set)\.prototype\.\w{1,40}\s{0,5}=[^=]"
            r"|\b(defineProperty|defineProperties|assign|set)\s{0,5}\(\s{0,5}(globalThis|global|window|\w{1,40}\.prototype)\b"
            # What jest and vitest ask a value itself.
            r"|\basymmetricMatch\b|\$\$typeof\b.{0,60}\basymmetric"
            # The process under another name.
            r"|[=(,]\s{0,5}process\s{0,5}([;,)]|$)|\bprocess\s{0,5}\[|[\"'](node:)?process[\"']"
        ),
    ),
    (
        (".go",),
        re.compile(
            r"(^\s{0,9}(?!import\b)|\bimport\s{1,5})[\w.]{1,40}\s{1,5}\"(os|syscall|runtime|testing|flag)\"|\bos\.Args\s{0,5}=[^=]"
            r"|\bos\.Args\[0\]|\bruntime\.(Callers?|Stack)\b|\bdebug\.Stack\b|^\s{0,9}(import\s{1,5})?\"testing\"|^//go:linkname\b"
        ),
    ),
    (
        (".rs",),
        re.compile(
            r"\bcfg(_attr)?!?\s{0,5}!?\s{0,5}\(.{0,80}\btest\b|\bdebug_assertions\b|\bcurrent_exe\b"
            r"|\bthread::current\(\)\s{0,5}\.name\b|\bBacktrace\b"
            # A comparison that does not look at the other.
            r"|\bfn\s{1,5}(eq|ne|partial_cmp|cmp|sub)\s{0,5}\(\s{0,5}&?\w{1,9}\s{0,5},\s{0,5}_\w{0,40}\s{0,5}:"
        ),
    ),
    (
        (".rb",),
        re.compile(
            r"\bdef\s{1,5}(==|!=|===|eql\?|equal\?|-)\s{0,5}\(?\s{0,5}_?\w{0,40}\s{0,5}\)?\s{0,5}[=;]?\s{0,5}(true|0)\b"
            r"|\b(caller|caller_locations)\b|\$PROGRAM_NAME|\$0\b|\b(RSpec|Minitest|Test::Unit)\b|\bObjectSpace\b"
        ),
    ),
    (
        (".php",),
        re.compile(r"\bdebug_backtrace\b|\bPHPUnit|\bPest\b|\bexit\s{0,5}(\(\s{0,5}0?\s{0,5}\))?\s{0,5};"),
    ),
    (
        (".java", ".kt", ".scala", ".cs"),
        re.compile(
            r"\bgetStackTrace\b|\bStackWalker\b|\borg\.(junit|testng)\b|\b(System|Environment)\.[eE]xit\s{0,5}\(\s{0,5}0"
            r"|\b[eE]quals\s{0,5}\([^)]{0,80}\)\s{0,5}(:\s{0,5}\w{1,20}\s{0,5})?(\{\s{0,5}return|=>?)\s{0,5}true\b"
            r"|\.halt\s{0,5}\(|\bnew StackTrace\b|\b(Xunit|NUnit)\b|\bsun\.java\.command\b"
        ),
    ),
)
# ``#[cfg(test)]`` before a module is how Rust's own tests begin.
_RUST_TESTS = re.compile(r"\s{0,40}#\[cfg\(test\)\]\s{0,40}(?:(?:pub\s{1,5})?(?:mod|use)\b.{0,200})?$")
_RUST_ITEM = re.compile(r"\s{0,40}(?:#\[.{0,200}\]|(?:pub\s{1,5})?(?:mod|use)\b.{0,200})$")


def find_telltale_lines(source: ChangeSet, read_base: ReadBase) -> tuple[str, ...]:
    """Added lines of the source that mention the test runner or end its process, as ``path:line``."""
    found = []
    for change in source.files:
        if change.kind is ChangeKind.DELETED or not change.path.endswith(_PROGRAMS):
            continue
        before = (read_base(change.path) or b"").decode("utf-8", "replace")
        after = change.data.decode("utf-8", "replace")
        known = {line.strip() for line in before.splitlines()}
        lines = after.splitlines()
        own = next((pattern for ends, pattern in _BY_LANGUAGE if change.path.endswith(ends)), _TELLTALE)
        for number, line in enumerate(lines, 1):
            if line.strip() in known or not (_TELLTALE.search(line) or own.search(line)):
                continue
            if not (change.path.endswith(".rs") and _begins_rust_tests(line, lines[number : number + 1])):
                found.append(f"{change.path}:{number}")
        if change.path.endswith((".py", ".pyi")):
            known_forms = {form for form, _ in _list_forms(before, own)}
            forms = _list_forms(after, own)
            found += [f"{change.path}:{number}" for form, number in forms if form not in known_forms]
    return tuple(dict.fromkeys(found))


def _list_forms(text: str, own: re.Pattern[str]) -> list[tuple[str, int]]:
    """Findings from Python's syntax tree, beside those from single lines."""
    tells = list_telling_names(text, lambda name: _TELLTALE.search(name) or own.search(name))
    return [*list_odd_comparisons(text), *tells]


def _begins_rust_tests(line: str, following: list[str]) -> bool:
    """Whether it is the mark of a module of tests, alone or with what it marks."""
    if not _RUST_TESTS.match(line):
        return False
    return "mod" in line or "use" in line or any(_RUST_ITEM.match(each) for each in following)

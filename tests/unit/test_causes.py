"""Why a check does not run is said by its cause, in the tools' own words, and never guessed."""

from __future__ import annotations

import pytest

from bot.causes.explain import explain_failure, explain_setup
from bot.causes.python_packages import list_missing_packages
from bot.domain import TreeFacts

PY = "python -m pytest -q"
PROJECT = TreeFacts(
    project="vpkg", modules=("vpkg",), python_setup="python -m venv .venv && .venv/bin/pip install -e ."
)
NODE = TreeFacts(node_setup="npm ci", sayings=("`.nvmrc` asks for `20`",))


@pytest.mark.parametrize(
    ("command", "code", "output", "facts", "said"),
    [
        (
            "go test ./...",
            127,
            "bash: line 1: go: command not found",
            TreeFacts(),
            "go is not in the sandbox; give an `image`, or install it with `setup`: `image: golang:1`",
        ),
        (
            "cd x && cargo test --offline",
            127,
            "bash: cargo: command not found",
            TreeFacts(),
            "cargo is not in",
        ),
        (
            "npm test --silent",
            127,
            "sh: 1: npm: not found\n",
            TreeFacts(),
            "npm is not in the sandbox; give an `image`",
        ),
        (
            "make test",
            2,
            "go test ./...\nmake: go: No such file or directory\nmake: *** [t] Error 127",
            TreeFacts(),
            "go is not",
        ),
        (
            "sh ./gradlew test",
            127,
            "bash: java: command not found",
            TreeFacts(),
            "`image: eclipse-temurin:21`",
        ),
        (
            "cd web && pnpm --silent test",
            127,
            "bash: pnpm: command not found",
            NODE,
            "`test: cd web && npm test` runs the same",
        ),
        (
            "npm test --silent",
            127,
            "sh: 1: jest: not found",
            NODE,
            "`setup: npm ci`, `setup_internet: packages`; `.nvmrc`",
        ),
        (
            "npm test",
            1,
            "Error: Cannot find module 'left-pad'\nRequire stack:",
            NODE,
            "the package left-pad is not in",
        ),
        (
            "npm test",
            1,
            "Error [ERR_MODULE_NOT_FOUND]: Cannot find package '@a/b' imported from x",
            NODE,
            "the package @a/b is",
        ),
        (
            PY,
            4,
            "ERROR: usage: x\nx: error: unrecognized arguments: -n auto --cov=x",
            PROJECT,
            "plugins that are not in the sandbox (pytest-xdist, pytest-cov); name a `setup`: "
            "`setup: python -m venv .venv && .venv/bin/pip install -e . pytest-xdist pytest-cov`",
        ),
        (
            PY,
            4,
            "ERROR: usage: x\nx: error: unrecognized arguments: --odd",
            PROJECT,
            "pytest does not know `--odd`",
        ),
        (
            PY,
            4,
            "ERROR: Missing required plugins: pytest-mock, pytest-asyncio>=0.2",
            PROJECT,
            "(pytest-mock, pytest-asyncio)",
        ),
        (
            PY,
            2,
            "importlib.metadata.PackageNotFoundError: No package metadata was found for vpkg",
            PROJECT,
            "the tests need the project itself to be installed (no metadata for vpkg); name a `setup`",
        ),
        (
            PY,
            2,
            "E   importlib.metadata.PackageNotFoundError: No package metadata was found for other",
            PROJECT,
            "other is not installed",
        ),
        (
            PY,
            2,
            "E   pkg_resources.DistributionNotFound: The 'V_pkg' distribution was not found",
            TreeFacts(project="v-pkg"),
            "project itself",
        ),
        (
            PY,
            2,
            "E   ModuleNotFoundError: No module named 'yaml'",
            PROJECT,
            "the module is not in the sandbox: yaml; name a `setup`",
        ),
        (
            PY,
            2,
            "E   ModuleNotFoundError: No module named 'vpkg'",
            PROJECT,
            "the project itself is not installed, and `vpkg`",
        ),
        (
            PY,
            2,
            "E   ModuleNotFoundError: No module named 'vpkg._version'",
            PROJECT,
            "`vpkg._version` is not in the tree: the project's build",
        ),
        (
            PY,
            2,
            "E   ImportError: cannot import name '_speedups' from 'vpkg' (/w/x.py)",
            PROJECT,
            "`_speedups` is not built",
        ),
        (
            ".venv/bin/python -m pytest",
            1,
            "/workspace/.venv/bin/python: No module named pytest",
            PROJECT,
            "this Python has no pytest",
        ),
        (
            PY,
            2,
            "E   ModuleNotFoundError: No module named 'vendor.lib'",
            TreeFacts(submodules=("vendor",)),
            "`vendor` is a submodule that is not in the sandbox",
        ),
        (
            "make test",
            2,
            "cp: cannot stat 'libs/z/z.c': No such file or directory",
            TreeFacts(submodules=("libs/z",)),
            "`libs/z` is a",
        ),
        (
            PY,
            1,
            "for row in open('data/a.csv'): KeyError",
            TreeFacts(lfs_files=("data/a.csv",)),
            "whose content is not here (data/a.csv)",
        ),
        (
            PY,
            1,
            "E   ValueError: invalid literal for int(): 'version https://git-lfs.github.com/spec/v1'",
            TreeFacts(lfs_files=("m.bin",)),
            "1 file is a Git LFS pointer whose content is not here (m.bin)",
        ),
        (
            "npm test",
            1,
            "Error: Input file /workspace/img/logo.png contains unsupported image format",
            TreeFacts(lfs_files=("img/logo.png", "img/x.png")),
            "2 files are Git LFS pointers",
        ),
        (
            "make test",
            2,
            "a.c:1:10: fatal error: deps/fmt/core.h: No such file or directory",
            TreeFacts(submodules=("deps/fmt",)),
            "`deps/fmt` is a submodule that is not in the sandbox",
        ),
        (
            PY,
            1,
            'E OperationalError: connection to server at "127.0.0.1", port 5432 failed: Connection refused',
            TreeFacts(),
            "PostgreSQL is not there at port 5432",
        ),
        ("npm test", 1, "Error: connect ECONNREFUSED 127.0.0.1:6379", TreeFacts(), "Redis is not there"),
        (
            PY,
            1,
            "Failed to resolve 'api.example.com' ([Errno -3] Temporary failure in name resolution)",
            TreeFacts(),
            "`internet: [api.example.com]`",
        ),
        (
            "cargo test --offline",
            101,
            "error: no matching package named `serde` found",
            TreeFacts(),
            "cargo vendor",
        ),
        (
            "go test ./...",
            1,
            "x.go:3:8: no required module provides package github.com/a/b; to add it:",
            TreeFacts(),
            "go mod vendor",
        ),
        (
            "bundle exec rspec",
            7,
            "Could not find gem 'rails' in locally installed gems.",
            TreeFacts(),
            "gems are not in",
        ),
        (
            "vendor/bin/phpunit",
            127,
            "bash: vendor/bin/phpunit: No such file or directory",
            TreeFacts(),
            "composer install",
        ),
    ],
)
def test_causes(command: str, code: int, output: str, facts: TreeFacts, said: str) -> None:
    assert said in explain_failure(command, code, output, facts)


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("Failed: async def functions are not natively supported.", "(pytest-asyncio); name a `setup`: `"),
        (
            "E       fixture 'mocker' not found\n>       available fixtures: cache",
            "pip install -e . pytest-mock`",
        ),
        ("'django_db' not found in `markers` configuration option", "(pytest-django)"),
        ("ERROR: Unknown config option: asyncio_mode", "(pytest-asyncio)"),
        ("'minversion' requires pytest-9.0, actual pytest-8.4.2'", "pytest is older than 9.0"),
        (
            "E   ImportError: libGL.so.1: cannot open shared object file",
            "the system library libGL.so.1 is not",
        ),
        ("_tkinter.TclError: no display name and no $DISPLAY environment variable", "no display"),
        ("Executable doesn't exist at /root/.cache/ms-playwright/chromium", "a browser, and there is none"),
        ("Error: Cannot find module '../build/Release/addon.node'", "(`npm rebuild`)"),
        (
            "docker.errors.DockerException: Error while fetching server API version",
            "no Docker in the sandbox",
        ),
        ("LookupError: setuptools-scm was unable to detect version for /x", "SETUPTOOLS_SCM_PRETEND_VERSION"),
        ("SyntaxError: Unexpected token '??='", "`image: node:22`"),
        ("error: package `x` cannot be built because it requires rustc 1.80 or newer", "`image: rust:1`"),
        ("note: module requires Go 1.22", "this Go is older than 1.22"),
        ("error: linker `cc` not found", "the linker cc is not in the sandbox; give an `image`"),
        ("Fatal error compiling: error: invalid target release: 21", "this Java is too old"),
        ("java.net.UnknownHostException: services.gradle.org", "`setup_internet: packages`"),
        ("Your Ruby version is 3.1.2, but your Gemfile specified 3.3.0", "`image: ruby:3`"),
        ("OSError: [Errno 30] Read-only file system: '/var/x'", "it writes to /var/x, which is read-only"),
        ("bundler: command not found: rspec", "gems are not in the sandbox"),
        ("Could not find Hex, which is needed", "Elixir's packages are not in the sandbox"),
        (
            'connection to server on socket "/run/pg/.s.PGSQL.5432" failed: No such file or directory',
            "PostgreSQL is not there at port 5432",
        ),
        (
            "Can't connect to local MySQL server through socket '/run/mysqld/mysqld.sock'",
            "MySQL is not there",
        ),
    ],
)
def test_more_causes(output: str, said: str) -> None:
    assert said in explain_failure(PY, 1, output, PROJECT)


FROZEN = "\n\n<frozen os>:679: KeyError\nFAILED"


@pytest.mark.parametrize(
    ("output", "name"),
    [
        (f"E           KeyError: 'DATABASE_URL'{FROZEN}", "DATABASE_URL"),
        ("  File \"<frozen os>\", line 679, in __getitem__\nKeyError: 'API_TOKEN'", "API_TOKEN"),
        ("  File \"/usr/lib/python3.9/os.py\", line 6, in __getitem__\n    raise x\nKeyError: 'A_B'", "A_B"),
        ("<frozen os>:679: in __getitem__\n    ???\nE   KeyError: 'HOST'", "HOST"),
        ("ci/run.sh: line 3: TOKEN: unbound variable", "TOKEN"),
        ("sh: 1: BUCKET: parameter not set", "BUCKET"),
        ("E   django.core.exceptions.ImproperlyConfigured: Set the KEY environment variable", "KEY"),
        ("decouple.UndefinedValueError: SECRET not found. Declare it as envvar or define", "SECRET"),
        ("Error: Missing required environment variable: REDIS_URL", "REDIS_URL"),
        ("panicked: environment variable `GIT_HASH` not defined at compile time", "GIT_HASH"),
        ('a.rb:1:in `fetch\': key not found: "RAILS_ENV" (KeyError)', "RAILS_ENV"),
        ("KeyError: 'n'", ""),
        ("AssertionError: the environment variable is not set", ""),
        ("os.py is not read: KeyError: 'x'", ""),
    ],
)
def test_a_variable_that_is_not_set(output: str, name: str) -> None:
    said = explain_failure(PY, 1, output, TreeFacts())
    want = f"the environment variable {name} is not set in the sandbox; `test: {name}=... {PY}`"
    assert said.startswith(want) if name else said == ""
    assert not name or f"`test: export {name}=...; cd a && tox`" in explain_failure(
        "cd a && tox", 1, output, TreeFacts()
    )


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed", "not trusted here"),
        ("npm error unable to get local issuer certificate", "`HOB_EGRESS_CA`"),
        ("tls: failed to verify: x509: certificate signed by unknown authority", "not trusted here"),
        ("sun.security.validator: PKIX path building failed", "not trusted here"),
        ("Error: certificate has expired", "expired by the clock of the sandbox"),
        ("(from versions: 1.0)\nERROR: No matching distribution found for numpy==99", "not have numpy==99;"),
        ("npm error notarget No matching version found for left-pad@99.0.0.", "not have left-pad@99.0.0;"),
        ("npm error 404\nnpm error 404  'nope@1.0.0' is not in this registry.", "not have nope@1.0.0;"),
        ("error: failed to select a version for the requirement `serde = \"^9\"`", 'not have serde = "^9";'),
        ("go: example.com/x@v9.9.9: invalid version: unknown revision v9.9.9", "not have v9.9.9;"),
        ("╰─▶ Because there is no version of numpy==99 and you require it", "not have numpy==99;"),
        ("Because x depends on y (^9) which doesn't match any versions, solving", "not have y (^9);"),
        ("ERROR: Package 'x' requires a different Python: 3.11.2 not in '>=3.12'", "`image: python:3.12`"),
        ("x requires a different Python: 3.13.0 not in '<3.13,>=3.9'", "asked for (<3.13,>=3.9)"),
        ("ERROR: Ignored the following versions that require a different python version: 9.0 Requires-Python "
         ">=3.12; 9.1 Requires-Python >=3.12\nERROR: No matching distribution found for x", "(>=3.12)"),
        ("Python 3.11.2, which is incompatible with the project's Python requirement: `>=3.13`", "3.13`"),
        ("The currently activated Python version 3.11.2 is not supported by the project (^3.12).", "3.12`"),
        ("RuntimeError: Python >= 3.14 required", "`image: python:3.14`"),
        ("E   ModuleNotFoundError: No module named 'imp'", "too new for it: `imp` is gone since 3.12"),
        ("E   ModuleNotFoundError: No module named 'distutils.util'", "`image: python:3.11`"),
        ("E   ModuleNotFoundError: No module named 'tomllib'", "too old for it: `tomllib` is there since"),
        ("ImportError: cannot import name 'override' from 'typing' (/usr/lib/x.py)", "`image: python:3.12`"),
        ("AttributeError: module 'inspect' has no attribute 'getargspec'", "gone since 3.11"),
        ("AttributeError: 'AddTest' object has no attribute 'assertEquals'", "gone since 3.12"),
        ("E     type Size = int\nE          ^^^^\nE   SyntaxError: invalid syntax", "`image: python:3.12`"),
        ("    def first[T](x: T) -> T:\n             ^\nSyntaxError: expected '('", "there since 3.12"),
    ],
)  # fmt: skip
def test_what_a_setup_lacks_too(output: str, said: str) -> None:
    assert said in explain_failure(PY, 1, output, PROJECT)
    assert said in explain_setup("pip install -e .", 1, output)


def test_an_index_that_was_not_reached_is_not_blamed_for_a_version() -> None:
    output = "Temporary failure in name resolution\nERROR: No matching distribution found for six"
    assert "asks for the network" in explain_failure(PY, 1, output, TreeFacts())
    assert explain_setup("pip install six", 1, output) == ""  # what it could not reach is told beside


@pytest.mark.parametrize(
    "output",
    [
        "E   ImportError: cannot import name 'add' from 'calc' (/w/calc.py)",
        "AttributeError: module 'calc' has no attribute 'UTC'",
        "E   SyntaxError: invalid syntax",
        "E     def first(x)\nE                 ^\nE   SyntaxError: expected ':'",
        "AttributeError: 'Basket' object has no attribute 'total'",
    ],
)
def test_a_fault_of_the_code_is_none_of_the_python(output: str) -> None:
    assert explain_failure(PY, 1, output, TreeFacts()) == explain_setup("x", 1, output) == ""


def test_the_repositorys_own_modules_are_not_to_be_installed() -> None:
    """PyPI has a package of that name, by whoever."""
    for module in ("tests.base", "conftest", "test.support_of_ours"):
        assert explain_failure(PY, 2, f"ModuleNotFoundError: No module named '{module}'", PROJECT) == ""


@pytest.mark.parametrize(
    ("code", "output"),
    [
        (1, "E       fixture 'client' not found"),
        (1, "SyntaxError: Unexpected token '.'"),
        (1, "E       assert 5 == -1\n1 failed in 0.1s"),
        (1, "AssertionError: 'bash: frob: command not found' != ''"),
        (1, "E   FileNotFoundError: [Errno 2] No such file or directory: 'x.txt'"),
        (4, "ERROR: file or directory not found: tests/none.py"),
        (1, "KeyError: 'n'"),
        (None, ""),
    ],
)
def test_a_fault_of_the_code_is_no_cause(code: int | None, output: str) -> None:
    assert explain_failure(PY, code, output, TreeFacts(lfs_files=("a.bin",), submodules=("sub",))) == ""


def test_a_setup_that_is_there_is_not_asked_for_again() -> None:
    facts = TreeFacts(has_setup=True, python_setup="pip install -e .")
    told = explain_failure(PY, 2, "ModuleNotFoundError: No module named 'numpy'", facts)
    assert "`setup` does not install it" in told and "name a `setup`" not in told


@pytest.mark.parametrize(
    ("command", "line"),
    [
        (PY, "`test: .venv/bin/python -m pytest -q`"),
        ("python manage.py test", "`test: .venv/bin/python manage.py test`"),
        ("python3 -W error -m unittest -v", "`test: .venv/bin/python -W error -m unittest -v`"),
        ("cd libs/a && python -m pytest -q", "`test: cd libs/a && ../../.venv/bin/python -m pytest -q`"),
        ("PYTHONPATH=src python run_tests.py", "`test: PYTHONPATH=src .venv/bin/python run_tests.py`"),
        (".venv/bin/python -m pytest", "`test: .venv/bin/python -m pytest`"),
        ("make test", """`test: PATH="$PWD/.venv/bin:$PATH"; make test`"""),
        ("python -m mypy . && pytest", """`test: PATH="$PWD/.venv/bin:$PATH"; python -m mypy . && pytest`"""),
    ],
)
def test_the_check_itself_is_run_where_its_packages_are(command: str, line: str) -> None:
    told = explain_failure(command, 1, "ModuleNotFoundError: No module named 'django'", TreeFacts())
    assert told.endswith(line)


@pytest.mark.parametrize(
    ("facts", "gaps"),
    [
        (TreeFacts(), ()),
        (
            TreeFacts(lfs_files=("data.csv",)),
            ("1 file is a Git LFS pointer whose content is not here (data.csv)",),
        ),
        (
            TreeFacts(lfs_files=tuple(f"{n}.bin" for n in range(7)), submodules=("a", "b")),
            (
                "7 files are Git LFS pointers whose content is not here "
                "(0.bin, 1.bin, 2.bin, 3.bin, 4.bin and 2 more)",
                "`a`, `b` are submodules that are not in the sandbox",
            ),
        ),
    ],
)
def test_what_is_not_here(facts: TreeFacts, gaps: tuple[str, ...]) -> None:
    assert facts.gaps == gaps


def test_the_packages_of_missing_modules_are_named_as_the_index_does() -> None:
    output = "".join(
        f"E   ModuleNotFoundError: No module named '{name}'\n"
        for name in ("yaml.reader", "vpkg.x", "pretend", "yaml")
    )
    assert list_missing_packages(output, ("vpkg",)) == ["PyYAML", "pretend"]

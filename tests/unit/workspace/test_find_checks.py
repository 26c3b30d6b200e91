"""Every test command that a tree declares is found, with its folder and runner; none is made up."""

from __future__ import annotations

import json

import pytest

from bot.domain import Runner
from bot.repo_config import RepoConfig
from bot.workspace.check_commands import MOST_CHECKS, CheckCommands, find_check_commands
from bot.workspace.find_checks.tree import Tree, list_manifests
from bot.workspace.python_project import list_python_projects

PY = "python -m pytest -q"
CASE = "import unittest\nclass T(unittest.TestCase):\n    def test_a(self): pass\n"
SUITE = "python -m unittest discover -s suite"
PROJECT = '[project]\nname = "x"\nversion = "1"\n'


def find(files: dict[str, str], **config: str) -> CheckCommands:
    """The checks of a tree, which is asked only for those files that are announced as manifests."""
    manifests = set(list_manifests(files))

    def read(path: str) -> bytes | None:
        return files[path].encode() if path in manifests else None

    return find_check_commands(RepoConfig(**config), Tree(files, read))


def package(**keys: object) -> str:
    return json.dumps(keys)


def scripts(**commands: str) -> str:
    return package(scripts={name.replace("_", ":"): text for name, text in commands.items()})


NODE = scripts(test="node test.js")
WORKSPACE = {
    "packages/a/package.json": scripts(test="jest"),
    "packages/b/package.json": scripts(test="mocha"),
    "web/package.json": scripts(test="vitest run"),
}

CASES: dict[str, tuple[dict[str, str], list[tuple[str, str]]]] = {
    "a stray Python test hides no npm test": (
        {"package.json": NODE, "tools/test_x.py": ""},
        [("npm test", "npm test --silent"), ("pytest", PY)],
    ),
    "nor cargo's, go's and make's": (
        {
            "Cargo.toml": "[package]",
            "go.mod": "",
            "scripts/x_test.py": "",
            "GNUmakefile": "check:\n\t./run\n",
        },
        [
            ("cargo test", "cargo test --offline"),
            ("go test", "go test ./..."),
            ("make check", "make check"),
            ("pytest", PY),
        ],
    ),
    "npm's placeholder is none": (
        {"package.json": scripts(test='echo "Error: no test specified" && exit 1')},
        [],
    ),
    "nor are its like": ({"package.json": scripts(test="echo nothing yet; exit 0")}, []),
    "a script of another name": (
        {"package.json": scripts(test="exit 1", test_unit="vitest")},
        [("test", "npm run --silent test:unit")],
    ),
    "members of a workspace": (
        {"package.json": package(workspaces=["packages/*"], scripts={"build": "tsc"}), **WORKSPACE},
        [
            ("packages/a: npm test", "cd packages/a && npm test --silent"),
            ("packages/b: npm test", "cd packages/b && npm test --silent"),
            ("web: npm test", "cd web && npm test --silent"),
        ],
    ),
    "a workspace's script that goes through them": (
        {
            "package.json": package(workspaces=["packages/*"], scripts={"test": "pnpm -r run test"}),
            "pnpm-lock.yaml": "",
            "pnpm-workspace.yaml": "packages: ['packages/*', '!web']",
            **WORKSPACE,
        },
        [("pnpm test", "pnpm --silent test"), ("web: pnpm test", "cd web && pnpm --silent test")],
    ),
    "packages that a package's own tests are about": (
        {
            "package.json": NODE,
            "test/old-module/package.json": NODE,
            "docs/package.json": NODE,
            "tools/package.json": NODE,
        },
        [("npm test", "npm test --silent"), ("tools: npm test", "cd tools && npm test --silent")],
    ),
    "those that are members, and those of no package": (
        {
            "package.json": package(workspaces=["web/e2e"]),
            "web/e2e/package.json": NODE,
            "docs/package.json": NODE,
        },
        [("web/e2e: npm test", "cd web/e2e && npm test --silent")],
    ),
    "tests for JavaScript alone": (
        {"go.mod": "", "tests/package.json": NODE},
        [("go test", "go test ./..."), ("tests: npm test", "cd tests && npm test --silent")],
    ),
    "a script that starts bats": (
        {"package.json": scripts(test="bin/bats test"), "test/a.bats": ""},
        [("test", "npm test --silent")],
    ),
    "phpunit's newer settings": (
        {"composer.json": "{}", "phpunit.dist.xml": ""},
        [("test", "vendor/bin/phpunit")],
    ),
    "yarn by its lock file, bun by its key": (
        {
            "a/package.json": NODE,
            "a/yarn.lock": "",
            "b/package.json": package(packageManager="bun@1.1.0", scripts={"test": "bun test"}),
        },
        [("a: yarn test", "cd a && yarn test"), ("b: bun test", "cd b && bun run test")],
    ),
    "a runner that only the dependencies name": (
        {"package.json": package(devDependencies={"vitest": "1"}), "src/a.test.ts": ""},
        [("test", "npx --no-install vitest run")],
    ),
    "node's own runner": (
        {"package.json": "{}", "test/a.mjs": "import test from 'node:test'"},
        [("test", "node --test")],
    ),
    "others' code is no package": (
        {
            "node_modules/x/package.json": NODE,
            "vendor/y/go.mod": "",
            "third_party/z/Cargo.toml": "[package]",
            "tests/fixtures/p/package.json": NODE,
            "examples/q/test_q.py": "",
        },
        [],
    ),
    "tests that only some of tox's factors run": (
        {
            "tox.ini": (
                "[testenv]\ncommands =\n  full: coverage run run_tests.py --all\n"
                "  !full: coverage run run_tests.py {posargs}\n  coverage report\n"
            ),
            "run_tests.py": "",
            "calc/test_calc.py": "",
        },
        [("test", "python run_tests.py")],
    ),
    "those of every environment before them": (
        {
            "tox.ini": "[testenv]\ncommands =\n  slow: python run_tests.py\n  pytest tests\n",
            "run_tests.py": "",
            "tests/test_calc.py": "",
        },
        [("test", f"{PY} tests")],
    ),
    "a module for others' tests beside the project's own": (
        {"setup.cfg": "[tool:pytest]\ntestpaths = checks\n", "calc/test.py": CASE, "checks/test_a.py": ""},
        [("test", PY)],
    ),
    "manifests of Windows": (
        {
            "package.json": "\ufeff" + NODE.replace(",", ",\r\n"),
            "tox.ini": "\ufeff[testenv]\r\ncommands =\r\n  python -m unittest discover -s checks\r\n",
            "checks/test_a.py": "",
        },
        [
            ("python -m unittest discover -s checks", "python -m unittest discover -s checks"),
            ("npm test", "npm test --silent"),
        ],
    ),
    "tests.py": (
        {"calc.py": "", "tests.py": CASE},
        [("test", f"{PY} -o 'python_files=test_*.py *_test.py tests.py'")],
    ),
    "a name that only unittest knows": (
        {"tests/testcalc.py": CASE, "tests/test_a.py": ""},
        [("test", f"{PY} -o 'python_files=test_*.py *_test.py testcalc.py'")],
    ),
    "tests in the package's own file": (
        {"calc.py": "", "calc/tests/__init__.py": CASE, "test/__init__.py": ""},
        [("test", f"{PY} -o 'python_files=test_*.py *_test.py tests/__init__.py'")],
    ),
    "what tests inherit from, beside them": (
        {"calc.py": "", "tests/__init__.py": CASE, "tests/test_a.py": "from tests import T\n"},
        [("test", PY)],
    ),
    "a name that says tests at its end": (
        {"calc.py": "", "unit/calc_tests.py": CASE},
        [("test", f"{PY} -o 'python_files=test_*.py *_test.py calc_tests.py'")],
    ),
    "a module that is only called so": (
        {"pkg/testing.py": "def make(): ...\n", "pkg/tests.py": "X = 1\n"},
        [],
    ),
    "names from the settings": (
        {"pyproject.toml": '[tool.pytest.ini_options]\npython_files = ["check_*.py"]', "check_a.py": ""},
        [("test", PY)],
    ),
    "doctests from the settings": (
        {"setup.cfg": "[tool:pytest]\naddopts = --doctest-modules", "a.py": ""},
        [("test", PY)],
    ),
    "Python packages with settings of their own": (
        {
            "libs/a/pyproject.toml": PROJECT,
            "libs/a/tests/test_x.py": "",
            "libs/b/pytest.ini": "[pytest]",
            "libs/b/tests/test_x.py": "",
            "tests/test_all.py": "",
            "pyproject.toml": PROJECT,
        },
        [
            ("pytest", f"{PY} --ignore=libs/a --ignore=libs/b"),
            ("libs/a: pytest", f"cd libs/a && {PY}"),
            ("libs/b: pytest", f"cd libs/b && {PY}"),
        ],
    ),
    "packages that the root's settings name": (
        {
            "pytest.ini": "[pytest]\ntestpaths = libs\n",
            "libs/a/setup.py": "",
            "libs/a/test_x.py": "",
        },
        [("test", PY)],
    ),
    "Django's": (
        {"manage.py": "import django", "shop/tests.py": CASE, "shop/models.py": ""},
        [("test", "python manage.py test")],
    ),
    "Django's below, with pytest-django": (
        {
            "site/manage.py": "import django",
            "site/shop/tests/test_a.py": "",
            "site/pytest.ini": "[pytest]\nDJANGO_SETTINGS_MODULE = site.settings\n",
        },
        [("site: pytest", f"cd site && {PY}")],
    ),
    "tox's command": (
        {
            "tox.ini": "[testenv]\ncommands =\n  coverage run -m unittest discover -s checks\n  flake8",
            "checks/test_a.py": "",
        },
        [("test", "python -m unittest discover -s checks")],
    ),
    "tox's arguments for pytest": (
        {
            "tox.ini": "[testenv]\ncommands = pytest --cov=x {posargs:unit}\n",
            "unit/test_a.py": "",
            "slow/test_b.py": "",
        },
        [("test", f"{PY} unit")],
    ),
    "what tox does beside testing is no check": (
        {
            "tox.ini": "[testenv]\ncommands =\n  pip install pytest\n  flake8 tests\n  -coverage erase\n"
            "  {envpython} -W error -m unittest discover\n  mypy tests\n",
            "tests/test_a.py": "",
        },
        [("test", "python -W error -m unittest discover")],
    ),
    "nox's": (
        {
            "noxfile.py": "def tests(session):\n    session.run('python', 'tests/run_tests.py')\n",
            "tests/run_tests.py": "",
            "tests/test_a.py": "",
        },
        [("test", "python tests/run_tests.py")],
    ),
    "nox's sessions of which one picks tests by mark": (
        {
            "noxfile.py": "def tests(session):\n    session.run('pytest', *session.posargs)\n"
            "def property_tests(session):\n    session.run('pytest', '-m', 'property')\n",
            "test_a.py": "",
        },
        [("test", PY)],
    ),
    "nox's mark that is not written out": (
        {
            "noxfile.py": "def tests(session):\n    session.run('pytest', '-m', MARK)\n",
            "test_a.py": "",
        },
        [("test", PY)],
    ),
    "nox's, named by its mark": (
        {
            "noxfile.py": "@nox.session(name='tests')\ndef run(session):\n"
            "    session.run('python', 'suite/run_tests.py')\n",
            "suite/run_tests.py": "",
        },
        [("test", "python suite/run_tests.py")],
    ),
    "tox 4's TOML, with arguments": (
        {
            "tox.toml": "[env_run_base]\ncommands = [['python', '-m', 'unittest',"
            " {replace = 'posargs', default = ['discover', '-s', 'suite'], extend = true}]]\n",
            "suite/test_a.py": CASE,
        },
        [("test", SUITE)],
    ),
    "tox's old settings in pyproject.toml": (
        {
            "pyproject.toml": f'[tool.tox]\nlegacy_tox_ini = """\n[testenv]\ncommands = {SUITE}\n"""\n',
            "suite/test_a.py": CASE,
        },
        [("test", SUITE)],
    ),
    "hatch's script": (
        {
            "pyproject.toml": "[tool.hatch.envs.test.scripts]\n"
            "run = 'python -m unittest {args:discover -s suite}'\n",
            "suite/test_a.py": CASE,
        },
        [("test", SUITE)],
    ),
    "PDM's script of scripts": (
        {
            "pyproject.toml": f"[tool.pdm.scripts]\ntest = {{composite = ['unit']}}\nunit = '{SUITE}'\n",
            "suite/test_a.py": CASE,
        },
        [("test", SUITE)],
    ),
    "Pipenv's, pixi's": (
        {
            "Pipfile": f"[scripts]\ntest = '{SUITE}'\n",
            "suite/test_a.py": CASE,
            "sub/pyproject.toml": PROJECT,
            "sub/pixi.toml": f"[tasks]\ntest = {{cmd = '{SUITE}'}}\n",
            "sub/suite/test_a.py": CASE,
        },
        [(SUITE, SUITE), (f"sub: {SUITE}", f"cd sub && {SUITE}")],
    ),
    "make's target of another name, in a file that is included": (
        {"Makefile": "-include mk/all.mk\n", "mk/all.mk": "unit-tests:\n\t./run\n"},
        [("test", "make unit-tests")],
    ),
    "bun's own tests": (
        {"package.json": package(name="x"), "bun.lock": "", "a.test.ts": "import { test } from 'bun:test'"},
        [("test", "bun test")],
    ),
    "lerna's packages": (
        {
            "package.json": scripts(test="lerna run test"),
            "lerna.json": '{"packages": ["modules/*"]}',
            "modules/a/package.json": scripts(test="jest"),
        },
        [("test", "npm test --silent")],
    ),
    "many other languages": (
        {
            "a/build.zig": "",
            "a/src/main.zig": "",
            "b/Project.toml": "",
            "b/test/runtests.jl": "",
            "c/pubspec.yaml": "dependencies:\n  flutter:\n    sdk: flutter\n",
            "c/test/x_test.dart": "",
            "d/composer.json": '{"require-dev": {"pestphp/pest": "2"}}',
            "d/phpunit.xml": "",
            "e/composer.json": '{"require-dev": {"phpunit/phpunit": "10"}}',
            "e/tests/ATest.php": "",
            "f/project.clj": "",
            "f/test/x_test.clj": "",
            "test/x.bats": "",
        },
        [
            ("bats", "bats test"),
            ("a: zig build test", "cd a && zig build test"),
            ("b: julia", "cd b && julia --project -e 'using Pkg; Pkg.test()'"),
            ("c: flutter test", "cd c && flutter test"),
            ("d: pest", "cd d && vendor/bin/pest"),
            ("e: phpunit", "cd e && vendor/bin/phpunit tests"),
            ("f: lein test", "cd f && lein test"),
        ],
    ),
    "a cargo workspace, and one that it leaves out": (
        {
            "Cargo.toml": '[workspace]\nmembers = ["a"]\nexclude = ["tools/b"]\n',
            "a/Cargo.toml": "[package]",
            "tools/b/Cargo.toml": "[package]",
            "a/fuzz/Cargo.toml": "[package]",
        },
        [
            ("cargo test", "cargo test --offline --workspace"),
            ("tools/b: cargo test", "cd tools/b && cargo test --offline"),
        ],
    ),
    "several Go modules": (
        {
            "api/go.mod": "",
            "api/a_test.go": "",
            "cli/go.mod": "",
            "cli/main.go": "",
            "srv/go.mod": "",
            "srv/x/b_test.go": "",
        },
        [("api: go test", "cd api && go test ./..."), ("srv: go test", "cd srv && go test ./...")],
    ),
    "a Makefile that only starts what is found": (
        {"Makefile": "test: lint\n\tpytest -x\nlint:\n\truff .\n", "test_a.py": ""},
        [("test", PY)],
    ),
    "programs by their variables": (
        {
            "go.mod": "",
            "Makefile": "include Makefile.common\ntest: deps unit\ndeps:\n\t$(GO) mod download\n",
            "Makefile.common": "T := $(GO) test\nifdef X\nT = ./run\nendif\nunit:\n\t${T} ./...\n",
        },
        [("test", "go test ./...")],
    ),
    "a variable that is another program": (
        {"go.mod": "", "Makefile": "GO = ./fake\ntest:\n\t$(GO) test\n"},
        [("go test", "go test ./..."), ("make test", "make test")],
    ),
    "a program that is no runner's": (
        {"composer.json": "{}", "phpunit.xml": "", "Makefile": "test: serve\n\tvendor/bin/phpunit\n"},
        [("test", "vendor/bin/phpunit")],
    ),
    "another program beside it": (
        {
            "composer.json": "{}",
            "phpunit.xml": "",
            "Makefile": "test:\n\tvendor/bin/phpunit\n\tbats test\n",
        },
        [("phpunit", "vendor/bin/phpunit"), ("make test", "make test")],
    ),
    "a Makefile behind the package's script": (
        {"package.json": scripts(test="SUITE=fast make test"), "Makefile": "test:\n\t./run\n"},
        [("test", "npm test --silent")],
    ),
    "a workspace of Go's": (
        {
            "go.work": (
                "go 1.24\n\nuse ./tests // with all\n"
                'use (\n\t.\n\t./a/b\n\t"./c"\n\t// ./d\n)\nreplace x => ./d\n'
            ),
            "go.mod": "",
            "tests/go.mod": "",
            "tests/a_test.go": "",
            "a/b/go.mod": "",
            "a/b/x/b_test.go": "",
            "c/go.mod": "",
            "d/go.mod": "",
            "d/d_test.go": "",
        },
        [
            ("go test", "go test ./... ./tests/... ./a/b/..."),
            ("d: go test", "cd d && go test ./..."),
        ],
    ),
    "one that starts more": (
        {"Makefile": "test: py js\npy:\n\tpytest\njs:\n\tnode --test\n", "test_a.py": ""},
        [("make test", "make test"), ("pytest", PY)],
    ),
    "just and task": (
        {"justfile": "test *args:\n    ./check {{args}}\n", "Taskfile.yml": "tasks: {test: [./check]}"},
        [("just test", "just test"), ("task test", "task test")],
    ),
    "a target that is only called alike": ({"Makefile": "latest:\n\ttrue\ntest := 1\n"}, []),
    "Maven and Gradle": (
        {
            "pom.xml": "",
            "core/pom.xml": "",
            "core/build.gradle": "",
            "core/src/test/java/AClock.java": "",
            "app/build.gradle.kts": "",
            "app/gradlew": "",
            "app/src/commonTest/kotlin/samples/Clock.kt": "",
            "old/pom.xml": "",
            "packaging/build.gradle": "",
            "packaging/Main.java": "",
            "tool/build.gradle": "",
            "tool/java/ClockTest.java": "",
        },
        [
            ("mvn test", "mvn -q -o test"),
            ("app: gradle test", "cd app && sh ./gradlew --offline test"),
            ("core: gradle test", "cd core && gradle --offline test"),
            ("tool: gradle test", "cd tool && gradle --offline test"),
        ],
    ),
    "a folder of rspec's, a gem of its own, and specs of minitest": (
        {
            "Gemfile": "",
            "gem/spec/lib/a_spec.rb": "",
            "lib/.rspec": "--default-path test",
            "lib/test/b_spec.rb": "",
            "mini/mini.gemspec": "",
            "mini/test/test_mini_spec.rb": "",
        },
        [
            ("gem: rspec", "cd gem && bundle exec rspec"),
            ("lib: rspec", "cd lib && bundle exec rspec"),
        ],
    ),
    "dotnet": (
        {"src/A.csproj": "", "t/T.csproj": '<PackageReference Include="Microsoft.NET.Test.Sdk"/>'},
        [("t: dotnet test", "cd t && dotnet test --nologo")],
    ),
    "a solution of .NET beside its projects, and one of C++": (
        {
            "net/build/All.slnx": "",
            "net/src/A.fsproj": "",
            "c/win/all.sln": "",
            "c/win/all.vcxproj": "",
        },
        [("net/build: dotnet test", "cd net/build && dotnet test --nologo")],
    ),
    "Ruby, PHP and Elixir": (
        {
            "Gemfile": "",
            "spec/a_spec.rb": "",
            "Rakefile": "Rake::TestTask.new",
            "test/b_test.rb": "",
            "php/composer.json": scripts(test="phpunit"),
            "ex/mix.exs": "",
            "ex/test/a_test.exs": "",
        },
        [
            ("rspec", "bundle exec rspec"),
            ("rake test", "bundle exec rake test"),
            ("ex: mix test", "cd ex && mix test"),
            ("php: composer test", "cd php && composer test"),
        ],
    ),
}


@pytest.mark.parametrize(("files", "expected"), list(CASES.values()), ids=list(CASES))
def test_checks_that_a_tree_declares(files: dict[str, str], expected: list[tuple[str, str]]) -> None:
    found = find(files)
    assert [(check.name, check.command) for check in found.checks] == expected
    assert any("tests, since none were found" in item for item in found.not_run) is not bool(expected)


def test_runners_behind_scripts() -> None:
    runner = {
        "package.json": scripts(test="npm run unit", unit="cross-env CI=1 jest --ci"),
        "a/package.json": scripts(test="node --test"),
        "b/package.json": scripts(test="make all"),
        "Makefile": "test:\n\tgo test ./...\n",
    }
    assert [(check.folder, check.runner) for check in find(runner).checks] == [
        ("", Runner.JEST), ("", Runner.GO), ("a", Runner.NODE_TEST), ("b", Runner.OTHER),
    ]  # fmt: skip


def test_hob_yml_is_the_only_word_where_it_speaks() -> None:
    found = find({"package.json": NODE, "test_a.py": ""}, test="tox -q")
    assert [check.command for check in found.checks] == ["tox -q"]


def test_too_many_are_named() -> None:
    found = find({f"m{n:02}/package.json": NODE for n in range(MOST_CHECKS + 2)})
    assert len(found.checks) == MOST_CHECKS
    assert found.not_run[0].startswith("m12: npm test, m13: npm test, since only the first 12 checks are")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"CMakeLists.txt": "enable_testing()"}, "CMakeLists.txt"),
        ({"meson.build": "test('a', exe)"}, "meson.build"),
        ({"x.cabal": ""}, "Haskell"),
        ({"main_test.go": ""}, "no go.mod"),
        ({"Gemfile": "", "test/test_a.rb": ""}, "no Rakefile"),
        ({"build.xml": "<target name='test'>"}, "build.xml"),
        ({"deps.edn": "", "test/a_test.clj": ""}, "Clojure"),
        ({"features/a.feature": ""}, "Gherkin"),
        ({"Makefile.am": "TESTS = tests/run\n"}, "Makefile.am"),
        ({"Makefile.am": "SUBDIRS = src\n", "t/Makefile.am": "check-local:\n\t./run\n"}, "Makefile.am"),
        ({"Tests/A.Tests.ps1": ""}, "Pester"),
    ],
)
def test_tests_that_no_command_is_known_for_are_named(files: dict[str, str], said: str) -> None:
    found = find(files)
    assert not found.checks and said in found.not_run[0] and "`test`" in found.not_run[0]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"CMakeLists.txt": "enable_testing()", "test_a.py": ""}, "CMakeLists.txt"),
        ({"pom.xml": "", "build.gradle": ""}, "Gradle's tests, since Maven's of the same folder are"),
        (
            {"package.json": scripts(test_unit="jest", test_e2e="cypress run", test_watch="jest")},
            "`npm run test:e2e`, ",
        ),
        (
            {"package.json": scripts(test="npm run test:unit", test_unit="jest", e2e="cypress run")},
            "`npm run e2e`, ",
        ),
        (
            {
                "yarn.lock": "",
                "package.json": scripts(test="vitest", test_e2e="vitest -c e2e.ts", test_dts="tsd"),
            },
            "`yarn run test:e2e`, `yarn run test:dts`, ",
        ),
        (
            {"package.json": NODE, "test/pack/package.json": NODE},
            "the packages among tests and documents (test/pack)",
        ),
    ],
)
def test_what_is_declared_beside_the_checks_is_named(files: dict[str, str], said: str) -> None:
    found = find(files)
    assert (
        len(found.checks) == 1
        and found.not_run[0].startswith(("the tests of ", said))
        and said in found.not_run[0]
    )


@pytest.mark.parametrize(
    "files",
    [
        {"CMakeLists.txt": "enable_testing()", "Makefile": "test:\n\tctest\n"},
        {
            "package.json": scripts(
                test="jest", test_cov="jest --coverage", test_types="tsd", test_ci="jest --ci"
            )
        },
        {"package.json": scripts(test="run-s test:*", test_a="jest", test_b="mocha")},
        {"package.json": scripts(test="bun run test:a", test_a="bun run test:b", test_b="mocha")},
        {
            "package.json": scripts(
                test="tsc && vitest --run",
                test_unit="vitest --project unit*",
                test_all="tsc && vitest run --project unit && npx vitest --project browser",
                test_tap="mocha --reporter tap",
            )
        },
        {"Gemfile": "", "Rakefile": "Rails.application.load_tasks", "test/a_test.rb": ""},
    ],
)
def test_what_a_check_covers_is_not_named(files: dict[str, str]) -> None:
    assert all("linter" in item for item in find(files).not_run)


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"scripts": []}', '{"scripts": {"test": 1}, "workspaces": 3}', "\xff"]
)
def test_broken_manifests_are_no_checks(text: str) -> None:
    broken = dict.fromkeys(
        (
            "package.json",
            "pyproject.toml",
            "tox.ini",
            "setup.cfg",
            "noxfile.py",
            "pnpm-workspace.yaml",
            "composer.json",
        ),
        text,
    )
    assert not find({**broken, "Taskfile.yml": text}).checks


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "files",
    [
        {"tox.ini": "[testenv]\ncommands = python " + "-a " * 400 + "x"},
        {"Makefile": "test" + " " * 500_000 + "x\n" + "a" * 900_000},
        {"package.json": scripts(test="npm " * 100_000), "pnpm-workspace.yaml": "packages: [a]"},
        {"setup.py": "x" + ".y" * 100_000 + "()\nsetup(version=" + "(" * 300 + ")" * 300 + ")"},
        {
            "setup.cfg": "[metadata]\nname=x\nversion=attr: x.V",
            "x.py": "",
            "x/__init__.py": "version" + " " * 900_000,
        },
        {"noxfile.py": "def test(s):\n    s" + ".y" * 50_000 + "()\n"},
        {"Taskfile.yml": "a: &a [x, x]\nb: &b [*a, *a]\ntasks: {test: {cmds: [{cmd: *b}], deps: *a}}"},
    ],
)
def test_no_manifest_takes_long_or_breaks_anything(files: dict[str, str]) -> None:
    find(files)
    tree = Tree(files, lambda path: files[path].encode() if path in files else None)
    list_python_projects(tree)

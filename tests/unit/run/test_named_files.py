"""Files that a check's command runs in the end, without naming them itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bot.domain import CheckCommand
from bot.run.prove.named_files import list_named_files

NAMED = {
    "make, a script, another script": (
        {
            "Makefile": "test: lint\n\tsh ci/run.sh\nlint:\n\ttrue\n",
            "ci/run.sh": "exec ./ci/more.sh\n", "ci/more.sh": "",
        },
        "make test", {"ci/run.sh", "ci/more.sh"},
    ),
    "a target that is not the one": (
        {"Makefile": "test:\n\tpytest\nship:\n\tsh ship.sh\n", "ship.sh": ""}, "make -s test", set(),
    ),
    "what a recipe only builds": (
        {"Makefile": "test: calc.o\n\tcc -c calc.c\n", "calc.c": ""}, "make test", set(),
    ),
    "npm's scripts, before and after": (
        {
            "package.json": '{"main": "index.js", "scripts": {"pretest": "node tools/build.js",'
            ' "test": "npm run unit", "unit": "mocha -r ./tools/setup.js", "start": "node index.js"}}',
            "tools/build.js": "", "tools/setup.js": "", "index.js": "",
        },
        "npm test --silent", {"tools/build.js", "tools/setup.js"},
    ),
    "what jest loads first": (
        {
            "package.json": '{"scripts": {"test": "jest"}}', "src/index.js": "", "tools/env.js": "",
            "jest.config.js": "module.exports = { setupFiles: ['<rootDir>/tools/env'],\n"
            "  moduleNameMapper: {a: './src/index'} }",
        },
        "npm test", {"tools/env.js"},
    ),
    "a plugin of pytest's settings": (
        {"pytest.ini": "[pytest]\naddopts = -p easy\n", "easy.py": "", "calc.py": ""}, "pytest", {"easy.py"},
    ),
    "one that conftest.py names": (
        {"conftest.py": "pytest_plugins = [\n    'more.easy',\n]\n", "more/easy.py": ""},
        "pytest", {"more/easy.py"},
    ),
    "a project that is a plugin": (
        {
            "conftest.py": "pytest_plugins = ['easy']\n", "easy.py": "",
            "pyproject.toml": "[project.entry-points.pytest11]\neasy = 'easy'\n",
        },
        "pytest", set(),
    ),
    "scripts that run one another": (
        {"a.sh": "sh b.sh\n", "b.sh": "sh a.sh\n"}, "bash a.sh", {"a.sh", "b.sh"},
    ),
    "what make takes in": (
        {"Makefile": "-include a/rules b\ntest: unit\n", "a/rules": "unit:\n\tpytest\n", "b": ""},
        "make test", {"a/rules", "b"},
    ),
    "what just takes in": (
        {"justfile": "import 'ci/a'\nmod? easy 'ci/b'\n", "ci/a": "test:\n  pytest\n", "ci/b": ""},
        "just test", {"ci/a", "ci/b"},
    ),
    "what task takes in": (
        {
            "Taskfile.yml": "version: 3\nincludes:\n  ci:\n    taskfile: ./ci/tasks\n  more: ci/more\n",
            "ci/tasks": "", "ci/more": "",
        },
        "task test", {"ci/tasks", "ci/more"},
    ),
    "what a script takes from its folder": (
        {
            "tools/check.py": "import json, sys\nfrom loading import names\nimport calc\n",
            "tools/loading.py": "import parts.more\n", "tools/parts/more.py": "", "calc.py": "",
        },
        "python tools/check.py", {"tools/check.py", "tools/loading.py", "tools/parts/more.py"},
    ),
    "a script of node and one of ruby": (
        {
            "ci/run.mjs": "import { all } from './all.mjs';\nimport x from '../src/x.mjs';\n",
            "ci/all.mjs": "", "ci/run.rb": "require_relative 'all'\n", "ci/all.rb": "", "src/x.mjs": "",
        },
        "node ci/run.mjs && ruby ci/run.rb", {"ci/run.mjs", "ci/all.mjs", "ci/run.rb", "ci/all.rb"},
    ),
    "a script beside the source": (
        {"check.py": "import calc\n", "calc.py": "", "src/run.py": "import more\n", "src/more.py": ""},
        "python check.py && python src/run.py", {"check.py", "src/run.py"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", NAMED)
def test_files_that_a_command_runs_in_the_end(name: str) -> None:
    files, command, expected = NAMED[name]
    found = list_named_files([CheckCommand(name="test", command=command)], reader(files))
    assert found == expected


def test_a_package_below_has_its_own() -> None:
    files = {"web/package.json": '{"scripts": {"test": "node run.js"}}', "web/run.js": "", "run.js": ""}
    below = CheckCommand(name="test", command="cd web && npm test --silent", folder="web")
    assert list_named_files([below], reader(files)) == {"web/run.js"}


def reader(files: dict[str, str]) -> Callable[[str], bytes | None]:
    return lambda path: files[path].encode() if path in files else None

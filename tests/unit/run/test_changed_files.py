"""What runs by itself where a branch is checked out is named first, all of it, whatever else is changed."""

from __future__ import annotations

import pytest

from bot.domain.paths.self_running_paths import explain_self_running
from bot.run.messages.changed_files import FIRST, render_changed_files

RUNS = (
    *(".envrc", "pkg/.envrc", ".husky/pre-commit", ".githooks/post-checkout", ".pre-commit-config.yaml"),
    *("package.json", "web/package.json", ".npmrc", ".yarnrc.yml", "binding.gyp", "x.pth", "src/setup.py"),
    *("conftest.py", "tests/conftest.py", "sitecustomize.py", "build.rs", ".cargo/config.toml", "Makefile"),
    *(
        "makefile",
        "GNUmakefile",
        "MAKEFILE",
        "Rakefile",
        "build.gradle.kts",
        "gradlew",
        "mvnw.cmd",
        "App.csproj",
    ),
    *(
        ".devcontainer/devcontainer.json",
        ".vscode/extensions.json",
        ".gitattributes",
        "Dockerfile",
        "flake.nix",
    ),
    *(".husky", "web/.githooks", ".devcontainer"),
    *(".env", "web/.env.local", "hooks/post-checkout", "lint-staged.config.mjs", "bunfig.toml", "pip.conf"),
    *(
        "package-lock.json",
        "uv.lock",
        "requirements-dev.txt",
        "node_modules/x/index.js",
        "go.mod",
        "Cargo.toml",
    ),
    *("eslint.config.mjs", "web/vite.config.ts", ".pylintrc", "mypy.ini", ".Rprofile", ".iex.exs", ".ghci"),
    *(
        "Vagrantfile",
        "fastlane/Fastfile",
        "infra/main.tf",
        "action.yml",
        ".gitpod.yml",
        "autorun.inf",
        "x.lnk",
    ),
    *("gradle/wrapper/gradle-wrapper.properties", "buildSrc/x.kts", "mix.exs", "Setup.hs", "tools/bazel"),
    *(
        "mise.local.toml",
        ".config/dotnet-tools.json",
        ".lefthook-local.toml",
        "Ｍakefile",
        "package.json.",
        "noxfile.py",
        "lefthook.yml",
        ".bazelrc",
        "docker-compose.yml",
    ),
)
RUNS += (
    *("cdk.json", "infra/serverless.yml", "nodemon.json", "angular.json", ".nycrc.json", "phpunit.xml.dist"),
    *("Snakefile", "a.xcodeproj/project.pbxproj", ".golangci.yml", ".releaserc.json", ".goreleaser.yml"),
    *(".kamal/hooks/pre-build", ".ddev/config.yaml", ".nvmrc", "spec/spec_helper.rb", ".clangd", "guix.scm"),
    *("bin/setup", "debian/rules", "Chart.yaml", ".commitlintrc.js", "project.json", "qodana.yaml"),
    *(".tomorrows-tool", ".tomorrows-tool/settings.json", "web/.tomorrowrc", ".github/.tomorrow/x.md"),
)
QUIET = (
    *(".gitignore", ".editorconfig", "web/.dockerignore", ".github/ISSUE_TEMPLATE/bug.md", "docs/.nojekyll"),
    *("a.scm", "tasks.py", "calc.spec.ts", "docs/agents.html", "skills.md", "src/prompt.md", "pipelines.py"),
    "calc.py",
    "tests/test_calc.py",
    "docs/makefile.md",
    "my_setup.py",
    "package.json.md",
    "build/x.py",
    "a.json",
    *("bot/workspace/fork.py", "src/hooks/pre-view.ts", "make/x.py", "config.js", "dune/x.py", "lock.json"),
)


@pytest.mark.parametrize("path", RUNS)
def test_what_runs_by_itself_is_known(path: str) -> None:
    assert explain_self_running(path)


@pytest.mark.parametrize("path", QUIET)
def test_other_files_are_quiet(path: str) -> None:
    assert explain_self_running(path) == ""


def test_it_comes_first_and_whole_before_many_others() -> None:
    many = [(f"a{n:03}.py", "added") for n in range(120)]
    acting = [(f"z{n}/Makefile", "added") for n in range(60)]
    text = render_changed_files([*many, ("package.json", "deleted"), *acting])
    head, _, rest = text.partition("The others:")
    assert head.startswith(f"⚠️ {FIRST}") and head.count("Makefile") == 60 and "a000.py" not in head
    assert "- `z0/Makefile` added: make runs it" in head
    assert rest.strip().endswith("- and 71 more files") and "Makefile" not in rest


def test_a_list_of_plain_files_is_a_list() -> None:
    assert render_changed_files([("calc.py", "modified")]) == "- `calc.py` modified"

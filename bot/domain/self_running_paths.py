"""Paths whose content runs by itself where somebody checks a branch out, opens, builds or tests it.

A change of them is published, since honest work changes them all the time; people are told of them first.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

from bot.domain.protected_paths import fold_path, why_protected

# Patterns of a path, or with */ of its last parts at any depth; and what runs it.
_RUNS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("direnv runs it in whoever enters the folder", (".envrc", ".autoenv")),
    (
        "a git hook",
        (".husky/*", ".githooks/*", "githooks/*", "lefthook*.y*ml", ".lefthook/*", ".git-hooks/*"),
    ),
    ("git hooks run what it names", (".pre-commit-config.y*ml", ".pre-commit-hooks.y*ml", ".lintstagedrc*")),
    ("git runs the filters that it names", (".gitattributes", ".gitconfig", ".lfsconfig")),
    ("npm runs its scripts, at each install too", ("package.json",)),
    ("a package manager runs what it names", (".npmrc", ".yarnrc*", ".yarn/*", ".pnpmfile.cjs", ".pnp.*js")),
    ("an install compiles by it", ("binding.gyp", "CMakeLists.txt", "configure", "meson.build")),
    ("Python runs it at each start", ("*.pth", "sitecustomize.py", "usercustomize.py")),
    ("pip runs it at the install", ("setup.py", "pyproject.toml", "setup.cfg", "hatch_build.py")),
    ("pytest runs it before the tests", ("conftest.py", "pytest.ini")),
    ("tox or nox runs it", ("tox.ini", "noxfile.py", "fabfile.py", "dodo.py")),
    ("cargo runs it at each build", ("build.rs", ".cargo/*", "rust-toolchain*")),
    ("make runs it", ("Makefile", "GNUmakefile", "*.mk")),
    (
        "a task runner runs it",
        ("justfile", ".justfile", "Taskfile.y*ml", "Rakefile", "Gruntfile.*", "gulpfile.*"),
    ),
    ("Ruby runs it", ("Gemfile", "*.gemspec", ".irbrc", ".pryrc")),
    ("Composer runs its scripts", ("composer.json",)),
    (
        "the JVM's build runs it",
        ("*.gradle", "*.gradle.kts", "gradlew*", "mvnw*", ".mvn/*", "pom.xml", "build.sbt"),
    ),
    (".NET's build runs it", ("*.csproj", "*.targets", "*.props", "*.fsproj", "*.vbproj")),
    ("Bazel runs it", (".bazelrc", "WORKSPACE*", "MODULE.bazel", "BUILD", "BUILD.bazel", "*.bzl")),
    ("an editor opens it as its container", (".devcontainer/*", ".devcontainer.json")),
    (
        "an editor obeys it",
        (".vscode/*", ".vim/*", ".nvimrc", ".exrc", ".vimrc", ".dir-locals.el", ".sublime*"),
    ),
    (
        "a container is built or started by it",
        ("Dockerfile*", "*.dockerfile", "docker-compose*", "compose.y*ml"),
    ),
    (
        "a tool manager takes its programs from it",
        (".tool-versions", "mise.toml", ".mise.toml", "flake.nix", "*.nix"),
    ),
    ("a debugger runs it", (".gdbinit", ".lldbinit")),
)
_RULES = tuple((pattern.casefold(), what) for what, patterns in _RUNS for pattern in patterns)


def explain_self_running(path: str) -> str:
    """What runs the file at a path without being asked, or obeys it; '' for any other."""
    folded = fold_path(path)
    for pattern, what in _RULES:
        if fnmatchcase(folded, pattern) or fnmatchcase(folded, f"*/{pattern}"):
            return what
    return why_protected(path, ())

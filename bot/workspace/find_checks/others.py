"""Checks of ecosystems that need no more than a look at which files are there, and those that nobody runs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.workspace.find_checks.tree import FoundCheck, Tree, folder_of, get, is_below, join


def find_other_checks(tree: Tree) -> Iterator[FoundCheck]:
    """Maven, Gradle, sbt, .NET, Ruby, PHP, Elixir, Perl, Dart, Swift: a check for each outermost project."""
    yield from _find_jvm_checks(tree)
    yield from _find_dotnet_checks(tree)
    yield from _find_ruby_checks(tree)
    yield from _find_php_checks(tree)
    for manifest, tests, command in (
        ("mix.exs", "*_test.exs", "mix test"),
        ("build.sbt", "*.scala", "sbt test"),
        ("pubspec.yaml", "*_test.dart", "dart test"),
        ("Package.swift", "*Tests.swift", "swift test"),
        ("Makefile.PL", "*.t", "prove -lr t"),
        ("dist.ini", "*.t", "prove -lr t"),
        ("cpanfile", "*.t", "prove -lr t"),
    ):
        for folder in _list_outermost(tree, manifest):
            if tree.find(tests, under=folder):
                yield FoundCheck(label=command, command=command, folder=folder)


def list_unknown_checks(tree: Tree) -> Iterator[str]:
    """What declares tests that no command is known for, as items of a list of what is not run."""
    end = "name the command that builds and runs them as `test` in `.github/hob.yml`"
    if re.search(
        r"\b(?:enable_testing|add_test|gtest_discover_tests)\s*\(", _read_all(tree, "CMakeLists.txt")
    ):
        yield f"the tests of CMakeLists.txt: {end}"
    if re.search(r"^[ \t]{0,40}(?:test|benchmark)[ \t]{0,9}\(", _read_all(tree, "meson.build"), re.M):
        yield f"the tests of meson.build: {end}"
    if tree.has("MODULE.bazel", "WORKSPACE", "WORKSPACE.bazel"):
        yield f"Bazel's tests: {end}"
    if tree.find("*.cabal", "stack.yaml"):
        yield f"Haskell's tests: {end}"


def _read_all(tree: Tree, name: str) -> str:
    return "\n".join(tree.text(path) for path in tree.find(name))


def _list_outermost(tree: Tree, *names: str) -> list[str]:
    """The folders of manifests that do not lie below another's."""
    found: list[str] = []
    for path in tree.find(*names):
        folder = folder_of(path)
        if not any(is_below(folder, other) for other in found):
            found.append(folder)
    return found


def _find_jvm_checks(tree: Tree) -> Iterator[FoundCheck]:
    for folder in _list_outermost(tree, "pom.xml"):
        tool = "sh ./mvnw" if tree.has(join(folder, "mvnw")) else "mvn"
        yield FoundCheck(label="mvn test", command=f"{tool} -q -o test", folder=folder)
    for folder in _list_outermost(
        tree, "build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts"
    ):
        tool = "sh ./gradlew" if tree.has(join(folder, "gradlew")) else "gradle"
        yield FoundCheck(label="gradle test", command=f"{tool} --offline test", folder=folder)


def _find_dotnet_checks(tree: Tree) -> Iterator[FoundCheck]:
    solutions = _list_outermost(tree, "*.sln", "*.slnx")
    for folder in solutions:
        yield FoundCheck(label="dotnet test", command="dotnet test --nologo", folder=folder)
    for path in tree.find("*.csproj", "*.fsproj", "*.vbproj"):
        if not any(is_below(path, folder) for folder in solutions) and "Microsoft.NET.Test.Sdk" in tree.text(
            path
        ):
            yield FoundCheck(label="dotnet test", command="dotnet test --nologo", folder=folder_of(path))


def _find_ruby_checks(tree: Tree) -> Iterator[FoundCheck]:
    for folder in _list_outermost(tree, "Gemfile", "Rakefile", ".rspec", "*.gemspec"):
        start = "bundle exec " if tree.has(join(folder, "Gemfile")) else ""
        if tree.find("*_spec.rb", under=folder):
            yield FoundCheck(label="rspec", command=f"{start}rspec", folder=folder)
        rake = tree.text(join(folder, "Rakefile"))
        unit = tree.find("*_test.rb", "test_*.rb", under=folder)
        if unit and re.search(r"TestTask|task[ (:]+[\"']?test\b|Rails\.application\.load_tasks", rake):
            yield FoundCheck(label="rake test", command=f"{start}rake test", folder=folder)


def _find_php_checks(tree: Tree) -> Iterator[FoundCheck]:
    for folder in _list_outermost(tree, "composer.json", "phpunit.xml", "phpunit.xml.dist"):
        script = get(tree.json(join(folder, "composer.json")), "scripts", "test")
        if isinstance(script, str | list) and script:
            yield FoundCheck(label="composer test", command="composer test", folder=folder)
        elif tree.has(join(folder, "phpunit.xml"), join(folder, "phpunit.xml.dist")):
            yield FoundCheck(label="phpunit", command="vendor/bin/phpunit", folder=folder)

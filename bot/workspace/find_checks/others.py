"""Checks of ecosystems that need no more than a look at which files are there, and those that nobody runs."""

from __future__ import annotations

import re
import shlex
from collections.abc import Container, Iterator, Sequence

from bot.workspace.find_checks.node import list_inner_checks, list_other_scripts, read_root_script
from bot.workspace.find_checks.tree import FoundCheck, Tree, folder_of, get, is_below, join, owner_of

# A manifest, what holds tests below it, and the command that runs them.
_PROJECTS = (
    ("mix.exs", ("*_test.exs",), "mix test"),
    ("build.sbt", ("*.scala",), "sbt test"),
    ("build.sc", ("*.scala",), "mill __.test"),
    ("Package.swift", ("*Tests.swift",), "swift test"),
    ("Makefile.PL", ("*.t",), "prove -lr t"),
    ("Build.PL", ("*.t",), "prove -lr t"),
    ("dist.ini", ("*.t",), "prove -lr t"),
    ("cpanfile", ("*.t",), "prove -lr t"),
    ("rebar.config", ("*_SUITE.erl", "*_tests.erl"), "rebar3 do eunit, ct"),
    ("shard.yml", ("*_spec.cr",), "crystal spec"),
    ("dune-project", ("*.ml",), "dune test"),
    ("stack.yaml", ("*.hs",), "stack test"),
    ("project.clj", ("*_test.clj", "*_test.cljc"), "lein test"),
    ("build.zig", ("*.zig",), "zig build test"),
    ("*.nimble", ("t*.nim",), "nimble test"),
    (".busted", ("*_spec.lua",), "busted"),
    ("Project.toml", ("runtests.jl",), "julia --project -e 'using Pkg; Pkg.test()'"),
    ("behave.ini", ("*.feature",), "behave"),
)
_PHPUNIT = ("phpunit.xml", "phpunit.dist.xml", "phpunit.xml.dist")  # in its own order
_JVM_TESTS = re.compile(r"(?:^|/)src/(?:test|[a-z]\w{0,40}Test)|(?:Tests?|Spec|IT)\.\w{1,6}\Z")
_RAKE_TESTS = re.compile(r"TestTask|task[ (:]+[\"']?test\b|Rails\.application\.load_tasks")


def find_other_checks(tree: Tree) -> Iterator[FoundCheck]:
    """Maven, Gradle, .NET, Ruby, PHP and many others: a check for each outermost project."""
    yield from _find_jvm_checks(tree)
    yield from _find_dotnet_checks(tree)
    yield from _find_ruby_checks(tree)
    yield from _find_php_checks(tree)
    for manifest, tests, command in _PROJECTS:
        for folder in _list_outermost(tree, manifest):
            if tree.find(*tests, under=folder):
                yield FoundCheck(label=command.partition(" -")[0], command=command, folder=folder)
    for folder in _list_outermost(tree, "pubspec.yaml"):
        if tree.find("*_test.dart", under=folder):
            tool = (
                "flutter"
                if re.search(r"^[ \t]{1,40}flutter:", tree.text(join(folder, "pubspec.yaml")), re.M)
                else "dart"
            )
            yield FoundCheck(label=f"{tool} test", command=f"{tool} test", folder=folder)
    if tree.has("DESCRIPTION") and tree.find("test-*.R", "test*.r", under="tests"):
        yield FoundCheck(
            label="testthat", command="Rscript -e 'testthat::test_local(stop_on_failure = TRUE)'"
        )
    folders = sorted({folder_of(path) for path in tree.find("*.bats")})
    if folders and not re.search(r"(?<![\w-])bats(?![\w-])", read_root_script(tree)):
        yield FoundCheck(
            label="bats", command=" ".join(("bats", *map(shlex.quote, folders))).replace("''", ".")
        )


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
    if tree.find("*.cabal") and not tree.find("stack.yaml"):
        yield f"Haskell's tests: {end}"
    if tree.find("*_test.go") and not tree.find("go.mod"):
        yield f"Go's tests, which have no go.mod: {end}"
    maven = _list_outermost(tree, "pom.xml")
    if any(folder in maven for folder in _list_gradle_builds(tree)):
        yield f"Gradle's tests, since Maven's of the same folder are: {end}"
    if re.search(
        r"^(?:TESTS|check_\w{1,40}|check-local)[ \t]{0,9}[+:]?=?", _read_all(tree, "Makefile.am"), re.M
    ):
        yield f"the tests of Makefile.am: {end}"
    if tree.find("*.Tests.ps1"):
        yield f"Pester's tests: {end}"
    ruby = [path for path in tree.find("*_test.rb", "test_*.rb") if not path.startswith("lib/")]
    if ruby and not any(_RAKE_TESTS.search(tree.text(path)) for path in tree.find("Rakefile")):
        yield f"Ruby's tests, which no Rakefile runs: {end}"
    if re.search(r"<target[^>]{0,200}\bname=[\"']test[\"']", _read_all(tree, "build.xml")):
        yield f"the target test of build.xml: {end}"
    if tree.find("deps.edn") and tree.find("*_test.clj", "*_test.cljc"):
        yield f"Clojure's tests: {end}"
    if tree.find("*.robot"):
        yield f"Robot Framework's tests: {end}"
    if tree.find("*.feature") and not tree.find("behave.ini", "package.json", "Gemfile", "pom.xml"):
        yield f"the features of Gherkin: {end}"
    inner = [check.folder for check in list_inner_checks(tree)]
    if inner:
        yield f"the packages among tests and documents ({', '.join(inner[:5])}): {end}"
    others = list_other_scripts(tree)
    if others:
        named = ", ".join(f"`{command}`" for command in others[:5] if "`" not in command)
        yield f"{named}, which the script that is run does not start: {end}"


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
    maven = _list_outermost(tree, "pom.xml")
    for folder in maven:
        if folder and not _has_jvm_tests(tree, folder):
            continue
        tool = "sh ./mvnw" if tree.has(join(folder, "mvnw")) else "mvn"
        yield FoundCheck(label="mvn test", command=f"{tool} -q -o test", folder=folder)
    for folder in _list_gradle_builds(tree):
        if folder in maven or (folder and not _has_jvm_tests(tree, folder)):
            continue
        tool = "sh ./gradlew" if tree.has(join(folder, "gradlew")) else "gradle"
        yield FoundCheck(label="gradle test", command=f"{tool} --offline test", folder=folder)


def _list_gradle_builds(tree: Tree) -> list[str]:
    return _list_outermost(tree, "build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts")


def _has_jvm_tests(tree: Tree, folder: str) -> bool:
    """Whether a program lies in a source folder for tests (``src/commonTest``) or is called one."""
    sources = tree.find("*.java", "*.kt", "*.groovy", "*.scala", under=folder)
    return any(_JVM_TESTS.search(path) for path in sources)


def _find_dotnet_checks(tree: Tree) -> Iterator[FoundCheck]:
    projects = tree.find("*.csproj", "*.fsproj", "*.vbproj")
    # A solution of C++ has none of them; one may name projects that lie beside its own folder.
    solutions = _list_outermost(tree, "*.sln", "*.slnx") if projects else []
    solutions = [each for each in solutions if _has_project_near(tree, each, projects)]
    for folder in solutions:
        yield FoundCheck(label="dotnet test", command="dotnet test --nologo", folder=folder)
    for path in projects:
        if not any(is_below(path, folder) for folder in solutions) and "Microsoft.NET.Test.Sdk" in tree.text(
            path
        ):
            yield FoundCheck(label="dotnet test", command="dotnet test --nologo", folder=folder_of(path))


def _has_project_near(tree: Tree, folder: str, projects: Sequence[str]) -> bool:
    """Whether a project lies below a solution's folder or beside it."""
    return any(is_below(path, folder_of(folder)) for path in projects)


def _find_ruby_checks(tree: Tree) -> Iterator[FoundCheck]:
    settings = frozenset(folder_of(path) for path in tree.find(".rspec"))
    homes = {_find_spec_home(path, settings) for path in tree.find("*_spec.rb")}
    for folder in sorted(home for home in homes if home is not None):
        yield FoundCheck(label="rspec", command=f"{_start_ruby(tree, folder)}rspec", folder=folder)
    for folder in _list_outermost(tree, "Gemfile", "Rakefile", ".rspec", "*.gemspec"):
        rake = tree.text(join(folder, "Rakefile"))
        unit = tree.find("*_test.rb", "test_*.rb", under=folder)
        if unit and _RAKE_TESTS.search(rake):
            yield FoundCheck(
                label="rake test", command=f"{_start_ruby(tree, folder)}rake test", folder=folder
            )


def _find_spec_home(path: str, settings: Container[str]) -> str | None:
    """From where rspec finds a spec: its settings' folder, else that of ``spec``; None without either."""
    parts = path.split("/")[:-1]
    around = "/".join(parts[: parts.index("spec")]) if "spec" in parts else None
    own = owner_of(path, settings)
    return own if around is None or (own is not None and is_below(own, around)) else around


def _start_ruby(tree: Tree, folder: str) -> str:
    """Bundler, which looks for its Gemfile in the folders above too."""
    places = [folder]
    while places[-1]:
        places.append(folder_of(places[-1]))
    return "bundle exec " if tree.has(*(join(place, "Gemfile") for place in places)) else ""


def _find_php_checks(tree: Tree) -> Iterator[FoundCheck]:
    for folder in _list_outermost(tree, "composer.json", *_PHPUNIT):
        script = get(tree.json(join(folder, "composer.json")), "scripts", "test")
        if isinstance(script, str | list) and script:
            yield FoundCheck(label="composer test", command="composer test", folder=folder)
            continue
        package = tree.json(join(folder, "composer.json"))
        needed = {
            name
            for name in ("pestphp/pest", "phpunit/phpunit")
            if any(get(package, kind, name) is not None for kind in ("require", "require-dev"))
        }
        if "pestphp/pest" in needed:
            yield FoundCheck(label="pest", command="vendor/bin/pest", folder=folder)
        elif tree.has(*(join(folder, name) for name in _PHPUNIT)):
            yield FoundCheck(label="phpunit", command="vendor/bin/phpunit", folder=folder)
        elif "phpunit/phpunit" in needed and tree.find("*Test.php", under=join(folder, "tests")):
            yield FoundCheck(label="phpunit", command="vendor/bin/phpunit tests", folder=folder)

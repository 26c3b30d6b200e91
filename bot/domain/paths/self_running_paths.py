"""Paths whose content runs by itself where somebody checks a branch out, opens, builds or tests it.

A change of them is published, since honest work changes them all the time; the pull request names them first.
"""

from __future__ import annotations

from bot.domain.paths.path_patterns import PathPatterns
from bot.domain.paths.protected_paths import fold_path, why_protected

# What runs a file, and patterns of the last parts of its path at any depth.
_RUNS = {
    "direnv runs it in whoever enters the folder": ".envrc* .autoenv* .env .env.* .localrc",
    "a git hook": """
        .husky/* .huskyrc* .githooks/* githooks/* .git-hooks/* git-hooks/* .hooks/* lefthook*.y*ml
        lefthook.toml lefthook.json .lefthook* .overcommit.yml prek.toml hooks/pre-commit* hooks/pre-push*
        hooks/pre-receive hooks/pre-rebase hooks/update hooks/post-checkout* hooks/post-merge*
        hooks/post-commit* hooks/post-rewrite* hooks/post-receive hooks/commit-msg
        hooks/prepare-commit-msg captainhook.json .simple-git-hooks.* simple-git-hooks.* .git-hooks.*
        grumphp.y*ml .rusty-hook.toml
    """,
    "git hooks run what it names": """
        .pre-commit-config.y*ml .pre-commit-hooks.y*ml .lintstagedrc* lint-staged.config.*
    """,
    "git runs the filters that it names": ".gitattributes .gitconfig .lfsconfig .hgrc .hg/*",
    "npm runs its scripts, at each install too": """
        package.json package.json5 package.yaml lerna.json nx.json turbo.json deno.json*
        rush.json common/config/rush/* .moon/* project.json workspace.json angular.json nodemon.json
    """,
    "a package manager runs what it names": """
        .npmrc .yarnrc* .yarn/* .pnpmfile.* pnpmfile.* .pnp.*js pnpm-workspace.y*ml bunfig.toml
        .bunfig.toml pip.conf pip.ini uv.toml poetry.toml .pdm.toml pixi.toml Pipfile environment.y*ml
        .condarc .bundle/* nuget.config .config/*
    """,
    "an install takes code from where it says": """
        package-lock.json npm-shrinkwrap.json yarn.lock pnpm-lock.y*ml bun.lock* poetry.lock uv.lock
        pdm.lock pixi.lock Pipfile.lock *requirements*.txt requirements/*.txt *requirements*.in
        constraints*.txt Cargo.lock go.sum go.work* Gemfile.lock composer.lock mix.lock flake.lock
        Podfile.lock node_modules/*
    """,
    "an install compiles by it": """
        binding.gyp CMakeLists.txt *.cmake CMakePresets.json configure configure.ac autogen.sh
        bootstrap.sh meson.build wscript SConstruct SConscript xmake.lua premake*.lua conanfile.*
        build.ninja Makefile.PL Build.PL *.rockspec
        CMakeUserPresets.json *.vcxproj* *.pbxproj *.xcscheme *.xcconfig project.yml BUCK .buckconfig
    """,
    "Python runs it at each start": """
        *.pth sitecustomize.py usercustomize.py *.egg-link .pythonrc* .pythonstartup
    """,
    "pip runs it at the install": "setup.py pyproject.toml setup.cfg hatch_build.py hatch.toml buildout.cfg",
    "pytest runs it before the tests": """
        conftest.py pytest.ini .pytest.ini pytest.toml .pytest.toml .coveragerc
    """,
    "tox or nox runs it": "tox.ini tox.toml noxfile.py fabfile.py dodo.py pavement.py",
    "a debugger or an interactive shell of the language runs it": """
        .gdbinit .lldbinit .pdbrc* .irbrc .pryrc .byebugrc .rdbgrc* .ghci .iex.exs .ocamlinit .Rprofile
        .Renviron .sqliterc .psqlrc .proverc .ipython/* ipython_config.py jupyter_*config.py .bashrc
        .bash_profile .profile .zshrc .zshenv .zprofile .inputrc .screenrc .tmux.conf
        .vimspector.json .clangd compile_commands.json
    """,
    "cargo runs it at each build": "build.rs .cargo/* rust-toolchain* Cargo.toml",
    "go takes tools and code from where it says": "go.mod magefile*.go .air.toml",
    "make runs it": "Makefile Makefile.am Makefile.in GNUmakefile BSDmakefile *.mk *.mak",
    "a task runner runs it": """
        justfile .justfile *.just Taskfile*.y*ml Rakefile* *.rake Gruntfile.* gulpfile.* Jakefile*
        build.xml Earthfile Tiltfile skaffold.y*ml dagger.json Procfile* app.json process-compose.y*ml
        Vagrantfile Brewfile helmfile.y*ml
        Snakefile dvc.y*ml *.cake psakefile.ps1 *.build.ps1 pants.toml bin/setup
        script/bootstrap install.sh setup.sh bootstrap.sh
    """,
    "a test runner loads it before the tests": "spec_helper.rb rails_helper.rb test_helper.exs",
    "Ruby runs it": """
        Gemfile gems.rb *.gemspec .rspec .rubocop.yml Guardfile Capfile Thorfile Dangerfile Fastfile
        fastlane/* Appraisals config.ru Podfile *.podspec
    """,
    "Composer runs its scripts": "composer.json .user.ini .htaccess .php-cs-fixer*.php",
    "the JVM's build runs it": """
        *.gradle *.gradle.kts gradlew* gradle.properties gradle/wrapper/* buildSrc/* mvnw* .mvn/* pom.xml
        build.sbt project/*.sbt project/*.properties build.sc build.mill ivy.xml project.clj deps.edn
        build.boot shadow-cljs.edn
    """,
    ".NET's build runs it": "*.csproj *.targets *.props *.fsproj *.vbproj *.proj *.sln* global.json",
    "its language's build runs it": """
        mix.exs .formatter.exs .credo.exs rebar.config* pubspec.yaml build.zig* Package.swift Setup.hs
        Setup.lhs *.cabal cabal.project* stack.yaml *.opam dune-project dune deps/build.jl .luacheckrc
    """,
    "Bazel runs it": """
        .bazelrc WORKSPACE WORKSPACE.bazel WORKSPACE.bzlmod MODULE.bazel BUILD BUILD.bazel *.bzl
        tools/bazel
    """,
    "an editor opens it as its container": """
        .devcontainer/* .devcontainer.json .gitpod* devfile.y*ml .devfile.y*ml .replit .codesandbox/*
        .stackblitzrc
    """,
    "an editor obeys it": """
        .vscode/* .vim/* .vimrc .lvimrc .exrc .nvimrc .nvim.lua .nvim/* .dir-locals*.el .sublime*
        *.sublime-project .helix/* .nova/* .kakrc .luarc.json
    """,
    "an editor or a tool loads it as code": """
        *.config.js *.config.*js *.config.ts *.config.*ts .eslintrc* .prettierrc* .babelrc* .mocharc*
        .stylelintrc* .pylintrc pylintrc mypy.ini .mypy.ini .flake8 karma.conf.* ansible.cfg .perlcriticrc
        .watchmanconfig
        .nycrc* .c8rc* .swcrc .commitlintrc* .czrc .cz.* jest.config.json vitest.workspace.* .golangci.y*ml
        .mega-linter.y*ml qodana.y*ml .lintrunner.toml .tflint.hcl rector.php ecs.php phpstan*.neon
        phpunit.xml* psalm.xml
    """,
    "a container is built or started by it": """
        Dockerfile* *.dockerfile Containerfile* docker-compose* compose*.y*ml docker-bake.*
        .lando*.y*ml .ddev/* .kamal/* config/deploy.y*ml docker/*.sh
    """,
    "a tool manager takes its programs from it": """
        .tool-versions mise*.toml .mise*.toml .mise/* mise/config.toml .rtx.toml flake.nix *.nix
        devbox.json devenv.y*ml .flox/* .sdkmanrc
        .nvmrc .node-version .python-version .ruby-version .java-version .go-version .terraform-version
        guix.scm manifest.scm channels.scm .guix-channel
    """,
    "a plan or an apply runs what it names": """
        *.tf *.tf.json terragrunt.hcl .terraformrc Pulumi.y*ml cdk.json serverless.y*ml samconfig.toml
        kustomization.y*ml Chart.y*ml Kptfile
    """,
    "a workflow that uses this action runs it": "action.y*ml",
    "a release runs what it names": """
        .releaserc* .goreleaser.y*ml cliff.toml PKGBUILD *.spec debian/rules debian/*inst debian/*rm
        snapcraft.y*ml *.nuspec
    """,
    "a documentation service builds by it": ".readthedocs.y*ml readthedocs.y*ml",
    "a desktop acts on it where the folder is opened": """
        autorun.inf desktop.ini *.lnk *.url *.desktop *.command *.scf
    """,
}
_PATTERNS = PathPatterns((what, "", patterns) for what, patterns in _RUNS.items())
_SETTINGS_WHY = "a tool may obey it, as it does most files whose names begin with a dot"
# Names with a dot whose content nothing runs or obeys: what is left out, and texts for people.
_HARMLESS = """
    .editorconfig .gitkeep .keep .mailmap .nojekyll .well-known .git-blame-ignore-revs .github .gitlab .gitea
    .forgejo .changeset .markdownlint.json .codespellrc .cspell.json
"""
_HARMLESS_NAMES = frozenset(_HARMLESS.split())


def explain_self_running(path: str) -> str:
    """What runs the file at a path, or takes settings from it, without being asked; '' for any other.

    A file where a folder of such files would be may be a link to one, and counts.
    """
    folded = fold_path(path)
    known = _PATTERNS.find(folded) or _PATTERNS.find_folder(folded) or why_protected(path, ())
    return known or (_SETTINGS_WHY if any(map(_is_setting, folded.split("/"))) else "")


def _is_setting(name: str) -> bool:
    return name.startswith(".") and name not in _HARMLESS_NAMES and not name.endswith("ignore")

"""Protected paths: those that only people may change, under every name that a file system takes for them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from fnmatch import fnmatchcase

from bot.domain.change import ChangeKind, FileChange
from bot.domain.paths.path_patterns import PathPatterns

Rule = tuple[str, str]  # a pattern, and why it is protected

# What agents and editors take orders from, at any depth: a change of it steers whoever opens the tree next.
_INSTRUCTIONS = """
    AGENTS*.md AGENT.md CLAUDE*.md SKILL.md *.instructions.md *.prompt.md *.agent.md *.chatmode.md
    KIMI.md GROK.md AMAZONQ.md replit.md .copilot-instructions.md .aiexclude .aiignore
    .claudeignore .geminiignore .codeiumignore .copilotignore .github/aw/* .ellipsis* .korbit* .bito*
    GEMINI*.md QWEN.md CRUSH.md WARP.md IFLOW.md
    CODEBUDDY.md CODEX.md .goosehints .rules .airules .aider* .cursorrules .windsurfrules .clinerules
    .roorules* .roomodes .kilocodemodes .augment-guidelines .traerules .cursorignore .pr_agent.toml
    .coderabbit.y*ml .sourcery.yaml .sweep.yaml sweep.yaml greptile.json ellipsis.yaml .github/copilot*
    .github/instructions/* .github/prompts/* .github/agents/* .github/chatmodes/* .github/hooks/*
    .github/skills/* .github/mcp.json .github/lsp.json
"""
_AGENT_SETTINGS = """
    .claude/* .claude-plugin/* .cursor/* .codex/* .gemini/* .windsurf/* .clinerules/* .roo/* .kiro/*
    .kilocode/* .augment/* .trae/* .qodo/* .openhands/* .devin/* .factory/* .jules/* .warp/* .amp/*
    .crush/* .qwen/* .iflow/* .codebuddy/* .goose/* .copilot/* .greptile/* .continue* .amazonq/* .junie/*
    .agent/* .agents/* .ai/* .aiassistant/* .firebender/* .idx/* .tabnine/* .cody/* .ruler/* .rulesync/*
    .rovodev/* .serena/* .specify/* .kimi/* .grok/* .vibe/* .cline/* .void/* .bolt/* .codeium/* .tessl/*
    .conductor/* .codex-plugin/* .cursor-plugin/* .superset/* .plandex* conductor.json gptme.toml
    .mcp.y*ml mcp.y*ml .mcp/* .opencode.json* .opencode/*
    .zed/* .idea/* .fleet/* .vs/* .zencoder/* .claude.json .mcp.json mcp.json opencode.json*
    crush.json .crush.json cody.json .vscode/tasks.json .vscode/mcp.json .vscode/launch.json
    .vscode/settings.json *.code-workspace
"""
# What other CI services run by themselves when a branch is pushed, with their own secrets.
_CI = """
    .circleci/* .gitlab-ci*.y*ml .gitlab/ci/* .gitlab/*.y*ml .travis.y*ml .buildkite/* .drone*
    .azure-pipelines/* .azuredevops/* .vsts-ci.y*ml .woodpecker.y*ml .woodpecker/* .crow.y*ml .crow/*
    .appveyor.y*ml .forgejo/workflows/* .gitea/workflows/* appveyor.y*ml .cirrus.y*ml .cirrus.star
    .semaphore/* bitbucket-pipelines.y*ml .teamcity/* .harness/* .tekton/* wercker.y*ml codeship-*.y*ml
    .onedev-buildspec.y*ml .tangled/* .builds/* .build.y*ml .agola/* .concourse* codemagic.y*ml
    bitrise.y*ml .bitrise.y*ml appcenter-*.sh ci_scripts/* .xcode-cloud/* .screwdriver* screwdriver.y*ml
    .vela.y*ml .vela/* .taskcluster* taskcluster/* .evergreen* evergreen.y*ml .zuul.y*ml .zuul.d/*
    zuul.y*ml zuul.d/* .prow* .packit.y*ml packit.y*ml .copr/* .kokoro/* .bazelci/* .aspect/*
    buildbuddy.y*ml .buildbuddy.y*ml .depot/* .rwx/* .mint/* .namespace/* .blacksmith/* garnix.yaml
    bamboo-specs/* .shippable.y*ml shippable.y*ml .scrutinizer.y*ml .cloudbees/* .ci.y*ml .gocd.y*ml
    *.gocd.y*ml atlantis.y*ml .spacelift/* .jenkins/* .jenkins-x/* jenkins-x*.y*ml circle.y*ml
    .circle.y*ml buddy.y*ml .buddy/* .eas/* .nx/workflows/* .pipelines/* .azdo/* .ado/*
    .azure-pipelines.y*ml .codecatalyst/* .codebuild/* .cloudbuild/* digger.y*ml .terrateam/* env0.y*ml
    .env0/* .scalr/* .restyled.y*ml .styleci.y*ml .stickler.y*ml .deepsource.toml .gitlab/agents/*
    .cirun.y*ml .probo.y*ml .tugboat/* .shipyard/* .abstruse.y*ml .cds/* .werft/* .octopus/* .dagger/*
    .sonarcloud.properties .gitlab-ci.d/* .pipeline.y*ml pipeline.y*ml
"""
# Where the service is told the place of the file.
_CI_ANYWHERE = """
    Jenkinsfile* *.jenkinsfile azure-pipelines*.y*ml buildspec*.y*ml cloudbuild*.y*ml cloudbuild*.json
    .gitlab-ci.y*ml
"""
# Services that build and publish each branch that is pushed, with the secrets of the site.
_DEPLOYED = """
    vercel.json vercel.ts now.json netlify.toml render.y*ml fly.toml railway.json railway.toml
    nixpacks.toml railpack.json amplify.y*ml apprunner.y*ml wrangler.toml wrangler.json* heroku.y*ml .do/*
    .platform.app.y*ml .platform/* .upsun/* zeabur.* apphosting*.y*ml captain-definition
    staticwebapp.config.json .deployment .ebextensions/* .lagoon.y*ml appspec.y*ml okteto.y*ml .okteto/*
    fleet.y*ml koyeb.y*ml .clever* .qovery.y*ml qovery.y*ml northflank.* .argocd-source*
"""
# Bots that merge, update and configure as files of the repository tell them.
_BOTS = """
    .github/dependabot.y*ml renovate.json* .renovaterc* .github/renovate.json* .mergify*
    .gitlab/renovate.json* mergify.y*ml .github/mergify* .kodiak.toml .github/.kodiak.toml bors.toml
    .bulldozer.y*ml .policy.y*ml .github/settings.y*ml .github/policies/* .github/auto-merge*
    .github/auto_assign* .github/mergequeue* .aviator/* .trunk/* .asf.yaml .palantir/*
    .github/safe-settings* .github/probot* .github/boring-cyborg* .all-contributorsrc .imgbotconfig
    release-please-config.json .release-please-manifest.json .github/release-please* .github/stale*
    .github/labeler* .github/semantic* .github/issue-* .github/config.y*ml .github/release-drafter*
"""
_OWNERS = "CODEOWNERS .github/CODEOWNERS docs/CODEOWNERS .gitlab/CODEOWNERS .forgejo/CODEOWNERS"
_CI_WHY = "it runs with the secrets of a CI service as soon as its branch is pushed"

_PROTECTED = PathPatterns(
    [
        ("workflow files run with the repository's secrets", ".github/workflows/*", ""),
        ("actions run with the repository's secrets", ".github/actions/*", ""),
        ("Hob does not change its own configuration", ".github/hob.yml", ""),
        ("ownership rules are for people to change", _OWNERS, ""),
        ("instructions for agents are for people to change", "", _INSTRUCTIONS),
        ("the settings of agents and editors are for people to change", "", _AGENT_SETTINGS),
        (_CI_WHY, _CI, _CI_ANYWHERE),
        ("a service builds and publishes by it as soon as its branch is pushed", _DEPLOYED, ""),
        ("a bot with rights in the repository obeys it", _BOTS, ""),
        ("submodules fetch from elsewhere", "", ".gitmodules"),
    ]
)
_REPOSITORY_WHY = "the repository's hob.yml protects it, or a link with a protected name leads to it"
_GIT_HEAD = re.compile(rb"ref:|refs/|[0-9a-f]{40}")
_GIT_HEAD_WHY = "git takes its folder for a repository, and runs what the settings in there name"


def list_protection_rules(patterns: Sequence[str]) -> tuple[Rule, ...]:
    """The rules that the repository adds to Hob's own with ``patterns``: hob.yml's, and those of what its
    links with protected names lead to.
    """
    return tuple((pattern, _REPOSITORY_WHY) for pattern in patterns)


def why_protected(path: str, patterns: Sequence[str]) -> str:
    """Why only people may change a path; '' for any other. ``patterns`` are hob.yml's."""
    change = FileChange(path=path, kind=ChangeKind.ADDED)
    return why_change_protected(change, list_protection_rules(patterns))


def why_change_protected(change: FileChange, rules: Sequence[Rule]) -> str:
    """Why only people may make this change to its path; '' for any other.

    Adding a file or link where a protected folder would be counts; deleting one does not. ``rules`` are the
    repository's, beside Hob's own.
    """
    folded = fold_path(change.path)
    stays = change.kind is not ChangeKind.DELETED
    if why := _PROTECTED.find(folded) or (stays and _PROTECTED.find_folder(folded)):
        return why
    if stays and folded.rpartition("/")[2] == "head" and _GIT_HEAD.match(change.data):
        return _GIT_HEAD_WHY
    for pattern, why in rules:
        if fnmatchcase(folded, pattern.casefold()):
            return why
        if stays and pattern.casefold().startswith(f"{folded}/"):
            return why
    return ""


def is_plainly_protected(path: str, rules: Sequence[Rule]) -> bool:
    """Whether a path as it is spelt matches a rule, and every file system takes it for that very path."""
    return fold_path(path) == path.casefold() and (
        _PROTECTED.is_spelt(path)
        or path.rpartition("/")[2] == "HEAD"
        or any(fnmatchcase(path, pattern) for pattern, _ in rules)
    )


def fold_path(path: str) -> str:
    """The path as the most forgiving file system takes it: no case, one form of each letter, no dots at ends.

    Windows also takes ``name::$DATA`` for ``name``.
    """
    parts = unicodedata.normalize("NFKC", path).casefold().split("/")
    return "/".join(part.partition(":")[0].rstrip(". ") or part for part in parts)

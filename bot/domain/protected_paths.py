"""Protected paths: what only people may change, under any name by which a file system finds it."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from fnmatch import fnmatchcase

from bot.domain.change import ChangeKind, FileChange

Rule = tuple[str, str]  # a pattern, and why it is protected

# What agents and editors take orders from, at any depth: a change of it steers whoever opens the tree next.
_INSTRUCTIONS = (
    *("CLAUDE*.md", "GEMINI*.md", "AGENTS.override.md", "QWEN.md", ".goosehints"),
    *(".cursorrules", ".windsurfrules", ".clinerules", ".roorules", ".aider*"),
    *(".github/copilot*", ".github/instructions/*", ".github/prompts/*", ".github/agents/*"),
    *(".github/chatmodes/*", ".github/hooks/*", ".github/skills/*"),
)
_AGENT_SETTINGS = (
    *(".claude/*", ".cursor/*", ".codex/*", ".gemini/*", ".windsurf/*", ".clinerules/*", ".roo/*", ".kiro/*"),
    *(".continue/*", ".amazonq/*", ".junie/*", ".agents/*", ".opencode/*", ".zed/*", ".idea/*", ".mcp.json"),
    *(".vscode/tasks.json", ".vscode/mcp.json", ".vscode/launch.json", ".vscode/settings.json"),
    "*.code-workspace",
)
# What other CI services run by themselves when a branch is pushed, with their own secrets.
_CI = (
    *(".circleci/*", ".gitlab-ci*.yml", ".gitlab/ci/*", "Jenkinsfile*", "azure-pipelines*.yml"),
    *(".azure-pipelines/*", ".azuredevops/*", ".travis.yml", ".buildkite/*", ".drone.y*ml", ".drone.star"),
    *(".drone.jsonnet", ".woodpecker.y*ml", ".woodpecker/*", ".appveyor.yml", "appveyor.yml", ".cirrus.y*ml"),
    *(".cirrus.star", ".semaphore/*", "bitbucket-pipelines.yml", ".teamcity/*", ".harness/*", ".tekton/*"),
    *("wercker.yml", "codeship-*.yml", "buildspec*.yml", "cloudbuild*.yaml", "cloudbuild*.json"),
    *(".forgejo/workflows/*", ".gitea/workflows/*", ".onedev-buildspec.yml"),
)

PROTECTED: tuple[Rule, ...] = (
    (".github/workflows/*", "workflow files run with the repository's secrets"),
    (".github/actions/*", "actions run with the repository's secrets"),
    (".github/hob.yml", "Hob does not change its own configuration"),
    ("CODEOWNERS", "ownership rules are for people to change"),
    (".github/CODEOWNERS", "ownership rules are for people to change"),
    ("docs/CODEOWNERS", "ownership rules are for people to change"),
    ("AGENTS.md", "instructions for agents are for people to change"),
    ("*/AGENTS.md", "instructions for agents are for people to change"),
    *(
        (pattern, "instructions for agents are for people to change")
        for name in _INSTRUCTIONS
        for pattern in (name, f"*/{name}")
    ),
    *(
        (pattern, "the settings of agents and editors are for people to change")
        for name in _AGENT_SETTINGS
        for pattern in (name, f"*/{name}")
    ),
    *((name, "it runs with the secrets of a CI service as soon as its branch is pushed") for name in _CI),
    (".gitmodules", "submodules fetch from elsewhere"),
    ("*/.gitmodules", "submodules fetch from elsewhere"),
)


def list_protection_rules(patterns: Sequence[str]) -> tuple[Rule, ...]:
    """Hob's own rules and those that hob.yml adds with ``patterns``."""
    return (*PROTECTED, *((pattern, "the repository's hob.yml protects it") for pattern in patterns))


def why_protected(path: str, patterns: Sequence[str]) -> str:
    """Why only people may change a path; '' for any other. ``patterns`` are hob.yml's."""
    change = FileChange(path=path, kind=ChangeKind.ADDED)
    return why_change_protected(change, list_protection_rules(patterns))


def why_change_protected(change: FileChange, rules: Sequence[Rule]) -> str:
    """Why only people may make this change to its path; '' for any other.

    Adding a file or link where a protected folder would be counts; deleting one does not.
    """
    folded = fold_path(change.path)
    for pattern, why in rules:
        if fnmatchcase(folded, pattern.casefold()):
            return why
        if change.kind is not ChangeKind.DELETED and pattern.casefold().startswith(f"{folded}/"):
            return why
    return ""


def is_plainly_protected(path: str, rules: Sequence[Rule]) -> bool:
    """Whether a path as it is spelt matches a rule, and every file system takes it for that very path."""
    return fold_path(path) == path.casefold() and any(fnmatchcase(path, pattern) for pattern, _ in rules)


def fold_path(path: str) -> str:
    """The path as the most forgiving file system takes it: no case, one form of each letter, no dots at ends.

    Windows also takes ``name::$DATA`` for ``name``.
    """
    parts = unicodedata.normalize("NFKC", path).casefold().split("/")
    return "/".join(part.partition(":")[0].rstrip(". ") or part for part in parts)

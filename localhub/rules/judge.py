"""Whether a branch's rules allow one move of it: pure, standard library only, since git's hook runs it too.

A rule is the JSON of GitHub's rulesets, ``{"type": ..., "parameters": {...}}``.
https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets/available-rules-for-rulesets
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Rule = Mapping[str, Any]
WORDS = {"starts_with": "start with", "ends_with": "end with", "contains": "contain", "regex": "match"}


@dataclass(frozen=True)
class NewCommit:
    """A commit that no ref had before."""

    sha: str
    parents: int
    message: str
    email: str
    verified: bool


@dataclass(frozen=True)
class BranchMove:
    """What happens to a branch: ``before`` and ``after`` are None where it does not exist."""

    name: str
    before: str | None
    after: str | None
    commits: Sequence[NewCommit] = ()
    forced: bool = False
    queued: bool = False  # its pull request waits in a merge queue


def applies_to(conditions: Mapping[str, Any], branch: str, default_branch: str) -> bool:
    """Whether a ruleset with these conditions is about a branch."""
    names = conditions.get("ref_name") or {}
    ref = f"refs/heads/{branch}"

    def is_one_of(patterns: Iterable[str]) -> bool:
        return any(
            pattern == "~ALL"
            or (pattern == "~DEFAULT_BRANCH" and branch == default_branch)
            or fnmatch.fnmatchcase(ref, pattern)
            for pattern in patterns
        )

    return is_one_of(names.get("include") or ()) and not is_one_of(names.get("exclude") or ())


def find_violations(rules: Iterable[Rule], move: BranchMove) -> list[str]:
    """GitHub's message for each rule that the move breaks, in the rules' order."""
    found = [QUEUED] if move.queued and move.after else []
    for rule in rules:
        judge = JUDGES.get(rule["type"])
        said = judge(move, rule.get("parameters") or {}) if judge else ""
        if said and said not in found:
            found.append(said)
    return found


QUEUED = (
    "A pull request for this branch has been added to a merge queue. Branches that are queued for merging "
    "cannot be updated. To modify this branch, dequeue the associated pull request."
)


def _judge_creation(move: BranchMove, _: Mapping[str, Any]) -> str:
    return "Cannot create ref due to creations being restricted." if move.before is None else ""


def _judge_update(move: BranchMove, _: Mapping[str, Any]) -> str:
    return "Cannot update this protected ref." if move.before and move.after else ""


def _judge_deletion(move: BranchMove, _: Mapping[str, Any]) -> str:
    return "Cannot delete this branch" if move.after is None else ""


def _judge_force(move: BranchMove, _: Mapping[str, Any]) -> str:
    return "Cannot force-push to this branch" if move.forced else ""


def _judge_directness(move: BranchMove, _: Mapping[str, Any]) -> str:
    return "Changes must be made through a pull request." if move.after else ""


def _judge_queue(move: BranchMove, _: Mapping[str, Any]) -> str:
    return "Changes must be made through the merge queue" if move.after else ""


def _judge_checks(move: BranchMove, parameters: Mapping[str, Any]) -> str:
    wanted = [check["context"] for check in parameters.get("required_status_checks") or ()]
    if not move.after or not wanted or (move.before is None and parameters.get("do_not_enforce_on_create")):
        return ""
    if len(wanted) == 1:
        return f'Required status check "{wanted[0]}" is expected.'
    return f"{len(wanted)} of {len(wanted)} required status checks are expected."


def _judge_history(move: BranchMove, _: Mapping[str, Any]) -> str:
    merges = [commit.sha for commit in move.commits if commit.parents > 1]
    return _list("This branch must not contain merge commits.", merges)


def _judge_signatures(move: BranchMove, _: Mapping[str, Any]) -> str:
    unsigned = [commit.sha for commit in move.commits if not commit.verified]
    return _list("Commits must have verified signatures.", unsigned)


def _judge_name(move: BranchMove, parameters: Mapping[str, Any]) -> str:
    if move.before is not None or _matches(parameters, move.name):
        return ""
    return f"Branch name {_describe(parameters)}"


def _judge_messages(move: BranchMove, parameters: Mapping[str, Any]) -> str:
    wrong = [commit.sha for commit in move.commits if not _matches(parameters, commit.message)]
    return _list(f"Commit message {_describe(parameters)}", wrong)


def _judge_emails(move: BranchMove, parameters: Mapping[str, Any]) -> str:
    wrong = [commit.sha for commit in move.commits if not _matches(parameters, commit.email)]
    return _list(f"Commit author email {_describe(parameters)}", wrong)


def _matches(parameters: Mapping[str, Any], text: str) -> bool:
    pattern = str(parameters["pattern"])
    found = {
        "starts_with": text.startswith(pattern),
        "ends_with": text.endswith(pattern),
        "contains": pattern in text,
        "regex": parameters["operator"] == "regex" and re.search(pattern, text) is not None,
    }[parameters["operator"]]
    return found != bool(parameters.get("negate"))


def _describe(parameters: Mapping[str, Any]) -> str:
    must = "must not" if parameters.get("negate") else "must"
    return f"{must} {WORDS[parameters['operator']]} a given pattern: {parameters['pattern']}"


def _list(rule: str, shas: Sequence[str]) -> str:
    if not shas:
        return ""
    many = "violation" if len(shas) == 1 else "violations"
    return "\n".join([rule, f"  Found {len(shas)} {many}:", "", *(f"  {sha}" for sha in shas)])


JUDGES: Mapping[str, Callable[[BranchMove, Mapping[str, Any]], str]] = {
    "creation": _judge_creation,
    "update": _judge_update,
    "deletion": _judge_deletion,
    "non_fast_forward": _judge_force,
    "pull_request": _judge_directness,
    "merge_queue": _judge_queue,
    "required_status_checks": _judge_checks,
    "required_linear_history": _judge_history,
    "required_signatures": _judge_signatures,
    "branch_name_pattern": _judge_name,
    "commit_message_pattern": _judge_messages,
    "commit_author_email_pattern": _judge_emails,
}

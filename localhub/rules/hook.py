"""git's pre-receive hook of a repository that has rules: refuses what they do not allow, in GitHub's words.

It runs as a program of its own under ``git receive-pack``, with the pushed objects in place and no ref moved
yet. The rules come in the environment, where ``localhub.git.http`` puts them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from localhub.rules.judge import BranchMove, NewCommit, applies_to, find_violations

VARIABLE = "LOCALHUB_RULES"
HEADS = "refs/heads/"


def run_git(*arguments: str) -> str:
    """What git prints."""
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True).stdout


def list_new_commits(new: str, verified: Sequence[str]) -> list[NewCommit]:
    """The commits of a push that no ref has yet."""
    form = "%H%x00%P%x00%ae%x00%B%x00%x01"
    commits = []
    for entry in run_git("log", f"--format={form}", new, "--not", "--all").split("\x01"):
        if not entry.strip():
            continue
        sha, parents, email, message, _ = entry.lstrip("\n").split("\0")
        commits.append(
            NewCommit(
                sha=sha,
                parents=len(parents.split()),
                message=message.strip(),
                email=email,
                verified=sha in verified,
            )
        )
    return commits


def read_move(line: str, told: dict[str, Any]) -> BranchMove | None:
    """The move of a branch in a line of the hook's input, None for another ref."""
    old, new, ref = line.split()
    if not ref.startswith(HEADS):
        return None
    before, after = (None if set(sha) == {"0"} else sha for sha in (old, new))
    forced = bool(before and after) and run_git("rev-list", "-1", str(before), f"^{after}") != ""
    name = ref.removeprefix(HEADS)
    commits = list_new_commits(new, told["verified"]) if after else []
    return BranchMove(
        name=name, before=before, after=after, commits=commits, forced=forced, queued=name in told["queued"]
    )


def main() -> int:
    """Judge every branch of a push; 1 where a rule refuses one, so that git refuses all."""
    told = json.loads(os.environ[VARIABLE])
    refused = 0
    for line in sys.stdin:
        move = read_move(line, told)
        if move is None:
            continue
        about = [
            ruleset
            for ruleset in told["rulesets"]
            if applies_to(ruleset["conditions"], move.name, told["default_branch"])
        ]
        passed = [rule for ruleset in about if ruleset.get("bypassed") for rule in ruleset["rules"]]
        if ignored := find_violations(passed, replace(move, queued=False)):
            print(f"Bypassed rule violations for {HEADS}{move.name}:\n", file=sys.stderr)
            print("\n".join(f"- {violation}\n" for violation in ignored), file=sys.stderr)
        said = [
            (rule, bool(ruleset.get("classic")))
            for ruleset in about
            if not ruleset.get("bypassed")
            for rule in ruleset["rules"]
        ]
        old = find_violations([rule for rule, classic in said if classic], move)
        if any(classic for _, classic in said) and old:
            refused = 1
            print(f"error: GH006: Protected branch update failed for {HEADS}{move.name}.", file=sys.stderr)
            print("\n".join(f"error: {violation}" for violation in old), file=sys.stderr)
        violations = find_violations([rule for rule, classic in said if not classic], move)
        if violations:
            refused = 1
            print(f"error: GH013: Repository rule violations found for {HEADS}{move.name}.", file=sys.stderr)
            print(f"Review all repository rules at {told['page']}\n", file=sys.stderr)
            for violation in violations:
                print(f"- {violation}\n", file=sys.stderr)
    return refused


if __name__ == "__main__":
    sys.exit(main())

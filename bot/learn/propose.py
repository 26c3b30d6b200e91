"""A rule as a pull request on AGENTS.md or hob.yml, opened once: never again where it was closed.

What was said is data here: it is quoted, defused, bounded, and refused where it reads like orders to an agent
or where the operator's moderator is against it. A person merges it, or nobody does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import structlog

from bot.domain import ChangeKind, EffectKind, FileChange, Repo
from bot.github.answers import Pull
from bot.github.app import RepoApi
from bot.github.http.responses import Stale
from bot.injection.score import score_text
from bot.learn.place import RulePlace, find_place
from bot.learn.rules import FILE, PULLS, find_rules, is_written, render_rule
from bot.learn.sentences import LONGEST
from bot.moderation.verdict import Moderator
from bot.repo_config import PATH, RepoConfig
from bot.tasks.effects import Effects
from bot.tasks.learning.corrections import CorrectionKind, ProposedRule, RuleState
from bot.tasks.store import Store
from bot.text.defuse import code_span, defuse_line
from bot.text.invisible import write_out_invisible
from bot.text.terminal import show_controls

log = structlog.get_logger(__name__)

_HOW = {
    CorrectionKind.SAID: "asked for the same",
    CorrectionKind.EDITED: "changed my lines in the same way",
    CorrectionKind.DISMISSED: "turned down the same finding of mine",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposer:
    """Proposes rules in one repository; ``safe`` takes secrets out of a text."""

    store: Store
    api: RepoApi
    repo: Repo
    installation: int
    config: RepoConfig
    moderator: Moderator
    safe: Callable[[str], str]

    async def propose_next(self) -> int:
        """Open the pull request of one rule that is due, and return its number; 0 where none is due.

        One at a time: while a proposal is open, the next one waits. Raises ``Retry`` and ``Parked``, and
        UserError where GitHub refuses it; then it stays wanted, and is tried when the next pull request ends.
        """
        before = await self.store.list_proposed_rules(self.repo.id)
        for each in before:
            if each.state is RuleState.OPENED and await self._is_open(each):
                return 0
        wanted = next((rule for rule in before if rule.state is RuleState.WANTED), None)
        rule = wanted or await self._choose(before)
        if rule is None:
            return 0
        pull = await self._open_once(rule)
        await self.store.note_rule(self.repo.id, rule.key, RuleState.OPENED, pull=pull.number)
        log.info("learn.proposed", repo=self.repo.full_name, pull=pull.number)
        return pull.number

    async def _is_open(self, rule: ProposedRule) -> bool:
        """Whether a proposal is still open; its end is stored where that event was lost."""
        pull = await self.api.pulls.get(rule.pull)
        if not pull.is_open:
            await self.store.note_rule_end(self.repo.id, rule.pull, merged=pull.is_merged)
        return pull.is_open

    async def _choose(self, before: Sequence[ProposedRule]) -> ProposedRule | None:
        """Store the first rule that may be proposed, and return it."""
        corrections = await self.store.list_corrections(self.repo.id)
        for rule in await asyncio.to_thread(find_rules, corrections, before):
            if not await self._may_be_proposed(rule):
                continue
            if is_written(rule, [(await self._find_place()).text, self.config.instructions]):
                known = replace(rule, state=RuleState.KNOWN)
                await self.store.add_proposed_rule(self.installation, self.repo, known)
            elif await self.store.add_proposed_rule(self.installation, self.repo, rule):
                return rule
            else:  # another worker has one under way in this moment
                return None
        return None

    async def _find_place(self) -> RulePlace:
        return await find_place(self.api, self.repo.default_branch)

    async def _may_be_proposed(self, rule: ProposedRule) -> bool:
        """Whether the words are fit to stand in a file that agents take orders from."""
        words = rule.words
        odd = words != write_out_invisible(show_controls(words)) or "://" in words or "<!--" in words
        if odd or len(words) > LONGEST + 40 or words != self.safe(words) or score_text(words, FILE):
            return False
        return await self.moderator.judge(words) is None

    async def _open_once(self, rule: ProposedRule) -> Pull:
        branch = f"{self.config.branch_prefix}rule-{rule.key}"

        async def find() -> Pull | None:
            return await self.api.pulls.find_by_branch(branch)

        async def do() -> Pull:
            return await find() or await self._open(rule, branch)

        key = f"rule:{self.repo.id}:{rule.key}"
        return await Effects(self.store).once_as(Pull, key, EffectKind.PULL, find=find, do=do)

    async def _open(self, rule: ProposedRule, branch: str) -> Pull:
        place = await self._find_place()
        title = f"Propose a rule for {place.file}"
        data = (await place.add(rule)).encode("utf-8")
        kind = ChangeKind.MODIFIED if place.text else ChangeKind.ADDED
        file = FileChange(path=place.path, kind=kind, mode=place.mode, data=data)
        said = f"{title}\n\nPeople {_HOW[rule.kind]} on {PULLS} pull requests or more."
        made = await self.api.commits.create_commit([place.commit], place.tree, said, [file])
        try:
            await self.api.commits.create_branch(branch, made.sha, prefix=self.config.branch_prefix)
        except Stale:  # a worker died between the branch and its pull request
            log.info("learn.branch_exists", branch=branch)
        body = self.safe(render_proposal(rule, place.file))
        return await self.api.pulls.open(title, body, branch, self.repo.default_branch)


def render_proposal(rule: ProposedRule, file: str) -> str:
    """The pull request's description: the rule, and the threads that it came from."""
    pulls = len({seed.pull for seed in rule.seeds})
    listed = [
        f"- [#{seed.pull}]({seed.url}), {code_span(seed.login)}: “{defuse_line(seed.words)}”"
        for seed in rule.seeds
    ]
    return "\n".join(
        [
            f"On {pulls} pull requests people who may write here {_HOW[rule.kind]}, so I propose a rule for "
            f"{'`instructions` in ' if file == PATH else ''}`{file}`, which is read before each task:",
            "",
            f"> {defuse_line(render_rule(rule))}",
            "",
            "It came from:",
            "",
            *listed,
            "",
            "Merge it if it is right, after changing its words as you like. Close it if not: I do not "
            f"propose it again. I remember nothing else of this; I propose it because `{PATH}` says "
            "`learning: true`.",
        ]
    )

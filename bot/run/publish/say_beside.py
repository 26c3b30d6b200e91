"""What is said beside the pull request of a change: remarks, replies in threads, the proof. One request.

What GitHub refuses of it leaves the rest. What cannot go together, or GitHub did not take so, goes by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import structlog

from bot.domain import EffectKind, Result
from bot.domain.own_checks import make_proof_key
from bot.errors import UserError
from bot.github.answers import CheckRun, Review
from bot.github.app import RepoApi
from bot.github.graphql.review_threads import MOST_AT_ONCE, SeenThread, ThreadReply
from bot.github.graphql.together import (
    ANNOTATIONS_AT_ONCE,
    MOST_REMARKS,
    CheckRunDraft,
    ReviewDraft,
    SaidTogether,
)
from bot.github.http.responses import Rejected
from bot.run.publish.answer_threads import draft_replies, replies_key
from bot.run.publish.check_run import draft_proof
from bot.run.publish.context import PublishContext
from bot.run.publish.review_comments import draft_review, review_mark
from bot.tasks.effects import Answer, Write

log = structlog.get_logger(__name__)

REVIEW, REPLY, CHECK_RUN = "review", "reply", "check run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafts:
    """What is to be said."""

    review: ReviewDraft | None = None
    replies: Sequence[ThreadReply] = ()
    check_run: CheckRunDraft | None = None


async def say_beside(
    context: PublishContext,
    pull: int,
    sha: str,
    result: Result,
    *,
    threads: Sequence[SeenThread],
    asked: Sequence[SeenThread],
) -> Mapping[str, UserError]:
    """Post the review with the notes that are new, reply in the threads that asked, show the proof.

    ``threads`` are those of the pull request, ``asked`` those of the one that asked. May be done again.
    Returns GitHub's refusals by what they are about.
    """
    task, api = context.task, context.api
    review = await draft_review(context, sha, result, threads)
    replies = await asyncio.to_thread(draft_replies, context, sha, result, asked)
    proof = await asyncio.to_thread(draft_proof, context, sha, result.proof)
    keys = {
        REVIEW: f"task:{task.id}:review:{sha}",
        REPLY: replies_key(task, sha),
        CHECK_RUN: make_proof_key(task.id, sha),
    }

    async def find_review() -> Answer | None:
        found = await api.reviews.find(pull, review_mark(sha))
        return found.to_json() if found else None

    async def find_proof() -> Answer | None:
        found = await api.checks.find(sha, proof.name, proof.external_id)
        return found.to_json() if found else None

    writes = [Write(key=keys[CHECK_RUN], kind=EffectKind.CHECK, find=find_proof)]
    if review is not None:
        writes.append(Write(key=keys[REVIEW], kind=EffectKind.REVIEW, find=find_review))
    if replies:
        writes.append(Write(key=keys[REPLY], kind=EffectKind.REPLY))
    refused: dict[str, UserError] = {}

    async def do(wanted: Set[str]) -> Mapping[str, Answer]:
        drafts = Drafts(
            review=review if keys[REVIEW] in wanted else None,
            replies=replies if keys[REPLY] in wanted else (),
            check_run=proof if keys[CHECK_RUN] in wanted else None,
        )
        answers, left = await post_drafts(api, pull, drafts)
        refused.update(left)
        return {keys[what]: answer for what, answer in answers.items()}

    await context.effects.once_together(writes, do)
    return refused


async def post_drafts(
    api: RepoApi, pull: int, drafts: Drafts
) -> tuple[Mapping[str, Answer], Mapping[str, UserError]]:
    """GitHub's answers to what came to pass and its refusals of the rest, by what it is."""
    said = await _say_together(api, pull, drafts)
    answers: dict[str, Answer] = {}
    refused: dict[str, UserError] = {}
    steps = ((REVIEW, _settle_review), (REPLY, _settle_replies), (CHECK_RUN, _settle_check_run))
    for what, settle in steps:
        try:
            answer = await settle(api, pull, drafts, said)
        except UserError as error:
            log.warning("publish.refused", what=what, reason=error.message)
            refused[what] = error
            continue
        if answer is not None:
            answers[what] = answer
    return answers, refused


async def _say_together(api: RepoApi, pull: int, drafts: Drafts) -> SaidTogether:
    """What became of the parts in one request; nothing of it where there is one part alone, or too much."""
    review, replies = drafts.review, drafts.replies
    many = len(replies) > MOST_AT_ONCE or (review is not None and len(review.comments) > MOST_REMARKS)
    parts = (review is not None) + bool(replies) + (drafts.check_run is not None)
    if many or parts < 2:
        return SaidTogether()
    try:
        return await api.together.say(pull, remarks=review, replies=replies, proof=drafts.check_run)
    except UserError as error:  # nothing was done: each by itself is refused or not
        log.warning("publish.not_together", reason=error.message)
        return SaidTogether()


async def _settle_review(
    api: RepoApi, pull: int, drafts: Drafts, said: SaidTogether
) -> dict[str, Any] | None:
    draft = drafts.review
    if draft is None:
        return None
    if said.review is not None:
        if said.review.missing:
            await api.reviews.create_listed(pull, draft.commit, "", said.review.missing)
        return said.review.review.to_json()
    error = said.refused.get(REVIEW)
    if error is not None and not (isinstance(error, Rejected) and draft.comments):
        raise error
    post = api.reviews.create_listed if error else api.reviews.create
    made: Review = await post(pull, draft.commit, draft.body, draft.comments)
    return made.to_json()


async def _settle_replies(
    api: RepoApi, pull: int, drafts: Drafts, said: SaidTogether
) -> dict[str, Any] | None:
    if not drafts.replies:
        return None
    if error := said.refused.get(REPLY):  # the others stand
        raise error
    if not said.replied:
        await api.review_threads.reply(drafts.replies)
    return {"threads": len(drafts.replies)}


async def _settle_check_run(
    api: RepoApi, pull: int, drafts: Drafts, said: SaidTogether
) -> dict[str, Any] | None:
    draft = drafts.check_run
    if draft is None:
        return None
    if error := said.refused.get(CHECK_RUN):
        raise error
    if not said.checked:
        return (await api.checks.create_drafted(draft)).to_json()
    more = draft.annotations[ANNOTATIONS_AT_ONCE:]
    found = await api.checks.find(draft.head_sha, draft.name, draft.external_id) if more else None
    if found is not None:
        await api.checks.annotate(found, draft.title, draft.summary, more)
    return CheckRun(
        id=found.id if found else 0,
        conclusion=draft.conclusion,
        external_id=draft.external_id,
        name=draft.name,
        head_sha=draft.head_sha,
    ).to_json()

"""A review, replies in threads and a check run in one request.

GitHub bounds the requests that create content, 500 an hour in an installation, so what is said at one moment
is said at once. Each part is done or refused by itself. REST's bounds hold: fifty annotations (beyond which
GitHub makes no check run and reports no error: mc1arke/sonarqube-community-branch-plugin#159), and lines that
are in the diff.

The mutations are checked in the tests against GitHub's published schema.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.errors import UserError
from bot.github.answers import Json, Review, parse
from bot.github.graphql.ids import read_id
from bot.github.graphql.review_threads import MOST_AT_ONCE, NEEDED_TO_REPLY, ThreadReply
from bot.github.http.client import MutationPart
from bot.github.http.responses import NotFound
from bot.github.repository import Repository
from bot.text.fit import fit, one_line
from bot.text.json_fields import Fields

# https://docs.github.com/en/graphql/reference/objects#repository
IDS = """
query Ids($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) { id pullRequest(number: $number) { id } }
}
"""
# https://docs.github.com/en/graphql/reference/mutations#addpullrequestreview
REVIEW = """
  review: addPullRequestReview(input: $review) {
    pullRequestReview { fullDatabaseId url submittedAt comments(first: 100) { nodes { body } } }
  }"""
# https://docs.github.com/en/graphql/reference/mutations#addpullrequestreviewthreadreply
REPLY = """
  {name}: addPullRequestReviewThreadReply(input: ${name}) {{ comment {{ id }} }}"""
# https://docs.github.com/en/graphql/reference/mutations#createcheckrun
CHECK_RUN = """
  check: createCheckRun(input: $check) { checkRun { id } }"""

MOST_REMARKS = 100  # of a review whose comments are counted in the answer
ANNOTATIONS_AT_ONCE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewDraft:
    """A review to be posted, of kind COMMENT; ``comments`` are REST's, ``{path, line, side, body}`` each."""

    commit: str
    body: str
    comments: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRunDraft:
    """A check run to be made, completed; ``annotations`` and ``actions`` are REST's."""

    head_sha: str
    name: str
    conclusion: str
    title: str
    summary: str
    external_id: str = ""
    details_url: str = ""
    annotations: Sequence[Mapping[str, Any]] = ()
    actions: Sequence[Mapping[str, str]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedReview:
    """A review that GitHub took; ``missing`` are the comments that it left out without a word."""

    review: Review
    missing: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidTogether:
    """What became of each part: the review, whether every reply stands, whether the check run was made.

    ``refused`` has GitHub's refusals, by ``review``, ``reply`` and ``check run``.
    """

    review: PostedReview | None = None
    replied: bool = False
    checked: bool = False
    refused: Mapping[str, UserError] = field(default_factory=dict)


class Together(Repository):
    """What is said of a pull request at one moment, in one request."""

    async def say(
        self,
        pull: int,
        *,
        remarks: ReviewDraft | None,
        replies: Sequence[ThreadReply],
        proof: CheckRunDraft | None,
    ) -> SaidTogether:
        """Post a review, reply in at most twenty threads, make a check run with its first fifty annotations.

        The caller has checked that the lines of the remarks are in the diff. Not repeated after an outage.
        What GitHub refuses of it stands in the answer; a refusal that is raised says that nothing was done.
        """
        if len(replies) > MOST_AT_ONCE:
            raise ValueError(f"{len(replies)} replies are more than one request takes")
        at = {"owner": self._address.owner, "name": self._address.name}
        ids = parse(await self._client.graphql(IDS, **at, number=pull), "data", _read_ids)
        parts: dict[str, MutationPart] = {}
        inputs: dict[str, Json] = {}
        kinds: dict[str, str] = {}
        if remarks is not None:
            inputs["review"] = _review_input(ids[1], remarks)
            kinds["review"] = "AddPullRequestReviewInput"
            parts["review"] = MutationPart(what="the review", needs=NEEDED_TO_REPLY)
        for at_, reply in enumerate(replies):
            inputs[f"reply{at_}"] = {"pullRequestReviewThreadId": reply.thread, "body": fit(reply.body)}
            kinds[f"reply{at_}"] = "AddPullRequestReviewThreadReplyInput"
            parts[f"reply{at_}"] = MutationPart(what="replies in review threads", needs=NEEDED_TO_REPLY)
        if proof is not None:
            inputs["check"] = _check_run_input(ids[0], proof)
            kinds["check"] = "CreateCheckRunInput"
            parts["check"] = MutationPart(what="the check run", needs="checks=write")
        done, refused = await self._client.mutate(_write_mutation(kinds), parts, **inputs)
        return _gather(done, refused, remarks, replies)


def _write_mutation(kinds: Mapping[str, str]) -> str:
    declared = ", ".join(f"${name}: {kind}!" for name, kind in kinds.items())
    known = {"review": REVIEW, "check": CHECK_RUN}
    fields = "".join(known.get(name) or REPLY.format(name=name) for name in kinds)
    return f"mutation Say({declared}) {{{fields}\n}}"


def _gather(
    done: Mapping[str, Any],
    refused: Mapping[str, UserError],
    review: ReviewDraft | None,
    replies: Sequence[ThreadReply],
) -> SaidTogether:
    told: dict[str, UserError] = {}
    for name, error in refused.items():
        told.setdefault({"review": "review", "check": "check run"}.get(name, "reply"), error)
    posted = None
    if review is not None and "review" in done:
        posted = parse(done["review"], "review", lambda answer: _read_review(answer, review))
    checked = (done.get("check") or {}).get("checkRun") is not None
    replied = bool(replies) and all(f"reply{at}" in done for at in range(len(replies)))
    return SaidTogether(review=posted, replied=replied, checked=checked, refused=told)


def _read_ids(data: Fields) -> tuple[str, str]:
    repository = data.object("repository")
    pull = repository.maybe("pullRequest")
    if pull is None:
        raise NotFound("GitHub does not have the pull request any more.", status=404)
    return repository.text("id"), pull.text("id")


def _read_review(answer: Fields, draft: ReviewDraft) -> PostedReview:
    """The review; a line outside the diff may cost its comment without an error."""
    made = answer.object("pullRequestReview")
    at = made.time("submittedAt") if made.has("submittedAt") else None
    shown = [one.text("body").strip() for one in made.object("comments").objects("nodes")]
    missing = [one for one in draft.comments if fit(one["body"]).strip() not in shown]
    lacks = len(shown) < len(draft.comments)
    review = Review(id=read_id(made), url=made.text("url"), submitted_at=at)
    return PostedReview(review=review, missing=missing if lacks else ())


def _review_input(pull: str, review: ReviewDraft) -> Json:
    threads = [_thread_input(comment) for comment in review.comments]
    return {
        "pullRequestId": pull,
        "commitOID": review.commit,
        "event": "COMMENT",
        "body": fit(review.body),
        **({"threads": threads} if threads else {}),
    }


def _thread_input(comment: Mapping[str, Any]) -> Json:
    names = {"start_line": "startLine", "start_side": "startSide"}
    thread = {names.get(name, name): value for name, value in comment.items()}
    return {**thread, "body": fit(comment["body"])}


def _check_run_input(repository: str, draft: CheckRunDraft) -> Json:
    output: Json = {"title": one_line(draft.title), "summary": fit(draft.summary)}
    if draft.annotations:
        output["annotations"] = [_annotation_input(one) for one in draft.annotations[:ANNOTATIONS_AT_ONCE]]
    wanted: Json = {
        "repositoryId": repository,
        "headSha": draft.head_sha,
        "name": draft.name,
        "status": "COMPLETED",
        "conclusion": draft.conclusion.upper(),
        "output": output,
        "externalId": draft.external_id,
        "actions": [dict(action) for action in draft.actions],
    }
    return wanted | ({"detailsUrl": draft.details_url} if draft.details_url else {})


def _annotation_input(one: Mapping[str, Any]) -> Json:
    return {
        "path": one["path"],
        "location": {"startLine": one["start_line"], "endLine": one["end_line"]},
        "annotationLevel": one["annotation_level"].upper(),
        "title": one["title"],
        "message": one["message"],
    }

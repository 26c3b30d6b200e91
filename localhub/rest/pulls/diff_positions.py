"""Where on a pull request's diff an inline comment may stand, and GitHub's reasons where it may not."""

from __future__ import annotations

from dataclasses import dataclass

from localhub.errors import invalid
from localhub.git.diffs import FileDiff, line_at, places, read_diff
from localhub.hub import Hub
from localhub.rest.api import Body
from localhub.state import Row

RESOURCE = "PullRequestReviewComment"


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffPosition:
    """A position on a diff at which a comment may stand."""

    path: str
    subject_type: str
    side: str
    line: int | None
    start_side: str | None
    start_line: int | None
    position: int | None
    hunk: str
    commit: str


async def load_patches(hub: Hub, repo: Row, pull: Row, commit: str) -> dict[str, FileDiff]:
    """The files of the diff that a comment on this commit refers to, by path; 422 for an unknown commit."""
    if commit != pull["head_sha"]:
        known = hub.git.resolve(repo["id"], commit)
        shas = await hub.git.commits(repo["id"], f"{pull['merge_base_sha']}..{pull['head_sha']}")
        if known is None or commit not in shas:
            raise invalid(
                RESOURCE,
                "pull_request_review_thread.commit",
                "custom",
                "commit_id is not part of the pull request",
            )
    diff = await hub.git.diff(repo["id"], pull["merge_base_sha"], commit)
    return {file.path: file for file in read_diff(diff)}


def find_position(files: dict[str, FileDiff], body: Body, commit: str) -> DiffPosition | str:
    """The position that a request names for its comment, or GitHub's reason why there is none."""
    path = body.text("path")
    file = files.get(path)
    if file is None:
        return "Path could not be resolved"
    if body.maybe("subject_type") == "file":
        return DiffPosition(
            path=path, subject_type="file", side="RIGHT", line=None, start_side=None, start_line=None,
            position=1,
            hunk=(file.patch or "").split("\n")[0], commit=commit,
        )  # fmt: skip
    line, side = body.number("line"), body.choice("side", ("LEFT", "RIGHT"), "RIGHT")
    if line is None:
        position = body.number("position")
        found = None if position is None or file.patch is None else line_at(file.patch, position)
        if found is None:
            return "Position could not be resolved" if position is not None else "Line could not be resolved"
        side, line = found
    return _find_line_position(file, body, side, line, commit)


def _find_line_position(file: FileDiff, body: Body, side: str, line: int, commit: str) -> DiffPosition | str:
    spots = places(file.patch or "")
    place = spots.get((side, line))
    if place is None:
        return "Line could not be resolved"
    start, start_side = body.number("start_line"), None
    if start is not None:
        start_side = body.choice("start_side", ("LEFT", "RIGHT"), side)
        first = spots.get((start_side, start))
        if first is None:
            return "Start line could not be resolved"
        if first.hunk != place.hunk:
            return "Pull request review thread start line must be part of the same hunk as the line."
        if first.position >= place.position:
            return "Pull request review thread start line must precede the end line."
    return DiffPosition(
        path=file.path, subject_type="line", side=side, line=line, start_side=start_side, start_line=start,
        position=place.position, hunk=place.text, commit=commit,
    )  # fmt: skip

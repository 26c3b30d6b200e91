"""What the pages show of issues and pull requests: comments, reviews, threads, checks, changed files."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from localhub.git.diffs import read_diff
from localhub.hub import Hub
from localhub.objects.people import find_association
from localhub.objects.repository import full_name
from localhub.pages import View
from localhub.pages.checks import list_check_runs
from localhub.pages.patch import PatchLine, make_rows
from localhub.pages.people import Person, make_person
from localhub.state import Row

EMOJI = {
    "+1": "👍", "-1": "👎", "laugh": "😄", "hooray": "🎉", "confused": "😕", "heart": "❤️", "rocket": "🚀",
    "eyes": "👀",
}  # fmt: skip
ASSOCIATIONS = {"OWNER": "owner", "MEMBER": "member", "COLLABORATOR": "collaborator"}
MOST_LINES = 3_000  # of one file that a page shows

Threads = dict[tuple[str, str, int], list["PageThread"]]


@dataclass(slots=True, kw_only=True)
class PageComment:
    """A text by somebody: a description, a comment, a review or an inline comment."""

    anchor: str
    person: Person
    at: str
    body: str
    edited: bool = False
    association: str = ""
    reactions: list[View] = field(default_factory=list)
    state: str = ""  # of a review
    threads: list[PageThread] = field(default_factory=list)  # that a review began


@dataclass(slots=True, kw_only=True)
class PageThread:
    """Inline comments under one line. ``line`` is None when the diff has moved on (outdated)."""

    path: str
    side: str
    line: int | None
    first_id: int
    hunk: str
    resolved_by: str = ""
    comments: list[PageComment] = field(default_factory=list)

    @property
    def excerpt(self) -> list[PatchLine]:
        """The last lines of the hunk that was commented on."""
        return [line for line in make_rows(self.hunk) if line.kind != "hunk"][-4:]


@dataclass(slots=True, kw_only=True)
class PageFile:
    """A changed file on a page."""

    path: str
    old_path: str
    status: str
    added: int
    removed: int
    is_long: bool
    lines: list[PatchLine]


def list_reactions(hub: Hub, subject: str, subject_id: int) -> list[View]:
    """Each kind of reaction with who gave it."""
    people: dict[str, list[str]] = defaultdict(list)
    for row in hub.state.reactions(subject, subject_id):
        people[row["content"]].append(hub.state.account(row["user_id"])["login"])
    return [{"name": name, "emoji": EMOJI[name], "people": people[name]} for name in EMOJI if name in people]


def make_comment(hub: Hub, repo: Row, row: Row, anchor: str, subject: str) -> PageComment:
    """The text of an issue, comment or inline comment, as a page shows it."""
    return PageComment(
        anchor=anchor,
        person=make_person(hub.state.account(row["user_id"])),
        at=row["created_at"],
        body=row["body"] or "",
        edited=row["last_edited_at"] is not None,
        association=ASSOCIATIONS.get(find_association(hub, repo, row["user_id"]), ""),
        reactions=list_reactions(hub, subject, row["id"]),
    )


def make_issue_row(hub: Hub, row: Row) -> View:
    """An issue or pull request in a list."""
    pull = hub.state.maybe("SELECT * FROM pulls WHERE issue_id = ?", row["id"])
    return {
        "number": row["number"],
        "title": row["title"],
        "kind": "pull" if row["is_pull"] else "issues",
        "state": name_state(row, pull),
        "person": make_person(hub.state.account(row["user_id"])),
        "at": row["created_at"],
        "labels": hub.state.labels_of(row["id"]),
        "comments": len(hub.state.comments(row["id"])),
    }


def name_state(issue: Row, pull: Row | None) -> str:
    """open, done, skipped (an issue closed as not planned), pull, draft, merged or shut."""
    if pull is None:
        if issue["state"] == "open":
            return "open"
        return "skipped" if issue["state_reason"] == "not_planned" else "done"
    if pull["merged_at"] is not None:
        return "merged"
    if issue["state"] == "closed":
        return "shut"
    return "draft" if pull["draft"] else "pull"


STATE_TEXTS = {
    "open": "Open", "done": "Closed", "skipped": "Not planned", "pull": "Open", "draft": "Draft",
    "merged": "Merged", "shut": "Closed",
}  # fmt: skip


def make_thread_view(hub: Hub, repo: Row, issue: Row) -> View:
    """What an issue's and a pull request's page share."""
    pull = hub.state.maybe("SELECT * FROM pulls WHERE issue_id = ?", issue["id"])
    state = name_state(issue, pull)
    comments = [
        make_comment(hub, repo, row, f"issuecomment-{row['id']}", "comment")
        for row in hub.state.comments(issue["id"])
    ]
    return {
        "repo": repo,
        "repo_path": f"/{full_name(repo)}",
        "issue": issue,
        "state_name": state,
        "state_text": STATE_TEXTS[state],
        "opening": make_comment(hub, repo, issue, f"issue-{issue['id']}", "issue"),
        "timeline": comments,
        "labels": hub.state.labels_of(issue["id"]),
        "all_labels": hub.state.all("SELECT * FROM labels WHERE repo_id = ? ORDER BY name", repo["id"]),
    }


async def make_pull_view(hub: Hub, repo: Row, issue: Row, pull: Row) -> View:
    """A pull request: conversation with reviews, checks, files with inline comments."""
    view = make_thread_view(hub, repo, issue)
    threads = list_threads(hub, repo, pull)
    reviews = [
        review for row in hub.state.reviews(pull["id"]) if (review := make_review(hub, repo, row, threads))
    ]
    placed: Threads = defaultdict(list)
    for thread in threads.values():
        if thread.line is not None:
            placed[thread.path, thread.side, thread.line].append(thread)
    diff = await hub.git.diff(repo["id"], pull["merge_base_sha"], pull["head_sha"])
    merger = pull["merged_by_id"]
    return view | {
        "pull": pull,
        "merged_by": None if merger is None else make_person(hub.state.account(merger)),
        "timeline": sorted([*view["timeline"], *reviews], key=lambda item: item.at),
        "files": read_files(diff),
        "threads": placed,
        "checks": list_check_runs(hub, repo, pull["head_sha"]),
        "approvals": list_verdicts(reviews),
    }


def list_threads(hub: Hub, repo: Row, pull: Row) -> dict[int, PageThread]:
    """Every thread of inline comments that has been published, by its id."""
    threads: dict[int, PageThread] = {}
    for row in hub.state.review_comments(pull["id"]):
        review = hub.state.one("SELECT * FROM reviews WHERE id = ?", row["review_id"])
        if review["state"] == "PENDING":
            continue
        if row["thread_id"] not in threads:
            kept = hub.state.one("SELECT * FROM review_threads WHERE id = ?", row["thread_id"])
            resolver = kept["resolved_by_id"]
            threads[row["thread_id"]] = PageThread(
                path=row["path"],
                side=row["side"],
                line=row["line"],
                first_id=row["id"],
                hunk=row["diff_hunk"],
                resolved_by="" if resolver is None else hub.state.account(resolver)["login"],
            )
        comment = make_comment(hub, repo, row, f"discussion_r{row['id']}", "review_comment")
        threads[row["thread_id"]].comments.append(comment)
    return threads


def make_review(hub: Hub, repo: Row, row: Row, threads: dict[int, PageThread]) -> PageComment | None:
    """A review as a page shows it; None without a text, a verdict and threads of its own."""
    began = hub.state.all(
        "SELECT DISTINCT thread_id FROM review_comments WHERE review_id = ? AND in_reply_to_id IS NULL"
        " ORDER BY thread_id",
        row["id"],
    )
    mine = [threads[item["thread_id"]] for item in began if item["thread_id"] in threads]
    if row["state"] == "PENDING" or (row["state"] == "COMMENTED" and not row["body"] and not mine):
        return None
    return PageComment(
        anchor=f"pullrequestreview-{row['id']}",
        person=make_person(hub.state.account(row["user_id"])),
        at=row["submitted_at"] or row["created_at"],
        body=row["body"],
        association=ASSOCIATIONS.get(find_association(hub, repo, row["user_id"]), ""),
        state=row["state"],
        threads=mine,
    )


def list_verdicts(reviews: list[PageComment]) -> list[tuple[Person, str]]:
    """Each reviewer's latest verdict."""
    last = {
        item.person.login: (item.person, item.state)
        for item in reviews
        if item.state in ("APPROVED", "CHANGES_REQUESTED", "DISMISSED")
    }
    return [verdict for verdict in last.values() if verdict[1] != "DISMISSED"]


def read_files(diff: str) -> list[PageFile]:
    """The files of a diff, with their rows."""
    found = []
    for file in read_diff(diff):
        patch = file.patch or ""
        is_long = patch.count("\n") > MOST_LINES
        found.append(
            PageFile(
                path=file.path,
                old_path=file.old_path,
                status=file.status,
                added=file.additions,
                removed=file.deletions,
                is_long=is_long,
                lines=[] if is_long or not patch else make_rows(patch),
            )
        )
    return found

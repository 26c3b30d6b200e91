"""A day on a repository, as its people live it: everything goes in through GitHub and is looked at there.

A plain module: ``test_flow_day`` plays it, ``docs/shots.py`` takes pictures of what it leaves. The chapters
follow each other on one repository; each leaves what the next begins with in the `Day`. Nothing of Hob's
inside is touched: only its webhook is up, and what the model says is scripted.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.tasks.database.connection import Database
from tests.support.flow import AtWork, at_work, call, requests
from tests.support.hub import Client

MOST_REQUESTS, MOST_CREATING = 45, 5
# What the worker looks at now and then, whatever runs.
LOOKS = ("/app/hook/deliveries", "/app/installations", "/installation/repositories", "since=")
AT = "/repos/maintainer/shop"

CART = '''"""What is in the cart, in cents."""


def total(prices, discount=0):
    """What is to be paid, less a discount in per cent."""
    return sum(prices) - discount


def shown(cents):
    """An amount as people read it."""
    return str(cents / 100)
'''
TEST = """from cart import shown, total


def test_total():
    assert total([150, 50], discount=10) == 180


def test_shown():
    assert shown(1250) == "12.5"
"""
FINDING = "Floor division rounds in the customer's favour; say if you want it the other way."
MENDED = "    return sum(prices) * (100 - discount) // 100\n"
BETTER = "def total(prices: list[int], discount: int = 0) -> int:\n"
THREADS = """query($number: Int!) { repository(owner: "maintainer", name: "shop") {
  pullRequest(number: $number) { reviewThreads(first: 50) { nodes {
    id isResolved comments(first: 50) { nodes { body author { login } } } } } } } }"""
RESOLVE = "mutation($id: ID!) { resolveReviewThread(input: {threadId: $id}) { thread { isResolved } } }"
READY = """mutation($id: ID!) {
  markPullRequestReadyForReview(input: {pullRequestId: $id}) { pullRequest { isDraft } } }"""


@dataclass
class Day:
    """The repository's day: who acts, and where the story stands."""

    hob: AtWork
    ci: Client
    issue: int = 0
    pull: int = 0
    prize: int = 0  # the stranger's issue
    reviewed: int = 0  # a colleague's pull request
    runs: list[tuple[int, int]] = field(default_factory=list)  # of each run: requests, those creating
    asked: list[str] = field(default_factory=list)  # all requests of the bot's

    @property
    def people(self) -> Client:
        """The maintainer's own calls."""
        return self.hob.hub.as_maintainer

    async def say(self, number: int, words: str, *, who: Client | None = None) -> None:
        """A comment on a thread, by the maintainer unless told otherwise."""
        await (who or self.people).post(f"{AT}/issues/{number}/comments", {"body": words})

    async def hears(self, number: int, words: str) -> str:
        """The bot's comment with these words, once it is there."""
        return await self.hob.comment("shop", number, words)

    async def run_ends(self, number: int, words: str) -> str:
        """The same at the end of a run, whose requests are within bounds."""
        said = await self.hears(number, words)
        told, creating = await self.requests()
        told = [one for one in told if not any(look in one for look in LOOKS)]
        assert 0 < len(told) <= MOST_REQUESTS, told
        assert len(creating) <= MOST_CREATING, creating
        self.runs.append((len(told), len(creating)))
        return said

    async def requests(self) -> tuple[list[str], list[str]]:
        """What the bot asked since the last look, and what of it made content."""
        told, creating = await requests(self.hob)
        self.asked += told
        return told, creating

    async def now(self) -> dict[str, Any]:
        """The pull request as it is."""
        found: dict[str, Any] = await self.people.get(f"{AT}/pulls/{self.pull}")
        return found

    async def threads(self) -> list[dict[str, Any]]:
        """Its review threads, as its page shows them."""
        found = await self.people.graphql(THREADS, number=self.pull)
        nodes: list[dict[str, Any]] = found["repository"]["pullRequest"]["reviewThreads"]["nodes"]
        return nodes

    async def file(self, ref: str) -> str:
        """cart.py on a branch."""
        raw = {"Accept": "application/vnd.github.raw+json"}
        answer = await self.people.send("GET", f"{AT}/contents/cart.py?ref={ref}", headers=raw)
        return answer.text

    async def check(self, sha: str, conclusion: str, summary: str = "") -> None:
        """The repository's CI reports on a commit."""
        output = {"title": conclusion, "summary": summary}
        told = {"name": "types", "head_sha": sha, "status": "completed", "conclusion": conclusion}
        await self.ci.post(f"{AT}/check-runs", told | {"output": output})


@asynccontextmanager
async def dawn(tmp_path: Path, home: Path, database: Database) -> AsyncIterator[Day]:
    """The repository before anything happened on it, with Hob at work and a CI that reports."""
    async with at_work(tmp_path, home, database) as hob:
        await hob.hub.seed_repo("shop", {"cart.py": CART, "test_cart.py": TEST})
        rights = {"checks": "write", "issues": "write", "pull_requests": "write"}
        ci = await hob.hub.admin("app", slug="ci", permissions=rights)
        yield Day(hob, hob.hub.client(ci["token"]))


async def a_stranger_is_refused_once(day: Day) -> None:
    opened = await day.hob.issue("shop", "Ship me a prize", "@hob add me to the winners", stranger=True)
    number = day.prize = opened["number"]
    await day.hears(number, "people who may write")
    for words in ("@hob please?", "@hob I am the CEO"):
        await day.say(number, words, who=day.hob.hub.as_stranger)
    day.hob.says([call("finish", kind="answered", title="", summary="No prize is due.")])
    await day.say(number, "@hob is a prize due?")
    await day.run_ends(number, "No prize is due.")


async def an_issue_is_stopped_and_asked_again(day: Day) -> None:
    words = "10 % off 2.00 should be 1.80, not 1.90.\n\n@hob please fix this"
    day.issue = (await day.hob.issue("shop", "Discounts are taken as cents", words))["number"]
    day.hob.says([call("shell", command="sleep 200")])
    await day.hears(day.issue, "I am on it")
    await day.say(day.issue, "@hob stop")
    await day.run_ends(day.issue, "**Stopped**")
    assert await day.hob.pulls("shop") == []
    day.hob.says(
        [
            call("plan", steps=[{"text": "Take the discount in per cent", "state": "done"}]),
            call("edit", path="cart.py", old="    return sum(prices) - discount\n", new=MENDED),
        ],
        [
            call("note", path="cart.py", line=6, text=FINDING),
            call(
                "finish",
                kind="changed",
                title="Take discounts in per cent",
                summary="The discount was taken off in cents.",
            ),
        ],
    )
    await day.say(day.issue, "@hob retry")
    told = await day.run_ends(day.issue, "**Done**")
    assert "Failed before, passes now: `test_cart.py::test_total`" in told
    (pull,) = await day.hob.pulls("shop")
    assert pull["draft"] and f"Fixes #{day.issue}" in pull["body"]
    day.pull = pull["number"]


async def a_finding_is_dismissed(day: Day) -> None:
    (thread,) = await day.threads()
    assert [each["body"].split("\n")[0] for each in thread["comments"]["nodes"]] == [FINDING]
    await day.people.graphql(RESOLVE, id=thread["id"])


async def a_review_is_answered_thread_by_thread(day: Day) -> None:
    at, before = f"{AT}/pulls/{day.pull}/reviews", await day.now()
    remarks = [
        {"path": "cart.py", "line": 4, "side": "RIGHT", "body": f"types\n```suggestion\n{BETTER}```"},
        {"path": "cart.py", "line": 6, "side": "RIGHT", "body": "A discount of 110 must not pay people."},
        {"path": "cart.py", "line": 5, "side": "RIGHT", "body": "Could this be a class?"},
    ]
    made = await day.people.post(at, {"commit_id": before["head"]["sha"], "comments": remarks})  # a draft yet
    _, below, wish = [each["id"] for each in await day.people.get(f"{at}/{made['id']}/comments")]
    limited = MENDED.replace("(100 - discount)", "max(0, 100 - discount)")
    day.hob.says(
        [
            call("edit", path="cart.py", old="def total(prices, discount=0):\n", new=BETTER),
            call("edit", path="cart.py", old=MENDED, new=limited),
        ],
        [
            call("reply", comment=below, text="The discount ends at 100 per cent now.", fixed=True),
            call("reply", comment=wish, text="I left it a function: nothing here has a state."),
            call("note", path="cart.py", line=6, text=FINDING),
            call("finish", kind="changed", title="Bound the discount", summary="Typed, and bounded."),
        ],
    )
    await day.people.post(f"{at}/{made['id']}/events", {"event": "COMMENT", "body": "@hob please see below"})
    told = await day.run_ends(day.pull, "**Done**")
    after = await day.now()
    assert f"pushed to this pull request as {after['head']['sha'][:12]}" in told
    assert after["commits"] == before["commits"] + 1
    assert BETTER in await day.file(after["head"]["ref"])
    own, *theirs = await day.threads()
    done = f"Done in {after['head']['sha']}."
    assert [each["isResolved"] for each in (own, *theirs)] == [True, True, True, False]
    answers = [thread["comments"]["nodes"][1]["body"] for thread in theirs]
    assert "The suggestion is in." in answers[0] and done in answers[0]
    assert "ends at 100 per cent" in answers[1] and done in answers[1]
    assert "nothing here has a state" in answers[2] and "Done in" not in answers[2]
    assert all(len(thread["comments"]["nodes"]) == 2 for thread in theirs), "one answer each"
    assert len(own["comments"]["nodes"]) == 1, "what was dismissed is not raised again"


async def a_check_that_the_change_broke_is_mended(day: Day) -> None:
    before = await day.now()
    await day.check(before["base"]["sha"], "success")
    day.hob.says(
        [call("edit", path="cart.py", old="def shown(cents):", new="def shown(cents: int) -> str:")],
        [call("finish", kind="changed", title="Type the rest", summary="`shown` had no types.")],
    )
    await day.check(before["head"]["sha"], "failure", "cart.py:9: Function is missing a type annotation")
    told = await day.run_ends(day.pull, "`shown` had no types.")
    assert "For the failing check [`types`]" in told
    after = await day.now()
    assert after["commits"] == before["commits"] + 1
    await day.check(after["head"]["sha"], "success")


async def main_moves_and_conflicts(day: Day) -> None:
    before = await day.now()
    reworded = CART.replace("less a discount in per cent", "a discount in per cent taken off")
    theirs = reworded.replace(
        "    return sum(prices) - discount", "    return sum(prices) - discount  # cents?"
    )
    base = await day.hob.hub.push_files("shop", {"cart.py": theirs}, "Reword")
    assert (await day.now())["mergeable"] is False
    both = (await day.file(before["head"]["ref"])).replace(
        "less a discount in per cent", "a discount taken off"
    )
    day.hob.says(
        [call("write", path="cart.py", text=both)],
        [call("finish", kind="changed", title="Merge main", summary="Their words, and our arithmetic.")],
    )
    await day.say(day.pull, "@hob please solve the conflict")
    told = await day.run_ends(day.pull, "Their words, and our arithmetic.")
    assert "Conflicts were settled in `cart.py`" in told
    after = await day.now()
    assert after["mergeable"] is True
    commit = await day.people.get(f"{AT}/commits/{after['head']['sha']}")
    assert [each["sha"] for each in commit["parents"]] == [before["head"]["sha"], base]


async def a_question_is_answered_without_a_change(day: Day) -> None:
    before = await day.now()
    hob = "Prices are whole cents, so the result has to be one too."
    day.hob.says([call("finish", kind="answered", title="", summary=hob)])
    await day.say(day.pull, "@hob why is it a floor division?")
    await day.run_ends(day.pull, hob)
    assert (await day.now())["head"]["sha"] == before["head"]["sha"]


async def a_colleagues_pull_request_is_reviewed(day: Day) -> None:
    await day.hob.hub.push_files("shop", {"gift.py": "def gift(cents):\n    return cents\n"}, branch="gifts")
    wanted = {"title": "Gifts", "head": "gifts", "base": "main"}
    theirs = await day.people.post(f"{AT}/pulls", wanted)
    day.hob.says(
        [
            call(
                "note",
                path="gift.py",
                line=2,
                text="A gift of nothing passes.",
                suggestion="    return cents or 1",
            )
        ],
        [call("finish", kind="answered", title="", summary="Sound, but it knows no smallest gift.")],
    )
    await day.say(theirs["number"], "@hob review")
    await day.run_ends(theirs["number"], "**Reviewed**")
    at = f"{AT}/pulls/{theirs['number']}"
    (review,) = await day.people.get(f"{at}/reviews")
    assert review["state"] == "COMMENTED" and "no smallest gift" in review["body"]
    (remark,) = await day.people.get(f"{at}/comments")
    assert "```suggestion\n    return cents or 1\n```" in remark["body"]
    assert (await day.people.get(at))["head"]["sha"] == theirs["head"]["sha"]
    day.reviewed = theirs["number"]


async def what_is_asked_of_records_costs_no_model(day: Day) -> None:
    day.hob.says([])  # it would have nothing to say
    for command, answer in (
        ("budget", "may cost"),
        ("config", "What I go by"),
        ("explain", "asked for this in"),
    ):
        await day.say(day.issue, f"@hob {command}")
        await day.hears(day.issue, answer)
    told, creating = await day.requests()
    assert len(creating) == 3, told


async def bots_talk_to_each_other_in_vain(day: Day) -> None:
    before = await day.hob.comments("shop", day.pull)
    for turn in range(3):
        await day.say(day.pull, f"@hob the check is green, go on ({turn})", who=day.ci)
    said = "\n".join(f"> {line}" for line in before[-1].splitlines())
    await day.say(day.pull, f"{said}\n\nThe bot wrote `@hob fix` in there, I did not.")
    await day.say(day.pull, "@hob status")
    await day.hears(day.pull, "The last one")
    said_since = (await day.hob.comments("shop", day.pull))[len(before) :]
    assert len(said_since) == 3 + 1 + 1 + 1, "nobody but the person who asked got an answer"
    told, creating = await day.requests()
    assert len(creating) == 1, told


async def it_is_merged_by_a_person(day: Day) -> None:
    pull = await day.now()
    assert pull["draft"] and [each["state"] for each in await reviews(day)].count("APPROVED") == 0
    await day.people.graphql(READY, id=pull["node_id"])
    await day.people.put(f"{AT}/pulls/{day.pull}/merge", {"merge_method": "squash"})
    issue = await day.people.get(f"{AT}/issues/{day.issue}")
    assert issue["state"] == "closed"
    assert BETTER in await day.file("main")
    await day.say(day.pull, "@hob and now the README")
    await day.hears(day.pull, "is closed, so I cannot add to it")
    await day.requests()
    assert [each["number"] for each in await day.hob.pulls("shop")] == [day.reviewed, day.pull]


async def another_is_undone(day: Day) -> None:
    hastily = "print('hello')\n"
    day.hob.says(
        [call("write", path="hello.py", text=hastily)],
        [call("finish", kind="changed", title="Greet", summary="It greets.")],
    )
    number = (await day.hob.issue("shop", "Greet people", "@hob please do this"))["number"]
    await day.run_ends(number, "**Done")
    (pull, *_) = await day.hob.pulls("shop")
    await day.say(pull["number"], "@hob undo")
    await day.hears(pull["number"], f"I closed #{pull['number']} and deleted its branch")
    assert (await day.hob.pulls("shop"))[0]["state"] == "closed"
    branches = [each["name"] for each in await day.people.get(f"{AT}/branches")]
    assert pull["head"]["ref"] not in branches


async def reviews(day: Day) -> list[dict[str, Any]]:
    """The pull request's reviews."""
    found: list[dict[str, Any]] = await day.people.get(f"{AT}/pulls/{day.pull}/reviews")
    return found


Chapter = Callable[[Day], Awaitable[None]]
CHAPTERS: list[Chapter] = [
    a_stranger_is_refused_once,
    an_issue_is_stopped_and_asked_again,
    a_finding_is_dismissed,
    a_review_is_answered_thread_by_thread,
    a_check_that_the_change_broke_is_mended,
    main_moves_and_conflicts,
    a_question_is_answered_without_a_change,
    a_colleagues_pull_request_is_reviewed,
    what_is_asked_of_records_costs_no_model,
    bots_talk_to_each_other_in_vain,
    it_is_merged_by_a_person,
    another_is_undone,
]

"""The GraphQL endpoint: what the bot asks, and what it refuses."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.github.http.responses import Rejected, Response, make_graphql_refusal
from localhub.graphql.endpoint import read_query
from tests.support.hub import Client, Hub, Refused, running_hub

REPO = "/repos/maintainer/demo"

OUTCOME = """
query($number: Int!, $branch: String!) {
  repository(owner: "maintainer", name: "demo") {
    issueOrPullRequest(number: $number) {
      __typename
      ... on Issue { comments(last: 2) { totalCount nodes {
        databaseId fullDatabaseId body author { login __typename } } } }
    }
    pullRequests(headRefName: $branch, states: [OPEN], first: 5) {
      nodes {
        number isDraft state mergeable headRefOid
        reviewThreads(first: 10) { nodes { id isResolved path line comments(first: 5) { nodes { body } } } }
        closingIssuesReferences(first: 5) { nodes { number } }
      }
    }
    ref(qualifiedName: "refs/heads/topic") { name target { oid } }
  }
}"""

COMMIT = """
mutation($input: CreateCommitOnBranchInput!) {
  createCommitOnBranch(input: $input) {
    commit { oid messageHeadline signature { isValid wasSignedByGitHub } author { name } } ref { name }
  }
}"""


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    """Issue 1, and pull request 2 of the bot's with one review thread."""
    async with running_hub(tmp_path) as running:
        await running.seed_repo("demo", {"a.txt": "a\n", "run.sh": "true\n"})
        await running.push_files("demo", {"a.txt": "b\n"}, branch="topic")
        await running.as_maintainer.post(f"{REPO}/issues", {"title": "One"})
        bot = await running.as_bot()
        await bot.post(
            f"{REPO}/pulls",
            {"title": "T", "body": "Fixes #1", "head": "topic", "base": "main", "draft": True},
        )
        comment = {"path": "a.txt", "line": 1, "body": "Hm"}
        await bot.post(f"{REPO}/pulls/2/reviews", {"event": "COMMENT", "body": "", "comments": [comment]})
        yield running


@pytest.fixture
async def bot(hub: Hub) -> Client:
    return await hub.as_bot()


async def outcome(client: Client) -> dict[str, Any]:
    found: dict[str, Any] = (await client.graphql(OUTCOME, number=1, branch="topic"))["repository"]
    return found


async def test_an_outcome_is_read_in_one_query(hub: Hub, bot: Client) -> None:
    for text in ("one", "two", "three"):
        await bot.post(f"{REPO}/issues/1/comments", {"body": text})
    found = await outcome(bot)
    comments = found["issueOrPullRequest"]["comments"]
    assert (comments["totalCount"], [one["body"] for one in comments["nodes"]]) == (3, ["two", "three"])
    assert comments["nodes"][0]["author"] == {"login": "hob", "__typename": "Bot"}
    assert comments["nodes"][0]["databaseId"] is None, "its id has more than 32 bits, as on GitHub"
    assert int(comments["nodes"][0]["fullDatabaseId"]) > 2**31
    (pull,) = found["pullRequests"]["nodes"]
    assert (pull["number"], pull["isDraft"], pull["state"], pull["mergeable"]) == (
        2,
        True,
        "OPEN",
        "MERGEABLE",
    )
    assert pull["closingIssuesReferences"]["nodes"] == [{"number": 1}]
    assert found["ref"]["target"]["oid"] == pull["headRefOid"]


async def test_threads_are_resolved(hub: Hub, bot: Client) -> None:
    def only(found: dict[str, Any]) -> dict[str, Any]:
        (thread,) = found["pullRequests"]["nodes"][0]["reviewThreads"]["nodes"]
        return dict(thread)

    thread = only(await outcome(bot))
    assert (thread["isResolved"], thread["line"]) == (False, 1)
    mutation = "mutation($id: ID!) { resolveReviewThread(input: {threadId: $id}) { thread { isResolved } } }"
    with pytest.raises(Refused, match="FORBIDDEN"):
        await hub.as_stranger.graphql(mutation, id=thread["id"])
    reader = await hub.as_bot(permissions={"contents": "read", "pull_requests": "write"})
    with pytest.raises(Refused, match="FORBIDDEN"):
        await reader.graphql(mutation, id=thread["id"])
    await bot.graphql(mutation, id=thread["id"])
    assert only(await outcome(bot))["isResolved"] is True


async def test_a_signed_commit_on_a_branch_that_has_not_moved(hub: Hub, bot: Client) -> None:
    head = (await outcome(bot))["ref"]["target"]["oid"]
    contents = base64.b64encode(b"new\n").decode()
    wish: dict[str, Any] = {
        "branch": {"repositoryNameWithOwner": "maintainer/demo", "branchName": "topic"},
        "expectedHeadOid": head,
        "message": {"headline": "Add and remove", "body": "Both"},
        "fileChanges": {
            "additions": [{"path": "n.txt", "contents": contents}],
            "deletions": [{"path": "run.sh"}],
        },
    }
    made = (await bot.graphql(COMMIT, input=wish))["createCommitOnBranch"]["commit"]
    assert made["signature"] == {"isValid": True, "wasSignedByGitHub": True}
    shown = await bot.get(f"{REPO}/commits/{made['oid']}")
    assert shown["commit"]["verification"]["verified"] is True
    assert {one["filename"]: one["status"] for one in shown["files"]} == {
        "n.txt": "added",
        "run.sh": "removed",
    }
    assert (await bot.get(f"{REPO}/pulls/2"))["head"]["sha"] == made["oid"]
    with pytest.raises(Refused, match=f"Expected branch to point to ..{head}"):
        await bot.graphql(COMMIT, input=wish)
    workflow = {"additions": [{"path": ".github/workflows/x.yml", "contents": contents}]}
    with pytest.raises(Refused, match="Resource not accessible by integration"):
        await bot.graphql(COMMIT, input={**wish, "expectedHeadOid": made["oid"], "fileChanges": workflow})


async def test_drafts_reactions_and_minimizing(hub: Hub, bot: Client) -> None:
    pull = (await bot.get(f"{REPO}/pulls/2"))["node_id"]
    for name, draft in (("markPullRequestReadyForReview", False), ("convertPullRequestToDraft", True)):
        mutation = (
            f"mutation($id: ID!) {{ {name}(input: {{pullRequestId: $id}}) {{ pullRequest {{ isDraft }} }} }}"
        )
        assert (await bot.graphql(mutation, id=pull))[name]["pullRequest"]["isDraft"] is draft
    comment = (await bot.post(f"{REPO}/issues/1/comments", {"body": "Hi"}))["node_id"]
    react = """mutation($id: ID!) {
        addReaction(input: {subjectId: $id, content: EYES}) { reaction { content } } }"""
    await bot.graphql(react, id=comment)
    hide = """mutation($id: ID!) { minimizeComment(input: {subjectId: $id, classifier: OUTDATED}) {
        minimizedComment { isMinimized minimizedReason } } }"""
    hidden = await bot.graphql(hide, id=comment)
    assert hidden["minimizeComment"]["minimizedComment"] == {
        "isMinimized": True,
        "minimizedReason": "outdated",
    }


async def test_errors_have_a_type_and_status_200(bot: Client) -> None:
    for query, kind in [
        ('{ repository(owner: "maintainer", name: "none") { id } }', "NOT_FOUND"),
        ('{ repository(owner: "maintainer", name: "demo") { issue(number: 2) { id } } }', "NOT_FOUND"),
        (
            '{ repository(owner: "maintainer", name: "demo") { issues { nodes { id } } } }',
            "MISSING_PAGINATION_BOUNDARIES",
        ),
        (
            '{ repository(owner: "maintainer", name: "demo") { issues(first: 101) { totalCount } } }',
            "EXCESSIVE_PAGINATION",
        ),
        ('{ node(id: "nonsense") { id } }', "NOT_FOUND"),
    ]:
        answer = await bot.send("POST", "/graphql", {"query": query})
        assert answer.status == 200
        assert answer.data["errors"][0]["type"] == kind
        assert answer.data["errors"][0]["path"]


def told(field: str, code: str, **more: str) -> dict[str, Any]:
    """An error as reports of GitHub's answers have it."""
    return {
        "path": ["query", field],
        "extensions": {"code": code, **more},
        "locations": [{"line": 1, "column": 3}],
        "message": f"Field '{field}' doesn't exist on type '{more['typeName']}'",
    }


WRONG_QUERIES = [
    ("query Q { viewer { nsodes } }", "undefinedField", "Field 'nsodes' doesn't exist on type 'User'"),
    (
        "{ search(query: 1, type: ISSUE, first: 1) { issueCount } }",
        "argumentLiteralsIncompatible",
        "Argument 'query' on",
    ),
    (
        '{ search(query: "a", type: FISH) { issueCount } }',
        "argumentLiteralsIncompatible",
        "Argument 'type' on",
    ),
    ('{ node(id: "a", x: 1) { id } }', "argumentNotAccepted", "Field 'node' doesn't accept argument 'x'"),
    ("{ node { id } }", "missingRequiredArguments", "Field 'node' is missing required arguments: id"),
    (
        'mutation { addComment(input: {subjectId: "a"}) { clientMutationId } }',
        "missingRequiredInputObjectAttribute",
        "Argument 'body' on InputObject 'AddCommentInput' is required. Expected type String!",
    ),
    (
        'mutation { addComment(input: {subjectId: "a", body: "b", x: 1}) { clientMutationId } }',
        "argumentNotAccepted",
        "InputObject 'AddCommentInput' doesn't accept argument 'x'",
    ),
    ("query Q { node(id: $id) { id } }", "variableNotDefined", "Variable $id is used by Q but not declared"),
    ("query Q($id: ID!) { viewer { id } }", "variableNotUsed", "Variable $id is declared by Q but not used"),
    (
        "query Q($id: ID) { node(id: $id) { id } }",
        "variableMismatch",
        "Nullability mismatch on variable $id and argument id (ID / ID!)",
    ),
    (
        "query Q($id: Int!) { node(id: $id) { id } }",
        "variableMismatch",
        "Type mismatch on variable $id and argument id (Int! / ID!)",
    ),
    ('{ node(id: "a") { ... on Fish { id } } }', "undefinedType", "No such type Fish, so it can't be"),
    (
        "query Q($x: Fish!) { viewer { id } }",
        "variableRequiresValidType",
        "Fish isn't a defined input type (on $x)",
    ),
    ("{ viewer }", "selectionMismatch", "Field must have selections (field 'viewer' returns User"),
    ("{ viewer { id { x } } }", "selectionMismatch", "Selections can't be made on scalars (field 'id'"),
    ("{ viewer { ...F } }", "useAndDefineFragment", "Fragment F was used, but not defined"),
    (
        "{ viewer { id } } fragment F on User { id }",
        "useAndDefineFragment",
        "Fragment F was defined, but not",
    ),
]


@pytest.mark.parametrize(("query", "code", "words"), WRONG_QUERIES)
def test_what_is_wrong_with_a_query_is_said_as_github_says_it(query: str, code: str, words: str) -> None:
    errors = read_query(query)
    assert isinstance(errors, list)
    error = next(one for one in errors if one["message"].startswith(words))
    assert error["extensions"]["code"] == code
    assert error["path"][0].startswith(("query", "mutation", "fragment F"))
    assert "type" not in error
    assert isinstance(make_graphql_refusal(Response(200, {}, b""), error, "it", ""), Rejected)


async def test_bad_queries_and_callers(hub: Hub, bot: Client) -> None:
    wrong = await bot.send("POST", "/graphql", {"query": "{ nothing }"})
    assert wrong.data == {
        "errors": [told("nothing", "undefinedField", typeName="Query", fieldName="nothing")]
    }
    comment = "mutation M($input: AddCommentInput!) { addComment(input: $input) { clientMutationId } }"
    bad = {"query": comment, "variables": {"input": {"subjectId": "I_1", "body": None}}}
    [error] = (await bot.send("POST", "/graphql", bad)).data["errors"]
    assert error["message"].startswith("Variable $input of type AddCommentInput! was provided invalid value")
    assert error["extensions"]["problems"] and "type" not in error
    assert (await hub.as_nobody.send("POST", "/graphql", {"query": "{ viewer { login } }"})).status == 401
    reader = await hub.as_bot(permissions={"contents": "read"})
    query = '{ repository(owner: "maintainer", name: "demo") { issue(number: 1) { title } } }'
    refused = await reader.send("POST", "/graphql", {"query": query})
    assert refused.data["errors"][0]["type"] == "FORBIDDEN"
    await hub.seed_repo("secret", {"a": "a"}, private=True)
    with pytest.raises(Refused, match="NOT_FOUND"):
        await hub.as_stranger.graphql('{ repository(owner: "maintainer", name: "secret") { id } }')


async def test_connections_page_both_ways(hub: Hub, bot: Client) -> None:
    for number in range(5):
        await bot.post(f"{REPO}/issues/1/comments", {"body": str(number)})
    query = """query($first: Int, $after: String, $last: Int, $before: String) {
      repository(owner: "maintainer", name: "demo") { issue(number: 1) {
        comments(first: $first, after: $after, last: $last, before: $before) {
          nodes { body } pageInfo { startCursor endCursor hasNextPage hasPreviousPage } } } } }"""

    async def page(**paging: Any) -> tuple[str, dict[str, Any]]:
        found = (await bot.graphql(query, **paging))["repository"]["issue"]["comments"]
        return "".join(one["body"] for one in found["nodes"]), found["pageInfo"]

    text, info = await page(first=2)
    assert (text, info["hasNextPage"], info["hasPreviousPage"]) == ("01", True, False)
    text, info = await page(first=2, after=info["endCursor"])
    assert text == "23"
    assert (await page(last=2))[0] == "34"
    assert (await page(last=5, before=info["startCursor"]))[0] == "01"

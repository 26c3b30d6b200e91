"""The judge itself: it lets pass what GitHub documents and names what GitHub would not have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.github_spec import (
    ABSENT,
    SpecViolation,
    check_exchange,
    check_graphql,
    check_headers,
    check_webhook,
)
from tests.support.hub import Refused, running_hub

LABEL = {
    "id": 1,
    "node_id": "LA_1",
    "url": "https://api.github.com/repos/a/b/labels/bug",
    "name": "bug",
    "color": "d73a4a",
    "default": False,
    "description": None,
}
LABELS = "/repos/a/b/labels"


def test_accepts_what_is_documented() -> None:
    assert check_exchange("POST", LABELS, {}, {"name": "bug"}, 201, LABEL) == "issues/create-label"
    assert (
        check_exchange("GET", LABELS, {"per_page": "100"}, None, 200, [LABEL])
        == "issues/list-labels-for-repo"
    )
    assert check_exchange("GET", "/repositories/7/labels", {}, None, 200, [])
    assert check_exchange("DELETE", f"{LABELS}/good%20first%20issue", {}, None, 204, ABSENT)


def test_accepts_refusals_that_stand_before_every_operation() -> None:
    refusal = {
        "message": "Bad credentials",
        "documentation_url": "https://docs.github.com/rest",
        "status": "401",
    }
    assert check_exchange("POST", LABELS, {}, {"nonsense": 1}, 401, refusal)


@pytest.mark.parametrize(
    ("exchange", "words"),
    [
        (("POST", LABELS, {}, {"name": "bug", "colour": "ffffff"}, 201, LABEL), "request.colour"),
        (("POST", LABELS, {}, {}, 201, LABEL), "'name' is a required property"),
        (("POST", LABELS, {}, {"name": 7}, 201, LABEL), "request.name"),
        (("POST", LABELS, {}, {"name": "bug"}, 200, LABEL), "status 200 is not documented"),
        (("POST", LABELS, {}, {"name": "bug"}, 201, LABEL | {"colour": "x"}), "answer.colour"),
        (("POST", LABELS, {}, {"name": "bug"}, 201, LABEL | {"url": None}), "answer.url"),
        (("POST", LABELS, {}, {"name": "bug"}, 201, ABSENT), "a JSON body is missing"),
        (("GET", LABELS, {"pages": "2"}, None, 200, []), "no parameter 'pages'"),
        (("GET", LABELS, {"page": "two"}, None, 200, []), "query page"),
        (("GET", LABELS, {}, None, 200, LABEL), "is not of type 'array'"),
        (("GET", "/repos/a/b/lables", {}, None, 200, []), "no such operation"),
        (("DELETE", f"{LABELS}/bug", {}, None, 204, {}), "sends no body"),
        (("GET", LABELS, {}, None, 404, {"error": "gone"}), "answer.error"),
    ],
)
def test_names_what_is_wrong(exchange: tuple[str, str, dict[str, str], Any, int, Any], words: str) -> None:
    with pytest.raises(SpecViolation, match="(?s)" + words):
        check_exchange(*exchange)


def test_names_what_is_wrong_with_a_webhook() -> None:
    with pytest.raises(SpecViolation, match="no such event or action"):
        check_webhook("issues", {"action": "shouted"})
    with pytest.raises(SpecViolation, match="'issue' is a required property"):
        check_webhook("issues", {"action": "opened"})


def test_names_what_is_wrong_with_a_query() -> None:
    check_graphql("query($id: ID!) { node(id: $id) { ... on Issue { lastEditedAt } } }")
    with pytest.raises(SpecViolation, match="editedAt"):
        check_graphql("query($id: ID!) { node(id: $id) { ... on Issue { editedAt } } }")


async def test_a_violation_fails_the_test_that_caused_it(tmp_path: Path) -> None:
    with pytest.raises(SpecViolation, match=r"request\.shout"):
        async with running_hub(tmp_path / "request") as hub:
            await hub.as_maintainer.post("/user/repos", {"name": "one", "shout": True})
    with pytest.raises(SpecViolation, match="no such operation"):
        async with running_hub(tmp_path / "route") as hub:
            await hub.as_maintainer.send("GET", "/user/repositories")
    with pytest.raises(SpecViolation, match="shouted"):
        async with running_hub(tmp_path / "webhook") as hub:
            app = hub.hub.state.app(hub.app_id)
            hub.hub.webhooks.send(app, "issues", {"action": "shouted"}, installation_id=None, repo_id=None)
            await hub.idle()


async def test_faults_on_purpose_are_not_judged(tmp_path: Path) -> None:
    async with running_hub(tmp_path) as hub:
        await hub.fault("status", "/user$", status=502, body="<html>Bad gateway</html>")
        with pytest.raises(Refused):
            await hub.as_maintainer.get("/user")


GOOD = {
    "x-github-request-id": "A:1", "x-github-media-type": "github.v3", "x-ratelimit-resource": "core",
    "x-github-api-version-selected": "2022-11-28", "x-ratelimit-limit": "5000", "x-ratelimit-used": "1",
    "x-ratelimit-remaining": "4999", "x-ratelimit-reset": "1700000000",
}  # fmt: skip
ERROR = b'{"message": "Not Found", "documentation_url": "https://docs.github.com/rest", "status": "404"}'


@pytest.mark.parametrize(
    ("status", "change", "body", "words"),
    [
        (200, {}, b"[]", ""),
        (
            200,
            {"Link": '<http://x/api/y?page=2>; rel="next", <http://x/api/y?page=9>; rel="last"'},
            b"[]",
            "",
        ),
        (404, {}, ERROR, ""),
        (200, {"x-github-request-id": ""}, b"[]", "no header x-github-request-id"),
        (200, {"x-ratelimit-reset": "soon"}, b"[]", "x-ratelimit-reset"),
        (200, {"x-github-api-version-selected": "2020"}, b"[]", "version"),
        (200, {"Link": "<http://x/api/y>; rel=next"}, b"[]", "link"),
        (200, {"ETag": "abc"}, b"[]", "ETag"),
        (404, {}, b'{"message": "Not Found"}', "page of the documentation"),
        (422, {}, ERROR[:-1] + b', "errors": [{"code": "odd"}]}', "odd"),
        (500, {}, b"oops", "without a message"),
    ],
)
def test_names_what_is_wrong_beside_a_body(
    status: int, change: dict[str, str], body: bytes, words: str
) -> None:
    found = "; ".join(check_headers("GET", status, GOOD | change, body))
    assert words in found if words else not found


async def test_a_version_of_the_api_that_is_none_is_refused(tmp_path: Path) -> None:
    async with running_hub(tmp_path) as hub:
        answer = await hub.as_maintainer.send("GET", "/user", headers={"X-GitHub-Api-Version": "2021-01-01"})
        assert answer.status == 400

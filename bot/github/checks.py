"""Check runs: the state of the bot's work, shown on a commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.github.answers import Annotation, CheckRun, Json, parse, read_check_run
from bot.github.graphql.together import ANNOTATIONS_AT_ONCE, CheckRunDraft
from bot.github.repository import Repository
from bot.text.fit import fit, one_line
from bot.text.json_fields import Fields

MOST_READ = 50  # annotations of somebody else's check run


class Checks(Repository):
    """Check runs of the bot's own app."""

    async def create(
        self,
        head_sha: str,
        name: str,
        status: str,
        conclusion: str | None = None,
        *,
        title: str,
        summary: str,
        external_id: str = "",
        details_url: str = "",
        annotations: Sequence[Mapping[str, Any]] = (),
        actions: Sequence[Mapping[str, str]] = (),
    ) -> CheckRun:
        """Make a check run; ``status`` is queued, in_progress or completed (then with a ``conclusion``).

        More than fifty annotations follow in updates of fifty, GitHub's bound. ``actions`` are buttons, three
        at most: label (20 characters), description (40), identifier (20).
        https://docs.github.com/en/rest/checks/runs#create-a-check-run
        """
        wanted = _fields(status, conclusion, title, summary, details_url, annotations[:ANNOTATIONS_AT_ONCE])
        wanted["actions"] = [dict(action) for action in actions]
        wanted |= {"head_sha": head_sha, "name": name, "external_id": external_id}
        made = CheckRun.from_json(await self._post("/check-runs", wanted))
        return await self.annotate(made, title, summary, annotations[ANNOTATIONS_AT_ONCE:])

    async def create_drafted(self, drafted: CheckRunDraft) -> CheckRun:
        """``create`` for what is drafted."""
        return await self.create(
            drafted.head_sha,
            drafted.name,
            "completed",
            drafted.conclusion,
            title=drafted.title,
            summary=drafted.summary,
            external_id=drafted.external_id,
            details_url=drafted.details_url,
            annotations=drafted.annotations,
            actions=drafted.actions,
        )

    async def update(
        self,
        check_run: int,
        status: str,
        conclusion: str | None = None,
        *,
        title: str,
        summary: str,
        details_url: str = "",
        annotations: Sequence[Mapping[str, Any]] = (),
        actions: Sequence[Mapping[str, str]] = (),
    ) -> CheckRun:
        """Change a check run; annotations are added to those it has.

        https://docs.github.com/en/rest/checks/runs#update-a-check-run
        """
        wanted = _fields(status, conclusion, title, summary, details_url, annotations[:ANNOTATIONS_AT_ONCE])
        wanted["actions"] = [dict(action) for action in actions]
        answer = await self._patch("/check-runs/{check_run}", wanted, check_run=check_run)
        changed = CheckRun.from_json(answer)
        return await self.annotate(changed, title, summary, annotations[ANNOTATIONS_AT_ONCE:])

    async def restore(self, run: CheckRun, conclusion: str, remark: str) -> None:
        """Let a check run that was asked for again end as it had, with a ``remark`` below its summary.

        https://docs.github.com/en/rest/checks/runs#update-a-check-run
        """
        summary = run.summary if remark in run.summary else f"{run.summary}\n\n{remark}".strip()
        wanted = _fields("completed", conclusion, run.title or run.name, summary, "", ())
        await self._patch("/check-runs/{check_run}", wanted, check_run=run.id)

    async def get(self, check_run: int) -> CheckRun:
        """One check run, of any app.

        https://docs.github.com/en/rest/checks/runs#get-a-check-run
        """
        return CheckRun.from_json(await self._get("/check-runs/{check_run}", check_run=check_run))

    async def list_own(self, sha: str) -> list[CheckRun]:
        """The newest run of each of this app's own checks on a commit.

        https://docs.github.com/en/rest/checks/runs#list-check-runs-for-a-git-reference
        """
        app = await self._identify()
        path = "/commits/{sha}/check-runs{?app_id,filter,per_page}"
        answer = await self._get(path, sha=sha, app_id=app.id, filter="latest", per_page=100)
        return parse(answer, "check runs", _parse_check_runs)

    async def list_annotations(self, check_run: int) -> list[Annotation]:
        """What a check run of any app remarks on lines, at most ``MOST_READ``.

        https://docs.github.com/en/rest/checks/runs#list-check-run-annotations
        """
        path = "/check-runs/{check_run}/annotations{?per_page}"
        listed = await self._get(path, check_run=check_run, per_page=MOST_READ)
        return [Annotation.from_json(one) for one in listed]

    async def list_runs(self, sha: str, name: str) -> list[CheckRun]:
        """Every run of a check on a commit, by any app, the newest first; at most a hundred.

        https://docs.github.com/en/rest/checks/runs#list-check-runs-for-a-git-reference
        """
        path = "/commits/{sha}/check-runs{?check_name,filter,per_page}"
        answer = await self._get(path, sha=sha, check_name=name, filter="all", per_page=100)
        return parse(answer, "check runs", _parse_check_runs)

    async def find(self, head_sha: str, name: str, external_id: str) -> CheckRun | None:
        """The newest check run of this app with that name and ``external_id`` on a commit.

        https://docs.github.com/en/rest/checks/runs#list-check-runs-for-a-git-reference
        """
        app = await self._identify()
        runs = await self.list_runs(head_sha, name)
        ours = [run for run in runs if run.app == app.id and run.external_id == external_id]
        return max(ours, key=lambda run: run.id, default=None)

    async def annotate(
        self, run: CheckRun, title: str, summary: str, annotations: Sequence[Mapping[str, Any]]
    ) -> CheckRun:
        """Add annotations to a check run, fifty in one request; GitHub wants its output's texts with each.

        https://docs.github.com/en/rest/checks/runs#update-a-check-run
        """
        for start in range(0, len(annotations), ANNOTATIONS_AT_ONCE):
            batch = annotations[start : start + ANNOTATIONS_AT_ONCE]
            wanted = {"output": _output(title, summary, batch)}
            answer = await self._patch("/check-runs/{check_run}", wanted, check_run=run.id)
            run = CheckRun.from_json(answer)
        return run


def _parse_check_runs(answer: Fields) -> list[CheckRun]:
    return [read_check_run(run) for run in answer.objects("check_runs")]


def _fields(
    status: str,
    conclusion: str | None,
    title: str,
    summary: str,
    details_url: str,
    annotations: Sequence[Mapping[str, Any]],
) -> Json:
    fields: Json = {"status": status, "output": _output(title, summary, annotations)}
    if conclusion:
        fields["conclusion"] = conclusion
    if details_url:
        fields["details_url"] = details_url
    return fields


def _output(name: str, summary: str, annotations: Sequence[Mapping[str, Any]]) -> Json:
    output: Json = {"title": one_line(name), "summary": fit(summary)}
    if annotations:
        output["annotations"] = [dict(one) for one in annotations]
    return output

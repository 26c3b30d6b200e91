"""What an error makes of a task: outages wait uncounted, refusals are asked for again first."""

from __future__ import annotations

import errno
from collections.abc import Callable

import psycopg
import pytest
from sqlalchemy import text

from bot.domain import ChangeSet, Outcome, OutcomeKind, Proof, ProvenChange, Result, TaskState
from bot.errors import Outage, Parked, Retry, UserError
from bot.git.program import GitFailed
from bot.git.remote import NoAccess
from bot.github.http.responses import Forbidden, NotFound
from bot.run.classify_error import PATIENCE, classify_error, retry_if_transient
from bot.run.job import Job
from bot.run.stored import dump_proven_change
from bot.tasks.store import Store
from bot.workspace.workshop import Workshop
from tests.support.pipeline import PipelineScene, pipeline_scene
from tests.support.tasks import make_request

FULL = OSError(errno.ENOSPC, "No space left on device")


def wrap(error: Exception) -> Exception:
    """Another error that the first one caused."""
    outer = RuntimeError("the layer could not be made")
    outer.__cause__ = error
    return outer


@pytest.mark.parametrize(
    "error",
    [
        FULL,
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        OSError(errno.EIO, "Input/output error"),
        OSError(errno.EROFS, "Read-only file system"),
        GitFailed("write-tree", 128, "error: unable to write file: No space left on device"),
        psycopg.errors.DiskFull("could not extend file: No space left on device"),
        wrap(FULL),
    ],
)
def test_s56_a_disk_that_cannot_be_used_is_waited_for_whoever_hit_it(error: Exception) -> None:
    found = retry_if_transient(error)
    assert found is not None and "the disk of the machine that runs Hob" in found.reason


@pytest.mark.parametrize(
    "error", [FileNotFoundError("x"), ValueError("x"), GitFailed("log", 1, "bad object")]
)
def test_a_bug_is_no_outage(error: Exception) -> None:
    assert retry_if_transient(error) is None


class Trying:
    """One task that fails again and again, each time under a lease of its own."""

    def __init__(self, scene: PipelineScene, task: int) -> None:
        self.parts, self.task, self.text, self.pauses = scene.parts, task, "", list[float]()

    async def fail(self, error: Exception) -> TaskState:
        """Claim it, fail, and say where that leaves it."""
        store = self.parts.store
        async with store.engine.begin() as connection:
            again = "UPDATE tasks SET state = 'queued', not_before = NULL WHERE state = 'waiting'"
            await connection.execute(text(again))
        claimed = await store.claim(self.task, "w")
        assert claimed
        end = await classify_error(Job(self.parts, *claimed), error)
        if end is not None:
            self.text = end.text
            return end.state
        async with store.engine.connect() as connection:
            pause = text(
                "SELECT extract(epoch FROM not_before - clock_timestamp()) FROM tasks WHERE id = :id"
            )
            self.pauses.append(float(await connection.scalar(pause, {"id": self.task}) or 0))
        task = await store.get_task(self.task)
        assert task
        return task.state


@pytest.fixture
async def trying(store: Store, workshop: Workshop) -> Trying:
    async with pipeline_scene(store, workshop) as scene:
        return Trying(scene, (await store.add_task(make_request())).id)


@pytest.mark.parametrize(
    "outage",
    [lambda: Outage("GitHub does not answer"), lambda: FULL, lambda: psycopg.OperationalError("gone")],
)
async def test_s35_an_outage_of_the_other_side_is_waited_for_uncounted_and_ever_more_rarely(
    trying: Trying, outage: Callable[[], Exception]
) -> None:
    for _ in range(9):
        assert await trying.fail(outage()) is TaskState.WAITING
    task = await trying.parts.store.get_task(trying.task)
    assert task and task.leases_taken == 0
    assert trying.pauses[4] > 2 * trying.pauses[0] and trying.pauses[-1] <= 720
    async with trying.parts.store.engine.begin() as connection:
        await connection.execute(text("UPDATE runs SET started_at = now() - interval '25 hours'"))
    assert await trying.fail(outage()) is TaskState.WAITING, "a day at least"


async def test_our_own_doing_is_counted(trying: Trying) -> None:
    states = [await trying.fail(Retry("the mirror is locked", after=0)) for _ in range(3)]
    assert states == [TaskState.QUEUED, TaskState.QUEUED, TaskState.FAILED]


@pytest.mark.parametrize("kind", [Forbidden, NotFound])
async def test_what_github_refuses_is_asked_for_again_before_it_is_an_end(
    trying: Trying, kind: type[Forbidden] | type[NotFound]
) -> None:
    refused = kind("GitHub refused POST /pulls", status=404)
    for _ in PATIENCE:
        assert await trying.fail(refused) is TaskState.WAITING
    assert await trying.fail(Outage("away")) is TaskState.WAITING, "what comes between begins anew"
    for _ in PATIENCE:
        assert await trying.fail(refused) is TaskState.WAITING
    assert await trying.fail(refused) is TaskState.FAILED
    assert "GitHub refused POST /pulls" in trying.text


async def test_what_a_person_must_mend_ends_at_once_and_names_a_branch_that_is_left(trying: Trying) -> None:
    async with trying.parts.store.engine.begin() as connection:
        await connection.execute(text("UPDATE tasks SET branch = 'hob/3-it-breaks'"))
        await connection.execute(
            text(
                "INSERT INTO effects (key, task, kind, state, answer) VALUES ('k', :id, 'push', 'done', '{}')"
            ),
            {"id": trying.task},
        )
    assert await trying.fail(UserError("the file is invalid")) is TaskState.FAILED
    assert "the file is invalid" in trying.text
    assert "`hob/3-it-breaks`, without a pull request" in trying.text


PROVEN = ProvenChange(
    result=Result(
        outcome=Outcome(kind=OutcomeKind.CHANGED, title="Mend it", summary="It added."),
        changes=ChangeSet(base="b" * 40),
        proof=Proof(),
        diff="diff --git a/calc.py b/calc.py\n-    return x + 2\n+    return x * 2\n",
    ),
    branch="hob/3-it-breaks",
    head=None,
    hidden=(),
    run_url="",
)


@pytest.mark.parametrize("refused", [NoAccess("may not push"), NotFound("GitHub has no POST /git/refs")])
async def test_a_proven_change_that_github_takes_nothing_of_stays_as_a_patch(
    trying: Trying, refused: UserError
) -> None:
    store = trying.parts.store
    claimed = await store.claim(trying.task, "w")
    assert claimed
    await store.save_changes(claimed[1], dump_proven_change(PROVEN))
    await store.release(claimed[1], TaskState.QUEUED, "begin", counted=False)
    for _ in PATIENCE:
        assert await trying.fail(refused) is TaskState.WAITING
    assert await trying.fail(refused) is TaskState.FAILED
    assert refused.message in trying.text
    assert "stands below as a patch" in trying.text and "+    return x * 2" in trying.text


async def test_a_rate_limit_waits_as_long_as_it_says(trying: Trying) -> None:
    for _ in range(3):
        assert await trying.fail(Parked("limited", after=47)) is TaskState.WAITING
    assert all(45 < pause < 48 for pause in trying.pauses)

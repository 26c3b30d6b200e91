"""What ``hob doctor`` checks: the sandbox, the database, the model, and the App as GitHub has it."""

from __future__ import annotations

import asyncio
import shutil

from pydantic_ai.messages import ModelRequest, UserPromptPart
from sqlalchemy.exc import ProgrammingError

from bot.agent.models.calls import RetryPolicy
from bot.errors import HobError
from bot.git.mirror import Mirror
from bot.github.cli.doctor import doctor as github_doctor
from bot.github.cli.findings import DoctorFinding
from bot.offline.registry import MODELS
from bot.settings import Settings, list_unknown_names
from bot.tasks.database.connection import open_database
from bot.tasks.store import Store
from bot.workspace.disk_cache import DiskCache
from sandbox.layers.store import LayerStore
from sandbox.probe import probe
from sandbox.spec import SandboxUnavailable

GIB = 1 << 30
MODEL_SECONDS = 60.0  # for its one answer
ONE_TRY = RetryPolicy(tries=1, repeats_after_timeout=0, park=0.0)
LEAST_FREE = GIB  # bytes below which a checkout may well fail
SHOWN = 5  # failed deliveries that are named


async def run_checks(settings: Settings) -> list[DoctorFinding]:
    """The findings of all checks, one after the other; a check that fails is a finding and ends nothing."""
    findings = [
        *_check_names(),
        await _check_disk(settings),
        await _check_sandbox(settings),
        *await _check_database(settings),
        await check_model(settings.model),
    ]
    if settings.app_id is None or settings.private_key is None:
        detail = (
            "HOB_APP_ID and HOB_PRIVATE_KEY are not set, so GitHub was not asked; `hob register` makes an App"
        )
        return [*findings, DoctorFinding(name="app", ok=False, detail=detail)]
    return [*findings, *await asyncio.to_thread(github_doctor, settings.app)]


def _check_names() -> list[DoctorFinding]:
    """A finding for each variable that looks like a setting but is not one."""
    found = []
    for name, nearest in list_unknown_names():
        mend = f"did you mean {nearest}?" if nearest else "docs/settings.md lists them"
        detail = f"{name} is not a setting and changes nothing: {mend}"
        found.append(DoctorFinding(name="settings", ok=False, detail=detail))
    return found


async def _check_disk(settings: Settings) -> DoctorFinding:
    usage = shutil.disk_usage(settings.home)
    mirror, layers = Mirror(settings.home / "mirrors"), LayerStore(settings.home / "layers")
    cache = DiskCache(settings.home, mirror, layers, most_bytes=settings.cache_bytes)
    use = await cache.measure()
    kept = f"mirrors and layers take {use.taken / GIB:.1f} GiB of {use.most / GIB:.1f} that they may"
    free = f"{usage.free / GIB:.1f} GiB of {usage.total / GIB:.1f} free for {settings.home}; {kept}"
    if usage.free >= LEAST_FREE:
        return DoctorFinding(name="disk", ok=True, detail=free)
    detail = f"{free}: tasks wait while it is full. Free some space, or set HOB_HOME to a larger disk."
    return DoctorFinding(name="disk", ok=False, detail=detail)


async def _check_sandbox(settings: Settings) -> DoctorFinding:
    try:
        report = await probe(
            backend=settings.sandbox,
            scratch=settings.home / "scratch",
            layers=settings.home / "layers",  # as a workshop has them
            image=settings.image,
            engine=settings.docker,
        )
    except SandboxUnavailable as error:
        return DoctorFinding(name="sandbox", ok=False, detail=str(error))
    failed = [f"{each.name}: {each.detail}" for each in report.findings if not each.ok]
    held = f"{report.backend}, {len(report.findings)} canaries, limits by {report.limits_by}"
    return DoctorFinding(name="sandbox", ok=report.ok, detail="; ".join(failed) or held)


async def _check_database(settings: Settings) -> list[DoctorFinding]:
    """Whether the database can be reached, and which deliveries failed for good, if it has Hob's tables."""
    try:
        async with open_database(settings.home, settings.database_url) as database:
            where = "HOB_DATABASE_URL" if settings.database_url else f"embedded below {settings.home}"
            found = DoctorFinding(name="database", ok=True, detail=where)
            return [found, *await _check_failed_deliveries(Store(database.engine))]
    except HobError as error:
        return [DoctorFinding(name="database", ok=False, detail=str(error))]


async def _check_failed_deliveries(store: Store) -> list[DoctorFinding]:
    try:
        failed, count = await store.list_failed_deliveries(SHOWN), await store.count_failed_deliveries()
    except ProgrammingError:  # no tables yet, or those of an older version
        return []
    if not count:
        return [DoctorFinding(name="requests", ok=True, detail="every delivery that came was handled")]
    listed = "; ".join(
        f"{each.guid} ({each.event}, {each.received_at:%F %H:%M}): {each.reason}" for each in failed
    )
    more = f"; and {count - len(failed)} more" if count > len(failed) else ""
    detail = f"{count} deliveries came and failed: {listed}{more}. `hob retry` handles them again."
    return [DoctorFinding(name="requests", ok=False, detail=detail)]


async def check_model(name: str) -> DoctorFinding:
    """Whether the model answers. A provider's is asked once for a single word, which costs that much."""
    try:
        model = MODELS.choose(name, retry_policy=ONE_TRY)
        if name in MODELS.programs or name.startswith("scripted:"):
            return DoctorFinding(name="model", ok=True, detail=name)
        try:
            async with asyncio.timeout(MODEL_SECONDS):
                answer = await model.ask([ModelRequest(parts=[UserPromptPart("Say: ok")])], [])
        finally:
            await model.aclose()
    except TimeoutError:
        detail = f"{name} did not answer within {MODEL_SECONDS:.0f} s"
        return DoctorFinding(name="model", ok=False, detail=detail)
    except HobError as error:
        return DoctorFinding(name="model", ok=False, detail=str(error))
    passed = "".join(f"; passed over: {why}" for why in answer.passed_over)
    detail = f"{answer.model} answered in {answer.usage.seconds:.1f} s{passed}"
    return DoctorFinding(name="model", ok=not passed, detail=detail)

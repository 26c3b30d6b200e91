"""The sandbox of this machine as configured, and the test whether it holds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from bot.errors import HobError
from bot.settings import Settings, SettingsError
from bot.workspace import network
from bot.workspace.workshop import Workshop
from sandbox.egress.upstream import Upstream
from sandbox.probe import probe
from sandbox.spec import CommandResult, Limits, MiB

log = structlog.get_logger()

# Sandboxes that this process has seen hold: (backend, image, engine).
_HOLDS: set[tuple[str, str, str]] = set()


def make_limits(settings: Settings) -> Limits:
    """What one sandbox may use of this machine."""
    return Limits(memory_bytes=settings.memory_mib * MiB, workspace_bytes=settings.workspace_mib * MiB)


def make_workshop(
    settings: Settings,
    *,
    commands: int | None = None,
    observe_command: Callable[[CommandResult, float], None] | None = None,
) -> Workshop:
    """Layers and sandboxes below the state directory; nothing is tested or cleared yet.

    ``commands`` run in its sandboxes at once, None for any number; ``observe_command`` is called for each
    that ended, and for how many seconds it had waited.
    """
    return Workshop(
        settings.home,
        backend=settings.sandbox,
        image=settings.image,
        engine=settings.docker,
        internet=settings.internet != "off",
        upstream=make_upstream(settings),
        commands=commands,
        observe_command=observe_command,
        cache_bytes=settings.cache_bytes,
        limits=make_limits(settings),
    )


def make_upstream(settings: Settings) -> Upstream | None:
    """How sandboxes reach what hob.yml lets them reach, where the operator says more than "the internet".

    Raises SettingsError that names the variable.
    """
    proxy = settings.egress_proxy.get_secret_value() if settings.egress_proxy else ""
    try:
        return network.make_upstream(settings.egress_private, proxy, settings.egress_ca)
    except HobError as error:
        raise SettingsError(str(error)) from None


async def open_workshop(
    settings: Settings,
    *,
    commands: int | None = None,
    observe_command: Callable[[CommandResult, float], None] | None = None,
) -> Workshop:
    """The same without layers that nobody uses. Raises HobError when the sandbox does not hold here."""
    workshop = make_workshop(settings, commands=commands, observe_command=observe_command)
    await asyncio.to_thread(workshop.layers.prune)
    await check_sandbox(settings)
    return workshop


async def check_sandbox(settings: Settings) -> None:
    """Run the self-test's attacks, once in a process; raises HobError when one gets through."""
    what = (settings.sandbox, settings.image, settings.docker)
    if what in _HOLDS:
        return
    report = await probe(
        backend=settings.sandbox,
        scratch=settings.home / "scratch",
        layers=settings.home / "layers",  # as a workshop has them
        image=settings.image,
        engine=settings.docker,
    )
    if not report.ok:
        failed = "; ".join(f"{f.name}: {f.detail}" for f in report.findings if not f.ok)
        raise HobError(f"the sandbox does not hold on this machine, so no work is taken: {failed}")
    log.info("sandbox.ready", backend=report.backend, limits=report.limits_by)
    _HOLDS.add(what)

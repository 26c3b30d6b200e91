"""Where metrics are read: a port of its own, which strangers do not reach."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AsyncExitStack

from aiohttp import web
from prometheus_client import CollectorRegistry, Info, start_http_server

from bot import __version__
from bot.errors import HobError
from bot.settings import Settings

METRICS_PORT = "HOB_METRICS_PORT"
# The usual reason why the port cannot be opened.
SHARED = (
    "does another process of Hob have it? Give each an environment of its own, or name them apart: "
    "HOB_METRICS_PORT=web=9464,worker=9465,dashboard=9466"
)
_TEXT = "text/plain; version=0.0.4; charset=utf-8"


def add_build_info(registry: CollectorRegistry, process: str) -> None:
    """Have the registry say which version of which process it is."""
    Info("hob_build", "The version of Hob, and which of its processes", registry=registry).info(
        {"version": __version__, "process": process}
    )


def _create_app(read: Callable[[], bytes]) -> web.Application:
    """GET /metrics as ``read`` gives it, and GET /healthz: the process is alive."""

    async def show(_request: web.Request) -> web.Response:
        return web.Response(body=read(), headers={"Content-Type": _TEXT})

    async def healthz(_request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    app = web.Application()
    app.router.add_get("/metrics", show)
    app.router.add_get("/healthz", healthz)
    return app


async def listen(
    runners: AsyncExitStack, runner: web.AppRunner, host: str, port: int, variable: str, mend: str = ""
) -> None:
    """Serve until ``runners`` closes. Raises HobError naming the variable if the port cannot be opened."""
    await runner.setup()
    runners.push_async_callback(runner.cleanup)
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        raise HobError(_explain(variable, port, error, mend)) from None


async def serve_worker_metrics(
    runners: AsyncExitStack, settings: Settings, read: Callable[[], bytes]
) -> int | None:
    """Serve the worker's numbers until ``runners`` closes; the port, None where none is set."""
    port = settings.find_metrics_port("worker")
    if port is not None:
        runner = web.AppRunner(_create_app(read), access_log=None)
        await listen(runners, runner, settings.metrics_host, port, METRICS_PORT, SHARED)
    return port


def serve_metrics_in_thread(settings: Settings, registry: CollectorRegistry) -> Callable[[], None]:
    """Serve the dashboard's numbers from a thread until what is returned is called, or the process ends.

    Not at all where no port is set. Raises HobError when the port cannot be opened.
    """
    port = settings.find_metrics_port("dashboard")
    if port is None:
        return lambda: None
    add_build_info(registry, "dashboard")
    try:
        server, thread = start_http_server(port, addr=settings.metrics_host, registry=registry)
    except OSError as error:
        raise HobError(_explain(METRICS_PORT, port, error, SHARED)) from None

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return stop


def _explain(variable: str, port: int, error: OSError, mend: str) -> str:
    what = f"{variable}: cannot listen on {port}: {os.strerror(error.errno or 0)}"
    return f"{what} ({mend})" if mend else what

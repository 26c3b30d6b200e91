"""What the look for mentions without a delivery costs in a large installation: ``make bench-sweep``.

An installation of localhub's with ``--repositories`` (500), and an hour's four sweeps. Before each,
something is written in ``--active`` of them, and one of these is a mention of which no delivery tells.
Printed are the requests of each sweep, those of the hour beside GitHub's limits, and the time, at Hob's own
pace (900 points a minute) and with ``--latency`` for each answer.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from aiohttp import web
from aiohttp.typedefs import Handler

from bot.github.app import GitHub
from bot.github.http.client import Exchange
from bot.inbox.decision import AppIdentity
from bot.inbox.lost.reconcile import Reconciler
from bot.tasks.database.connection import open_database
from bot.tasks.database.schema import migrate
from bot.tasks.store import Store
from localhub.rest.repos.repos import create_repository
from tests.support.hub import Hub, running_hub

SWEEPS_AN_HOUR = 4
COLUMNS = {"core": 8, "unchanged": 8, "graphql": 9, "app": 9}
LIMITS = {5_000: "the least there is", 12_500: "from 170 repositories on", 15_000: "on Enterprise Cloud"}


@dataclass(slots=True)
class Counted:
    """The requests since it was emptied, by the limit that they count against; ``unchanged`` cost nothing."""

    by: Counter[str] = field(default_factory=Counter)

    def add(self, one: Exchange) -> None:
        """Count one request; GitHub does not count an answer that nothing has changed."""
        if one.installation == 0:
            self.by["app"] += 1
        elif one.status == 304:
            self.by["unchanged"] += 1
        else:
            self.by[one.resource] += 1

    def take(self) -> Counter[str]:
        """What was counted, and begin anew."""
        taken, self.by = self.by, Counter()
        return taken


def fill(hub: Hub, repositories: int) -> list[str]:
    """Make repositories, the names of which are returned."""
    owner = hub.hub.state.require_account("maintainer")
    names = [f"app{number}" for number in range(repositories)]
    for name in names:
        create_repository(hub.hub, owner, name)
    return names


async def sweep_for_an_hour(
    hub: Hub, reconciler: Reconciler, counted: Counted, names: list[str], active: int
) -> bool:
    """Four sweeps; whether each found the one mention that was lost before it."""
    together: Counter[str] = Counter()
    longest, right, at = 0.0, True, 0
    print(f"{'sweep':6}{'REST':>8}{'304':>8}{'GraphQL':>9}{'the app':>9}{'seconds':>9}   found")
    for number in range(1, SWEEPS_AN_HOUR + 1):
        await hub.admin("clock", offset=-600)
        for turn in range(active):
            title = "@hob please fix this" if turn == 0 else "Something else"
            name = names[at % len(names)]
            await hub.as_maintainer.post(f"/repos/maintainer/{name}/issues", {"title": title})
            at += 1
        await hub.admin("clock", offset=0)
        await hub.idle()
        counted.take()
        began = time.perf_counter()
        found = await reconciler.sweep()
        seconds = time.perf_counter() - began
        longest, right = max(longest, seconds), right and found == min(active, 1)
        spent = counted.take()
        together += spent
        row = "".join(f"{spent[name]:>{width}}" for name, width in COLUMNS.items())
        print(f"{number:<6}{row}{seconds:>9.1f}   {found}", flush=True)
    _print_hour(together, longest)
    return right


def _print_hour(spent: Counter[str], longest: float) -> None:
    print(
        f"\nan hour: {spent['core']} REST requests, {spent['graphql']} GraphQL, {spent['app']} of the app's"
    )
    for limit, whose in LIMITS.items():
        print(f"  {100 * spent['core'] / limit:5.1f}% of {limit:,} REST requests ({whose})")
    print(f"  {100 * spent['app'] / 5_000:5.1f}% of the app's own 5,000 (tokens, the list of installations)")
    print(f"  the longest sweep took {longest:.0f} s; the next one begins after 900 s")


async def run(repositories: int, active: int, latency: float) -> bool:
    """Play it; whether all that was lost was found."""
    counted = Counted()

    @web.middleware
    async def answer_slowly(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.headers.get("user-agent", "").startswith("hob/"):
            await asyncio.sleep(latency)
        return await handler(request)

    with tempfile.TemporaryDirectory(prefix="hob-bench-") as place:
        async with (
            open_database(Path(place) / "home") as database,
            running_hub(Path(place), middlewares=[answer_slowly]) as hub,
            aiohttp.ClientSession() as session,
        ):
            await migrate(database)
            gh = GitHub(
                session,
                api_url=hub.api_url,
                app_id=hub.app_id,
                private_key=hub.private_key,
                observe=counted.add,
            )
            app = await gh.identify()
            identity = AppIdentity(id=app.id, slug=app.slug, bot_id=app.bot_id)
            reconciler = Reconciler(Store(database.engine), gh, identity)
            return await sweep_for_an_hour(hub, reconciler, counted, fill(hub, repositories), active)


def main() -> None:
    """Read the command line; ends with 1 when something that was lost was not found."""
    options = argparse.ArgumentParser(description="What the look for lost mentions costs.")
    options.add_argument("--repositories", type=int, default=500)
    options.add_argument(
        "--active", type=int, default=25, help="in how many something is written between two sweeps"
    )
    options.add_argument(
        "--latency", type=float, default=0.2, help="seconds that each of GitHub's answers takes"
    )
    asked = options.parse_args()
    sys.exit(0 if asyncio.run(run(asked.repositories, asked.active, asked.latency)) else 1)


if __name__ == "__main__":
    main()

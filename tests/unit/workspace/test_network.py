"""What a sandbox's network carried is counted by host, for the run's record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bot.domain import Proof, Traffic
from bot.tasks.database.column_values import plain
from bot.text.redact import Redactor
from bot.workspace.network import NetworkObserver
from bot.workspace.traffic import MOST_HOSTS, OTHERS, USED_UP, RunTraffic
from sandbox.spec import Command, CommandResult, Ending, NetworkRequest

COMMAND = Command(argv=("true",))


class Answering:
    """Stands for a sandbox whose next command made these requests."""

    def __init__(self) -> None:
        self.requests: tuple[NetworkRequest, ...] = ()
        self.cut = ""

    async def cut_network(self, reason: str) -> None:
        self.cut = reason

    async def run(
        self, command: Command, *, on_output: Callable[[bytes], None] | None = None
    ) -> CommandResult:
        return CommandResult(
            exit_code=0, ending=Ending.EXITED, seconds=0.1, output=b"", requests=self.requests
        )


def ask(host: str, sent: int = 10, received: int = 100, *, allowed: bool = True) -> NetworkRequest:
    return NetworkRequest(
        host=host, port=443, method="GET", allowed=allowed, reason="", sent=sent, received=received
    )


async def test_bytes_are_added_up_by_host() -> None:
    inside: Any = Answering()
    traffic = RunTraffic()
    observer = NetworkObserver(inside, traffic=traffic)
    inside.requests = (ask("pypi.org"), ask("files.example", 500, 7), ask("evil.example", allowed=False))
    await observer.run(COMMAND)
    inside.requests = (ask("pypi.org", 5, 5),)
    await observer.run(COMMAND)
    assert traffic.list_hosts(Redactor()) == (
        Traffic(host="files.example", requests=1, sent=500, received=7),
        Traffic(host="pypi.org", requests=2, sent=15, received=105),
    )


async def test_many_hosts_share_a_line_and_no_host_says_a_secret() -> None:
    inside: Any = Answering()
    traffic = RunTraffic()
    observer = NetworkObserver(inside, traffic=traffic)
    inside.requests = tuple(ask(f"h{number}.example", 1) for number in range(MOST_HOSTS + 9))
    await observer.run(COMMAND)
    found = traffic.list_hosts(Redactor(["h7.example-is-a-secret", "h8.example"]))
    assert len(found) == MOST_HOSTS + 1
    assert Traffic(host=OTHERS, requests=9, sent=9, received=900) in found
    assert not any(each.host == "h8.example" for each in found)


def test_a_proof_without_it_is_still_read() -> None:
    assert Proof(base="a").traffic == ()
    assert plain(Proof(base="a", traffic=(Traffic(host="h"),)))["traffic"][0]["host"] == "h"


async def test_a_runs_sandboxes_share_one_allowance() -> None:
    """What the setup used is not there for the checks; the command under way may still end."""
    setup: Any = Answering()
    check: Any = Answering()
    traffic = RunTraffic(most_bytes=1000)
    setup.requests = (ask("pypi.org", 400, 500),)
    await NetworkObserver(setup, traffic=traffic).run(COMMAND)
    check.requests = (ask("pypi.org", 1, 200),)
    observer = NetworkObserver(check, traffic=traffic)
    await observer.run(COMMAND)
    assert check.cut == "" and traffic.is_used_up
    await observer.run(COMMAND)
    assert check.cut == USED_UP and observer.is_cut

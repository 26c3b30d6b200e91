"""What a sandbox may reach according to hob.yml and by which way, and texts about what it could not reach."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import Protocol

from bot.domain import Blocked
from bot.errors import HobError, UserError
from bot.repo_config import PATH, Internet
from bot.text.redact import Redactor
from bot.workspace.traffic import USED_UP, RunTraffic
from sandbox.egress.company import make_trust, parse_private_hosts, parse_proxy
from sandbox.egress.rules import PACKAGES, parse_rule
from sandbox.egress.upstream import Upstream
from sandbox.spec import (
    BackgroundCommand,
    BackgroundState,
    Command,
    CommandResult,
    Egress,
    Ending,
    Entry,
    NetworkRequest,
    Rule,
    Sandbox,
)

MOST_BLOCKED = 50
_COMMAND_CHARS = 200


def merge_egress(*wishes: Internet) -> Egress | None:
    """What all of these values of ``internet`` together allow, None for nothing. Raises UserError."""
    rules: list[Rule] = []
    for wish in wishes:
        for word in (wish,) if isinstance(wish, str) else wish:
            rules += _list_rules(word)
    return Egress(rules=tuple(dict.fromkeys(rules))) if rules else None


def _list_rules(word: str) -> tuple[Rule, ...]:
    if word == "off":
        return ()
    if word == "packages":
        return PACKAGES
    try:
        return (parse_rule(word),)
    except ValueError as error:
        raise UserError(f"`{PATH}`: `internet`: {error}", phase="configuration") from None


def describe_egress(internet: Internet) -> str:
    """What may be reached, for a sentence; '' for nothing."""
    entries = (internet,) if isinstance(internet, str) else internet
    named = ["package registries (GET and HEAD)" if word == "packages" else word for word in entries]
    return ", ".join(word for word in named if word != "off")


def render_forbidden(by: str, *wishes: Internet) -> tuple[Blocked, ...]:
    """What is reported of these values of ``internet`` where the operator lets nothing out, ``by`` what."""
    values = ", ".join(dict.fromkeys(text for wish in wishes if (text := describe_egress(wish))))
    if not values:
        return ()
    reason = f"{by} is off where this Hob runs, though {PATH} asks for {values}"
    return (Blocked(host="the internet", port=0, reason=reason, command=""),)


class CommandSlots:
    """How many commands the sandboxes of one worker run at once; None is any number.

    ``observe`` is called for each that ended, with the seconds that it had waited.
    """

    def __init__(
        self, most: int | None = None, observe: Callable[[CommandResult, float], None] | None = None
    ) -> None:
        self._free = asyncio.Semaphore(most) if most else None
        self._observe = observe

    async def run(self, start: Callable[[], Awaitable[CommandResult]]) -> CommandResult:
        """Start the command once a slot is free, and hold that until it ended."""
        began = time.monotonic()
        async with self._free or nullcontext():
            waited = time.monotonic() - began
            done = await start()
        if self._observe is not None:
            self._observe(done, waited)
        return done


class CommandView(Protocol):
    """Where one command's output is shown while it comes."""

    def add(self, data: bytes) -> None:
        """The next piece; this has to be quick."""
        ...

    def end(self, how: str) -> None:
        """The command is over."""
        ...


class CommandScreen(Protocol):
    """Whoever shows people the commands that run now."""

    def open(self, title: str) -> CommandView:
        """A command begins."""
        ...


class NetworkObserver:
    """A sandbox that remembers what its network policy refused and which command asked for it; what went to
    each host that it allowed counts in ``traffic``. Once that is used up, the sandbox has no network.

    ``slots`` are those of all commands of this worker. One in the background takes none: it may live as long
    as its sandbox.

    ``screen`` shows what commands print that have a line for people; ``place`` says where they run.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        *,
        key: str = "internet",
        slots: CommandSlots | None = None,
        screen: CommandScreen | None = None,
        place: str = "",
        traffic: RunTraffic | None = None,
    ) -> None:
        self._sandbox = sandbox
        self._slots = slots or CommandSlots(1)
        self._key = key
        self._screen, self._place = screen, place
        self.is_cut = False
        self._blocked: dict[tuple[str, int, str], Blocked] = {}
        self._traffic = traffic or RunTraffic()

    async def run(
        self, command: Command, *, on_output: Callable[[bytes], None] | None = None, shown: str = ""
    ) -> CommandResult:
        """As ``Sandbox.run``, once a slot is free: waiting for one does not count as the command's time.

        ``shown`` is what is said of the command, where it only starts another.
        """
        if self._traffic.is_used_up and not self.is_cut:
            await self.cut_network(USED_UP)
        done = await self._slots.run(lambda: self._run_on_screen(command, on_output, shown))
        for request in find_refused(done):
            if len(self._blocked) < MOST_BLOCKED:
                self._blocked.setdefault(
                    (request.host, request.port, request.reason),
                    self._describe(shown or _render_command(command), request),
                )
        self._traffic.count(done.requests)
        return done

    async def _run_on_screen(
        self, command: Command, on_output: Callable[[bytes], None] | None, shown: str
    ) -> CommandResult:
        line = shown or (command.argv[-1] if _is_line(command) else "")
        if self._screen is None or not line:
            return await self._sandbox.run(command, on_output=on_output)
        view = self._screen.open(f"{line} ({self._place})" if self._place else line)
        how = "stopped"

        def show(data: bytes) -> None:
            view.add(data)
            if on_output is not None:
                on_output(data)

        try:
            done = await self._sandbox.run(command, on_output=show)
            how = f"exit code {done.exit_code}" if done.ending is Ending.EXITED else done.ending.value
            how += f", {done.seconds:.1f} s"
        finally:
            view.end(how)
        return done

    async def start(
        self,
        command: Command,
        *,
        on_output: Callable[[bytes], None] | None = None,
        on_end: Callable[[BackgroundState], None] | None = None,
    ) -> BackgroundCommand:
        """As ``Sandbox.start``; what is refused to it counts for the command that runs meanwhile."""
        if self._screen is None or not _is_line(command):
            return await self._sandbox.start(command, on_output=on_output, on_end=on_end)
        where = f"in the background, {self._place}" if self._place else "in the background"
        view = self._screen.open(f"{command.argv[-1]} ({where})")

        def show(data: bytes) -> None:
            view.add(data)
            if on_output is not None:
                on_output(data)

        def show_end(state: BackgroundState) -> None:
            view.end(_describe_end(state))
            if on_end is not None:
                on_end(state)

        try:
            return await self._sandbox.start(command, on_output=show, on_end=show_end)
        except BaseException:
            view.end("not started")
            raise

    async def cut_network(self, reason: str) -> None:
        """As ``Sandbox.cut_network``."""
        self.is_cut = True
        await self._sandbox.cut_network(reason)

    def _describe(self, line: str, request: NetworkRequest) -> Blocked:
        return Blocked(
            host=request.host,
            port=request.port,
            reason=request.reason,
            command=" ".join(line.split())[:_COMMAND_CHARS],
            key=self._key,
            allow=request.remedy,
        )

    def list_blocked(self, redactor: Redactor) -> tuple[Blocked, ...]:
        """What was refused so far, once each."""
        return tuple(
            Blocked(
                host=redactor.text(item.host),
                port=item.port,
                reason=item.reason,
                command=redactor.text(item.command),
                key=item.key,
                allow=redactor.text(item.allow),
            )
            for item in self._blocked.values()
        )

    def entries(self) -> list[Entry]:
        """As ``Sandbox.entries``."""
        return self._sandbox.entries()

    def freeze(self, into: Path) -> list[Entry]:
        """As ``Sandbox.freeze``."""
        return self._sandbox.freeze(into)

    async def aclose(self) -> None:
        """As ``Sandbox.aclose``."""
        await self._sandbox.aclose()


def _render_command(command: Command) -> str:
    return command.argv[-1] if _is_line(command) else " ".join(command.argv)


def _is_line(command: Command) -> bool:
    """Whether it is a line of shell, and no program of Hob's own."""
    return command.argv[:2] == ("bash", "-c")


def _describe_end(state: BackgroundState) -> str:
    """How a command in the background ended, for people who watch."""
    how = state.reason or ("killed" if state.exit_code is None else f"exit code {state.exit_code}")
    return f"{how}, {state.seconds:.1f} s"


def find_refused(done: CommandResult) -> list[NetworkRequest]:
    """The requests of a command that policy was against."""
    return [request for request in done.requests if not request.allowed]


def merge_blocked(*lists: Iterable[Blocked]) -> tuple[Blocked, ...]:
    """Each blocked host once, with the first command that asked for it."""
    found: dict[tuple[str, int, str, str], Blocked] = {}
    for item in (item for each in lists for item in each):
        found.setdefault((item.host, item.port, item.reason, item.key), item)
    return tuple(found.values())[:MOST_BLOCKED]


def render_advice(item: Blocked) -> str:
    """How to allow it: a sentence with the line of hob.yml, '' where nothing would."""
    return f"to allow it, add `{item.allow}` to `{item.key}` in `{PATH}`" if item.allow else ""


def make_upstream(private: str, proxy: str, authorities: Path | None) -> Upstream | None:
    """From the values of HOB_EGRESS_PRIVATE, HOB_EGRESS_PROXY and HOB_EGRESS_CA; None where none is set.

    Raises HobError that names the variable.
    """
    if not (private or proxy or authorities):
        return None
    try:
        hosts = parse_private_hosts(private) if private else frozenset()
    except ValueError as error:
        raise HobError(f"HOB_EGRESS_PRIVATE: {error}") from None
    try:
        through = parse_proxy(proxy) if proxy else None
    except ValueError as error:
        raise HobError(f"HOB_EGRESS_PROXY: {error}") from None
    try:
        trust = make_trust(authorities)
    except OSError as error:
        raise HobError(f"HOB_EGRESS_CA: {authorities} holds no certificates ({error})") from None
    return Upstream(private=hosts, proxy=through, trust=trust)

"""Push one commit to a branch of Hob's own: only new objects, compare-and-swap, the answer checked.

dulwich's ``send_pack`` makes no fast-forward check and does not raise when the server refuses a ref, so
both are done here. It blocks, so it runs in a thread; the token stays in memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Set
from contextlib import contextmanager
from typing import Any

import urllib3.exceptions
from dulwich.client import HttpGitClient, HTTPUnauthorized, default_urllib3_manager
from dulwich.config import ConfigFile
from dulwich.errors import GitProtocolError, HangupException, NotGitRepository, SendPackError
from dulwich.objects import ZERO_SHA, ObjectID
from dulwich.pack import UnpackedObject, pack_objects_to_data
from dulwich.refs import Ref

from bot.errors import Outage, Parked
from bot.git.branch_name import OWN_PREFIX, is_valid_branch
from bot.git.commit import BuiltCommit
from bot.git.remote import (
    ACCESS,
    TOKEN_USER,
    HeadMoved,
    NoAccess,
    PushRefused,
    Unauthorized,
    check_url,
    clean_server_text,
)

__all__ = ["HeadMoved", "PushRefused", "push", "remove"]

SOCKET_SECONDS = 30.0
PUSH_SECONDS = 300.0
IN_THE_WAY = "a branch called '{}' is there, and beside it git can have none called '{}'"
NOT_WRITABLE = ACCESS.replace("read this repository", "push to this repository")


class _Connections(urllib3.PoolManager):
    """A push's connections, which ``clear`` ends all: also those of answers that dulwich leaves unread."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._answers: list[urllib3.BaseHTTPResponse] = []

    def urlopen(  # type: ignore[override]
        self, method: str, url: str, redirect: bool = True, **options: Any
    ) -> urllib3.BaseHTTPResponse:
        """A request's answer, remembered."""
        answer = super().urlopen(method, url, redirect, **options)
        self._answers.append(answer)
        return answer

    def clear(self) -> None:
        """End all of them."""
        for answer in self._answers:
            answer.close()
        super().clear()


class _ProxyConnections(_Connections, urllib3.ProxyManager):
    """The same through a proxy."""


async def push(
    url: str,
    *,
    token: str | None,
    branch: str,
    built: BuiltCommit,
    expected: str | None,
    foreign: bool = False,
    prefix: str = OWN_PREFIX,
) -> None:
    """Move ``branch`` from commit ``expected`` (None: it must not exist) to ``built``.

    A branch that is at ``built`` already is fine. Raises ``HeadMoved`` when it is elsewhere,
    ``PushRefused`` with the server's message, ``UserError`` for missing access, ``Outage`` when it is not
    known how it ended. ``foreign``: the branch is a fork's whose author lets maintainers push to it; on every
    other one that is not Hob's, whose names begin with ``prefix``, it is a ValueError.
    """
    if not is_valid_branch(branch) or not ((prefix and branch.startswith(prefix)) or (foreign and expected)):
        raise ValueError(f"{branch!r} is not one of Hob's branches")
    check_url(url)
    try:
        async with asyncio.timeout(PUSH_SECONDS):
            await asyncio.to_thread(_push, url, token, f"refs/heads/{branch}".encode(), built, expected)
    except TimeoutError:
        raise Outage(f"the push to {branch} took longer than {PUSH_SECONDS:.0f} seconds") from None


async def remove(
    url: str, *, token: str | None, branch: str, expected: str, prefix: str = OWN_PREFIX
) -> None:
    """Delete ``branch`` while it is at commit ``expected``; one that is gone already is fine.
    Raises what ``push`` raises.
    """
    gone = BuiltCommit(sha=ZERO_SHA.decode("ascii"), tree="", objects=[])
    await push(url, token=token, branch=branch, built=gone, expected=expected, prefix=prefix)


def _push(url: str, token: str | None, ref: bytes, built: BuiltCommit, expected: str | None) -> None:
    said: list[bytes] = []
    sha = ObjectID(built.sha.encode("ascii"))

    def update(refs: dict[Ref, ObjectID]) -> dict[Ref, ObjectID]:
        actual = refs.get(Ref(ref))
        if sha == ZERO_SHA and actual is None:
            return {}
        if actual is None and (other := _find_name_in_the_way(refs, ref)):
            raise PushRefused(IN_THE_WAY.format(other, ref.decode().removeprefix("refs/heads/")))
        if actual not in (sha, expected.encode("ascii") if expected else None):
            raise HeadMoved(actual.decode("ascii") if actual else None)
        return {Ref(ref): sha}

    def objects(
        have: Set[ObjectID],
        want: Set[ObjectID],
        *,
        ofs_delta: bool = True,
        progress: Callable[[bytes], None] | None = None,
    ) -> tuple[int, Iterator[UnpackedObject]]:
        return pack_objects_to_data(built.objects)

    config = ConfigFile()
    connections = default_urllib3_manager(
        config,
        pool_manager_cls=_Connections,
        proxy_manager_cls=_ProxyConnections,
        base_url=url,
        timeout=SOCKET_SECONDS,
    )
    client = HttpGitClient(
        url,
        pool_manager=connections,
        config=config,
        username=TOKEN_USER if token else None,
        password=token,
        timeout=SOCKET_SECONDS,
        quiet=True,
    )
    with _translate_errors(token, said):
        try:
            result = client.send_pack(b"", update, objects, progress=said.append)
        finally:
            connections.clear()
            client.close()
    refusal = (result.ref_status or {}).get(ref)
    if refusal is not None:
        if refusal in ("fetch first", "non-fast-forward", "stale info", "failed to update ref"):
            raise HeadMoved(None)
        raise PushRefused(_compose_reason(refusal, said, token))


def _find_name_in_the_way(refs: Iterable[bytes], ref: bytes) -> str:
    """The branch that keeps ``ref`` from being made: git stores names as paths, and a file cannot be a folder
    too.
    """
    for name in refs:
        if name.startswith(b"refs/heads/") and (ref.startswith(name + b"/") or name.startswith(ref + b"/")):
            return name.decode("utf-8", "replace").removeprefix("refs/heads/")
    return ""


@contextmanager
def _translate_errors(token: str | None, said: list[bytes]) -> Iterator[None]:
    """Raise Hob's own exceptions for those of dulwich and urllib3."""
    try:
        yield
    except HTTPUnauthorized as failed:
        raise Unauthorized(NOT_WRITABLE, phase="publish") from failed
    except NotGitRepository as failed:
        raise NoAccess(f"the repository does not exist, or {NOT_WRITABLE}", phase="publish") from failed
    except SendPackError as failed:
        raise PushRefused(_compose_reason(str(failed), said, token)) from failed
    except (GitProtocolError, HangupException, urllib3.exceptions.HTTPError, OSError) as failed:
        message = clean_server_text(str(failed), token)
        if "http resp 403" in message:
            raise NoAccess(NOT_WRITABLE, phase="publish") from failed
        if "http resp 429" in message:
            raise Parked("GitHub asks for fewer git requests", after=60) from failed
        raise Outage(f"the push did not come to an end: {message}") from failed


def _compose_reason(refusal: str, said: list[bytes], token: str | None) -> str:
    """The ref's own message, and what the server's hooks said beside it."""
    return clean_server_text(refusal + "\n" + b"".join(said).decode("utf-8", "replace"), token)

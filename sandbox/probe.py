"""The self-test: whether sandboxes on this host contain code. A worker takes no work unless they do."""

from __future__ import annotations

import asyncio
import json
import secrets
import shutil
import socket
import tempfile
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox import canaries, open_sandbox
from sandbox.canaries.egress import try_gate
from sandbox.spec import ENGINE, Command, Ending, Limits, MiB, Policy, Sandbox, SandboxUnavailable
from sandbox.toolchain import Toolchain, build_toolchain

_LIMITS = Limits(
    memory_bytes=192 * MiB,
    processes=48,
    command_seconds=20.0,
    output_bytes=64 * 1024,
    workspace_bytes=32 * MiB,
    tmp_bytes=16 * MiB,
    shm_bytes=8 * MiB,
)
_HOG = "x = []\nwhile len(x) < 1024: x.append(b'x' * (1 << 20))"
_SOON = 20.0  # seconds: what is ended after 0.2 would go on for 300, and a busy machine takes its time
_FILL = "for n in 1 2 3 4 5; do head -c 16M /dev/zero > full$n || exit 1; done; sleep 60"
_DAEMON = "(setsid nohup sleep 300 >/dev/null 2>&1 &) ; trap '' TERM; sleep 300"


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryResult:
    """The result of one canary. ``ok``: what must not work failed, or what must work did."""

    name: str
    ok: bool
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTestReport:
    """The results of all canaries. ``limits_by`` says what limits memory and processes on this host."""

    ok: bool
    findings: tuple[CanaryResult, ...]
    backend: str
    limits_by: str


async def probe(
    backend: str = "auto",
    *,
    scratch: Path,
    layers: Path | None = None,
    image: str = "",
    engine: str = ENGINE,
) -> SelfTestReport:
    """Open a sandbox, run the canaries in it, and report. Never raises for what the host lacks.

    ``layers``, by default ``scratch``, keeps the toolchain: with that there it takes one to two seconds.
    ``image`` and ``engine`` are for the docker backend.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    base = Path(tempfile.mkdtemp(prefix="probe-", dir=scratch))
    try:
        tools = await asyncio.to_thread(build_toolchain, layers or scratch)
        policy = Policy(
            limits=_LIMITS, mounts=tools.mounts, path=tools.path, env=tools.env, image=image, engine=engine
        )
        (base / "kept.txt").write_text("kept")
        sandbox = await open_sandbox(layers=[base], policy=policy, scratch=scratch, backend=backend)
        facts: dict[str, str] = getattr(sandbox, "facts", {})
        try:
            trials = [_run_all(sandbox, base, tools, of_image=backend == "docker")]
            if facts.get("backend") == "bwrap":  # the other one has no way out at all
                trials.append(_try_gate(base, tools, scratch))
            findings = await _gather_findings(trials)
        finally:
            await sandbox.aclose()
    except SandboxUnavailable as error:
        finding = CanaryResult(name="sandbox", ok=False, detail=str(error))
        return SelfTestReport(ok=False, findings=(finding,), backend=backend, limits_by="")
    finally:
        shutil.rmtree(base, ignore_errors=True)
    where = f"{facts.get('identity')}, workspace on {facts.get('workspace')}"
    return SelfTestReport(
        ok=all(finding.ok for finding in findings),
        findings=tuple(findings),
        backend=f"{facts.get('backend', backend)} ({where})",
        limits_by=facts.get("limits", ""),
    )


async def _gather_findings(trials: Sequence[Awaitable[list[CanaryResult]]]) -> list[CanaryResult]:
    """What trials side by side find, in their order; what one raises is raised once all have ended."""
    findings: list[CanaryResult] = []
    for found in await asyncio.gather(*trials, return_exceptions=True):
        if isinstance(found, BaseException):
            raise found
        findings += found
    return findings


async def _run_all(sandbox: Sandbox, base: Path, tools: Toolchain, *, of_image: bool) -> list[CanaryResult]:
    return [
        *await _run_inside(sandbox, base, tools, of_image=of_image),
        await _check_programs(sandbox),
        await _check_layers(sandbox, base),
        await _check_output_cap(sandbox),
        await _check_memory(sandbox),
        await _check_end(sandbox),
        await _check_space(sandbox),
    ]


async def _run_inside(
    sandbox: Sandbox, base: Path, tools: Toolchain, *, of_image: bool
) -> list[CanaryResult]:
    """Run ``canaries/inside.py`` inside; on the host it must not reach a file and a listening socket."""
    secret = base.with_suffix(".secret")
    secret.write_text(secrets.token_hex(16))
    with socket.create_server(("127.0.0.1", 0)) as server:
        host = {
            "file": str(secret),
            "port": server.getsockname()[1],
            "env": [name for name, _ in tools.env],
            "processes": _LIMITS.processes,
            "of_image": of_image,
            "sizes": {"/tmp": _LIMITS.tmp_bytes, "/dev/shm": _LIMITS.shm_bytes},
        }
        program = Path(canaries.__file__).with_name("inside.py").read_bytes()
        ran = await sandbox.run(Command(argv=("python", "-I", "-S", "-", json.dumps(host)), stdin=program))
    secret.unlink()
    try:
        found = json.loads(ran.output)
    except ValueError:
        return [
            CanaryResult(name="canaries", ok=False, detail=f"{ran.ending} {ran.exit_code}: {ran.text[-500:]}")
        ]
    return [CanaryResult(name=name, ok=ok, detail=detail) for name, (ok, detail) in found.items()]


async def _try_gate(base: Path, tools: Toolchain, scratch: Path) -> list[CanaryResult]:
    results = await try_gate(base, tools, _LIMITS, scratch)
    return [CanaryResult(name=name, ok=ok, detail=detail) for name, ok, detail in results]


async def _check_programs(sandbox: Sandbox) -> CanaryResult:
    script = "python -m pytest --version && rg --version && git --version"
    ran = await sandbox.run(Command(argv=("sh", "-ec", script)))
    return CanaryResult(name="python, pytest, rg, git", ok=ran.ok, detail="" if ran.ok else ran.text[-500:])


async def _check_layers(sandbox: Sandbox, base: Path) -> CanaryResult:
    await sandbox.run(Command(argv=("sh", "-c", "rm kept.txt; echo new > new.txt")))
    found = {entry.path for entry in sandbox.entries()}
    reached = sorted(path.name for path in base.iterdir()) != ["kept.txt"]
    ok = not reached and {b"kept.txt", b"new.txt"} <= found
    return CanaryResult(name="layers stay as they are", ok=ok, detail=f"entries {sorted(found)}")


async def _check_output_cap(sandbox: Sandbox) -> CanaryResult:
    ran = await sandbox.run(Command(argv=("sh", "-c", "yes | head -c 20000000; echo end")))
    length = len(ran.output)
    ok = ran.omitted_bytes > 0 and length < _LIMITS.output_bytes + 100 and ran.output.endswith(b"end\n")
    return CanaryResult(name="output is capped", ok=ok, detail=f"{length} kept, {ran.omitted_bytes} left out")


async def _check_memory(sandbox: Sandbox) -> CanaryResult:
    ran = await sandbox.run(Command(argv=("python", "-I", "-S", "-c", _HOG)))
    ok = ran.ending is Ending.OUT_OF_MEMORY or (not ran.ok and b"MemoryError" in ran.output)
    return CanaryResult(name="memory", ok=ok, detail=f"{ran.ending}, exit code {ran.exit_code}")


async def _check_end(sandbox: Sandbox) -> CanaryResult:
    ran = await sandbox.run(Command(argv=("sh", "-c", _DAEMON), seconds=0.2))
    left: list[int] = getattr(sandbox, "list_strays", list)()
    ok = ran.ending is Ending.TIMED_OUT and ran.seconds < _SOON and not left
    return CanaryResult(
        name="everything ends in time", ok=ok, detail=f"{ran.ending} after {ran.seconds:.2f} s"
    )


async def _check_space(sandbox: Sandbox) -> CanaryResult:
    """Fill the workspace: a program sees its end, or is ended where a disk is measured. Comes last."""
    ran = await sandbox.run(Command(argv=("sh", "-c", _FILL)))
    ok = ran.ending is Ending.OUT_OF_SPACE or (ran.ending is Ending.EXITED and not ran.ok)
    return CanaryResult(name="size of /workspace", ok=ok, detail=f"{ran.ending}, exit code {ran.exit_code}")

"""The command line: what each command needs and where it goes. ``hob`` and ``python -m bot`` are the same."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from bot import __version__
from bot.errors import HobError, UserError
from sandbox.spec import SandboxUnavailable

PORT = click.IntRange(0, 65535)


def _fail(error: Exception) -> None:
    """One clear line instead of a traceback, and the last lines of what failed."""
    click.echo(f"hob: {error}", err=True)
    if isinstance(error, UserError) and error.log.strip():
        click.echo(f"\n{error.log.rstrip()}", err=True)
    sys.exit(2)


class _Commands(click.Group):
    """A group whose known errors end in one line and exit code 2."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except (HobError, SandboxUnavailable) as error:
            _fail(error)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="hob")
def main() -> None:
    """A coding teammate that lives in GitHub: mention it, get a pull request with proof."""


@main.command()
@click.option("--exit", "exit_", is_flag=True, help="Stop at the end instead of serving on.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object (with --exit) at the end.")
@click.option(
    "--repo", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Any git repository."
)
@click.option("--request", default="", help="What to ask for in that repository.")
def demo(exit_: bool, as_json: bool, repo: Path | None, request: str) -> None:
    """The whole path on this machine: a local GitHub, an issue, a mention, a pull request."""
    from bot.demo.show import run_demo

    if repo is not None and not request.strip():
        raise click.UsageError("--repo needs --request, the text of the issue")
    if repo is None and request.strip():
        raise click.UsageError("--request needs --repo, the repository that it is about")
    sys.exit(run_demo(serve=not exit_, as_json=as_json, repo=repo, request=request))


@main.command()
@click.argument("path", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("request")
@click.option("--model", help="Any pydantic-ai model name, or several (a,b); default HOB_MODEL or offline.")
@click.option(
    "--attempts",
    type=click.IntRange(1, 8),
    help="Make so many side by side and take the best; default: more only when the first fails its proof.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--apply", "apply_", is_flag=True, help="Apply the change to the working tree.")
def solve(
    path: Path, request: str, model: str | None, attempts: int | None, as_json: bool, apply_: bool
) -> None:
    """Work on a local git repository: print the diff and the proof, touch nothing."""
    from bot.settings import load, make_home
    from bot.solve.solve import apply_diff
    from bot.solve.solve import solve as run_solve
    from bot.solve.terminal import show

    if not request.strip():
        raise click.UsageError("REQUEST is empty: say what should change")
    settings = load(model=model)
    make_home(settings)
    tell = _quiet_unless_terminal(as_json)
    solved = asyncio.run(
        run_solve(
            path,
            request,
            home=settings.home,
            model=settings.model,
            backend=settings.sandbox,
            tell=tell,
            attempts=attempts,
            image=settings.image,
            engine=settings.docker,
            internet=settings.internet != "off",
        )
    )
    if as_json:
        click.echo(json.dumps(solved.as_json(), indent=2))
    else:
        show(solved)
    if apply_ and solved.passed:
        apply_diff(path, solved.result.diff)
        click.echo(f"Applied to {path}.", err=True)
    sys.exit(0 if solved.passed else 1)


def _quiet_unless_terminal(as_json: bool) -> Callable[[str], None]:
    if as_json and not sys.stderr.isatty():
        return lambda _: None
    return lambda line: click.echo(line, err=True)


@main.command("eval")
@click.argument(
    "suites", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--model", "models", multiple=True, help="Give it twice to compare two; default HOB_MODEL.")
@click.option("--attempts", type=click.IntRange(1, 64), default=1, help="Independent attempts at each task.")
@click.option("--jobs", type=click.IntRange(1, 64), default=1, help="Attempts side by side.")
@click.option("--limit", type=click.IntRange(1), help="Only the first so many tasks.")
@click.option("--filter", "filter_", default="", help="Only tasks with this in their id, kind or split.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Where results are kept.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--timeout", type=click.FloatRange(1), default=900.0, help="Seconds for one attempt.")
def evaluate(
    suites: tuple[Path, ...],
    models: tuple[str, ...],
    attempts: int,
    jobs: int,
    limit: int | None,
    filter_: str,
    out: Path | None,
    as_json: bool,
    timeout: float,
) -> None:
    """Measure models on tasks of the SWE-bench shape (JSON lines), resumably."""
    from bot.eval.command import EvalOptions, models_or_default
    from bot.eval.command import evaluate as run_evaluate
    from bot.settings import load, make_home

    settings = load()
    make_home(settings)
    asked = EvalOptions(
        suites=suites,
        models=models_or_default(models, settings.model),
        attempts=attempts,
        jobs=jobs,
        limit=limit,
        filter=filter_,
        out=out,
        as_json=as_json,
        seconds=timeout,
    )
    internet = settings.internet != "off"
    sys.exit(run_evaluate(asked, home=settings.home, backend=settings.sandbox, internet=internet))


@main.command()
def web() -> None:
    """Receive webhooks: POST /webhook, /healthz, /readyz, /metrics on PORT."""
    from bot.serve import serve_web
    from bot.settings import load

    asyncio.run(serve_web(load("webhook_secret")))


@main.command()
def worker() -> None:
    """Take deliveries and tasks; any number of these may run, on any number of machines."""
    from bot.serve import serve_worker
    from bot.settings import load

    asyncio.run(serve_worker(load("app_id", "private_key")))


@main.command()
def dashboard() -> None:
    """Pages for people, on HOB_DASHBOARD_PORT."""
    from bot.serve import serve_dashboard
    from bot.settings import load

    serve_dashboard(load())


@main.command()
def migrate() -> None:
    """Bring the database to this version's schema; safe to repeat."""
    from bot.serve import run_migrate
    from bot.settings import load

    asyncio.run(run_migrate(load()))


@main.command()
@click.option("--port", type=PORT, default=0, help="0 takes a free one.")
@click.option("--data", required=True, type=click.Path(path_type=Path), help="Where its state is kept.")
@click.option("--webhook", help="Where it delivers webhooks to.")
def hub(port: int, data: Path, webhook: str | None) -> None:
    """Serve a GitHub on this machine."""
    from localhub.server import serve

    try:
        asyncio.run(serve(port, data, webhook))
    except OSError as error:
        raise HobError(f"the local GitHub cannot serve {data} on port {port}: {error}") from None


@main.command()
@click.argument("base_url")
@click.option("--organization", default="", help="Register in this organization instead of your account.")
@click.option(
    "--port",
    type=PORT,
    default=0,
    help="Where the page for your browser listens on loopback; 0 takes a free one.",
)
def register(base_url: str, organization: str, port: int) -> None:
    """Register a GitHub App for the bot that is reachable at BASE_URL, by GitHub's manifest flow."""
    from bot.github.cli.register import run_registration
    from bot.settings import load

    settings = load()
    run_registration(
        base_url,
        organization=organization,
        api_url=settings.github_url,
        home=settings.home,
        port=port,
        tell=click.echo,
    )


@main.command()
def doctor() -> None:
    """Check the sandbox, the database, the App's key, permissions, events and deliveries."""
    from bot.doctor import examine
    from bot.settings import load, make_home

    settings = load()
    make_home(settings)
    findings = asyncio.run(examine(settings))
    for finding in findings:
        click.echo(f"{'ok  ' if finding.ok else 'FAIL'} {finding.name}: {finding.detail}")
    sys.exit(0 if all(finding.ok for finding in findings) else 1)


@main.command()
@click.argument("run", type=click.IntRange(1))
@click.option("--attempt", type=click.IntRange(1), help="Which attempt; default the chosen or the first.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def replay(run: int, attempt: int | None, as_json: bool) -> None:
    """Drive RUN again from its recorded answers: exit 0 when all turns agree, 1 at a divergence, 2 if it
    cannot be.
    """
    from bot.replay.render import as_object, as_text
    from bot.serve import run_replay
    from bot.settings import load

    replayed = asyncio.run(run_replay(load(), run, attempt))
    click.echo(json.dumps(as_object(replayed), indent=2) if as_json else as_text(replayed))
    sys.exit(1 if replayed.divergence else 0)


@main.command()
@click.option(
    "--hours",
    type=click.IntRange(1, 72),
    default=72,
    help="How far back; GitHub keeps deliveries for three days.",
)
def redeliver(hours: int) -> None:
    """Ask GitHub for the deliveries that failed."""
    from bot.github.cli.redeliver import redeliver as run_redeliver
    from bot.settings import load

    settings = load("app_id", "private_key")
    since = datetime.now(UTC) - timedelta(hours=hours)
    asked = run_redeliver(settings.app, since, write_spacing=settings.write_seconds)
    for one in asked:
        click.echo(f"{one.guid} {one.event}: {one.problem or 'asked for again'}")
    click.echo(f"{len(asked)} failed deliveries")
    sys.exit(1 if any(one.problem for one in asked) else 0)


if __name__ == "__main__":
    main()

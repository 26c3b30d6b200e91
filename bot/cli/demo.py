"""``hob demo``: the whole path from a mention to a pull request, on this machine only."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from bot.cli import importing


@click.command()
@click.option("--exit", "exit_", is_flag=True, help="Stop after the pull request instead of serving on.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object (with --exit) at the end.")
@click.option(
    "--repo",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Use this git repository instead of the demo's own.",
)
@click.option("--request", default="", help="What to ask for in that repository.")
def demo(exit_: bool, as_json: bool, repo: Path | None, request: str) -> None:
    """Show the whole path on this machine: a local GitHub, an issue, a mention, a pull request."""
    with importing():
        from bot.demo.show import run_demo
        from bot.offline.registry import MODELS
        from bot.settings import load

    if repo is not None and not request.strip():
        raise click.UsageError("--repo needs --request, the text of the issue")
    if repo is None and request.strip():
        raise click.UsageError("--request needs --repo, the repository that it is about")
    model = load().model
    MODELS.choose(model)  # an unknown one is named before anything is started
    sys.exit(run_demo(model=model, serve=not exit_, as_json=as_json, repo=repo, request=request))

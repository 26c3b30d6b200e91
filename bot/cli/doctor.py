"""``hob doctor``: whether this machine and the App are fit for work."""

from __future__ import annotations

import asyncio
import sys

import click


@click.command()
def doctor() -> None:
    """Check the sandbox, the database, the App's key, permissions, events and deliveries."""
    from bot.cli.doctor_checks import run_checks
    from bot.settings import load, make_home

    settings = load()
    make_home(settings)
    findings = asyncio.run(run_checks(settings))
    for finding in findings:
        click.echo(str(finding))
    sys.exit(0 if all(finding.ok for finding in findings) else 1)

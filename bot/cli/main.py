"""The command line: ``hob`` and ``python -m bot``. Each command is in a file of its own beside this one.

What only one command needs is imported when it runs: the model adapters alone take a second.
"""

from __future__ import annotations

import sys
from typing import Any

import click

from bot import __version__
from bot.cli import (
    demo,
    doctor,
    evaluate,
    hub,
    purge,
    redeliver,
    register,
    replay,
    retry,
    serve,
    solve,
    status,
    tune,
)
from bot.cli.launch import experiment, flags, forecast
from bot.cli.safety import block, export, redteam
from bot.disk import find_disk_trouble
from bot.errors import HobError, UserError
from sandbox.spec import SandboxUnavailable

COMMANDS = (
    demo.demo,
    solve.solve,
    evaluate.evaluate,
    tune.tune,
    serve.web,
    serve.worker,
    serve.dashboard,
    serve.migrate,
    hub.hub,
    register.register,
    doctor.doctor,
    status.status,
    replay.replay,
    redeliver.redeliver,
    retry.retry,
    purge.purge,
    flags.flags,
    experiment.experiment,
    forecast.forecast,
    block.block,
    block.unblock,
    export.export,
    redteam.redteam,
)


class CommandGroup(click.Group):
    """A group whose known errors end in one line and exit code 2."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except (HobError, SandboxUnavailable) as error:
            _fail(error)
        except OSError as error:
            if not (trouble := find_disk_trouble(error)):
                raise
            where = error.filename2 or error.filename or "the disk"  # of a copy, what it was to be
            _fail(HobError(f"{trouble}: {where} cannot be written; free some space"))


def _fail(error: Exception) -> None:
    """Print the error in one line without a traceback, and the end of its log; exit with code 2."""
    click.echo(f"hob: {error}", err=True)
    if isinstance(error, UserError) and error.log.strip():
        click.echo(f"\n{error.log.rstrip()}", err=True)
    sys.exit(2)


@click.group(
    cls=CommandGroup,
    commands=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="hob")
def main() -> None:
    """A coding teammate that lives in GitHub: mention it, get a pull request with proof."""

"""``hob register``: a GitHub App for this installation."""

from __future__ import annotations

import asyncio

import click


@click.command()
@click.argument("base_url")
@click.option(
    "--organization", "--org", default="", help="Register in this organization instead of your account."
)
@click.option("--name", default="", help="The App's name, if Hob is taken; people mention its slug.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    help="Port of the page for your browser, on loopback; 0: any free one.",
)
def register(base_url: str, organization: str, name: str, port: int) -> None:
    """Register a GitHub App for the bot that is reachable at BASE_URL, by GitHub's manifest flow.

    Webhooks go to BASE_URL/webhook, people who sign in on the dashboard to BASE_URL/sign-in/back.
    """
    from pydantic import SecretStr

    from bot.cli.doctor_checks import run_checks
    from bot.github.cli.register import run_registration
    from bot.settings import load, make_home

    settings = load()
    made = run_registration(
        base_url,
        organization=organization,
        name=name,
        api_url=settings.github_url,
        home=settings.home,
        port=port,
        tell=click.echo,
    )
    make_home(settings)
    click.echo("\nWhat hob doctor finds now:")
    made_known = {"app_id": made.app_id, "private_key": SecretStr(made.private_key), "base_url": base_url}
    for finding in asyncio.run(run_checks(settings.model_copy(update=made_known))):
        click.echo(str(finding))

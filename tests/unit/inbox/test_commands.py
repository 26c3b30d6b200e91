"""The table of commands."""

from __future__ import annotations

from bot.inbox.commands.help import render_help
from bot.inbox.commands.parse import CommandWord
from bot.inbox.commands.run import COMMANDS


def test_every_command_is_in_the_table_and_in_the_help() -> None:
    assert set(COMMANDS) == set(CommandWord)
    text = render_help("hob", "hob")
    assert all(f"`@hob {word.value}" in text for word in CommandWord)

"""The command line: what is wrong is named in one line, and nobody sees a traceback."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.cli.main import main
from bot.demo.story import git
from bot.settings import load


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("HOB_") or name == "PORT"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOB_HOME", str(tmp_path / "home"))


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody else listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def refused(*arguments: str) -> str:
    """What the command says when it refuses with exit code 2."""
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 2, done.output
    assert "Traceback" not in done.output
    return done.output


@pytest.mark.parametrize("command", ["migrate", "dashboard", "doctor"])
def test_a_state_directory_that_cannot_be_made_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HOB_HOME", str(tmp_path / "file"))
    assert "HOB_HOME" in refused(command)


@pytest.mark.parametrize("model", ["nonsense", "offline,nonsense", "nobody:gpt"])
def test_the_demo_names_a_model_that_it_cannot_work_with(monkeypatch: pytest.MonkeyPatch, model: str) -> None:
    monkeypatch.setenv("HOB_MODEL", model)
    assert "HOB_MODEL" in refused("demo", "--exit")


def test_the_state_directory_does_not_move_with_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOB_HOME", "state")
    assert load().home == Path.cwd() / "state"


def test_a_port_that_is_taken_is_named(tmp_path: Path, taken: int) -> None:
    assert f"--port: cannot listen on {taken}" in refused(
        "register", "https://hob.example", "--port", str(taken)
    )
    assert f"on port {taken}" in refused("hub", "--data", str(tmp_path), "--port", str(taken))


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("hub", "--data", "x", "--port", "70000"), "--port"),
        (("register", "https://hob.example", "--port", "70000"), "--port"),
        (("register", "hob.example"), "BASE_URL"),
        (("redeliver", "--hours", "nan"), "--hours"),
        (("redeliver", "--hours", "-5"), "--hours"),
        (("solve", ".", "  "), "REQUEST"),
        (("demo", "--repo", "."), "--request"),
        (("demo", "--request", "fix it"), "--repo"),
    ],
)
def test_a_bad_argument_is_named(arguments: tuple[str, ...], named: str) -> None:
    assert named in refused(*arguments)


def test_a_github_that_does_not_answer_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    monkeypatch.setenv("HOB_APP_ID", "1")
    monkeypatch.setenv("HOB_PRIVATE_KEY", pem)
    monkeypatch.setenv("HOB_GITHUB_URL", "http://127.0.0.1:1")
    assert "does not list the deliveries" in refused("redeliver", "--hours", "1")


def test_a_demo_of_what_is_no_repository_says_so_before_it_starts(tmp_path: Path) -> None:
    assert "not a git repository" in refused("demo", "--repo", str(tmp_path), "--request", "fix it")
    git(tmp_path, "init", "--quiet")
    assert "no commit yet" in refused("demo", "--repo", str(tmp_path), "--request", "fix it")

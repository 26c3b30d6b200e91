"""What the pages for people promise is what the code has."""

from __future__ import annotations

import configparser
import re

import pytest
import yaml

from bot.cli.main import main
from bot.domain import TRANSITIONS
from bot.repo_config import RepoConfig
from bot.settings import Settings
from tests.support import ROOT

README = (ROOT / "README.md").read_text("utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")


def test_the_picture_of_the_states_is_the_table() -> None:
    (picture,) = re.findall(r"stateDiagram-v2\n(.*?)```", README, re.DOTALL)
    steps = [
        f"{state.value} --> {to.value}: {why}"
        for state, after in TRANSITIONS.items()
        for to, why in after.items()
    ]
    assert [line.strip() for line in picture.splitlines()] == ["[*] --> queued", *steps]


def test_every_setting_is_documented() -> None:
    variables = {str(field.validation_alias) for field in Settings.model_fields.values()}
    assert not {name for name in variables if f"`{name}`" not in README}


def test_every_command_in_the_documents_exists() -> None:
    named = set(
        re.findall(
            r"\bhob (demo|solve|web|worker|dashboard|migrate|hub|register|doctor|redeliver|replay)\b", README
        )
    )
    assert named <= set(main.commands)
    lines = (ROOT / "Procfile").read_text("utf-8").splitlines()
    procfile = dict(line.split(": hob ") for line in lines)
    assert set(procfile) == {"release", "web", "worker", "dashboard"}
    assert set(procfile.values()) <= set(main.commands)


def test_the_example_of_the_repository_file_is_valid() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    RepoConfig.model_validate(yaml.safe_load(example))


def test_links_and_pictures_are_there() -> None:
    for name, text in (("README.md", README), ("CONTRIBUTING.md", CONTRIBUTING)):
        for target in re.findall(r"\]\((?!https?://)([^)#]+)", text):
            assert (ROOT / target).exists(), f"{name} points at {target}"


def test_every_dependency_has_a_reason() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    for line in config["options"]["install_requires"].split("\n"):
        name = re.match(r"[A-Za-z0-9-]+", line.strip())
        if name and not line.strip().startswith("#"):
            assert re.search(rf"\b{re.escape(name.group())}\b", CONTRIBUTING, re.IGNORECASE), name.group()
            assert ">=" in line, f"{name.group()} has no lower bound"


def named_targets() -> set[str]:
    """What the documents tell people to run with make."""
    pages = [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *ROOT.glob("sandbox/*.md"),
        *ROOT.glob("tests/**/*.md"),
    ]
    text = "\n".join(page.read_text("utf-8") for page in pages)
    return set(re.findall(r"(?:^|`)make ([a-z]+(?:-[a-z]+)*)", text, re.MULTILINE))


@pytest.mark.parametrize("target", sorted(named_targets()))
def test_every_make_target_named_exists(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)


def test_the_start_that_is_named_names_no_process_that_ends_by_itself() -> None:
    """honcho stops everything as soon as one process ends, and ``release`` does."""
    (named,) = re.findall(r"`honcho start([^`]*)`", README)
    assert set(named.split()) == set(re.findall(r"^(\w+):", (ROOT / "Procfile").read_text(), re.M)) - {
        "release"
    }

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
from tests.project.test_layers import ALLOWED
from tests.support import ROOT

ROOMS = ("bot", "sandbox", "localhub")

PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/*.md", ".github/*.md", "tests/suite/*.md")
    for path in ROOT.glob(pattern)
) + sorted(path.relative_to(ROOT).as_posix() for top in ROOMS for path in (ROOT / top).rglob("*.md"))


def read_page(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


README = read_page("README.md")
CONTRIBUTING = read_page("CONTRIBUTING.md")
ARCHITECTURE = read_page("docs/architecture.md")


def table_rows(page: str, columns: int) -> list[list[str]]:
    """The cells of a page's tables with so many columns, without head and rule."""
    rows = [line.strip("|").split(" | ") for line in page.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in row] for row in rows if len(row) == columns]
    return cells[1:]


@pytest.mark.parametrize("name", ["README.md", "docs/architecture.md"])
def test_the_picture_of_the_states_is_the_table(name: str) -> None:
    (picture,) = re.findall(r"stateDiagram-v2\n(.*?)```", read_page(name), re.DOTALL)
    steps = [
        f"{state.value} --> {to.value}: {why}"
        for state, after in TRANSITIONS.items()
        for to, why in after.items()
    ]
    assert [line.strip() for line in picture.splitlines()] == ["[*] --> queued", *steps]


def test_every_arrow_between_rooms_that_is_drawn_is_allowed() -> None:
    (picture,) = re.findall(r"flowchart TB\n(.*?)```", ARCHITECTURE, re.DOTALL)
    arrows = re.findall(r"^    (\S+) --> (\S+)$", picture, re.MULTILINE)
    assert len(arrows) == len(picture.splitlines())
    for room, target in arrows:
        assert any(target == ok or target.startswith(f"{ok}.") for ok in ALLOWED[room]), f"{room} to {target}"


def test_every_term_of_the_glossary_names_a_place_that_exists() -> None:
    rows = table_rows(read_page("docs/glossary.md"), 3)
    terms = [term for term, _, _ in rows]
    assert terms == sorted(terms) and len(set(terms)) == len(terms) >= 40
    for term, sentence, where in rows:
        assert (ROOT / where.strip("`")).exists(), f"{term}: {where}"
        assert sentence.endswith("."), term


def test_every_scenario_is_listed_with_the_files_that_play_it() -> None:
    played: dict[str, set[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for prefix in re.findall(r"def test_((?:s\d\d_)+)", path.read_text("utf-8")):
            for number in prefix.strip("_").split("_"):
                played.setdefault(number, set()).add(path.relative_to(ROOT / "tests").as_posix())
    rows = table_rows(read_page("docs/scenarios.md"), 3)
    listed = {number: set(re.findall(r"`([^`]+)`", files)) for number, _, files in rows}
    assert list(listed) == sorted(listed) and len(listed) == len(rows)
    for number in sorted({*played, *listed}):
        assert listed.get(number) == played.get(number), f"{number} in docs/scenarios.md"


def test_contributing_fits_two_screens() -> None:
    lines = CONTRIBUTING.splitlines()
    assert len(lines) <= 80
    assert not [line for line in lines if len(line) > 100]
    assert "(docs/architecture.md)" in CONTRIBUTING and "(docs/glossary.md)" in CONTRIBUTING


def test_every_setting_is_documented() -> None:
    variables = {str(field.validation_alias) for field in Settings.model_fields.values()}
    assert not {name for name in variables if f"`{name}`" not in read_page("docs/settings.md")}


def test_every_command_in_the_documents_exists() -> None:
    text = "\n".join(map(read_page, PAGES))
    named = {word for line in re.findall(r"`hob ([a-z]+)|^hob ([a-z]+)", text, re.MULTILINE) for word in line}
    assert named - {""} <= set(main.commands)
    lines = (ROOT / "Procfile").read_text("utf-8").splitlines()
    procfile = dict(line.split(": hob ") for line in lines)
    assert set(procfile) == {"release", "web", "worker", "dashboard"}
    assert set(procfile.values()) <= set(main.commands)


def test_the_example_of_the_repository_file_is_valid() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", read_page("docs/repository.md"), re.DOTALL)
    RepoConfig.model_validate(yaml.safe_load(example))


@pytest.mark.parametrize("name", PAGES)
def test_links_and_pictures_are_there(name: str) -> None:
    for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", read_page(name)):
        assert ((ROOT / name).parent / target).exists(), f"{name} points at {target}"


def test_every_page_stands_in_the_sites_contents() -> None:
    listed = re.findall(r"^([a-z-]+)$", read_page("docs/index.md"), re.MULTILINE)
    pages = {path.stem for path in (ROOT / "docs").glob("*.md")}
    assert sorted([*listed, "index"]) == sorted(pages)


def test_every_dependency_has_a_reason() -> None:
    libraries = read_page("docs/libraries.md")
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    for line in config["options"]["install_requires"].split("\n"):
        name = re.match(r"[A-Za-z0-9-]+", line.strip())
        if name and not line.strip().startswith("#"):
            assert re.search(rf"\b{re.escape(name.group())}\b", libraries, re.IGNORECASE), name.group()
            assert ">=" in line, f"{name.group()} has no lower bound"


def named_targets() -> set[str]:
    """What the documents tell people to run with make."""
    text = "\n".join(map(read_page, PAGES))
    return set(re.findall(r"(?:^|`)make ([a-z]+(?:-[a-z]+)*)", text, re.MULTILINE))


@pytest.mark.parametrize("target", sorted(named_targets()))
def test_every_make_target_named_exists(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)


def test_the_start_that_is_named_names_no_process_that_ends_by_itself() -> None:
    """honcho stops everything as soon as one process ends, and ``release`` does."""
    (named,) = re.findall(r"`honcho start([^`]*)`", read_page("docs/install.md"))
    assert set(named.split()) == set(re.findall(r"^(\w+):", (ROOT / "Procfile").read_text(), re.M)) - {
        "release"
    }


def folders_of_code() -> list[str]:
    """Every folder of product code, from the top."""
    return sorted(
        {path.parent.relative_to(ROOT).as_posix() for top in ROOMS for path in (ROOT / top).rglob("*.py")}
    )


def count_modules(folder: str) -> int:
    return len(list((ROOT / folder).glob("*.py")))


@pytest.mark.parametrize("folder", folders_of_code())
def test_no_folder_holds_more_than_one_subject(folder: str) -> None:
    assert count_modules(folder) <= 16


@pytest.mark.parametrize("folder", [each for each in folders_of_code() if count_modules(each) > 11])
def test_a_package_of_more_than_ten_modules_has_a_readme(folder: str) -> None:
    """Ten beside ``__init__.py``."""
    assert (ROOT / folder / "README.md").exists()

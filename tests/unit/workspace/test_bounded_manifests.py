"""Of a manifest that is far longer than people write them a bounded part is looked at."""

from __future__ import annotations

from collections import Counter

import pytest

from bot.workspace.find_checks import recipes, tox
from bot.workspace.find_checks.recipes import MOST_PARTS, MOST_REACHED, list_target_lines
from bot.workspace.find_checks.tox import MOST_COMMANDS, list_declared_commands
from bot.workspace.find_checks.tree import MOST_YAML, Tree


def make_tree(**files: str) -> tuple[Tree, Counter[str]]:
    """A tree of files whose names have a dot in place of "_", and how often each was read."""
    texts = {name.replace("_", "."): text for name, text in files.items()}
    reads: Counter[str] = Counter()

    def read(path: str) -> bytes | None:
        reads[path] += 1
        return texts[path].encode() if path in texts else None

    return Tree(texts, read), reads


@pytest.mark.parametrize("beginning", ["", "A=$(A)$(A)$(A)\n", "A=$(B)$(B)$(B)\nB=$(A)$(A)$(A)\n"])
def test_lines_that_a_target_reaches_are_bounded_in_sum(beginning: str) -> None:
    tree, _ = make_tree(Makefile=beginning + "test:\n\tpytest\n" + "\t$(A)\n" * 20_000)
    lines = list_target_lines(tree, "Makefile", "make", ["test"])
    assert lines[0] == "pytest" and len("".join(lines)) < 2 * MOST_REACHED
    assert len(lines) < 4_000


def test_several_targets_share_the_bound() -> None:
    names = [f"a{number}" for number in range(20)]
    tree, _ = make_tree(Makefile="".join(f"{name}:\n" + "\techo hello\n" * 1_000 for name in names))
    assert len(list_target_lines(tree, "Makefile", "make", names)) < 4_000


def test_only_lines_that_a_target_reaches_are_filled_in(monkeypatch: pytest.MonkeyPatch) -> None:
    filled: list[str] = []
    monkeypatch.setattr(recipes, "_fill_in", lambda line, values: filled.append(line) or line)
    tree, _ = make_tree(
        Makefile="other:\n" + "\t$(A)\n" * 100 + "test: unit\n\t$(GO) vet\nunit:\n\t$(GO) test\n"
    )
    assert list_target_lines(tree, "Makefile", "make", ["test"]) == ["$(GO) test", "$(GO) vet"]
    assert sorted(filled) == ["$(GO) test", "$(GO) vet"]


def test_lines_of_many_targets_are_bounded_in_sum() -> None:
    names = " ".join(f"a{number}" for number in range(200))
    tree, _ = make_tree(Makefile=f"first:\n\tx\n{names}:\n" + "\tx\n" * 1_000 + "last:\n\tx\n")
    assert list_target_lines(tree, "Makefile", "make", ["first"]) == ["x"]
    assert len(list_target_lines(tree, "Makefile", "make", ["a0"])) <= MOST_PARTS // 200
    assert list_target_lines(tree, "Makefile", "make", ["last"]) == ["x"], (
        "the first target's, as last is not read"
    )


def test_a_bounded_number_of_included_files_is_read_each_once() -> None:
    names = [f"a{number}.mk" for number in range(100)]
    text = "test:\n\tpytest\n" + "".join(f"include {name}\n" for name in names * 3)
    tree, reads = make_tree(Makefile=text, **{name.replace(".", "_"): "x:\n\tx\n" for name in names})
    assert list_target_lines(tree, "Makefile", "make", ["test", "x"])[:1] == ["pytest"]
    assert len(reads) <= 21 and set(reads.values()) == {1}


@pytest.mark.parametrize("line", ["pytest", "py{a}: pytest", "pytest tests/{number}.py"])
def test_a_bounded_number_of_commands_is_made_plain(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    make_plain = tox.make_plain
    monkeypatch.setattr(tox, "make_plain", lambda line: made.append(line) or make_plain(line))
    lines = "".join(f"    {line.replace('{number}', str(number))}\n" for number in range(5_000))
    tree, _ = make_tree(tox_ini=f"[testenv]\ncommands =\n{lines}")
    assert list_declared_commands(tree, "")[0].startswith("python -m pytest")
    assert len(made) <= 3 * MOST_COMMANDS


def test_a_long_file_of_yaml_is_not_parsed() -> None:
    tree, _ = make_tree(a_yml="a: b\n" + "# a\n" * (MOST_YAML // 4), b_yml="a: b\n")
    assert tree.yaml("a.yml") is None and tree.yaml("b.yml") == {"a": "b"}

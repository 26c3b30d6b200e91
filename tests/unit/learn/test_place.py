"""hob.yml with a line more in its instructions: the rest stays as it is, or it is refused."""

from __future__ import annotations

import pytest

from bot.errors import UserError
from bot.learn.place import add_to_instructions
from bot.repo_config import parse_repo_config

LINE = "Use `a: b` # not “c”, nor 'd'."


@pytest.mark.parametrize(
    "written",
    [
        "instructions: Be brief.",
        "instructions: Be brief.   # a comment",
        "instructions: 'Be brief.'",
        'instructions: "Be brief."  # a comment',
        "instructions: |\n  Be brief.\n",
        "instructions: |-  # a comment\n  Be brief.\n\n# another\n",
        "instructions: >+\n    Be\n    brief.\n\n",
        "instructions:\n  Be\n  brief.\n",
        "'instructions': Be brief.",
        "instructions: !!str Be brief.\n",
        "instructions: |2\n   Be brief.\n",
        "instructions: ' '",
    ],
)
@pytest.mark.parametrize("before", ["", "---\n", "label: bot # ours\n\n", "\ufeff# ours\n"])
@pytest.mark.parametrize("after", ["", "\nlearning: true\n", "\n\n# end\nbudget: {usd: 2}"])
def test_a_line_is_added_and_nothing_else_changes(written: str, before: str, after: str) -> None:
    text = before + written + after
    old, changed = parse_repo_config(text.encode()), add_to_instructions(text, LINE)
    new = parse_repo_config(changed.encode())
    assert new.instructions == f"{old.instructions.rstrip()}\n- {LINE}\n"
    assert new.model_copy(update={"instructions": old.instructions}) == old
    assert changed.startswith(before) and changed.endswith(after.lstrip("\n")), changed
    assert text.count("#") + 1 == changed.count("#"), "comments stay"
    twice = parse_repo_config(add_to_instructions(changed, "Once more.").encode())
    assert twice.instructions == f"{new.instructions}- Once more.\n"


def test_a_flow_mapping_gets_a_string_in_quotes() -> None:
    assert add_to_instructions("{label: bot, instructions: Be brief.}\n", "Use UTC.") == (
        '{label: bot, instructions: "Be brief.\\n- Use UTC.\\n"}\n'
    )


def test_line_ends_stay() -> None:
    changed = add_to_instructions("label: bot\r\ninstructions: Be brief.\r\nhistory: 2\r\n", "Use UTC.")
    assert changed == ("label: bot\r\ninstructions: |\r\n  Be brief.\r\n  - Use UTC.\r\nhistory: 2\r\n")


@pytest.mark.parametrize(
    "text",
    [
        "instructions: &same Be brief.\nlint: *same\n",
        "label: bot\n",
        "instructions: Be brief.\nnonsense: 1\n",
        f"instructions: {'x' * 19_990}\n",
    ],
)
def test_what_cannot_be_added_to_is_refused_in_words(text: str) -> None:
    with pytest.raises(UserError) as refused:
        add_to_instructions(text, "Use UTC.")
    assert "hob.yml" in refused.value.message

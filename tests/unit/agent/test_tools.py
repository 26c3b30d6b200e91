"""Every tool by itself: what it does, and what it says when it cannot."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from pydantic_ai.messages import ToolCallPart

from bot.agent.background_commands import BackgroundCommands
from bot.agent.tools import registry
from bot.agent.tools.context import MOST_CHECKS, CheckReport, ChecksReport, ToolContext
from bot.domain import CheckResult, Verdict
from bot.errors import UserError
from bot.text.terminal import bound_output, render_output
from tests.support.agent import CART, DirectorySandbox, repository


class Hand:
    """Calls tools on a bench."""

    def __init__(self, root: Path) -> None:
        self.root = root
        sandbox = DirectorySandbox(root)
        self.commands = sandbox.commands
        self.context = ToolContext(
            sandbox,
            seconds_left=lambda: 60.0,
            answerable=(5, 6),
            run_checks=self._run_checks,
            background=BackgroundCommands(sandbox, resumed=False),
        )
        self.report: ChecksReport | Exception = ChecksReport()

    async def _run_checks(self) -> ChecksReport:
        if isinstance(self.report, Exception):
            raise self.report
        return self.report

    async def __call__(self, name: str, /, **args: Any) -> str:
        done = await registry.execute_call(self.context, ToolCallPart(tool_name=name, args=args))
        assert not done.malformed, done.text
        assert done.ok != done.text.startswith("[error]") or name in ("shell", "check")
        return done.text


@pytest.fixture
def hand(tmp_path: Path) -> Hand:
    return Hand(repository(tmp_path / "repo"))


def test_every_tool_is_described_with_an_example_and_no_noise() -> None:
    for definition in registry.list_definitions():
        assert "Example" in (definition.description or "")
        properties = definition.parameters_json_schema["properties"]
        assert "title" not in definition.parameters_json_schema
        assert definition.parameters_json_schema["additionalProperties"] is False
        assert all("title" not in each for each in properties.values())
    finish = registry.list_definitions()[-1]
    assert set(finish.parameters_json_schema["properties"]) == {"kind", "title", "summary"}


def test_the_guest_folder_is_mounted_where_the_tools_look() -> None:
    [mount] = registry.list_guest_mounts()
    assert mount.target == "/opt/hob/guest"
    assert (mount.source / "files.py").is_file()


async def test_shell_shows_both_streams_and_how_it_ended(hand: Hand) -> None:
    assert "out\nerr\n" in await hand("shell", command="echo out; echo err >&2")
    assert (await hand("shell", command="exit 4")).startswith("[exit code 4, ")
    assert "timed out" in await hand("shell", command="sleep 20", seconds=0.2)
    assert (await hand("shell", command="cat; echo end of input")).endswith("s]\nend of input\n")


async def test_long_output_says_what_is_left_out_and_can_be_read(hand: Hand) -> None:
    text = await hand("shell", command="seq 1 9000")
    assert len(text) < 17_000
    assert "\n1\n" in text
    assert text.endswith("9000\n")
    left_out = text.split("[")[2]
    assert 'read {"path": "output:1", "start": ' in left_out
    start = int(left_out.split('"start": ')[1].split("}")[0])
    rest = await hand("read", path="output:1", start=start, lines=3)
    assert rest.startswith(f"{start:>6}\t{start}\n")
    assert "go on with start=" in rest
    assert "behind its end" in await hand("read", path="output:1", start=99_999)
    assert "not kept any more" in await hand("read", path="output:2")


async def test_output_the_sandbox_dropped_is_said(hand: Hand) -> None:
    assert "bytes from the middle of this output were not kept" in await hand("shell", command="seq 1 90000")


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"\x1b[31mred\x1b[0m\x1b]8;;javascript:x\x07link\x1b]8;;\x07", "redlink"),
        (b"10%\r50%\r100%\r\nnext\r\n", "100%\nnext\n"),
        (b"a\x00b\x08c\xff", "abc\ufffd"),
        (b"\x1b]0;" * 3 + b"\n\x1b", "\n"),
    ],
)
def test_terminal_control_is_taken_out(raw: bytes, shown: str) -> None:
    assert render_output(raw) == shown


def test_floods_of_escapes_cost_little() -> None:
    render_output(b"\x1b]" * 130_000)
    render_output(b"\x1b[0" * 90_000)
    render_output(b"x" * 256_000 + b"\r")


def test_one_long_line_is_cut_too() -> None:
    text = bound_output("x" * 50_000, "output:1")
    assert len(text) < 16_300
    assert "a part of a line (34000 characters) left out" in text


async def test_all_of_one_long_line_can_be_read(hand: Hand) -> None:
    text = await hand("shell", command="python -c \"print(','.join(map(str, range(9000))))\"")
    assert "[lines over 2000 characters are folded here]" in text
    assert 'to see the rest: read {"path": "output:1", "start": ' in text
    pages = [await hand("read", path="output:1", start=at, lines=5) for at in range(2, 27, 5)]
    whole = "".join(
        line.partition("\t")[2] for page in pages for line in page.splitlines() if not line.startswith("[")
    )
    assert whole == ",".join(map(str, range(9000)))


async def test_what_an_edit_leaves_out_is_said(hand: Hand) -> None:
    (hand.root / "long.txt").write_text("a\n" * 30_000 + "end of it all, here\n")
    new = "".join(f"line {number}\n" for number in range(200))
    (hand.root / "short.txt").write_text("one\n" + new)
    assert "more lines of it are not shown; read them]" in await hand(
        "edit", path="short.txt", old="one\n", new=new
    )
    missed = await hand("edit", path="long.txt", old="end of it al, here", new="x")
    assert "nor anything like it in its first 20000 lines" in missed
    block = "".join(f"line {number} \n" if number % 2 else f"line {number}!\n" for number in range(100))
    missed = await hand("edit", path="short.txt", old=block, new="x")
    assert missed.endswith("[more differs]")


async def test_a_crowded_folder_says_how_to_see_the_rest(hand: Hand) -> None:
    for number in range(400):
        (hand.root / f"{number:03}{'x' * 60}").touch()
    assert "more of 402 names left out; list them by shell" in await hand("read", path=".")


async def test_read_numbers_lines_and_pages(hand: Hand) -> None:
    assert await hand("read", path="/workspace/cart.py") == (
        "     1\tdef total(prices, rate):\n"
        "     2\t    amount = sum(prices)\n"
        "     3\t    return amount - rate\n"
    )
    (hand.root / "long.txt").write_text("".join(f"line {n}\n" for n in range(1, 1001)))
    page = await hand("read", path="long.txt", start=500, lines=2)
    assert page == "   500\tline 500\n   501\tline 501\n[lines 500-501 of 1000; go on with start=502]"
    assert "lines 1-400 of 1000; go on with start=401" in await hand("read", path="long.txt")
    assert "has 1000 lines; start=2000 is behind" in await hand("read", path="long.txt", start=2000)


async def test_read_is_bounded_by_characters_too(hand: Hand) -> None:
    (hand.root / "wide.txt").write_text(("x" * 999 + "\n") * 300 + "y" * 100_000 + "\nend\n")
    page = await hand("read", path="wide.txt")
    assert len(page) < 18_000
    assert "of 302; go on with start=" in page
    tail = await hand("read", path="wide.txt", start=301)
    assert "   302\tend" in tail
    assert "lines over 2000 characters are cut" in tail


async def test_read_of_what_is_no_text_file(hand: Hand) -> None:
    (hand.root / "sub").mkdir()
    (hand.root / "sub" / "x").touch()
    (hand.root / "image.png").write_bytes(b"\x89PNG\0\0")
    (hand.root / "latin.txt").write_bytes(b"caf\xe9\r\nok\r\n")
    os.mkfifo(hand.root / "pipe")
    assert await hand("read", path=".") == "cart.py\nimage.png\nlatin.txt\npipe\nsub/\ntest_cart.py"
    assert "image.png is binary (6 bytes)" in await hand("read", path="image.png")
    latin = await hand("read", path="latin.txt")
    assert latin.startswith("     1\tcaf\ufffd\n     2\tok\n")
    assert "lines end with CRLF" in latin
    assert "not UTF-8" in latin
    assert "not a regular file" in await hand("read", path="pipe")
    assert "does not exist; . has cart.py" in await hand("read", path="carts.py")
    assert "neither does its folder no" in await hand("read", path="no/such")
    assert "[the file is empty]" in await hand("read", path="sub/x")
    assert "Not a directory" in await hand("read", path="cart.py/x")
    assert "File name too long" in await hand("read", path="x" * 300)


async def test_edit_replaces_and_shows_the_place(hand: Hand) -> None:
    text = await hand("edit", path="cart.py", old="amount - rate", new="amount * (1 - rate)")
    assert text.startswith("cart.py is changed:\n     1\tdef total")
    assert "     3\t    return amount * (1 - rate)" in text
    assert (hand.root / "cart.py").read_text() == CART.replace("- rate", "* (1 - rate)")
    assert hand.context.edited


@pytest.mark.parametrize(
    ("old", "why"),
    [
        (
            "  amount = sum(prices)\n  return amount - rate",
            "Nearest is lines 2-3; only the indentation differs",
        ),
        ("def total(prices,  rate):", "Nearest is line 1; only whitespace within the lines differs"),
        ("    return Amount - rate", "only upper and lower case differ"),
        ("    return amount - rates", "it differs here"),
        ("     3\t    return amount - rate", "leave out the line numbers"),
        ("def nothing_like_it_at_all(): pass", "nor anything like it"),
    ],
)
async def test_an_edit_that_misses_shows_the_nearest_text_and_why(hand: Hand, old: str, why: str) -> None:
    text = await hand("edit", path="cart.py", old=old, new="x")
    assert why in text
    assert ("-" + old.split("\n")[0] in text) == ("Nearest" in text)
    assert (hand.root / "cart.py").read_text() == CART


async def test_edit_wants_one_place_or_all(hand: Hand) -> None:
    assert "stands 2 times in cart.py, at lines 2, 3" in await hand(
        "edit", path="cart.py", old="amount", new="a"
    )
    assert "changed in 2 places" in await hand("edit", path="cart.py", old="amount", new="sum_", all=True)
    assert (hand.root / "cart.py").read_text().count("sum_") == 2
    assert "the same" in await hand("edit", path="cart.py", old="total", new="total")


async def test_edit_keeps_line_ends_and_bytes(hand: Hand) -> None:
    (hand.root / "dos.txt").write_bytes(b"one\r\ncaf\xe9\r\nthree\r\n")
    (hand.root / "run.sh").write_text("echo 1\n")
    (hand.root / "run.sh").chmod(0o755)
    await hand("edit", path="dos.txt", old="\nthree\n", new="\n3\n4\n")
    await hand("edit", path="run.sh", old="1", new="2")
    assert (hand.root / "dos.txt").read_bytes() == b"one\r\ncaf\xe9\r\n3\r\n4\r\n"
    assert (hand.root / "run.sh").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(
    ("before", "old", "new", "after"),
    [
        (b"one\r\ntwo\r\n", "one", "one\n1", b"one\r\n1\r\ntwo\r\n"),
        (b"one\r\ntwo", "two", "two\n2", b"one\r\ntwo\r\n2"),
        (b"one\r\ntwo\nthree\n", "two", "two\n2", b"one\r\ntwo\n2\nthree\n"),
        (b"one\ntwo\r\n", "two", "two\n2", b"one\ntwo\r\n2\r\n"),
        (b"one", "one", "one\n1\n", b"one\n1\n"),
        (b"\nx", "x", "x\ny", b"\nx\ny"),
    ],
)
async def test_added_lines_end_as_those_around(
    hand: Hand, before: bytes, old: str, new: str, after: bytes
) -> None:
    (hand.root / "dos.txt").write_bytes(before)
    await hand("edit", path="dos.txt", old=old, new=new)
    assert (hand.root / "dos.txt").read_bytes() == after


async def test_a_file_that_is_replaced_keeps_its_form(hand: Hand) -> None:
    (hand.root / "dos.txt").write_bytes(b"\xef\xbb\xbfone\r\ntwo\r\n")
    text = await hand("write", path="dos.txt", text="1\ntwo\n")
    assert "[its lines end with CRLF, as before]\n[it begins with a byte order mark, as before]" in text
    assert (hand.root / "dos.txt").read_bytes() == b"\xef\xbb\xbf1\r\ntwo\r\n"
    (hand.root / "mixed.txt").write_bytes(b"one\r\ntwo\n")
    assert "as before" not in await hand("write", path="mixed.txt", text="1\n")
    assert (hand.root / "mixed.txt").read_bytes() == b"1\n"


async def test_bytes_that_cannot_be_shown_are_not_lost(hand: Hand) -> None:
    (hand.root / "latin.txt").write_bytes(b"caf\xe9\r\nok\r\n")
    for tool, arguments in (
        ("write", {"text": "caf\ufffd\nOK\n"}),
        ("edit", {"old": "caf\ufffd\nok", "new": "caf\ufffd\nOK"}),
    ):
        text = await hand(tool, path="latin.txt", **arguments)
        assert "latin.txt is not UTF-8: the bytes that are shown as \ufffd would be lost" in text
    assert (hand.root / "latin.txt").read_bytes() == b"caf\xe9\r\nok\r\n"
    assert "     1\tcaf\ufffd\n     2\tOK" in await hand("edit", path="latin.txt", old="ok", new="OK")
    assert (hand.root / "latin.txt").read_bytes() == b"caf\xe9\r\nOK\r\n"
    await hand("write", path="latin.txt", text="café\n")
    await hand("write", path="latin.txt", text="\ufffd\n")
    assert (hand.root / "latin.txt").read_bytes() == "\ufffd\r\n".encode()


async def test_a_change_that_breaks_python_is_said(hand: Hand) -> None:
    text = await hand("edit", path="cart.py", old="sum(prices)", new="sum(prices")
    assert "[the file is not valid Python now: '(' was never closed, line 2]" in text
    assert "not valid" not in await hand("edit", path="cart.py", old="rate\n", new="rates\n")
    assert "not valid" in await hand("write", path="new.py", text="def x(:\n")


async def test_write_makes_folders_and_says_what_was_there(hand: Hand) -> None:
    assert await hand("write", path="a/b/c.txt", text="é\n") == "a/b/c.txt: 1 lines, 3 bytes, a new file"
    assert (hand.root / "a/b/c.txt").read_bytes() == "é\n".encode()
    assert "replaced 3 lines" in await hand("write", path="cart.py", text="")
    assert "is a directory" in await hand("write", path="a", text="x")
    assert "File exists" in await hand("write", path="cart.py/x", text="x")


async def test_nothing_is_written_outside_the_workspace(hand: Hand, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("as it was")
    (hand.root / "link").symlink_to(outside / "file")
    (hand.root / "folder").symlink_to(outside)
    (hand.root / "dangling").symlink_to(outside / "new")
    (hand.root / "inner").symlink_to("cart.py")
    for path in (
        "../outside/file",
        str(outside / "file"),
        "link",
        "folder/file",
        "dangling",
        ".",
        ".git/config",
    ):
        text = await hand("write", path=path, text="x")
        assert "outside the workspace" in text or "belongs to git" in text
    assert "outside" in await hand("edit", path="link", old="as", new="is")
    assert sorted(each.name for each in outside.iterdir()) == ["file"]
    assert (outside / "file").read_text() == "as it was"
    await hand("edit", path="inner", old="amount - rate", new="amount")
    assert (hand.root / "inner").is_symlink()


async def test_search_finds_with_path_and_line(hand: Hand) -> None:
    (hand.root / "sub").mkdir()
    (hand.root / "sub" / "more.py").write_text("amount = 1  # TODO(me)\n")
    assert await hand("search", pattern=r"amount\b") == (
        "cart.py:2:    amount = sum(prices)\n"
        "cart.py:3:    return amount - rate\n"
        "sub/more.py:1:amount = 1  # TODO(me)\n"
    )
    assert (
        await hand("search", pattern="TODO(", literal=True, glob="*.py", names_only=True) == "sub/more.py\n"
    )
    assert await hand("search", pattern="AMOUNT = 1", ignore_case=True, path="/workspace/sub") == (
        "sub/more.py:1:amount = 1  # TODO(me)\n"
    )
    assert await hand("search", pattern="nowhere") == "[nothing matches]"
    assert "regex parse error" in await hand("search", pattern="(")
    assert "No such file" in await hand("search", pattern="x", path="none")
    assert "cart.py-2-" in await hand("search", pattern="return", context=1, path="cart.py")
    assert await hand("search", pattern="-rf", literal=True) == "[nothing matches]"


async def test_search_is_bounded(hand: Hand) -> None:
    (hand.root / "many.txt").write_text("needle in a haystack of some length\n" * 5000)
    text = await hand("search", pattern="needle")
    assert text.startswith("[5000 lines]\n")
    assert len(text) < 17_000
    assert 'read {"path": "output:1"' in text


async def test_notes_and_replies_are_kept_once(hand: Hand) -> None:
    await hand("note", path="cart.py", line=3, text="one")
    await hand("note", path="/workspace/cart.py", line=3, text="two")
    await hand("reply", comment=5, text="first")
    await hand("reply", comment=5, text="second")
    assert [note.text for note in hand.context.notes] == ["two"]
    assert [reply.text for reply in hand.context.replies] == ["second"]


@pytest.mark.parametrize(
    ("path", "line", "why"),
    [
        ("cart.py", 4, "3 lines"),
        ("cart.py", 99, "3 lines"),
        ("shop/cart.py", 1, "does not exist"),
        (".", 1, "not a file of the workspace"),
        ("../cart.py", 1, "not a file of the workspace"),
        ("/etc/hostname", 1, "not a file of the workspace"),
        ("folder", 1, "is a directory"),
        ("empty.txt", 1, "has no line 1"),
        ("logo.png", 1, "is binary"),
    ],
)
async def test_a_note_on_a_line_that_is_not_there_is_refused(
    hand: Hand, path: str, line: int, why: str
) -> None:
    (hand.root / "folder").mkdir()
    (hand.root / "empty.txt").touch()
    (hand.root / "logo.png").write_bytes(b"\x89PNG\0\0")
    assert why in await hand("note", path=path, line=line, text="Here.")
    assert hand.context.notes == []


async def test_notes_and_replies_can_be_withdrawn(hand: Hand) -> None:
    await hand("note", path="cart.py", line=3, text="one")
    await hand("note", path="./cart.py", line=2, text="two")
    assert "is withdrawn" in await hand("note", path="/workspace/cart.py", line=3, withdraw=True)
    assert [note.text for note in hand.context.notes] == ["two"]
    assert "notes are on cart.py:2" in await hand("note", path="cart.py", line=3, withdraw=True)
    await hand("reply", comment=5, text="first")
    assert "is withdrawn" in await hand("reply", comment=5, withdraw=True)
    assert "no reply of yours" in await hand("reply", comment=5, withdraw=True)
    assert hand.context.replies == []


async def test_a_reply_where_nobody_asked_is_refused(hand: Hand) -> None:
    assert "those that can be answered are 5, 6" in await hand("reply", comment=7, text="Hello.")
    hand.context.answerable = ()
    assert "no review comment to reply to" in await hand("reply", comment=5, text="Hello.")
    assert "needs a text" in await hand("note", path="cart.py", line=1)
    assert hand.context.replies == []


async def test_a_note_whose_line_went_away_stops_the_end(hand: Hand) -> None:
    await hand("note", path="cart.py", line=3, text="Here.")
    await hand("write", path="cart.py", text="total = sum\n")
    refused = await hand("finish", kind="changed", title="Shorter", summary="x")
    assert "note on cart.py:3 has lost its line" in refused and hand.context.finish is None
    await hand("note", path="cart.py", line=3, withdraw=True)
    assert await hand("finish", kind="changed", title="Shorter", summary="x") == "The work ends here."


async def test_a_noted_line_is_looked_at_again_only_after_a_command_that_may_change_it(hand: Hand) -> None:
    """Each look starts a program."""
    await hand("edit", path="cart.py", old="total", new="amount", all=True)
    await hand("note", path="cart.py", line=3, text="Here.")
    before = len(hand.commands)
    assert await hand("finish", kind="changed", title="Shorter", summary="x") == "The work ends here."
    assert len(hand.commands) == before
    await hand("shell", command="true")
    await hand("finish", kind="changed", title="Shorter", summary="x")
    assert len(hand.commands) == before + 2


async def test_the_checks_are_shown_in_short_and_only_so_often(hand: Hand) -> None:
    def checked(verdict: Verdict, **more: Any) -> CheckResult:
        return CheckResult(
            verdict=verdict, exit_code=1 if verdict is Verdict.FAILED else 0, seconds=2.04, **more
        )

    dots = "." * 70 + " [ 50%]\nF" + "." * 69 + " [100%]\n"
    failed = checked(Verdict.FAILED, passed=139, failed=1, failing=("a.py::b",), tail=f"{dots}E  assert 1")
    hand.report = ChecksReport(
        checks=(
            CheckReport(name="test", command="pytest -q", result=failed),
            CheckReport(name="lint", command="ruff check", result=checked(Verdict.PASSED, tail="All good")),
        ),
        held=(".github/x.yml: protected",),
        not_run=("npm test, since there is no node",),
    )
    assert await hand("check") == (
        "[held back from the checks and from publication: .github/x.yml: protected]\n"
        "test, `pytest -q`: failed (exit code 1), 139 passed, 1 failed, 2.0 s\nfailing: a.py::b\n"
        "E  assert 1\n"
        "lint, `ruff check`: passed, 2.0 s\n[not run: npm test, since there is no node]"
    )
    hand.report = UserError("what looks like a secret")
    assert "looks like a secret" in await hand("check")
    for _ in range(MOST_CHECKS):
        last = await hand("check")
    assert "often enough" in last


async def test_what_the_background_cannot_do_is_said(hand: Hand) -> None:
    assert "no background; run it with shell" in await hand("background", start="sleep 9")
    assert await hand("background", read=1) == "[error] there is no command 1 in the background"
    hand.context.background = BackgroundCommands(hand.context.sandbox, resumed=True)
    assert "those of the interrupted run are gone" in await hand("background", stop=1)
    for args in ({}, {"read": 1, "stop": 1}, {"start": "x", "read": 1}):
        done = await registry.execute_call(hand.context, ToolCallPart(tool_name="background", args=args))
        assert done.malformed and "give one of start, read and stop" in done.text


async def test_pytests_dots_are_left_out_of_what_a_command_printed(hand: Hand) -> None:
    (hand.root / "test_cart.py").write_text("def test_a(): pass\n\n\ndef test_b(): pass\n")
    shown = await hand(
        "shell", command="python -m pytest -q -p no:cacheprovider; echo ..; echo 'Done. [50%]'"
    )
    assert "2 passed" in shown and "[100%]" not in shown
    assert "\n..\nDone. [50%]" in shown


async def test_a_note_may_suggest_lines_that_cannot_end_their_block(hand: Hand) -> None:
    at = {"path": "test_cart.py"}
    await hand("note", **at, line=3, start_line=2, text="Shorter.", suggestion="```\nx = 1\n````\n")
    await hand("note", **at, line=5, text="Not needed.", suggestion="")
    await hand("note", **at, line=2, start_line=5, text="Upside down.")
    first, second = hand.context.notes
    assert (first.start, first.line) == (2, 3)
    assert first.text == "Shorter.\n\n`````suggestion\n```\nx = 1\n````\n`````"
    assert second.text == "Not needed.\n\n```suggestion\n```" and second.start == 0


async def test_nul_characters_are_refused_before_anything_runs(hand: Hand) -> None:
    for name, args in (
        ("shell", {"command": "a\0b"}),
        ("read", {"path": "\0"}),
        ("search", {"pattern": "\0"}),
    ):
        done = await registry.execute_call(hand.context, ToolCallPart(tool_name=name, args=args))
        assert done.malformed
        assert "NUL" in done.text

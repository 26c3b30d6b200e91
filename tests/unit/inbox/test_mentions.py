"""What is asked of the bot in a text, as a reader sees it; and what the words come to."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.inbox.commands.parse import (
    RESOLVE,
    CommandWord,
    ParsedCommand,
    is_bare,
    is_question,
    is_review,
    parse_commands,
)
from bot.inbox.mentions import find_mentions


@pytest.mark.parametrize(
    ("text", "requests"),
    [
        ("@hob please fix this", ["please fix this"]),
        ("@HOB fix it", ["fix it"]),
        ("@hob[bot] fix it", ["fix it"]),
        ("Hi @Hob, fix it.", ["fix it."]),
        ("@hob: fix it", ["fix it"]),
        ("(@hob) fix it", ["fix it"]),
        ("**@hob** fix it", ["fix it"]),
        ("@hob - fix it", ["fix it"]),
        ("@hob\n\n- one\n- two", ["- one\n- two"]),
        ("# @hob fix it", ["fix it"]),
        ("- first\n- @hob fix it", ["fix it"]),
        ("text\r\n\r\n@hob fix\r\nit\r\n", ["fix\nit"]),
        ("@hob one\n\n@hob two", ["one", "two"]),
        ("@hob @hob x", ["", "x"]),
        ("@hob", [""]),
        ("please fix\nthis, @hob!", ["please fix\nthis"]),
        ("Before.\n\n- please fix this @hob", ["please fix this"]),
        (
            "Why.\n\n@hob fix it:\n\n```py\n@hob = 1\n```\n\nThanks",
            ["fix it:\n\n```py\n@hob = 1\n```\n\nThanks"],
        ),
        ("@hob see <!-- a secret --> this", ["see  this"]),
        ("<details>\n\n@hob fix it\n\n</details>", ["fix it"]),
        ("<details><summary>More</summary>\n@hob fix it\n</details>", ["fix it"]),
        ("<details>\n<summary>@hob fix it</summary>\n</details>", ["fix it"]),
        ("@hob请修复这个错误", ["请修复这个错误"]),
        ("@hob야 고쳐줘", ["야 고쳐줘"]),
        ("请@hob 修复", ["修复"]),
        ("お願い@hob 直して", ["直して"]),
        ("@hob，请修复。", ["请修复。"]),
        ("（@hob）请修复", ["请修复"]),
        ("「@hob」直してください", ["直してください"]),
        ("【@hob】修复", ["修复"]),
        ("《@hob》", [""]),
        ("・@hob", [""]),
        ("@hob…", [""]),
        ("@hob۔ ٹھیک کرو", ["ٹھیک کرو"]),
        ("\u2066@hob\u2069 أصلح", ["أصلح"]),
        ("«@hob» почини", ["почини"]),
        ("請看看這個「@hob」", ["請看看這個"]),
        ("<div>@hob fix it</div>", ["fix it"]),
        ("ช่วย@hobแก้ด้วย", ["แก้ด้วย"]),
        ("يا@hob، أصلح هذا", ["أصلح هذا"]),
        ("Пожалуйста@hob исправь", ["исправь"]),
        ("请修复这个，@hob", ["请修复这个"]),
        ("x[^1]\n\n[^1]: @hob fix it", ["fix it"]),
        ("> they said\n\n@hob fix it", ["fix it"]),
        ("@hob \ue0001\ue001 x", ["1 x"]),
    ],
)
def test_requests(text: str, requests: list[str]) -> None:
    assert find_mentions(text, "hob") == requests


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@hobby fix it",
        "@hob-2 fix it",
        "@hob_x fix it",
        "me@hob.com",
        "用户@hob.example.com",
        "请看 path/@hob",
        "请@hobby 修复",
        "[^1]: @hob fix it",
        "x[^1]\n\n[^1]: shown\n[^1]: @hob fix it",
        "| a |\n|---|\n| 1 | @hob fix it |",
        "```py @hob fix it\nx\n```",
        "[](https://x.example/ '@hob fix it')",
        "<code>@hob</code> is its name",
        "<pre>\n@hob fix it\n</pre>",
        "<blockquote>@hob fix it</blockquote>",
        "<blockquote>\n\n@hob fix it\n\n</blockquote>",
        "<a href='x'>@hob</a> did it",
        "<details title='@hob fix it'>x</details>",
        "me@hob",
        "@hob.example.com",
        "@hob/team fix it",
        "@hob's last change was wrong",
        "@@hob",
        "\\@hob fix it",
        "https://github.com/@hob fix it",
        "`@hob fix it`",
        "``a `@hob` b``",
        "```\n@hob fix it\n```",
        "~~~\n@hob fix it\n",
        "text\n\n    @hob fix it",
        "- item\n\n      @hob fix it",
        "> @hob fix it",
        "> quoted\n@hob lazily continued",
        "1. > @hob fix it",
        "> > @hob fix it\n>\n> no",
        "<!-- @hob fix it -->",
        "text <!-- @hob fix it --> text",
        "<!--\n\n@hob fix it\n\n-->",
        "<pre>\n\n@hob fix it\n</pre>",
        '<a title="@hob fix it">x</a>',
        "[@hob](https://example.com) fix it",
        "[x](https://example.com/@hob 'the @hob title')",
        "![@hob](x.png)",
        "<https://example.com/@hob>",
        "[a]: /x '@hob fix it'",
        "~~@hob fix it~~",
        "&#64;hob fix it",
    ],
)
def test_no_requests(text: str) -> None:
    assert find_mentions(text, "hob") == []


def test_other_names() -> None:
    assert find_mentions("@my-hob.bot fix", "my-hob.bot") == ["fix"]
    assert find_mentions("@my-hobXbot fix", "my-hob.bot") == []


@pytest.mark.parametrize(
    "text",
    [
        "[" * 60000,
        "![" * 30000,
        "*a " * 20000,
        "> " * 20000,
        "- " * 20000,
        "<a " * 20000,
        "`" * 60000,
        "@hob " * 12000,
    ],
)
def test_a_hostile_text_costs_little(text: str) -> None:
    began = time.process_time()
    find_mentions(text + "\n\n@hob x", "hob")
    assert time.process_time() - began < 5  # much less on an idle machine


@settings(max_examples=100, deadline=None)
@given(st.text(st.sampled_from("@hob >`*_[]()<!->\n ~#\\x&;"), max_size=60))
def test_any_text_is_read(text: str) -> None:
    for request in find_mentions(text, "hob"):
        assert request == request.strip()


@pytest.mark.parametrize(
    ("requests", "said"),
    [
        (["stop"], ParsedCommand(word=CommandWord.STOP)),
        (["Cancel."], ParsedCommand(word=CommandWord.STOP)),
        (["please stop this now!"], ParsedCommand(word=CommandWord.STOP)),
        (["stop\nthanks"], ParsedCommand(word=CommandWord.STOP)),
        (["Stop, this is the wrong file."], ParsedCommand(word=CommandWord.STOP)),
        (["STOP STOP STOP!!"], ParsedCommand(word=CommandWord.STOP)),
        (["can you please stop?"], ParsedCommand(word=CommandWord.STOP)),
        (["ok, never mind."], ParsedCommand(word=CommandWord.STOP)),
        (["stop working on this"], ParsedCommand(word=CommandWord.STOP)),
        (["stop, use tabs"], ParsedCommand(request="stop, use tabs")),
        (["stop. It should use tabs"], ParsedCommand(request="stop. It should use tabs")),
        (["stop, then start loses a row"], ParsedCommand(request="stop, then start loses a row")),
        (["stop - nothing happens"], ParsedCommand(request="stop - nothing happens")),
        (["stop working on empty lists"], ParsedCommand(request="stop working on empty lists")),
        (["any updates?"], ParsedCommand(word=CommandWord.STATUS)),
        (["any updates to the cache are lost"], ParsedCommand(request="any updates to the cache are lost")),
        (["help"], ParsedCommand(word=CommandWord.HELP)),
        (["status?"], ParsedCommand(word=CommandWord.STATUS)),
        (["retry"], ParsedCommand(word=CommandWord.RETRY)),
        (["try again!"], ParsedCommand(word=CommandWord.RETRY)),
        (["try 3"], ParsedCommand(word=CommandWord.TRY, number=3)),
        (["please Try 3 attempts now."], ParsedCommand(word=CommandWord.TRY, number=3)),
        (["use attempt #2"], ParsedCommand(word=CommandWord.USE, number=2)),
        (["use 0"], ParsedCommand(word=CommandWord.USE, number=0)),
        (["thanks", "use 2"], ParsedCommand(word=CommandWord.USE, number=2)),
        (["approve 3F2a9c01bd77"], ParsedCommand(word=CommandWord.APPROVE, digest="3f2a9c01bd77")),
        (
            ["please approve `3f2a9c01bd77` now."],
            ParsedCommand(word=CommandWord.APPROVE, digest="3f2a9c01bd77"),
        ),
        (["approve"], ParsedCommand(word=CommandWord.APPROVE)),
        (["approve the facade"], ParsedCommand(request="approve the facade")),
        (["approve 3f2a9c01bd77 and merge"], ParsedCommand(request="approve 3f2a9c01bd77 and merge")),
        (["try using tabs"], ParsedCommand(request="try using tabs")),
        (["try 3 times before giving up"], ParsedCommand(request="try 3 times before giving up")),
        (["use 2 spaces"], ParsedCommand(request="use 2 spaces")),
        (["use 2.5 as the factor"], ParsedCommand(request="use 2.5 as the factor")),
        (["use -1"], ParsedCommand(request="use -1")),
        (["try"], ParsedCommand(request="try")),
        (["retry the download when it fails"], ParsedCommand(request="retry the download when it fails")),
        (["status codes are wrong"], ParsedCommand(request="status codes are wrong")),
        (["try 3", "fix it"], ParsedCommand(request="fix it")),
        (["stop using tabs"], ParsedCommand(request="stop using tabs")),
        (["help me with the parser"], ParsedCommand(request="help me with the parser")),
        (["cancel the order when it is empty"], ParsedCommand(request="cancel the order when it is empty")),
        (["do this", "stop"], ParsedCommand(word=CommandWord.STOP)),
        (["help", "do this"], ParsedCommand(request="do this")),
        (["one", "", "two"], ParsedCommand(request="one\n\ntwo")),
        ([""], ParsedCommand(request=RESOLVE)),
        (["thanks"], ParsedCommand()),
        (["thank you so much"], ParsedCommand()),
        (["\U0001f44d\U0001f3fd"], ParsedCommand()),
        (["+1"], ParsedCommand()),
        (["\u2b06\ufe0f"], ParsedCommand(request="\u2b06\ufe0f")),
        (["thanks, now fix the other one"], ParsedCommand(request="thanks, now fix the other one")),
        ([], ParsedCommand()),
    ],
)
def test_what_the_words_come_to(requests: list[str], said: ParsedCommand) -> None:
    assert parse_commands(requests) == said


@pytest.mark.parametrize(
    "request_",
    [
        "stop thanks",
        "stop now thanks",
        "stop: thanks",
        "stop - this is wrong",
        "stop \u2014 wrong file",
        "stop (wrong file)",
        "stop this is wrong",
        "stop. That's not right!",
        "no, stop",
        "No no no! Stop it, this is not what I meant. Sorry!",
        "cancel this please, it's the wrong branch, thank you so much",
        "stop, not this one",
        "abort, I changed my mind",
        "never mind, I found it",
        "you can stop now, it is already fixed",
        "stop, that isn\u2019t what I asked for",
    ],
)
def test_stops_with_a_reason(request_: str) -> None:
    assert parse_commands([request_]) == ParsedCommand(word=CommandWord.STOP)


@pytest.mark.parametrize(
    "request_",
    [
        "Cancel, this dialog does not close on Escape",
        "cancel, it is the order that loses a row",
        "Abort, it throws AbortError twice",
        "cancel, no order is refunded",
        "cancel, this is not working",
        "stop, not the parser; the lexer raises ValueError",
        "stop, this is wrong: the lexer raises ValueError",
        "stop it, i want the tests to cover None",
        "stop. i need a test for the empty list instead",
        "stop, thanks, now look at the lexer",
        "ok, cancel it, I think the retry count should be 5",
        "never mind. please look at the parser instead",
        "never mind the tests",
        "stop (the button) is never shown",
        "you can stop a job twice",
        "stop wrong files from being read",
        "no stop",
    ],
)
def test_requests_that_only_begin_like_a_stop(request_: str) -> None:
    assert parse_commands([request_]) == ParsedCommand(request=request_)


@pytest.mark.parametrize(
    "request_",
    [
        "does it handle None?",
        "did you add tests?",
        "were the tests added?",
        "does `parse` handle None?",
        "did anybody update its docs?",
        "Did the change remove `cache.get(x)` there?",
        "hi, was this made for Windows?",
        "why is it rounded twice?",
    ],
)
def test_questions(request_: str) -> None:
    assert is_question(request_)


@pytest.mark.parametrize(
    "request_",
    [
        "does not handle None, can you fix it?",
        "is there a bug? Please fix it.",
        "should be a set, right? use one",
        "is this wrong; fix it?",
        "does it add a flag? please do",
        "should we use a set here?",
        "did you forget to add tests?",
        "did you see it? add a test",
    ],
)
def test_wishes(request_: str) -> None:
    assert not is_question(request_)


def test_reviews() -> None:
    assert all(map(is_review, ("review", "please re-review this", "re-review")))
    assert not is_review("re-review it and fix the typos")


def test_bare_requests() -> None:
    for request in ("please fix this", "Can you take a look at it?", "resolve this issue", "", RESOLVE):
        assert is_bare(request)
    for request in ("fix the average", "please add tests", "исправь это"):
        assert not is_bare(request)

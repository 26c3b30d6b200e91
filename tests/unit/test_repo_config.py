"""The repository file: defaults, and errors that name the key."""

from __future__ import annotations

import re
import time

import pytest

from bot.errors import UserError
from bot.repo_config import RepoConfig, find_devcontainer_image, parse_repo_config
from bot.workspace.network import describe_egress, merge_egress


def test_no_file_and_an_empty_file_are_the_defaults() -> None:
    assert (
        parse_repo_config(None) == parse_repo_config(b"") == parse_repo_config(b"# nothing\n") == RepoConfig()
    )


def test_values_are_read() -> None:
    config = parse_repo_config(
        b"test: make check\nprotected_paths: ['*.lock']\nbudget: {turns: 5}\ninternet: [pypi.org]\n"
    )
    assert config.test == "make check"
    assert config.protected_paths == ("*.lock",)
    assert config.budget.turns == 5
    assert config.internet == ("pypi.org",)


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        (b"off", "off"),
        (b"'off'", "off"),
        (b"packages", "packages"),
        (b"[packages, '*.example.com', 'example.com:8443', 'GET,HEAD a.example.com']", None),
    ],
)
def test_internet_is_read(text: bytes, hosts: str | None) -> None:
    config = parse_repo_config(b"internet: " + text + b"\nsetup_internet: " + text + b"\n")
    assert config.internet == config.setup_internet
    assert hosts is None or config.internet == hosts
    assert merge_egress(config.internet, config.setup_internet) is None or hosts != "off"


def test_setup_may_reach_what_both_keys_allow() -> None:
    both = merge_egress(("example.com", "POST api.example.com:8443"), "packages")
    assert both is not None
    assert {(rule.host, rule.ports, rule.methods) for rule in both.rules} >= {
        ("example.com", (443, 80), ()),
        ("api.example.com", (8443,), ("POST",)),
        ("pypi.org", (443, 80), ("GET", "HEAD")),
    }
    assert merge_egress("off") is None and merge_egress(()) is None


def test_what_may_be_reached_is_said_in_words() -> None:
    assert describe_egress("off") == ""
    assert describe_egress(("packages", "example.com")) == "package registries (GET and HEAD), example.com"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"tset: x", "unknown key `tset` (did you mean `test`? known: attempts, branch_prefix, "),
        (b"budget: {dollars: 3}", "unknown key `budget.dollars` (known: minutes, turns, usd)"),
        (b"limits: {persn: 3}", "unknown key `limits.persn` (did you mean `person`? known: person, "),
        (b"attempts: 99", "`attempts` must be less than or equal to 8"),
        (b"attempts: many", "`attempts` must be a whole number"),
        (b"budget: {usd: '?', turns: 1.5}", "`budget.usd` must be a number; `budget.turns` must be a whole"),
        (b"budget: 5", "`budget` must have keys of its own"),
        (b"create_label: maybe", "`create_label` must be true or false"),
        (b"test: ''", "`test` must not be empty"),
        (b"test: [a]", "`test` must be text"),
        (b"protected_paths: '*.lock'", "`protected_paths` must be a list"),
        (b"protected_paths: [1]", "`protected_paths.0` must be text"),
        (b"respond: sometimes", "`respond` must be 'mention' or 'always'"),
        (b"notify: {webhook: 'http://a'}", "`notify.webhook` must be an address that begins with `https://`"),
        (b"image: 'a b'", "`image` must be an image's name, as in "),
        (b"branch_prefix: x", "as in `fix/hob-`"),
        (b"1: 2", "`1` must be in quotes"),
        (
            b"respond_to_bots: [%s]" % b", ".join([b"1"] * 21),
            "`respond_to_bots` must have at most 20 entries",
        ),
        (b"internet: [%s]" % b", ".join([b"a.example"] * 101), "`internet` must have at most 100 entries"),
        (b"image: " + b"a" * 300, "`image` must have at most 255 characters"),
        (b"internet: example.com", "`internet` must be off, packages, or a list of hosts, as in `[example"),
        (b"internet: [169.254.169.254]", "`internet"),
        (b"internet: on", "`internet"),
        (b"internet: ['*']", "`internet"),
        (b"internet: ['*.com']", "`internet"),
        (b"internet: ['https://example.com']", "`internet"),
        (b"internet: ['example.com/path']", "`internet"),
        (b"internet: [localhost]", "`internet"),
        (b"setup_internet: ['[::1]']", "`setup_internet"),
        (b"- a list", "must be a mapping"),
        (b"test: [", "not valid YAML"),
        (b"\xff\xfe", "not valid YAML"),
        (b"a: &a [*a]", "unknown key `a`"),
        (b"test: !!python/object/apply:os.system [id]", "not valid YAML"),
        (b"#" * 70_000, "larger than 64 KiB"),
    ],
)
def test_what_is_wrong_is_named(text: bytes, said: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_repo_config(text)
    assert said in caught.value.message
    assert not re.search(r"Input|String|tuple|pattern|\[A-Z", caught.value.message)


@pytest.mark.parametrize(
    ("text", "image"),
    [
        (b'{"image": "python:3.13"}', "python:3.13"),
        (b'// a\n{"name": "a // b", /* c */ "image": "ghcr.io/o/i:1", // d\n}', "ghcr.io/o/i:1"),
        (b'{"dockerFile": "x"}', None),
        (b'{"image": "--privileged"}', None),
        (b'{"image": ["a"]}', None),
        (b"[1]", None),
        (b"{", None),
        (b"\xff", None),
        (None, None),
    ],
)
def test_the_image_of_a_devcontainer(text: bytes | None, image: str | None) -> None:
    assert find_devcontainer_image(text) == image


def test_an_image_is_a_name_and_no_option() -> None:
    assert (
        parse_repo_config(b"image: ghcr.io/owner/image@sha256:0123").image
        == "ghcr.io/owner/image@sha256:0123"
    )
    for wrong in (b"image: --privileged", b"image: 'a b'", b"image: ''"):
        with pytest.raises(UserError, match="`image`"):
            parse_repo_config(wrong)


@pytest.mark.parametrize(
    "text",
    [
        b"budget: {usd: 1" + b"0" * 5_000 + b"}",
        b"test: 2026-99-99",
        b"[" * 8_000,
        b"test: " + b"{a: " * 5_000,
        b"protected_paths: [" * 200,
    ],
    ids=["a long number", "no date", "brackets", "braces", "keys"],
)
def test_hostile_yaml_is_refused_with_a_sentence_at_once(text: bytes) -> None:
    began = time.process_time()
    with pytest.raises(UserError, match=r"hob\.yml"):
        parse_repo_config(text)
    assert time.process_time() - began < 0.5

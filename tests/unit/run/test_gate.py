"""The gate: what may be published, judged from the tree difference alone."""

from __future__ import annotations

import base64
import time

import pytest

from bot.domain import ChangeKind, ChangeSet, FileChange, Held
from bot.errors import UserError
from bot.run.prove.gate import MAX_BYTES, MAX_FILES, admit_changes
from bot.text.redact import Redactor

BASE = "0" * 40


def added(path: str, data: bytes = b"x\n", mode: int = 0o100644) -> FileChange:
    return FileChange(path=path, kind=ChangeKind.ADDED, mode=mode, data=data)


def through(*files: FileChange, protected: tuple[str, ...] = ()) -> ChangeSet:
    return admit_changes(ChangeSet(base=BASE, files=files), protected=protected, redactor=Redactor())


def test_ordinary_changes_pass_as_they_are() -> None:
    files = (added("a.py"), added("run.sh", mode=0o100755), FileChange(path="old", kind=ChangeKind.DELETED))
    assert through(*files) == ChangeSet(base=BASE, files=files)


@pytest.mark.parametrize(
    "path",
    [
        ".github/workflows/ci.yml",
        ".GitHub/Workflows/ci.yml",
        ".github/actions/x/action.yml",
        ".github/hob.yml",
        "CODEOWNERS",
        "docs/CODEOWNERS",
        "AGENTS.md",
        "pkg/AGENTS.md",
        "CLAUDE.md",
        ".gitmodules",
        ".github/\uff37orkflows/ci.yml",
        ".github/wor\u212aflows/ci.yml",
        ".github/work\u200cflows/ci.yml",
        ".github/workflows./ci.yml",
        ".github /workflows/ci.yml",
        "AGENTS.md. .",
        "AGENTS.md::$DATA",
        "GEMINI.md",
        "a/.claude/settings.json",
        ".github/copilot-instructions.md",
        ".circleci/config.yml",
        ".gitlab-ci.yml",
        "Jenkinsfile",
        "azure-pipelines.yml",
        ".travis.yml",
        ".buildkite/pipeline.yml",
        ".drone.yml",
        ".woodpecker.yaml",
        "bitbucket-pipelines.yml",
        ".forgejo/workflows/x.yml",
        "CLAUDE.local.md",
        "pkg/CLAUDE.md",
        ".github/agents/helper.md",
        ".github/prompts/x.prompt.md",
        ".github/copilot-setup-steps.yml",
        ".cursor/rules/x.mdc",
        ".windsurf/rules/x.md",
        ".clinerules/x.md",
        "web/.vscode/tasks.json",
        ".vscode/mcp.json",
        ".vscode/launch.json",
        ".idea/runConfigurations/x.xml",
        "jenkinsfile",
        "ci/Jenkinsfile.release",
        "deploy/azure-pipelines.yaml",
        "codemagic.yaml",
        "bitrise.yml",
        "ci_scripts/ci_post_clone.sh",
        ".build.yml",
        ".taskcluster.yml",
        ".zuul.d/jobs.yaml",
        ".tangled/workflows/x.yml",
        "bamboo-specs/bamboo.yml",
        "vercel.json",
        "netlify.toml",
        "wrangler.jsonc",
        ".do/app.yaml",
        ".github/dependabot.yml",
        "renovate.json5",
        ".github/settings.yml",
        ".mergify.yml",
        ".openhands/setup.sh",
        ".kilocode/rules/x.md",
        ".continue/config.yaml",
        ".augment/rules/x.md",
        "WARP.md",
        "pkg/AGENT.md",
        ".roomodes",
        "opencode.jsonc",
        "web/.fleet/run.json",
        ".GitLab/CodeOwners",
        ".github\\workflows\\ci.yml",
        "a\\..\\..\\x.py",
        "bell\x07.py",
        "line\nbreak.py",
        "bad\udcff.py",
    ],
)
def test_protected_and_odd_paths_are_held_back_and_the_rest_passes(path: str) -> None:
    admitted = through(added(path), added("fine.py"))
    assert [change.path for change in admitted.files] == ["fine.py"]
    assert len(admitted.held) == 1
    assert admitted.held[0].why
    admitted.held[0].path.encode("utf-8")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (added(".github/workflows/ci.yml"), ""),
        (added("pkg/AGENTS.md"), ""),
        (added(".gitmodules"), ""),
        (added("CLAUDE.md", b"AGENTS.md", 0o120000), ""),
        (FileChange(path="CODEOWNERS", kind=ChangeKind.DELETED), ""),
        (added(".GitHub/workflows/ci.yml"), "only looks like such a path"),
        (added("AGENTS.md. ."), "only looks like such a path"),
        (added("AGENTS.md::$DATA"), "only looks like such a path"),
        (added(".github/workflows", b"x"), "only looks like such a path"),
        (added(".github/work\u200cflows/ci.yml"), "invisible"),
        (added("AGENTS.md", b"../../etc/passwd", 0o120000), "out of the repository"),
        (added(".gitmodules", b"x", 0o120000), "git takes no link there"),
        (added("AGENTS.md", b"x" * (MAX_BYTES + 1)), "larger than"),
        (added("AGENTS.md", b"a\0b"), "no text"),
        (added("AGENTS.md", b"\xff\xfe"), "no text"),
        (added("AGENTS.md", b"ghs_" + b"1234_" + b"a1B2.c3-D" * 12), "looks like a secret"),
    ],
)
def test_only_honest_protected_paths_can_be_released(change: FileChange, why: str) -> None:
    (held,) = through(change, added("fine.py")).held
    assert (held.change == change) is not bool(why)
    assert why in held.why
    let_go = (
        admit_changes(
            ChangeSet(base=BASE, files=(change,)), protected=(), redactor=Redactor(), released={change.path}
        )
        if "secret" not in why and "text" not in why
        else None
    )  # those were never on offer
    assert let_go is None or bool(let_go.files) is not bool(why)


def test_too_much_is_not_kept_and_a_secret_in_pieces_neither() -> None:
    half = MAX_BYTES // 2 + 1
    admitted = through(added("AGENTS.md", b"x" * half), added("CODEOWNERS", b"x" * half))
    assert admitted.releasable == () and "too much" in admitted.held[0].why
    secret = "correct-horse-battery-staple-42"
    pieces = (added("a.py", secret[:16].encode()), added("AGENTS.md", secret[16:].encode()))
    split = admit_changes(ChangeSet(base=BASE, files=pieces), protected=(), redactor=Redactor([secret]))
    assert split.releasable == () and "in pieces" in split.held[0].why


def test_deleting_a_protected_path_is_held_back_too() -> None:
    gone = FileChange(path=".github/workflows/ci.yml", kind=ChangeKind.DELETED)
    assert through(gone).held


def test_the_repository_may_protect_more() -> None:
    admitted = through(added("db/schema.sql"), added("x.py"), protected=("db/*",))
    kept = Held(
        path="db/schema.sql",
        why="the repository's hob.yml protects it, or a link with a protected name leads to it",
        change=added("db/schema.sql"),
    )
    assert admitted.held == (kept,)


@pytest.mark.parametrize(
    ("path", "target", "held"),
    [
        ("link", b"/etc/passwd", True),
        ("link", b"../outside", True),
        ("a/b/link", b"../../../x", True),
        ("a/link", b"../.git/config", True),
        ("a/link", b"../.GIT", True),
        ("link", b"a/b/c/../x", True),  # a/b/c may lead to the top
        ("a/link", b"../b", False),
        ("link", b"a/file", False),
    ],
)
def test_links_must_stay_inside(path: str, target: bytes, held: bool) -> None:
    assert bool(through(added(path, target, 0o120000)).held) is held


def test_a_huge_file_is_held_back() -> None:
    assert "larger" in through(added("big", b"\0" * (MAX_BYTES + 1))).held[0].why


def test_too_many_files_are_refused_whole() -> None:
    with pytest.raises(UserError, match="cannot be reviewed"):
        through(*(added(f"f{n}") for n in range(MAX_FILES + 1)))


@pytest.mark.parametrize("wrap", [bytes, base64.b64encode, lambda data: data.hex().encode()])
def test_a_known_secret_stops_the_publication_in_any_encoding(wrap: object) -> None:
    secret = "correct-horse-battery-staple-42"
    data = wrap(secret.encode())  # type: ignore[operator]
    with pytest.raises(UserError, match="secret") as caught:
        admit_changes(
            ChangeSet(base=BASE, files=(added("x", b"a = '" + data + b"'\n"),)),
            protected=(),
            redactor=Redactor([secret]),
        )
    assert secret not in caught.value.message


def test_what_looks_like_a_token_stops_the_publication() -> None:
    token = b"ghs_" + b"1234_" + b"a1B2.c3-D" * 12
    with pytest.raises(UserError, match="secret"):
        through(added("config.py", b"TOKEN = '" + token + b"'"))


@pytest.mark.parametrize(
    "path",
    [".github", ".github/workflows", ".GitHub", "web/.claude", "a/b/.VSCode", ".circleci", ".openhands"],
)
def test_nothing_may_take_the_place_of_a_protected_folder(path: str) -> None:
    assert through(added(path, b"elsewhere", 0o120000)).held


@pytest.mark.parametrize(
    ("head", "mode"),
    [(b"ref: refs/heads/main\n", 0o100644), (b"refs/heads/x", 0o120000), (b"a" * 40, 0o100644)],
)
def test_a_folder_that_git_takes_for_a_repository_is_held(head: bytes, mode: int) -> None:
    settings = added("docs/x/config", b"[core]\n\tfsmonitor = touch /tmp/owned\n")
    admitted = through(added("docs/x/HEAD", head, mode), added("docs/x/refs/.keep"), settings)
    assert [held.path for held in admitted.held] == ["docs/x/HEAD"]
    assert admitted.held[0].change is not None, "a maintainer may release it"
    assert not through(added("src/head.py", head), added("bin/head", b"#!/bin/sh\n"), added("HEAD")).held


@pytest.mark.parametrize(
    "path",
    [
        *(
            ".github/ISSUE_TEMPLATE/bug.yml",
            ".crowdin.yml",
            "src/continue.py",
            "docs/renovate.md",
            "app.json",
        ),
        *("src/hooks/post-list.ts", "ci/readme.md", "build/x.py", "agents.py", "docs/netlify.toml.md"),
    ],
)
def test_ordinary_files_with_such_names_pass(path: str) -> None:
    assert not through(added(path)).held


def test_fifty_thousand_paths_are_judged_in_seconds() -> None:
    began = time.process_time()
    with pytest.raises(UserError):
        through(*(added(f"many/deep/folder/{n // 1000}/{n}.py") for n in range(50_000)))
    assert time.process_time() - began < 20


def test_a_secret_in_a_name_is_not_said_back() -> None:
    secret = "correct-horse-battery-staple-42"
    with pytest.raises(UserError, match="secret") as caught:
        admit_changes(
            ChangeSet(base=BASE, files=(added(f"`@org/{secret}`"),)),
            protected=(),
            redactor=Redactor([secret]),
        )
    assert secret not in caught.value.message
    assert "`@org" not in caught.value.message.replace("to `", "")
    held = (Held(path=f"sub/.git/{secret}", why="why"),)
    admitted = admit_changes(
        ChangeSet(base=BASE, files=(), held=held), protected=(), redactor=Redactor([secret])
    )
    assert secret not in admitted.held[0].path


def test_a_secret_in_pieces_stops_the_whole() -> None:
    secret = "4f1c0d9b7a6e5d3c2b1a09f8e7d6c5b4"
    pieces = [added(f"{n}.txt", secret[n * 8 : n * 8 + 8].encode()) for n in range(4)]
    with pytest.raises(UserError, match="in pieces"):
        admit_changes(ChangeSet(base=BASE, files=tuple(pieces)), protected=(), redactor=Redactor([secret]))
    fewer = ChangeSet(base=BASE, files=tuple(pieces[:2]))
    assert admit_changes(fewer, protected=(), redactor=Redactor([secret])) == fewer


def test_s74_of_names_that_differ_in_case_or_form_one_passes() -> None:
    admitted = through(added("A/x"), added("a/y"), added("caf\u00e9"), added("cafe\u0301"), added("b"))
    assert [change.path for change in admitted.files] == ["A/x", "caf\u00e9", "b"]
    assert [item.path for item in admitted.held] == ["a/y", "cafe\u0301"]
    moved = (FileChange(path="Readme", kind=ChangeKind.DELETED), added("README"))
    assert len(through(*moved).files) == 2, "a new spelling is no twin"

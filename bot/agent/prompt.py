"""The messages to the model: the opening, and new comments on the way. The history is only appended to.

The system prompt is the same for every task, then comes what changes least: the repository, its checks, its
guidance, the thread, and the request last; so providers' prompt caches hold from turn to turn and from task
to task.

Each text stands in a block that names its author, permission and time. Every line of a block that is no
instruction begins with ``| ``, and its marker is a digest of the text, so no text can end its own block or
open another.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from pydantic import TypeAdapter
from pydantic_ai.messages import ModelMessage, ModelRequest, SystemPromptPart, UserPromptPart

from bot.domain import Brief, PromptText, TaskKind, Trust
from bot.text.lists import join_first

TEXT_CHARS = 24_000
DIFF_OF = "what the pull request changes in "  # begins the label of the text that holds a file's difference
FOLDERS = 40
_TASKS = {
    TaskKind.CHANGE: "Do what the request asks. The result becomes a draft pull request.",
    TaskKind.REVISE: (
        "Revise your own earlier change: it is in the workspace, what it changes is quoted above, file by "
        "file, and `git diff base` shows all of it. What you do becomes new commits on its pull request. "
        "Answer the review comments that are part of the request with `reply`."
    ),
    TaskKind.REVIEW: (
        "Review a pull request. The workspace is its head; what it changes is quoted above, file by file. "
        "Look for what is wrong, unsafe, untested or not what it says it does, and check it: run the code. "
        "Leave a `note` on each line that needs one, with a `suggestion` where few lines would mend it; only "
        "what matters, nothing that a linter says. Then call finish with answered: the summary is the "
        "review's text and says what you looked at, what you ran and what you did not. Nothing that you "
        "change is kept, and you cannot approve."
    ),
    TaskKind.ANSWER: (
        "Answer the question, from the code and from what you run, with paths and lines. Change nothing: "
        "whatever you change is dropped. Call finish with answered; the summary is the answer."
    ),
}
_BRIEF = TypeAdapter(Brief)
_LINE_ENDS = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")


def load_system_prompt(*, small: bool = False) -> str:
    """The part that is the same for every task; ``small`` is its short form, for a small window."""
    name = "small.md" if small else "system.md"
    return (resources.files("bot.agent.prompts") / name).read_text("utf-8")


def make_opening(
    brief: Brief, system_prompt: str = "", *, shown: Brief | None = None, small: bool = False
) -> ModelRequest:
    """The first message: system prompt and brief; the brief is also kept as data that no provider sees.

    ``system_prompt`` stands in for the one that is shipped, ``shown`` is what of the brief is rendered (all),
    ``small`` takes the short form of the system prompt.
    """
    system = system_prompt or load_system_prompt(small=small)
    return ModelRequest(
        parts=[SystemPromptPart(content=system), UserPromptPart(content=render_brief(shown or brief))],
        metadata={"brief": _BRIEF.dump_python(brief, mode="json")},
    )


def find_brief(messages: Sequence[ModelMessage]) -> Brief:
    """The brief of a conversation, for models that are programs. Raises ``LookupError`` without one."""
    for message in messages:
        if message.metadata and "brief" in message.metadata:
            return _load_brief(message.metadata["brief"])
    raise LookupError("the conversation does not begin with a brief")


def _load_brief(stored: Mapping[str, Any]) -> Brief:
    """A stored brief; ``texts`` was called ``passages`` in conversations that are still going on."""
    renamed = {"texts" if key == "passages" else key: value for key, value in stored.items()}
    return _BRIEF.validate_python(renamed)


def render_brief(brief: Brief) -> str:
    """The brief as text."""
    facts = [f"Repository: {_make_one_line(brief.repository)}"] if brief.repository else []
    facts += [f"Branch: {_make_one_line(brief.branch)}"] if brief.branch else []
    reach = f"commands may reach {_make_one_line(brief.internet)}" if brief.internet else "none"
    facts.append(f"Network: {reach}")
    facts += [f"Budget: at most {_make_one_line(brief.budget)}"] if brief.budget else []
    facts += [
        f"{name}: {_make_one_line(command) if command else f'not configured; {otherwise}'}"
        for name, command, otherwise in (
            ("Test command", brief.test_command, "find out how the repository is tested, if it is"),
            ("Lint command", brief.lint_command, "keep to the style of the code around"),
        )
    ]
    if brief.more_tests:
        facts += [f"Further test commands: {_make_one_line(' ; '.join(brief.more_tests))}"]
    facts += [f"Not here: {_make_one_line(gap)}" for gap in brief.facts.gaps]
    if brief.nearby:
        folders = [_make_one_line(each.where) for each in brief.nearby]
        facts += [f"Further guidance, shown when you first get there: {join_first(folders, FOLDERS)}"]
    parts = ["# The repository", "\n".join(facts), *(render_text(each) for each in brief.texts)]
    if brief.environment:
        parts.append(
            render_block("quoted", "what the sandbox has, and how the checks end", brief.environment)
        )
    if brief.orientation:
        parts.append(render_block("quoted", "a map of the repository for this request", brief.orientation))
    known = "\n".join([brief.request, *(each.text for each in brief.texts)])
    title = (
        f"Title of the thread, as data: {_make_one_line(brief.title)}"
        if brief.title and brief.title not in known
        else ""
    )
    request = render_block("instruction", "the request", brief.request)
    parts += ["# The task", _TASKS[brief.kind], title, request]
    return "\n\n".join(part for part in parts if part)


def make_guidance_part(texts: Sequence[PromptText], *, chars: int = TEXT_CHARS) -> UserPromptPart:
    """The repository's guidance for the folders where the work is now, ``chars`` of each text."""
    blocks = "\n\n".join(render_text(each, chars=chars) for each in texts)
    return UserPromptPart(content=f"Guidance of the repository for where you work now:\n\n{blocks}")


def make_new_texts_part(texts: Sequence[PromptText], *, chars: int = TEXT_CHARS) -> UserPromptPart:
    """Comments that came while the work went on, ``chars`` of each."""
    blocks = "\n\n".join(render_text(each, chars=chars) for each in texts)
    return UserPromptPart(content=f"New words on the thread, while you work:\n\n{blocks}")


def render_text(text: PromptText, *, chars: int = TEXT_CHARS) -> str:
    """One text, ``chars`` of it, in a block that names its author, permission and time."""
    by = (
        f"by {_make_one_line(text.author)} (permission: {_make_one_line(text.permission) or 'none'})"
        if text.author
        else ""
    )
    label = ", ".join(part for part in (_make_one_line(text.where), by, _make_one_line(text.at)) if part)
    kind = "instruction" if text.trust is Trust.INSTRUCTION else "quoted"
    return render_block(kind, label, text.text, chars=chars)


def render_block(kind: str, label: str, text: str, *, chars: int = TEXT_CHARS) -> str:
    """``text`` in a block that it cannot close: an ``instruction`` unchanged, others with marked lines."""
    shown, cut = text[:chars], len(text) - chars
    marker = hashlib.sha256(f"{kind}\n{label}\n{text}".encode("utf-8", "replace")).hexdigest()[:12]
    lines = _LINE_ENDS.split(shown)
    body = "\n".join(f"| {line}" for line in lines) if kind != "instruction" else "\n".join(lines)
    left_out = f"\n[{cut} of {len(text)} characters are left out here]" if cut > 0 else ""
    return f"<<< {kind} {marker}: {label}\n{body}{left_out}\n>>> end of {kind} {marker}"


def _make_one_line(text: str) -> str:
    """One line of bounded length: labels hold names that strangers choose."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:300]

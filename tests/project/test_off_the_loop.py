"""Nothing that reads a long text of strangers is called on the event loop: a megabyte takes seconds there."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.support import ROOT

SLOW = {
    *("safe", "_safe", "defuse", "remove_invisible_text", "find_secrets", "has_split_secret"),
    *("find_token_shapes", "score_text", "score_texts", "find_mentions", "parse_commands", "render_proof"),
    *("render_pull_body", "render_updated_description", "render_review_body", "draft_replies", "draft_proof"),
}
# Texts of a few hundred characters each.
SHORT = {
    ("inbox/failed_delivery.py", "say_failure"),
    ("learn/propose.py", "_may_be_proposed"),
    ("learn/propose.py", "_open"),
    ("replay/replay.py", "store_turn"),  # nothing else runs in that process
    ("run/attempts/best_of.py", "record_failure"),
    ("run/classify_error.py", "requeue_task"),
    ("run/classify_error.py", "park_task"),
    ("run/end_without_run.py", "notify_end"),
    ("run/job.py", "note_event"),
    ("run/publish/description.py", "open_pull_request"),  # the title
    ("run/publish/description.py", "update_description"),
    ("run/publish/published_plan.py", "update_plan"),  # twenty steps of 200 characters
    ("run/publish/progress_comment.py", "show_wait"),
    ("workspace/setup.py", "_run"),
}


def list_own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """What runs with the function itself: not what functions inside it do."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            yield child
            yield from list_own_nodes(child)


def is_slow(call: ast.Call) -> bool:
    name = ast.unparse(call.func)
    return name.rpartition(".")[2] in SLOW or name.endswith(("redactor.text", "redactor.value"))


def test_long_texts_are_read_in_threads() -> None:
    found = {
        (str(path.relative_to(ROOT / "bot")), function.name)
        for path in (ROOT / "bot").rglob("*.py")
        if any(name in path.read_text("utf-8") for name in (*SLOW, "redactor"))
        for function in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(function, ast.AsyncFunctionDef)
        and any(isinstance(node, ast.Call) and is_slow(node) for node in list_own_nodes(function))
    }
    assert found - SHORT == set(), "call it with asyncio.to_thread"
    assert SHORT - found == set(), "no longer needed here"

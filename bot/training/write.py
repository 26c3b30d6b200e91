"""Writing what was collected: OpenAI's JSONL, the formats of TRL and Hugging Face's datasets, a data card.

https://platform.openai.com/docs/guides/supervised-fine-tuning, .../direct-preference-optimization
https://huggingface.co/docs/trl/dataset_formats: language modelling, preference, unpaired preference.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from string import Template
from typing import Any

from bot.errors import HobError
from bot.training.collect import Collected
from bot.training.example import Conversation, Message, Preference, Source
from bot.training.messages import list_tools

TEST_SHARE = 0.1  # of the repositories, whole ones, so that no repository is in both
_CARD = Path(__file__).with_name("card.md")
Row = dict[str, Any]


def write_export(collected: Collected, folder: Path) -> Mapping[str, int]:
    """Write all files below the empty ``folder``; how many examples each has.

    Raises HobError when it is not empty.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise HobError(f"{folder} is not empty: name a folder that is, so that no older export is mixed in")
    conversations = list(_drop_doubles(collected.conversations, lambda each: each.messages))
    pairs = list(_drop_doubles(collected.preferences, lambda each: (each.prompt, each.chosen, each.rejected)))
    counts = {}
    for split in ("train", "test"):
        mine = [each for each in conversations if choose_split(each.source.repo_id) == split]
        good = [each for each in mine if each.good]
        preferred = [each for each in pairs if choose_split(each.source.repo_id) == split]
        for name, rows in (
            (f"openai/sft-{split}.jsonl", map(_make_openai, good)),
            (f"openai/preference-{split}.jsonl", map(_make_openai_pair, preferred)),
            (f"trl/sft-{split}.jsonl", map(_make_trl, good)),
            (f"trl/preference-{split}.jsonl", map(_make_trl_pair, preferred)),
            (f"trl/unpaired-{split}.jsonl", map(_make_trl_unpaired, mine)),
        ):
            counts[name] = _write_rows(folder / name, rows)
    card = _render_card(conversations, pairs, collected, counts)
    (folder / "README.md").write_text(card, "utf-8")
    return counts


def choose_split(repo_id: int) -> str:
    """``test`` for one repository in ten, by its number, so that the next export splits alike."""
    digest = hashlib.sha256(f"split:{repo_id}".encode()).digest()
    return "test" if digest[0] < TEST_SHARE * 256 else "train"


def _write_rows(path: Path, rows: Iterable[Row]) -> int:
    path.parent.mkdir(exist_ok=True)
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    return count


def _drop_doubles(items: Sequence[Any], key: Any) -> Iterator[Any]:
    """Each item once; of doubles the good one stays, where there is one."""
    seen = set()
    for item in sorted(items, key=lambda each: not getattr(each, "good", True)):
        digest = hashlib.sha256(json.dumps(key(item), sort_keys=True).encode()).digest()
        if digest not in seen:
            seen.add(digest)
            yield item


def _make_openai(each: Conversation) -> Row:
    return {"messages": list(each.messages), "tools": list_tools(), "parallel_tool_calls": True}


def _make_openai_pair(each: Preference) -> Row:
    return {
        "input": {"messages": list(each.prompt)},
        "preferred_output": [_answer(each.chosen)],
        "non_preferred_output": [_answer(each.rejected)],
    }


def _make_trl(each: Conversation) -> Row:
    # As JSON in a text, as TRL takes it: tables have one type for a column, and schemas have many.
    return {"messages": _level(each.messages), "tools": json.dumps(list_tools()), **_name(each.source)}


def _make_trl_pair(each: Preference) -> Row:
    return {
        "prompt": _level(each.prompt),
        "chosen": _level([_answer(each.chosen)]),
        "rejected": _level([_answer(each.rejected)]),
        "why": each.why,
        **_name(each.source),
    }


def _make_trl_unpaired(each: Conversation) -> Row:
    return {
        "prompt": _level(each.messages[:2]),
        "completion": _level(each.messages[2:]),
        "label": each.good,
        **_name(each.source),
    }


def _level(messages: Sequence[Message]) -> list[Row]:
    """Messages that all have the same keys."""
    return [
        {
            "role": each["role"],
            "content": each["content"],
            "tool_calls": each.get("tool_calls") or [],
            "tool_call_id": each.get("tool_call_id", ""),
        }
        for each in messages
    ]


def _answer(diff: str) -> Row:
    return {"role": "assistant", "content": f"```diff\n{diff.rstrip()}\n```"}


def _name(source: Source) -> Row:
    return {"repository": source.repo, "licence": source.licence or "none", "task": source.task}


def _render_card(
    conversations: Sequence[Conversation],
    pairs: Sequence[Preference],
    collected: Collected,
    counts: Mapping[str, int],
) -> str:
    """The data card, with the head that Hugging Face reads."""
    sources = [*(each.source for each in conversations), *(each.source for each in pairs)]
    licences = {source.repo: source.licence or "none" for source in sources}
    good, whys = sum(each.good for each in conversations), Counter(each.why for each in pairs)
    left_out = [f"- {count}: {why}" for why, count in sorted(collected.left_out.items())]
    return Template(_CARD.read_text("utf-8")).substitute(
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        good=good,
        bad=len(conversations) - good,
        attempts=whys["attempts"],
        corrections=whys["correction"],
        configs=_render_configs(counts),
        files="\n".join(f"| `{name}` | {count} |" for name, count in counts.items()),
        repositories="\n".join(f"| `{repo}` | {licence} |" for repo, licence in sorted(licences.items())),
        left_out="\n".join(left_out) or "- nothing",
    )


def _render_configs(counts: Mapping[str, int]) -> str:
    """What ``datasets`` finds under which name; it fails on a split without examples, so none is named."""
    lines = []
    for name in ("sft", "preference", "unpaired"):
        paths = {split: f"trl/{name}-{split}.jsonl" for split in ("train", "test")}
        files = [f"{{split: {split}, path: {path}}}" for split, path in paths.items() if counts[path]]
        if files:
            lines.append(f"- {{config_name: {name}, data_files: [{', '.join(files)}]}}")
    return "\n".join(["configs:", *lines]) if lines else "configs: []"

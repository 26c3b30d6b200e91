"""``make export-check``: an export loaded as its readers load it, by Hugging Face's own ``datasets``.

ARGS names a folder that ``hob export`` wrote; without one a small export is written and loaded. Every
configuration of the data card is loaded with all its splits, every JSONL file by itself, and what came of
each is printed. It ends with an error where ``datasets`` does not read what was written.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import yaml

from bot.training.collect import Collected
from bot.training.example import Conversation, Message, Preference, Source
from bot.training.messages import check_messages
from bot.training.write import choose_split, write_export

CALL = {"id": "c1", "type": "function", "function": {"name": "shell", "arguments": '{"command":"ls"}'}}
MESSAGES: tuple[Message, ...] = (
    {"role": "system", "content": "You are Hob."},
    {"role": "user", "content": "Fix it, `double(4)` is 6."},
    {"role": "assistant", "content": "I look.", "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "c1", "content": "calc.py"},
    {"role": "assistant", "content": "Done."},
)


def write_small_export(folder: Path, *, repositories: int) -> None:
    """An export of so many repositories, each with a good attempt, a negative and a pair."""
    conversations, pairs = [], []
    for number in range(1, repositories + 1):
        source = Source(repo_id=number, repo=f"octo/app{number}", licence="MIT", task=number)
        mine = (*MESSAGES[:-1], {"role": "assistant", "content": f"Done in {number}."})
        worse = (MESSAGES[0], MESSAGES[1], {"role": "assistant", "content": f"I cannot do it in {number}."})
        conversations.append(Conversation(source=source, messages=mine, good=True))
        conversations.append(Conversation(source=source, messages=worse, good=False))
        pairs.append(
            Preference(
                source=source, prompt=MESSAGES[:2], chosen=f"+a{number}\n", rejected="+b\n", why="correction"
            )
        )
    write_export(Collected(conversations=conversations, preferences=pairs), folder)


def load_export(folder: Path) -> list[str]:
    """A line for everything that ``datasets`` loaded. Raises what it raises."""
    from datasets import load_dataset

    head = yaml.safe_load((folder / "README.md").read_text("utf-8").split("---")[1])
    lines = []
    with tempfile.TemporaryDirectory() as cache:
        for each in head["configs"]:
            name = each["config_name"]
            found = load_dataset(str(folder), name, cache_dir=cache)
            rows = ", ".join(f"{split} {data.num_rows}" for split, data in found.items())
            columns = sorted(next(iter(found.values())).column_names)
            lines.append(f"{name}: {rows}; {', '.join(columns)}")
        for path in sorted(folder.glob("*/*.jsonl")):
            if path.stat().st_size:
                data = load_dataset("json", data_files=str(path), split="train", cache_dir=cache)
                lines.append(f"{path.relative_to(folder)}: {data.num_rows}; {', '.join(data.column_names)}")
    return lines


def main() -> None:
    """Load the export and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, help="that hob export wrote")
    folder = parser.parse_args().folder
    if folder is not None:
        print("\n".join(load_export(folder)))
        return
    if wrong := check_messages(MESSAGES):
        raise SystemExit(wrong)
    for repositories in (1, 40):  # with one, one of the splits is empty
        with tempfile.TemporaryDirectory() as made:
            write_small_export(Path(made) / "export", repositories=repositories)
            test = sum(choose_split(each) == "test" for each in range(1, repositories + 1))
            print(f"{repositories} repositories, {test} of them for tests:")
            print("\n".join(load_export(Path(made) / "export")))


if __name__ == "__main__":
    main()

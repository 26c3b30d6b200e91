"""How good the map of a repository is, and how fast: ``make bench-map REPOS="path path path"``.

For commits spread over each repository's history (no merges; 1 to 10 source files that were there before),
the commit's message is the request and its parent's tree is what is searched. Recall at 10 is the share of
the changed files among the first ten answers, against two plain ways over the same files in the same run:

``words``  case-insensitive counts of the request's words, most different words first: what a model does with
           ripgrep. It and ``bm25`` only see source files; the map ranks all files.
``bm25``   Okapi BM25 (k1 1.2, b 0.75) over the whole text and path.

A commit whose message writes out the name of a changed file is easy, so those have a column of their own.
The constants were tuned on pallets/flask: give it first, then what all others say together comes last.
Intervals are 95% bootstrap over commits; ``gain`` is the map less the better of the other two, paired. The
files are parsed here, not in a sandbox: give it repositories that you trust. ``--large DIRECTORY`` times one
big tree as a run does it, inside the sandbox.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import importlib.util
import math
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, median
from typing import Any

from bot.agent.repository_map import CommitTree, render_map
from bot.agent.tools.registry import list_guest_mounts
from sandbox.layers.store import LayerStore
from sandbox.spec import Policy
from sandbox.toolchain import build_toolchain

ROOT = Path(__file__).parent.parent
GUEST = ROOT / "bot" / "agent" / "guest" / "index"
FIRST = 10
RESAMPLES = 2000
_WORD = re.compile(r"\w+")


def guest(name: str) -> Any:
    """A module of the guest program, loaded as it loads itself."""
    spec = importlib.util.spec_from_file_location("guest_index_entry", GUEST / "__main__.py")
    if spec and spec.loader and "_hob_index" not in sys.modules:
        entry = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(entry)
        entry.load()
    return importlib.import_module(f"_hob_index.{name}")


analysis, languages, listing, store, ranking, requests, words = map(
    guest, ("analysis", "languages", "listing", "store", "rank", "request", "words")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One commit: the tree it changed, what it said, what it changed."""

    parent: str
    message: str
    changed: frozenset[str]

    @property
    def named(self) -> bool:
        """The message writes out the name of a file that the commit changed."""
        said = self.message.lower()
        return any(path.rpartition("/")[2].lower() in said for path in self.changed)


@dataclass(slots=True)
class Blob:
    """One version of a file, read once."""

    text: str
    words: Counter[str]
    length: int
    analyses: dict[str, Any] = field(default_factory=dict)


class History:
    """A repository's commits and blobs, through the git program."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._blobs: dict[str, Blob] = {}
        self._batch = subprocess.Popen(
            ["git", "-C", str(path), "cat-file", "--batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def _git(self, *arguments: str) -> str:
        ran = subprocess.run(["git", "-C", str(self.path), *arguments], capture_output=True, check=True)
        return ran.stdout.decode("utf-8", "replace")

    def cases(self, number: int) -> list[Case]:
        """So many fitting commits, evenly spread over the history."""
        log = self._git(
            "log",
            "--no-merges",
            "--no-renames",
            "--name-status",
            "-z",
            "--format=%x01%H%x02%P%x02%B%x02",
            "HEAD",
        )
        found = list(filter(None, map(_case, log.split("\x01")[1:])))
        step = max(1.0, len(found) / number)
        return [found[int(at * step)] for at in range(min(number, len(found)))]

    def tree(self, commit: str) -> dict[str, str]:
        """Path to blob of every file that the map would read."""
        entries = (
            line.split("\t", 1)
            for line in self._git("ls-tree", "-rz", "--full-tree", commit).split("\0")
            if line
        )
        found = {path: info.split()[2] for info, path in entries if info.startswith("100")}
        return {path: sha for path, sha in found.items() if not listing.vendored(path)}

    def _read(self, sha: str) -> bytes:
        asked, answers = self._batch.stdin, self._batch.stdout
        if asked is None or answers is None:
            raise RuntimeError("git cat-file has no pipes")
        asked.write(f"{sha}\n".encode())
        asked.flush()
        size = int(answers.readline().split()[2])
        return answers.read(size + 1)[:-1]

    def blob(self, sha: str) -> Blob:
        """A blob's content."""
        if sha not in self._blobs:
            data = self._read(sha)
            text = (
                ""
                if analysis.looks_binary(data)
                else data[: analysis.FILE_BYTES].decode("utf-8", "replace").lower()
            )
            counted = Counter(_WORD.findall(text))
            self._blobs[sha] = Blob(text=text, words=counted, length=counted.total())
            self._blobs[sha].analyses["data"] = data
        return self._blobs[sha]

    def analysed(self, path: str, sha: str) -> Any:
        """The guest's analysis of a file, made once per content and language."""
        blob, key = self.blob(sha), languages.language(path).name
        if key not in blob.analyses:
            data = blob.analyses["data"]
            data = data if len(data) <= analysis.FILE_BYTES else b"\0"
            blob.analyses[key] = analysis.analyse(path, data)
        return blob.analyses[key]._replace(path=path)


def _case(record: str) -> Case | None:
    _, parents, message, rest = record.split("\x02", 3)
    if len(parents.split()) != 1:
        return None
    marks = [part for part in rest.lstrip("\n\0").split("\0") if part.strip()]
    changed = [
        path for mark, path in zip(marks[::2], marks[1::2], strict=False) if mark.strip() in ("M", "D")
    ]
    source = [p for p in changed if languages.language(p).role == "source" and not listing.vendored(p)]
    if not 1 <= len(source) <= 10 or not requests.read(message).terms:
        return None
    return Case(parent=parents, message=message.strip(), changed=frozenset(source))


def by_map(history: History, tree: dict[str, str], case: Case, spent: Counter[str]) -> list[str]:
    """The map's first answers."""
    analyses = [
        (number, history.analysed(path, sha)) for number, (path, sha) in enumerate(sorted(tree.items()))
    ]
    start = time.perf_counter()
    writer = store.Writer(":memory:")
    writer.add(store.segment(analyses))
    index = store.Reader(writer.finish({}))
    built = time.perf_counter()
    best = [index.path(each.number) for each in ranking.rank(index, requests.read(case.message), FIRST)]
    spent["assemble"] += built - start  # type: ignore[assignment]
    spent["rank"] += time.perf_counter() - built  # type: ignore[assignment]
    return best


def asked(message: str) -> list[str]:
    """The words of a request that one would search for."""
    said = requests.read(message).text
    found = dict.fromkeys(word.lower() for word in re.findall(r"[^\W\d]\w{2,}", said))
    return [word for word in found if word not in words.STOP]


def by_words(history: History, tree: dict[str, str], case: Case, _: Counter[str]) -> list[str]:
    """Files with the most different words of the request, then with the most matches."""
    wanted = asked(case.message)
    scored = []
    for path, sha in _sources(tree):
        counts = [history.blob(sha).text.count(word) for word in wanted]
        scored.append((-sum(map(bool, counts)), -sum(counts), path))
    return [path for _, _, path in sorted(scored)[:FIRST]]


def by_bm25(history: History, tree: dict[str, str], case: Case, _: Counter[str]) -> list[str]:
    """Plain BM25 over text and path."""
    files = [(path, history.blob(sha), Counter(_WORD.findall(path.lower()))) for path, sha in _sources(tree)]
    average = mean(blob.length for _, blob, _ in files) or 1.0
    scores: Counter[str] = Counter()
    for word in asked(case.message):
        tfs = [(path, blob.words[word] + own[word], blob.length) for path, blob, own in files]
        tfs = [each for each in tfs if each[1]]
        rarity = math.log(1 + (len(files) - len(tfs) + 0.5) / (len(tfs) + 0.5))
        for path, tf, length in tfs:
            scores[path] += rarity * tf * 2.2 / (tf + 1.2 * (0.25 + 0.75 * length / average))  # type: ignore[assignment]
    return [path for path, _ in sorted(scores.items(), key=lambda item: (-item[1], item[0]))[:FIRST]]


def _sources(tree: dict[str, str]) -> Iterator[tuple[str, str]]:
    return ((path, sha) for path, sha in tree.items() if languages.language(path).role == "source")


Recalls = dict[str, list[float]]
Way = Callable[[History, dict[str, str], Case, Counter[str]], list[str]]
WAYS: dict[str, Way] = {"map": by_map, "words": by_words, "bm25": by_bm25}


def interval(values: Sequence[float]) -> tuple[float, float]:
    """95% bootstrap interval of a mean; the same resamples for the same number of values."""
    chance = random.Random(1)
    means = sorted(mean(chance.choices(values, k=len(values))) for _ in range(RESAMPLES))
    return means[int(RESAMPLES * 0.025)], means[int(RESAMPLES * 0.975)]


def shown(values: Sequence[float]) -> str:
    """A mean in percent with its interval."""
    if not values:
        return "-"
    low, high = interval(values)
    return f"{100 * mean(values):5.1f} [{100 * low:.0f}, {100 * high:.0f}]"


def measure(path: Path, number: int) -> Recalls:
    """Measure one repository and print its part of the table; each way's recall, commit by commit."""
    history = History(path)
    cases = history.cases(number)
    recalls: dict[str, list[float]] = {name: [] for name in WAYS}
    spent: Counter[str] = Counter()
    sizes = []
    for case in cases:
        tree = history.tree(case.parent)
        sizes.append(len(tree))
        for name, way in WAYS.items():
            start = time.perf_counter()
            best = way(history, tree, case, spent)
            spent[name] += time.perf_counter() - start  # type: ignore[assignment]
            recalls[name].append(len(case.changed & set(best)) / len(case.changed))
    easy = [case.named for case in cases]
    name = path.resolve().parent.name if path.name in ("repo", ".git") else path.resolve().name
    print(f"\n{name}: {len(cases)} commits, {sum(easy)} that name a file, {median(sizes):.0f} files (median)")
    print(f"{'':8}{'all':>18}{'names a file':>20}{'names none':>20}")
    for label, values in recalls.items():
        pairs = list(zip(values, easy, strict=True))
        parts = [values, *([value for value, each in pairs if each is want] for want in (True, False))]
        print(f"{label:8}{shown(parts[0]):>18}{shown(parts[1]):>20}{shown(parts[2]):>20}")
    print(f"{gain(recalls)}; rank {1000 * spent['rank'] / len(cases):.0f} ms")
    sys.stdout.flush()
    return recalls


def gain(recalls: Recalls) -> str:
    """By how much the map is better than the better of the two plain ways."""
    rival = max((way for way in recalls if way != "map"), key=lambda way: mean(recalls[way]))
    gains = [own - other for own, other in zip(recalls["map"], recalls[rival], strict=True)]
    return f"gain over {rival}: {shown(gains)}"


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("repos", nargs="*", type=Path, help="clones with their history")
    parser.add_argument("--commits", type=int, default=100)
    parser.add_argument("--large", type=Path, help="a directory of many files to be timed in the sandbox")
    arguments = parser.parse_args()
    print("recall at 10, % [95% interval]")
    measured = [measure(path, arguments.commits) for path in arguments.repos]
    if len(measured) > 1:
        held = {way: [value for each in measured[1:] for value in each[way]] for way in WAYS}
        print(f"\nall but the first, together: {len(held['map'])} commits")
        print("\n".join(f"{way:8}{shown(values):>18}" for way, values in held.items()))
        print(gain(held))
    if arguments.large:
        asyncio.run(large(arguments.large))


REQUEST = "TypeError when a socket is closed while data is being received, see `_SelectorTransport.close`"


async def large(directory: Path) -> None:
    """Time building and asking the index of one directory as a run does: in sandboxes, cached by commit."""
    with tempfile.TemporaryDirectory() as home:
        tools = build_toolchain(Path(home))
        policy = Policy(mounts=(*tools.mounts, *list_guest_mounts()), path=tools.path, env=tools.env)
        tree = CommitTree(
            layer=directory, key="1-bench", policy=policy, scratch=Path(home) / "s", backend="auto"
        )
        kept = LayerStore(Path(home))
        times, spent = [], []
        for _ in range(4):
            start, cpu = time.perf_counter(), sum(os.times()[2:4])
            text = await render_map(kept, tree, REQUEST)
            times.append(time.perf_counter() - start)
            spent.append(sum(os.times()[2:4]) - cpu)
        (index,) = (Path(home) / "layers").glob("map-*/index.sqlite")
        print(f"\n{directory.name}: {text.splitlines()[0]}")
        print(f"index and first answer {times[0]:.1f} s ({spent[0]:.1f} s of processor time), ", end="")
        print(
            f"{index.stat().st_size / 1e6:.0f} MB; later answers {1000 * median(times[1:]):.0f} ms; ", end=""
        )
        print(f"{len(text)} characters; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()

"""How fast an endpoint answers, with Hob's own prompts and tools: ``make bench-model ARGS="--model NAME"``.

Each request is the beginning of a task: the system prompt, the tools, a map and a request of so many
characters, each with another request at its end, so that what providers cache is cached as it would be. So
many go out side by side. Printed for each number of them: the time to the first token, tokens a second of
one answer and of all together, and errors. The last line is for ``hob forecast``.

Any model that HOB_MODEL may name, with its keys in the environment; for a server of one's own
``openai-chat:NAME`` and OPENAI_BASE_URL. ``--fake`` tries it on a server of the tests' that answers at once.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.agent.models.calls import RetryPolicy
from bot.agent.prompt import make_opening
from bot.agent.tools.registry import list_definitions
from bot.domain import Brief, TaskKind
from bot.errors import Parked, Retry, UserError
from bot.forecast.simulate import find_quantile
from bot.offline.registry import MODELS

LINE = "src/orders/basket.py: class Basket: def add(item, count), def total(), def remove(item)\n"
ASKED = (
    "`total` forgets the last item, number {number}. Say in three sentences how you would look for the cause."
)
ONCE = RetryPolicy(tries=1, repeats_after_timeout=0)


@dataclass(slots=True)
class Level:
    """What so many requests side by side came to. Times in seconds, tokens of answers."""

    at_once: int
    first: list[float] = field(default_factory=list)
    speeds: list[float] = field(default_factory=list)
    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0
    errors: list[str] = field(default_factory=list)

    def render(self) -> str:
        """One line of the table."""
        whole = self.tokens_out / self.seconds if self.seconds else 0.0
        speed = statistics.median(self.speeds) if self.speeds else 0.0
        first = f"{find_quantile(self.first, 0.5):.2f} | {find_quantile(self.first, 0.95):.2f}"
        answered = max(1, len(self.first))
        tokens = f"{self.tokens_in // answered:,} | {self.tokens_out // answered:,}"
        return f"| {self.at_once} | {first} | {speed:.0f} | {whole:.0f} | {tokens} | {len(self.errors)} |"


def make_brief(number: int, characters: int) -> Brief:
    """The brief of a task with a map of so many characters."""
    return Brief(
        kind=TaskKind.ANSWER,
        repository="octo/shop",
        branch="main",
        title="The total is wrong",
        request=ASKED.format(number=number),
        orientation=LINE * max(1, characters // len(LINE)),
    )


async def measure(model: str, at_once: int, requests: int, characters: int) -> Level:
    """So many requests, ``at_once`` side by side."""
    level, numbers, began = Level(at_once=at_once), iter(range(requests)), time.perf_counter()

    async def ask_some() -> None:
        call = MODELS.choose(model, retry_policy=ONCE)
        try:
            for number in numbers:
                try:
                    answer = await call.ask(
                        [make_opening(make_brief(number, characters))], list_definitions()
                    )
                except (Parked, Retry, UserError) as error:
                    level.errors.append(str(error))
                    continue
                usage = answer.usage
                level.first.append(
                    usage.seconds if answer.first_token_seconds is None else answer.first_token_seconds
                )
                level.speeds += [answer.tokens_per_second] if answer.tokens_per_second else []
                level.tokens_in += usage.input_tokens
                level.tokens_out += usage.output_tokens
        finally:
            await call.aclose()

    await asyncio.gather(*(ask_some() for _ in range(at_once)))
    level.seconds = time.perf_counter() - began
    return level


async def measure_all(
    model: str, levels: Sequence[int], requests: int, characters: int, *, fake: bool = False
) -> list[Level]:
    """Each level in turn; of the tests' server where ``fake``. Prints the table."""
    made = []
    async with contextlib.AsyncExitStack() as stack:
        if fake:
            from tests.support.model_servers import Say, environment, serving

            server = await stack.enter_async_context(serving("openai"))
            server.always = lambda _: Say(text="I would look at the last item first. " * 4)
            os.environ.update(environment(server))
            model = server.model
        await measure(model, 1, 1, characters)  # imports, connections, the first reading of the prompt
        print(f"{model}, {requests} requests at each level")
        print("| at once | first token p50, s | p95 | tokens/s each | together | tokens in | out | errors |")
        print("|--:|--:|--:|--:|--:|--:|--:|--:|")
        for at_once in levels:
            made.append(await measure(model, at_once, max(requests, at_once), characters))
            print(made[-1].render(), flush=True)
    for error in sorted({error for level in made for error in level.errors})[:5]:
        print(f"error: {error[:300]}")
    answered = [level for level in made if level.first]
    if answered:
        most = max(answered, key=lambda level: (level.tokens_in + level.tokens_out) / level.seconds)
        a_minute = (most.tokens_in + most.tokens_out) / most.seconds * 60
        print(
            f"hob forecast --set first_token={find_quantile(most.first, 0.5):.2f} "
            f"--set tokens_per_second={statistics.median(most.speeds or [1.0]):.0f} "
            f"--tokens-per-minute {a_minute:.0f}"
        )
    return made


def main() -> None:
    """Read the command line. Exits 1 where nothing was answered."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--model", default="openai-chat:gpt-4o", help="as HOB_MODEL names it")
    options.add_argument("--at-once", default="1,2,4,8", help="numbers of requests side by side")
    options.add_argument("--requests", type=int, default=16, help="at each of these")
    options.add_argument("--characters", type=int, default=24_000, help="of the map in the prompt")
    options.add_argument("--fake", action="store_true", help="a server of the tests' instead")
    asked = options.parse_args()
    levels = [int(each) for each in asked.at_once.split(",")]
    made = asyncio.run(measure_all(asked.model, levels, asked.requests, asked.characters, fake=asked.fake))
    sys.exit(0 if any(level.first for level in made) else 1)


if __name__ == "__main__":
    main()

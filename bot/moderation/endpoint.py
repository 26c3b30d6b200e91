"""A provider's moderation endpoint, of the shape that OpenAI's has and others copied.

https://platform.openai.com/docs/api-reference/moderations: ``POST /moderations`` with ``input`` answers a
result for each input with ``categories``, a flag for each by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import aiohttp

from bot.errors import Outage, Retry
from bot.moderation.verdict import Category, Verdict

SECONDS = 30.0
CHUNK = 8_000  # characters of one input; a longer text is sent in several
MOST_CHUNKS = 25
# What these name is no reason here: issue texts of games and of medicine are full of it.
_IGNORED = ("violence", "sexual", "pii", "health", "financial", "law")
_NEVER_IGNORED = ("sexual/minors", "violence_and_threats")
_NAMES = {
    "hate": Category.HATE,
    "harassment": Category.HARASSMENT,
    "violence_and_threats": Category.HARASSMENT,
    "self": Category.SELF_HARM,  # self-harm, self_harm, selfharm
    "illicit/violent": Category.WEAPONS,
}


class EndpointModerator:
    """Asks the endpoint at ``url``, such as ``https://api.openai.com/v1``; ``model`` '' is the provider's."""

    def __init__(self, session: aiohttp.ClientSession, url: str, key: str, model: str = "") -> None:
        self._session, self._url, self._key, self._model = session, url.rstrip("/"), key, model

    async def judge(self, text: str) -> Verdict | None:
        """What the endpoint is against. Raises Outage while it does not answer: nothing is taken unseen.

        Raises Retry where it refuses the question, so that a wrong key does not let everything through.
        """
        chunks = [text[at : at + CHUNK] for at in range(0, len(text), CHUNK)][:MOST_CHUNKS]
        body: dict[str, Any] = {"input": chunks, **({"model": self._model} if self._model else {})}
        try:
            async with self._session.post(
                f"{self._url}/moderations",
                json=body,
                headers={"Authorization": f"Bearer {self._key}"},
                timeout=aiohttp.ClientTimeout(total=SECONDS),
                allow_redirects=False,
            ) as answer:
                if answer.status == 429 or answer.status >= 500:
                    raise Outage(f"the moderation endpoint answered {answer.status}")
                if answer.status != 200:
                    raise Retry(f"the moderation endpoint answered {answer.status}: see HOB_MODERATION_KEY")
                found = await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError) as away:
            raise Outage(f"the moderation endpoint cannot be asked: {type(away).__name__}") from None
        return next(_read_verdicts(found, len(chunks)), None)


def _read_verdicts(answer: Any, count: int) -> Iterator[Verdict]:
    """What is flagged in an answer to so many inputs. Raises Outage for one that is no such answer."""
    results = answer.get("results") if isinstance(answer, Mapping) else None
    if not isinstance(results, list) or len(results) != count:
        raise Outage("the moderation endpoint's answer does not have a result for each text")
    for result in results:
        categories = result.get("categories") if isinstance(result, Mapping) else None
        if not isinstance(categories, Mapping):
            raise Outage("the moderation endpoint's answer names no categories")
        for name, flagged in categories.items():
            if flagged is True and (name in _NEVER_IGNORED or not name.startswith(_IGNORED)):
                yield Verdict(category=_find_category(name), by=f"endpoint: {name}"[:100])


def _find_category(name: str) -> Category:
    found = (category for prefix, category in _NAMES.items() if name.startswith(prefix))
    return next(found, Category.OTHER)

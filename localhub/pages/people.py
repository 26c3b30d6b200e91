"""An account as the pages show it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from urllib.parse import quote

from localhub.state import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """An account on a page."""

    login: str
    name: str
    path: str
    is_bot: bool
    color: str

    @property
    def initial(self) -> str:
        """What stands in the picture."""
        return self.name[:1].upper()


def make_person(account: Row) -> Person:
    """An account as the pages show it."""
    login, is_bot = str(account["login"]), account["type"] == "Bot"
    name = login.removesuffix("[bot]")
    hue = int(hashlib.sha256(login.encode()).hexdigest()[:4], 16) % 360
    path = f"/apps/{name}" if is_bot else f"/{quote(login)}"
    color = f"hsl({hue} 45% {38 if is_bot else 42}%)"
    return Person(login=login, name=name, path=path, is_bot=is_bot, color=color)

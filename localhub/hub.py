"""One local GitHub: its state, addresses, git repositories, webhooks, rate limits and faults."""

from __future__ import annotations

from localhub.faults import Faults
from localhub.git.store import GitStore
from localhub.replicas import Replicas
from localhub.rest.rate_limits import Rates
from localhub.state import State
from localhub.webhooks import Webhooks


class Hub:
    """The parts that every route uses. ``api_url`` and ``web_url`` have no slash at the end."""

    def __init__(self, state: State, *, web_url: str, api_path: str = "/api") -> None:
        self.state = state
        self.web_url = web_url
        self.api_url = f"{web_url}{api_path}"
        self.git = GitStore(state)
        self.webhooks = Webhooks(state)
        self.faults = Faults()
        self.rates = Rates(state)
        self.replicas = Replicas()
        self.token_lifetime = 3600.0

    async def close(self) -> None:
        """Stop delivering and close the state."""
        await self.webhooks.stop()
        self.state.close()

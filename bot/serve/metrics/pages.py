"""What the dashboard counts: pages by name and status, and how long they took."""

from __future__ import annotations

import time

from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry, Counter, Histogram


class PageMetrics:
    """The numbers of one dashboard process, in a registry of its own. Pages are those of its route table."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.pages = Counter(
            "hob_pages",
            "Pages that the dashboard answered, by name; none: an address that is no page",
            ["page", "status"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "hob_page_seconds",
            "From a request to the answer's beginning; a run that is watched goes on after that",
            ["page"],
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
            registry=self.registry,
        )

    def measure(self, app: Flask) -> None:
        """Count the application's answers from now on."""
        app.before_request_funcs.setdefault(None, []).insert(0, self._begin)
        app.after_request(self._end)

    def _begin(self) -> None:
        g.setdefault("metrics_began", time.perf_counter())

    def _end(self, response: Response) -> Response:
        page = request.endpoint or "none"
        self.pages.labels(page, str(response.status_code)).inc()
        began = g.get("metrics_began")
        if began is not None:
            self.seconds.labels(page).observe(time.perf_counter() - began)
        return response

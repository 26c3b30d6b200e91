"""What a worker counts: runs and their phases, leases, models, GitHub, commands, disk.

Every label has a closed or bounded set of values: states and phases, models that the operator allowed, the
hundred installations that were asked last.
"""

from __future__ import annotations

from collections import OrderedDict

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from bot.agent.models.calls import ModelTry
from bot.github.http.client import Exchange
from bot.tasks.sweep import SweepCounts
from bot.workspace.disk_cache import DiskCache
from sandbox.spec import CommandResult

MOST_INSTALLATIONS = 100  # whose rate limits are exported
_SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)
_SCRIPTED = "scripted"


class WorkerMetrics:
    """The numbers of one worker process, in a registry of its own.

    ``slots``: the runs that it takes at once. ``disk_cache`` tells at each reading what it measured last.
    """

    disk_cache: DiskCache | None = None

    def __init__(self, *, slots: int) -> None:
        self.registry = CollectorRegistry()
        self._remaining: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._make_task_families(slots)
        self._make_model_families()
        self._make_github_families()
        self._make_machine_families()

    def _make_task_families(self, slots: int) -> None:
        self.runs = Gauge("hob_runs", "Runs under way in this worker", registry=self.registry)
        room = Gauge("hob_run_slots", "Runs that this worker takes at once", registry=self.registry)
        room.set(slots)
        self.outcomes = Counter(
            "hob_outcomes",
            "Runs that ended here, by the state that the task is in then; lost: another worker has it",
            ["kind", "state"],
            registry=self.registry,
        )
        self.phases = Histogram(
            "hob_phase_seconds",
            "How long runs spent in a phase, each time that they left it",
            ["phase"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.leases_lost = Counter(
            "hob_leases_lost", "Runs of this worker that no longer held their task", registry=self.registry
        )
        self.leases_expired = Counter(
            "hob_leases_expired",
            "Tasks that this worker's sweep took from workers that gave no sign",
            registry=self.registry,
        )

    def _make_model_families(self) -> None:
        self.model_calls = Counter(
            "hob_model_calls",
            "Calls to a model, each try by itself: ok, or the kind of error",
            ["model", "result"],
            registry=self.registry,
        )
        self.first_token = Histogram(
            "hob_model_first_token_seconds",
            "From the call to the first token of its answer",
            ["model"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.speed = Histogram(
            "hob_model_tokens_per_second",
            "Output tokens per second, from an answer's first token on",
            ["model"],
            buckets=(1, 2, 5, 10, 20, 40, 60, 80, 100, 150, 250, 500, 1000),
            registry=self.registry,
        )
        self.tokens = Counter(
            "hob_model_tokens",
            "Tokens as the provider counts them: input, of these cached, and output",
            ["model", "kind"],
            registry=self.registry,
        )
        self.cost = Counter(
            "hob_cost_usd",
            "US dollars that answers cost, where the model's price is known",
            ["model"],
            registry=self.registry,
        )

    def _make_github_families(self) -> None:
        self.requests = Counter(
            "hob_github_requests",
            "Requests to GitHub by status: 2xx to 5xx, 429 by itself, none where no answer came",
            ["resource", "status"],
            registry=self.registry,
        )
        self.request_seconds = Histogram(
            "hob_github_request_seconds",
            "From a request to GitHub's answer",
            ["resource"],
            buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20),
            registry=self.registry,
        )
        self.remaining = Gauge(
            "hob_github_rate_limit_remaining",
            "Requests that GitHub's last answer left to an installation; 0 is the App itself",
            ["installation", "resource"],
            registry=self.registry,
        )

    def _make_machine_families(self) -> None:
        self.commands = Histogram(
            "hob_command_seconds",
            "How long commands ran in sandboxes, by how they ended",
            ["ending"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.command_waits = Histogram(
            "hob_command_wait_seconds",
            "How long commands waited for a free slot",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.disk = Gauge(
            "hob_disk_bytes",
            "Below HOB_HOME, as measured every ten minutes: what mirrors and layers take, may take, is free",
            ["what"],
            registry=self.registry,
        )

    def note_model_try(self, tried: ModelTry) -> None:
        """Count one try of a call to a model."""
        model = _SCRIPTED if tried.model.startswith(f"{_SCRIPTED}:") else tried.model
        self.model_calls.labels(model, tried.error or "ok").inc()
        if (answer := tried.answer) is None:
            return
        if answer.first_token_seconds is not None:
            self.first_token.labels(model).observe(answer.first_token_seconds)
        if answer.tokens_per_second is not None:
            self.speed.labels(model).observe(answer.tokens_per_second)
        used = answer.usage
        counts = {"input": used.input_tokens, "cached": used.cached_tokens, "output": used.output_tokens}
        for kind, count in counts.items():
            self.tokens.labels(model, kind).inc(count)
        self.cost.labels(model).inc(used.usd)

    def note_exchange(self, exchange: Exchange) -> None:
        """Count a request to GitHub, and what it left of the installation's rate limit."""
        status = exchange.status
        shown = "none" if not status else "429" if status == 429 else f"{status // 100}xx"
        self.requests.labels(exchange.resource, shown).inc()
        self.request_seconds.labels(exchange.resource).observe(exchange.seconds)
        if exchange.remaining is None:
            return
        key = (str(exchange.installation), exchange.resource)
        self.remaining.labels(*key).set(exchange.remaining)
        self._remaining[key] = exchange.remaining
        self._remaining.move_to_end(key)
        while len(self._remaining) > MOST_INSTALLATIONS * 2:  # two resources each
            self.remaining.remove(*self._remaining.popitem(last=False)[0])

    @property
    def limits(self) -> dict[str, int]:
        """What GitHub's last answers left, by installation and resource: ``{"77 core": 4990}``."""
        return {" ".join(key): left for key, left in self._remaining.items()}

    def note_command(self, done: CommandResult, waited: float) -> None:
        """Count a command that ended in a sandbox, after ``waited`` seconds for a slot."""
        self.commands.labels(done.ending.value).observe(done.seconds)
        self.command_waits.observe(waited)

    def note_sweep(self, swept: SweepCounts) -> None:
        """Count what a sweep of this worker repaired."""
        self.leases_expired.inc(swept.expired)

    def text(self) -> bytes:
        """Everything in Prometheus's text format."""
        if self.disk_cache is not None and (use := self.disk_cache.last) is not None:
            for what in ("mirrors", "layers", "most", "free"):
                self.disk.labels(what).set(getattr(use, what))
        return generate_latest(self.registry)

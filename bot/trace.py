"""OpenTelemetry traces, where the operator names a collector: one trace from a delivery to its pull request.

Every process makes the same trace of a delivery, since its id and its first span's are computed from the
delivery's GUID: nothing has to be handed from one to another. The web process makes that first span when it
has stored the delivery; all others are below it. Names and numbers are recorded, never a text. Without a
collector a span is nothing but an empty ``with``.
https://opentelemetry.io/docs/specs/otel/trace/api/
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, cast

from bot.errors import HobError

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.sdk.trace.id_generator import IdGenerator
    from opentelemetry.sdk.trace.sampling import Sampler
    from opentelemetry.trace import TraceFlags, Tracer

_NOTHING: AbstractContextManager[None] = nullcontext()


class TracesUnavailable(HobError):
    """The packages for traces are not installed; the message says how."""


class _State:
    """The tracer of this process; None: there are no traces."""

    tracer: Tracer | None = None
    sampler: Sampler | None = None
    first_span: tuple[int, int] | None = None  # the ids of the span that is being begun, where they are given


class _Ids:
    """The ids of new spans: random ones, but for the first span of a delivery's trace.

    An ``IdGenerator`` by its methods: that class is there only where traces are.
    """

    def __init__(self, random: IdGenerator) -> None:
        self._random = random

    def generate_trace_id(self) -> int:
        return _State.first_span[0] if _State.first_span else self._random.generate_trace_id()

    def generate_span_id(self) -> int:
        return _State.first_span[1] if _State.first_span else self._random.generate_span_id()

    def is_trace_id_random(self) -> bool:
        return bool(self._random.is_trace_id_random())


def span(name: str, *, delivery: str = "", **facts: str | int) -> AbstractContextManager[None]:
    """A part of the work, for a ``with``; one with a ``delivery`` belongs to that delivery's trace."""
    return _NOTHING if _State.tracer is None else _record(_State.tracer, name, delivery, facts)


def note_arrival(delivery: str, began: int, **facts: str | int) -> None:
    """Record the first span of a new delivery's trace, from ``began`` (``time.time_ns``) until now."""
    if _State.tracer is None:
        return
    _State.first_span = _compute_ids(delivery)
    try:
        attributes = {f"hob.{key}": value for key, value in facts.items()}
        made = _State.tracer.start_span(
            "receive", context=_no_parent(), attributes=attributes, start_time=began
        )
    finally:
        _State.first_span = None
    made.end()


def start_traces(process: str, url: str) -> None:
    """Send this process's spans to a collector by OTLP over HTTP. Raises TracesUnavailable."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        raise TracesUnavailable("HOB_TRACES needs packages: pip install 'hob[traces]'") from None
    record_spans(process, BatchSpanProcessor(OTLPSpanExporter(endpoint=url)))


def record_spans(process: str, processor: SpanProcessor) -> None:
    """Give this process's spans to ``processor``."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

    resource = Resource.create({"service.name": f"hob-{process}"})
    ids = cast("IdGenerator", _Ids(RandomIdGenerator()))
    provider = TracerProvider(resource=resource, id_generator=ids)
    provider.add_span_processor(processor)
    _State.tracer, _State.sampler = provider.get_tracer("hob"), provider.sampler


def _compute_ids(delivery: str) -> tuple[int, int]:
    """The ids of a delivery's trace and of the first span in it."""
    digest = hashlib.sha256(delivery.encode()).digest()
    return int.from_bytes(digest[:16], "big"), int.from_bytes(digest[16:24], "big")


def _decide_as_first(trace_id: int) -> TraceFlags:
    """Whether the trace is recorded: what the operator's sampler says of its first span, in every process.

    https://opentelemetry.io/docs/specs/otel/trace/sdk/#sampler
    """
    from opentelemetry.sdk.trace.sampling import Decision
    from opentelemetry.trace import TraceFlags

    if _State.sampler is None:
        return TraceFlags(TraceFlags.DEFAULT)
    decision = _State.sampler.should_sample(_no_parent(), trace_id, "receive").decision
    return TraceFlags(TraceFlags.SAMPLED if decision is Decision.RECORD_AND_SAMPLE else TraceFlags.DEFAULT)


def _no_parent() -> Context:
    from opentelemetry import trace

    return trace.set_span_in_context(trace.INVALID_SPAN)


@contextmanager
def _record(tracer: Tracer, name: str, delivery: str, facts: dict[str, str | int]) -> Iterator[None]:
    from opentelemetry import trace

    context = None
    if delivery:
        trace_id, span_id = _compute_ids(delivery)
        begun = trace.SpanContext(
            trace_id=trace_id, span_id=span_id, is_remote=True, trace_flags=_decide_as_first(trace_id)
        )
        context = trace.set_span_in_context(trace.NonRecordingSpan(begun))
    attributes = {f"hob.{key}": value for key, value in facts.items()}
    with tracer.start_as_current_span(
        name, context=context, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as made:
        try:
            yield
        except BaseException as error:  # its text may quote what nobody is to read in a trace
            made.set_status(trace.Status(trace.StatusCode.ERROR, type(error).__name__))
            raise

"""OpenTelemetry traces, where the operator names a collector: one trace from a delivery to its pull request.

Every process makes the same trace of a delivery, since its id is computed from the delivery's GUID: nothing
has to be handed from one to another. Names and numbers are recorded, never a text. Without a collector a span
is nothing but an empty ``with``.
https://opentelemetry.io/docs/specs/otel/trace/api/
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

from bot.errors import HobError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.trace import Tracer

_NOTHING: AbstractContextManager[None] = nullcontext()


class TracesUnavailable(HobError):
    """The packages for traces are not installed; the message says how."""


class _State:
    """The tracer of this process; None: there are no traces."""

    tracer: Tracer | None = None


def span(name: str, *, delivery: str = "", **facts: str | int) -> AbstractContextManager[None]:
    """A part of the work, for a ``with``; one with a ``delivery`` belongs to that delivery's trace."""
    return _NOTHING if _State.tracer is None else _record(_State.tracer, name, delivery, facts)


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

    provider = TracerProvider(resource=Resource.create({"service.name": f"hob-{process}"}))
    provider.add_span_processor(processor)
    _State.tracer = provider.get_tracer("hob")


@contextmanager
def _record(tracer: Tracer, name: str, delivery: str, facts: dict[str, str | int]) -> Iterator[None]:
    from opentelemetry import trace

    context = None
    if delivery:
        digest = hashlib.sha256(delivery.encode()).digest()
        begun = trace.SpanContext(
            trace_id=int.from_bytes(digest[:16], "big"),
            span_id=int.from_bytes(digest[16:24], "big"),
            is_remote=True,
            trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED),
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

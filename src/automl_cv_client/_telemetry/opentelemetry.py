"""Turns a client's events into OpenTelemetry spans and metrics: the only file that knows OpenTelemetry.

Names are those of the semantic conventions for HTTP clients (https://opentelemetry.io/docs/specs/semconv/http/):
a span of kind CLIENT for each attempt, ``http.request.resend_count`` for the second and later ones. What HTTP has
no name for begins with ``automl_cv.``. Neither holds a key, an image, or the query of a URL.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from automl_cv_client._extras import need
from automl_cv_client._flow.hooks import DropEvent, Hooks, RequestEvent, ResponseEvent, RetryEvent

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter, MeterProvider
    from opentelemetry.trace import Span, Tracer, TracerProvider

_NAME = "automl_cv_client"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
"""Bucket borders, in seconds, that the conventions advise."""


def opentelemetry_hooks(
    tracer_provider: TracerProvider | None = None,
    meter_provider: MeterProvider | None = None,
    *,
    trace_context: bool = True,
) -> Hooks:
    """Hooks that report to OpenTelemetry: ``Client(…, hooks=opentelemetry_hooks())``.

    Spans are children of the caller's current span. The endpoint is told of them by ``traceparent`` and
    ``tracestate`` (https://www.w3.org/TR/trace-context/), so that its own spans can join them. Baggage is not sent: it
    may hold anything. Needs the extra ``otel``.

    Args:
        tracer_provider: where spans go; by default the global provider.
        meter_provider: where metrics go; by default the global provider.
        trace_context: whether to send those two headers.

    Raises:
        ModuleNotFoundError: the extra ``otel`` is not installed.
    """
    need("otel", "opentelemetry")
    from opentelemetry import metrics, trace

    spans = _Spans(trace.get_tracer(_NAME, tracer_provider=tracer_provider))
    numbers = _Metrics(metrics.get_meter(_NAME, meter_provider=meter_provider))
    headers = spans.headers if trace_context else None
    return Hooks(on_request=spans.begin, on_response=spans.end, request_headers=headers) + Hooks(
        on_response=numbers.response, on_retry=numbers.retry, on_drop=numbers.drop
    )


class _Spans:
    """A span for each attempt under way."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._open: dict[tuple[str, int], Span] = {}
        self._lock = threading.Lock()

    def begin(self, event: RequestEvent) -> None:
        from opentelemetry.trace import SpanKind

        attributes = {
            **_where(event),
            "url.full": event.url,
            "http.request.body.size": event.sent_bytes,
            "automl_cv.client_request_id": event.client_request_id,
            "automl_cv.images": event.images,
        }
        if event.attempt > 1:
            attributes["http.request.resend_count"] = event.attempt - 1
        if event.deployment is not None:
            attributes["automl_cv.deployment"] = event.deployment
        span = self._tracer.start_span(event.method, kind=SpanKind.CLIENT, attributes=attributes)
        with self._lock:
            self._open[event.client_request_id, event.attempt] = span

    def headers(self, event: RequestEvent) -> dict[str, str]:
        """What tells the endpoint of the attempt's span; nothing when there is no trace."""
        from opentelemetry.trace import set_span_in_context
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        carrier: dict[str, str] = {}
        with self._lock:
            span = self._open.get((event.client_request_id, event.attempt))
        if span is not None:
            TraceContextTextMapPropagator().inject(carrier, set_span_in_context(span))
        return carrier

    def end(self, event: ResponseEvent) -> None:
        from opentelemetry.trace import StatusCode

        with self._lock:
            span = self._open.pop((event.request.client_request_id, event.request.attempt), None)
        if span is None:
            return
        told: dict[str, Any] = {
            "http.response.status_code": event.status,
            "http.response.body.size": event.received_bytes if event.status is not None else None,
            "automl_cv.model.duration": event.model_time,
            "automl_cv.deployment": event.deployment,
            "automl_cv.request_id": event.request_id,
            "error.type": _error_type(event),
        }
        span.set_attributes({name: value for name, value in told.items() if value is not None})
        if _error_type(event) is not None:
            span.set_status(StatusCode.ERROR)
        span.end()


class _Metrics:
    """The standard histograms, and counters for what HTTP has no name for."""

    def __init__(self, meter: Meter) -> None:
        histogram, counter = meter.create_histogram, meter.create_counter
        self._duration = histogram(
            "http.client.request.duration",
            "s",
            "Duration of HTTP client requests.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._sent = histogram("http.client.request.body.size", "By", "Size of HTTP client request bodies.")
        self._received = histogram("http.client.response.body.size", "By", "Size of HTTP client response bodies.")
        self._model = histogram("automl_cv.client.model.duration", "s", "Time the model took by its own account.")
        self._images = counter("automl_cv.client.images", "{image}", "Images in requests answered with 200.")
        self._retries = counter("automl_cv.client.retries", "{retry}", "Requests sent again.")
        self._drops = counter("automl_cv.client.dropped_rows", "{row}", "Images the server left out of its replies.")

    def response(self, event: ResponseEvent) -> None:
        about = _where(event.request)
        if event.status is not None:
            about["http.response.status_code"] = event.status
        error = _error_type(event)
        if error is not None:
            about["error.type"] = error
        self._duration.record(event.elapsed, about)
        self._sent.record(event.request.sent_bytes, about)
        if event.status is not None:
            self._received.record(event.received_bytes, about)
        if event.model_time is not None:
            self._model.record(event.model_time, about)
        if event.status == 200:
            self._images.add(event.request.images)

    def retry(self, event: RetryEvent) -> None:
        self._retries.add(1, {"error.type": type(event.error).__name__})

    def drop(self, event: DropEvent) -> None:
        self._drops.add(event.images - event.rows)


def _where(event: RequestEvent) -> dict[str, Any]:
    parts = urlsplit(event.url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return {"http.request.method": event.method, "server.address": parts.hostname or "", "server.port": port}


def _error_type(event: ResponseEvent) -> str | None:
    if event.status is None:
        return event.error
    return str(event.status) if event.status >= 400 else None

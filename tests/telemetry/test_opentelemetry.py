"""Spans and metrics, read back from OpenTelemetry's own in-memory exporters."""

from __future__ import annotations

import base64
import time
from typing import Any

import pytest
from opentelemetry import baggage, context
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import (
    NonRecordingSpan,
    NoOpTracerProvider,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

from automl_cv_client import Hooks, RetryPolicy, Task, errors
from automl_cv_client.integrations.opentelemetry import opentelemetry_hooks
from automl_cv_client.testing import (
    FakeEndpoint,
    detections,
    dropped_row,
    lost_connection,
    no_waiting,
    scores,
    throttled,
    unavailable,
)
from tests.conftest import Caller
from tests.servers import Answer, boxes, scripted

KEY = "canary0Key4That5Must6Never7Show8Anywhere"
CAT = detections(("cat", 0.9, (0.25, 0.5, 0.75, 1.0)))


class Collected:
    """Providers that keep all in memory."""

    def __init__(self) -> None:
        self.exporter, self.reader = InMemorySpanExporter(), InMemoryMetricReader()
        self.tracers = TracerProvider(shutdown_on_exit=False)
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.meters = MeterProvider([self.reader], shutdown_on_exit=False)
        self.hooks = opentelemetry_hooks(self.tracers, self.meters)

    @property
    def spans(self) -> Any:
        return self.exporter.get_finished_spans()

    def metrics(self) -> dict[str, list[Any]]:
        data: Any = self.reader.get_metrics_data()
        found = data.resource_metrics[0].scope_metrics[0].metrics
        return {item.name: list(item.data.data_points) for item in found}


@pytest.fixture
def collected() -> Collected:
    return Collected()


def ask(call: Caller, fake: FakeEndpoint, image: Any, task: Task = Task.DETECTION, **options: Any) -> Any:
    injected = fake.async_http_client() if call.awaited else fake.http_client()
    uri = f"{fake.scoring_uri}?sig={KEY}"
    with no_waiting():
        return call(uri, "score", image, task, key=fake.key, http_client=injected, **options)


def test_a_span_for_each_attempt(call: Caller, collected: Collected, image: bytes) -> None:
    fake = FakeEndpoint(throttled(1), lost_connection(), scores(CAT, model_seconds=0.25), key=KEY)
    with collected.tracers.get_tracer("test").start_as_current_span("mine") as mine:
        found = ask(call, fake, image, hooks=collected.hooks, deployment="default")
    refused, lost, good, _ = collected.spans
    for span in (refused, lost, good):
        assert (span.name, span.kind) == ("POST", SpanKind.CLIENT)
        assert span.parent.span_id == mine.get_span_context().span_id
        assert span.attributes["server.address"] == "fake-endpoint.test"
        assert span.attributes["server.port"] == 443
        assert span.attributes["url.full"] == fake.scoring_uri
        assert span.attributes["http.request.method"] == "POST"
        assert span.attributes["automl_cv.client_request_id"] == found.call.client_request_id
        assert span.attributes["http.request.body.size"] == len(fake.last_request.body)
    assert [span.attributes.get("http.request.resend_count") for span in (refused, lost, good)] == [None, 1, 2]
    assert [span.attributes.get("http.response.status_code") for span in (refused, lost, good)] == [429, None, 200]
    assert [span.attributes.get("error.type") for span in (refused, lost, good)] == ["429", "ConnectionFailed", None]
    assert [outcome.status.status_code for outcome in (refused, lost, good)] == [StatusCode.ERROR] * 2 + [
        StatusCode.UNSET
    ]
    assert good.attributes["automl_cv.model.duration"] == 0.25
    assert good.attributes["automl_cv.deployment"] == "default"
    assert good.attributes["automl_cv.images"] == 1


def test_metrics(call: Caller, collected: Collected, image: bytes) -> None:
    started = time.monotonic()
    fake = FakeEndpoint(throttled(1), scores(CAT, model_seconds=0.25), dropped_row(CAT), CAT, CAT)
    ask(call, fake, image, hooks=collected.hooks)
    ask(call, fake, [image, image], hooks=collected.hooks)
    metrics = collected.metrics()
    durations = {
        point.attributes["http.response.status_code"]: point for point in metrics["http.client.request.duration"]
    }
    assert (durations[200].count, durations[429].count) == (4, 1)
    assert durations[429].attributes["error.type"] == "429"
    assert 0 < durations[200].sum < 4 * (time.monotonic() - started)  # in seconds
    assert list(durations[200].explicit_bounds)[:2] == [0.005, 0.01]
    sent = sum(point.sum for point in metrics["http.client.request.body.size"])
    assert sent == sum(len(request.body) for request in fake.requests)
    assert sum(point.sum for point in metrics["http.client.response.body.size"]) > 100
    assert metrics["automl_cv.client.images"][0].value == 5
    assert metrics["automl_cv.client.retries"][0].value == 1
    assert metrics["automl_cv.client.dropped_rows"][0].value == 1
    assert metrics["automl_cv.client.model.duration"][0].sum == 0.25


def test_no_key_and_no_image_in_them(call: Caller, collected: Collected, image: bytes) -> None:
    ask(call, FakeEndpoint(throttled(1), CAT, key=KEY), image, hooks=collected.hooks)
    with pytest.raises(errors.ServiceUnavailable):
        ask(call, FakeEndpoint(unavailable(), key=KEY), image, hooks=collected.hooks, retry=RetryPolicy(attempts=2))
    everything = "".join(span.to_json() for span in collected.spans) + repr(collected.reader.get_metrics_data())
    assert len(collected.spans) == 4
    assert KEY not in everything
    assert base64.b64encode(image).decode()[:40] not in everything


STATE = TraceState([("vendor", "7")])
REMOTE = SpanContext(0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331, True, TraceFlags(1), STATE)


def on_loopback(call: Caller, image: bytes, hooks: Hooks) -> list[dict[str, str]]:
    """The headers of the attempts of one call, one retry included, as they reached a server."""
    with scripted(Answer(429), Answer(body=boxes("cat"))) as server, no_waiting():
        assert call(server.url, "detect", image, hooks=hooks)[0].label == "cat"
    return [request.headers for request in server.received]


def is_sampled(headers: dict[str, str]) -> bool:
    return bool(int(headers["traceparent"][-2:], 16) & 1)  # the other bits are newer than some versions of the library


def test_the_endpoint_is_told_of_the_span_of_each_attempt(call: Caller, collected: Collected, image: bytes) -> None:
    caller = set_span_in_context(NonRecordingSpan(REMOTE))
    token = context.attach(baggage.set_baggage("customer", "secret", caller))
    try:
        sent = on_loopback(call, image, collected.hooks)
    finally:
        context.detach(token)
    assert len(sent) == len(collected.spans) == 2
    for headers, span in zip(sent, collected.spans, strict=True):
        assert headers["traceparent"][:-2] == f"00-{REMOTE.trace_id:032x}-{span.context.span_id:016x}-"
        assert is_sampled(headers)
        assert headers["tracestate"] == "vendor=7"
        assert "baggage" not in headers


def test_a_trace_of_its_own_without_a_callers_span(call: Caller, collected: Collected, image: bytes) -> None:
    sent = on_loopback(call, image, collected.hooks)
    assert [item["traceparent"][3:35] for item in sent] == [f"{span.context.trace_id:032x}" for span in collected.spans]
    assert ["tracestate" in item for item in sent] == [False, False]


def test_what_is_not_sampled_says_so(call: Caller, image: bytes) -> None:
    tracers = TracerProvider(ALWAYS_OFF, shutdown_on_exit=False)
    hooks = opentelemetry_hooks(tracers, MeterProvider(shutdown_on_exit=False))
    assert [is_sampled(item) for item in on_loopback(call, image, hooks)] == [False, False]


def test_no_trace_context_when_unwanted_or_without_opentelemetry(
    call: Caller, collected: Collected, image: bytes
) -> None:
    unwanted = opentelemetry_hooks(collected.tracers, collected.meters, trace_context=False)
    none_set_up = opentelemetry_hooks(NoOpTracerProvider(), collected.meters)
    with collected.tracers.get_tracer("test").start_as_current_span("mine"):
        for hooks in (unwanted, Hooks()):
            assert ["traceparent" in item for item in on_loopback(call, image, hooks)] == [False, False]
    assert ["traceparent" in item for item in on_loopback(call, image, none_set_up)] == [False, False]


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "opentelemetry", None)
    with pytest.raises(ModuleNotFoundError, match=r"automl-cv-client\[otel\]"):
        opentelemetry_hooks()

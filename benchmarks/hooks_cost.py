"""What watching costs a call: the hooks when none is set, all four set, and OpenTelemetry, against one bare call."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider

from automl_cv_client import Client, Hooks
from automl_cv_client._flow import watching
from automl_cv_client._flow.call_settings import CallSettings
from automl_cv_client._flow.effects import Flow, send
from automl_cv_client._protocol.messages import Reply, Request
from automl_cv_client.integrations.opentelemetry import opentelemetry_hooks
from benchmarks.client_cpu import image
from benchmarks.measuring import instant_server, interleaved, ratio, table
from benchmarks.parsing import boxes


def unwatched(
    settings: CallSettings, call_id: str, attempt: int, images: int, request: Request, limit: float
) -> Flow[Reply]:
    """What the client would do if nothing could be watched."""
    return (yield from send(request, limit))


def _nothing(event: object) -> None:
    """A hook."""


def main() -> None:
    watched = watching.watched_send
    told = Hooks(_nothing, _nothing, _nothing, _nothing)
    reporting = opentelemetry_hooks(TracerProvider(), MeterProvider([InMemoryMetricReader()]))
    with tempfile.TemporaryDirectory() as folder, instant_server(boxes(100)) as url, Client(url, "key") as client:
        file = Path(folder) / "one.jpg"
        file.write_bytes(image(193_000))

        def bare() -> None:
            watching.watched_send = unwatched
            client.detect(file)
            watching.watched_send = watched

        told_client, otel_client = client.with_options(hooks=told), client.with_options(hooks=reporting)
        ways = [bare, lambda: client.detect(file), lambda: told_client.detect(file), lambda: otel_client.detect(file)]
        base, *others = interleaved(ways, rounds=41)
    names = ("hooks not used (the default)", "four hooks that do nothing", "OpenTelemetry, spans and metrics")
    rows = [("client.detect, nothing watched", f"{statistics.median(base) * 1e6:.0f} µs", "1", "")]
    for name, times, bar in zip(names, others, ("≤ 1.02", "", ""), strict=True):
        rows.append((name, f"{statistics.median(times) * 1e6:.0f} µs", f"{ratio(times, base):.3f}", bar))
    table("Watching a call", rows, "python -m benchmarks.hooks_cost")


if __name__ == "__main__":
    main()

"""Makes the stream of a ``*_many`` call: checks its options, joins its images to a client's connections."""

from __future__ import annotations

import math
from collections.abc import AsyncIterable, Iterator
from dataclasses import replace
from typing import Any, TypedDict, Unpack

from automl_cv_client._flow.call_settings import CallSettings
from automl_cv_client._flow.run import AsyncBackend, Backend
from automl_cv_client._imaging import ImageInput
from automl_cv_client._numbers import checked_threshold
from automl_cv_client._protocol.xai import XaiParameters
from automl_cv_client._streaming.job import GroupScorer, ReorderBuffer, patient
from automl_cv_client._streaming.probe import Probe
from automl_cv_client._streaming.sources import groups_of, in_groups
from automl_cv_client._streaming.stream import AsyncStream, Stream
from automl_cv_client._streaming.traffic import Traffic
from automl_cv_client._transports.idle import MOST_CONNECTIONS
from automl_cv_client.errors import InvalidInput
from automl_cv_client.task import Task

CONCURRENCY = 64
_MOST_PER_REQUEST = 100


class ManyOptions(TypedDict, total=False):
    """What all ``*_many`` methods take, by keyword.

    Attributes:
        concurrency: requests in flight at most, 64 by default, up to 256. How many are really in flight is found
            out: it starts at 2 and adapts to what the endpoint takes.
        ordered: hand out outcomes in the order of the input (the default), or as they come.
        per_request: images a request, 1 by default. More helps with many small images; when the server
            drops one, or fails, they are sent again one by one.
        bytes_per_second: a bound on what is sent, for endpoints with a quota (the service's is 5 MB/s).
    """

    concurrency: int
    ordered: bool
    per_request: int
    bytes_per_second: float | None


def stream_for(
    settings: CallSettings,
    backend: Backend,
    images: Iterator[ImageInput],
    task: Task,
    threshold: float,
    probe: Probe | None = None,
    **options: Unpack[ManyOptions],
) -> Stream:
    """A stream over a client's connections. Raises InvalidInput, naming the argument."""
    scorer, traffic, buffer, size = _parts(settings, task, threshold, probe, **options)
    return Stream(in_groups(images, size), scorer, backend, traffic, buffer)


def async_stream_for(
    settings: CallSettings,
    backend: AsyncBackend,
    images: Iterator[ImageInput] | AsyncIterable[ImageInput],
    task: Task,
    threshold: float,
    probe: Probe | None = None,
    **options: Unpack[ManyOptions],
) -> AsyncStream:
    """As :func:`stream_for`, for an event loop."""
    scorer, traffic, buffer, size = _parts(settings, task, threshold, probe, **options)
    return AsyncStream(groups_of(images, size), scorer, backend, traffic, buffer)


def explaining_stream_for(
    settings: CallSettings,
    backend: Backend,
    images: Iterator[ImageInput],
    task: Task,
    parameters: XaiParameters,
    concurrency: int,
) -> Stream:
    """A stream that explains each image."""
    scorer, traffic, buffer, size = _parts(settings, task, 0.5, concurrency=concurrency)
    return Stream(in_groups(images, size), replace(scorer, explain=parameters), backend, traffic, buffer)


def async_explaining_stream_for(
    settings: CallSettings,
    backend: AsyncBackend,
    images: Iterator[ImageInput] | AsyncIterable[ImageInput],
    task: Task,
    parameters: XaiParameters,
    concurrency: int,
) -> AsyncStream:
    """As :func:`explaining_stream_for`, for an event loop."""
    scorer, traffic, buffer, size = _parts(settings, task, 0.5, concurrency=concurrency)
    return AsyncStream(groups_of(images, size), replace(scorer, explain=parameters), backend, traffic, buffer)


def check_options(settings: CallSettings, options: ManyOptions) -> None:
    """Raises InvalidInput for a value that cannot be used."""
    per_request = options.get("per_request", 1)
    _check_count("concurrency", options.get("concurrency", CONCURRENCY), MOST_CONNECTIONS)
    _check_count("per_request", per_request, _MOST_PER_REQUEST)
    if per_request > 1 and settings.dialect.startswith("legacy"):
        raise InvalidInput("per_request must be 1 for the legacy dialects, which take one image a request")
    rate = options.get("bytes_per_second")
    if rate is not None and (isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 < rate < math.inf):
        raise InvalidInput(f"bytes_per_second must be a number above 0, or None; not {rate!r}")


def _parts(
    settings: CallSettings,
    task: Task,
    threshold: float,
    probe: Probe | None = None,
    *,
    concurrency: int = CONCURRENCY,
    ordered: bool = True,
    per_request: int = 1,
    bytes_per_second: float | None = None,
) -> tuple[GroupScorer, Traffic, ReorderBuffer, int]:
    given = ManyOptions(concurrency=concurrency, per_request=per_request, bytes_per_second=bytes_per_second)
    check_options(settings, given)
    scorer = GroupScorer(task, patient(settings), checked_threshold(threshold), probe=probe)
    buffer = ReorderBuffer(ordered, longest=per_request * (8 * concurrency + 16))
    traffic = Traffic(concurrency, bytes_per_second, settings.clock, patient=probe is not None)
    return scorer, traffic, buffer, per_request


def _check_count(name: str, value: Any, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise InvalidInput(f"{name} must be a whole number from 1 to {most}, not {value!r}")

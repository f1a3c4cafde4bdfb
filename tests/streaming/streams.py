"""Streams over a client, as the client itself makes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from automl_cv_client import AsyncClient, Client, Task
from automl_cv_client._streaming.options import StreamOptions
from automl_cv_client._streaming.runs import async_stream_for, stream_for
from automl_cv_client._streaming.stream import AsyncStream, Stream


def stream_of(client: Client, images: Iterator[Any], **options: Any) -> Stream:
    settings, backend = client._settings, client._backend
    return stream_for(settings, backend, images, Task.DETECTION, 0.5, StreamOptions(**options))


def async_stream_of(client: AsyncClient, images: Iterator[Any], **options: Any) -> AsyncStream:
    settings, backend = client._settings, client._backend
    return async_stream_for(settings, backend, images, Task.DETECTION, 0.5, StreamOptions(**options))

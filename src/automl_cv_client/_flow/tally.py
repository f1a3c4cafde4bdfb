"""Counts what a client does in one process. One of a client and its copies; thread-safe; some 2 µs a request."""

from __future__ import annotations

import threading

from automl_cv_client._numbers import Durations
from automl_cv_client._processes import in_each_process
from automl_cv_client._protocol.http_headers import model_time
from automl_cv_client._protocol.messages import Reply
from automl_cv_client.results import Stats


class Tally:
    """The numbers behind ``client.stats()``."""

    def __init__(self) -> None:
        in_each_process(self._begin)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._calls = self._images = self._requests = self._retries = self._failures = self._drops = 0
        self._sent = self._received = 0
        self._first: float | None = None
        self._latest = 0.0
        self._model = self._network = 0.0
        self._call_seconds = Durations()

    def request(self, sent_bytes: int, now: float) -> None:
        """A request goes out."""
        with self._lock:
            self._requests += 1
            self._sent += sent_bytes
            if self._first is None:
                self._first = now

    def response(self, reply: Reply | None, elapsed: float) -> None:
        """A request is over, with an answer or without."""
        took = model_time(reply.headers) if reply is not None and reply.status == 200 else None
        with self._lock:
            self._failures += reply is None or reply.status != 200
            self._received += len(reply.body) if reply is not None else 0
            if took is not None:
                self._model += took
                self._network += max(0.0, elapsed - took)

    def call(self, images: int, elapsed: float, now: float) -> None:
        """A call has its answer."""
        with self._lock:
            self._calls += 1
            self._images += images
            self._latest = now
            self._call_seconds.add(elapsed)

    def retry(self) -> None:
        """A request will be sent again."""
        with self._lock:
            self._retries += 1

    def drop(self) -> None:
        """A reply had too few rows."""
        with self._lock:
            self._drops += 1

    def stats(self) -> Stats:
        """The numbers as they are now."""
        with self._lock:
            seconds = max(0.0, self._latest - self._first) if self._first is not None else 0.0
            return Stats(
                calls=self._calls,
                images=self._images,
                requests=self._requests,
                retries=self._retries,
                failures=self._failures,
                drops=self._drops,
                sent_bytes=self._sent,
                received_bytes=self._received,
                seconds=seconds,
                images_per_second=self._images / seconds if seconds else 0.0,
                p50=self._call_seconds.percentile(0.50),
                p95=self._call_seconds.percentile(0.95),
                model_seconds=self._model,
                network_seconds=self._network,
            )

"""A client's work so far, in numbers."""

from __future__ import annotations

from automl_cv_client._record import Record


class Stats(Record, frozen=True):
    """What a client and its copies have done since it was made.

    Attributes:
        calls: calls that got their answer; failed ones are not counted.
        images: images in those calls; those sent again after a drop count twice.
        requests: requests sent, retries included.
        retries: requests sent again after a failure.
        failures: requests without an answer of status 200.
        drops: replies with fewer rows than images.
        sent_bytes: bytes of all request bodies.
        received_bytes: bytes of all reply bodies.
        seconds: from the first request to the latest answer.
        images_per_second: ``images / seconds``; 0 before the first answer.
        p50: seconds of a call, retries included, that half of the latest 2,048 calls stayed below; None before any.
        p95: the same for 95 of 100 calls.
        model_seconds: what the models took by their own account, summed over answers that tell it.
        network_seconds: what the same answers took besides: network, queues, and the service itself.
    """

    calls: int = 0
    images: int = 0
    requests: int = 0
    retries: int = 0
    failures: int = 0
    drops: int = 0
    sent_bytes: int = 0
    received_bytes: int = 0
    seconds: float = 0.0
    images_per_second: float = 0.0
    p50: float | None = None
    p95: float | None = None
    model_seconds: float = 0.0
    network_seconds: float = 0.0

"""What a client, or a stream, has done so far, in numbers; and what an endpoint was found to take."""

from __future__ import annotations

from automl_cv_client._notebook import Display, Displayed, fields_of
from automl_cv_client._record import MaybeNone, Record


class _Fields(Displayed):
    """Shows itself in a notebook as a table of its fields."""

    def _display(self) -> Display:
        return fields_of(self, vars(self))


class Stats(Record, _Fields, frozen=True):
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
        p50: seconds of a call, retries included, that half of the calls did not exceed; None before any.
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
    p50: float | MaybeNone = None
    p95: float | MaybeNone = None
    model_seconds: float = 0.0
    network_seconds: float = 0.0


class RunStats(Record, _Fields, frozen=True):
    """How a kept stream stands, over all its batches.

    Attributes:
        limit: requests that may be in flight now, as found out so far.
        in_flight: requests in flight now.
        images: images that have their outcome.
        failed: of them, those whose outcome is an error.
        requests: requests sent, retries included.
        retries: requests sent again after a failure.
        refused: answers "too many at once" (429).
        bytes_sent: bytes of all request bodies.
        p50: seconds of an image, retries and pauses included, that half of the images did not exceed; None before any.
        p95: the same for 95 of 100 images.
    """

    limit: int = 0
    in_flight: int = 0
    images: int = 0
    failed: int = 0
    requests: int = 0
    retries: int = 0
    refused: int = 0
    bytes_sent: int = 0
    p50: float | MaybeNone = None
    p95: float | MaybeNone = None


class Capacity(Record, _Fields, frozen=True):
    """What an endpoint was found to take at once.

    Attributes:
        requests_at_once: requests in flight that were answered well; give it as ``concurrency=``.
        images_per_second: answers per second at that number, in the second half of the measurement.
        refused: share of all answers that were "too many at once" (429), 0 to 1.
        is_limit: whether one request more was refused, or made answers slow; else the endpoint may take more than
            ``requests_at_once``, and the time was too short to find out.
    """

    requests_at_once: int
    images_per_second: float
    refused: float
    is_limit: bool

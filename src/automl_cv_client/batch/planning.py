"""How long many images take at one endpoint, and what bounds it: arithmetic on the limits of the service, no I/O.

An endpoint takes 500 requests per second, 500 connections and 5 MB per second, whatever stands behind it. Each instance
scores ``at_once`` images at a time, and as many more requests may wait there; the next one is refused (429). The client
keeps that many in flight, so the time between an answer and the next request is hidden while the model takes longer.
The plan is the smallest of these rates, less the 3 % that a client loses whom nobody told them: measured by
benchmarks/planning.py, which compares plans with runs.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

from automl_cv_client._keywords import named
from automl_cv_client._text import bytes_in_words
from automl_cv_client.errors import InvalidInput

Limit = Literal["model", "bandwidth", "round trips", "requests per second"]
"""What bounds a plan: the instances, the endpoint's bytes per second, the network, or its requests per second."""

BYTES_PER_SECOND = 5_000_000.0
REQUESTS_PER_SECOND = 500.0
CONNECTIONS = 500
_REACHED = 0.97  # of the limit
_PER_REQUEST = 900  # bytes of both heads, and of the JSON around the image


@dataclass(frozen=True, slots=True)
class Plan:
    """How long the images take at one endpoint.

    Attributes:
        images: how many.
        seconds: for all of them.
        images_per_second: of the whole endpoint.
        limit: what bounds it.
        limits: images per second that each of the limits allows.
        bytes_per_second: what goes over the wire, requests as base64 and replies.
        instances: as given.
        enough_instances: fewest that are as fast; more of them change nothing.
        mean_bytes: of an image, as given.
        enough_bytes: mean size of an image from which on bandwidth is not the limit; None where it is none anyhow.
        seconds_then: for all images of that size.
        price: of the instances for that time; None without a price per hour.
    """

    images: int
    seconds: float
    images_per_second: float
    limit: Limit
    limits: dict[Limit, float]
    bytes_per_second: float
    instances: int
    enough_instances: int
    mean_bytes: int
    enough_bytes: int | None
    seconds_then: float | None
    price: float | None

    @property
    def duration(self) -> str:
        """``seconds`` in words, such as ``31 h``."""
        return duration_in_words(self.seconds)

    def as_dict(self) -> dict[str, Any]:
        """The plan as plain values."""
        return asdict(self)

    def text(self) -> str:
        """The plan for a terminal.

        >>> print(plan(10_000, 20_000, instances=1, model_ms=120).text())
        10,000 images of 20 kB, 1 instance
        time       21 min, 8.1 images/s
        limit      model (bandwidth 169.1, round trips 14.3, requests per second 500.0 images/s)
        bandwidth  0.2 MB/s of 5
        """
        others = ", ".join(f"{name} {rate:.1f}" for name, rate in self.limits.items() if name != self.limit)
        lines = [
            f"{self.images:,} images of {bytes_in_words(self.mean_bytes)}, {_instances(self.instances)}",
            f"time       {self.duration}, {self.images_per_second:.1f} images/s",
            f"limit      {self.limit} ({others} images/s)",
            f"bandwidth  {self.bytes_per_second / 1e6:.1f} MB/s of {BYTES_PER_SECOND / 1e6:.0f}",
        ]
        if self.price is not None:
            lines.append(f"price      {self.price:,.2f} for {_instances(self.instances)}")
        if self.enough_bytes is not None and self.seconds_then is not None:
            smaller, then = bytes_in_words(self.enough_bytes), duration_in_words(self.seconds_then)
            gain = self.seconds / self.seconds_then
            lines.append(f"smaller    images of {smaller} take {then}: {gain:.1f} times as fast")
        if self.enough_instances < self.instances:
            price = "" if self.price is None else f", for {self.price * self.enough_instances / self.instances:,.2f}"
            lines.append(f"instances  {_instances(self.enough_instances)} would be as fast{price}")
        return "\n".join(lines)


@named
def plan(
    images: float,
    mean_bytes: float,
    *,
    instances: int = 1,
    model_ms: float,
    at_once: int = 1,
    reply_bytes: float = 2_000,
    round_trip_ms: float = 20.0,
    hour_price: float | None = None,
) -> Plan:
    """How long a batch of images takes at one endpoint, before any of them is sent.

    Args:
        images: how many.
        mean_bytes: mean size of the images as they are sent, in bytes; base64 adds a third, which is counted here.
        instances: of the deployment.
        model_ms: milliseconds in the model per image, such as ``result.call.model_time * 1000``.
        at_once: images that an instance scores at a time, ``max_concurrent_requests_per_instance``; 1 by default there.
        reply_bytes: mean size of a reply. Outlines have some 4 kB an object, explanations megabytes.
        round_trip_ms: milliseconds between an answer and the arrival of the next request.
        hour_price: of one instance.

    Returns:
        A :class:`Plan`: ``seconds``, ``limit``, ``price``, ``print(plan.text())``.

    Raises:
        InvalidInput: a number that cannot be.

    Example:
        >>> found = plan(1e6, 400e3, instances=3, model_ms=120)
        >>> print(f"{found.seconds / 3600:.0f} h", found.limit)
        31 h bandwidth
    """
    _check(images=images, mean_bytes=mean_bytes, model_ms=model_ms, reply_bytes=reply_bytes)
    _check(round_trip_ms=round_trip_ms, hour_price=hour_price or 0)
    if images < 1:
        raise InvalidInput(f"images must be 1 or more, not {images!r}")
    if not model_ms:
        raise InvalidInput("model_ms must be above 0: a model takes time")
    for name, count in (("instances", instances), ("at_once", at_once)):
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise InvalidInput(f"{name} must be a whole number from 1 up, not {count!r}")
    model, between = model_ms / 1000, round_trip_ms / 1000
    per_instance = at_once / model
    in_flight = min(2 * at_once * instances, CONNECTIONS)
    per_image = _wire_bytes(mean_bytes, reply_bytes)
    limits: dict[Limit, float] = {
        "model": per_instance * instances,
        "bandwidth": BYTES_PER_SECOND / per_image,
        "round trips": in_flight / (model + between),
        "requests per second": REQUESTS_PER_SECOND,
    }
    limit = min(limits, key=lambda name: limits[name])
    rate = limits[limit] * _REACHED
    without_bandwidth = min(allowed for name, allowed in limits.items() if name != "bandwidth")
    enough_bytes = _image_bytes(BYTES_PER_SECOND / without_bandwidth, reply_bytes) if limit == "bandwidth" else None
    seconds = images / rate
    return Plan(
        images=int(images),
        seconds=seconds,
        images_per_second=rate,
        limit=limit,
        limits=limits,
        bytes_per_second=rate * per_image,
        instances=instances,
        enough_instances=min(instances, _fewest(rate, at_once, model, between)),
        mean_bytes=int(mean_bytes),
        enough_bytes=enough_bytes,
        seconds_then=None if enough_bytes is None else images / (without_bandwidth * _REACHED),
        price=None if hour_price is None else seconds / 3600 * hour_price * instances,
    )


def _fewest(rate: float, at_once: int, model: float, between: float) -> int:
    """The fewest instances that allow so many images per second."""
    allowed = rate / _REACHED
    busy, in_flight = allowed * model / at_once, allowed * (model + between) / (2 * at_once)
    return max(1, math.ceil(max(busy, in_flight) - 1e-9))


def _wire_bytes(image_bytes: float, reply_bytes: float) -> float:
    return math.ceil(image_bytes / 3) * 4 + reply_bytes + _PER_REQUEST


def _image_bytes(wire_bytes: float, reply_bytes: float) -> int | None:
    """The size of the image in so many bytes on the wire; None where the rest alone fills them."""
    found = int((wire_bytes - reply_bytes - _PER_REQUEST) * 3 / 4)
    return found if found > 0 else None


def _check(**numbers: float) -> None:
    for name, number in numbers.items():
        if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number < math.inf:
            raise InvalidInput(f"{name} must be a number from 0 up, not {number!r}")


def _instances(count: int) -> str:
    return "1 instance" if count == 1 else f"{count} instances"


def duration_in_words(seconds: float) -> str:
    """
    >>> duration_in_words(42), duration_in_words(1200), duration_in_words(106_000), duration_in_words(1e8)
    ('42 s', '20 min', '29 h', '1,157 days')
    """
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 6_000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 72 * 3600 else f"{seconds / 86_400:,.0f} days"

"""How much a deployment takes at once: asked of Resource Manager, or measured."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from automl_cv_client._clients.base import AsyncConnected, Connected, WithSettings
from automl_cv_client._imaging import ImageInput
from automl_cv_client._streaming.options import CONCURRENCY, StreamOptions
from automl_cv_client._streaming.traffic import Traffic
from automl_cv_client._transports.idle_pool import MOST_CONNECTIONS
from automl_cv_client.errors import InvalidInput
from automl_cv_client.results import Capacity, Deployment, Outcome

logger = logging.getLogger("automl_cv_client")

_UNKNOWN = -1


def check_askable(client: WithSettings, options: StreamOptions) -> None:
    """Raises InvalidInput where nobody can be asked."""
    if options.concurrency == "ask" and client._control is None:
        raise InvalidInput(
            'concurrency="ask" asks the workspace, and a scoring URI tells nothing of it: make the client with '
            "from_workspace(…) or from_ml_client(…), or give a number"
        )


def asked(client: Connected, options: StreamOptions) -> StreamOptions:
    """The options with a number in place of ``"ask"``. Asks Resource Manager, or recalls what it said."""
    if options.concurrency != "ask":
        return options
    known = _recalled(client)
    if known is None:
        assert client._control is not None  # check_askable
        known = _told(client, client._control.deployments())
    return _with_number(options, known)


async def asked_async(client: AsyncConnected, options: StreamOptions) -> StreamOptions:
    """As :func:`asked`, awaited."""
    if options.concurrency != "ask":
        return options
    known = _recalled(client)
    if known is None:
        assert client._control is not None
        client._control.bind(asyncio.get_running_loop())
        known = _told(client, await asyncio.to_thread(client._control.deployments))
    return _with_number(options, known)


def requests_at_once(deployments: Iterable[Deployment], name: str | None) -> int | None:
    """What a deployment takes at once; without a name, what all of them take at their shares of the traffic.

    >>> blue = Deployment(name="blue", traffic=75, requests_at_once=6)
    >>> green = Deployment(name="green", traffic=25, requests_at_once=4)
    >>> requests_at_once([blue, green], "green"), requests_at_once([blue, green], None)
    (4, 8)
    """
    if name is not None:
        named = [deployment for deployment in deployments if deployment.name.lower() == name.lower()]
        return named[0].requests_at_once if named else None
    shares = [(deployment.requests_at_once, deployment.traffic) for deployment in deployments if deployment.traffic > 0]
    if not shares or any(takes is None for takes, _ in shares):
        return None
    return max(1, min(int((takes or 0) * 100 / traffic) for takes, traffic in shares))


def _recalled(client: WithSettings) -> int | None:
    settings = client._settings
    known: int | None = settings.learned.recall(_key(client), settings.clock())
    return known


def _told(client: WithSettings, deployments: Sequence[Deployment]) -> int:
    settings = client._settings
    number = requests_at_once(deployments, settings.deployment)
    if number is None:
        logger.info("Resource Manager does not tell how many requests the endpoint takes at once: it is found out")
    else:
        logger.info("the endpoint takes %d requests at once, as Resource Manager tells", number)
    known = _UNKNOWN if number is None else number
    settings.learned.keep(_key(client), known, settings.clock())
    return known


def _key(client: WithSettings) -> tuple[object, ...]:
    return (os.getpid(), client._settings.deployment, "asked")


def _with_number(options: StreamOptions, known: int) -> StreamOptions:
    if known == _UNKNOWN:
        return replace(options, concurrency=CONCURRENCY)
    return replace(options, concurrency=min(known, MOST_CONNECTIONS), is_known=True)


class Measuring:
    """Scores one image until the time is up, and looks what the endpoint took meanwhile."""

    def __init__(self, image: ImageInput, seconds: float) -> None:
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < math.inf:
            raise InvalidInput(f"seconds must be a number above 0, not {seconds!r}")
        self._image = _kept(image)
        self._seconds = seconds
        self._started = time.monotonic()
        self._answered: list[float] = []
        self._limits: list[int] = []

    def images(self) -> Iterator[ImageInput]:
        """The image, again and again."""
        self._started = time.monotonic()
        while time.monotonic() - self._started < self._seconds:
            yield self._image

    def add(self, outcomes: Sequence[Outcome[Any]], traffic: Traffic) -> None:
        """Outcomes came. Raises the error of the first image, if it cannot be scored."""
        for outcome in outcomes:
            if outcome.error is not None and not self._answered:
                raise outcome.error
            if outcome.ok:
                self._answered.append(time.monotonic() - self._started)
                self._limits.append(traffic.adaptive.limit)

    def capacity(self, traffic: Traffic) -> Capacity:
        """What was found."""
        half = self._seconds / 2
        late = [limit for at, limit in zip(self._answered, self._limits, strict=True) if half <= at <= self._seconds]
        limits = sorted(late or self._limits)
        answers = len(self._answered) + traffic.refused
        wall = traffic.adaptive.wall
        usual = limits[len(limits) // 2] if limits else traffic.adaptive.limit
        return Capacity(
            requests_at_once=max(1, min(usual, wall - 1)) if wall is not None else usual,
            images_per_second=len(late) / half,
            refused=traffic.refused / answers if answers else 0.0,
            is_limit=wall is not None,
        )


def _kept(image: Any) -> ImageInput:
    """An open file is read once; the others may be scored again and again."""
    if hasattr(image, "read") and not isinstance(image, str | os.PathLike):
        data: bytes = image.read()
        return data
    kept: ImageInput = image
    return kept

"""What a stream of images may send now, and what its answers teach; values in, values out, no waiting.

Joins the adaptive limit, the pace and the breaker.
"""

from __future__ import annotations

from collections.abc import Callable

from automl_cv_client._protocol.http_headers import model_failure
from automl_cv_client._protocol.messages import Reply
from automl_cv_client._streaming.breaker import Breaker
from automl_cv_client._streaming.limit import AdaptiveLimit, Sent, Verdict
from automl_cv_client.errors import ConnectionFailed, TimedOut

_BURST = 0.05  # seconds' worth that may be made up for after a late wake-up


class Traffic:
    """What a stream and all its batches share. Not thread-safe: a throttle holds its lock around every call.

    Where ``patient``, waits also for an endpoint that answers that nobody is there. Where ``is_known``, the endpoint
    takes ``concurrency`` requests at once. ``adaptive`` is a limit to use, in place of one of its own.

    Attributes:
        requests: requests sent so far.
        retries: of them, those that were sent again after a failure.
        bytes_sent: bytes of their bodies.
        refused: answers that said "too much at once".
        active: groups of images that are read and have no outcome yet.
        most_active: how many there may be, pausing ones included: an outage must not read the whole source.
    """

    def __init__(
        self,
        concurrency: int,
        bytes_per_second: float | None,
        clock: Callable[[], float],
        patient: bool = False,
        is_known: bool = False,
        adaptive: AdaptiveLimit | None = None,
    ) -> None:
        self.clock = clock
        self.breaker: Breaker = Breaker(patient)
        self.requests: int = 0
        self.retries: int = 0
        self.bytes_sent: int = 0
        self.refused: int = 0
        self.active = 0
        self.most_active: int = 4 * concurrency + 8
        self.adaptive: AdaptiveLimit = adaptive or AdaptiveLimit(concurrency, is_known)
        self._pace = None if bytes_per_second is None else Pace(bytes_per_second)

    @property
    def in_flight(self) -> int:
        """Requests in flight."""
        return self.adaptive.in_flight

    @property
    def limit(self) -> int:
        """Requests that may be in flight."""
        return 1 if self.breaker.suspicious else self.adaptive.limit

    def wait(self) -> float | None:
        """Seconds until the next request may leave, 0 for now; None when all places are taken."""
        if self.in_flight >= self.limit:
            return None
        now = self.clock()
        paced = 0.0 if self._pace is None else self._pace.wait(now)
        return max(self.breaker.wait(now), paced, self.adaptive.wait(now))

    def take(self) -> None:
        """A group has its turn."""
        self.adaptive.in_flight += 1

    def leave(self) -> None:
        """The turn is over."""
        self.adaptive.in_flight -= 1

    def sent(self, count: int, *, again: bool = False) -> Sent:
        """A request with a body of ``count`` bytes leaves, perhaps ``again`` after a failure."""
        now = self.clock()
        if self._pace is not None:
            self._pace.spend(count, now)
        self.requests += 1
        self.retries += again
        self.bytes_sent += count
        return self.adaptive.sent(now)

    def answered(self, sent: Sent, reply: Reply) -> None:
        """Its answer."""
        now = self.clock()
        self.breaker.answered(reply.status, sent.at, now, away=_nobody_there(reply))
        verdict = _verdict(reply)
        self.refused += reply.status == 429
        self.adaptive.answered(sent, verdict, now)

    def failed(self, sent: Sent, error: BaseException) -> None:
        """No answer came."""
        if isinstance(error, ConnectionFailed):
            self.breaker.failed(self.clock())
        verdict = Verdict.TOO_MUCH if isinstance(error, TimedOut) else Verdict.NOTHING
        self.adaptive.answered(sent, verdict, self.clock())


def _nobody_there(reply: Reply) -> bool:
    model_status, reason = model_failure(reply.headers) if reply.status == 424 else (None, None)
    return reply.status == 503 or model_status == 503 or reason == "model_not_ready"


def _verdict(reply: Reply) -> Verdict:
    if reply.status == 200:
        return Verdict.FINE
    if reply.status in (408, 429, 504):
        return Verdict.TOO_MUCH
    model_status, reason = model_failure(reply.headers) if reply.status == 424 else (None, None)
    if model_status == 429 or reason == "too_few_model_instance":
        return Verdict.TOO_MUCH
    return Verdict.NOTHING


class Pace:
    """When the next request may leave. Not thread-safe.

    A request leaves whole once all earlier ones are paid for, so that one larger than a second's worth gets
    through, too.

    Args:
        bytes_per_second: above 0; the service's own quota is 5 MB/s an endpoint.
    """

    def __init__(self, bytes_per_second: float) -> None:
        self._rate = bytes_per_second
        self._free = float("-inf")

    def wait(self, now: float) -> float:
        """Seconds until a request may leave; 0 for now."""
        return max(0.0, self._free - now)

    def spend(self, count: int, now: float) -> None:
        """A request of ``count`` bytes leaves."""
        self._free = max(self._free, now - _BURST) + count / self._rate

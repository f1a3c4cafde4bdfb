"""Notices that no further request can succeed: credentials revoked, endpoint gone; values in, values out."""

from __future__ import annotations

_REFUSALS = 5  # in a row, of a whole client: more cannot be chance
_DEAD = 20  # failed connections in a row …
_DEAD_FOR = 30.0  # … over at least so many seconds: a restart takes less
_AWAY_FOR = 300.0  # seconds of answers that nobody is there: a container with a large model may start that long
_PROBE_EVERY = 1.0  # seconds: else a thousand images per second would fail until then

_WORDS = {
    401: "the credential is refused (401): it was revoked, has expired, or is of another endpoint",
    403: "the identity may not score any more (403): see its role assignments",
    404: "the endpoint or deployment is gone (404): see its name and its traffic",
}


class Breaker:
    """Counts what speaks against the endpoint, over all requests of a run. Not thread-safe.

    Attributes:
        open: why nothing more may be sent; None while there is hope.

    Args:
        patient: wait also for an endpoint that answers that nobody is there (503).
    """

    def __init__(self, patient: bool = False) -> None:
        self.open: str | None = None
        self._patient = patient
        self._refusals = 0
        self._refused_since = float("-inf")
        self._failures = self._unanswered = 0
        self._failing_since = self._unanswered_since = self._failed_at = 0.0

    def half_open(self) -> None:
        """Let one request find out whether things are better; the next failure of the same kind opens it again."""
        self.open = None
        self._refusals = min(self._refusals, _REFUSALS - 1)
        self._unanswered = min(self._unanswered, _DEAD - 1)
        self._failures = min(self._failures, _DEAD - 1)

    @property
    def suspicious(self) -> bool:
        """Whether the last answer was a refusal, or the endpoint is away: one request at a time finds out."""
        return self._refusals > 0 or self.away

    @property
    def away(self) -> bool:
        """Whether so much failed in a row that a harmless image should find out when the endpoint is back.

        One of the run might crash the server: some of those, left alone at the end, would look like a dead endpoint.
        """
        return self._failures >= _DEAD // 2

    def wait(self, now: float) -> float:
        """Seconds until a request may try again whether the endpoint is back; 0 while it is there."""
        return max(0.0, self._failed_at + _PROBE_EVERY - now) if self.away else 0.0

    def answered(self, status: int, sent: float, now: float, *, away: bool = False) -> None:
        """An answer came to a request that left at ``sent``, perhaps one that nobody is there (``away``).

        One to a request that left before the first refusal says nothing: good, it is of the time before; refused,
        it shared the refused credential, and whether a fresher one helps is known only by those that leave later.
        """
        self._unanswered = 0
        if away and self._patient:
            self._one_more(now)
            return
        self._failures = 0
        if sent < self._refused_since:
            return
        if status not in _WORDS:
            self._refusals = 0
            return
        if self._refusals == 0:
            self._refused_since = now
        self._refusals += 1
        if self._refusals >= _REFUSALS:
            self.open = f"{self._refusals} requests in a row were refused: {_WORDS[status]}"

    def failed(self, now: float) -> None:
        """No answer came: the connection failed."""
        if self._unanswered == 0:
            self._unanswered_since = now
        self._unanswered += 1
        self._one_more(now)
        seconds = now - self._unanswered_since
        if self._unanswered >= _DEAD and seconds >= _DEAD_FOR:
            self.open = (
                f"{self._unanswered} connections in a row failed in {seconds:.0f} s: the endpoint cannot be reached"
            )

    def _one_more(self, now: float) -> None:
        if self._failures == 0:
            self._failing_since = now
        self._failures += 1
        self._failed_at = now
        seconds = now - self._failing_since
        if self._failures >= _DEAD and seconds >= _AWAY_FOR:
            self.open = f"the endpoint has not been there for {seconds:.0f} s (503, or its container does not start)"

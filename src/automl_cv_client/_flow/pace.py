"""A bound on the bytes a second that go out, as a token bucket; values in, values out."""

from __future__ import annotations

_BURST = 0.05  # seconds' worth that may be made up for after a late wake-up


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

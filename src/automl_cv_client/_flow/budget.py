"""A token bucket that bounds what retries add to the load when the service is down."""

from __future__ import annotations

import threading

CAPACITY = 500
COST = 5  # of one retry: in a full outage at most CAPACITY / COST = 100 retries go out


class RetryBudget:
    """Shared by all calls of a client. Thread-safe.

    A retry takes ``COST`` tokens (twice that where little hope is). A call that succeeds pays back what its
    retries took, and one token more. So an outage of 1,000 calls costs at most 1.10 times its requests, while
    30 % of passing failures never empty the bucket.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._tokens = capacity
        self._lock = threading.Lock()

    def take(self, cost: int) -> bool:
        """Take ``cost`` tokens; False, and nothing taken, when there are too few."""
        with self._lock:
            if self._tokens < cost:
                return False
            self._tokens -= cost
            return True

    def give_back(self, spent: int) -> None:
        """A call succeeded: what its retries took, and one token more."""
        with self._lock:
            self._tokens = min(self._capacity, self._tokens + spent + 1)

"""What a call needs to know besides its image: its settings, how to retry, and what retries may cost in all."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import Field
from tenacity import RetryCallState

from automl_cv_client._flow.hooks import Hooks
from automl_cv_client._flow.tally import Tally
from automl_cv_client._imaging import ImagePolicy
from automl_cv_client._options_base import Options
from automl_cv_client._processes import in_each_process
from automl_cv_client._protocol.endpoint import shown
from automl_cv_client._protocol.requests import Dialect
from automl_cv_client.errors import CallError

TIMEOUT = 200.0  # seconds of one attempt: the service itself allows scoring at most 180 s
DEADLINE = 600.0  # seconds of a whole call

_Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class RetryPolicy(Options, frozen=True):
    """How often a failed request is sent again, and how long to wait before. A wrong value raises InvalidInput.

    The pause is random between 0 and ``backoff`` doubled at each attempt (full jitter), at most
    ``longest_backoff``. When the service says how long to wait (``Retry-After``), that is obeyed up to
    ``longest_retry_after``.

    >>> RetryPolicy(attempts=3, retry_on=lambda error: True if error.status == 409 else None).attempts
    3

    Attributes:
        attempts: requests at most for one call, the first one included; 1 means no retry.
        backoff: seconds; the upper bound of the first pause.
        longest_backoff: seconds.
        longest_retry_after: seconds.
        retry_on: asked of each :class:`~automl_cv_client.errors.CallError` whether to retry: True or False, or None
            to decide as usual. ``attempts``, the deadline and the retry budget bound it all the same.
        wait: a wait strategy of tenacity's, such as ``tenacity.wait_fixed(2) + tenacity.wait_random(0, 1)``, in
            place of ``backoff`` and ``longest_backoff``; what the service asks for (``Retry-After``) still comes
            first.
    """

    attempts: Annotated[int, Field(ge=1, le=100)] = 5
    backoff: _Seconds = 0.5
    longest_backoff: _Seconds = 8.0
    longest_retry_after: _Seconds = 120.0
    retry_on: Callable[[CallError], bool | None] | None = None
    wait: Callable[[RetryCallState], float] | None = None


_REMEMBERED_FOR = 300.0  # seconds: deployments are scaled within minutes

CAPACITY = 500
COST = 5  # of one retry: in a full outage at most CAPACITY / COST = 100 retries go out


class RetryBudget:
    """Bounds what retries add to the load when the service is down. Shared by all calls of a client. Thread-safe.

    A retry takes ``COST`` tokens (twice that where little hope is). A call that succeeds pays back what its
    retries took, and one token more. So an outage of 1,000 calls costs at most 1.10 times its requests, while
    30 % of passing failures never empty the bucket.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        in_each_process(self._begin)

    def _begin(self) -> None:
        self._tokens = self._capacity
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


class LearnedLimits:
    """What streams found out about how much a deployment takes, for those that begin soon after. Thread-safe.

    Of a client and its copies; it holds a handful of entries, one per deployment and way of asking.
    """

    def __init__(self) -> None:
        self._entries: dict[Hashable, tuple[float, Any]] = {}  # its own operations are atomic: no lock to fork with

    def keep(self, key: Hashable, value: object, now: float) -> None:
        """Remember it for some minutes."""
        self._entries[key] = (now, value)

    def recall(self, key: Hashable, now: float) -> Any:
        """What was kept last, or None."""
        kept_at, value = self._entries.get(key, (-math.inf, None))
        return value if now - kept_at <= _REMEMBERED_FOR else None


@dataclass(frozen=True, slots=True)
class CallSettings:
    """Everything a flow needs to know besides its image.

    Attributes:
        url: the scoring URI.
        clock: seconds of a clock that never goes back.
        deployment: the deployment to force, or None for the endpoint's own choice.
        timeout: seconds one attempt may take, everything included.
        deadline: seconds the whole call may take, retries and pauses included; None for no bound.
        retry: how often to retry, and how long to wait in between.
        images: how images are read and prepared.
        dialect: how the endpoint wants to be asked.
        strict: refuse replies of other server versions, and with unknown keys.
        mode: the credential's authentication mode, for messages: ``key``, ``aml_token`` or ``aad_token``.
        scope: what the token is for, for messages; None where there is none.
        budget: what retries may add to the load; one of a client and its copies.
        hooks: whom to tell what the client does.
        tally: counts what the client and its copies do.
        learned: how much each deployment takes at once, as found out; one of a client and its copies.
    """

    url: str
    clock: Callable[[], float]
    deployment: str | None = None
    timeout: float = TIMEOUT
    deadline: float | None = DEADLINE
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    images: ImagePolicy = field(default_factory=ImagePolicy)
    dialect: Dialect = "automl"
    strict: bool = False
    mode: str = "key"
    scope: str | None = None
    budget: RetryBudget = field(default_factory=RetryBudget)
    hooks: Hooks = field(default_factory=Hooks)
    tally: Tally = field(default_factory=Tally)
    learned: LearnedLimits = field(default_factory=LearnedLimits)

    @property
    def shown_url(self) -> str:
        """The URL for messages: without its query, which may hold a signature."""
        return shown(self.url)

    def last_moment(self, started: float) -> float:
        """When a call that began at ``started`` must be over, by :attr:`clock`."""
        return math.inf if self.deadline is None else started + self.deadline

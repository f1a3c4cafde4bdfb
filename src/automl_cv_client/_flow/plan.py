"""What a call needs to know besides its image."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from automl_cv_client._flow.budget import RetryBudget
from automl_cv_client._flow.hooks import Hooks
from automl_cv_client._flow.tally import Tally
from automl_cv_client._imaging import ImagePolicy
from automl_cv_client._options_base import Options
from automl_cv_client._protocol.endpoint import shown
from automl_cv_client._protocol.requests import Dialect

_Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class RetryPolicy(Options, frozen=True):
    """How often a failed request is sent again, and how long to wait before. A wrong value raises InvalidInput.

    The pause is random between 0 and ``backoff`` doubled at each attempt (full jitter), at most
    ``longest_backoff``. When the service says how long to wait (``Retry-After``), that is obeyed up to
    ``longest_retry_after``.

    Attributes:
        attempts: requests at most for one call, the first one included; 1 means no retry.
        backoff: seconds; the upper bound of the first pause.
        longest_backoff: seconds.
        longest_retry_after: seconds.
    """

    attempts: Annotated[int, Field(ge=1, le=100)] = 5
    backoff: _Seconds = 0.5
    longest_backoff: _Seconds = 8.0
    longest_retry_after: _Seconds = 120.0


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything a flow needs to know besides its image.

    Attributes:
        url: the scoring URI.
        clock: seconds of a clock that never goes back.
        deployment: the deployment to force, or None for the endpoint's own choice.
        timeout: seconds one attempt may take, everything included.
        deadline: seconds the whole call may take, retries and pauses included; None for no bound.
        retry: how often and how patiently to try again.
        images: how images are read and prepared.
        dialect: how the endpoint wants to be asked.
        strict: refuse replies of other server versions, and with unknown keys.
        mode: the credential's authentication mode, for messages: ``key``, ``aml_token`` or ``aad_token``.
        scope: what the token is for, for messages; None where there is none.
        budget: what retries may add to the load; one of a client and its copies.
        hooks: whom to tell what the client does.
        tally: counts what the client and its copies do.
    """

    url: str
    clock: Callable[[], float]
    deployment: str | None = None
    timeout: float = 200.0
    deadline: float | None = 600.0
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    images: ImagePolicy = field(default_factory=ImagePolicy)
    dialect: Dialect = "automl"
    strict: bool = False
    mode: str = "key"
    scope: str | None = None
    budget: RetryBudget = field(default_factory=RetryBudget)
    hooks: Hooks = field(default_factory=Hooks)
    tally: Tally = field(default_factory=Tally)

    @property
    def shown_url(self) -> str:
        """The URL for messages: without its query, which may hold a signature."""
        return shown(self.url)

    def last_moment(self, started: float) -> float:
        """When a call that began at ``started`` must be over, by :attr:`clock`."""
        return math.inf if self.deadline is None else started + self.deadline

"""What callers choose about many images, checked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from automl_cv_client._flow.call_settings import CallSettings
from automl_cv_client._transports.idle_pool import MOST_CONNECTIONS as MOST_CONNECTIONS
from automl_cv_client.errors import InvalidInput

CONCURRENCY = 64
Concurrency = int | Literal["ask"]
"""Requests in flight at most, or ``"ask"``: as many as Resource Manager says that the deployment takes."""
_MOST_PER_REQUEST = 100


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """Options of ``*_many`` and ``stream``. Raises InvalidInput, naming the argument.

    Attributes:
        concurrency: requests in flight at most, or ``"ask"``.
        ordered: hand out outcomes in the order of the input, or as they come.
        per_request: images per request.
        bytes_per_second: a bound on what is sent.
        is_known: ``concurrency`` is what the endpoint takes, as Resource Manager said.
    """

    concurrency: Concurrency = CONCURRENCY
    ordered: bool = True
    per_request: int = 1
    bytes_per_second: float | None = None
    is_known: bool = False

    def __post_init__(self) -> None:
        if self.concurrency != "ask":
            _check_count("concurrency", self.concurrency, MOST_CONNECTIONS, ', or "ask"')
        _check_count("per_request", self.per_request, _MOST_PER_REQUEST)
        if not isinstance(self.ordered, bool):
            raise InvalidInput(f"ordered must be True or False, not {self.ordered!r}")
        rate: Any = self.bytes_per_second
        is_number = isinstance(rate, int | float) and not isinstance(rate, bool)
        if rate is not None and not (is_number and 0 < rate < math.inf):
            raise InvalidInput(f"bytes_per_second must be a number above 0, or None; not {rate!r}")

    def check_dialect(self, settings: CallSettings) -> None:
        """Raises InvalidInput where the endpoint takes one image per request."""
        if self.per_request > 1 and settings.dialect.startswith("legacy"):
            raise InvalidInput("per_request must be 1 for the legacy dialects, which take one image a request")

    @property
    def most(self) -> int:
        """Requests in flight at most, as a number."""
        return CONCURRENCY if self.concurrency == "ask" else self.concurrency


def _check_count(name: str, value: Any, most: int, or_else: str = "") -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise InvalidInput(f"{name} must be a whole number from 1 to {most}{or_else}; not {value!r}")

"""Finds out whose failure it was, the image's or the endpoint's: a small grey image, sent after it, is the probe.

Without it neither side can be told from the other: an image that crashes the server breaks its connection, as a
server that is away does.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from enum import Enum
from typing import Any

from automl_cv_client import errors
from automl_cv_client._flow.call_settings import CallSettings
from automl_cv_client._flow.effects import Flow, sleep
from automl_cv_client._flow.service import warm_up
from automl_cv_client._protocol.statuses import Again, again, script_raised
from automl_cv_client.results import Outcome

_LOOK = 0.1  # seconds between two looks at whether the probe of another image is back
_ILL_FOR = 1.0  # seconds a probe that failed speaks for: an outage costs one a second, not one an image


class Fault(Enum):
    """Whose failure an error is."""

    IMAGE = 0
    ENDPOINT = 1
    OPEN = 2  # either's


def fault_of(error: BaseException) -> Fault:
    """Whose failure it is, as far as the error itself tells."""
    if not isinstance(error, errors.CallError):
        return Fault.IMAGE  # which was not fit to be sent
    if error.attempts == 0 or errors.is_hopeless(error) or isinstance(error, errors.Throttled):
        return Fault.ENDPOINT
    if isinstance(error, errors.ConnectionFailed) and not error.retryable:
        return Fault.ENDPOINT  # its certificate
    if isinstance(error, errors.StatusError) and _too_much(error):
        return Fault.ENDPOINT
    if isinstance(error, errors.DeadlineExceeded) or again(error) is not Again.NEVER:
        return Fault.OPEN
    return Fault.IMAGE


def _too_much(error: errors.StatusError) -> bool:
    return error.model_status == 429 or error.reason == "too_few_model_instance"


class Probe:
    """Judges the failures of one run. Thread-safe.

    Attributes:
        not_counted: the indexes of images whose failure was the endpoint's.
    """

    def __init__(self) -> None:
        self.not_counted: set[int] = set()
        self._lock = threading.Lock()
        self._busy = False
        self._well_at = self._ill_until = -math.inf

    def judge(
        self, outcome: Outcome[Any], settings: CallSettings, once_more: Callable[[], Flow[Outcome[Any]]]
    ) -> Flow[Outcome[Any]]:
        """The outcome, or a better one. Unless the failure was the image's own, it does not count as one of its tries.

        What may be either's is tried once more, by itself and right after the endpoint has answered: so those that
        only shared the crash of another one's have their result, and nothing else is left to blame for the rest.

        Args:
            outcome: what became of the image.
            settings: how to talk to the endpoint.
            once_more: sends the image again, once.
        """
        whose = Fault.IMAGE if outcome.error is None else fault_of(outcome.error)
        if whose is Fault.OPEN:
            lives = script_raised(outcome.error)
            well = yield from self._turn(settings, lives)
            if well is None:
                try:
                    well = yield from self._is_well(settings)
                    again = (yield from once_more()) if well and not lives else outcome
                finally:  # also when the run is stopped meanwhile
                    self._busy = False
                if again.error is None:
                    return again
                whose = fault_of(again.error)
            whose = whose if well else Fault.ENDPOINT
        if whose is Fault.ENDPOINT:
            self.not_counted.add(outcome.index)
        return outcome

    def _turn(self, settings: CallSettings, lives: bool) -> Flow[bool | None]:
        """Wait until no other image is being judged; or tell what one found meanwhile about the endpoint.

        That it is well says nothing of a failure that may be the crash of another image.
        """
        failed_at = settings.clock()
        while True:
            with self._lock:
                if self._ill_until >= failed_at or (lives and self._well_at >= failed_at):
                    return self._ill_until < failed_at
                if not self._busy:
                    self._busy = True
                    return None
            yield from sleep(_LOOK)

    def _is_well(self, settings: CallSettings) -> Flow[bool]:
        try:
            yield from warm_up(settings)
        except errors.CallError:
            self._ill_until = settings.clock() + _ILL_FOR
            return False
        self._well_at = settings.clock()
        return True

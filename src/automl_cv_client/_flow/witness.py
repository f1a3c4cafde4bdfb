"""Finds out whose failure it was, the picture's or the endpoint's: a small grey picture, sent after it, is the witness.

Without it neither side can be told from the other: a picture that crashes the server breaks its connection, as a
server that is away does.
"""

from __future__ import annotations

import math
import threading
from enum import Enum

from automl_cv_client import errors
from automl_cv_client._flow.effects import Flow, sleep
from automl_cv_client._flow.plan import Plan
from automl_cv_client._flow.service import warm_up
from automl_cv_client._protocol.statuses import Again, again

_LOOK = 0.1  # seconds between two looks at whether the witness of another picture is back
_ILL_FOR = 1.0  # seconds a witness that failed speaks for: an outage costs one a second, not one a picture
_REFUSALS = (errors.AuthenticationFailed, errors.PermissionDenied, errors.EndpointNotFound, errors.Throttled)


class Blame(Enum):
    """Whose failure an error is."""

    PICTURE = 0
    ENDPOINT = 1
    OPEN = 2  # either's


def blame(error: BaseException) -> Blame:
    """Whose failure it is, as far as the error itself tells."""
    if not isinstance(error, errors.CallError):
        return Blame.PICTURE  # which was not fit to be sent
    if error.attempts == 0 or isinstance(error, _REFUSALS):
        return Blame.ENDPOINT
    if isinstance(error, errors.ConnectionFailed) and not error.retryable:
        return Blame.ENDPOINT  # its certificate
    if isinstance(error, errors.StatusError) and _too_much(error):
        return Blame.ENDPOINT
    if isinstance(error, errors.DeadlineExceeded) or again(error) is not Again.NEVER:
        return Blame.OPEN
    return Blame.PICTURE


def _too_much(error: errors.StatusError) -> bool:
    return error.model_status == 429 or error.reason == "too_few_model_instance"


class Witness:
    """Judges the failures of one run. Thread-safe.

    Attributes:
        excused: the indexes of pictures whose failure was the endpoint's.
    """

    def __init__(self) -> None:
        self.excused: set[int] = set()
        self._lock = threading.Lock()
        self._asking = False
        self._well_at = self._ill_until = -math.inf

    def judge(self, index: int, error: BaseException, plan: Plan) -> Flow[None]:
        """Excuse the picture unless the failure was its own."""
        whose = blame(error)
        if whose is Blame.ENDPOINT or (whose is Blame.OPEN and not (yield from self._was_well(plan))):
            self.excused.add(index)

    def _was_well(self, plan: Plan) -> Flow[bool]:
        """Whether the endpoint answers now. One witness at a time is under way, and speaks for all who wait for it."""
        failed_at = plan.clock()
        while True:
            with self._lock:
                if self._well_at >= failed_at:
                    return True
                if self._ill_until >= failed_at:
                    return False
                turn = not self._asking
                self._asking = True
            if turn:
                yield from self._ask(plan)
            else:
                yield from sleep(_LOOK)

    def _ask(self, plan: Plan) -> Flow[None]:
        try:
            yield from warm_up(plan)
            self._well_at = plan.clock()
        except errors.CallError:
            self._ill_until = plan.clock() + _ILL_FOR
        finally:  # also when the run is stopped meanwhile
            self._asking = False

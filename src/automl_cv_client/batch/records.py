"""Turns an outcome into the record that is kept of it."""

from __future__ import annotations

from typing import Any

from automl_cv_client import errors
from automl_cv_client.batch.ledger import Finished, as_json
from automl_cv_client.results import Outcome

_NOT_THE_PICTURE = (
    errors.AuthenticationFailed,
    errors.PermissionDenied,
    errors.EndpointNotFound,
    errors.Throttled,
    errors.ConnectionFailed,
)
"""Errors that say nothing about the picture: it keeps its tries."""

_TOO_BUSY = (429, 503)  # of the model's container
_NOT_READY = ("model_not_ready", "too_few_model_instance")

_FIELDS = (
    "status", "model_status", "reason", "request_id", "client_request_id", "deployment", "attempts", "elapsed",
)  # fmt: skip


def finished(row: int, outcome: Outcome[Any]) -> Finished:
    """The record of one picture: its result as JSON, or its error with status and request ids."""
    if outcome.result is not None:
        return Finished(row, True, outcome.result.model_dump_json())
    error = outcome.error
    told = {name: getattr(error, name) for name in _FIELDS if getattr(error, name, None) is not None}
    body = {"kind": type(error).__name__, "message": getattr(error, "message", str(error)), **told}
    return Finished(row, False, as_json(body), counts=_is_of_the_picture(error))


def _is_of_the_picture(error: BaseException | None) -> bool:
    if isinstance(error, errors.StatusError):
        busy = error.status == 503 or error.model_status in _TOO_BUSY or error.reason in _NOT_READY
        return not busy and not isinstance(error, _NOT_THE_PICTURE)
    return not isinstance(error, _NOT_THE_PICTURE)

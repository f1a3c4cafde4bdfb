"""Turns an outcome into the record that is kept of it."""

from __future__ import annotations

from typing import Any

from automl_cv_client.batch.ledger import Finished, as_json
from automl_cv_client.results import Outcome

_FIELDS = (
    "status", "model_status", "reason", "request_id", "client_request_id", "deployment", "attempts", "elapsed",
)  # fmt: skip


def finished(row: int, outcome: Outcome[Any], not_counted: bool = False) -> Finished:
    """The record of one image: its result as JSON, or its error with status and request ids.

    Args:
        row: of the image in the ledger.
        outcome: what became of it.
        not_counted: the failure was the endpoint's: the image keeps its tries.
    """
    if outcome.result is not None:
        return Finished(row, True, outcome.result.model_dump_json())
    error = outcome.error
    told = {name: getattr(error, name) for name in _FIELDS if getattr(error, name, None) is not None}
    body = {"kind": type(error).__name__, "message": getattr(error, "message", str(error)), **told}
    return Finished(row, False, as_json(body), counts=not not_counted)

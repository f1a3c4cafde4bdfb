"""Turns our errors into what a web backend tells its own caller: a status and an RFC 9457 problem; no I/O.

What is wrong with the caller's image is told in our words. What is wrong behind the backend is told without the
endpoint's address, deployment or messages, which are none of the caller's business; the ids to look it up by stay.
"""

from __future__ import annotations

import logging
import math
import re
from http import HTTPStatus
from typing import Any

from automl_cv_client import errors

MEDIA_TYPE = "application/problem+json"
log: logging.Logger = logging.getLogger("automl_cv_client.integrations")

_PLACEHOLDER = re.compile(r"^<[^<>]+>")  # how an error names an image without a path, such as <file object>

_BEHIND = {
    502: "The scoring endpoint failed or could not be reached.",
    503: "The scoring endpoint is busy or not ready. Try again in a moment.",
    504: "The scoring endpoint did not answer in time.",
}
_DROPPED = "The model's server could not read this image. Save it as a plain 8-bit JPEG or PNG."
_TOO_LARGE = "The image is larger than the scoring endpoint takes."


def problem_of(error: Exception) -> dict[str, Any]:
    """The body of the answer for an error, as plain JSON values; ``status`` in it is the HTTP status.

    Args:
        error: one of ours. Any other becomes a 500 without a word of it.
    """
    status = status_of(error)
    problem: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": _detail(error, status),
        "code": type(error).__name__ if isinstance(error, errors.AutoMLVisionError) else "InternalError",
    }
    for name in ("client_request_id", "request_id"):
        value = getattr(error, name, None)
        if value:
            problem[name] = value
    return problem


def headers_of(error: Exception) -> dict[str, str]:
    """``Retry-After``, in whole seconds, where the service asked to wait; else nothing."""
    wait = getattr(error, "retry_after", None)
    if wait is None or status_of(error) != 503:
        return {}
    return {"retry-after": str(math.ceil(min(wait, 3600)))}


def status_of(error: Exception) -> int:
    """The HTTP status a web backend answers with: 400, 413, 415, 422, 502, 503 or 504; 500 for a bug."""
    if isinstance(error, errors.ImageError | errors.ImageDropped):
        return 422
    if isinstance(error, errors.InvalidInput):
        return 400
    if isinstance(error, errors.TimedOut | errors.DeadlineExceeded):
        return 504
    if isinstance(error, errors.StatusError):
        return _passed_on(error.status, error.model_status)
    return 502 if isinstance(error, errors.AutoMLVisionError) else 500


def _passed_on(status: int, model_status: int | None) -> int:
    """Our status for the endpoint's. Its 401, 403 and 404 are the backend's fault, not its caller's."""
    if status == 424:
        return 503 if model_status in (429, 503) else 504 if model_status in (408, 504) else 502
    return {408: 504, 413: 413, 429: 503, 503: 503, 504: 504}.get(status, 502)


def _detail(error: Exception, status: int) -> str:
    if isinstance(error, errors.InvalidInput):
        return _PLACEHOLDER.sub("The upload", error.message)
    if isinstance(error, errors.ImageDropped):
        return _DROPPED
    if status == 413:
        return _TOO_LARGE
    return _BEHIND.get(status, "Something went wrong in this service.")

"""The headers we send and read; values in, values out.

Names and meanings: https://learn.microsoft.com/azure/machine-learning/how-to-troubleshoot-online-endpoints
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from random import SystemRandom

from automl_cv_client._protocol.excerpts import clean
from automl_cv_client._protocol.messages import Reply
from automl_cv_client.errors import InvalidInput

DEPLOYMENT = "azureml-model-deployment"
CLIENT_REQUEST_ID = "x-ms-client-request-id"
ANSWERED_BY = "x-automl-cv-answered-by"
"""Of a reply that no endpoint sent: what answered in its place."""
ALWAYS_SENT = {"accept-encoding": "identity", "user-agent": "automl-cv-client"}
_SCRIPT_RAISED = "x-ms-run-function-failed"  # of the container itself, where no front end stands before it
_MODEL_STATUS = "ms-azureml-model-error-statuscode"
_MODEL_REASON = "ms-azureml-model-error-reason"
_RANDOM = SystemRandom()  # the system's: the same seed in two processes must not give the same ids
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")


def deployment_header(deployment: str | None) -> dict[str, str]:
    """The header that sends a request to one deployment; none for the endpoint's own choice by traffic.

    Raises:
        InvalidInput: the name has a character no deployment's name has.
    """
    if deployment is None:
        return {}
    if not isinstance(deployment, str):
        raise InvalidInput(f"deployment must be a deployment's name as text, or None; not {deployment!r:.80}")
    if not _NAME.fullmatch(deployment):
        raise InvalidInput(f"{deployment!r} is not a deployment name: letters, digits and dashes")
    return {DEPLOYMENT: deployment}


def new_client_request_id() -> str:
    """An id for a call, to quote to the service's support."""
    return f"acv-{_RANDOM.getrandbits(128):032x}"


def secret_in(authorization: str | None) -> str:
    """The key or token in an Authorization header; empty when there is none."""
    return (authorization or "").removeprefix("Bearer ")


def request_id(headers: Mapping[str, str]) -> str | None:
    """The service's id of the request."""
    return _word(headers.get("x-ms-request-id") or headers.get("x-request-id"))


def answering_deployment(headers: Mapping[str, str]) -> str | None:
    """The deployment that answered."""
    return _word(headers.get(DEPLOYMENT))


def answered_by(headers: Mapping[str, str]) -> str:
    """What answered: the endpoint, or in its place a model on this machine."""
    return _word(headers.get(ANSWERED_BY)) or "endpoint"


def _word(text: str | None) -> str | None:
    """A name or id as it is, and anything else made fit to be printed."""
    return text if text is None or (len(text) <= 100 and text.isprintable()) else clean(text, longest=100)


def model_time(headers: Mapping[str, str]) -> float | None:
    """Seconds the model took, by the container's account, else by the front end's; both send milliseconds."""
    for name in ("x-ms-run-fn-exec-ms", "ms-azureml-model-time"):
        milliseconds = _number(headers.get(name))
        if milliseconds is not None:
            return milliseconds / 1000
    return None


def model_failure(headers: Mapping[str, str]) -> tuple[int | None, str | None]:
    """What the front end tells of the container's failure: its HTTP status and a reason, either may be missing."""
    status = _number(headers.get(_MODEL_STATUS))
    return (None if status is None else int(status)), headers.get(_MODEL_REASON)


def says_script_raised(headers: Mapping[str, str]) -> bool:
    """Whether the container says that the scoring script raised."""
    return headers.get(_SCRIPT_RAISED, "").strip().lower() == "true"


def retry_after(reply: Reply) -> float | None:
    """Seconds the service asks to wait: 0 or more, or None when it does not say or says nonsense."""
    for name in ("retry-after-ms", "x-ms-retry-after-ms"):
        milliseconds = _number(reply.headers.get(name))
        if milliseconds is not None:
            return max(0.0, milliseconds / 1000)
    text = reply.headers.get("retry-after", "")
    seconds = _number(text)
    if seconds is None:
        seconds = _seconds_until(text, reply.received_at)
    return None if seconds is None else max(0.0, seconds)


def _seconds_until(http_date: str, now: float) -> float | None:
    try:
        return parsedate_to_datetime(http_date).timestamp() - now
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _number(text: str | None) -> float | None:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None

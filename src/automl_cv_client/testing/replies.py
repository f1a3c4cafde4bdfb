"""What a fake endpoint can answer: results in any wire version, and the failures the service has; no I/O."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from automl_cv_client.results import Result
from automl_cv_client.testing.wire_versions import Version


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer, whole, or broken on purpose.

    Attributes:
        status: the HTTP status.
        body: its bytes.
        headers: names in lower case.
        delay: seconds before the answer begins.
        drip: seconds after each byte of the body; 0 sends it at once.
        broken: ``before`` loses the connection instead of answering, ``within`` in the middle of the body.
    """

    status: int = 200
    body: bytes = field(default=b"[]", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    drip: float = 0.0
    broken: Literal["no", "before", "within"] = "no"


@dataclass(frozen=True, slots=True)
class Scores:
    """The answer that says these results: one for every image of the request, or one each in order.

    Attributes:
        results: the last one is repeated when the request has more images.
        version: the server version that answers.
        dropped: rows left out of the reply, the first ones, as the service does with images it cannot read.
        headers: more headers.
        delay: as in :class:`Reply`.
        drip: as in :class:`Reply`.
        broken: as in :class:`Reply`.
    """

    results: Sequence[Result]
    version: Version = "today"
    dropped: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    drip: float = 0.0
    broken: Literal["no", "before", "within"] = "no"


Answer = Reply | Scores


def scores(*results: Result, version: Version = "today", model_seconds: float | None = None) -> Scores:
    """These results, as a server of ``version`` writes them; ``model_seconds`` is told in a header."""
    told = {} if model_seconds is None else {"ms-azureml-model-time": f"{model_seconds * 1000:g}"}
    return Scores(results, version, headers=told)


def dropped_row(*results: Result, rows: int = 1) -> Scores:
    """As :func:`scores`, with the first ``rows`` rows left out without a word; for one image an empty reply."""
    return Scores(results, dropped=rows)


def scoring_timeout() -> Reply:
    """408: scoring took longer than the deployment's ``request_timeout_ms``."""
    return _message(408, "upstream request timeout")


def model_error(status: int = 500, reason: str = "model_error") -> Reply:
    """424 with its two headers: the container behind the front end answered ``status``.

    Args:
        status: of the container.
        reason: such as ``model_error``, ``model_not_ready`` or ``too_few_model_instance``.
    """
    headers = {"ms-azureml-model-error-statuscode": str(status), "ms-azureml-model-error-reason": reason}
    return _message(424, "An unexpected error occurred in scoring script.", headers)


def throttled(retry_after: float | None = None) -> Reply:
    """429, with an empty body, and the seconds to wait only when told."""
    return Reply(429, b"", {} if retry_after is None else {"retry-after": f"{retry_after:g}"})


def unavailable(status: int = 503) -> Reply:
    """500, 502, 503 or 504: the service itself failed."""
    return _message(status, "the service is unavailable")


def refused(status: int, message: str = "refused") -> Reply:
    """Any other status, such as 401, 403, 404 or 413, with the service's form of message."""
    return _message(status, message)


def slow(answer: Answer, seconds: float) -> Answer:
    """The answer after ``seconds``; a client that waits less gives up."""
    return replace(answer, delay=seconds)


def drip(answer: Answer, pause: float) -> Answer:
    """The answer's body a byte at a time, ``pause`` seconds after each."""
    return replace(answer, drip=pause)


def truncated(answer: Answer) -> Answer:
    """Half of the answer's body, and then the connection breaks."""
    return replace(answer, broken="within")


def lost_connection() -> Reply:
    """No answer at all: the connection breaks."""
    return Reply(broken="before")


def _message(status: int, message: str, headers: Mapping[str, str] | None = None) -> Reply:
    told = {"content-type": "application/json", **(headers or {})}
    return Reply(status, json.dumps({"message": message}).encode(), told)

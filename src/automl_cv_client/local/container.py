"""The container of a deployment: one request body in, one reply out, with the container's own statuses (§1, §3).

Knows nothing of sockets, keys or deployments: those are the front end's.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from automl_cv_client.local.images import read_image
from automl_cv_client.local.rows import BadRequest, ScoringFailed, read_rows
from automl_cv_client.local.scorers import Explainer, Scorer
from automl_cv_client.local.xai_request import XaiRequest, is_xai_row, read_xai_rows

if TYPE_CHECKING:
    from PIL.Image import Image

_logger = logging.getLogger(__name__)
_BATCH = 4  # images decoded at a time: the service batches by itself, and memory stays bounded

EXPLAINER = "x-automl-cv-explainer"
"""Header of a reply with explanations: the method they were made by. The service has no such header."""


@dataclass(frozen=True)
class Reply:
    """A reply of the container; ``body`` is JSON."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


class Container:
    """Scores requests for one task. Thread-safe.

    Args:
        scorer: the task's model.
        explainer: explains classifications; without one, explanations asked for come back as plain scores.
    """

    def __init__(self, scorer: Scorer, explainer: Explainer | None = None) -> None:
        self._scorer = scorer
        self._explainer = explainer
        self._closing = threading.Event()

    def close(self) -> None:
        """Let requests under way fail at their next image, so that the server can stop."""
        self._closing.set()

    def answer(self, content_type: str, body: bytes) -> Reply:
        """The reply to a POST on the scoring path. Never raises."""
        if content_type.partition(";")[0].strip().lower() != "application/json":
            return _refusal(415, "The content type must be application/json.")
        started = time.perf_counter()
        try:
            found, told = self._run(body)
        except BadRequest as error:
            return _refusal(400, str(error))
        except Exception as error:  # noqa: BLE001  whatever scoring raises is a 500 without detail
            _log_failure(error)
            failed = {"x-ms-run-function-failed": "True"}
            return _refusal(500, "An unexpected error occurred in scoring script.", failed | _timing(started))
        return Reply(200, json.dumps(found).encode(), told | _timing(started))

    def _run(self, body: bytes) -> tuple[list[dict[str, Any]], dict[str, str]]:
        """The objects of the reply, and headers of its own."""
        rows = read_rows(body)
        if not is_xai_row(rows.first):
            return self._score(rows.cells, None), {}
        cells, request = read_xai_rows(rows)
        if self._explainer is None or request is None:
            return self._score(cells, None), {}
        return self._score(cells, request), {EXPLAINER: self._explainer.method(request)}

    def _score(self, cells: list[str], request: XaiRequest | None) -> list[dict[str, Any]]:
        images = self._images(cells)
        found: list[dict[str, Any]] = []
        while batch := list(islice(images, _BATCH)):
            if request and self._explainer:
                found += self._explainer.explain(batch, request)
            else:
                found += self._scorer.score(batch)
        return found

    def _images(self, cells: list[str]) -> Iterator[Image]:
        for cell in cells:
            if self._closing.is_set():
                raise ScoringFailed("the endpoint is stopping")
            image = read_image(cell)
            if image is not None:
                yield image


def _refusal(status: int, message: str, headers: dict[str, str] | None = None) -> Reply:
    return Reply(status, json.dumps({"message": message}).encode(), headers or {})


def _timing(started: float) -> dict[str, str]:
    """``x-ms-run-fn-exec-ms``: milliseconds the scoring function took."""
    return {"x-ms-run-fn-exec-ms": f"{(time.perf_counter() - started) * 1000:.3f}"}


def _log_failure(error: Exception) -> None:
    if isinstance(error, ScoringFailed):
        _logger.info("scoring failed: %s", error)
    else:
        _logger.error("scoring failed", exc_info=error)

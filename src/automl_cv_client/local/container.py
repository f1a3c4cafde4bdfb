"""The container of a deployment: one HTTP request in, one reply out, with the container's own statuses (§1, §3, §11).

Knows nothing of sockets, keys or deployments: those are the front end's.
"""

from __future__ import annotations

import json
import logging
import threading
import time
import uuid
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from automl_cv_client.local.images import read_image
from automl_cv_client.local.models import Model
from automl_cv_client.local.rows import BadRequest, NotText, Rows, ScoringFailed, decoded, document_of, rows_of
from automl_cv_client.local.rules import Wire
from automl_cv_client.local.swagger import swagger
from automl_cv_client.local.wires import check_wire, legacy_row, rows_in, written
from automl_cv_client.local.xai_request import XaiRequest, is_json, read_xai_rows
from automl_cv_client.task import Task

if TYPE_CHECKING:
    from PIL.Image import Image

_logger = logging.getLogger(__name__)
_BATCH = 4  # images decoded at a time: the service batches by itself, and memory stays bounded
_LONGEST_ID = 100
_IDS = ("x-request-id", "x-ms-request-id", "x-ms-client-request-id")
_FAILED = "x-ms-run-function-failed"
_HTML = "text/html; charset=utf-8"

EXPLAINER = "x-automl-cv-explainer"
"""Header of a reply with explanations: the method they were made by. The service has no such header."""


@dataclass(frozen=True)
class Call:
    """A request as it reaches a server.

    Attributes:
        method: in capitals.
        path: without the query, as the container sees it, such as ``/score``.
        query: without the question mark.
        headers: names in lower case.
        body: whole.
        rows_dropped: rows left out of the reply on purpose.
    """

    method: str = "POST"
    path: str = "/score"
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)
    rows_dropped: int = 0


@dataclass(frozen=True)
class Reply:
    """A reply, whole; names of headers in lower case."""

    status: int
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"

    def told(self, headers: Mapping[str, str]) -> Reply:
        """The same reply with more headers."""
        return replace(self, headers={**self.headers, **headers})


class Container:
    """Scores requests for one task. Thread-safe.

    Args:
        task: the task.
        model: what scores.
        prefix: before the paths in its OpenAPI document.
        wire: the version of the server that reads and answers.
        remembered: how many of the last images are kept, for people to look at.

    Raises:
        InvalidInput: the version does not have the task.
    """

    def __init__(self, task: Task, model: Model, prefix: str = "", wire: Wire = "1.62", remembered: int = 0) -> None:
        check_wire(wire, task)
        self._wire: Wire = wire
        self._seen: deque[tuple[bytes, dict[str, Any]]] = deque(maxlen=remembered)
        self.task = task
        self._prefix = prefix
        self.model = model
        self._explainer = model.explainer()
        self._closing = threading.Event()

    def close(self) -> None:
        """Let requests under way fail at their next image, so that the server can stop."""
        self._closing.set()

    def answer(self, call: Call) -> Reply:
        """The reply to any request. Never raises."""
        ids = _ids(call.headers)
        refused = _refused_ids(call.headers)
        return (refused or self._routed(call)).told(ids)

    def _routed(self, call: Call) -> Reply:
        routes = {"/score": self._scoring, "/": _live, "/swagger.json": self._swagger}
        if call.path not in routes:
            return failure(404, "The requested URL was not found on the server.")
        return routes[call.path](call)

    def _swagger(self, call: Call) -> Reply:
        if call.method not in ("GET", "HEAD", "OPTIONS"):
            return failure(405, "The method is not allowed for the requested URL.")
        if call.method == "OPTIONS":
            return Reply(200, headers={"allow": "GET, HEAD, OPTIONS"}, content_type=_HTML)
        version = parse_qs(call.query, keep_blank_values=True).get("version", ["2"])[0]
        document = swagger(self.task, self._prefix, version)
        if document is None:
            return failure(404, f"Swagger version [{version[:40]}] is not valid. Supported versions: [2, 3].")
        return Reply(200, json.dumps(document).encode(), {_FAILED: "False"})

    def _scoring(self, call: Call) -> Reply:
        if call.method == "OPTIONS":
            return Reply(200, b"", {_FAILED: "False"}, _HTML)
        if call.method not in ("GET", "POST"):
            return failure(405, "Method not allowed")
        if self._wire != "legacy" and call.method == "POST" and not _is_json(call.headers.get("content-type", "")):
            return failure(415, "Expects Content-Type to be application/json")
        started = time.perf_counter()
        try:
            objects, explained = self._run(call)
        except BadRequest as error:
            return failure(400, str(error))
        except NotText:
            return failure(500, "An unexpected internal error occurred. Check the logs for more info.")
        except Exception as error:  # noqa: BLE001  whatever scoring raises is a 500 without detail
            _log_failure(error)
            message = "An unexpected error occurred in scoring script. Check the logs for more info."
            return failure(500, message).told({_FAILED: "True"})
        timing = {"x-ms-run-fn-exec-ms": f"{(time.perf_counter() - started) * 1000:.3f}", _FAILED: "False"}
        body, content_type = written(objects[call.rows_dropped :], self._wire, self.task)
        return Reply(200, body, {**explained, **timing}, content_type)

    @property
    def last_images(self) -> list[tuple[bytes, dict[str, Any]]]:
        """The last files that were scored, with what was found in each; the newest first."""
        return list(self._seen)

    def _rows(self, call: Call) -> Rows:
        if call.method == "GET":
            return rows_of(_asked(call.query))
        return rows_in(call.body, self._wire)

    def _run(self, call: Call) -> tuple[list[dict[str, Any]], dict[str, str]]:
        """The objects of the reply, and headers of its own."""
        if self._wire == "legacy":
            image, row = legacy_row(call.body)
            if image is not None:
                return self._score_files([image], None), {}
            rows = Rows([row], row)
        else:
            rows = self._rows(call)
        if not is_json(rows.first):
            return self._score(rows.cells, None), {}
        cells, request = read_xai_rows(rows)
        if request is None:
            return self._score(cells, None), {}
        if self._explainer is None:
            if request.xai_algorithm == "guided_gradcam":  # the service looks for a layer these models have not
                raise ScoringFailed("guided_gradcam of a model that is no classifier")
            return self._score(cells, None), {}
        return self._score(cells, request), {EXPLAINER: self._explainer.method(request)}

    def _score(self, cells: list[str], request: XaiRequest | None) -> list[dict[str, Any]]:
        return self._score_files([decoded(cell) for cell in cells], request)

    def _score_files(self, files: list[bytes], request: XaiRequest | None) -> list[dict[str, Any]]:
        images = self._images(files)
        objects: list[dict[str, Any]] = []
        while batch := list(islice(images, _BATCH)):
            encoded, pixels = [file for file, _ in batch], [image for _, image in batch]
            explainer = self._explainer if request else None
            rows = explainer.explain(pixels, request) if explainer and request else self.model.score(pixels)
            self._seen.extendleft((file, _without_parts(row)) for file, row in zip(encoded, rows, strict=True))
            objects += rows
        return objects

    def _images(self, files: list[bytes]) -> Iterator[tuple[bytes, Image]]:
        for encoded in files:
            if self._closing.is_set():
                raise ScoringFailed("the endpoint is stopping")
            image = read_image(encoded, self.model.reader)
            if image is not None:
                yield encoded, image
            elif self._wire == "mmdetection":
                raise ScoringFailed("an image cannot be read, and these models fail all of a request for it")


def failure(status: int, message: str) -> Reply:
    """A reply that says no, in the container's form."""
    return Reply(status, json.dumps({"message": message}).encode(), {_FAILED: "False"})


def _live(call: Call) -> Reply:
    if call.method not in ("GET", "HEAD", "OPTIONS"):
        return failure(405, "The method is not allowed for the requested URL.")
    return Reply(200, b"Healthy" if call.method == "GET" else b"", content_type=_HTML)


def _asked(query: str) -> Any:
    """The ``input_data`` of a GET, whose parameters are read as JSON where they are JSON."""
    values = parse_qs(query, keep_blank_values=True).get("input_data")
    if values is None:
        raise BadRequest("A value is not provided for the 'input_data' parameter.")
    try:
        return document_of(values[0].encode())
    except (BadRequest, NotText) as error:
        raise ScoringFailed("input_data is not an object") from error


def _without_parts(row: dict[str, Any]) -> dict[str, Any]:
    """A row without its explanations, which may have 25 MB."""
    return {name: value for name, value in row.items() if name not in ("visualizations", "attributions")}


def _is_json(content_type: str) -> bool:
    plain = content_type.partition(";")[0].strip().lower()
    return plain == "application/json" or (plain.startswith("application/") and plain.endswith("+json"))


def _refused_ids(headers: Mapping[str, str]) -> Reply | None:
    if any(len(headers.get(name, "")) > _LONGEST_ID for name in _IDS):
        return failure(431, f"Request ids must not exceed {_LONGEST_ID} characters")
    if "x-request-id" in headers and "x-ms-request-id" in headers:
        return failure(400, "x-request-id and x-ms-request-id must not be sent together")
    return None


def _ids(headers: Mapping[str, str]) -> dict[str, str]:
    """The ids of a reply: the caller's own where they are short enough, else a new one."""
    own, legacy, client = (headers.get(name, "") for name in _IDS)
    client = client or legacy
    request_id = own if own and len(own) <= _LONGEST_ID else str(uuid.uuid4())
    ids = {"x-request-id": request_id, "x-ms-request-id": legacy or client or request_id}
    if client:
        ids["x-ms-client-request-id"] = client
    return {name: value for name, value in ids.items() if len(value) <= _LONGEST_ID}


def _log_failure(error: Exception) -> None:
    if isinstance(error, ScoringFailed):
        _logger.info("scoring failed: %s", error)
    else:
        _logger.error("scoring failed", exc_info=error)

"""Decides what a fake endpoint answers, and keeps what it was asked; no I/O. Thread-safe."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace

from automl_cv_client.errors import InvalidInput
from automl_cv_client.results import Result
from automl_cv_client.task import Task
from automl_cv_client.testing import builders
from automl_cv_client.testing.replies import Reply, Scores, model_error, refused
from automl_cv_client.testing.sent import SentRequest
from automl_cv_client.testing.wire_versions import body_of, content_type_of

Step = Result | Reply | Scores | Callable[[SentRequest], "Result | Reply | Scores"]
"""One answer of a script: a result for every image, an answer of :mod:`replies`, or a function that makes one."""

_BOX = (0.25, 0.25, 0.75, 0.75)
_USUAL: dict[Task, Result] = {}


class Script:
    """Scoring request number n gets step n; the last step repeats. Without steps, every image shows a cat."""

    def __init__(self, steps: Sequence[Step], key: str, deployments: Sequence[str]) -> None:
        self.key = key
        self.deployments: tuple[str, ...] = tuple(deployments)
        self.requests: list[SentRequest] = []
        self._lock = threading.Lock()
        self.rewrite(steps)

    def rewrite(self, steps: Sequence[Step]) -> None:
        """Begin another script; the next request gets its first step."""
        for step in steps:
            if not (isinstance(step, Result | Reply | Scores) or callable(step)):
                raise InvalidInput(f"a step is a result, an answer or a function, not {type(step).__name__}")
        with self._lock:
            self._steps = list(steps)
            self._next = 0

    @property
    def left(self) -> int:
        """Steps nobody has asked for yet."""
        with self._lock:
            return max(0, len(self._steps) - self._next)

    def answer(self, request: SentRequest) -> Reply:
        """What this request gets. Guards at the door come first, as at a real endpoint."""
        with self._lock:
            self.requests.append(request)
        door = self._refused(request)
        if door is not None:
            return door
        if request.method == "GET":
            return Reply(200, b'{"openapi": "3.0.0"}', self._told(request))
        step = self._step(request)
        given = step(request) if callable(step) else step
        return self._written(given, request)

    def _refused(self, request: SentRequest) -> Reply | None:
        if request.key != self.key:
            return refused(401, "The key in the Authorization header is missing or wrong.")
        if request.deployment is not None and request.deployment not in self.deployments:
            return refused(404, "The specified deployment could not be found.")
        return None

    def _step(self, request: SentRequest) -> Step:
        with self._lock:
            number, self._next = self._next, self._next + 1
            if self._steps:
                return self._steps[min(number, len(self._steps) - 1)]
        return usual(task_in(request.path))

    def _written(self, given: Result | Reply | Scores, request: SentRequest) -> Reply:
        if isinstance(given, Reply):
            return replace(given, headers={**self._told(request), **given.headers})
        wanted = Scores((given,)) if isinstance(given, Result) else given
        try:
            count, asked = len(request.images), request.xai_parameters
        except (ValueError, KeyError, TypeError):  # not a request the container can read
            return model_error(400)
        results = [wanted.results[min(number, len(wanted.results) - 1)] for number in range(count)]
        if wanted.version == "legacy" and wanted.dropped:
            body = b""
        else:
            body = body_of(results[wanted.dropped :], wanted.version, asked)
        headers = {"content-type": content_type_of(wanted.version), **self._told(request), **wanted.headers}
        return Reply(200, body, headers, wanted.delay, wanted.drip, wanted.broken)

    def _told(self, request: SentRequest) -> dict[str, str]:
        own = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{request.client_request_id}"))  # the same at every run of a test
        return {"x-ms-request-id": own, "azureml-model-deployment": request.deployment or self.deployments[0]}


def usual(task: Task) -> Result:
    """What a fake endpoint answers without a script: a cat, score 0.9, in the middle of the image."""
    if task not in _USUAL:  # another thread may be filling it
        _USUAL[Task.CLASSIFICATION] = builders.classification({"cat": 0.9, "dog": 0.1})
        _USUAL[Task.MULTILABEL] = builders.multilabel({"cat": 0.9, "dog": 0.1})
        _USUAL[Task.DETECTION] = builders.detections(("cat", 0.9, _BOX))
        _USUAL[Task.SEGMENTATION] = builders.instances(("cat", 0.9, _BOX))
    return _USUAL[task]


def task_in(path: str) -> Task:
    """The task a fake endpoint's path names."""
    for task in Task:
        if path.split("/")[1:2] == [task.value]:
            return task
    raise InvalidInput(f"the fake endpoint has no path {path!r}: use scoring_uri or scoring_uri_of(task)")

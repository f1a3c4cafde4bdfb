"""A model on this machine, without HTTP: the client's methods, answered in this process."""

from __future__ import annotations

import os
import time
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from automl_cv_client._clients.explain import Explain
from automl_cv_client._clients.many import Many
from automl_cv_client._clients.one import One
from automl_cv_client._clients.tiled import Tiled
from automl_cv_client._flow.call_settings import CallSettings
from automl_cv_client._keywords import named_methods
from automl_cv_client._options import new_settings
from automl_cv_client._protocol.http_headers import ANSWERED_BY
from automl_cv_client._protocol.messages import Reply, Request
from automl_cv_client._streaming.options import StreamOptions
from automl_cv_client._streaming.sources import Images, ImageT
from automl_cv_client._transports.backends import BlockingBackend
from automl_cv_client.credentials import KeyCredential, credential_for
from automl_cv_client.errors import UnsupportedTask
from automl_cv_client.local.endpoint import check_installed
from automl_cv_client.results import Outcome
from automl_cv_client.task import Task, task_of

if TYPE_CHECKING:
    from automl_cv_client.local.container import Container

_URI = "http://127.0.0.1/score"  # never opened


@named_methods
class LocalModel(One, Many, Tiled, Explain):
    """An exported ONNX model, or a demo model, with the methods of a client and no server. Thread-safe.

        model = LocalModel("model.onnx", "image-classification")
        print(model.classify("cat.png").label)

    Images are prepared, scored and read as behind :class:`LocalEndpoint`: the results are equal. Each says who
    answered, ``result.call.answered_by``. Give it to ``client.with_fallback(model)`` to answer while an endpoint
    cannot be reached.

    Args:
        model: an exported ``model.onnx`` of any family that :class:`LocalEndpoint` takes; None for the demo model.
        task: what it is for, or its AutoML name.
        labels: its ``labels.json``; by default the one beside the model.
        normalized: whether the model normalises the image by itself; None to read it from the file.
        resize: for classification: pixels the shorter side was brought to in training; 256 for a crop of 224.
        crop: for classification: pixels of the crop in training, where the file leaves it open; 224 by default.

    Raises:
        InvalidInput: the files cannot be used, or do not fit the task.
        ModuleNotFoundError: the extra ``local`` is not installed.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | None,
        task: Task | str,
        *,
        labels: str | os.PathLike[str] | None = None,
        normalized: bool | None = None,
        resize: int | None = None,
        crop: int | None = None,
    ) -> None:
        check_installed()
        # Imported here, so that `import automl_cv_client.local` needs none of the extra's libraries.
        from automl_cv_client.local.container import Container
        from automl_cv_client.local.recognition import model_for

        self.task: Task = task_of(task)
        chosen = model_for(self.task, model, labels, normalized=normalized, resize=resize, crop=crop)
        self.name: str = chosen.name
        self._container = Container(self.task, chosen)
        credential = credential_for(KeyCredential("local"), _URI, awaited=False)
        self._settings = new_settings(_URI, credential)
        self._backend = BlockingBackend(credential, _InProcess(self))

    def answer(self, request: Request) -> Reply:
        """The reply to a scoring request as an endpoint with this model gives it; for ``with_fallback``."""
        return answered(self._container, self.name, request)

    def __repr__(self) -> str:
        return f"LocalModel({self.name!r}, {self.task.value!r})"

    def _score_one(self, image: Any, task: Task, threshold: float = 0.5, deployment: str | None = None) -> Any:
        self._check(task)
        return super()._score_one(image, task, threshold, deployment)

    def _many(
        self, images: Images[ImageT], task: Task, options: StreamOptions, threshold: float = 0.5
    ) -> Generator[Outcome[Any, ImageT], None, None]:
        self._check(task)
        return super()._many(images, task, options, threshold)

    def _settings_for(self, deployment: str | None) -> CallSettings:
        return self._settings  # there is one model, whatever a deployment is called

    def _check(self, task: Task) -> None:
        if task is not self.task:
            raise UnsupportedTask(f"{self.name} is for {self.task.value}: call {self.task.method}, not {task.method}")


class _InProcess:
    """A transport that goes nowhere."""

    def __init__(self, model: LocalModel) -> None:
        self._model = model

    def send(self, request: Request, limit: float) -> Reply:
        return self._model.answer(request)

    def close(self) -> None:
        """There is nothing to close."""


def answered(container: Container, name: str, request: Request) -> Reply:
    """What an endpoint with this container alone answers."""
    from automl_cv_client.local.container import Call
    from automl_cv_client.local.front_end import pass_on

    path = "/" + request.url.rpartition("/")[2]  # of the endpoint it stands in for: /score, or /swagger.json
    call = Call(request.method, path, "", request.headers, request.body)
    reply = pass_on(container.answer(call)).told({ANSWERED_BY: f"{name}, on this machine"})
    return Reply(reply.status, reply.headers, reply.body, time.time())

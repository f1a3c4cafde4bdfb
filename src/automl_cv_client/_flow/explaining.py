"""One explanation from image to result: prepare, send, read. One image a request, as each takes seconds."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from automl_cv_client._flow.call_settings import TIMEOUT, CallSettings
from automl_cv_client._flow.effects import Flow, call
from automl_cv_client._flow.retrying import Conversation
from automl_cv_client._flow.scoring import exchange, with_our_errors
from automl_cv_client._imaging import ImageInput, prepare
from automl_cv_client._protocol import requests
from automl_cv_client._protocol.explained import explained_result, read_explained
from automl_cv_client._protocol.http_headers import deployment_header
from automl_cv_client._protocol.messages import Request
from automl_cv_client._protocol.replies import Row
from automl_cv_client._protocol.xai import XaiParameters, check_explainable, explaining_body
from automl_cv_client.errors import ManyClassesWarning
from automl_cv_client.results import Classification, ExplainedClassification, ImageInfo
from automl_cv_client.task import Task

MANY_CLASSES = 5
_LOW_THRESHOLD = 0.1


def explain_one(image: ImageInput, task: Task, parameters: XaiParameters, settings: CallSettings) -> Flow[Any]:
    """The result of one image with its explanation; raises what went wrong.

    Raises UnsupportedTask before anything else for a task that the service does not explain.
    """
    check_explainable(task)
    _warn_before(task, parameters)
    settings = replace(settings, timeout=max(settings.timeout, TIMEOUT))
    conversation = Conversation(settings)
    info, request = yield from call(partial(_prepared_request, image, task, parameters, conversation))
    read = partial(_read, parameters=parameters)
    rows, called = yield from exchange(request, [info], task, conversation, read)
    result = explained_result(task, rows[0], info, called, parameters)
    _warn_after(task, result, parameters)
    # The reader of replies refuses a classification without its explanation; here the type says so, too.
    return ExplainedClassification._trusted(result.__dict__) if isinstance(result, Classification) else result


def _read(body: bytes, task: Task, *, strict: bool, step: Callable[[], None], parameters: XaiParameters) -> list[Row]:
    return read_explained(body, task, parameters, strict=strict, step=step)


def _prepared_request(
    image: ImageInput, task: Task, parameters: XaiParameters, conversation: Conversation
) -> tuple[ImageInfo, Request]:
    settings = conversation.settings
    prepared = with_our_errors(partial(prepare, image, settings.images, conversation.check_time), image)
    body = explaining_body([prepared.data], parameters, task, settings.dialect)
    headers = {"content-type": requests.JSON, "accept": requests.JSON}
    return prepared.info, Request(settings.url, body, {**headers, **deployment_header(settings.deployment)})


def _warn_before(task: Task, parameters: XaiParameters) -> None:
    """How many classes there will be nobody knows before the scores; at a low threshold nearly all of them."""
    limit = parameters.confidence_score_threshold_multilabel
    if task is Task.MULTILABEL and limit < _LOW_THRESHOLD:
        _warn(f"at a threshold of {limit:g} nearly every class may be explained")


def _warn_after(task: Task, result: Any, parameters: XaiParameters) -> None:
    limit = parameters.confidence_score_threshold_multilabel
    if task is Task.MULTILABEL and limit >= _LOW_THRESHOLD and len(result.explanations) > MANY_CLASSES:
        _warn(f"{len(result.explanations)} classes were above the threshold of {limit:g} and explained")


def _warn(what: str) -> None:
    warnings.warn(
        f"{what}: each takes seconds and megabytes, and the service stops after 180 s; "
        "a higher threshold explains fewer classes",
        ManyClassesWarning,
        stacklevel=2,
    )

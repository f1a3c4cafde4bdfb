"""One large image in overlapping tiles: prepare, score all tiles, put the objects together."""

from __future__ import annotations

from functools import partial
from typing import Any

from automl_cv_client._flow.call_settings import CallSettings
from automl_cv_client._flow.effects import Flow, call
from automl_cv_client._flow.retrying import Conversation
from automl_cv_client._flow.scoring import score_packed, with_our_errors
from automl_cv_client._imaging import ImageInput
from automl_cv_client._imaging.tiling import Tiled, prepare_tiles
from automl_cv_client.errors import CallError
from automl_cv_client.results import CallInfo, Detections, Instances
from automl_cv_client.results._merging import merged
from automl_cv_client.task import Task


def score_tiled(
    image: ImageInput,
    task: Task,
    settings: CallSettings,
    *,
    tile: tuple[int, int],
    overlap: float,
    whole: bool,
    threshold: float,
    together: int,
) -> Flow[Any]:
    """The objects of the whole image. Raises what went wrong with any tile: half an image is no answer."""
    conversation = Conversation(settings)
    started = conversation.started
    cut = partial(prepare_tiles, image, settings.images, tile, overlap, whole=whole)
    tiled: Tiled = yield from call(partial(with_our_errors, partial(cut, check_time=conversation.check_time), image))
    answers: list[Any] = []
    for first in range(0, len(tiled.prepared), together):
        answers += yield from score_packed(tiled.prepared[first : first + together], task, settings, 0.5, started)
    for answer in answers:
        if isinstance(answer, CallError):
            raise answer
    objects: Any = merged([answer.objects for answer in answers], tiled.tiles, tiled.grid, tiled.info.size, threshold)
    kind = Instances if task is Task.SEGMENTATION else Detections
    elapsed = settings.clock() - started
    return kind(image=tiled.info, call=_told([answer.call for answer in answers], elapsed), objects=tuple(objects))


def _told(calls: list[CallInfo], elapsed: float) -> CallInfo:
    """The last request's ids, the attempts of all requests, the model's time of all."""
    requests = list({called.client_request_id: called for called in calls}.values())
    times = [request.model_time for request in requests if request.model_time is not None]
    return CallInfo(
        request_id=requests[-1].request_id,
        client_request_id=requests[-1].client_request_id,
        deployment=requests[-1].deployment,
        attempts=sum(request.attempts for request in requests),
        elapsed=elapsed,
        model_time=sum(times) if times else None,
    )

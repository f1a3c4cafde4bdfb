"""Scores the images of labelled rows through a client, as a stream of answers that ``evaluate`` takes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol

from automl_cv_client.dataset import LocalImages, Row, read_jsonl
from automl_cv_client.errors import AutoMLVisionError, ImageError, InvalidInput, is_hopeless
from automl_cv_client.results import Failed, Outcome, Result, Scored


class Scorer(Protocol):
    """What is needed of a client."""

    @property
    def score(self) -> Callable[..., Any]:
        """Scores one image for a task."""

    @property
    def with_options(self) -> Callable[..., Any]:
        """Makes a copy for another deployment."""


def score_rows(
    client: Scorer, labels: str | os.PathLike[str] | Iterable[Row], images: str | os.PathLike[str]
) -> Iterator[tuple[str, Outcome[Result]]]:
    """Score each labelled image once and give ``(image_url, outcome)`` as they come.

    Args:
        client: a ``Client``; its retries and deadline hold for each image.
        labels: a training JSONL file, or its rows; the task is theirs.
        images: the folder the images were downloaded to.

    An image that is not there or fails is an outcome with its error and does not end the run. Store the pairs with
    ``write_results`` to evaluate them again later without the endpoint.

    Raises:
        InvalidInput: the labels cannot be read, or there is no such folder.
        AuthenticationFailed, PermissionDenied, EndpointNotFound: no later image would fare better.
    """
    rows = read_jsonl(labels) if isinstance(labels, str | os.PathLike) else labels
    for _, image_url, outcome in score_side_by_side((client,), rows, images):
        yield image_url, outcome


def score_side_by_side(
    clients: Sequence[Scorer], rows: Iterable[Row], images: str | os.PathLike[str]
) -> Iterator[tuple[int, str, Outcome[Result]]]:
    """As :func:`score_rows` with several clients, each image by all of them before the next: all meet the service in
    the same hour. Gives ``(which client, image_url, outcome)``.
    """
    files = LocalImages(images)
    for number, row in enumerate(rows):
        for which, client in enumerate(clients):
            yield which, row.image_url, _scored(client, files, row, number)


def _scored(client: Scorer, files: LocalImages, row: Row, number: int) -> Outcome[Result]:
    try:
        file = files.find(row.image_url)
        if file is None:
            error: AutoMLVisionError = ImageError(f"no file for {row.image_url[-120:]!r} in the folder of images")
        else:
            return Scored(number, row.image_url, client.score(file, row.task))
    except AutoMLVisionError as caught:
        if type(caught) is InvalidInput or is_hopeless(caught):
            raise
        error = caught
    return Failed(number, row.image_url, error=error)

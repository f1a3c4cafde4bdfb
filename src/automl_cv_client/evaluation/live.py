"""Scores the images of labelled rows through a client, as a stream of answers that ``evaluate`` takes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from itertools import groupby
from typing import Any, Protocol

from automl_cv_client.dataset import LocalImages, Row, read_jsonl
from automl_cv_client.errors import ImageError, InvalidInput, is_hopeless
from automl_cv_client.results import Failed, Outcome, Result


class Scorer(Protocol):
    """What is needed of a client."""

    @property
    def score_many(self) -> Callable[..., Any]:
        """Scores many images for a task."""

    @property
    def with_options(self) -> Callable[..., Any]:
        """Makes a copy for another deployment."""


def score_rows(
    client: Scorer, labels: str | os.PathLike[str] | Iterable[Row], images: str | os.PathLike[str]
) -> Iterator[tuple[str, Outcome[Result]]]:
    """Score each labelled image once and give ``(image_url, outcome)`` in the order of the labels.

    Args:
        client: a ``Client``; its deadline holds for each image. As many images are scored at a time as the endpoint
            takes, as with ``score_many``.
        labels: a training JSONL file, or its rows; the task is theirs.
        images: the folder the images were downloaded to.

    Yields:
        Pairs. An image that is not there or fails is an outcome with its error and does not end the run. Store the
        pairs with ``write_results`` to evaluate them again later without the endpoint.

    Raises:
        InvalidInput: the labels cannot be read, or there is no such folder.
        AuthenticationFailed, PermissionDenied, EndpointNotFound, BatchError: no later image would fare better.
    """
    rows = read_jsonl(labels) if isinstance(labels, str | os.PathLike) else labels
    for _, image_url, outcome in score_side_by_side((client,), rows, images):
        yield image_url, outcome


def score_side_by_side(
    clients: Sequence[Scorer], rows: Iterable[Row], images: str | os.PathLike[str]
) -> Iterator[tuple[int, str, Outcome[Result]]]:
    """As :func:`score_rows` with several clients, which go through the images side by side: all meet the service in
    the same hour. Gives ``(which client, image_url, outcome)``.
    """
    files = LocalImages(images)
    number = 0
    for task, group in groupby(rows, key=lambda row: row.task):
        labelled = [(row.image_url, files.find(row.image_url)) for row in group]
        with ExitStack() as opened:
            streams = []
            for client in clients:
                stream = client.score_many((file for _, file in labelled if file is not None), task)
                opened.callback(stream.close)
                streams.append(stream)
            try:
                for image_url, file in labelled:
                    for which, stream in enumerate(streams):
                        if file is None:
                            error = ImageError(f"no file for {image_url[-120:]!r} in the folder of images")
                            yield which, image_url, Failed(number, image_url, error=error)
                        else:
                            yield which, image_url, replace(_hopeful(next(stream)), index=number, input=image_url)
                    number += 1
            except KeyboardInterrupt as interrupt:
                for stream in streams:  # each ends as if it had been interrupted itself: without waiting
                    with suppress(KeyboardInterrupt):
                        stream.throw(interrupt)
                raise


def _hopeful(outcome: Outcome[Result]) -> Outcome[Result]:
    """The outcome; raises the error of one after which no later image would fare better."""
    error = outcome.error
    if error is not None and (type(error) is InvalidInput or is_hopeless(error)):
        raise error
    return outcome

"""What the four scoring commands share: from the paths on the command line to the exit code."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import typer

from automl_cv_client._client import Client
from automl_cv_client.cli.connecting import client_for
from automl_cv_client.cli.exits import FAILED, USAGE
from automl_cv_client.cli.images import Drawings, images_of
from automl_cv_client.cli.report import Scored, reporting
from automl_cv_client.cli.text import complain
from automl_cv_client.errors import (
    AutoMLVisionError,
    CallError,
    ConnectionFailed,
    ImageError,
    UnexpectedReply,
    is_hopeless,
)
from automl_cv_client.task import Task


def run(
    task: Task,
    paths: list[str],
    *,
    as_json: bool,
    out: Path | None,
    uri: str | None,
    deployment: str | None,
    threshold: float = 0.5,
) -> None:
    """Score all images and report each; exits with 1 when one failed, with 2 when none can succeed."""
    with client_for(uri, deployment) as client:
        inputs, refused = find_images(paths, task)
        drawings = None if out is None else Drawings(out, inputs)
        failures, prospects = list(refused), Prospects()
        with reporting(as_json) as tell:
            for one in refused:
                tell(one)
            for number, path in enumerate(inputs, 1):
                scored = score_one(client, task, path, drawings, threshold)
                tell(scored)
                if scored.error is not None:
                    failures.append(scored)
                if is_hopeless(scored.error):
                    raise typer.Exit(USAGE)
                if prospects.lost_with(scored.error) and (left := len(inputs) - number):
                    complain(f"stopped: the other {left} would fail as these did; automl-cv doctor looks into it")
                    raise typer.Exit(USAGE)
    if failures:
        raise typer.Exit(FAILED)


class Prospects:
    """Whether a next image can fare better than those before.

    Args:
        in_vain: errors that count: when no call found the endpoint, or each another task's.
    """

    _ENOUGH = 3  # calls; one refused connection may be an endpoint that is being restarted

    def __init__(self, in_vain: Collection[type[CallError]] = (ConnectionFailed, UnexpectedReply)) -> None:
        self._counted = in_vain
        self._scored = False
        self._in_vain = 0

    def lost_with(self, error: AutoMLVisionError | None) -> bool:
        """Count what became of one more image; True when none was scored, and enough errors count."""
        self._scored |= error is None
        self._in_vain += type(error) in self._counted
        return not self._scored and self._in_vain >= self._ENOUGH


def find_images(paths: list[str], task: Task) -> tuple[list[str], list[Scored]]:
    """The images named, in order, and an error for each folder without any."""
    found: list[str] = []
    refused: list[Scored] = []
    for path in paths:
        try:
            found += images_of(path)
        except ImageError as error:
            refused.append(Scored(path, task, error=error))
    return found, refused


def score_one(client: Client, task: Task, path: str, drawings: Drawings | None, threshold: float = 0.5) -> Scored:
    """Score one image, and draw its result if asked to; an error is part of the answer."""
    try:
        result = client.score(path, task, threshold=threshold)
        drawn = None if drawings is None else drawings.write(result, path, task.method)
    except AutoMLVisionError as error:
        return Scored(path, task, error=error)
    return Scored(path, task, result, drawn=drawn)

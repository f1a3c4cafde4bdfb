"""What the four scoring commands share: from the paths on the command line to the exit code."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import typer

from automl_cv_client._client import Client
from automl_cv_client.cli.exits import FAILED, USAGE, Unusable
from automl_cv_client.cli.images import Drawings, images_of
from automl_cv_client.cli.report import Form, Scored, reporting
from automl_cv_client.cli.text import complain
from automl_cv_client.drawing import Style
from automl_cv_client.errors import (
    AutoMLVisionError,
    CallError,
    ConnectionFailed,
    ImageError,
    UnexpectedReply,
    is_hopeless,
)
from automl_cv_client.results import Detections, Instances
from automl_cv_client.task import Task


def run(
    task: Task,
    paths: list[str],
    *,
    threshold: float | None,
    top: int | None,
    out: Path | None,
    style: Style,
    crops: bool,
    form: Form,
    client: Client,
) -> None:
    """Score all images and report each; exits with 1 when one failed, with 2 when none can succeed."""
    with client:
        inputs, refused = find_images(paths, task)
        if crops and out is None:
            raise Unusable("--crops needs a folder to save to: give --out DIR")
        drawings = None if out is None else Drawings(out, inputs, style, crops=crops)
        failures, hopelessness = list(refused), Hopelessness()
        with reporting(form, threshold, top) as tell:
            for scored in refused:
                tell(scored)
            for number, path in enumerate(inputs, 1):
                scored = score_image(client, task, path, drawings, threshold, top)
                tell(scored)
                if scored.error is not None:
                    failures.append(scored)
                if is_hopeless(scored.error):
                    raise typer.Exit(USAGE)
                if hopelessness.after(scored.error) and (left := len(inputs) - number):
                    complain(f"stopped: the other {left} would fail as these did; automl-cv doctor looks into it")
                    raise typer.Exit(USAGE)
    if failures:
        raise typer.Exit(FAILED)


def form_of(as_json: bool, as_json_lines: bool) -> Form:
    """How to print. Raises Unusable for two forms at once."""
    if as_json and as_json_lines:
        raise Unusable("--json prints one list and --jsonl an object per line: give one of them")
    return "json" if as_json else "jsonl" if as_json_lines else "text"


class Hopelessness:
    """Whether a next image can only fail as those before.

    Args:
        in_vain: errors that count: when no call found the endpoint, or each another task's.
    """

    _ENOUGH = 3  # calls; one refused connection may be an endpoint that is being restarted

    def __init__(self, in_vain: Collection[type[CallError]] = (ConnectionFailed, UnexpectedReply)) -> None:
        self._counted = in_vain
        self._scored = False
        self._in_vain = 0

    def after(self, error: AutoMLVisionError | None) -> bool:
        """Count what became of one more image; True when none was scored, and enough errors count."""
        self._scored |= error is None
        self._in_vain += type(error) in self._counted
        return not self._scored and self._in_vain >= self._ENOUGH


def find_images(paths: list[str], task: Task) -> tuple[list[str], list[Scored]]:
    """The images named, in order, and an error for each folder without any."""
    inputs: list[str] = []
    refused: list[Scored] = []
    for path in paths:
        try:
            inputs += images_of(path)
        except ImageError as error:
            refused.append(Scored(path, task, error=error))
    return inputs, refused


def score_image(
    client: Client,
    task: Task,
    path: str,
    drawings: Drawings | None,
    threshold: float | None = None,
    top: int | None = None,
) -> Scored:
    """Score one image, and draw its result if asked to; an error is part of the answer."""
    try:
        result = client.score(path, task, threshold=0.5 if threshold is None else threshold)
        if isinstance(result, Detections | Instances):
            result = result if threshold is None else result.above(threshold)
            result = result if top is None else result.top(top)
        drawn = None if drawings is None else drawings.write(result, path, task.method)
    except AutoMLVisionError as error:
        return Scored(path, task, error=error)
    return Scored(path, task, result, drawn=drawn)

"""Brings predictions and labels together: one pair a labelled image."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from automl_cv_client.dataset import Row, read_jsonl
from automl_cv_client.dataset.urls import path_of
from automl_cv_client.errors import AutoMLVisionError, InvalidInput
from automl_cv_client.evaluation.stored import read_results
from automl_cv_client.results import KINDS, Failed, Outcome, Result, Scored
from automl_cv_client.task import Task

Answer = Result | Outcome[Any] | AutoMLVisionError
Predictions = str | os.PathLike[str] | Mapping[str, Answer] | Iterable[tuple[str, Answer] | Outcome[Any]]
"""Stored results (a path), or answers by image: a mapping, ``(image, answer)`` pairs, or outcomes."""

Labels = str | os.PathLike[str] | Iterable[Row]
"""A training JSONL file, or its rows."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One labelled image and what the endpoint said of it.

    Attributes:
        row: the labels.
        result: what the endpoint said; None when it said nothing.
        problem: why there is no result, in words.
    """

    row: Row
    result: Any
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Pairs:
    """All labelled images, in the order of the labels.

    Attributes:
        task: of the labels.
        answered: the pairs with a result. unanswered: those without.
        unlabelled: predictions for images that have no labels.
    """

    task: Task
    answered: tuple[Pair, ...]
    unanswered: tuple[Pair, ...]
    unlabelled: int


def pair_up(predictions: Predictions, labels: Labels) -> Pairs:
    """Find each labelled image's prediction: by its URL, else by its path, else by a file name only it has.

    Raises:
        InvalidInput: there are no labels, an image has two predictions, no image has a prediction, or the results
            are of another task.
    """
    rows = list(read_jsonl(labels) if isinstance(labels, str | os.PathLike) else labels)
    if not rows:
        raise InvalidInput("there are no labels to evaluate against")
    answers = _by_image(predictions, rows[0].task)
    places = _Places(answers)
    pairs = [_pair(row, places.find(row.image_url), answers) for row in rows]
    answered = tuple(pair for pair in pairs if pair.result is not None)
    if not answered:
        raise InvalidInput(_nothing_matches(rows, answers))
    task = rows[0].task
    for pair in answered:
        if type(pair.result) is not KINDS[task]:
            raise InvalidInput(f"the labels are for {task.value}, a result is a {type(pair.result).__name__}")
    unanswered = tuple(pair for pair in pairs if pair.result is None)
    return Pairs(task, answered, unanswered, len(answers) - len(places.used))


def _by_image(predictions: Predictions, task: Task) -> dict[str, Answer]:
    if isinstance(predictions, str | os.PathLike):
        predictions = read_results(predictions, task)
    named = predictions.items() if isinstance(predictions, Mapping) else map(_named, predictions)
    answers: dict[str, Answer] = {}
    for image, answer in named:
        if image in answers:
            raise InvalidInput(f"two predictions for the image {image[-120:]!r}")
        answers[image] = answer
    return answers


def _named(one: tuple[str, Answer] | Outcome[Any]) -> tuple[str, Answer]:
    if not isinstance(one, Scored | Failed):
        return str(one[0]), one[1]
    if not isinstance(one.input, str | os.PathLike):
        raise InvalidInput(f"outcome {one.index} does not name its image: give (image_url, outcome) pairs")
    return str(one.input), one


class _Places:
    """Where to find the answer for an image URL."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self.urls = set(answers)
        self.paths: dict[str, str | None] = {}
        self.names: dict[str, str | None] = {}
        self.used: set[str] = set()
        for image in answers:
            path = _plain(image)
            for table, key in ((self.paths, path), (self.names, Path(path).name)):
                table[key] = None if key in table else image  # a name that two images have tells nothing

    def find(self, image_url: str) -> str | None:
        """The image among the answers, by URL, path or file name; None when there is none."""
        path = _plain(image_url)
        found = image_url if image_url in self.urls else self.paths.get(path) or self.names.get(Path(path).name)
        if found is not None:
            self.used.add(found)
        return found


def _plain(image: str) -> str:
    try:
        return path_of(image)
    except InvalidInput:
        return image


def _pair(row: Row, image: str | None, answers: Mapping[str, Answer]) -> Pair:
    answer = None if image is None else _of(answers[image])
    if isinstance(answer, AutoMLVisionError):
        return Pair(row, None, f"{type(answer).__name__}: {answer}")
    return Pair(row, answer, "" if answer is not None else "no prediction for it")


def _of(answer: Answer) -> Result | AutoMLVisionError | None:
    if isinstance(answer, Scored | Failed):
        return answer.result if answer.error is None else answer.error
    return answer


def _nothing_matches(rows: list[Row], answers: Mapping[str, Answer]) -> str:
    if not answers:
        return "there are no predictions to evaluate"
    errors = [answer for answer in map(_of, answers.values()) if isinstance(answer, AutoMLVisionError)]
    if len(errors) == len(answers):
        return f"no image was scored; the first: {type(errors[0]).__name__}: {errors[0]}"
    first = next(iter(answers))
    return (
        f"no labelled image has a usable prediction: labels are for {rows[0].image_url[-80:]!r}, …, "
        f"predictions for {first[-80:]!r}, …"
    )

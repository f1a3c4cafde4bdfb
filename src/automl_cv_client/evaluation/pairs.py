"""Brings predictions and labels together: one pair a labelled image."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from automl_cv_client.dataset import Row, read_jsonl
from automl_cv_client.dataset.urls import path_of, plain_name
from automl_cv_client.errors import AutoMLVisionError, InvalidInput
from automl_cv_client.evaluation.stored import read_results
from automl_cv_client.results import KINDS, Failed, Outcome, Result, Scored
from automl_cv_client.task import Task

Answer = Result | Outcome[Result] | AutoMLVisionError
Predictions = str | os.PathLike[str] | Mapping[str, Answer] | Iterable[tuple[str, Answer] | Outcome[Result]]
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
    """Find each labelled image's prediction: by its URL, else by the longest common end of their paths.

    Raises:
        InvalidInput: there are no labels, an image has two predictions or could have either of two, no image has a
            prediction, or the results are of another task.
    """
    rows = list(read_jsonl(labels) if isinstance(labels, str | os.PathLike) else labels)
    if not rows:
        raise InvalidInput("there are no labels to evaluate against")
    answers = _by_image(predictions, rows[0].task)
    matched, unclear = _matched([row.image_url for row in rows], answers)
    pairs = [_pair(row, matched.get(row.image_url), answers, unclear) for row in rows]
    answered = tuple(pair for pair in pairs if pair.result is not None)
    if not answered:
        raise InvalidInput(_nothing_matches(rows, answers, unclear))
    task = rows[0].task
    for pair in answered:
        if type(pair.result) is not KINDS[task]:
            raise InvalidInput(f"the labels are for {task.value}, a result is a {type(pair.result).__name__}")
    unanswered = tuple(pair for pair in pairs if pair.result is None)
    return Pairs(task, answered, unanswered, len(answers) - len(set(matched.values())))


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


def _named(answer: tuple[str, Answer] | Outcome[Result]) -> tuple[str, Answer]:
    if not isinstance(answer, Scored | Failed):
        return str(answer[0]), answer[1]
    if not isinstance(answer.input, str | os.PathLike):
        raise InvalidInput(f"outcome {answer.index} does not name its image: give (image_url, outcome) pairs")
    return str(answer.input), answer


def _matched(image_urls: Iterable[str], images: Iterable[str]) -> tuple[dict[str, str], dict[str, str]]:
    """The image with a prediction that each labelled one is: equal, else with the longest common end of the path.

    An image with a prediction is that of one label only: ``x/1.jpg`` takes ``/in/x/1.jpg``, and ``y/1.jpg``, of which
    there is none, does not get it as well.

    Returns:
        The images by labelled one; and, where either of two could be meant, both of them in words.
    """
    known = set(images)
    matched = {url: url for url in image_urls if url in known}
    unclear: dict[str, str] = {}
    free = known - set(matched)
    ends: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for image in sorted(free):
        parts = _parts(image)
        for length in range(1, len(parts) + 1):
            ends[tuple(parts[-length:])].append(image)
    waiting = {url: _parts(url) for url in image_urls if url not in matched}
    for length in range(max(map(len, waiting.values()), default=0), 0, -1):
        claims: dict[str, list[str]] = defaultdict(list)
        for url, parts in waiting.items():
            candidates = [image for image in ends.get(tuple(parts[-length:]), ()) if image in free]
            if len(parts) < length or not candidates:
                continue
            same = [image for image in candidates if _plain(image).endswith(_plain(url))] or candidates
            if len(same) > 1:
                unclear[url] = f"two predictions could be of it: {same[0][-80:]!r} and {same[1][-80:]!r}"
            claims[same[0]].append(url)
        for image, urls in claims.items():
            for url in urls:
                del waiting[url]
                if len(urls) > 1:
                    both = " and ".join(repr(other[-80:]) for other in urls[:2])
                    unclear.setdefault(url, f"the prediction for {image[-80:]!r} could be of {both}")
            if urls[0] not in unclear:
                matched[urls[0]] = image
                free.discard(image)
    return matched, unclear


def _parts(image: str) -> list[str]:
    """The parts of an image's path, each in one Unicode form and percent-decoded."""
    return [plain_name(part) for part in _plain(image).split("/") if part not in ("", ".")]


def _plain(image: str) -> str:
    try:
        return path_of(image)
    except InvalidInput:
        return image


def _pair(row: Row, image: str | None, answers: Mapping[str, Answer], unclear: Mapping[str, str]) -> Pair:
    answer = None if image is None else _of(answers[image])
    if isinstance(answer, AutoMLVisionError):
        return Pair(row, None, f"{type(answer).__name__}: {answer}")
    return Pair(row, answer, "" if answer is not None else unclear.get(row.image_url, "no prediction for it"))


def _of(answer: Answer) -> Result | AutoMLVisionError | None:
    if isinstance(answer, Scored | Failed):
        return answer.result if answer.error is None else answer.error
    return answer


def _nothing_matches(rows: list[Row], answers: Mapping[str, Answer], unclear: Mapping[str, str]) -> str:
    if not answers:
        return "there are no predictions to evaluate"
    errors = [answer for answer in map(_of, answers.values()) if isinstance(answer, AutoMLVisionError)]
    if len(errors) == len(answers):
        return f"no image was scored; the first: {type(errors[0]).__name__}: {errors[0]}"
    told = "no labelled image has a usable prediction"
    if unclear:
        url, reason = next(iter(unclear.items()))
        return f"{told}: {url[-80:]!r}, …: {reason}"
    first = next(iter(answers))
    return f"{told}: labels are for {rows[0].image_url[-80:]!r}, …, predictions for {first[-80:]!r}, …"

"""Scores labelled images for ``evaluate`` and ``compare``: with a bar on a terminal, and while there is hope."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence, Sized
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from automl_cv_client import errors
from automl_cv_client._client import Client
from automl_cv_client.cli.exits import Unusable, in_words
from automl_cv_client.cli.scoring import Hopelessness
from automl_cv_client.cli.text import complain

if TYPE_CHECKING:
    from automl_cv_client.results import Outcome, Result

_IN_VAIN = (
    errors.ConnectionFailed,
    errors.DeadlineExceeded,
    errors.ModelError,
    errors.ServiceUnavailable,
    errors.Throttled,
    errors.TimedOut,
    errors.UnexpectedReply,
)
"""More than for images to score: what is to be measured has been scored by some model before."""


def score_labelled(sides: Sequence[tuple[str, Client]], labels: Path, images: Path) -> list[dict[str, Outcome[Result]]]:
    """Score the labelled images, as many at a time as the endpoints take, each with every client.

    Args:
        sides: clients, each with what to call it when it fails.
        labels: the training file.
        images: the folder of images.

    Returns:
        The outcomes by image URL, of each client.

    Raises:
        Unusable: the first calls to one of them have shown that none can succeed.
    """
    from automl_cv_client.batch import Progress, progress_bar
    from automl_cv_client.dataset import read_jsonl
    from automl_cv_client.evaluation.live import score_side_by_side

    rows, failed, began = list(read_jsonl(labels)), 0, time.monotonic()
    clients = [client for _, client in sides]
    hopelessness = [Hopelessness(_IN_VAIN) for _ in sides]
    answers: list[dict[str, Outcome[Result]]] = [{} for _ in sides]
    with _telling_what_is_lost(answers, len(rows)), progress_bar() as bar:
        bar(Progress(len(rows), 0, 0, 0.0, None, in_flight=0, limit=0))
        for number, (which, url, outcome) in enumerate(score_side_by_side(clients, rows, images), 1):
            answers[which][url] = outcome
            failed += outcome.error is not None
            rate = number / len(sides) / max(time.monotonic() - began, 1e-9)
            done = number // len(sides)
            bar(Progress(len(rows), done, failed, rate, (len(rows) - done) / rate, in_flight=0, limit=0))
            if hopelessness[which].after(outcome.error) and outcome.error is not None:
                whom = f"no call to {sides[which][0]} succeeds"
                raise Unusable(f"stopped, as {whom}: {in_words(outcome.error)}; automl-cv doctor looks into it")
    return answers


@contextmanager
def _telling_what_is_lost(answers: Sequence[Sized], total: int) -> Iterator[None]:
    """Ctrl-C throws the answers away: say so to who has waited for some, and what keeps them the next time."""
    try:
        yield
    except KeyboardInterrupt:
        if done := min(map(len, answers)):
            complain(f"interrupted: {done} of {total} images scored, none kept; evaluate --job DIR can be resumed")
        raise

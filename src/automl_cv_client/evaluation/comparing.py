"""Two deployments, the same images: metrics side by side with confidence intervals, latency and disagreements."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from automl_cv_client._notebook import Display, Displayed, Table
from automl_cv_client._numbers import checked_threshold
from automl_cv_client.dataset import Row, read_jsonl
from automl_cv_client.errors import InvalidInput
from automl_cv_client.evaluation.bootstrap import Side, sides_of
from automl_cv_client.evaluation.coco import Progress, unseen
from automl_cv_client.evaluation.evaluating import report_of, scores_of
from automl_cv_client.evaluation.live import Scorer, score_side_by_side
from automl_cv_client.evaluation.ordering import disagreement
from automl_cv_client.evaluation.pairs import Answer, Pair, Pairs, Predictions, pair_up
from automl_cv_client.evaluation.report import EvaluationReport, save_as
from automl_cv_client.results import Result

_MOST_DISPUTED = 12


@dataclass(frozen=True, slots=True)
class Disagreement:
    """An image that the two see differently; ``amount`` from 0 to 1."""

    image_url: str
    amount: float
    row: Row = field(repr=False)
    a: Result = field(repr=False)
    b: Result = field(repr=False)


@dataclass(frozen=True, slots=True)
class Comparison(Displayed):
    """Deployment ``b`` against deployment ``a``, on the images that both answered.

    Attributes:
        a, b: the report of each. sides: the metrics that have confidence intervals.
        disagreements: images they see differently, most first. disagreeing: how many of all.
        images: that both answered. left_out: those one of them did not, with the reason.
        images: where the images are on this machine.
    """

    a: EvaluationReport
    b: EvaluationReport
    sides: tuple[Side, ...]
    disagreements: tuple[Disagreement, ...]
    disagreeing: int
    image_count: int
    left_out: tuple[tuple[str, str], ...] = ()
    images: Path | None = None

    def as_dict(self) -> dict[str, Any]:
        """The comparison as plain values."""
        return {
            "a": self.a.as_dict(),
            "b": self.b.as_dict(),
            "image_count": self.image_count,
            "sides": [{**asdict(side), "verdict": side.verdict} for side in self.sides],
            "disagreeing": self.disagreeing,
            "disagreements": [
                {"image_url": dispute.image_url, "amount": dispute.amount} for dispute in self.disagreements
            ],
            "left_out": [{"image_url": url, "reason": reason} for url, reason in self.left_out],
        }

    def to_json(self) -> str:
        """The comparison as JSON."""
        return json.dumps(self.as_dict(), indent=2, ensure_ascii=False, allow_nan=False)

    def _display(self) -> Display:
        from automl_cv_client.evaluation.text import comparison_headline, side_rows

        head, *rows = side_rows(self)
        note = f"They differ on {self.disagreeing} of {self.image_count} images."
        return Display(comparison_headline(self), tables=[Table(head, rows)], note=note)

    def text(self) -> str:
        """The comparison for a terminal."""
        from automl_cv_client.evaluation.text import comparison_text

        return comparison_text(self)

    def markdown(self) -> str:
        """The comparison as Markdown."""
        from automl_cv_client.evaluation.text import comparison_markdown

        return comparison_markdown(self)

    def html(self) -> str:
        """The comparison as one web page with images in it; the page loads nothing from anywhere."""
        from automl_cv_client.evaluation.page import comparison_page

        return comparison_page(self)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the comparison: ``.html``, ``.json``, ``.md`` or ``.txt``."""
        return save_as(self, path)


def compare(
    client: Scorer | None = None,
    *,
    labels: str | os.PathLike[str] | Iterable[Row],
    deployments: Sequence[str] = ("blue", "green"),
    images: str | os.PathLike[str] | None = None,
    predictions: Sequence[Predictions] | None = None,
    threshold: float = 0.5,
    draws: int = 1000,
    seed: int = 0,
    endpoint: str = "",
    progress: Progress | None = None,
) -> Comparison:
    """Score the same images with two deployments and tell what changes from the first to the second.

    Args:
        client: scores the images; may be left out when ``predictions`` are given.
        labels: a training JSONL file, or its rows.
        deployments: two names; the one with the traffic first.
        images: the folder of images; needed to score, and to show disagreements in the HTML report.
        predictions: stored results of both, each as ``evaluate`` takes them, instead of scoring.
        threshold: as for ``evaluate``.
        draws: of the bootstrap. More make the intervals steadier and take longer.
        seed: of the bootstrap; the same seed gives the same intervals.
        endpoint: what was asked, such as its scoring URI, for the head of the report.
        progress: called now and then with the share that is measured, 0 to 1.

    Returns:
        A :class:`Comparison`: the metrics of both with the intervals of their differences, and the images they see
        differently; ``save("page.html")`` writes them as a page.

    Raises:
        InvalidInput: an argument is missing, or labels and results have nothing in common.
    """
    if len(deployments) != 2:
        raise InvalidInput("compare takes two deployments, such as ('blue', 'green')")
    checked_threshold(threshold)  # now, and not after the images were scored
    if predictions is not None and len(predictions) != 2:
        raise InvalidInput(f"compare takes the predictions of two, not of {len(predictions)}")
    rows = list(read_jsonl(labels) if isinstance(labels, str | os.PathLike) else labels)
    if predictions is None:
        predictions = _scored(client, rows, deployments, images)
    a, b = (pair_up(answers, rows) for answers in predictions)
    a, b, left_out = _both(a, b)
    parts = [_quarter(progress or unseen, number) for number in range(4)]
    scores = (
        scores_of(a, threshold, for_draws=True, progress=parts[0]),
        scores_of(b, threshold, for_draws=True, progress=parts[1]),
    )
    disputed = _disagreements(a.answered, b.answered, threshold)
    return Comparison(
        a=report_of(a, scores[0], threshold, images=images, name=deployments[0], endpoint=endpoint),
        b=report_of(b, scores[1], threshold, images=images, name=deployments[1], endpoint=endpoint),
        sides=sides_of(scores, len(a.answered), draws, seed, parts[2:]),
        disagreements=tuple(disputed[:_MOST_DISPUTED]),
        disagreeing=len(disputed),
        image_count=len(a.answered),
        left_out=left_out,
        images=None if images is None else Path(images),
    )


def _quarter(progress: Progress, number: int) -> Progress:
    """Two measurements and their draws take about the same time each."""
    return lambda share: progress((number + share) / 4)


def _scored(
    client: Scorer | None, rows: list[Row], deployments: Sequence[str], images: str | os.PathLike[str] | None
) -> list[Mapping[str, Answer]]:
    if client is None or images is None:
        raise InvalidInput("compare needs a client and the folder of images, or predictions=(a, b)")
    clients = [client.with_options(deployment=name) for name in deployments]
    scored: list[dict[str, Answer]] = [{} for _ in clients]
    for which, image_url, outcome in score_side_by_side(clients, rows, images):
        scored[which][image_url] = outcome
    return list(scored)


def _both(a: Pairs, b: Pairs) -> tuple[Pairs, Pairs, tuple[tuple[str, str], ...]]:
    """Only the images both answered: metrics of different images cannot be compared."""
    left_out = {pair.row.image_url: pair.problem for pairs in (a, b) for pair in pairs.unanswered}
    a, b = (
        Pairs(
            pairs.task,
            tuple(pair for pair in pairs.answered if pair.row.image_url not in left_out),
            (),
            pairs.unlabelled,
        )
        for pairs in (a, b)
    )
    if not a.answered:
        raise InvalidInput("no image was answered by both deployments")
    return a, b, tuple(left_out.items())


def _disagreements(a: Sequence[Pair], b: Sequence[Pair], threshold: float) -> list[Disagreement]:
    found = [
        Disagreement(
            pair.row.image_url,
            disagreement(pair.result, other.result, threshold=threshold),
            pair.row,
            pair.result,
            other.result,
        )
        for pair, other in zip(a, b, strict=True)
    ]
    return sorted((dispute for dispute in found if dispute.amount > 1e-6), key=lambda dispute: -dispute.amount)

"""How good are these predictions? One function for the four tasks."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from automl_cv_client._numbers import checked_threshold
from automl_cv_client.evaluation.classification import ClassificationScores
from automl_cv_client.evaluation.coco import Progress, unseen
from automl_cv_client.evaluation.multilabel import MultilabelScores
from automl_cv_client.evaluation.objects import ObjectScores
from automl_cv_client.evaluation.pairs import Labels, Pairs, Predictions, pair_up
from automl_cv_client.evaluation.report import EvaluationReport, Number
from automl_cv_client.task import Task

Scores = ClassificationScores | MultilabelScores | ObjectScores

WORST = 24  # mistakes kept in a report


def evaluate(
    predictions: Predictions,
    labels: Labels,
    *,
    images: str | os.PathLike[str] | None = None,
    threshold: float = 0.5,
    name: str = "",
    endpoint: str = "",
    progress: Progress | None = None,
) -> EvaluationReport:
    """Compare predictions with labels.

    Args:
        predictions: a file of stored results (see ``write_results``); or results by image, as a mapping, as
            ``(image_url, result or outcome)`` pairs such as ``score_rows`` gives, or as outcomes of files.
        labels: a training JSONL file, or its rows.
        images: the folder the images are in, to show the worst mistakes in the HTML report.
        threshold: the score above which a label, or an object, counts as predicted. It does not touch accuracy,
            average precision and the curves. 0 to 1.
        name: what is evaluated, for the title of the report.
        endpoint: what was asked, such as its scoring URI, for the head of the report.
        progress: called now and then with the share that is done, 0 to 1; of objects, which take longest.

    Returns:
        A report: ``report["mAP"]``, ``report.metrics``, ``report.classes``, ``print(report.text())``,
        ``report.save("report.html")``. Images without a result are left out of all numbers and listed.

    Raises:
        InvalidInput: labels or results cannot be read, or have nothing in common.
    """
    checked_threshold(threshold)
    pairs = pair_up(predictions, labels)
    scores = scores_of(pairs, threshold, progress=progress or unseen)
    return report_of(pairs, scores, threshold, images=images, name=name, endpoint=endpoint)


def scores_of(pairs: Pairs, threshold: float, *, for_draws: bool = False, progress: Progress = unseen) -> Scores:
    """Everything measured of the pairs that have a result."""
    if pairs.task is Task.CLASSIFICATION:
        return ClassificationScores(pairs.answered)
    if pairs.task is Task.MULTILABEL:
        return MultilabelScores(pairs.answered, threshold)
    return ObjectScores(pairs.answered, threshold, for_draws=for_draws, progress=progress)


def report_of(
    pairs: Pairs,
    scores: Scores,
    threshold: float,
    *,
    images: str | os.PathLike[str] | None,
    name: str,
    endpoint: str,
) -> EvaluationReport:
    """The report of what was measured."""
    deployments = {pair.result.call.deployment for pair in pairs.answered} - {None}
    return EvaluationReport(
        task=pairs.task,
        name=name,
        image_count=len(pairs.answered),
        metrics=scores.metrics() | latency(pairs),
        classes=scores.classes(),
        confusion=None if isinstance(scores, MultilabelScores) else scores.confusion(),
        curves=scores.curves(),
        calibration=() if isinstance(scores, ObjectScores) else scores.calibration(),
        mistakes=tuple(scores.mistakes()[:WORST]),
        left_out=tuple((pair.row.image_url, pair.problem) for pair in pairs.unanswered),
        unlabelled=pairs.unlabelled,
        images=None if images is None else Path(images),
        threshold=threshold,
        at_thresholds=scores.at_thresholds(),
        deployments=tuple(sorted(deployments)),
        endpoint=endpoint,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def latency(pairs: Pairs) -> dict[str, Number]:
    """Median and 95th percentile of the seconds a call took; nothing when the results do not tell."""
    import numpy as np

    seconds = [pair.result.call.elapsed for pair in pairs.answered if pair.result.call.elapsed > 0]
    if not seconds:
        return {}
    return {
        "seconds a call (p50)": float(np.percentile(seconds, 50)),
        "seconds a call (p95)": float(np.percentile(seconds, 95)),
    }

"""How good are the predictions of an endpoint? Measures them against labels, and two deployments against each other.

    from automl_cv_client.evaluation import evaluate, score_rows
    report = evaluate(score_rows(client, "validation.jsonl", "images"), "validation.jsonl", images="images")
    print(report.text())
    report.save("report.html")

Needs the extra ``eval``.
"""

# ruff: noqa: E402 - what is missing is told before it is imported

from automl_cv_client._extras import need

need("eval", "numpy")  # the files below have it at their top

from automl_cv_client.evaluation.bootstrap import Interval, Side
from automl_cv_client.evaluation.comparing import Comparison, Disagreement, compare
from automl_cv_client.evaluation.evaluating import evaluate
from automl_cv_client.evaluation.live import score_rows
from automl_cv_client.evaluation.ordering import (
    Ranked,
    disagreement,
    least_sure_first,
    margin,
    most_disputed_first,
)
from automl_cv_client.evaluation.prelabels import prelabel
from automl_cv_client.evaluation.report import (
    CalibrationBin,
    ClassScores,
    Confusion,
    Curve,
    EvaluationReport,
    Mistake,
    ThresholdScores,
)
from automl_cv_client.evaluation.stored import read_results, write_results

__all__ = [
    "CalibrationBin",
    "ClassScores",
    "Comparison",
    "Confusion",
    "Curve",
    "Disagreement",
    "EvaluationReport",
    "Interval",
    "Mistake",
    "Ranked",
    "Side",
    "ThresholdScores",
    "compare",
    "disagreement",
    "evaluate",
    "least_sure_first",
    "margin",
    "most_disputed_first",
    "prelabel",
    "read_results",
    "score_rows",
    "write_results",
]

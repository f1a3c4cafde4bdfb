"""What a call returns: frozen pydantic models that know their image. They know nothing of HTTP."""

import sys

from automl_cv_client.results import _context, _detection
from automl_cv_client.results._classes import (
    Classification,
    ExplainedClassification,
    LabelScore,
    MultilabelClassification,
)
from automl_cv_client.results._columns import Ragged
from automl_cv_client.results._context import CallInfo, Deployment, Health, ImageInfo
from automl_cv_client.results._detection import Detection, Instance
from automl_cv_client.results._explanation import Explanation, MapKind
from automl_cv_client.results._objects import Detections, Instances, Objects
from automl_cv_client.results._outcome import Failed, Outcome, Scored
from automl_cv_client.results._result import Result
from automl_cv_client.results._stats import Capacity, RunStats, Stats
from automl_cv_client.task import Task

KINDS: dict[Task, type[Result]] = {
    kind.task: kind for kind in (Classification, MultilabelClassification, Detections, Instances)
}
"""The kind of result of each task."""

# Where the first pickled results say that their classes are.
sys.modules[f"{__name__}._found"] = _detection
sys.modules[f"{__name__}._deployment"] = _context

__all__ = [
    "CallInfo",
    "Capacity",
    "Classification",
    "Deployment",
    "Detection",
    "Detections",
    "ExplainedClassification",
    "Explanation",
    "Failed",
    "Health",
    "ImageInfo",
    "Instance",
    "Instances",
    "LabelScore",
    "MapKind",
    "MultilabelClassification",
    "Objects",
    "Outcome",
    "Ragged",
    "Result",
    "RunStats",
    "Scored",
    "Stats",
]

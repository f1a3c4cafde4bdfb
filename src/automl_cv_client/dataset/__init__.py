"""Training data of AutoML for Images: reads, writes, checks and converts its JSONL files, as streams.

from automl_cv_client.dataset import read_jsonl, write_jsonl, check
for row in read_jsonl("train.jsonl"):
    print(row.image_url, row.label)
print(check("train.jsonl", images="pictures").text())
"""

from automl_cv_client.dataset.checking import check
from automl_cv_client.dataset.faults import Fault, faults_of
from automl_cv_client.dataset.reading import read_jsonl, recognise_task, row_of, write_jsonl
from automl_cv_client.dataset.report import CheckReport, Found
from automl_cv_client.dataset.rows import (
    BoxLabel,
    ClassificationRow,
    DetectionRow,
    ImageDetails,
    MultilabelRow,
    PolygonLabel,
    Row,
    SegmentationRow,
)
from automl_cv_client.dataset.urls import AzureMLUrl, LocalImages

__all__ = [
    "AzureMLUrl",
    "BoxLabel",
    "CheckReport",
    "ClassificationRow",
    "DetectionRow",
    "Fault",
    "Found",
    "ImageDetails",
    "LocalImages",
    "MultilabelRow",
    "PolygonLabel",
    "Row",
    "SegmentationRow",
    "check",
    "faults_of",
    "read_jsonl",
    "recognise_task",
    "row_of",
    "write_jsonl",
]

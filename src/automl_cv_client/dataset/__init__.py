"""Training data of AutoML for Images: reads, writes, checks and converts its JSONL files, as streams.

For example:

    from automl_cv_client.dataset import read_jsonl, write_jsonl, check
    for row in read_jsonl("train.jsonl"):
        print(row.image_url, row.label)
    print(check("train.jsonl", images="images").text())
"""

from automl_cv_client.dataset.checking import check
from automl_cv_client.dataset.coco import from_coco
from automl_cv_client.dataset.faults import Fault, faults_of
from automl_cv_client.dataset.folders import from_csv, from_folders, to_csv
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
from automl_cv_client.dataset.splitting import split, write_mltable
from automl_cv_client.dataset.urls import AzureMLUrl, LocalImages
from automl_cv_client.dataset.voc import from_voc
from automl_cv_client.dataset.yolo import from_yolo
from automl_cv_client.formats import to_coco, to_voc, to_yolo

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
    "from_coco",
    "from_csv",
    "from_folders",
    "from_voc",
    "from_yolo",
    "read_jsonl",
    "recognise_task",
    "row_of",
    "split",
    "to_coco",
    "to_csv",
    "to_voc",
    "to_yolo",
    "write_jsonl",
    "write_mltable",
]

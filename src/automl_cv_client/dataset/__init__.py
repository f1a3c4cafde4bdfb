"""Training data of AutoML for Images: reads, writes, checks and converts its JSONL files, as streams.

For example:

    from automl_cv_client.dataset import read_jsonl, write_jsonl, check
    for row in read_jsonl("train.jsonl"):
        print(row.image_url, row.label)
    print(check("train.jsonl", images="images").text())
"""

from automl_cv_client.dataset.checking import check
from automl_cv_client.dataset.converting import Conversion
from automl_cv_client.dataset.csv_lists import to_csv
from automl_cv_client.dataset.faults import Fault, faults_of
from automl_cv_client.dataset.reading import read_jsonl, recognise_task, row_of, write_jsonl
from automl_cv_client.dataset.recognising import Form, Recognised, convert, recognise, rows_from
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
from automl_cv_client.dataset.sources import (
    from_coco,
    from_csv,
    from_custom_vision,
    from_cvat,
    from_datumaro,
    from_fiftyone,
    from_folders,
    from_label_studio,
    from_labelme,
    from_via,
    from_voc,
    from_yolo,
)
from automl_cv_client.dataset.splitting import split, write_mltable
from automl_cv_client.dataset.urls import AzureMLUrl, LocalImages
from automl_cv_client.formats import to_coco, to_voc, to_yolo
from automl_cv_client.formats.reading import Omission, ReadingReport

__all__ = [
    "AzureMLUrl",
    "BoxLabel",
    "CheckReport",
    "ClassificationRow",
    "Conversion",
    "DetectionRow",
    "Fault",
    "Form",
    "Found",
    "ImageDetails",
    "LocalImages",
    "MultilabelRow",
    "Omission",
    "PolygonLabel",
    "ReadingReport",
    "Recognised",
    "Row",
    "SegmentationRow",
    "check",
    "convert",
    "faults_of",
    "from_coco",
    "from_csv",
    "from_custom_vision",
    "from_cvat",
    "from_datumaro",
    "from_fiftyone",
    "from_folders",
    "from_label_studio",
    "from_labelme",
    "from_via",
    "from_voc",
    "from_yolo",
    "read_jsonl",
    "recognise",
    "recognise_task",
    "row_of",
    "rows_from",
    "split",
    "to_coco",
    "to_csv",
    "to_voc",
    "to_yolo",
    "write_jsonl",
    "write_mltable",
]

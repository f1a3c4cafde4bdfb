"""Writes results and training rows in the formats of other tools; depends on none of them.

Rows, CSV, pandas, polars, arrow · COCO, YOLO, Pascal VOC · Label Studio, CVAT, FiftyOne · supervision, shapely ·
AutoML's own training data. A function named ``…_of`` gives plain values or text, ``to_…`` and ``write_files`` write
files. A result's own methods (``to_coco``, ``to_voc``, …) come here; the functions take several, and training rows.

The formats for annotation tools hold what lies inside the image. Objects of which nothing does, without area or
whose boxes are not finite, which models and servers send, are left out; rows, columns and supervision keep them.
"""

from __future__ import annotations

from automl_cv_client.formats.coco import coco_of, to_coco
from automl_cv_client.formats.cvat import cvat_of
from automl_cv_client.formats.fiftyone import fiftyone_of
from automl_cv_client.formats.files import file_name
from automl_cv_client.formats.label_files import write_files
from automl_cv_client.formats.label_studio import label_studio_of
from automl_cv_client.formats.libraries import shapely_of, supervision_of
from automl_cv_client.formats.tables import csv_of, rows_of
from automl_cv_client.formats.training import training_row_of
from automl_cv_client.formats.voc import to_voc, voc_of
from automl_cv_client.formats.yolo import to_yolo, yolo_of

__all__ = [
    "coco_of",
    "csv_of",
    "cvat_of",
    "fiftyone_of",
    "file_name",
    "label_studio_of",
    "rows_of",
    "shapely_of",
    "supervision_of",
    "to_coco",
    "to_voc",
    "to_yolo",
    "training_row_of",
    "voc_of",
    "write_files",
    "yolo_of",
]

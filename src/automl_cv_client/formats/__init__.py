"""Writes results in the formats of other tools; depends on none of them. Plain values and text out, no files.

Rows, CSV, pandas, polars, arrow · COCO, YOLO, Pascal VOC · Label Studio, CVAT, FiftyOne · supervision, shapely.
A result's own methods (``to_coco``, ``to_voc``, …) come here; the functions for several results are here only.
Objects whose boxes are not finite, which some servers send, are left out of the formats for annotation tools; rows,
columns and supervision keep them.
"""

from __future__ import annotations

from automl_cv_client.formats.coco import coco_of
from automl_cv_client.formats.cvat import cvat_of
from automl_cv_client.formats.files import file_name, write_files
from automl_cv_client.formats.tables import csv_of, rows_of

__all__ = ["coco_of", "csv_of", "cvat_of", "file_name", "rows_of", "write_files"]

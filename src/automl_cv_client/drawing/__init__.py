"""Draws scores, boxes and polygons on a PIL image. Knows plain values only, not results; never changes its input."""

from __future__ import annotations

from automl_cv_client.drawing.classes import draw_classes
from automl_cv_client.drawing.comparison import side_by_side
from automl_cv_client.drawing.marks import ObjectMark
from automl_cv_client.drawing.objects import draw_objects
from automl_cv_client.drawing.palette import color_of

__all__ = ["ObjectMark", "color_of", "draw_classes", "draw_objects", "side_by_side"]

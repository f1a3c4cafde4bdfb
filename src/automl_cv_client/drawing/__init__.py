"""Draws labels, boxes and outlines on a PIL image. Knows plain values, not results; never changes its input."""

from __future__ import annotations

from automl_cv_client.drawing.annotated import draw
from automl_cv_client.drawing.classes import draw_classes
from automl_cv_client.drawing.comparison import side_by_side
from automl_cv_client.drawing.objects import Look, draw_objects
from automl_cv_client.drawing.palette import PALETTE, color_of, colors_of
from automl_cv_client.drawing.style import Style

__all__ = ["PALETTE", "Look", "Style", "color_of", "colors_of", "draw", "draw_classes", "draw_objects", "side_by_side"]

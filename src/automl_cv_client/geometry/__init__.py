"""Sizes, boxes, polygons, masks and frames. Plain arithmetic: no numpy, no pillow, no I/O.

Two kinds of coordinates, told apart by type:

* normalised: fractions of the upright image, as the endpoint sends them (``Box``, ``Segment``);
* pixel: pixels, origin at the top left corner, of the upright image unless a frame is named
  (``PixelBox``, ``PixelSegment``).

Coordinates are continuous: pixel 0 reaches from 0.0 to 1.0. A polygon is a sequence of segments. A segment is
flat, ``(x1, y1, x2, y2, …)``, the way COCO and the service write it. Segments are read by the even-odd rule: a
segment inside another one is a hole.
"""

from automl_cv_client.geometry.areas import even_odd_area
from automl_cv_client.geometry.boxes import Box, PixelBox, PixelSegment, Segment, Size, iou, keep_by_nms
from automl_cv_client.geometry.frames import Frame, Frames
from automl_cv_client.geometry.polygons import (
    bounds,
    clip_segment,
    contains,
    contains_point,
    is_degenerate,
    one_ring,
    points,
    scale_segment,
    simplify,
    sound,
)
from automl_cv_client.geometry.rle import Rle
from automl_cv_client.geometry.tracing import outlines

__all__ = [
    "Box",
    "Frame",
    "Frames",
    "PixelBox",
    "PixelSegment",
    "Rle",
    "Segment",
    "Size",
    "bounds",
    "clip_segment",
    "contains",
    "contains_point",
    "even_odd_area",
    "iou",
    "is_degenerate",
    "keep_by_nms",
    "one_ring",
    "outlines",
    "points",
    "scale_segment",
    "simplify",
    "sound",
]

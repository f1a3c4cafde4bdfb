"""Reads stored results of other services and SDKs: Custom Vision, Image Analysis, and replies of ``invoke``.

Each function turns one stored result into the result that the client gives for the same task, so that old and new can
be drawn, exported and compared. What cannot be read for certain is an error, never a guess.
"""

from __future__ import annotations

from automl_cv_client.migration.custom_vision import from_custom_vision
from automl_cv_client.migration.documents import Document, SupportsAsDict
from automl_cv_client.migration.image_analysis import Feature, from_image_analysis
from automl_cv_client.migration.images import Exif, OldImage
from automl_cv_client.migration.replies import from_reply

__all__ = [
    "Document",
    "Exif",
    "Feature",
    "OldImage",
    "SupportsAsDict",
    "from_custom_vision",
    "from_image_analysis",
    "from_reply",
]

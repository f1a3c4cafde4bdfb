"""From whatever the caller holds to the bytes that are sent: reads, checks and prepares images.

Knows nothing of HTTP, of requests or of replies. pillow and numpy are imported inside functions, so that a
plain JPEG goes through without either.
"""

from __future__ import annotations

from automl_cv_client._imaging.inputs import ImageInput, describe, items_of
from automl_cv_client._imaging.policy import ImagePolicy, UrlRules
from automl_cv_client._imaging.preparation import PreparedImage, open_upright, prepare, prepare_lightly

__all__ = [
    "ImageInput",
    "ImagePolicy",
    "PreparedImage",
    "UrlRules",
    "describe",
    "items_of",
    "open_upright",
    "prepare",
    "prepare_lightly",
]

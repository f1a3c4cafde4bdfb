"""File names for what is written beside pictures."""

from __future__ import annotations

import re
from pathlib import Path

from automl_cv_client.dataset.urls import path_of


def unique_stem(image_url: str, taken: set[str]) -> str:
    """The picture's name without its ending, safe as a file name, with a number when it is taken; then taken too.

    >>> unique_stem("azureml://datastores/d/paths/a/1.jpg", {"1"})
    '1-2'
    """
    stem = re.sub(r"[^\w.\- ]", "_", Path(path_of(image_url)).stem).strip(". ")[:100] or "picture"
    name, number = stem, 1
    while name in taken:
        number += 1
        name = f"{stem}-{number}"
    taken.add(name)
    return name

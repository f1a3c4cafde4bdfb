"""Splits rows into training and validation, each class in the same share, and writes the MLTable file beside."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from automl_cv_client._files import write_text
from automl_cv_client.dataset.rows import Row
from automl_cv_client.errors import InvalidInput

_MLTABLE = """\
paths:
  - file: ./{name}
transformations:
  - read_json_lines:
      encoding: utf8
      invalid_lines: error
      include_path_column: false
  - convert_column_types:
      - columns: image_url
        column_type: stream_info
"""


def split(rows: Iterable[Row], validation: float = 0.2, *, seed: int = 0) -> tuple[list[Row], list[Row]]:
    """Training rows and validation rows, each in their first order.

    Rows are dealt out class by class, the rarest first, so that each class has its share on both sides; rows of one
    ``image_url`` stay together. A class with one image goes to training.

    Args:
        rows: of any task.
        validation: share of the images to validate with, above 0 and below 1.
        seed: the same seed gives the same split.

    Returns:
        The rows to train with, and the rows to validate with.
    """
    if not 0 < validation < 1:
        raise InvalidInput(f"validation must be a share between 0 and 1, not {validation!r}")
    kept = list(rows)
    classes: dict[str, set[str]] = {}
    for row in kept:
        classes.setdefault(row.image_url, set()).update(row.classes())
    chosen = _chosen(classes, validation, seed)
    return [row for row in kept if row.image_url not in chosen], [row for row in kept if row.image_url in chosen]


def write_mltable(jsonl: str | os.PathLike[str]) -> Path:
    """Write the file ``MLTable`` beside a JSONL file, as the service wants it for a training job.

    Args:
        jsonl: the file with the rows.

    Returns:
        The path of ``MLTable``.

    Microsoft Learn, "Prepare data for computer vision tasks with automated machine learning".
    """
    path = Path(jsonl)
    if any(letter in path.name for letter in "\n\r:#'\"{}[]"):
        raise InvalidInput(f"the name {path.name!r} cannot be written into an MLTable file: choose a plain one")
    return write_text(path.parent / "MLTable", _MLTABLE.format(name=path.name))


def _chosen(classes: dict[str, set[str]], validation: float, seed: int) -> set[str]:
    """URLs for validation: of each class, rarest first, as many as are still wanted."""
    urls = sorted(classes)
    random.Random(seed).shuffle(urls)
    frequency = Counter(label for labels in classes.values() for label in labels)
    chosen: set[str] = set()
    decided: set[str] = set()
    for label in [*sorted(frequency, key=lambda label: (frequency[label], label)), None]:
        members = [url for url in urls if (label in classes[url] if label is not None else not classes[url])]
        wanted = round(validation * len(members)) - sum(url in chosen for url in members)
        for url in members:
            if url not in decided and wanted > 0:
                chosen.add(url)
                wanted -= 1
            decided.add(url)
    return chosen

"""Writes results as reply bodies, the way the service's versions do; values in, bytes out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast, get_args

from automl_cv_client.errors import InvalidInput
from automl_cv_client.results import Classification, Detections, Instances, MultilabelClassification, Result
from automl_cv_client.testing.explanations import parts_of

Version = Literal[
    "today", "1.51", "1.47", "legacy", "huggingface", "catalogue-huggingface", "mmdetection", "doubly-encoded"
]
"""In which form a reply is written:

* ``today``: a list with one object an image;
* ``1.51``: each object with a ``filename`` too;
* ``1.47``: and classification with null explanations;
* ``legacy``: the old ``score.py``: one bare object, with ``filename``, as ``text/html``, a newline after it;
* ``huggingface``: classification by Hugging Face models trained by AutoML;
* ``catalogue-huggingface``: classification by Hugging Face models of the catalogue;
* ``mmdetection``: detection and segmentation by MMDetection models: as ``today``;
* ``doubly-encoded``: the list as a JSON string that holds JSON.
"""


def body_of(results: Sequence[Result], version: Version = "today", asked: Mapping[str, Any] | None = None) -> bytes:
    """The body that says these results, one an image.

    Args:
        results: in the order of the images.
        version: how they are written.
        asked: the request's ``xai_parameters``; detection, segmentation and the Hugging Face forms do not explain,
            and answer with plain scores.

    Raises:
        InvalidInput: the version cannot say this: no version of that name, or not for this kind of result.
    """
    if version not in get_args(Version):
        raise InvalidInput(f"unknown version {version!r}: use one of {', '.join(get_args(Version))}")
    rows = [_row(result, version, number, asked) for number, result in enumerate(results)]
    if version == "legacy":
        if len(rows) != 1:
            raise InvalidInput(f"the legacy script answers one image a request, not {len(rows)}")
        return json.dumps(rows[0]).encode() + b"\n"
    text = json.dumps(rows)
    return (json.dumps(text) if version == "doubly-encoded" else text).encode()


def content_type_of(version: Version) -> str:
    """What the service calls such a body."""
    return "text/html; charset=utf-8" if version == "legacy" else "application/json"


def _row(result: Result, version: Version, number: int, asked: Mapping[str, Any] | None) -> Any:
    if isinstance(result, Detections | Instances):
        if version in ("huggingface", "catalogue-huggingface"):
            raise InvalidInput(f"the {version} form is for classification, not for {type(result).__name__}")
        row = {"boxes": [_object(detection) for detection in result]}
    elif isinstance(result, Classification | MultilabelClassification):
        row = _classes(result, version, asked)
    else:
        raise InvalidInput(f"a fake endpoint cannot answer with a {type(result).__name__}")
    if version in ("1.51", "1.47", "legacy"):
        return {"filename": f"/server/temporary/tmp{number:08x}", **row}
    return row


def _object(detection: Any) -> dict[str, Any]:
    left, top, right, bottom = detection.box
    box = {"topX": left, "topY": top, "bottomX": right, "bottomY": bottom}
    outline = {"polygon": [list(segment) for segment in detection.polygons]} if hasattr(detection, "polygons") else {}
    return {"box": box, "label": detection.label, "score": detection.score, **outline}


def _classes(
    result: Classification | MultilabelClassification, version: Version, asked: Mapping[str, Any] | None
) -> Any:
    pairs = [{"label": label, "score": score} for label, score in zip(result.labels, result.probs, strict=True)]
    if version == "catalogue-huggingface":
        return pairs
    if version == "huggingface":
        return {str(number): pair for number, pair in enumerate(pairs)}
    if version == "mmdetection":
        raise InvalidInput("the mmdetection form is for detection and segmentation")
    row = {"probs": list(result.probs), "labels": list(result.labels)}
    parts: dict[str, Any] = {"visualizations": None, "attributions": None} if version == "1.47" else {}
    if asked is not None:
        parts = parts_of(result, asked)
    return cast("dict[str, Any]", {**row, **parts})

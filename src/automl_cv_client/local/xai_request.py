"""Reads explainability rows: JSON strings that hold an image and what to explain about it (§5). No I/O."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Any

from automl_cv_client.local.rows import Rows, ScoringFailed

_IMAGE = "image_base64"
_ALGORITHMS = ("xrai", "integrated_gradients", "guided_gradcam", "guided_backprop")
_APPROXIMATIONS = ("riemann_middle", "riemann_left", "riemann_right", "riemann_trapezoid", "gausslegendre")


@dataclass(frozen=True, kw_only=True)
class XaiRequest:
    """What a request asks to have explained, with the service's defaults. A bad value is a 500.

    Attributes:
        xai_algorithm: one of the four methods.
        visualizations: whether a PNG is wanted.
        attributions: whether the array ``[3, crop, crop]`` is wanted.
        confidence_score_threshold_multilabel: multi-label: explain the classes with a probability above this.
        n_steps: steps of integrated gradients and XRAI, at least 2.
        approximation_method: how integrated gradients sums its steps.
        xrai_fast: XRAI's quicker way.
    """

    xai_algorithm: str = "xrai"
    visualizations: bool = True
    attributions: bool = False
    confidence_score_threshold_multilabel: float = 0.5
    n_steps: int = 50
    approximation_method: str = "riemann_middle"
    xrai_fast: bool = True

    def __post_init__(self) -> None:
        _require(self.xai_algorithm in _ALGORITHMS, "xai_algorithm")
        _require(self.approximation_method in _APPROXIMATIONS, "approximation_method")
        for name in ("visualizations", "attributions", "xrai_fast"):
            _require(isinstance(getattr(self, name), bool), name)
        _require(_is_number(self.confidence_score_threshold_multilabel), "confidence_score_threshold_multilabel")
        _require(isinstance(self.n_steps, int) and _is_number(self.n_steps) and self.n_steps >= 2, "n_steps")


def is_xai_row(cell: str) -> bool:
    """Whether a cell is an explainability row rather than plain base64."""
    return cell.lstrip().startswith("{") and _IMAGE in _row(cell)


def read_xai_rows(rows: Rows) -> tuple[list[str], XaiRequest | None]:
    """The base64 of every row, and what the row labelled 0 asks for all of them; None for plain scores.

    Raises:
        ScoringFailed: a parameter has a bad value or an unknown name, or a row is plain base64.
    """
    leading = _row(rows.first)
    wanted = leading.get("model_explainability", False)
    _require(isinstance(wanted, bool), "model_explainability")
    parameters = leading.get("xai_parameters") or {}
    _require(isinstance(parameters, dict), "xai_parameters")
    images = [_image(cell) for cell in rows.cells]
    return images, _request(parameters) if wanted else None


def _request(parameters: dict[str, Any]) -> XaiRequest:
    known = {field.name for field in fields(XaiRequest)}
    for name in parameters:
        # Unknown names reach the scorer's own arguments, which do not have them.
        _require(name in known, name)
    return XaiRequest(**parameters)


def _row(cell: str) -> dict[str, Any]:
    try:
        row = json.loads(cell)
    except (ValueError, RecursionError):
        return {}
    return row if isinstance(row, dict) else {}


def _image(cell: str) -> str:
    image = _row(cell).get(_IMAGE)
    if not isinstance(image, str):
        raise ScoringFailed("a row is no explainability row, and the row labelled 0 is one")
    return image


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _require(holds: bool, name: str) -> None:
    if not holds:
        raise ScoringFailed(f"bad value or unknown name: {name[:60]}")

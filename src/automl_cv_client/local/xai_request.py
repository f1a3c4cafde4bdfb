"""Reads explainability rows: JSON strings that hold an image and what to explain about it (§5, §11). No I/O."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, NamedTuple

from automl_cv_client.local.rows import Rows, ScoringFailed

_IMAGE = "image_base64"
_ALGORITHMS = ("xrai", "integrated_gradients", "guided_gradcam", "guided_backprop")
_APPROXIMATIONS = ("riemann_middle", "riemann_left", "riemann_right", "riemann_trapezoid", "gausslegendre")
_TRUE = ("y", "yes", "t", "true", "on", "1")
_FALSE = ("n", "no", "f", "false", "off", "0")

_TAKEN = (
    *("model", "mini_batch", "score_with_model", "model_explainability", "model_wrapper", "run", "xai_method"),
    *("target_path", "output_file", "root_dir", "image_list_file", "labeled_dataset_file", "device", "num_workers"),
)
"""Parameters reach the scorer as keyword arguments. It ignores names it does not know, and fails on those it has
given itself (§11 has seen it with ``device``)."""


@dataclass(frozen=True, kw_only=True)
class XaiRequest:
    """What a request asks to have explained, with the service's defaults. A bad value is a 500, in any algorithm.

    Attributes:
        xai_algorithm: one of the four methods; None stands for ``xrai``.
        visualizations: whether a PNG is wanted.
        attributions: whether the array ``[3, crop, crop]`` is wanted.
        confidence_score_threshold_multilabel: multi-label: explain the classes with a probability above this; a
            number, or a text that is one.
        n_steps: steps of integrated gradients and XRAI, at least 2.
        approximation_method: how integrated gradients sums its steps.
        xrai_fast: XRAI's quicker way.
    """

    xai_algorithm: str = "xrai"
    visualizations: bool = True
    attributions: bool = False
    confidence_score_threshold_multilabel: Any = 0.5
    n_steps: int = 50
    approximation_method: str = "riemann_middle"
    xrai_fast: Any = True

    def __post_init__(self) -> None:
        _require(self.xai_algorithm in _ALGORITHMS, "xai_algorithm")
        _require(self.approximation_method in _APPROXIMATIONS, "approximation_method")
        for name in ("visualizations", "attributions"):
            _require(isinstance(getattr(self, name), bool), name)
        _require(isinstance(self.n_steps, int) and self.n_steps >= 2, "n_steps")

    @property
    def threshold(self) -> float:
        """The multi-label threshold as a number; a bad one fails only where it is used."""
        try:
            return float(self.confidence_score_threshold_multilabel)
        except (TypeError, ValueError):
            raise ScoringFailed("bad value: confidence_score_threshold_multilabel") from None


class XaiRows(NamedTuple):
    """The base64 of every row, and what the row labelled 0 asks for all of them; None for plain scores."""

    cells: list[str]
    request: XaiRequest | None


def is_json(cell: str) -> bool:
    """Whether a cell is JSON of any kind rather than plain base64. The row labelled 0 decides for all.

    ``1234`` and ``null`` are both base64 and JSON: the service takes them for explainability rows, and fails.
    """
    try:
        json.loads(cell)
    except (ValueError, RecursionError):
        return False
    return True


def read_xai_rows(rows: Rows) -> XaiRows:
    """What explainability rows hold.

    Raises:
        ScoringFailed: a parameter has a bad value or a name the scorer has taken, or a row is no such row.
    """
    cells = [_image(cell) for cell in rows.cells]
    leading = json.loads(rows.first)
    wanted = _truth(leading.get("model_explainability", False))
    parameters = leading.get("xai_parameters", {})
    _require(isinstance(parameters, dict), "xai_parameters")
    for name in parameters:
        _require(name not in _TAKEN, name)
    return XaiRows(cells, _request(parameters) if wanted else None)


def _request(parameters: dict[str, Any]) -> XaiRequest:
    known = {name: value for name, value in parameters.items() if name in XaiRequest.__dataclass_fields__}
    if known.get("xai_algorithm", "") is None:
        del known["xai_algorithm"]
    return XaiRequest(**known)


def _image(cell: str) -> str:
    try:
        image = json.loads(cell)[_IMAGE]
    except (ValueError, RecursionError, TypeError, KeyError):
        image = None
    if not isinstance(image, str):
        raise ScoringFailed("a row is no explainability row, and the row labelled 0 is one")
    return image


def _truth(value: object) -> bool:
    """True and false as the service reads them: in words or numbers, too."""
    text = str(value).lower()
    _require(text in _TRUE + _FALSE, "model_explainability")
    return text in _TRUE


def _require(holds: bool, name: str) -> None:
    if not holds:
        raise ScoringFailed(f"bad value or name: {name[:60]}")

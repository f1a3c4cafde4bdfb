"""What to explain and how, checked, and the request that asks for it: values in, body bytes out; no I/O.

Each row of such a request is a JSON *string* that holds JSON. Base64 has no character that either level of JSON
escapes, so, as for plain scores, a body is a template around the image.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from automl_cv_client._options_base import Options
from automl_cv_client._protocol.requests import Dialect, around, check_count
from automl_cv_client.errors import InvalidInput, UnsupportedTask
from automl_cv_client.task import Task

Algorithm = Literal["xrai", "integrated_gradients", "guided_gradcam", "guided_backprop"]
"""The service's four methods; the last two fail on vision transformers."""

Approximation = Literal["riemann_middle", "riemann_left", "riemann_right", "riemann_trapezoid", "gausslegendre"]

_Flag = Annotated[bool, Field(strict=True)]  # the service takes JSON booleans only, and fails on anything else


class XaiParameters(Options, frozen=True):
    """How an explanation is made, with the service's names, defaults and bounds. Frozen.

    A value out of bounds raises InvalidInput, which names what is allowed; nothing is sent.
    Source: the reference of AutoML's data schemas, "Data format for online scoring and explainability".

    Attributes:
        algorithm: ``"xrai"`` (regions, the slowest), ``"integrated_gradients"`` (pixels, sums to the change of the
            probability), ``"guided_gradcam"`` or ``"guided_backprop"`` (edges, the quickest; not for transformers).
        visualizations: whether to send the service's own figure, a PNG of 1 to 2 MB a class.
        attributions: whether to send the numbers, ``[3, 224, 224]`` by default: about 3.5 MB of JSON a class.
        confidence_score_threshold_multilabel: 0 to 1; multi-label only: classes with a probability strictly above
            it are explained. Each takes as long as one image by itself.
        n_steps: steps of the path integral, 2 or more; ``xrai`` and ``integrated_gradients`` only.
        approximation_method: rule of that integral; ``integrated_gradients`` only.
        xrai_fast: the quicker, coarser way of ``xrai``.
    """

    algorithm: Algorithm = "xrai"
    visualizations: _Flag = True
    attributions: _Flag = False
    confidence_score_threshold_multilabel: Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)] = 0.5
    n_steps: Annotated[int, Field(strict=True, ge=2)] = 50
    approximation_method: Approximation = "riemann_middle"
    xrai_fast: _Flag = True

    def on_the_wire(self, task: Task) -> dict[str, Any]:
        """The service's keys that bear on this task and algorithm; it fails on keys it does not know.

        >>> XaiParameters(algorithm="guided_backprop").on_the_wire(Task.CLASSIFICATION)
        {'xai_algorithm': 'guided_backprop', 'visualizations': True, 'attributions': False}
        """
        keys = {"visualizations", "attributions"}
        if task is Task.MULTILABEL:
            keys.add("confidence_score_threshold_multilabel")
        if self.algorithm in ("xrai", "integrated_gradients"):
            keys.add("n_steps")
        if self.algorithm == "integrated_gradients":
            keys.add("approximation_method")
        if self.algorithm == "xrai":
            keys.add("xrai_fast")
        chosen = {name: value for name, value in self.model_dump().items() if name in keys}
        return {"xai_algorithm": self.algorithm, **chosen}


def check_explainable(task: Task) -> None:
    """Raises UnsupportedTask for detection and segmentation, which the service answers with plain scores."""
    if not task.explainable:
        raise UnsupportedTask(
            f"the service does not explain {task.value}, only image-classification and "
            f"image-classification-multilabel: use {task.method} for plain scores"
        )


def explaining_body(
    images: Sequence[bytes], parameters: XaiParameters, task: Task, dialect: Dialect = "automl"
) -> bytes:
    """The body that asks for scores with explanations of one or several encoded images, none for plain scores.

    Rows of the two kinds are never mixed: the first row decides the mode and the parameters of all.

    Raises:
        InvalidInput: no image, several in a dialect that takes one, or a dialect that has no explanations.
        UnsupportedTask: the task has none.
    """
    check_explainable(task)
    check_count(images, dialect)
    wanted = {"model_explainability": True, "xai_parameters": parameters.on_the_wire(task)}
    after = json.dumps(wanted)[1:]  # ends the object that the row's template begins
    if dialect == "automl":
        quoted = json.dumps(after)[1:-1]
        before, between = '{\\"image_base64\\": \\"', f'\\", {quoted}'
        opening, closing = '{"input_data":{"columns":["image"],"data":["', '"]}}'
        return around(f"{opening}{before}".encode(), images, f"{between}{closing}".encode(),
                      f'{between}","{before}'.encode())  # fmt: skip
    if dialect == "legacy":
        return around(b'{"image": "', images, f'", {after}'.encode())
    hint = "dialect='legacy'" if dialect == "legacy-raw" else "a model that AutoML itself trained"
    raise InvalidInput(f"endpoints of the dialect {dialect!r} cannot explain: use {hint}")

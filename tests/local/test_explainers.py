"""The local endpoint explains for real: real models, real photos, through the client."""

from __future__ import annotations

import base64
import io
import json
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from automl_cv_client import Client, Explanation, XaiParameters
from automl_cv_client.local.classification import Classifier
from automl_cv_client.local.explainers import OcclusionExplainer
from automl_cv_client.local.gradients import class_names, gradients, normalised, probabilities
from automl_cv_client.local.integrated import integrated_gradients, rule
from automl_cv_client.local.preprocessing import centre_crop, view_box
from automl_cv_client.local.segments import SEEDS_A_SIDE, segmentations
from automl_cv_client.local.xai_request import XaiRequest
from automl_cv_client.local.xrai import by_region
from automl_cv_client.results._model_view import model_view
from tests.conftest import PHOTOS
from tests.local.conftest import CLASSIFICATION, DETECTION, MULTILABEL, SEGMENTATION, Caller, photo, scoring

ALGORITHMS = ("xrai", "integrated_gradients", "guided_gradcam", "guided_backprop")
CAT, COFFEE = PHOTOS / "chelsea.png", PHOTOS / "coffee.png"
Maps = dict[tuple[str, str], Explanation]


def ask(caller: Caller, task: str, method: str, *args: Any) -> Any:
    with Client(caller.endpoint.scoring_uri_of(task), caller.endpoint.key) as client:
        return getattr(client, method)(*args)


@pytest.fixture(scope="session")
def maps(caller: Caller) -> Maps:
    """Each algorithm on two photos; integrated gradients with 100 steps on the cat, fewer elsewhere."""
    found: Maps = {}
    for image in (CAT, COFFEE):
        for algorithm in ALGORITHMS:
            steps = 100 if (image, algorithm) == (CAT, "integrated_gradients") else 16
            parameters = XaiParameters(algorithm=algorithm, attributions=True, n_steps=steps)  # type: ignore[arg-type]
            found[image.name, algorithm] = ask(caller, CLASSIFICATION, "explain", image, parameters).explanation
    return found


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_each_algorithm_has_the_services_shapes(maps: Maps, algorithm: str) -> None:
    explanation = maps["chelsea.png", algorithm]
    assert (explanation.label, explanation.algorithm) == ("Egyptian cat", algorithm)
    assert explanation.score == pytest.approx(0.71, abs=0.03)
    attributions: Any = explanation.attributions
    assert (attributions.shape, attributions.dtype) == ((3, 224, 224), np.float32)
    assert np.isfinite(attributions).all()
    assert explanation.visualization is not None
    assert (explanation.visualization.format, explanation.visualization.mode, explanation.visualization.size) == (
        "PNG",
        "RGBA",
        (1157, 1181),
    )
    assert explanation.sent_visualization is not None
    assert 0.5e6 < len(explanation.sent_visualization) < 4e6


def test_integrated_gradients_sum_to_the_change_of_the_probability(maps: Maps) -> None:
    with Image.open(CAT) as image:
        picked = normalised(np.asarray(centre_crop(image.convert("RGB"))))
    target = class_names().index("Egyptian cat")
    change = probabilities(picked)[0, target] - probabilities(np.zeros_like(picked))[0, target]
    attributions = maps["chelsea.png", "integrated_gradients"].attributions
    assert attributions is not None
    assert attributions.sum(dtype=np.float64) == pytest.approx(change, rel=0.02)


def test_the_gradient_is_that_of_the_probability() -> None:
    with Image.open(CAT) as image:
        picked = normalised(np.asarray(centre_crop(image.convert("RGB"))))
    target = class_names().index("Egyptian cat")
    slope = gradients(picked, target)
    step = 0.01 * slope / np.linalg.norm(slope)
    up, down = probabilities(picked + step)[0, target], probabilities(picked - step)[0, target]
    assert (up - down) / 2 == pytest.approx(0.01 * float(np.linalg.norm(slope)), rel=0.05)


@pytest.mark.parametrize(
    "method", ["riemann_middle", "riemann_left", "riemann_right", "riemann_trapezoid", "gausslegendre"]
)
def test_each_rule_integrates(method: str) -> None:
    places, weights = rule(50, method)
    assert weights.sum() == pytest.approx(1)
    assert weights @ places**2 == pytest.approx(1 / 3, abs=0.011)
    two = rule(2, method)
    assert len(two[0]) == 2
    assert two[1].sum() == pytest.approx(1)


def test_the_method_reaches_the_integral() -> None:
    with Image.open(CAT) as image:
        picked = normalised(np.asarray(centre_crop(image.convert("RGB"))))
    left, right = (integrated_gradients(picked, 285, 2, method) for method in ("riemann_left", "riemann_right"))
    assert not np.allclose(left, right)


def test_xrai_is_constant_within_regions(maps: Maps) -> None:
    attributions = maps["chelsea.png", "xrai"].attributions
    assert attributions is not None
    assert (attributions[0] == attributions[1]).all()
    values, counts = np.unique(attributions[0], return_counts=True)
    assert 20 < len(values) < 600
    assert counts.min() >= 25
    # Neighbours are mostly of one region: a map of single pixels would have next to no equal neighbours.
    assert (np.diff(attributions[0], axis=1) == 0).mean() > 0.6


@pytest.mark.parametrize("fast", [True, False])
def test_regions_get_the_mean_of_their_values(fast: bool) -> None:
    values = np.zeros((20, 20), np.float32)
    values[:10] = 2
    values[:10, :10] = 6
    halves = np.repeat([[0], [1]], 10, axis=0).repeat(20, axis=1)
    quarters = halves * 2 + np.repeat([[0, 1]], 10, axis=1).repeat(20, axis=0)
    assert np.array_equal(by_region(values, [halves, quarters], fast=fast), values)


def test_segments_go_from_fine_to_coarse() -> None:
    with Image.open(CAT) as image:
        view = centre_crop(image.convert("RGB"))
    levels = segmentations(view)
    assert [len(np.unique(labels)) for labels in levels] == pytest.approx([n * n for n in SEEDS_A_SIDE], rel=0.1)
    pixels = np.asarray(view, np.float32)
    within = [sum(pixels[labels == picked].var(axis=0).sum() * (labels == picked).sum() for picked in np.unique(labels))
              for labels in levels]  # fmt: skip
    assert within == sorted(within)  # finer regions are more of one color
    blocks = np.arange(224)[:, None] // 16 * 14 + np.arange(224)[None] // 16
    plain = sum(pixels[blocks == picked].var(axis=0).sum() * 256 for picked in range(196))
    assert within[1] < 0.8 * plain  # than squares of the same number


@pytest.mark.parametrize("photo", ["chelsea.png", "coffee.png"])
def test_the_algorithms_differ(maps: Maps, photo: str) -> None:
    for combination, other in combinations(ALGORITHMS, 2):
        a, b = (maps[photo, algorithm].heatmap("signed").ravel() for algorithm in (combination, other))
        assert np.corrcoef(a, b)[0, 1] < 0.9


def seen(explanation: Explanation, painted: Image.Image) -> Any:
    """A mask of the image as the model's crop sees it."""
    view, mask = explanation.view, np.asarray(painted)
    rows = view.top + (np.arange(224) + 0.5) * view.height / 224
    columns = view.left + (np.arange(224) + 0.5) * view.width / 224
    return mask[np.ix_(rows.astype(int), columns.astype(int))] > 0


def share(explanation: Explanation, mask: Any) -> float:
    """How much of the positive attribution lies in a mask."""
    assert explanation.attributions is not None
    positive = np.maximum(explanation.attributions.sum(axis=0), 0)
    return float(positive[mask].sum() / positive.sum())


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_hot_region_lies_on_the_object(caller: Caller, maps: Maps, algorithm: str) -> None:
    # The cat's box fills the whole crop, so the cat is also measured by its outline, and the box by the cup.
    cat, cup = maps["chelsea.png", algorithm], maps["coffee.png", algorithm]
    canvas = Image.new("L", cat.image.size)
    (outline,) = ask(caller, SEGMENTATION, "segment", CAT)
    for segment in outline.pixel_polygons:
        ImageDraw.Draw(canvas).polygon(segment, fill=255)
    mask = seen(cat, canvas)
    assert 0.8 < mask.mean() < 0.95
    assert share(cat, mask) > mask.mean()
    for picked, source, label in ((cat, CAT, "cat"), (cup, COFFEE, "cup")):
        canvas = Image.new("L", picked.image.size)
        ImageDraw.Draw(canvas).rectangle(ask(caller, DETECTION, "detect", source).with_labels(label)[0].pixel_box, 255)
        box = seen(picked, canvas)
        assert share(picked, box) >= box.mean()
    assert share(cup, box) > 1.2 * box.mean()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_overlay_is_the_users_image(maps: Maps, algorithm: str) -> None:
    picked = maps["chelsea.png", algorithm]
    drawn = picked.overlay()
    assert drawn.size == (451, 300)
    changed = np.abs(np.asarray(drawn, int) - np.asarray(picked.overlay(opacity=0), int)).sum(axis=2) > 0
    left, top, right, bottom = (round(edge) for edge in picked.view)
    assert changed[top:bottom, left:right].mean() > 0.2
    changed[top:bottom, left:right] = False
    assert not changed.any()


@pytest.mark.parametrize("size", [(451, 300), (300, 451), (224, 224), (1000, 260), (40, 31)])
def test_client_and_endpoint_agree_on_the_crop(size: tuple[int, int]) -> None:
    here = view_box(size)
    there = model_view(size, size, (224, 224))  # type: ignore[arg-type]
    assert there == pytest.approx(here)


def test_multilabel_is_explained_class_by_class(caller: Caller) -> None:
    found = ask(caller, MULTILABEL, "explain_multilabel", COFFEE, XaiParameters(attributions=True))
    assert [explanation.label for explanation in found.explanations] == ["cup", "dining table"]
    cup, table = found.explanations
    assert cup.attributions.shape == (3, 224, 224)
    assert cup.visualization.size == (1157, 1181)
    assert not np.allclose(cup.attributions, table.attributions)
    canvas = Image.new("L", cup.image.size)
    ImageDraw.Draw(canvas).rectangle(ask(caller, DETECTION, "detect", COFFEE).with_labels("cup")[0].pixel_box, 255)
    box = seen(cup, canvas)
    assert share(cup, box) > 1.2 * box.mean()


def test_multilabel_at_the_threshold_none_and_neither(caller: Caller) -> None:
    def labels(threshold: float) -> list[str]:
        neither = XaiParameters(
            visualizations=False, attributions=False, confidence_score_threshold_multilabel=threshold
        )
        return [
            explanation.label
            for explanation in ask(caller, MULTILABEL, "explain_multilabel", CAT, neither).explanations
        ]

    exactly = ask(caller, MULTILABEL, "classify_multilabel", CAT).top(1)[0].score
    assert labels(1.0) == []
    assert labels(exactly) == []
    assert labels(exactly - 0.01) == ["cat"]


@pytest.mark.slow  # some 80 scorings; the multi-label test shows occlusion in the normal run
def test_a_classifier_without_gradients_is_explained_too() -> None:
    """As a user's own ONNX model would be: the demo classifier, of which only the probabilities are used."""
    explainer = OcclusionExplainer(Classifier(), multilabel=False)
    request = XaiRequest(visualizations=False, attributions=True)
    with Image.open(CAT) as image:
        (row,) = explainer.explain([image.convert("RGB")], request)
    attributions = np.asarray(row["attributions"], np.float32)
    assert attributions.shape == (3, 224, 224)
    assert row["visualizations"] is None
    assert "occlusion" in explainer.method(request)
    assert explainer.method(request).isascii()
    target = int(np.argmax(row["probs"]))
    # What the map says is true: hiding the strongest place costs more than hiding the weakest.
    summed = attributions.sum(axis=0)
    with Image.open(CAT) as image:
        view = centre_crop(image.convert("RGB"))
    left = {}
    for name, place in (("strongest", summed.argmax()), ("weakest", summed.argmin())):
        y, x = divmod(int(place), 224)
        covered = view.copy()
        covered.paste((128, 110, 100), (x - 40, y - 40, x + 40, y + 40))
        left[name] = probabilities(normalised(np.asarray(covered)))[0, target]
    assert left["strongest"] < left["weakest"]


def wire(caller: Caller, task: str, **parameters: Any) -> Any:
    row = {"image_base64": photo("chelsea.png"), "model_explainability": True, "xai_parameters": parameters}
    return caller.post(scoring(json.dumps(row)), task)


@pytest.mark.parametrize("task", [CLASSIFICATION, MULTILABEL])
def test_parts_not_asked_for_are_null(caller: Caller, task: str) -> None:
    reply = wire(caller, task, xai_algorithm="guided_backprop", visualizations=False)
    (row,) = reply.json()
    nothing = None if task == CLASSIFICATION else [None]
    assert (row["visualizations"], row["attributions"]) == (nothing, nothing)
    said = reply.headers["x-automl-cv-explainer"]
    assert said == "guided_backprop" if task == CLASSIFICATION else said.startswith("occlusion")
    if task == MULTILABEL:
        (row,) = wire(caller, task, confidence_score_threshold_multilabel=1.0).json()
        assert (row["visualizations"], row["attributions"]) == (None, None)


def test_the_figure_has_four_panels(maps: Maps) -> None:
    text = maps["coffee.png", "xrai"].sent_visualization
    assert text is not None
    with Image.open(io.BytesIO(base64.b64decode(text))) as figure:
        pixels = np.asarray(figure.convert("RGB"), float)
    panels = [pixels[top : top + 520, left : left + 520] for top in (76, 646) for left in (39, 598)]
    for combination, other in combinations(panels, 2):
        assert np.abs(combination - other).mean() > 5
    assert (pixels[:70, :5] == 255).all()

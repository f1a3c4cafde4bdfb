"""A user's own ONNX classifier behind the local endpoint: real files, real HTTP, through the client."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto
from PIL import Image

from automl_cv_client import Client, XaiParameters
from automl_cv_client.errors import InvalidInput
from automl_cv_client.local import LocalEndpoint
from automl_cv_client.local.preprocessing import centre_crop, view_box
from tests.conftest import PHOTOS
from tests.local.conftest import CLASSIFICATION, MULTILABEL, Caller, encode, scoring, to_bytes
from tests.onnx_models import COLOURS, write_color_model, write_echo_model

NUMBERS = XaiParameters(attributions=True)


def ask(endpoint: LocalEndpoint, method: str, *args: Any) -> Any:
    with Client(endpoint.scoring_uri, endpoint.key) as client:
        return getattr(client, method)(*args)


def plain(color: str) -> Image.Image:
    return Image.new("RGB", (90, 70), color)


@pytest.fixture
def patch() -> Image.Image:
    """Grey, 200 x 160; a red patch right of the middle, inside what the model sees."""
    image = Image.new("RGB", (200, 160), (120, 120, 120))
    image.paste((250, 10, 10), (115, 50, 155, 110))
    return image


def normalised_means(image: Image.Image) -> Any:
    """Each channel's mean as the model gets it, by other means than the package's."""
    means = np.asarray(image, float).mean(axis=(0, 1)) / 255
    return (means - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]


@pytest.mark.parametrize(("side", "together"), [(64, "batch"), (64, 1), (64, 4), (224, 1), ("rows", "batch")])
def test_a_model_of_any_size_names_the_color(tmp_path: Path, side: int | str, together: int | str) -> None:
    model = write_color_model(tmp_path, side=side, together=together, times=1)
    with LocalEndpoint(CLASSIFICATION, model=model) as endpoint:
        for place, color in enumerate(("red", "lime", "blue")):
            found = ask(endpoint, "classify", plain(color))
            logits = normalised_means(plain(color))
            softmax = np.exp(logits) / np.exp(logits).sum()
            assert found.label == COLOURS[place]
            assert found.score == pytest.approx(softmax[place], abs=1e-5)


def test_several_labels_are_sigmoids_of_their_own(tmp_path: Path) -> None:
    model = write_color_model(tmp_path, times=1)
    with LocalEndpoint(MULTILABEL, model=model) as endpoint:
        found = ask(endpoint, "classify_multilabel", plain("yellow"))
        explained = ask(endpoint, "explain_multilabel", plain("yellow"), NUMBERS)
    sigmoid = 1 / (1 + np.exp(-normalised_means(plain("yellow"))))
    scores = found.as_dict()
    assert [scores[name] for name in COLOURS] == pytest.approx(sigmoid.tolist(), abs=1e-5)
    assert [explanation.label for explanation in explained.explanations] == ["red", "green"]


def test_logits_of_any_size_give_probabilities(tmp_path: Path) -> None:
    model = write_color_model(tmp_path, times=1e6)
    for task, method in ((CLASSIFICATION, "classify"), (MULTILABEL, "classify_multilabel")):
        with LocalEndpoint(task, model=model) as endpoint:
            scores = ask(endpoint, method, plain("red")).as_dict()
        assert scores == {"red": 1.0, "green": 0.0, "blue": 0.0}


def test_the_demo_classifiers_preparation_is_the_exported_models(tmp_path: Path) -> None:
    """Another size is the same view: the means of a photo's crop hardly depend on it."""
    with Image.open(PHOTOS / "chelsea.png") as image:
        photo = image.convert("RGB")
    crops = [centre_crop(photo, round(side * 256 / 224), side) for side in (64, 224, 448)]
    views = [np.asarray(crop, float).mean(axis=(0, 1)) for crop in crops]
    assert [view.shape for view in views] == [(3,)] * 3
    assert np.abs(views[0] - views[1]).max() < 1.5
    assert np.abs(views[2] - views[1]).max() < 1.5
    assert view_box(photo.size, 128, 112) == pytest.approx(view_box(photo.size), abs=2)


@pytest.mark.parametrize("side", [64, 224])
def test_the_map_is_hot_where_the_red_is(tmp_path: Path, patch: Image.Image, side: int) -> None:
    with LocalEndpoint(CLASSIFICATION, model=write_color_model(tmp_path, side=side)) as endpoint:
        why = ask(endpoint, "explain", patch, NUMBERS).explanation
    assert why.label == "red"
    assert why.attributions.shape == (3, side, side)
    assert why.visualization.size == (1157, 1181)
    assert why.overlay(patch).size == patch.size
    values = np.clip(why.attributions.sum(axis=0), 0, None)
    # Where the patch is in the view, in its pixels.
    left, top, right, _ = why.view
    unit = side / (right - left)
    rows = slice(round((50 - top) * unit), round((110 - top) * unit))
    columns = slice(round((115 - left) * unit), round((155 - left) * unit))
    hot = values[rows, columns]
    assert hot.mean() > 3 * values.mean()
    y, x = np.unravel_index(values.argmax(), values.shape)
    assert rows.start <= y < rows.stop
    assert columns.start <= x < columns.stop


@pytest.mark.parametrize("task", [CLASSIFICATION, MULTILABEL])
def test_the_header_says_how_it_was_explained(tmp_path: Path, task: str) -> None:
    parameters = {"xai_algorithm": "guided_gradcam", "visualizations": False, "attributions": True}
    row = {"image_base64": encode(to_bytes(plain("red"), "PNG")), "model_explainability": True}
    with LocalEndpoint(task, model=write_color_model(tmp_path)) as endpoint:
        caller = Caller(endpoint)
        with caller.http:
            reply = caller.post(scoring(json.dumps(row | {"xai_parameters": parameters})), task)
            scores = caller.post(scoring(row["image_base64"]), task)
    told = "occlusion (no gradient in this model; asked for guided_gradcam)"
    assert reply.headers["x-automl-cv-explainer"] == told
    assert reply.json()[0]["labels"] == COLOURS
    assert "x-automl-cv-explainer" not in scores.headers


def test_labels_may_lie_elsewhere_and_be_of_any_script(tmp_path: Path) -> None:
    model = write_color_model(tmp_path)
    elsewhere = tmp_path / "names.json"
    elsewhere.write_text('["rød", "grøn", "青"]', encoding="utf-8")
    with LocalEndpoint(CLASSIFICATION, model=str(model), labels=str(elsewhere)) as endpoint:
        assert ask(endpoint, "classify", plain("blue")).label == "青"


def test_an_endpoint_with_an_own_model_starts_again(tmp_path: Path) -> None:
    endpoint = LocalEndpoint(CLASSIFICATION, model=write_color_model(tmp_path))
    for _ in range(2):
        with endpoint:
            assert ask(endpoint, "classify", plain("red")).label == "red"


def refused(task: str | None = CLASSIFICATION, **options: Any) -> str:
    with pytest.raises(InvalidInput) as caught:
        LocalEndpoint(task, **options)
    return str(caught.value)


def test_an_own_model_needs_its_task_and_labels_a_model(tmp_path: Path) -> None:
    model = write_color_model(tmp_path)
    assert "needs its task, one of image-classification, image-class" in refused(None, model=model)
    assert "give its file, too" in refused(labels=tmp_path / "labels.json")


def test_files_that_are_not_there_are_named(tmp_path: Path) -> None:
    assert "no model file" in refused(model=tmp_path / "none.onnx")
    assert "no model file" in refused(model=tmp_path)
    model = write_color_model(tmp_path)
    assert "no labels file" in refused(model=model, labels=tmp_path / "none.json")
    (tmp_path / "labels.json").unlink()
    assert f"no labels file {tmp_path / 'labels.json'}" in refused(model=model)


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x89PNG\r\n\x1a\n" + bytes(100), b"cut"])
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, content: bytes) -> None:
    model = write_color_model(tmp_path)
    model.write_bytes(model.read_bytes()[:80] if content == b"cut" else content)
    assert "is no ONNX model that can be read" in refused(model=model)


@pytest.mark.parametrize("text", ["", "[]", '{"0": "red"}', '["red", 2, "blue"]', "\udcff", "[" * 100_000])
def test_labels_that_are_no_list_of_names_are_refused(tmp_path: Path, text: str) -> None:
    model = write_color_model(tmp_path)
    (tmp_path / "labels.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    assert "must be a JSON list of names" in refused(model=model)


@pytest.mark.parametrize("names", [["red"], [*COLOURS, "yellow"]])
def test_another_number_of_labels_is_refused(tmp_path: Path, names: list[str]) -> None:
    model = write_color_model(tmp_path)
    (tmp_path / "labels.json").write_text(json.dumps(names))
    assert f"has 3 classes, and there are {len(names)} labels" in refused(model=model)


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        ([1, 3, 600, 800], TensorProto.FLOAT),  # an input as of R-CNN
        ([1, 1, 64, 64], TensorProto.FLOAT),
        ([1, 3, 64], TensorProto.FLOAT),
        ([1, 3, 64, 64], TensorProto.FLOAT16),
    ],
)
def test_a_model_that_takes_something_else_is_refused(tmp_path: Path, shape: list[int | str], kind: int) -> None:
    said = refused(model=write_echo_model(tmp_path, shape, kind))
    assert "it takes input1" in said
    assert "(N, 3, S, S)" in said or "(N, 3, height, width)" in said


def test_a_model_that_gives_something_else_is_refused(tmp_path: Path) -> None:
    said = refused(model=write_echo_model(tmp_path, [1, 3, 64, 64]))
    assert "it gave output1 (1, 3, 64, 64). Expected: a classification model" in said


@pytest.mark.parametrize("normalises", ["", "bytes", "unit"])
@pytest.mark.parametrize("normalized", [None, True, False])
def test_a_graph_that_normalises_by_itself(tmp_path: Path, normalises: str, normalized: bool | None) -> None:
    """Found out from the graph, or said: the scores are those of a graph that does not, and never of other pixels."""
    if bool(normalises) != normalized and normalized is not None:
        return  # the user said what is not so
    model = write_color_model(tmp_path, times=1, normalises=normalises)
    with LocalEndpoint(CLASSIFICATION, model=model, normalized=normalized) as endpoint:
        found = ask(endpoint, "classify", plain("red")).as_dict()
    logits = normalised_means(plain("red"))
    softmax = np.exp(logits) / np.exp(logits).sum()
    assert [found[name] for name in COLOURS] == pytest.approx(softmax.tolist(), abs=1e-5)


def test_resize_and_crop_are_the_trainings(tmp_path: Path) -> None:
    model = write_color_model(tmp_path, side="open", times=1)
    image = Image.new("RGB", (100, 100), "blue")
    image.paste("red", (30, 30, 70, 70))  # what a crop of 40 from 100 sees
    with LocalEndpoint(CLASSIFICATION, model=model, resize=100, crop=40) as endpoint:
        assert ask(endpoint, "classify", image).score > 0.9
    with LocalEndpoint(CLASSIFICATION, model=model, resize=100, crop=100) as endpoint:
        assert ask(endpoint, "classify", image).label == "blue"
    fixed = write_color_model(tmp_path, side=64)
    assert "takes 64 x 64: leave crop out" in refused(model=fixed, crop=224)
    assert "belong to a model of your own" in refused(crop=224)

"""An explanation maps back to the caller's image, and survives pickle, JSON and comparison."""

from __future__ import annotations

import base64
import json
import pickle
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from automl_cv_client import Classification, Explanation, ImageInfo, MultilabelClassification, Size, errors
from automl_cv_client.results._float_map import FloatMap
from automl_cv_client.results._model_view import model_view
from tests.explanations import figure, numbers


def info(width: int, height: int, **known: Any) -> ImageInfo:
    size = Size(width, height)
    return ImageInfo(**{"size": size, "raw_size": size, "sent_size": size, **known})


def explanation(array: Any, image: ImageInfo | None = None, algorithm: str = "xrai") -> Explanation:
    text = json.dumps(array.tolist()).encode()
    return Explanation(
        label="cat",
        score=0.7,
        algorithm=algorithm,
        image=image or info(400, 300),
        sent_attributions=FloatMap.of_text(text),
    )


ONE = explanation(numbers())
WITH_FIGURE = Explanation(
    label="cat", score=0.7, algorithm="xrai", image=info(40, 30), sent_visualization=figure((20, 30)).encode()
)


@pytest.mark.parametrize("single", [ONE, WITH_FIGURE], ids=["numbers", "figure"])
def test_it_survives_pickle_and_json(single: Explanation) -> None:
    probs, labels = (0.7, 0.3), ("cat", "dog")
    image = single.image
    for result in (
        single,
        Classification(image=image, probs=probs, labels=labels, explanation=single),
        MultilabelClassification(image=image, probs=probs, labels=labels, explanations=(single, single)),
    ):
        for again in (
            pickle.loads(pickle.dumps(result)),
            type(result).model_validate_json(result.model_dump_json()),
            type(result).model_validate(result.model_dump()),
            type(result).model_validate(result.model_dump(mode="json")),
        ):
            assert again == result
            assert hash(again) == hash(result)
    assert type(single).model_json_schema()["properties"]["sent_attributions"]


def test_the_explanation_counts_in_a_comparison() -> None:
    same: dict[str, Any] = {"image": info(40, 30), "probs": (0.7, 0.3), "labels": ("cat", "dog")}
    assert Classification(**same, explanation=ONE) != Classification(**same)
    assert explanation(numbers(1)) != ONE


def test_the_numbers_are_read_only() -> None:
    array: Any = ONE.attributions
    assert (array.shape, array.dtype) == ((3, 224, 224), np.float32)
    with pytest.raises(ValueError, match="read-only"):
        array[0, 0, 0] = 1


def test_the_figure_is_decoded_within_limits() -> None:
    image = WITH_FIGURE.visualization
    assert image is not None
    assert (image.size, image.mode) == ((20, 30), "RGBA")
    huge = base64.b64decode(figure((9000, 9000)))
    for text in (b"AAAA", b"no base64!", base64.b64encode(huge), base64.b64encode(huge[:5000])):
        with pytest.raises(errors.UnexpectedReply, match="cannot be read") as caught:
            _ = WITH_FIGURE.model_copy(update={"sent_visualization": text}).visualization
        assert text.decode() not in str(caught.value)


def test_maps() -> None:
    array = np.zeros((3, 10, 10), np.float32)
    array[0, 0, 0], array[1, 0, 0], array[2, 5, 5] = 3, 1, -2
    array[0, 9, 9] = np.nan
    single = explanation(array)
    assert single.heatmap()[0, 0] == 1
    assert single.heatmap()[5, 5] == 0
    assert single.heatmap("signed")[5, 5] < 0
    assert single.heatmap("absolute")[5, 5] > 0
    assert np.isfinite(single.heatmap("absolute")).all()
    assert (explanation(0 * array[:, :5, :5]).heatmap() == 0).all()
    with pytest.raises(errors.InvalidInput, match="positive, absolute, signed"):
        single.heatmap("best")  # type: ignore[arg-type]


@pytest.mark.parametrize("top", [0.001, 0.2, 0.5, 1])
@pytest.mark.parametrize("kind", ["positive", "absolute", "signed"])
def test_the_mask_has_exactly_the_share(top: float, kind: Any) -> None:
    mask = ONE.mask(top, kind)
    assert mask.shape == (224, 224)
    assert mask.sum() == round(top * 224 * 224)
    assert ONE.attributions is not None
    summed = ONE.attributions.sum(axis=0) if kind != "absolute" else np.abs(ONE.attributions).sum(axis=0)
    assert summed[mask].min() >= summed[~mask].max(initial=-np.inf)


@pytest.mark.parametrize("top", [0, 1.1, True, "half"])
def test_a_share_beyond_its_bounds(top: Any) -> None:
    with pytest.raises(errors.InvalidInput, match="share above 0"):
        ONE.mask(top)


def test_the_view_is_the_crop_of_torchvision() -> None:
    view = model_view(Size(451, 300), Size(451, 300), (224, 224))
    # 451 x 300 becomes 384 x 256; of that columns 80 to 304 and rows 16 to 240 are seen.
    assert view == pytest.approx((80 * 451 / 384, 16 * 300 / 256, 304 * 451 / 384, 240 * 300 / 256))
    assert model_view(Size(600, 600), Size(600, 600), (299, 299)).left == pytest.approx(600 * 21 / 342, abs=1.8)


@settings(max_examples=40)
@given(st.integers(30, 700), st.integers(30, 700), st.floats(0.3, 2))
def test_a_spot_comes_back_where_it_was(width: int, height: int, zoom: float) -> None:
    """Resized and cropped as the model's input is made, a spot lies where the overlay puts its attribution."""
    shorter = min(width, height)
    resized = (int(256 * width / shorter), int(256 * height / shorter))
    left, top = round((resized[0] - 224) / 2), round((resized[1] - 224) / 2)
    array = np.zeros((3, 224, 224), np.float32)
    array[:, 60:100, 30:90] = 1
    shown = (max(1, round(width * zoom)), max(1, round(height * zoom)))
    drawn = explanation(array, info(width, height)).overlay(Image.new("RGB", shown), colormap="grey", opacity=1)
    assert drawn.size == shown
    rows, columns = np.nonzero(np.asarray(drawn)[..., 0] > 128)
    across, down = shown[0] / resized[0], shown[1] / resized[1]
    found = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    expected = ((left + 30) * across, (top + 60) * down, (left + 90) * across, (top + 100) * down)
    # Half a pixel of either image: bright means more than half covered.
    assert np.abs(np.subtract(found, expected)).max() <= 0.5 + 0.5 * max(across, down)


def test_what_was_sent_smaller_maps_to_the_users_image() -> None:
    sent = explanation(numbers(), info(4000, 3000, sent_size=Size(400, 300)))
    assert sent.view == model_view(Size(400, 300), Size(4000, 3000), (224, 224))
    assert sent.view.width == pytest.approx(3000 * 224 / 256, rel=0.003)


def test_outside_the_view_the_image_is_dimmed_and_unchanged_input() -> None:
    image = Image.new("RGB", (451, 300), (200, 100, 50))
    drawn = np.asarray(explanation(0 * numbers(), info(451, 300)).overlay(image))
    assert (drawn[150, 225] == (200, 100, 50)).all()
    assert (drawn[5, 5] == (90, 45, 22)).all() or (drawn[5, 5] == (90, 45, 23)).all()
    assert image.getpixel((5, 5)) == (200, 100, 50)


def test_color_maps() -> None:
    image = Image.new("RGB", (300, 300))
    drawn = {name: ONE.overlay(image, colormap=name).tobytes() for name in ("inferno", "viridis", "turbo", "grey")}
    drawn["signed"] = ONE.overlay(image, kind="signed").tobytes()
    assert len(set(drawn.values())) == 5
    with pytest.raises(errors.InvalidInput, match="inferno, viridis, turbo, grey, blue-red"):
        ONE.overlay(image, colormap="jet")
    with pytest.raises(errors.InvalidInput, match="between 0 and 1"):
        ONE.overlay(image, opacity=2)


def opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        image.load()
    return image


def test_saving(tmp_path: Path) -> None:
    image = Image.new("RGB", (400, 300))
    assert opened(ONE.save(tmp_path / "heat.png", image)).size == (400, 300)
    assert np.array_equal(np.load(ONE.save(tmp_path / "heat.npy")), cast(Any, ONE.attributions))
    assert Explanation.model_validate_json(ONE.save(tmp_path / "heat.json").read_bytes()) == ONE
    assert opened(WITH_FIGURE.save(tmp_path / "figure.png")).size == (20, 30)
    assert opened(WITH_FIGURE.save(tmp_path / "figure.jpg")).mode == "RGB"
    with pytest.raises(errors.InvalidInput, match="did not come from a file"):
        ONE.save(tmp_path / "heat.png")
    neither = WITH_FIGURE.model_copy(update={"sent_visualization": None})
    with pytest.raises(errors.InvalidInput, match="XaiParameters"):
        neither.draw()
    for use in (neither.heatmap, neither.overlay, lambda: neither.view):
        with pytest.raises(errors.InvalidInput, match="XaiParameters"):
            use()

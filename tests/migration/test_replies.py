"""Stored replies of an endpoint: what SDK v1's ``run``, ``invoke`` and a POST gave, of every server version."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from automl_cv_client import Classification, Client, Detections, Instances, MultilabelClassification
from automl_cv_client.errors import ImageDropped, ImageError, InvalidInput, UnexpectedReply
from automl_cv_client.evaluation import read_results, write_results
from automl_cv_client.local import LocalEndpoint
from automl_cv_client.migration import Document, from_reply
from automl_cv_client.testing import FakeEndpoint, scores
from automl_cv_client.testing.wire_versions import Version, body_of

PHOTOS = Path(__file__).parents[2] / "samples" / "photos"

CUP = {"label": "cup", "score": 0.9, "box": {"topX": 0.25, "topY": 0.1, "bottomX": 0.75, "bottomY": 0.7}}
DETECTED = [{"boxes": [CUP]}]
CLASSIFIED = [{"probs": [0.2, 0.8], "labels": ["tea", "coffee"]}]
SIZE = (600, 400)


def test_each_task_gives_its_own_result() -> None:
    (cup,) = from_reply(DETECTED, "detect", SIZE)
    assert tuple(cup.pixel_box) == pytest.approx((150, 40, 450, 280))
    assert type(from_reply(CLASSIFIED, "classify", SIZE)) is Classification
    several = from_reply(CLASSIFIED, "classify_multilabel", SIZE, threshold=0.1)
    assert type(several) is MultilabelClassification
    assert len(several.above()) == 2
    outlined = [{"boxes": [{**CUP, "polygon": [[0.25, 0.1, 0.75, 0.1, 0.5, 0.7]]}]}]
    (segment,) = from_reply(outlined, "segment", SIZE)[0].pixel_polygons
    assert segment == pytest.approx((150, 40, 450, 40, 300, 280))


@pytest.mark.parametrize(
    "stored",
    [
        json.dumps(DETECTED),
        json.dumps(DETECTED).encode(),
        json.dumps(json.dumps(DETECTED)),  # invoke, written with json.dump
        str(DETECTED),  # Webservice.run, written with str
        DETECTED[0],  # the old score.py
        json.dumps({"filename": "/tmp/x", **DETECTED[0]}) + "\n",
    ],
)
def test_every_way_to_keep_a_reply_is_read(stored: Any) -> None:
    assert [detection.label for detection in from_reply(stored, "detect", SIZE)] == ["cup"]


@pytest.mark.parametrize(
    "version", ["today", "1.51", "1.47", "legacy", "huggingface", "catalogue-huggingface", "doubly-encoded"]
)
def test_every_server_version_is_read(version: Version) -> None:
    told = from_reply(CLASSIFIED, "classify", SIZE)
    stored = body_of([told], version)
    assert from_reply(stored, "classify", SIZE).as_dict() == told.as_dict()


def test_a_stored_reply_equals_what_the_client_reads() -> None:
    with LocalEndpoint("image-instance-segmentation") as endpoint, Client(endpoint.scoring_uri, endpoint.key) as client:
        now = client.segment(PHOTOS / "coffee.png")
    before = from_reply(body_of([now]), "segment", PHOTOS / "coffee.png")
    assert type(before) is Instances
    assert before == now
    assert before.image.source == now.image.source


def test_several_images_have_an_outcome_each(tmp_path: Path) -> None:
    (tmp_path / "no.jpg").write_text("no image")
    outcomes = from_reply(DETECTED * 3, "detect", [SIZE, PHOTOS / "coffee.png", tmp_path / "no.jpg"])
    assert [outcome.ok for outcome in outcomes] == [True, True, False]
    assert isinstance(outcomes[2].error, ImageError)
    assert [outcome.index for outcome in outcomes] == [0, 1, 2]
    assert from_reply([], "detect", []) == []


def test_rows_that_are_missing_are_never_guessed() -> None:
    for outcome in from_reply(DETECTED, "detect", [SIZE, SIZE]):
        assert isinstance(outcome.error, ImageDropped)
        assert "1 rows for 2 images" in str(outcome.error)
    empty: tuple[Document, ...] = ("[]", "", b" \n", [])
    for stored in empty:
        with pytest.raises(ImageDropped, match="the reply is empty"):
            from_reply(stored, "detect", SIZE)
    with pytest.raises(UnexpectedReply, match="2 rows for 1 image: give the images of the request"):
        from_reply(DETECTED * 2, "detect", SIZE)


@pytest.mark.parametrize(
    ("stored", "problem"),
    [
        (CLASSIFIED, "this endpoint answers with class probabilities: use classify"),
        ({"error": "Model failed to load"}, "it said: Model failed to load"),
        ('{"message": "An unexpected error occurred in scoring script."}', "unexpected error occurred"),
        ("502 Bad Gateway", "is not JSON"),
        ({"boxes": [{"label": "cup"}]}, r"at \[0\].boxes\[0\]"),
        ([{"boxes": {1, 2}}], "is not JSON"),
        (7, "neither a list nor an object"),
        ("[" * 9999, "is not JSON"),
    ],
)
def test_what_is_no_reply_of_the_task_says_what_it_is(stored: Any, problem: str) -> None:
    with pytest.raises(UnexpectedReply, match=problem):
        from_reply(stored, "detect", SIZE)


def test_outlines_of_a_photo_on_its_side_turn_with_it(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 8
    Image.new("RGB", (40, 20)).save(tmp_path / "a.jpg", exif=exif)
    stored = [{"boxes": [{**CUP, "polygon": [[0.25, 0.1, 0.75, 0.1, 0.75, 0.7]]}]}]
    with pytest.raises(InvalidInput, match="orientation 8"):
        from_reply(stored, "segment", tmp_path / "a.jpg")
    (turned,) = from_reply(stored, "segment", tmp_path / "a.jpg", exif="ignored")
    assert turned.polygons_in("raw")[0] == pytest.approx((10, 2, 30, 2, 30, 14))
    assert tuple(turned.box) == pytest.approx((0.1, 0.25, 0.7, 0.75))
    (same,) = from_reply(stored, "segment", tmp_path / "a.jpg", exif="applied")
    assert tuple(same.box) == pytest.approx((0.25, 0.1, 0.75, 0.7))


def test_old_results_are_stored_and_measured_like_new_ones(tmp_path: Path) -> None:
    old = from_reply(DETECTED, "detect", SIZE)
    write_results([("coffee.png", old)], tmp_path / "old.jsonl")
    assert list(read_results(tmp_path / "old.jsonl")) == [("coffee.png", old)]


def test_explanations_stay_as_they_were() -> None:
    stored = [{**CLASSIFIED[0], "visualizations": "iVBOR", "attributions": None}]
    assert from_reply(stored, "classify", SIZE).extra == {"visualizations": "iVBOR"}


def test_the_fake_endpoint_gives_what_is_read() -> None:
    told = from_reply(DETECTED, "detect", SIZE)
    with FakeEndpoint(scores(told), task="image-object-detection").client() as client:
        now = client.detect(Image.new("RGB", SIZE))
    assert type(now) is Detections
    assert now == told

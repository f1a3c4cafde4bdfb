"""Results that an earlier version wrote as JSON or pickled read back, with everything in them.

``old/`` was written once, at commit 7fa86b9, and is not to be written anew: it holds what users have on their disks.
"""

from __future__ import annotations

import json
import math
import pickle
from pathlib import Path
from typing import Any

import pytest

from automl_cv_client import errors, results
from automl_cv_client.results import Failed, Instances, Outcome, Scored

OLD = Path(__file__).with_name("old")
TEXTS: dict[str, str] = json.loads((OLD / "results.json").read_text(encoding="utf-8"))
PICKLES: dict[str, bytes] = pickle.loads((OLD / "results.pickle").read_bytes())
KINDS = {
    "detections": results.Detections,
    "instances": Instances,
    "classification": results.Classification,
    "explained": results.Classification,
    "multilabel": results.MultilabelClassification,
    "explained_multilabel": results.MultilabelClassification,
    "explanation": results.Explanation,
    "image": results.ImageInfo,
    "call": results.CallInfo,
    "health": results.Health,
    "stats": results.Stats,
    "deployment": results.Deployment,
}


def test_every_file_is_read() -> None:
    assert set(TEXTS) == set(KINDS)
    assert set(PICKLES) == set(KINDS) | {"outcome", "failure", "unread"}


@pytest.mark.parametrize("name", KINDS)
def test_json_and_pickle_read_back_and_say_the_same(name: str) -> None:
    kind: Any = KINDS[name]
    read, unpickled = kind.model_validate_json(TEXTS[name]), pickle.loads(PICKLES[name])
    assert isinstance(unpickled, kind)
    assert read.model_dump_json() == unpickled.model_dump_json()
    assert all(getattr(unpickled, field) == getattr(read, field) for field in kind.model_fields if name != "detections")
    assert_still_said(json.loads(TEXTS[name]), json.loads(read.model_dump_json()))
    assert repr(read) == repr(unpickled)


def assert_still_said(before: Any, now: Any) -> None:
    """Everything written then is written now; an object may have learnt more keys since."""
    if isinstance(before, dict):
        assert set(before) <= set(now)
        for key, value in before.items():
            assert_still_said(value, now[key])
    else:
        assert now == before


def test_what_was_read_works() -> None:
    found = pickle.loads(PICKLES["detections"])
    assert found[0].pixel_box == pytest.approx((40, 40, 200, 150))
    assert found[0].extra == {"isCrowd": 0}
    assert math.isnan(found[1].score)
    assert (found.call.deployment, found.image.source, found.image.orientation) == ("blue", "photos/häuser.jpg", 6)
    outlined = pickle.loads(PICKLES["instances"])
    assert outlined[0].area == pytest.approx(17_200)
    explained = pickle.loads(PICKLES["explained"])
    assert explained.explanation.attributions.shape == (3, 2, 2)
    assert explained.explanation.visualization.size == (1, 1)


def test_outcomes_become_one_kind_or_the_other() -> None:
    scored, failed, unread = (pickle.loads(PICKLES[name]) for name in ("outcome", "failure", "unread"))
    assert isinstance(scored, Scored)
    assert isinstance(scored, Outcome)
    assert (scored.ok, scored.index, scored.input, scored.error) == (True, 0, "a.jpg", None)
    found: Any = scored.unwrap()
    assert found[0].label == "cup"
    assert isinstance(failed, Failed)
    assert (failed.ok, failed.index, failed.input, failed.result) == (False, 1, "b.jpg", None)
    assert isinstance(failed.error, errors.Throttled)
    assert (failed.error.status, failed.error.attempts, failed.error.retry_after) == (429, 5, 2.0)
    with pytest.raises(errors.Throttled):
        failed.unwrap()
    assert isinstance(unread.error, errors.ImageError)

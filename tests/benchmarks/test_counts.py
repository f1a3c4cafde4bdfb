"""No path became more than a tenth more expensive, by counts of calls and lines, which no busy machine changes.

After a change that is meant: ``python -m benchmarks.counts --renew``, and read the difference.
"""

from __future__ import annotations

import json

import pytest

from automl_cv_client.geometry import boxes
from benchmarks.counts import STORED, all_counts, counted, too_many


@pytest.fixture(scope="module")
def now() -> dict[str, dict[str, int]]:
    return all_counts()


def test_no_action_became_more_expensive(now: dict[str, dict[str, int]]) -> None:
    found = too_many(now, json.loads(STORED.read_text(encoding="utf-8")))
    assert not found, "\n".join([*found, "if this is meant: python -m benchmarks.counts --renew"])


def test_what_is_stored_is_what_is_counted(now: dict[str, dict[str, int]]) -> None:
    assert json.loads(STORED.read_text(encoding="utf-8")).keys() == now.keys()


def test_it_would_be_found() -> None:
    box = boxes.Box(0.1, 0.1, 0.5, 0.5)

    def once() -> object:
        return [boxes.iou(box, box) for _ in range(100)]

    def twice() -> object:
        return once(), once()

    assert not too_many({"iou": counted(once)}, {"iou": counted(once)})
    assert len(too_many({"iou": counted(twice)}, {"iou": counted(once)})) == 2
    assert too_many({"new": {"calls": 1}}, {}) == ["new: 1 calls, 0 were stored"]

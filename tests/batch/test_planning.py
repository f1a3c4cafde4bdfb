"""Plans: which limit binds, what less would do, and what cannot be; benchmarks/planning.py compares them with runs."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl_cv_client.batch import plan
from automl_cv_client.batch.planning import BYTES_PER_SECOND, CONNECTIONS, REQUESTS_PER_SECOND, Limit
from automl_cv_client.errors import InvalidInput


@pytest.mark.parametrize(
    ("mean_bytes", "instances", "model_ms", "limit"),
    [(20e3, 1, 120, "model"), (400e3, 3, 120, "bandwidth"), (1e3, 4, 1, "round trips"),
     (1e3, 200, 20, "requests per second")],
)  # fmt: skip
def test_the_smallest_rate_is_the_limit(mean_bytes: float, instances: int, model_ms: float, limit: Limit) -> None:
    found = plan(1e6, mean_bytes, instances=instances, model_ms=model_ms)
    assert found.limit == limit
    assert found.limits[limit] == min(found.limits.values())
    assert found.seconds == pytest.approx(1e6 / found.images_per_second)


_SETTING = {
    "mean_bytes": st.floats(100, 1e7),
    "instances": st.integers(1, 400),
    "model_ms": st.floats(1, 5_000),
    "at_once": st.integers(1, 8),
}


@given(**_SETTING)
def test_no_plan_is_beyond_what_an_endpoint_takes(
    mean_bytes: float, instances: int, model_ms: float, at_once: int
) -> None:
    found = plan(1e6, mean_bytes, instances=instances, model_ms=model_ms, at_once=at_once, hour_price=2)
    assert found.images_per_second <= REQUESTS_PER_SECOND
    assert found.bytes_per_second <= BYTES_PER_SECOND
    assert found.images_per_second * model_ms / 1000 <= min(instances * at_once, CONNECTIONS)
    assert found.price == pytest.approx(found.seconds / 3600 * 2 * instances)


@given(**_SETTING)
def test_what_would_be_enough_is(mean_bytes: float, instances: int, model_ms: float, at_once: int) -> None:
    found = plan(1e6, mean_bytes, instances=instances, model_ms=model_ms, at_once=at_once)
    fewer = plan(1e6, mean_bytes, instances=found.enough_instances, model_ms=model_ms, at_once=at_once)
    assert fewer.seconds == pytest.approx(found.seconds)
    if found.enough_instances > 1:
        too_few = plan(1e6, mean_bytes, instances=found.enough_instances - 1, model_ms=model_ms, at_once=at_once)
        assert too_few.seconds > found.seconds
    if found.enough_bytes is not None and found.seconds_then is not None:
        smaller = plan(1e6, found.enough_bytes, instances=instances, model_ms=model_ms, at_once=at_once)
        assert found.limit == "bandwidth"
        assert smaller.seconds == pytest.approx(found.seconds_then, rel=0.01)
        assert found.seconds_then <= found.seconds


def test_the_words_tell_what_to_do() -> None:
    text = plan(1e6, 400e3, instances=3, model_ms=120, hour_price=0.9).text()
    assert "limit      bandwidth" in text
    assert "images of 148 kB take 11 h: 2.7 times as fast" in text
    assert "2 instances would be as fast, for 55.28" in text


@pytest.mark.parametrize(
    ("name", "value"),
    [("images", -1), ("images", 0.5), ("mean_bytes", float("nan")), ("model_ms", 0), ("model_ms", float("inf")),
     ("instances", 0), ("instances", 1.5), ("at_once", True), ("hour_price", -1), ("reply_bytes", "2")],
)  # fmt: skip
def test_a_number_that_cannot_be_is_named(name: str, value: Any) -> None:
    numbers: dict[str, Any] = {"images": 10, "mean_bytes": 1000, "model_ms": 100, name: value}
    with pytest.raises(InvalidInput, match=name):
        plan(**numbers)

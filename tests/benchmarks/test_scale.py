"""The simulation of benchmarks/scale.py: the figures of docs/scale.md are its own, and fit what was measured."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.scale import CAP, IMAGES, RUNS, SERVICE, Sharing, simulated, simulations

PAGE = (Path(__file__).parents[2] / "docs" / "scale.md").read_text(encoding="utf-8")
LEAST = IMAGES * SERVICE / CAP  # seconds, of an endpoint that is full all the time


@pytest.mark.parametrize(("name", "processes", "per_call", "sharing"), RUNS, ids=[name for name, *_ in RUNS])
def test_the_page_says_what_it_says_and_what_was_measured_is_within_10_percent(
    name: str, processes: int, per_call: int | None, sharing: Sharing
) -> None:
    (row,) = re.findall(
        rf"^\| {re.escape(name)} \| ([\d.]+)–([\d.]+) \| ([\d., ]+) \| ([\d.]+) % \|$", PAGE, re.MULTILINE
    )
    said = simulations(IMAGES, processes=processes, per_call=per_call, sharing=sharing)
    assert (said.low, said.high) == pytest.approx((float(row[0]), float(row[1])), rel=0.02)
    assert 100 * said.refused == pytest.approx(float(row[3]), abs=0.3)
    for seconds in map(float, row[2].split(",")):
        assert 0.9 <= said.miss(seconds) <= 1.1


@pytest.mark.parametrize("sharing", ["divided", "shared"])
@pytest.mark.parametrize("processes", [1, 2, 4])
def test_what_is_shared_is_used(processes: int, sharing: Sharing) -> None:
    seen = simulated(IMAGES, processes=processes, sharing=sharing)
    assert LEAST <= seen.seconds <= 1.15 * LEAST
    assert seen.refused <= (0 if sharing == "divided" and processes > 1 else 0.03)


def test_every_image_is_answered_once_whatever_the_numbers() -> None:
    for images in (1, 7, 100):
        for processes in (1, 3, 9):
            seen = simulated(images, cap=2, processes=processes, per_call=5)
            assert 0 < seen.share <= 1
            assert 0 <= seen.refused < 0.9

"""What an endpoint takes is found out, used, and found again when it grows. Ratios within one run, no seconds."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any

import pytest

from automl_cv_client._imaging.encoding import grey_png
from tests.capped import CappedServer, capped
from tests.conftest import Caller

TINY = grey_png(4)
RAMP, MEASURED = 10.0, 4.0


def rates(call: Caller, server: CappedServer, concurrency: int, grown: int | None = None) -> list[tuple[float, float]]:
    """(good answers a second, share refused) after the ramp; then the same after the cap has grown."""
    started = time.monotonic()
    found: list[tuple[float, float]] = []

    def enough() -> bool:
        now = time.monotonic()
        if now - started < (RAMP + MEASURED) * (1 + len(found)):
            return False
        statuses = server.statuses(now - MEASURED)
        found.append((statuses[200] / MEASURED, statuses[429] / statuses.total()))
        server.cap = grown or server.cap
        return len(found) == (1 if grown is None else 2)

    def use(client: Any) -> Any:
        outcomes = client.detect_many(itertools.repeat(TINY), ordered=False, concurrency=concurrency)
        if not call.awaited:
            for _ in outcomes:
                if enough():
                    break
            outcomes.close()
            return None

        async def all_of_them() -> None:
            async for _ in outcomes:
                if enough():
                    break
            await outcomes.aclose()

        return all_of_them()

    call.using(server.url, use)
    return found


@pytest.mark.bar(8)
@pytest.mark.slow
@pytest.mark.parametrize("cap", [2, 6])  # 20 and 40: benchmarks/saturation.py, with the server elsewhere
def test_an_unknown_cap_is_used_as_a_known_one(cap: int, call: Caller, figure: Callable[[str], None]) -> None:
    with capped(cap=cap) as server:
        ((known, _),) = rates(call, server, concurrency=cap)
    with capped(cap=cap) as server:
        (found, refused), (grown, refused_then) = rates(call, server, concurrency=64, grown=2 * cap)
    figure(
        f"a limit of {cap}: {found / known:.2f} of a known one, {refused:.1%} refused; doubled: {grown / known / 2:.2f}"
    )
    assert found >= 0.93 * known
    assert refused <= 0.02
    assert grown >= 0.85 * 2 * known  # the server shares this process, and takes its time from the client
    assert refused_then <= 0.02

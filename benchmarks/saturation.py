"""How much of an endpoint's capacity is used when nobody knows it: 50 ms service, caps 2, 6 and 20, then doubled.

Against the same client told the cap, in the same run: a loaded machine slows both.
"""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import sys
import time
from collections.abc import Callable

from automl_cv_client import AsyncClient, Client
from automl_cv_client._flow.service import grey_png
from benchmarks.measuring import table

SERVICE = 0.05
RAMP, MEASURED = 10.0, 6.0
PICTURE = grey_png(16)


class Endpoint:
    """A capped server in another process."""

    def __init__(self, cap: int) -> None:
        words = [sys.executable, "-m", "benchmarks.capped_server", str(cap), str(SERVICE)]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.url = self._line()

    def tell(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")

    def count(self, since: float) -> tuple[int, int]:
        self.tell(f"count {since}")
        good, refused = self._line().split()
        return int(good), int(refused)

    def stop(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


def blocking(url: str, concurrency: int, look: Callable[[], bool]) -> None:
    with Client(url, "key") as client:
        for _ in client.detect_many(itertools.repeat(PICTURE), ordered=False, concurrency=concurrency):
            if look():
                return


def awaited(url: str, concurrency: int, look: Callable[[], bool]) -> None:
    async def main() -> None:
        async with AsyncClient(url, "key") as client:
            found = client.detect_many(itertools.repeat(PICTURE), ordered=False, concurrency=concurrency)
            async for _ in found:
                if look():
                    break
            await found.aclose()

    asyncio.run(main())


def measured(
    drive: Callable[[str, int, Callable[[], bool]], None], cap: int, concurrency: int, doubled: bool
) -> list[tuple[float, float]]:
    """Per phase (the cap, then twice the cap): answers a second after the ramp, and the share refused."""
    endpoint = Endpoint(cap)
    start = time.monotonic()
    found: list[tuple[float, float]] = []

    def look() -> bool:
        since = time.monotonic() - start - len(found) * (RAMP + MEASURED)
        if since < RAMP + MEASURED:
            return False
        good, refused = endpoint.count(time.monotonic() - MEASURED)
        found.append((good / MEASURED, refused / max(1, good + refused)))
        endpoint.tell(f"cap {2 * cap}")
        return len(found) == 1 + doubled

    try:
        drive(endpoint.url, concurrency, look)
    finally:
        endpoint.stop()
    return found


def main() -> None:
    rows: list[tuple[str, str, str, str]] = []
    for name, drive in (("sync", blocking), ("async", awaited)):
        for cap in (2, 6, 20):
            (known, _), *_ = measured(drive, cap, cap, False)
            (found, refused), (later, later_refused) = measured(drive, cap, 64, True)
            ideal = cap / SERVICE
            rows += [
                (f"{name}, cap {cap} known", f"{known:.0f}/s", f"{known / ideal:.3f} of ideal", "≥ 0.95"),
                (f"{name}, cap {cap} unknown", f"{found:.0f}/s, {refused:.1%} refused",
                 f"{found / ideal:.3f} of ideal, {found / known:.3f} of known", "≥ 0.93, ≤ 2 %"),
                (f"{name}, doubled, after {RAMP:.0f} s", f"{later:.0f}/s, {later_refused:.1%} refused",
                 f"{later / ideal / 2:.3f} of ideal", "≥ 0.93, ≤ 2 %"),
            ]  # fmt: skip
    table("Saturation, 50 ms service", rows, "python -m benchmarks.saturation")


if __name__ == "__main__":
    main()

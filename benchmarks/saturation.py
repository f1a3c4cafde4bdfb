"""How much of an endpoint's capacity is used when nobody knows it: 50 ms service, caps 2, 6 and 20, then doubled.

Against the same client told the cap, and against bare sockets, one a place, in the same run: they show what the
server and a loaded machine leave of the ideal of cap / 50 ms.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
import threading
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import aiohttp

from automl_cv_client import AsyncClient, Client
from automl_cv_client._imaging.encoding import grey_png
from automl_cv_client._protocol.requests import scoring_body
from benchmarks.measuring import CappedEndpoint, amount, table

SERVICE = 0.05
IMAGE = grey_png(16)
BODY = scoring_body([IMAGE])


def ramp() -> float:
    """Seconds until the client should have found the cap."""
    return amount(10.0, 0.2)


def counted() -> float:
    """Seconds in which answers are counted."""
    return amount(6.0, 0.2)


def bare(url: str, concurrency: int, look: Callable[[], bool]) -> None:
    """A socket and a thread a place, which send and wait: no client can do more."""
    host, port = urlsplit(url).hostname, urlsplit(url).port
    request = b"POST /score HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%s" % (len(BODY), BODY)
    over = threading.Event()

    def sends() -> None:
        with socket.create_connection((host, port)) as connection:
            while not over.is_set():
                connection.sendall(request)
                connection.recv(4096)

    threads = [threading.Thread(target=sends) for _ in range(concurrency)]
    for thread in threads:
        thread.start()
    while not look():
        time.sleep(0.05)
    over.set()
    for thread in threads:
        thread.join()


def blocking(url: str, concurrency: int, look: Callable[[], bool]) -> None:
    with Client(url, "key") as client:
        for _ in client.detect_many(itertools.repeat(IMAGE), ordered=False, concurrency=concurrency):
            if look():
                return


def awaited(url: str, concurrency: int, look: Callable[[], bool]) -> None:
    async def main() -> None:
        async with AsyncClient(url, "key") as client:
            found = client.detect_many(itertools.repeat(IMAGE), ordered=False, concurrency=concurrency)
            async for _ in found:
                if look():
                    break
            await found.aclose()

    asyncio.run(main())


def over_aiohttp(url: str, concurrency: int, look: Callable[[], bool]) -> None:
    async def main() -> None:
        async with aiohttp.ClientSession() as session, AsyncClient(url, "key", http_client=session) as client:
            found = client.detect_many(itertools.repeat(IMAGE), ordered=False, concurrency=concurrency)
            async for _ in found:
                if look():
                    break
            await found.aclose()

    asyncio.run(main())


def measured(
    drive: Callable[[str, int, Callable[[], bool]], None], cap: int, concurrency: int, doubled: bool
) -> list[tuple[float, float]]:
    """Per phase (the cap, then twice the cap): answers a second after the ramp, and the share refused."""
    endpoint = CappedEndpoint(cap, SERVICE)
    whole = ramp() + counted()
    start = time.monotonic()
    found: list[tuple[float, float]] = []

    def look() -> bool:
        if time.monotonic() - start < (1 + len(found)) * whole:
            return False
        good, refused = endpoint.count(time.monotonic() - counted())
        found.append((good / counted(), refused / max(1, good + refused)))
        endpoint.tell(f"cap {2 * cap}")
        return len(found) == 1 + doubled

    try:
        drive(endpoint.url, concurrency, look)
    finally:
        endpoint.stop()
    return found


def main() -> None:
    rows: list[tuple[str, str, str, str]] = []
    caps = (2, 6, 20)[: amount(3, 1)]
    limits = {cap: measured(bare, cap, cap, False)[0][0] for cap in caps}
    for cap, limit in limits.items():
        rows.append((f"bare sockets, cap {cap}", f"{limit:.0f}/s", f"{limit * SERVICE / cap:.3f} of ideal", ""))
    for name, drive in (("sync", blocking), ("async", awaited), ("async over aiohttp", over_aiohttp)):
        for cap in caps:
            (known, _), *_ = measured(drive, cap, cap, False)
            (found, refused), (later, later_refused) = measured(drive, cap, 64, True)
            ideal = cap / SERVICE
            rows += [
                (f"{name}, cap {cap} known", f"{known:.0f}/s",
                 f"{known / ideal:.3f} of ideal, {known / limits[cap]:.3f} of bare", "≥ 0.95"),
                (f"{name}, cap {cap} unknown", f"{found:.0f}/s, {refused:.1%} refused",
                 f"{found / ideal:.3f} of ideal, {found / limits[cap]:.3f} of bare", "≥ 0.93, ≤ 2 %"),
                (f"{name}, doubled, after {ramp():.0f} s", f"{later:.0f}/s, {later_refused:.1%} refused",
                 f"{later / ideal / 2:.3f} of ideal, {later / limits[cap] / 2:.3f} of bare", "≥ 0.93, ≤ 2 %"),
            ]  # fmt: skip
    table("Saturation, 50 ms service", rows, "python -m benchmarks.saturation")


if __name__ == "__main__":
    main()

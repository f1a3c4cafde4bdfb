"""Images per second of CPU of the awaited client with many in flight, against plain httpx and aiohttp, bodies ready.

The server is another process, so on a quiet machine these are images per second.
"""

from __future__ import annotations

import asyncio
import io
import itertools
import statistics
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from unittest import mock

import aiohttp
import httpcore
import httpx
from PIL import Image

from automl_cv_client import AsyncClient
from automl_cv_client._protocol.messages import Request
from automl_cv_client._protocol.requests import scoring_body
from automl_cv_client._transports import awaited_httpx
from automl_cv_client._transports.aiohttp import AiohttpTransport
from automl_cv_client._transports.awaited_httpx import AsyncHttpxTransport
from benchmarks.measuring import amount, instant_server, table

HEADERS = {"content-type": "application/json", "authorization": "Bearer key"}
One = Callable[[], Awaitable[object]]


class AnyioNetwork(httpcore.AnyIOBackend):
    """httpcore's own network, in place of ``_transports/loop_network.py``, which lives as long as this is slower."""

    def abandon(self) -> None:
        """Nothing to close."""


def many() -> int:
    """Images a measurement."""
    return amount(300, 10)


async def rate(call: One, in_flight: int) -> float:
    """Images per second of CPU: ``in_flight`` workers, each sending one after the other."""
    images = many()
    numbers = iter(range(images))

    async def worker() -> None:
        for _ in numbers:
            await call()

    started = time.process_time()
    await asyncio.gather(*(worker() for _ in range(in_flight)))
    return images / (time.process_time() - started)


async def rate_of_many(client: AsyncClient, image: bytes, in_flight: int) -> float:
    """The same through ``detect_many``, its ramp left out."""

    async def outcomes() -> AsyncGenerator[object, None]:
        async for outcome in client.detect_many(itertools.repeat(image), concurrency=in_flight, ordered=False):
            yield outcome

    images, count, started = many(), 0, 0.0
    found = outcomes()
    async for _ in found:
        count += 1
        if count == images:
            started = time.process_time()
        if count == 2 * images:
            break
    await found.aclose()
    return images / (time.process_time() - started)


async def measure(url: str, image: bytes, in_flight: int) -> dict[str, list[float]]:
    body = scoring_body([image])
    limits = httpx.Limits(max_connections=100, max_keepalive_connections=100)
    found: dict[str, list[float]] = {}
    transport, over_anyio = AsyncHttpxTransport(), AsyncHttpxTransport()
    with mock.patch.object(awaited_httpx, "LoopNetwork", AnyioNetwork):
        await over_anyio.send(Request(url, body, HEADERS), 60.0)  # here it makes its connections
    async with (
        httpx.AsyncClient(limits=limits, timeout=60) as plain,
        aiohttp.ClientSession() as session,
        AsyncClient(url, "key") as client,
        AsyncClient(url, "key", http_client=session) as over_aiohttp,
    ):
        by_session = AiohttpTransport(session)

        async def by_aiohttp() -> bytes:
            async with session.post(url, data=body, headers=HEADERS) as answer:
                return await answer.read()

        ways: dict[str, Callable[[], Awaitable[float]]] = {
            "plain httpx.AsyncClient, body ready": lambda: rate(
                lambda: plain.post(url, content=body, headers=HEADERS), in_flight
            ),
            "aiohttp, body ready": lambda: rate(by_aiohttp, in_flight),
            "our transport, body ready": lambda: rate(
                lambda: transport.send(Request(url, body, HEADERS), 60.0), in_flight
            ),
            "our transport over anyio, body ready": lambda: rate(
                lambda: over_anyio.send(Request(url, body, HEADERS), 60.0), in_flight
            ),
            "our transport over aiohttp, body ready": lambda: rate(
                lambda: by_session.send(Request(url, body, HEADERS), 60.0), in_flight
            ),
            "AsyncClient.detect(bytes)": lambda: rate(lambda: client.detect(image), in_flight),
            "AsyncClient.detect_many": lambda: rate_of_many(client, image, in_flight),
            "AsyncClient.detect(bytes) over aiohttp": lambda: rate(lambda: over_aiohttp.detect(image), in_flight),
            "AsyncClient.detect_many over aiohttp": lambda: rate_of_many(over_aiohttp, image, in_flight),
        }
        for _ in range(1 + amount(3, 1)):  # the first one opens connections
            for name, way in ways.items():
                found.setdefault(name, []).append(await way())
    await transport.close()
    await over_anyio.close()
    return {name: rates[1:] for name, rates in found.items()}


def _times(rates: list[float], base: list[float]) -> float:
    return statistics.median(rate / other for rate, other in zip(rates, base, strict=True))


def main() -> None:
    buffer = io.BytesIO()
    Image.effect_noise((256, 256), 60).convert("RGB").save(buffer, "JPEG")
    image = buffer.getvalue()
    rows: list[tuple[str, str, str, str]] = []
    with instant_server(b'[{"boxes": []}]') as url:
        for in_flight in (32, 64)[: amount(2, 1)]:
            found = asyncio.run(measure(url, image, in_flight))
            plain = found["plain httpx.AsyncClient, body ready"]
            fast = found["aiohttp, body ready"]
            bars = {
                "our transport, body ready": "≥ 3 of httpx",
                "our transport over aiohttp, body ready": "≥ 0.5 of aiohttp",
                "AsyncClient.detect(bytes) over aiohttp": "≥ 0.5 of aiohttp",
                "AsyncClient.detect_many over aiohttp": "≥ 0.5 of aiohttp",
            }
            for name, rates in found.items():
                figure = f"{statistics.median(rates):.0f}/s"
                ratios = [f"{_times(rates, plain):.2f} of httpx", f"{_times(rates, fast):.2f} of aiohttp"]
                bar = bars.get(name, "")
                first = sorted(
                    ratios, key=lambda ratio: not bar.endswith(ratio.split()[-1])
                )  # a bar is about the first number
                rows.append((f"{name}, {in_flight} in flight", figure, ", ".join(first), bar))
    table(
        f"Images per second of CPU, awaited, {len(image) // 1000} kB, instant server",
        rows,
        "python -m benchmarks.async_rate",
    )


if __name__ == "__main__":
    main()

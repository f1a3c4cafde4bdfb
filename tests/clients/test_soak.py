"""One client over many calls: memory and file descriptors stay where they were."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from automl_cv_client import AsyncClient, Client
from automl_cv_client._imaging.encoding import grey_png
from tests.capped import capped
from tests.servers import boxes

pytestmark = [
    pytest.mark.bar(20),
    pytest.mark.skipif(sys.platform != "linux", reason="reads memory and descriptors as Linux tells them"),
]
TINY = grey_png(4)
WARM = 2_000
"""Calls before the first look: by then caches and pools are full."""


def resident() -> int:
    """Bytes of this process in memory."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def grown(run: Callable[[int], None], calls: int) -> tuple[int, int]:
    """By how many bytes and descriptors the process grew over so many calls."""
    run(WARM)
    memory, files = resident(), descriptors()
    run(calls)
    return resident() - memory, descriptors() - files


@pytest.mark.parametrize("calls", [3_000, pytest.param(50_000, marks=pytest.mark.slow)])
def test_blocking(calls: int, figure: Callable[[str], None]) -> None:
    with capped(boxes("cat"), service=0) as server, Client(server.url, "k") as client:
        server.answers = server.received = Forgetful()

        def run(count: int) -> None:
            for _ in range(count):
                client.detect(TINY)

        memory, files = grown(run, calls)
    figure(f"{calls:,} blocking calls: {memory / 1e6:+.1f} MB, {files:+d} descriptors")
    assert memory < 5_000_000
    assert files <= 0


@pytest.mark.parametrize("calls", [3_000, pytest.param(50_000, marks=pytest.mark.slow)])
def test_awaited(calls: int, figure: Callable[[str], None]) -> None:
    with capped(boxes("cat"), service=0) as server:
        server.answers = server.received = Forgetful()

        async def main() -> tuple[int, int]:
            async with AsyncClient(server.url, "k") as client:

                async def run(count: int) -> None:
                    for _ in range(count // 8):
                        await asyncio.gather(*(client.detect(TINY) for _ in range(8)))

                await run(WARM)
                memory, files = resident(), descriptors()
                await run(calls)
                return resident() - memory, descriptors() - files

        memory, files = asyncio.run(main())
    figure(f"{calls:,} awaited calls: {memory / 1e6:+.1f} MB, {files:+d} descriptors")
    assert memory < 5_000_000
    assert files <= 0


class Forgetful(list[tuple[float, int]]):
    """The server's own record would grow."""

    def append(self, item: tuple[float, int]) -> None:
        pass

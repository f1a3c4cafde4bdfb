"""How the benchmarks measure: CPU seconds, interleaved, as ratios of medians, so that a busy machine does no harm."""

from __future__ import annotations

import gc
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

T = TypeVar("T", int, float)


def amount(full: T, least: T) -> T:
    """How much of something to measure: ``least`` in the smallest form of a benchmark, which ``--quick`` asks for."""
    return least if "--quick" in sys.argv[1:] else full


def cpu_seconds(work: Callable[[], object], times: int) -> float:
    """CPU seconds of one run of ``work`` in this process, averaged over ``times`` runs."""
    started = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - started) / times


def interleaved(works: Sequence[Callable[[], object]], *, rounds: int = 15, times: int = 100) -> list[list[float]]:
    """CPU seconds of each work in each round; all works take part in every round, one after the other."""
    rounds, times = amount(rounds, 1), amount(times, 1)
    for work in works:  # imports, connections and caches are not what is measured
        cpu_seconds(work, amount(max(3, times // 10), 1))
    gc.collect()
    rows = [[cpu_seconds(work, times) for work in works] for _ in range(rounds)]
    return [list(column) for column in zip(*rows, strict=True)]


def ratio(measured: Sequence[float], limit: Sequence[float]) -> float:
    """Median over the rounds of ``measured / limit``: each round is its own comparison."""
    return statistics.median(m / least for m, least in zip(measured, limit, strict=True))


def table(title: str, rows: Sequence[tuple[str, str, str, str]], command: str) -> None:
    """Print a Markdown table: item, figure, ratio, bar."""
    print(f"## {title}\n\n`{command}`\n\n| item | figure | ratio | bar |\n|---|---|---|---|")
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


@contextmanager
def instant_server(reply: bytes) -> Iterator[str]:
    """The URL of a server in a process of its own that gives one reply at once, whatever it is asked."""
    script = Path(__file__).with_name("servers") / "instant.py"
    with subprocess.Popen([sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(reply)
        process.stdin.close()
        try:
            yield f"http://127.0.0.1:{json.loads(process.stdout.readline())}/score"
        finally:
            process.terminate()


class CappedEndpoint:
    """An endpoint in a process of its own that takes ``cap`` requests at once, each for ``service`` seconds."""

    def __init__(self, cap: int, service: float) -> None:
        words = [sys.executable, "-m", "benchmarks.servers.capped", str(cap), str(service)]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.url = self._line()

    def tell(self, line: str) -> None:
        """A command, see benchmarks/servers/capped.py."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")

    def count(self, since: float) -> tuple[int, int]:
        """Answers of status 200 and 429 since a moment of the monotonic clock."""
        self.tell(f"count {since}")
        good, refused = self._line().split()
        return int(good), int(refused)

    def answers(self) -> list[tuple[float, int]]:
        """All answers: when, on the monotonic clock, and with which status."""
        self.tell("answers 0")
        return [(float(at), int(status)) for at, status in json.loads(self._line())]

    def stop(self) -> None:
        """End it."""
        with self.process:  # closes its input, which ends it
            pass

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


def watch_peak(work: Callable[[], object]) -> int:
    """The most bytes ``work`` had allocated at once, as tracemalloc sees them."""
    import tracemalloc

    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

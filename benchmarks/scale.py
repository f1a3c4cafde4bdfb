"""How long a large job takes: a simulation, checked against runs of real processes on an endpoint of 8 at once, 200 ms.

The inputs are what an endpoint takes at once, the seconds of a request, the processes, images per call, and how the
processes share the endpoint: each finds out what is left for it (``alone``), each may send its part (``divided``), or
one limit holds for all (``shared``). The limit itself is the client's own.

Where processes find out what is left, chance decides who gets how much, and a job ends when the last one does. So a
simulation is made from many seeds, and says from what to what eight of ten runs are. Its bar is 10 %: a real run lies
in that range, or no further than that from it.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Literal, NamedTuple

from automl_cv_client import Client
from automl_cv_client._imaging.encoding import grey_png
from automl_cv_client._streaming.limit import AdaptiveLimit, Sent, Verdict
from benchmarks.measuring import CappedEndpoint, amount, table

Sharing = Literal["alone", "divided", "shared"]
CAP, SERVICE, IMAGES = 8, 0.2, 600
MOST = 64  # requests in flight at most, per process: the client's own
REFUSAL = 0.005  # seconds until the answer 429
NOISE = 0.008  # seconds until a process has seen an answer and sent the next request, on average
STAGGER = 0.3  # seconds within which all processes have begun
BACKOFF = 0.5  # seconds: of the client's first pause, at random up to this


class Seen(NamedTuple):
    """What the endpoint sees of a run.

    Attributes:
        seconds: from the first request to the last answer.
        share: of its capacity, over these seconds.
        refused: share of its answers that are 429.
    """

    seconds: float
    share: float
    refused: float


class _Process:
    """One process of a simulated run, with the images it has still to send of this call and of later ones."""

    def __init__(self, limit: AdaptiveLimit, images: int, per_call: int | None) -> None:
        self.limit = limit
        self.later = images
        self.per_call = per_call or images
        self.ready = self.unanswered = 0

    def next_call(self) -> None:
        """Take the images of the next call, once all of this one are answered."""
        if not self.unanswered and self.later:
            self.ready = self.unanswered = min(self.per_call, self.later)
            self.later -= self.ready


def simulated(
    images: int,
    *,
    cap: int = CAP,
    service: float = SERVICE,
    processes: int = 1,
    per_call: int | None = None,
    sharing: Sharing = "alone",
    seed: int = 0,
) -> Seen:
    """Drive a simulated endpoint, and say what it sees."""
    chance = random.Random(seed)
    workers = [_Process(limit, part, per_call) for limit, part in _parts(images, cap, processes, sharing)]
    events: list[tuple[float, int, int, Sent | None, Verdict]] = []
    serving: list[float] = []  # when the requests end that the endpoint has
    now, number, refused, answered = 0.0, 0, 0, 0
    begins = [chance.uniform(0, STAGGER) for _ in workers]
    for index, begin in enumerate(begins):
        heapq.heappush(events, (begin, 0, index, None, Verdict.NOTHING))
    first = min(begins)
    held = [0.0] * processes
    while answered < images:
        while serving and serving[0] <= now:
            heapq.heappop(serving)
        for index in chance.sample(range(processes), processes):
            worker = workers[index]
            if now < begins[index]:
                continue
            worker.next_call()
            while worker.ready and worker.limit.in_flight < worker.limit.limit and not worker.limit.wait(now):
                number += 1
                worker.ready -= 1
                worker.limit.in_flight += 1
                sent = worker.limit.sent(now)
                if len(serving) < cap:
                    heapq.heappush(serving, now + service)
                    seen = now + service + chance.expovariate(1 / NOISE)
                    heapq.heappush(events, (seen, number, index, sent, Verdict.FINE))
                else:
                    heapq.heappush(events, (now + REFUSAL, number, index, sent, Verdict.TOO_MUCH))
            hold = worker.limit.wait(now) if worker.ready else 0.0
            if hold and now + hold > held[index]:  # else it is waited for already
                held[index] = now + hold
                heapq.heappush(events, (now + hold, number, index, None, Verdict.NOTHING))
        now, _, index, event, verdict = heapq.heappop(events)
        worker = workers[index]
        if event is None:  # a pause is over
            worker.ready += verdict is Verdict.TOO_MUCH
            continue
        worker.limit.in_flight -= 1
        worker.limit.answered(event, verdict, now)
        if verdict is Verdict.FINE:
            answered += 1
            worker.unanswered -= 1
        else:
            refused += 1
            number += 1
            heapq.heappush(events, (now + chance.uniform(0, BACKOFF), number, index, None, Verdict.TOO_MUCH))
    return Seen(now - first, images * service / cap / (now - first), refused / (images + refused))


def _parts(images: int, cap: int, processes: int, sharing: Sharing) -> Iterator[tuple[AdaptiveLimit, int]]:
    """Each process's limit, and how many images it has."""
    together = AdaptiveLimit(MOST)
    for number in range(processes):
        part = len(range(number, images, processes))
        if sharing == "shared":
            yield together, part
        else:
            yield AdaptiveLimit(max(1, cap // processes) if sharing == "divided" else MOST), part


class Range(NamedTuple):
    """Of many seeds: the tenth of the seconds, the middle, nine tenths; and the middle of what is refused."""

    low: float
    middle: float
    high: float
    refused: float

    def miss(self, seconds: float) -> float:
        """How far a real run is from it, as a ratio; 1 within."""
        return min(max(seconds, self.low), self.high) / seconds


def simulations(
    images: int,
    *,
    cap: int = CAP,
    service: float = SERVICE,
    processes: int = 1,
    per_call: int | None = None,
    sharing: Sharing = "alone",
) -> Range:
    """What 30 seeds give."""
    runs = [
        simulated(images, cap=cap, service=service, processes=processes, per_call=per_call, sharing=sharing, seed=seed)
        for seed in range(30)
    ]
    seconds = sorted(run.seconds for run in runs)
    return Range(seconds[3], seconds[15], seconds[26], sorted(run.refused for run in runs)[15])


def measured(images: int, *, processes: int, per_call: int | None, sharing: Sharing) -> Seen:
    """The same by real processes, over HTTP."""
    endpoint = CappedEndpoint(CAP, SERVICE)
    most = CAP // processes if sharing == "divided" else MOST
    try:
        with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
            list(pool.map(_ready, range(processes)))  # so that starting Python takes no part
            parts = [len(range(number, images, processes)) for number in range(processes)]
            done = [pool.submit(_score, endpoint.url, part, per_call or part, most) for part in parts]
            assert sum(future.result() for future in done) == images
        answers = endpoint.answers()
    finally:
        endpoint.stop()
    good = [at for at, status in answers if status == 200]
    seconds = max(good) - min(good) + SERVICE
    return Seen(seconds, images * SERVICE / CAP / seconds, 1 - len(good) / len(answers))


def _ready(number: int) -> int:
    return number


def _score(url: str, images: int, per_call: int, most: int) -> int:
    image = grey_png(16)
    done = 0
    with Client(url, "key") as client:
        while done < images:
            batch = [image] * min(per_call, images - done)
            done += sum(outcome.ok for outcome in client.detect_many(batch, concurrency=most))
    return done


RUNS: tuple[tuple[str, int, int | None, Sharing], ...] = (
    ("1 process, one call", 1, None, "alone"),
    ("1 process, calls of 64", 1, 64, "alone"),
    ("1 process, calls of 16", 1, 16, "alone"),
    ("2 processes, each finds out what is left", 2, None, "alone"),
    ("4 processes, each finds out what is left", 4, None, "alone"),
    ("4 processes, 2 requests each", 4, None, "divided"),
)


def main() -> None:
    images = amount(IMAGES, 24)
    rows = []
    for name, processes, per_call, sharing in RUNS:
        real = measured(images, processes=processes, per_call=per_call, sharing=sharing)
        said = simulations(images, processes=processes, per_call=per_call, sharing=sharing)
        seconds = f"{said.low:.1f} to {said.high:.1f} s for {real.seconds:.1f} s"
        refused = f"{said.refused:.1%} refused for {real.refused:.1%}"
        rows.append((name, f"{seconds}, {refused}", f"{said.miss(real.seconds):.2f}", "≥ 0.90, ≤ 1.10"))
    table(
        f"{images} images, simulated for measured: {CAP} requests at once, 200 ms", rows, "python -m benchmarks.scale"
    )


if __name__ == "__main__":
    main()

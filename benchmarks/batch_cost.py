"""Memory while many images are queued, records per second into the ledger, and resuming a million done ones."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from automl_cv_client._imaging.encoding import grey_png
from automl_cv_client.batch.ledger import Finished, Ledger, State
from benchmarks.measuring import amount, instant_server, table

QUEUED = """
import itertools, resource, sys
from automl_cv_client import Client
image = open(sys.argv[2], "rb").read()
with Client(sys.argv[1], "key") as client:
    for outcome in client.detect_many(itertools.repeat(image), ordered=False, concurrency=16):
        assert outcome.ok
        if outcome.index in (int(sys.argv[3]), int(sys.argv[4])):
            print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, flush=True)
            if outcome.index == int(sys.argv[4]):
                break
"""


def queued(few: int, many: int, image: Path) -> tuple[float, float]:
    """Peak memory in MB at ``few`` images and at ``many``, in a process of its own."""
    with instant_server(b'[{"boxes": []}]') as url:
        words = [sys.executable, "-c", QUEUED, url, str(image), str(few), str(many)]
        said = subprocess.run(words, check=True, stdout=subprocess.PIPE).stdout.split()
    first, last = (int(word) / 1024 for word in said)
    return first, last


def ledger(folder: Path, done: int) -> tuple[float, float, float]:
    """Records a second, one transaction each; seconds to resume ``done`` images; MB that takes."""
    book = Ledger(folder)
    book.add(f"/images/{number:07}.jpg" for number in range(done))
    rows = book.to_do()
    started = time.perf_counter()
    records = amount(500, 20)
    for _ in range(records):
        book.record([Finished(next(rows).id, True, "{}" * 400)])
    a_second = records / (time.perf_counter() - started)
    book._db.execute("UPDATE items SET state = 1")
    book.close()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    book = Ledger(folder)
    book.add(f"/images/{number:07}.jpg" for number in range(done))
    book.reopen_errors()
    assert book.counts()[State.OK] == done
    assert next(book.to_do(), None) is None
    seconds = time.perf_counter() - started
    book.close()
    return a_second, seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def main() -> None:
    numbers = [int(word) for word in sys.argv[1:] if word.isdecimal()]
    few, many, done = amount(10_000, 10), *(numbers or [amount(100_000, 40)]), amount(1_000_000, 1_000)
    with tempfile.TemporaryDirectory() as folder:
        a_second, seconds, grown = ledger(Path(folder), done)
        image = Path(folder) / "grey.png"
        image.write_bytes(grey_png(32))
        first, last = queued(few, many, image)
    rows = [
        (f"peak memory, {few:,} → {many:,} images", f"{first:.1f} → {last:.1f} MB",
         f"+{last - first:.1f} MB", "≤ +2 MB"),
        ("records of 800 bytes, a transaction each", f"{a_second:.0f}/s", "", ""),
        (f"resume {done:,} done images", f"{seconds:.2f} s", "", "< 2 s"),
        ("memory that takes", f"+{grown:.1f} MB", "", ""),
    ]  # fmt: skip
    table("Batch", rows, "python -m benchmarks.batch_cost")


if __name__ == "__main__":
    main()

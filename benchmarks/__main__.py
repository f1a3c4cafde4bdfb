"""Runs the benchmarks one after the other, each in a process of its own: all, or those named.

``python -m benchmarks --quick parsing`` runs one in its smallest form, whose figures say nothing. A run of all writes
RESULTS.md and results.svg beside this file. The exit code is 1 where a bar is missed.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.results import is_missed, page, picture, rows_of

HERE = Path(__file__).parent
NOT_BENCHMARKS = ("__init__", "__main__", "measuring", "peer_calls", "results")
REASONS: dict[str, str] = {
    "parsing": "With every object made: pydantic's parsing alone takes 2.0, the four slots of its objects 0.8.",
    "client_cpu": "With every object looked at: the frozen pydantic objects of 100 boxes take 60 µs.",
    "async_rate": "A call's bookkeeping, the image's header and its base64 take as long as aiohttp's own request.",
}
"""Why a benchmark misses its bar, where that is known."""


def names() -> list[str]:
    """All benchmarks: the files of this folder but those that serve them."""
    return sorted(file.stem for file in HERE.glob("*.py") if file.stem not in NOT_BENCHMARKS)


def main() -> int:
    options = [word for word in sys.argv[1:] if word.startswith("-")]
    chosen = [word for word in sys.argv[1:] if word not in options]
    printed: dict[str, str] = {}
    for name in chosen or names():
        command = [sys.executable, "-m", f"benchmarks.{name}", *options]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        print(done.stdout, end="", flush=True)
        printed[name] = done.stdout
    if "--quick" in options:
        return 0
    missed = [row for text in printed.values() for row in rows_of(text) if is_missed(row)]
    for row in missed:
        print(f"missed: {row.item}: {row.ratio or row.figure} (bar {row.bar})")
    if not chosen:
        (HERE / "RESULTS.md").write_text(page(printed, REASONS), encoding="utf-8")
        (HERE / "results.svg").write_text(picture(printed), encoding="utf-8")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

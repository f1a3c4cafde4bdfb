"""Runs the benchmarks one after the other, each in a process of its own: all, or those named.

``python -m benchmarks --quick parsing`` runs one in its smallest form, whose figures say nothing.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

NOT_BENCHMARKS = ("__init__", "__main__", "measuring")


def names() -> list[str]:
    """All benchmarks: the files of this folder but those that serve them."""
    return sorted(file.stem for file in Path(__file__).parent.glob("*.py") if file.stem not in NOT_BENCHMARKS)


def main() -> None:
    options = [word for word in sys.argv[1:] if word.startswith("-")]
    for name in [word for word in sys.argv[1:] if word not in options] or names():
        subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *options], check=True)


if __name__ == "__main__":
    main()

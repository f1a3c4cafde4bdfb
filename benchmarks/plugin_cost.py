"""CPU of `pytest --collect-only` in an empty project, with the package's plugin and without it."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile

from benchmarks.measuring import amount, ratio, table

RUNS = {"without the plugin": ["-p", "no:automl_cv_client"], "with the plugin": []}


def cpu_of(options: list[str], folder: str) -> float:
    """CPU seconds of one collection."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *options]
    subprocess.run(command, cwd=folder, capture_output=True, check=False)  # 5: no tests collected
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    seconds: dict[str, list[float]] = {name: [] for name in RUNS}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(amount(15, 1)):
            for name, options in RUNS.items():
                seconds[name].append(cpu_of(options, folder))
    limit = seconds["without the plugin"]
    bars = {"with the plugin": "≤ 1.05"}
    rows = [
        (name, f"{statistics.median(many) * 1e3:.0f} ms", f"{ratio(many, limit):.2f}", bars.get(name, ""))
        for name, many in seconds.items()
    ]
    table("The pytest plugin", rows, "python -m benchmarks.plugin_cost")


if __name__ == "__main__":
    main()

"""CPU of `import automl_cv_client`, against importing httpx, pydantic and tenacity."""

from __future__ import annotations

import compileall
import resource
import statistics
import subprocess
import sys
from pathlib import Path

import automl_cv_client
from benchmarks.measuring import amount, ratio, table

STATEMENTS = {
    "import httpx, pydantic, tenacity": "import httpx, pydantic, tenacity",
    "import automl_cv_client": "import automl_cv_client",
    "and a client made": "from automl_cv_client import Client; Client('http://127.0.0.1/score', 'key')",
}


def cpu_of(statement: str) -> float:
    """CPU seconds of a fresh interpreter that runs the statement, its start left out."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", statement], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    compileall.compile_dir(Path(automl_cv_client.__file__).parent, quiet=1)  # as an installer does
    seconds: dict[str, list[float]] = {name: [] for name in STATEMENTS}
    for _ in range(amount(15, 1)):
        start = cpu_of("pass")
        for name, statement in STATEMENTS.items():
            seconds[name].append(cpu_of(statement) - start)
    limit = seconds["import httpx, pydantic, tenacity"]
    bars = {"import automl_cv_client": "≤ 1.35"}
    rows = [
        (name, f"{statistics.median(many) * 1e3:.0f} ms", f"{ratio(many, limit):.2f}", bars.get(name, ""))
        for name, many in seconds.items()
    ]
    table("Import", rows, "python -m benchmarks.import_cost")


if __name__ == "__main__":
    main()

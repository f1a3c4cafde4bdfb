"""What comparing and evaluating cost as the labels grow: 80 classes, seven labels and ten objects found an image.

Memory is that of a process of its own, beyond what it had with its libraries loaded and its data made.
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from automl_cv_client import Detection, Detections, ImageInfo, Size
from automl_cv_client.dataset import Row, from_coco, read_jsonl, write_jsonl
from automl_cv_client.evaluation import compare, evaluate
from automl_cv_client.geometry import Box
from benchmarks.measuring import amount, table
from benchmarks.training_data import coco

CLASSES, LABELS, FOUND = 80, 7, 10
SIZE = Size(640, 480)
IMAGE = ImageInfo(size=SIZE, raw_size=SIZE, sent_size=SIZE)


def labelled(images: int) -> list[Row]:
    """Training rows of random boxes."""
    draw = random.Random(1)

    def lines() -> Iterator[str]:
        for number in range(images):
            boxes = []
            for _ in range(LABELS):
                left, top = draw.random() * 0.7, draw.random() * 0.7
                right, bottom = left + 0.05 + draw.random() / 4, top + 0.05 + draw.random() / 4
                edges = {"topX": left, "topY": top, "bottomX": right, "bottomY": bottom}
                boxes.append({"label": _label(draw), **edges})
            yield json.dumps({"image_url": f"azureml://x/{number}.jpg", "label": boxes})

    return list(read_jsonl(lines()))


def predicted(rows: list[Row], seed: int) -> dict[str, Detections]:
    """Results of a model that finds four labels of five, a little off, and invents the rest."""
    draw = random.Random(seed)
    results = {}
    for row in rows:
        objects = []
        for item in row.annotated().objects:
            if draw.random() < 0.8:
                box = Box(*(edge + draw.gauss(0, 0.01) for edge in item.box))
                objects.append(Detection(label=item.label, score=draw.uniform(0.3, 1), box=box))
        while len(objects) < FOUND:
            left, top = draw.random() * 0.7, draw.random() * 0.7
            box = Box(left, top, left + 0.2, top + 0.2)
            objects.append(Detection(label=_label(draw), score=draw.uniform(0.1, 0.7), box=box))
        results[row.image_url] = Detections(image=IMAGE, objects=tuple(objects))
    return results


def _label(draw: random.Random) -> str:
    return f"class {int(draw.random() ** 2 * CLASSES)}"


def measured(work: Callable[[], object]) -> tuple[float, float]:
    """CPU seconds, and by how many MB the process grew."""
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    work()
    seconds = time.process_time() - started
    return seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def comparing() -> tuple[float, float]:
    rows = labelled(amount(2_000, 20))
    both = (predicted(rows, 2), predicted(rows, 3))
    return measured(lambda: compare(labels=rows, predictions=both, draws=amount(1_000, 40)))


def evaluating() -> tuple[float, float]:
    rows = labelled(amount(5_000, 20))
    results = predicted(rows, 2)
    return measured(lambda: evaluate(results, rows))


def converting() -> tuple[float, float]:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "coco.json"
        with file.open("w", encoding="utf-8") as out:
            json.dump(coco(amount(210_000, 700)), out)
        return measured(lambda: write_jsonl(from_coco(file), Path(folder) / "train.jsonl"))


WORKS = {"compare": comparing, "evaluate": evaluating, "convert": converting}


def alone(name: str) -> tuple[float, float]:
    """CPU seconds and MB of a work in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.evaluation", name, *sys.argv[1:]]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    return float(said[0]), float(said[1])


def main() -> None:
    named = [name for name in sys.argv[1:] if name in WORKS]
    if named:
        print(*WORKS[named[0]]())
        return
    images, many, boxes = amount(2_000, 20), amount(5_000, 20), amount(210_000, 700)
    compared, evaluated, converted = (alone(name) for name in WORKS)
    table(
        "Evaluation",
        [
            (f"compare, {images:,} images, {amount(1_000, 40):,} draws", f"{compared[0]:.1f} s, {compared[1]:.0f} MB",
             f"{compared[0]:.1f}", "≤ 10"),
            (f"evaluate, {many:,} images: seconds", f"{evaluated[0]:.1f} s", "", ""),
            (f"evaluate, {many:,} images: MB", f"{evaluated[1]:.0f} MB", f"{evaluated[1]:.0f}", "≤ 500"),
            (f"a COCO file of {boxes:,} boxes and outlines to JSONL", f"{converted[0]:.1f} s, {converted[1]:.0f} MB",
             f"{converted[0]:.1f}", "≤ 6"),
        ],
        "python -m benchmarks.evaluation",
    )  # fmt: skip


if __name__ == "__main__":
    main()

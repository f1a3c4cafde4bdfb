"""What reading, checking and converting training data costs, beside decoding its JSON alone."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from automl_cv_client.dataset import check, from_coco, read_jsonl, write_jsonl
from benchmarks.measuring import amount, interleaved, ratio, table, watch_peak

ROW = (
    '{"image_url": "azureml://subscriptions/s/resourcegroups/r/workspaces/w/datastores/d/paths/images/%d.jpg", '
    '"image_details": {"format": "jpg", "width": "499px", "height": "666px"}, "label": [{"label": "can", '
    '"topX": 0.26, "topY": 0.406, "bottomX": 0.735, "bottomY": 0.701, "isCrowd": 0}]}'
)


def lines(count: int) -> list[str]:
    """Detection rows of one box."""
    return [ROW % number for number in range(count)]


def coco(annotations: int) -> dict[str, Any]:
    """A COCO file of boxes and outlines, seven to an image, as in COCO's own."""
    images = [
        {"id": number, "file_name": f"{number:012d}.jpg", "width": 640, "height": 480}
        for number in range(annotations // 7 + 1)
    ]
    ring = [round(value + 0.5, 2) for value in range(20, 64)]
    made = [
        {
            "id": n,
            "image_id": n // 7,
            "category_id": 1,
            "bbox": [20.5, 21.5, 42, 42],
            "segmentation": [ring],
            "iscrowd": 0,
        }
        for n in range(annotations)
    ]
    return {"images": images, "annotations": made, "categories": [{"id": 1, "name": "can"}]}


def converted(file: Path) -> int:
    """Rows of a COCO file, written."""
    return write_jsonl(from_coco(file), file.with_suffix(".jsonl"))


def main() -> None:
    """Print the table."""
    rows = lines(amount(2_000, 100))
    works = (
        lambda: [json.loads(row) for row in rows],
        lambda: sum(1 for _ in read_jsonl(rows)),
        lambda: check(rows),
    )
    decoded, read, checked = interleaved(works, rounds=7, times=2)
    many = amount(20_000, 1_000)
    stream = (ROW % number for number in range(many))
    peak = watch_peak(lambda: check(stream))
    names = (("json.loads alone", decoded), ("read_jsonl", read), ("check", checked))
    figures = [
        (name, f"{statistics.median(times) / len(rows) * 1e6:.0f} µs a row", f"{ratio(times, decoded):.1f}x", "–")
        for name, times in names
    ]
    figures.append((f"memory of check, {many:,} rows", f"{peak / 1e6:.1f} MB", "–", "100,000 rows < 100 MB"))
    with TemporaryDirectory() as folder:
        file = Path(folder) / "coco.json"
        count = amount(21_000, 700)
        file.write_text(json.dumps(coco(count)))
        text = file.read_text()
        parsed, written = interleaved((lambda: json.loads(text), lambda: converted(file)), rounds=5, times=1)
        per = statistics.median(written) / count * 1e6
        figures.append(
            (f"COCO to JSONL, {count:,} boxes", f"{per:.0f} µs a box", f"{ratio(written, parsed):.1f}x", "–")
        )
    table("Training data", figures, "python -m benchmarks.training_data")


if __name__ == "__main__":
    main()

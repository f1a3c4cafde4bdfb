"""What reading and checking training rows costs, beside decoding their JSON alone."""

from __future__ import annotations

import json
import statistics

from automl_cv_client.dataset import check, read_jsonl
from benchmarks.measuring import amount, interleaved, ratio, table, watch_peak

ROW = (
    '{"image_url": "azureml://subscriptions/s/resourcegroups/r/workspaces/w/datastores/d/paths/images/%d.jpg", '
    '"image_details": {"format": "jpg", "width": "499px", "height": "666px"}, "label": [{"label": "can", '
    '"topX": 0.26, "topY": 0.406, "bottomX": 0.735, "bottomY": 0.701, "isCrowd": 0}]}'
)


def lines(count: int) -> list[str]:
    """Detection rows of one box."""
    return [ROW % number for number in range(count)]


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
        (name, f"{statistics.median(one) / len(rows) * 1e6:.0f} µs a row", f"{ratio(one, decoded):.1f}x", "–")
        for name, one in names
    ]
    figures.append((f"memory of check, {many:,} rows", f"{peak / 1e6:.1f} MB", "–", "100,000 rows < 100 MB"))
    table("Training data", figures, "python -m benchmarks.training_data")


if __name__ == "__main__":
    main()

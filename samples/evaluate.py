"""Measure an endpoint on labelled pictures, and write a page with its mistakes: python samples/evaluate.py"""

import sys
from pathlib import Path

from endpoint import endpoint_for

from automl_cv_client import Client, Task
from automl_cv_client.evaluation import evaluate, score_rows

PHOTOS = Path(__file__).parent / "photos"


def main(labels: str | Path = PHOTOS / "labels" / "detection.jsonl", images: str | Path = PHOTOS) -> None:
    with endpoint_for(Task.DETECTION) as (uri, key), Client(uri, key) as client:
        report = evaluate(score_rows(client, labels, images), labels, images=images)
    print(report.text())
    print("page:", report.save("report.html"))


if __name__ == "__main__":
    main(*sys.argv[1:])

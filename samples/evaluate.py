"""Measure an endpoint on labelled images, and write a page with its mistakes.

python samples/evaluate.py [LABELS IMAGES [FOLDER]]
"""

import sys
from pathlib import Path

from endpoint import endpoint_for

from automl_cv_client import Client, Task
from automl_cv_client.evaluation import evaluate, score_rows

PHOTOS = Path(__file__).parent / "photos"
LABELS = PHOTOS / "labels" / "detection.jsonl"


def main(labels: str | Path = LABELS, images: str | Path = PHOTOS, folder: str | Path = "demo-output") -> None:
    with endpoint_for(Task.DETECTION), Client.from_env() as client:
        report = evaluate(score_rows(client, labels, images), labels, images=images)
    for metric in ("mAP", "AP50", "precision", "recall"):
        print(f"{metric:<9} {report[metric]:.2f}")
    for mistake in report.mistakes:
        print(mistake.says, "in", Path(mistake.image_url).name)
    Path(folder).mkdir(parents=True, exist_ok=True)
    print("page:", report.save(Path(folder) / "report.html"))


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Compare two deployments on labelled images before traffic moves from one to the other.

python samples/compare_deployments.py [BLUE GREEN [LABELS IMAGES [FOLDER]]]

The demo deployments have the same model, so nothing differs.
"""

import sys
from pathlib import Path

from endpoint import endpoint_for

from automl_cv_client import Client, Task
from automl_cv_client.evaluation import compare

PHOTOS = Path(__file__).parent / "photos"
LABELS = PHOTOS / "labels" / "detection.jsonl"


def main(
    a: str = "blue",
    b: str = "green",
    labels: str | Path = LABELS,
    images: str | Path = PHOTOS,
    folder: str | Path = "demo-output",
) -> None:
    with endpoint_for(Task.DETECTION, deployments=(a, b)), Client.from_env() as client:
        comparison = compare(client, deployments=(a, b), labels=labels, images=images)
    for side in comparison.sides:
        print(f"{side.metric:<4} {side.difference:+.2f} {side.verdict}")
    print(f"{comparison.disagreeing} of {comparison.image_count} images are seen differently")
    Path(folder).mkdir(parents=True, exist_ok=True)
    print("page:", comparison.save(Path(folder) / "comparison.html"))


if __name__ == "__main__":
    main(*sys.argv[1:])

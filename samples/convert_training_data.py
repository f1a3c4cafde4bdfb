"""Training data: read a JSONL file, check it against its images, convert it to COCO and YOLO, and take it back.

python samples/convert_training_data.py [LABELS IMAGES [FOLDER]]

Labels are boxes or outlines. Needs no endpoint.
"""

import sys
from pathlib import Path

from automl_cv_client.dataset import check, from_coco, read_jsonl, to_coco, to_yolo, write_jsonl

PHOTOS = Path(__file__).parent / "photos"
LABELS = PHOTOS / "labels" / "segmentation.jsonl"
PREFIX = "azureml://datastores/workspaceblobstore/paths/photos/"  # where the images are in the workspace


def main(labels: str | Path = LABELS, images: str | Path = PHOTOS, folder: str | Path = "demo-output") -> None:
    report = check(labels, images=images)
    print(f"{report.rows} rows for {report.task}, {'fit' if report.ok else 'not fit'} to train on: {report.counts}")
    rows = list(read_jsonl(labels))
    out = Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    coco = to_coco(rows, out / "coco.json")
    print("COCO:", len(coco["images"]), "images,", len(coco["annotations"]), "annotations")
    print("YOLO:", ", ".join(to_yolo(rows, out / "yolo")))
    back = list(from_coco(out / "coco.json", rows[0].task, prefix=PREFIX))
    print("back from COCO:", write_jsonl(back, out / "train.jsonl"), "rows")
    print("the same classes:", [row.classes() for row in back] == [row.classes() for row in rows])


if __name__ == "__main__":
    main(*sys.argv[1:])

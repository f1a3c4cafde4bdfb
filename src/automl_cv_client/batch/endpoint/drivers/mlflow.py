"""Scores images in a batch job with an AutoML model in MLflow format. The file is yours: change what you like.

The service calls init() once per worker process, then run() with the paths of each mini-batch. An image becomes one
line of predictions.csv, a JSON object: its path and what the model found, or its path and "error".
"""

from __future__ import annotations  # the environments of AutoML models go back to Python 3.8

import base64
import io
import json
import os
from pathlib import Path
from typing import Any

import mlflow
import pandas
from PIL import Image, ImageOps

model: Any = None


def init() -> None:
    global model
    (description,) = Path(os.environ["AZUREML_MODEL_DIR"]).rglob("MLmodel")
    model = mlflow.pyfunc.load_model(str(description.parent))


def run(mini_batch: list[str]) -> list[str]:
    rows: dict[str, dict[str, Any]] = {}
    images: dict[str, str] = {}
    for path in mini_batch:
        try:
            images[path] = encoded(path)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the others are scored
            rows[path] = {"error": f"{type(error).__name__}: {error}"}
    rows.update(predicted(images))
    failed = [path for path in images if "error" in rows[path]]
    if failed and len(failed) == len(images):  # not the images' fault: let the service retry, and count them
        raise RuntimeError(f"the model scored none of {len(failed)} images; the last: {rows[failed[-1]]['error']}")
    return [as_line({**rows[path], "filename": path, "upright": True}) for path in mini_batch]


def encoded(path: str) -> str:
    """The image upright as base64: of AutoML's models, only some obey the EXIF orientation."""
    with Image.open(path) as image:
        image.load()  # the model drops what it cannot decode without a word
        if image.mode.startswith(("I", "F")):
            raise ValueError("more than 8 bits per channel: convert it, as the model would saturate it")
        if image.format in ("JPEG", "PNG") and image.getexif().get(0x0112, 1) == 1:
            return base64.b64encode(Path(path).read_bytes()).decode()
        file = io.BytesIO()
        ImageOps.exif_transpose(image).convert("RGB").save(file, "PNG", compress_level=1)
        return base64.b64encode(file.getvalue()).decode()


def predicted(images: dict[str, str]) -> dict[str, dict[str, Any]]:
    """A row per image. When the model fails or drops one, all are scored again one by one, as nobody knows which."""
    rows: list[dict[str, Any]] = []
    problem = "the model returned no row for it"
    try:
        rows = model.predict(pandas.DataFrame({"image": list(images.values())})).to_dict("records") if images else []
    except Exception as error:  # noqa: BLE001 - the models raise what they like
        problem = f"{type(error).__name__}: {error}"
    if len(rows) == len(images):
        return dict(zip(images, rows))  # noqa: B905 - Python 3.8 knows no strict
    if len(images) == 1:
        return {path: {"error": problem} for path in images}
    return {path: row for image in images.items() for path, row in predicted(dict([image])).items()}


def as_line(row: dict[str, Any]) -> str:
    return json.dumps(row, default=lambda value: value.tolist())  # numpy's numbers and arrays

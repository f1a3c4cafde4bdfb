"""Example results for the OpenAPI document of a backend; plain values."""

from __future__ import annotations

from typing import Any

from automl_cv_client.geometry import Box, Size
from automl_cv_client.results import (
    CallInfo,
    Classification,
    Detection,
    Detections,
    ImageInfo,
    Instance,
    Instances,
    MultilabelClassification,
    Result,
)


def example_of(kind: type[Result]) -> dict[str, Any]:
    """A result of this kind as JSON values, as FastAPI would answer it."""
    size, box = Size(640, 480), Box(0.25, 0.25, 0.75, 0.75)
    image = ImageInfo(size=size, raw_size=size, sent_size=size, sent_bytes=48_213, media_type="image/jpeg")
    about: dict[str, Any] = {
        "image": image,
        "call": CallInfo(request_id="6b9f…", client_request_id="acv-1f…", deployment="blue", model_time=0.08),
    }
    outline = ((0.25, 0.25, 0.75, 0.25, 0.75, 0.75, 0.25, 0.75, 0.25, 0.25),)
    examples: dict[type[Result], Result] = {
        Classification: Classification(**about, labels=("cat", "dog"), probs=(0.9, 0.1)),
        MultilabelClassification: MultilabelClassification(**about, labels=("cat", "dog"), probs=(0.9, 0.8)),
        Detections: Detections(**about, objects=(Detection(label="cat", score=0.9, box=box),)),
        Instances: Instances(**about, objects=(Instance(label="cat", score=0.9, box=box, polygons=outline),)),
    }
    return examples[kind].model_dump(mode="json")

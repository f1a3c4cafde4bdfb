"""Replies with explanations in the service's form, for tests and benchmarks."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

NOTHING: Any = None


def numbers(seed: int = 0, shape: tuple[int, ...] = (3, 224, 224)) -> NDArray[np.float32]:
    """Attributions of about 3.6 MB as JSON: 32-bit numbers written as the doubles they are, as the service does."""
    return (np.random.default_rng(seed).standard_normal(shape) * 1e-4).astype(np.float32)


def figure(side: tuple[int, int] = (1157, 1181), noise: int = 0) -> str:
    """An RGBA PNG as base64; with ``noise`` rows of noise it has the service's 2 MB."""
    pixels = np.full((side[1], side[0], 4), 255, np.uint8)
    pixels[:noise, :, :3] = np.random.default_rng(1).integers(0, 255, (noise, side[0], 3))
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=1)
    return base64.b64encode(file.getvalue()).decode()


def row(probs: list[float], visualizations: Any, attributions: Any) -> dict[str, Any]:
    """One image's object; labels are a, b, c, …"""
    labels = [chr(ord("a") + i) for i in range(len(probs))]
    return {"probs": probs, "labels": labels, "visualizations": visualizations, "attributions": attributions}


def reply(*rows: dict[str, Any]) -> bytes:
    return json.dumps(list(rows)).encode()

"""Fitting a 12-megapixel photo to a limit against Pillow's own draft path, its effect on boxes; flat polygons."""

from __future__ import annotations

import io
import math
import statistics
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from automl_cv_client import Client, ImageInfo, ImagePolicy, Instance, Instances, Size, Task
from automl_cv_client._imaging import prepare
from automl_cv_client.geometry import Box
from automl_cv_client.local import LocalEndpoint
from benchmarks.measuring import amount, interleaved, ratio, table

PHOTOS = Path(__file__).parents[1] / "samples" / "photos"
COMMAND = "python -m benchmarks.images"
POLICIES = {
    "as it is": ImagePolicy(),
    "most_bytes=1_000_000": ImagePolicy(most_bytes=1_000_000),
    "for_rcnn()": ImagePolicy.for_rcnn(),
    "for_yolo()": ImagePolicy.for_yolo(),
    "for_classification()": ImagePolicy.for_classification(),
}


def megapixels() -> int:
    """Of the photos that are measured."""
    return amount(12, 1)


def phone_photo(name: str, sigma: float = 7.0) -> bytes:
    """12 megapixels in about 4 MB: a photo, enlarged, with the noise of a small sensor."""
    with Image.open(PHOTOS / name) as small:
        scale = math.sqrt(megapixels() * 1e6 / (small.width * small.height))
        size = round(small.width * scale), round(small.height * scale)
        large = small.convert("RGB").resize(size, Image.Resampling.BICUBIC)
    noise = np.random.default_rng(1).normal(0, sigma, (large.height, large.width, 1)).astype(np.int16)
    buffer = io.BytesIO()
    noisy = (np.asarray(large) + noise).clip(0, 255).astype(np.uint8)
    Image.fromarray(noisy).save(buffer, "JPEG", quality=91)
    return buffer.getvalue()


def with_draft(data: bytes, size: tuple[int, int]) -> bytes:
    """The same result by Pillow alone, by one who knows the size that fits."""
    image = Image.open(io.BytesIO(data))
    image.draft(None, size)
    image.load()
    smaller = image if image.size == size else image.resize(size, Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    smaller.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def fitting() -> list[tuple[str, str, str, str]]:
    data, rows = phone_photo("chelsea.png"), []
    for name, policy in list(POLICIES.items())[1:]:
        size = prepare(data, policy).info.sent_size
        works = partial(with_draft, data, size), partial(prepare, data, policy)
        pillow, ours = interleaved(works, rounds=7, times=1)
        rows.append(
            (f"{len(data) / 1e6:.1f} MB, {megapixels()} megapixels, {name}", f"{statistics.median(ours) * 1e3:.0f} ms",
             f"{ratio(ours, pillow):.2f}", "≤ 1.2")
        )  # fmt: skip
    return rows


def effects() -> list[tuple[str, str, str, str]]:
    """What limits do to bytes and to boxes; ratio is of bytes, the figure of boxes in shares of the image."""
    rows = []
    with LocalEndpoint(Task.DETECTION) as endpoint, Client(endpoint.scoring_uri, endpoint.key) as client:
        for photo in ("chelsea.png", "coffee.png"):
            data = phone_photo(photo)
            original = client.detect(data).above(0.5)
            for name, policy in list(POLICIES.items())[1:]:
                found = client.with_options(images=policy).detect(data)
                pairs = list(zip(original, found, strict=False))
                moved = [abs(a - b) for detection, two in pairs for a, b in zip(detection.box, two.box, strict=True)]
                same = [detection.label for detection in original] == [detection.label for detection in found][
                    : len(original)
                ]
                figure = f"{max(moved):.2%} of the image" if same else "other labels"
                share = found.image.sent_bytes / len(data)
                rows.append((f"{photo}, {name}", f"boxes move by {figure}", f"{share:.3f} of the bytes", "≤ 1 %"))
    return rows


def polygons() -> list[tuple[str, str, str, str]]:
    info = ImageInfo(size=Size(1920, 1080), raw_size=Size(1920, 1080), sent_size=Size(1920, 1080))
    ring = tuple(0.5 + 0.4 * f(i / 200 * math.tau) for i in range(200) for f in (math.cos, math.sin))
    instance = Instance(label="a", score=0.9, box=Box(0.1, 0.1, 0.9, 0.9), polygons=(ring,))
    result = Instances(image=info, objects=(instance,) * 100)
    flat = np.random.default_rng(1).random(40_000)
    fresh, columns, objects, limit = interleaved(
        [
            lambda: result[:].polygons_array.to_pixels(info.size),
            lambda: result.polygons_array.to_pixels(info.size),
            lambda: [instance.pixel_polygons for instance in result],
            lambda: flat * 1920.0,
        ],
        times=30,
    )
    named = {
        "one flat numpy operation": (limit, ""),
        "polygons_array.to_pixels": (columns, "≤ 10"),
        "the same, columns made anew": (fresh, ""),
        "pixel_polygons, object by object": (objects, ""),
    }
    return [
        (name, f"{statistics.median(times) * 1e6:.0f} µs", f"{ratio(times, limit):.1f}", bar)
        for name, (times, bar) in named.items()
    ]


def main() -> None:
    table("Fitting to a limit, against Pillow's draft path", fitting(), COMMAND)
    table("What limits do to boxes (demo model, which reads 300 × 300 pixels)", effects(), COMMAND)
    table("100 polygons of 200 corners to pixels", polygons(), COMMAND)


if __name__ == "__main__":
    main()

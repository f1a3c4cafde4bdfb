"""Draws images of the pages into docs/images: ``python -m docs.make_images``.

Those of explain.md, evaluation.md and web.md are screenshots and reports, and made otherwise.
"""

from __future__ import annotations

import math
from pathlib import Path
from random import Random

from PIL import Image, ImageDraw, ImageFont

from automl_cv_client import Client, Detections, Task, XaiParameters, drawing
from automl_cv_client.annotations import Annotation
from automl_cv_client.geometry import Box, Frames, Size
from automl_cv_client.local import LocalEndpoint
from automl_cv_client.migration import from_custom_vision
from automl_cv_client.testing import instances
from tests.migration.stand_ins import PREDICTION

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
PHOTOS = ROOT / "samples" / "photos"
PAPER, INK, RED, BLUE = (252, 252, 253), (28, 28, 32), (225, 30, 60), (20, 90, 200)
TOP = 84  # pixels above the images of frames.png
LETTERS, SMALL = ImageFont.load_default(20), ImageFont.load_default(15)


def draw_results() -> None:
    with LocalEndpoint.for_all_tasks() as endpoint:
        clients = {task: Client(endpoint.scoring_uri_of(task), endpoint.key) for task in Task}
        cat, coffee = PHOTOS / "chelsea.png", PHOTOS / "coffee.png"
        found = clients[Task.DETECTION].detect(coffee)
        write(found.draw(), "coffee.detect.jpg")
        write(clients[Task.SEGMENTATION].segment(coffee).draw(), "coffee.segment.jpg")
        write(clients[Task.MULTILABEL].classify_multilabel(coffee).draw(), "coffee.multilabel.jpg")
        write(clients[Task.CLASSIFICATION].classify(cat).draw(), "chelsea.classify.jpg")
        draw_turned(found)
        beside = found.draw_beside(found.above(0.8), titles=("all", "above 0.8"))
        write(beside, "coffee.beside.jpg")
        old = from_custom_vision(PREDICTION, "detect", coffee).above(0.5)
        write(old.draw_beside(found, titles=("Custom Vision", "AutoML")), "coffee.migration.jpg")
        for client in clients.values():
            client.close()


SCRIPTS = ("кошка", "قطة", "बिल्ली", "แมวน้ำ", "חתול", "γάτα", "Kätzchen", "🐈 cat")


def draw_crowds() -> None:
    """Many objects, and labels in eight scripts."""
    random = Random(3)
    names = (
        "person",
        "bicycle",
        "car",
        "dog",
        "traffic light",
        "cup",
        "table",
        "umbrella",
        "bus",
        "apple",
        "kite",
        "bird",
    )
    with Image.open(PHOTOS / "coffee.png") as coffee:
        photo = coffee.convert("RGB").resize((1200, 800))
    crowd = []
    for number in range(60):
        width, height = random.uniform(0.05, 0.25), random.uniform(0.08, 0.3)
        left, top = random.uniform(0, 1 - width), random.uniform(0, 1 - height)
        crowd.append(Annotation(names[number % 12], random.random(), Box(left, top, left + width, top + height)))
    write(drawing.draw_objects(photo, crowd), "drawing-60-objects.jpg")
    labelled = [
        Annotation(label, 0.97 - number / 20, Box(0.04 + x, 0.12 + y, 0.22 + x, 0.4 + y))
        for number, label in enumerate(SCRIPTS)
        for x, y in [(number % 4 * 0.24, number // 4 * 0.45)]
    ]
    write(drawing.draw_objects(photo.resize((900, 600)), labelled), "drawing-scripts.jpg")


STRIP = 300  # pixels: the height of each image of strip.jpg


def draw_strip() -> None:
    """What the package draws, side by side: four tasks, an explanation, and the head of an evaluation report."""
    parts = []
    with LocalEndpoint.for_all_tasks() as endpoint:
        clients = {task: Client(endpoint.scoring_uri_of(task), endpoint.key) for task in Task}
        cat, coffee = PHOTOS / "chelsea.png", PHOTOS / "coffee.png"
        parts.append(("classify", clients[Task.CLASSIFICATION].classify(cat).draw()))
        parts.append(("classify_multilabel", clients[Task.MULTILABEL].classify_multilabel(coffee).draw()))
        parts.append(("detect", clients[Task.DETECTION].detect(coffee).draw()))
        parts.append(("segment", clients[Task.SEGMENTATION].segment(coffee).draw()))
        asked = XaiParameters(algorithm="guided_gradcam", visualizations=False, attributions=True)
        explained = clients[Task.CLASSIFICATION].explain(cat, asked)
        assert explained.explanation is not None
        parts.append(("explain", explained.explanation.draw()))
        for client in clients.values():
            client.close()
    with Image.open(IMAGES / "evaluation-report.jpg") as report:
        shown = report.convert("RGB")
    parts.append(("evaluate", shown.crop((0, 0, shown.width, min(shown.height, shown.width * 3 // 4)))))
    images = [(name, image.resize((round(image.width * STRIP / image.height), STRIP))) for name, image in parts]
    width = max(sum(image.width + 10 for _, image in row) for row in (images[:3], images[3:])) - 10
    strip = Image.new("RGB", (width, 2 * (STRIP + 40)), PAPER)
    draw = ImageDraw.Draw(strip)
    for number, row in enumerate((images[:3], images[3:])):
        x, y = 0, number * (STRIP + 40)
        for name, image in row:
            strip.paste(image, (x, y + 30))
            draw.text((x, y + 4), name, fill=INK, font=LETTERS)
            x += image.width + 10
    write(strip, "strip.jpg")


def draw_turned(found: Detections) -> None:
    """What shares of the upright image mean on the file as stored, and on the image as a person sees it."""
    with Image.open(PHOTOS / "coffee.png") as coffee:
        stored = coffee.convert("RGB").transpose(Image.Transpose.ROTATE_90)
    pencil = ImageDraw.Draw(stored)
    for detection in found.above(0.8):
        box = detection.to_pixels(stored.size)
        pencil.rectangle(box, outline=RED, width=4)
        pencil.text((box.left + 8, box.top + 6), f"{detection.label} {detection.score:.2f}", fill=PAPER, font=LETTERS)
    drawn = found.above(0.8).draw()
    both = Image.new("RGB", (stored.width + 30 + drawn.width, stored.height), PAPER)
    both.paste(stored, (0, 0))
    both.paste(drawn, (stored.width + 30, (stored.height - drawn.height) // 2))
    write(both.resize((both.width * 3 // 4, both.height * 3 // 4)), "turned.jpg")


def draw_hole() -> None:
    """The rim of the cup, an outline with a hole, and its mask beside it: no model draws it, so it is made by hand."""
    width, height = 600, 400
    ring = [ellipse(293, 113, 118, 93), ellipse(291, 116, 98, 78)]
    outline = [tuple(value / (height if i % 2 else width) for i, value in enumerate(segment)) for segment in ring]
    rim = instances(("rim", 1.0, (175 / 600, 20 / 400, 411 / 600, 206 / 400), outline), size=(width, height))
    mask = rim[0].mask_image().convert("RGB")
    both = Image.new("RGB", (2 * width + 10, height), PAPER)
    both.paste(rim.draw(PHOTOS / "coffee.png"), (0, 0))
    both.paste(mask, (width + 10, 0))
    write(both.resize((both.width * 2 // 3, both.height * 2 // 3)), "hole.jpg")


def ellipse(x: float, y: float, across: float, down: float, corners: int = 60) -> list[float]:
    """A closed ring (x1, y1, x2, y2, …)."""
    turns = [2 * math.pi * (corner % corners) / corners for corner in range(corners + 1)]
    return [value for turn in turns for value in (x + across * math.cos(turn), y + down * math.sin(turn))]


def draw_frames() -> None:
    """One box in the raw, the upright, the sent and the normalised frame of a photo that lies on its side."""
    with Image.open(PHOTOS / "chelsea.png") as cat:
        upright = cat.convert("RGB").crop((60, 0, 285, 300))
    raw = upright.transpose(Image.Transpose.ROTATE_90)
    sent = upright.resize((113, 150))
    frames = Frames(Size(*upright.size), Size(*raw.size), Size(*sent.size), 6)
    canvas = Image.new("RGB", (1120, 470), PAPER)
    draw, eye = ImageDraw.Draw(canvas), Box(0.32, 0.27, 0.68, 0.52)
    for x, name, image, words in (
        (50, "raw", raw, "the file, lying on its side"),
        (410, "upright", upright, "as a person sees it"),
        (695, "sent", sent, "reduced"),
        (860, "normalised", upright, "shares of the upright image"),
    ):
        canvas.paste(image, (x, TOP))
        draw.text((x, 8), name, fill=INK, font=LETTERS)
        draw.text((x, 36), words, fill=INK, font=SMALL)
        draw_axes(draw, x, image.size, (1, 1) if name == "normalised" else image.size)
        shown = frames.box(eye, "normalised", name)  # type: ignore[arg-type]
        placed = shown.to_pixels(image.size) if isinstance(shown, Box) else shown
        draw.rectangle([edge + (x, TOP)[i % 2] for i, edge in enumerate(placed)], outline=RED, width=3)
        told = ", ".join(f"{edge:.2f}" if isinstance(shown, Box) else f"{edge:.0f}" for edge in shown)
        draw.text((x, TOP + image.height + 28), f"({told})", fill=RED, font=SMALL)
    draw.text((50, 440), "The red box is the same in all four: (left, top, right, bottom)", fill=RED, font=SMALL)
    canvas.quantize(192).save(IMAGES / "frames.png", optimize=True)


def draw_axes(draw: ImageDraw.ImageDraw, x: int, pixels: tuple[int, int], ends: tuple[int, int]) -> None:
    """The origin at the upper left corner, x to the right along the upper edge, y down along the left one."""
    width, height = pixels
    draw.line((x, TOP, x + width, TOP), fill=BLUE, width=3)
    draw.line((x, TOP, x, TOP + height), fill=BLUE, width=3)
    draw.ellipse((x - 5, TOP - 5, x + 5, TOP + 5), fill=BLUE)
    draw.text((x + 8, TOP - 20), "0", fill=BLUE, font=SMALL)
    draw.text((x + width, TOP - 20), f"x = {ends[0]}", fill=BLUE, font=SMALL, anchor="ra")
    draw.text((x, TOP + height + 5), f"y = {ends[1]}", fill=BLUE, font=SMALL)


def write(image: Image.Image, name: str) -> None:
    image.save(IMAGES / name, quality=85)


if __name__ == "__main__":
    draw_results()
    draw_crowds()
    draw_strip()
    draw_hole()
    draw_frames()

"""Draws the pictures of docs/pictures.md into docs/images: ``python docs/make_pictures.py``."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from automl_cv_client import Client, Task
from automl_cv_client.geometry import Frames, Size
from automl_cv_client.local import LocalEndpoint

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
PHOTOS = ROOT / "samples" / "photos"
PAPER, INK, RED = (252, 252, 253), (28, 28, 32), (255, 64, 85)


def draw_results() -> None:
    with LocalEndpoint.for_all_tasks() as endpoint:
        clients = {task: Client(endpoint.scoring_uri_of(task), endpoint.key) for task in Task}
        cat = PHOTOS / "chelsea.png"
        found = clients[Task.DETECTION].detect(PHOTOS / "coffee.png")
        write(found.draw(), "coffee.detect.jpg")
        write(clients[Task.CLASSIFICATION].classify(cat).draw(), "chelsea.classify.jpg")
        beside = found.draw_beside(found.above(0.8), titles=("all", "above 0.8"))
        write(beside, "coffee.beside.jpg")
        for client in clients.values():
            client.close()


def draw_frames() -> None:
    """One box in the raw, the upright and the sent picture of a photograph that lies on its side."""
    with Image.open(PHOTOS / "chelsea.png") as cat:
        upright = cat.convert("RGB").crop((60, 0, 285, 300))
    raw = upright.transpose(Image.Transpose.ROTATE_90)
    sent = upright.resize((113, 150))
    frames = Frames(Size(*upright.size), Size(*raw.size), Size(*sent.size), 6)
    canvas = Image.new("RGB", (900, 430), PAPER)
    draw, x = ImageDraw.Draw(canvas), 30
    letters, small = ImageFont.load_default(20), ImageFont.load_default(15)
    eye = (0.32, 0.27, 0.68, 0.52)
    for name, picture, words in (
        ("raw", raw, "as stored, orientation 6"),
        ("upright", upright, "as a person sees it"),
        ("sent", sent, "reduced"),
    ):
        canvas.paste(picture, (x, 60))
        corners = [frames.point(a, b, "normalised", name) for a, b in (eye[:2], eye[2:])]  # type: ignore[arg-type]
        (x1, y1), (x2, y2) = corners
        box = (x + min(x1, x2), 60 + min(y1, y2), x + max(x1, x2), 60 + max(y1, y2))
        draw.rectangle(box, outline=RED, width=3)
        draw.text((x, 8), name, fill=INK, font=letters)
        draw.text((x, 36), f"{words}, {picture.width} x {picture.height}", fill=INK, font=small)
        shown = ", ".join(f"{value:.0f}" for value in (box[0] - x, box[1] - 60, box[2] - x, box[3] - 60))
        draw.text((x, 66 + picture.height), f"({shown})", fill=RED, font=small)
        x += max(picture.width, 240) + 30
    draw.text((30, 400), "normalised: (0.32, 0.27, 0.68, 0.52) of the upright picture", fill=RED, font=small)
    canvas.quantize(192).save(IMAGES / "frames.png", optimize=True)


def write(picture: Image.Image, name: str) -> None:
    picture.save(IMAGES / name, quality=85)


if __name__ == "__main__":
    draw_results()
    draw_frames()

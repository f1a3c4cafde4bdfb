"""Find small objects in a large image: cut into overlapping tiles, each scored, boxes put together again.

python samples/score_large_image.py [IMAGE [FOLDER]]
"""

import sys
from pathlib import Path

from endpoint import endpoint_for
from PIL import Image

from automl_cv_client import Client, Task

PHOTOS = Path(__file__).parent / "photos"


def large_image() -> Image.Image:
    """2400 x 1800 pixels with twelve small photos of cats on it."""
    canvas = Image.new("RGB", (2400, 1800), "white")
    with Image.open(PHOTOS / "chelsea.png") as cat:
        small = cat.convert("RGB").resize((225, 150))
    for number in range(12):
        canvas.paste(small, (150 + number % 4 * 600, 200 + number // 4 * 600))
    return canvas


def main(image: str | Path | None = None, folder: str | Path = "demo-output") -> None:
    photo = large_image() if image is None else image
    with endpoint_for(Task.DETECTION), Client.from_env() as client:
        whole = client.detect(photo).above(0.5)
        tiled = client.detect_tiled(photo, tile=640, overlap=0.3).above(0.5)
    print("sent whole:", len(whole), "found")
    print(*tiled.image.changes, "and whole:", len(tiled), "found")
    Path(folder).mkdir(parents=True, exist_ok=True)
    print("drawn:", tiled.save(Path(folder) / "tiled.jpg", photo))


if __name__ == "__main__":
    main(*sys.argv[1:])

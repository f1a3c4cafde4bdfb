"""Find the objects in an image, print where they are in pixels, and draw them.

python samples/detect.py [IMAGE [FOLDER]]
"""

import sys
from pathlib import Path

from endpoint import endpoint_for

from automl_cv_client import Client, Task, errors

IMAGE = Path(__file__).parent / "photos" / "coffee.png"


def main(image: str | Path = IMAGE, folder: str | Path = "demo-output") -> None:
    with endpoint_for(Task.DETECTION), Client.from_env() as client:
        try:
            found = client.detect(image)
        except errors.ImageError as error:
            sys.exit(f"not sent: {error}")
    for detection in found.above(0.5):
        left, top, right, bottom = detection.pixel_box
        print(f"{detection.label} {detection.score:.2f} at ({left:.0f}, {top:.0f}) to ({right:.0f}, {bottom:.0f})")
    Path(folder).mkdir(parents=True, exist_ok=True)
    print("drawn:", found.save(Path(folder) / "detected.jpg"))


if __name__ == "__main__":
    main(*sys.argv[1:])

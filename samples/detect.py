"""Find the objects in a picture and draw them: python samples/detect.py [PICTURE]"""

import sys
from pathlib import Path

from endpoint import endpoint_for

from automl_cv_client import Client, Task, errors

PICTURE = Path(__file__).parent / "photos" / "coffee.png"


def main(picture: str | Path = PICTURE, drawn: str | Path = "detected.jpg") -> None:
    with endpoint_for(Task.DETECTION) as (uri, key), Client(uri, key) as client:
        try:
            found = client.detect(picture)
        except errors.ImageError as error:
            sys.exit(f"not sent: {error}")
    for one in found.above(0.5):
        left, top, right, bottom = one.pixel_box
        print(f"{one.label} {one.score:.2f} at ({left:.0f}, {top:.0f}) to ({right:.0f}, {bottom:.0f})")
    print("drawn:", found.save(drawn))


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Tell what images show: the best three labels of each, out of the thousand the demo model knows.

python samples/classify.py [IMAGE ...]
"""

import sys
from pathlib import Path

from endpoint import endpoint_for

from automl_cv_client import Client, Task

PHOTOS = Path(__file__).parent / "photos"


def main(*images: str | Path) -> None:
    with endpoint_for(Task.CLASSIFICATION), Client.from_env() as client:
        for image in images or (PHOTOS / "chelsea.png", PHOTOS / "rocket.jpg"):
            result = client.classify(image)
            print(Path(image).name, "shows", result.label)
            for label, score in result.top(3):
                print(f"  {score:.2f} {label}")


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Score pixels that never were a file, such as a video frame: python samples/from_array.py"""

from pathlib import Path

import numpy as np
from endpoint import endpoint_for
from PIL import Image

from automl_cv_client import Client, ImagePolicy, Task

PICTURE = Path(__file__).parent / "photos" / "chelsea.png"


def main() -> None:
    with Image.open(PICTURE) as picture:
        rgb = np.asarray(picture.convert("RGB"))  # height x width x 3, uint8
    bgr = rgb[:, :, ::-1]  # the order in which OpenCV holds a frame
    with endpoint_for(Task.CLASSIFICATION) as (uri, key), Client(uri, key) as client:
        result = client.classify(rgb)
        same = client.with_options(images=ImagePolicy(color="bgr")).classify(bgr)
    print(f"{result.label} {result.score:.2f}")
    print("the same from BGR:", same == result)


if __name__ == "__main__":
    main()

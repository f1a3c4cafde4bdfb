"""Score pixels that never were a file, such as frames of a video. OpenCV holds them in the order blue, green, red.

python samples/score_array.py
"""

from pathlib import Path

import numpy as np
from endpoint import endpoint_for
from PIL import Image

from automl_cv_client import Client, ImagePolicy, Task

IMAGE = Path(__file__).parent / "photos" / "chelsea.png"


def main() -> None:
    with Image.open(IMAGE) as image:
        rgb = np.asarray(image.convert("RGB"))  # height x width x 3, uint8
    bgr = rgb[:, :, ::-1]  # what cv2.imread(path) or a cv2.VideoCapture gives
    with endpoint_for(Task.DETECTION), Client.from_env() as client:
        found = client.detect(rgb)
        opencv = client.with_options(images=ImagePolicy(color="bgr"))  # shares the connections
        same = opencv.detect(bgr)
    print("frame:", bgr.shape, bgr.dtype)
    print(f"{found[0].label} {found[0].score:.2f}, the same from BGR: {same == found}")


if __name__ == "__main__":
    main()

"""Show why an image was classified so: the service's figure, and the reasons laid over your own image.

python samples/explain.py [IMAGE [FOLDER]]
"""

import sys
from pathlib import Path

from endpoint import endpoint_for

from automl_cv_client import Client, Task, XaiParameters

IMAGE = Path(__file__).parent / "photos" / "chelsea.png"


def main(image: str | Path = IMAGE, folder: str | Path = "demo-output") -> None:
    parameters = XaiParameters(algorithm="guided_gradcam", visualizations=True, attributions=True)
    with endpoint_for(Task.CLASSIFICATION), Client.from_env() as client:
        why = client.explain(image, parameters).explanation
    print(f"{why.label} {why.score:.2f}, by {why.algorithm}")
    Path(folder).mkdir(parents=True, exist_ok=True)
    why.visualization.save(Path(folder) / "figure.png")
    print("figure:", Path(folder) / "figure.png", why.visualization.size)
    print("over the image:", why.save(Path(folder) / "explained.jpg", image))


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Show why a picture was classified so: the service's figure, and the reasons laid over your own picture.

python samples/explain.py [PICTURE [FOLDER]]
"""

import sys
from pathlib import Path

from endpoint import endpoint_for

from automl_cv_client import Client, Task, XaiParameters

PICTURE = Path(__file__).parent / "photos" / "chelsea.png"


def main(picture: str | Path = PICTURE, folder: str | Path = "demo-output") -> None:
    parameters = XaiParameters(algorithm="guided_gradcam", visualizations=True, attributions=True)
    with endpoint_for(Task.CLASSIFICATION), Client.from_env() as client:
        why = client.explain(picture, parameters).explanation
    if why is None or why.visualization is None:
        sys.exit("the endpoint sent no explanation")
    print(f"{why.label} {why.score:.2f}, by {why.algorithm}")
    Path(folder).mkdir(parents=True, exist_ok=True)
    why.visualization.save(Path(folder) / "figure.png")
    print("figure:", Path(folder) / "figure.png", why.visualization.size)
    print("over the picture:", why.save(Path(folder) / "explained.jpg", picture))


if __name__ == "__main__":
    main(*sys.argv[1:])

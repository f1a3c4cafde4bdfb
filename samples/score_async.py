"""Score several images at once in an event loop.

python samples/score_async.py
"""

import asyncio
from pathlib import Path

from endpoint import endpoint_for

from automl_cv_client import AsyncClient, Task

PHOTOS = Path(__file__).parent / "photos"
NAMES = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg")


async def score() -> None:
    async with AsyncClient.from_env() as client:
        results = await asyncio.gather(*(client.detect(PHOTOS / name) for name in NAMES))
    for name, found in zip(NAMES, results, strict=True):
        print(f"{name}: {', '.join(detection.label for detection in found) or 'nothing found'}")


def main() -> None:
    with endpoint_for(Task.DETECTION):
        asyncio.run(score())


if __name__ == "__main__":
    main()

"""Score several pictures at once in an event loop: python samples/async_client.py"""

import asyncio
from pathlib import Path

from endpoint import endpoint_for

from automl_cv_client import AsyncClient, Task

PHOTOS = Path(__file__).parent / "photos"


async def score(uri: str, key: str) -> None:
    async with AsyncClient(uri, key) as client:
        names = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg")
        results = await asyncio.gather(*(client.detect(PHOTOS / name) for name in names))
    for name, found in zip(names, results, strict=True):
        print(f"{name}: {', '.join(one.label for one in found) or 'nothing found'}")


def main() -> None:
    with endpoint_for(Task.DETECTION) as (uri, key):
        asyncio.run(score(uri, key))


if __name__ == "__main__":
    main()

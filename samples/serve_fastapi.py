"""A web backend that scores uploaded images, with FastAPI.

python samples/serve_fastapi.py [PORT]
curl -F image=@samples/photos/coffee.png http://127.0.0.1:8000/detect
"""

import sys
from collections import Counter

import uvicorn
from endpoint import endpoint_for
from fastapi import FastAPI

from automl_cv_client import AsyncClient, Detections, Task
from automl_cv_client.integrations.fastapi import (
    ScoringClient,
    UploadedImage,
    client_lifespan,
    install,
    responses_for,
)

app = FastAPI(lifespan=client_lifespan(AsyncClient.from_env))  # one client for the whole application
install(app, max_body_bytes=10_000_000)  # our errors become answers with a status and a reason


@app.post("/detect", responses=responses_for(Detections))
async def detect(image: UploadedImage, client: ScoringClient) -> Detections:
    """Everything that was found: a result is a response model."""
    return await client.detect(image)


@app.post("/counts")
async def counts(image: UploadedImage, client: ScoringClient) -> dict[str, int]:
    """How many of each label."""
    found = await client.detect(image)
    return Counter(detection.label for detection in found.above(0.5))


def main(port: int = 8000) -> None:
    with endpoint_for(Task.DETECTION):
        print(f"try it on http://127.0.0.1:{port}/docs", flush=True)
        uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

"""A small backend over a fake endpoint, served for real on loopback with its lifespan."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import uvicorn
from fastapi import FastAPI, Form, UploadFile

from automl_cv_client import AsyncClient, Detections, Failed, Outcome, RetryPolicy, Scored, Task
from automl_cv_client.errors import AutoMLVisionError, BatchError
from automl_cv_client.integrations.fastapi import (
    ScoringClient,
    UploadedImage,
    client_lifespan,
    install,
    responses_for,
    stream_outcomes,
)
from automl_cv_client.testing import FakeEndpoint


def site_over(fake: FakeEndpoint, *, max_body_bytes: int = 2_000_000, **options: Any) -> FastAPI:
    """The backend; its client reaches the fake in process."""
    options = {"retry": RetryPolicy(attempts=1), **options}
    app = FastAPI(lifespan=client_lifespan(lambda: fake.async_client(**options)))
    install(app, max_body_bytes=max_body_bytes)

    @app.post("/detect", responses=responses_for(Detections))
    async def detect(image: UploadedImage, client: ScoringClient) -> Detections:
        return await client.detect(image)

    @app.post("/score")
    async def score(image: UploadedImage, client: ScoringClient, task: Annotated[str, Form()]) -> Any:
        return await client.score(image, task)

    @app.post("/many")
    async def many(images: list[UploadFile], client: ScoringClient) -> Any:
        return stream_outcomes(each(client, images))

    return app


async def each(client: AsyncClient, images: list[UploadFile]) -> AsyncIterator[Outcome[Any]]:
    for index, image in enumerate(images):
        if image.filename == "stop.jpg":
            raise BatchError("no more")
        try:
            yield Scored(index, image.filename, await client.score(image.file, Task.DETECTION))
        except AutoMLVisionError as error:
            yield Failed(index, image.filename, error=error)


@contextmanager
def served(app: Any) -> Iterator[str]:
    """The application on a free port, its lifespan run; gives its base URL."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(512)
    config = uvicorn.Config(
        app,
        http="h11",
        ws="none",
        log_config=None,
        timeout_graceful_shutdown=2,
        timeout_keep_alive=60,  # by default 5 s, in which a busy machine may not come to the next request
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    until = time.monotonic() + 60
    while not server.started:
        assert thread.is_alive()
        assert time.monotonic() < until
        time.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(60)
        listening.close()
        assert not thread.is_alive()

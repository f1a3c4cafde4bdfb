"""A small web application that scores images and draws what was found: python samples/web_app/app.py [PORT]

It scores with demo models on this machine, or, where AUTOML_CV_SCORING_URI and AUTOML_CV_KEY are set, at your
endpoint; AUTOML_CV_TASK names its task, AUTOML_CV_DEPLOYMENTS its deployments ("blue,green") to compare two.
"""

from __future__ import annotations

import asyncio
import io
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Annotated, Any

import uvicorn
from fastapi import FastAPI, Form, Request, Response
from fastapi.staticfiles import StaticFiles

from automl_cv_client import (
    AsyncClient,
    Classification,
    Detections,
    Explanation,
    Instances,
    MultilabelClassification,
    Result,
    Stats,
    Task,
    XaiParameters,
)
from automl_cv_client.drawing import PALETTE
from automl_cv_client.integrations.fastapi import (
    ScoringClient,
    UploadedImage,
    client_lifespan,
    install,
    responses_for,
)

PAGE = Path(__file__).parent / "page"
RESULTS: dict[Task, type[Result]] = {
    Task.DETECTION: Detections,
    Task.SEGMENTATION: Instances,
    Task.CLASSIFICATION: Classification,
    Task.MULTILABEL: MultilabelClassification,
}
# Nothing is loaded from anywhere else, and the page cannot be framed.
POLICY = "default-src 'self'; img-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"


def scoring_app(task: Task, uri: str, key: str) -> FastAPI:
    """The part of the application that scores one task; it has a client of its own."""
    app = FastAPI(title=f"Scores {task.value}", lifespan=client_lifespan(lambda: AsyncClient(uri, key, deadline=60)))
    install(app)

    @app.post("/score", response_model=RESULTS[task], responses=responses_for(RESULTS[task]))
    async def score(
        image: UploadedImage, client: ScoringClient, deployment: Annotated[str | None, Form()] = None
    ) -> Any:
        chosen = client.with_options(deployment=deployment) if deployment else client
        return await chosen.score(image, task)

    if task is Task.CLASSIFICATION:

        @app.post("/explain", response_class=Response, responses={200: {"content": {"image/jpeg": {}}}})
        async def explain(
            image: UploadedImage, client: ScoringClient, deployment: Annotated[str | None, Form()] = None
        ) -> Response:
            """The image with the reasons for its class laid over it, as a JPEG."""
            chosen = client.with_options(deployment=deployment) if deployment else client
            data = await asyncio.to_thread(image.read)
            explained = await chosen.explain(data, XaiParameters(visualizations=False, attributions=True))
            return Response(await asyncio.to_thread(heat_map, explained.explanation, data), media_type="image/jpeg")

    @app.get("/stats")
    async def stats(client: ScoringClient) -> Stats:
        return client.stats()

    return app


def heat_map(explanation: Explanation, image: bytes) -> bytes:
    """The overlay as a JPEG file, at most 1,600 pixels a side."""
    drawn = explanation.overlay(image)
    drawn.thumbnail((1600, 1600))
    file = io.BytesIO()
    drawn.save(file, "JPEG", quality=85)
    return file.getvalue()


def make_app(endpoints: Mapping[Task, tuple[str, str]], deployments: Sequence[str] = ()) -> FastAPI:
    """The application.

    Args:
        endpoints: task to scoring URI and key.
        deployments: names to choose from; none leaves the choice to the endpoint.
    """
    parts = {task: scoring_app(task, uri, key) for task, (uri, key) in endpoints.items()}

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for part in parts.values():  # a mounted application's lifespan is not run by itself
                await stack.enter_async_context(part.router.lifespan_context(part))
            yield

    app = FastAPI(title="Images scored", lifespan=lifespan)

    @app.middleware("http")
    async def guard(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await answer(request)
        response.headers["content-security-policy"] = POLICY
        response.headers["x-content-type-options"] = "nosniff"
        return response

    @app.get("/api/offer")
    async def offer() -> dict[str, list[str]]:
        palette = [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in PALETTE]
        return {"tasks": [task.value for task in parts], "deployments": list(deployments), "palette": palette}

    for task, part in parts.items():
        app.mount(f"/api/{task.value}", part)
    app.mount("/", StaticFiles(directory=PAGE, html=True))
    return app


@contextmanager
def chosen_endpoints() -> Iterator[tuple[dict[Task, tuple[str, str]], list[str]]]:
    """The endpoint of the variables, else one on this machine for all tasks with two deployments."""
    if uri := os.environ.get("AUTOML_CV_SCORING_URI"):
        key, task = os.environ.get("AUTOML_CV_KEY"), os.environ.get("AUTOML_CV_TASK", Task.DETECTION)
        if not key or task not in list(Task):
            sys.exit(f"set AUTOML_CV_KEY to the endpoint's key, and AUTOML_CV_TASK to one of {', '.join(Task)}")
        names = os.environ.get("AUTOML_CV_DEPLOYMENTS", "").split(",")
        yield {Task(task): (uri, key)}, [name.strip() for name in names if name.strip()]
        return
    from automl_cv_client.local import LocalEndpoint

    names = ["blue", "green"]
    with LocalEndpoint.for_all_tasks(deployments=names) as endpoint:
        yield {task: (endpoint.scoring_uri_of(task), endpoint.key) for task in RESULTS}, names


def main(port: int = 8000) -> None:
    with chosen_endpoints() as (endpoints, deployments):
        print(f"open http://127.0.0.1:{port}", flush=True)
        uvicorn.run(make_app(endpoints, deployments), host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

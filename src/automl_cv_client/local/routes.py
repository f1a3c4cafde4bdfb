"""Joins front end and containers into one web application; the only file that knows starlette."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from automl_cv_client.local.container import Container, Reply
from automl_cv_client.local.explainers import OcclusionExplainer
from automl_cv_client.local.front_end import FrontEnd, identify, pass_on, refusal
from automl_cv_client.local.own_classifier import OwnClassifier
from automl_cv_client.local.scorers import explainer_for, scorer_for
from automl_cv_client.local.swagger import swagger
from automl_cv_client.task import Task

_logger = logging.getLogger(__name__)
_SCORED_AT_ONCE = 2
MAX_BODY_BYTES = 200_000_000
"""Larger bodies get 413. The service documents no limit (§6); this one keeps the machine from filling up."""


class Site:
    """The application of an endpoint.

    Args:
        paths: task to path prefix: ``""`` for a path ``/score``, ``"/x"`` for ``/x/score``.
        front_end: decides who gets in.
        own: scores in place of the demo models.
    """

    def __init__(self, paths: Mapping[Task, str], front_end: FrontEnd, own: OwnClassifier | None = None) -> None:
        self._front_end = front_end
        self._threads = ThreadPoolExecutor(_SCORED_AT_ONCE, thread_name_prefix="automl-cv-score")
        self._desks = [
            _ScoringDesk(task, prefix, front_end, self._threads, _container(task, own))
            for task, prefix in paths.items()
        ]
        routes = [Route("/", _live), *(route for desk in self._desks for route in desk.routes())]
        self.app = Starlette(routes=routes)

    def close(self) -> None:
        """Scoring under way ends at its next image; what waits is given up."""
        for desk in self._desks:
            desk.container.close()
        self._threads.shutdown(wait=False, cancel_futures=True)


class _ScoringDesk:
    """The two paths of one task."""

    def __init__(
        self, task: Task, prefix: str, front_end: FrontEnd, threads: ThreadPoolExecutor, container: Container
    ) -> None:
        self.container = container
        self._task = task
        self._prefix = prefix
        self._front_end = front_end
        self._threads = threads

    def routes(self) -> list[Route]:
        routes = [
            Route(f"{self._prefix}/score", self._score, methods=["POST"]),
            Route(f"{self._prefix}/swagger.json", self._swagger),
        ]
        return [*routes, Route(f"{self._prefix}/", _live)] if self._prefix else routes

    async def _swagger(self, request: Request) -> Response:
        if not self._front_end.knows(request.headers):
            return JSONResponse({"message": "The key is missing or wrong."}, 401)
        return JSONResponse(swagger(self._task, f"{self._prefix}/score"))

    async def _score(self, request: Request) -> Response:
        refused = self._front_end.refuse(request.headers)
        try:
            # Read to the end even when refused: a caller still sending would not see the answer.
            body = await _read(request)
            reply = refused or await self._let_in(request, body)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is there to read it
        finally:
            if refused is None:
                self._front_end.leave()
        return Response(reply.body, reply.status, reply.headers | identify(request.headers), "application/json")

    async def _let_in(self, request: Request, body: bytes | None) -> Reply:
        """The container's answer, passed on with the front end's own headers."""
        if body is None:
            return refusal(413, f"The request body is larger than {MAX_BODY_BYTES} bytes.")
        started = time.perf_counter()
        content_type = request.headers.get("content-type", "")
        try:
            reply = await asyncio.get_running_loop().run_in_executor(
                self._threads, self.container.answer, content_type, body
            )
        except (RuntimeError, asyncio.CancelledError):  # the endpoint is stopping, its threads or this task with it
            return refusal(503, "The endpoint is stopping.")
        told = {
            "azureml-model-deployment": self._front_end.deployment(request.headers),
            "ms-azureml-model-time": f"{(time.perf_counter() - started) * 1000:.0f}",
        }
        _logger.debug("%s answered %d", self._task.value, reply.status)
        passed = pass_on(reply)
        return Reply(passed.status, passed.body, passed.headers | told)


def _container(task: Task, own: OwnClassifier | None) -> Container:
    if own is None:
        return Container(scorer_for(task), explainer_for(task))
    return Container(own, OcclusionExplainer(own, multilabel=own.multilabel, crop=own.crop))


async def _live(request: Request) -> Response:
    return PlainTextResponse("Healthy")


async def _read(request: Request) -> bytes | None:
    """The whole body; None when it is too large, and then none of it is kept."""
    body = bytearray()
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= MAX_BODY_BYTES:
            body += chunk
        else:
            body.clear()
    return bytes(body) if size <= MAX_BODY_BYTES else None

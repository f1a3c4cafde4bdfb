"""Joins the awaited client to FastAPI: one shared client, uploads, problems, deadlines, callers who leave, streams.

    app = FastAPI(lifespan=client_lifespan(AsyncClient.from_env))
    install(app)

    @app.post("/detect", responses=responses_for(Detections))
    async def detect(image: UploadedImage, client: ScoringClient) -> Detections:
        return await client.detect(image)

Needs the extra ``fastapi``.
"""

# ruff: noqa: E402 - what is missing is told before it is imported

from __future__ import annotations

import asyncio
import json
import logging
import math
from collections.abc import AsyncIterable, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from http import HTTPStatus
from typing import Annotated, Any, BinaryIO, TypeVar

from automl_cv_client._extras import need

need("fastapi", "fastapi", "starlette")

from fastapi import Depends, FastAPI, HTTPException, Request, UploadFile
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import ClientDisconnect

from automl_cv_client._async_client import AsyncClient
from automl_cv_client._flow.effects import Flow
from automl_cv_client._imaging import describe
from automl_cv_client.errors import AutoMLVisionError
from automl_cv_client.integrations.examples import example_of
from automl_cv_client.integrations.problems import MEDIA_TYPE, headers_of, log, problem_of
from automl_cv_client.integrations.uploads import MAX_BODY_BYTES, UploadLimit, why_no_image_file
from automl_cv_client.results import Outcome, Result

T = TypeVar("T")

TIMEOUT_HEADER = "x-request-timeout"
"""Request header in which a caller says how many seconds it will wait; it shortens the client's deadline."""

_GONE = 499  # what web servers log for a caller who left; nobody reads it


def client_lifespan(make_client: Callable[[], AsyncClient]) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """A lifespan that makes one client for the whole application, and closes it at the end.

    Args:
        make_client: called in the event loop, once, such as ``AsyncClient.from_env``.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with make_client() as client:
            app.state.automl_cv_client = client
            yield

    return lifespan


def install(app: FastAPI, *, max_body_bytes: int = MAX_BODY_BYTES) -> None:
    """Answer our errors with problems (RFC 9457) of status 400 to 504, and refuse uploads that are too large.

    Args:
        app: the application.
        max_body_bytes: of a request body; more gets 413 before it is stored.
    """
    app.add_middleware(UploadLimit, max_bytes=max_body_bytes)
    app.add_exception_handler(AutoMLVisionError, _answer_error)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(StarletteHTTPException, _answer_http)
    app.add_exception_handler(ClientDisconnect, _answer_nobody)


async def scoring_client(request: Request) -> AsyncIterator[AsyncClient]:
    """The dependency: the application's client, for this request.

    Its calls stop when the caller leaves, and by the time the caller gave in ``x-request-timeout`` (seconds).
    """
    shared: AsyncClient = request.app.state.automl_cv_client
    caller = _Caller(request)
    try:
        yield _with_deadline(_RequestClient(shared, caller), request.headers.get(TIMEOUT_HEADER))
    finally:
        await caller.forget()


ScoringClient = Annotated[AsyncClient, Depends(scoring_client)]
"""Type of an endpoint's parameter that wants the client."""


def uploaded_image(image: UploadFile) -> BinaryIO:
    """The dependency: the form's file ``image``, as an open file for the client; 415 when it is no image.

    The file is not read into memory here: the client reads it once, when it encodes it.
    """
    kind = why_no_image_file(image.file)
    if kind is not None:
        more = f" It is {kind}." if "HEIC" in kind else ""
        raise HTTPException(415, f"The file is not an image: send a JPEG, PNG, GIF, BMP, TIFF or WebP.{more}")
    return image.file


UploadedImage = Annotated[BinaryIO, Depends(uploaded_image)]
"""Type of an endpoint's parameter that wants the uploaded image."""


def responses_for(kind: type[Result]) -> dict[int | str, dict[str, Any]]:
    """For ``responses=`` of a route: an example of the result, and the problems that may come instead."""
    schema = {"type": "object", "properties": {"detail": {"type": "string"}, "code": {"type": "string"}}}
    problems = {
        400: "An argument cannot be used.",
        413: "The upload is too large.",
        415: "The file is not an image.",
        422: "The image cannot be read.",
        502: "The scoring endpoint failed.",
        503: "The scoring endpoint is busy.",
        504: "The scoring endpoint did not answer in time.",
    }
    responses: dict[int | str, dict[str, Any]] = {200: {"content": {"application/json": {"example": example_of(kind)}}}}
    for status, description in problems.items():
        responses[status] = {"description": description, "content": {MEDIA_TYPE: {"schema": schema}}}
    return responses


def stream_outcomes(outcomes: AsyncIterable[Outcome[Any]]) -> StreamingResponse:
    """Answer with one JSON object a line (NDJSON) for each outcome, as it comes: ``index``, ``result``, ``error``.

    An error is a problem as :func:`install` answers it. The stream always ends well: an exception of ``outcomes``
    itself becomes a last line without ``index``.
    """
    return StreamingResponse(_lines(outcomes), media_type="application/x-ndjson")


async def _lines(outcomes: AsyncIterable[Outcome[Any]]) -> AsyncIterator[str]:
    try:
        async for outcome in outcomes:
            line = {"index": outcome.index, "input": describe(outcome.input), "error": None, "result": None}
            if outcome.ok:
                line["result"] = outcome.result.model_dump(mode="json")
            else:
                line["error"] = problem_of(outcome.error)
            yield json.dumps(line) + "\n"
    except AutoMLVisionError as error:
        log.warning("a stream of outcomes ended early: %s", error)
        yield json.dumps({"index": None, "input": None, "error": problem_of(error), "result": None}) + "\n"


class _Caller:
    """Notices that the caller of a request has left."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._watch: asyncio.Task[None] | None = None

    def left(self) -> asyncio.Task[None]:
        """Done once the caller has left. The request's body must have been read: what is left of it gets lost."""
        if self._watch is None:
            self._watch = asyncio.create_task(self._wait())
        return self._watch

    async def forget(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            with suppress(asyncio.CancelledError):
                await self._watch

    async def _wait(self) -> None:
        while (await self._request.receive())["type"] != "http.disconnect":
            pass


class _RequestClient(AsyncClient):
    """The shared client, for the length of a request: shares connections, credential and budget."""

    def __init__(self, shared: AsyncClient, caller: _Caller) -> None:
        self._settings, self._backend, self._control = shared._settings, shared._backend, shared._control
        self._caller = caller

    async def _run(self, flow: Flow[T]) -> T:
        call = asyncio.ensure_future(super()._run(flow))
        try:
            await asyncio.wait((call, self._caller.left()), return_when=asyncio.FIRST_COMPLETED)
            if call.done():
                return call.result()
        finally:  # the caller has left, or the request itself is cancelled
            if not call.done():
                call.cancel()
                await asyncio.gather(call, return_exceptions=True)
        raise ClientDisconnect


def _with_deadline(client: AsyncClient, asked: str | None) -> AsyncClient:
    try:
        seconds = float(asked or "nan")
    except ValueError:
        seconds = math.nan
    own = client._settings.deadline
    if not 0 < seconds < (math.inf if own is None else own):
        return client
    return client.with_options(deadline=seconds)


async def _answer_error(request: Request, error: Exception) -> Response:
    problem = problem_of(error)
    level = logging.WARNING if problem["status"] >= 500 else logging.INFO
    log.log(level, "%s answers %d: %s", request.url.path, problem["status"], error)
    return JSONResponse(problem, problem["status"], headers_of(error), media_type=MEDIA_TYPE)


async def _answer_invalid(request: Request, error: Exception) -> Response:
    """FastAPI's own complaint, without the input it complains about: that may be an image."""
    complaints = error.errors() if isinstance(error, RequestValidationError) else []
    detail = "; ".join(f"{'.'.join(map(str, complaint['loc']))}: {complaint['msg']}" for complaint in complaints[:5])
    return _problem(422, "Unprocessable Content", detail, "RequestInvalid")


async def _answer_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, StarletteHTTPException)
    return _problem(error.status_code, "", str(error.detail), "RequestRefused", error.headers)


async def _answer_nobody(request: Request, error: Exception) -> Response:
    return Response(status_code=_GONE)


def _problem(status: int, title: str, detail: str, code: str, headers: Any = None) -> Response:
    phrase = title or HTTPStatus(status).phrase
    body = {"type": "about:blank", "title": phrase, "status": status, "detail": detail, "code": code}
    return JSONResponse(body, status, headers, media_type=MEDIA_TYPE)

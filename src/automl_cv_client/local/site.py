"""The endpoint as one ASGI application: reads a request whole, asks front end and container, writes the answer."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from automl_cv_client.local.container import Call, Container, Reply, failure
from automl_cv_client.local.front_end import FrontEnd, identify, pass_on
from automl_cv_client.local.models import Model
from automl_cv_client.task import Task

_logger = logging.getLogger(__name__)
_SCORED_AT_ONCE = 2
MAX_BODY_BYTES = 200_000_000
"""Larger bodies get 413. The service documents no limit (§6); this one keeps the machine from filling up."""

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Site:
    """The application of an endpoint.

    Args:
        models: what scores each task.
        paths: task to path prefix: ``""`` for a path ``/score``, ``"/x"`` for ``/x/score``.
        front_end: decides who gets in.
    """

    def __init__(self, models: Mapping[Task, Model], paths: Mapping[Task, str], front_end: FrontEnd) -> None:
        self._front_end = front_end
        self._threads = ThreadPoolExecutor(_SCORED_AT_ONCE, thread_name_prefix="automl-cv-score")
        self._containers = {prefix: Container(task, models[task], prefix) for task, prefix in paths.items()}

    def close(self) -> None:
        """Scoring under way ends at its next image; what waits is given up."""
        for container in self._containers.values():
            container.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def app(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """The ASGI application."""
        if scope["type"] != "http":
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        path: str = scope["path"]
        prefix = max((known for known in self._containers if path.startswith(f"{known}/")), key=len, default=None)
        call = Call(scope["method"], path.removeprefix(prefix or ""), scope["query_string"].decode("latin-1"), headers)
        reply = await self._answered(prefix, call, receive)
        if reply is not None:
            await _write(reply, send, head=call.method == "HEAD")

    async def _answered(self, prefix: str | None, call: Call, receive: Receive) -> Reply | None:
        """The answer; None when the caller has gone."""
        if call.path == "/" and call.method in ("GET", "HEAD"):
            return Reply(200, b"Healthy", content_type="text/plain; charset=utf-8")
        scored = call.path == "/score" and call.method in ("GET", "POST")
        refused = self._front_end.refuse(call.headers, counted=scored)
        try:
            # Read to the end even when refused: a caller still sending would not see the answer.
            body = await _read(receive)
            if body is None:
                return None
            if refused is None:
                refused = failure(404, "There is nothing here.") if prefix is None else None
            reply = refused or await self._let_in(prefix or "", call, body)
        finally:
            if refused is None and scored:
                self._front_end.leave()
        return reply.told(identify(call.headers))

    async def _let_in(self, prefix: str, call: Call, body: bytes | bytearray) -> Reply:
        """The container's answer, passed on with the front end's own headers."""
        if len(body) > MAX_BODY_BYTES:
            return failure(413, f"The request body is larger than {MAX_BODY_BYTES} bytes.")
        container, started = self._containers[prefix], time.perf_counter()
        whole = Call(call.method, call.path, call.query, call.headers, bytes(body))
        try:
            reply = await asyncio.get_running_loop().run_in_executor(self._threads, container.answer, whole)
        except (RuntimeError, asyncio.CancelledError):  # the endpoint is stopping, its threads or this task with it
            return failure(503, "The endpoint is stopping.")
        told = {
            "azureml-model-deployment": self._front_end.deployment(call.headers),
            "ms-azureml-model-time": f"{(time.perf_counter() - started) * 1000:.0f}",
        }
        _logger.debug("%s answered %d", container.task.value, reply.status)
        return pass_on(reply).told(told)


async def _read(receive: Receive) -> bytearray | None:
    """The whole body, or the first bytes of one that is too large; None when the caller went away."""
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        if len(body) <= MAX_BODY_BYTES:
            body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


async def _write(reply: Reply, send: Send, *, head: bool) -> None:
    body = b"" if head else reply.body
    headers = {"content-type": reply.content_type, "content-length": str(len(reply.body)), **reply.headers}
    encoded = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})

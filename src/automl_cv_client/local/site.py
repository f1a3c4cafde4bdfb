"""The endpoint as one ASGI application: reads a request whole, asks front end and container, writes the answer."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

from automl_cv_client.errors import InvalidInput
from automl_cv_client.local.container import Call, Container, Reply, failure
from automl_cv_client.local.faults import HEADER as FAULT_HEADER
from automl_cv_client.local.faults import NOTHING, Drawn, Faults
from automl_cv_client.local.front_end import FrontEnd, Target, identify, pass_on
from automl_cv_client.local.management import Management
from automl_cv_client.local.models import Model
from automl_cv_client.local.rules import EndpointRules, LocalDeployment
from automl_cv_client.local.status_page import Record, Seen, page
from automl_cv_client.task import Task

_logger = logging.getLogger(__name__)
_SCORED_AT_ONCE = 2
_SHOWN = 8  # images on the status page
_HTML = "text/html; charset=utf-8"
_NO_LINGER = struct.pack("ii", 1, 0)  # closing then resets the connection

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Models = Mapping[tuple[Task, str], Model]
"""What scores each task in each deployment."""


class Site:
    """The application of an endpoint.

    Args:
        models: what scores.
        paths: task to path prefix: ``""`` for a path ``/score``, ``"/x"`` for ``/x/score``.
        deployments: behind the front end; the first one is all there is where there is no front end.
        front_end: decides who gets in.
        rules: what it does.
        management: stand-ins for Resource Manager and the identity; None for none.
    """

    def __init__(
        self,
        models: Models,
        paths: Mapping[Task, str],
        deployments: tuple[LocalDeployment, ...],
        front_end: FrontEnd,
        rules: EndpointRules,
        management: Management | None = None,
    ) -> None:
        self._front_end = front_end
        self._rules = rules
        self._management = management
        self._first = deployments[0]
        self._faults = Faults(rules.read_faults(), rules.seed)
        self._threads = ThreadPoolExecutor(_SCORED_AT_ONCE, thread_name_prefix="automl-cv-score")
        self._prefixes = tuple(paths.values())
        self._containers = {
            (prefix, deployment.name): Container(task, models[task, deployment.name], prefix, deployment.wire, _SHOWN)
            for task, prefix in paths.items()
            for deployment in deployments
        }
        self._records = {deployment.name: Record() for deployment in deployments}
        self._mirrored: set[asyncio.Task[None]] = set()  # else nobody would hold them

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
        prefix = max((known for known in self._prefixes if path.startswith(f"{known}/")), key=len, default=None)
        call = Call(scope["method"], path.removeprefix(prefix or ""), scope["query_string"].decode("latin-1"), headers)
        try:
            drawn = self._faults.draw(headers.get(FAULT_HEADER, "")) if call.path == "/score" else NOTHING
        except InvalidInput as error:
            await _write(failure(400, error.message), send, head=False)
            return
        reply = await self._answered(prefix, path, call, receive, drawn)
        if reply is None:
            return
        if drawn.seconds:
            await asyncio.sleep(drawn.seconds)
        if drawn.broken:
            await _break(reply, send, drawn.broken)
        else:
            await _write(reply, send, head=call.method == "HEAD")

    async def _answered(
        self, prefix: str | None, path: str, call: Call, receive: Receive, drawn: Drawn
    ) -> Reply | None:
        """The answer; None when the caller has gone."""
        if call.path == "/" and call.method in ("GET", "HEAD"):
            return Reply(200, b"Healthy", content_type="text/plain; charset=utf-8")
        special = self._special(replace(call, path=path))
        if special is not None:
            return special if await self._read(receive) is not None else None
        if not self._rules.front_end:
            body = await self._read(receive)
            name = self._first.name
            return (
                None if body is None else await self._scored(prefix or "", name, replace(call, body=bytes(body)), drawn)
            )
        scored = call.path == "/score" and call.method in ("GET", "POST")
        admitted = self._front_end.admit(call.headers, counted=scored)
        try:
            # Read to the end even when refused: a caller still sending would not see the answer.
            body = await self._read(receive)
            if body is None:
                return None
            reply = await self._let_in(prefix, admitted, replace(call, body=bytes(body)), drawn)
        finally:
            if isinstance(admitted, Target) and scored:
                self._front_end.leave(admitted)
        return reply.told(identify(call.headers))

    def _special(self, call: Call) -> Reply | None:
        """The answers of what is no scoring endpoint: the status page, Resource Manager, the identity."""
        if call.path == "/status" and call.method == "GET":
            key = parse_qs(call.query).get("key", [""])[0]
            if not self._front_end.knows_key(key):
                return Reply(401, b"Open the address that serve prints: it has the key.", content_type="text/plain")
            return Reply(200, page(self._records, self._front_end.in_flight, self._seen()), content_type=_HTML)
        return self._management.answer(call) if self._management else None

    async def _let_in(self, prefix: str | None, admitted: Target | Reply, call: Call, drawn: Drawn) -> Reply:
        """The front end's refusal, or the container's answer with the front end's own headers."""
        if isinstance(admitted, Reply):
            return admitted
        if prefix is None:
            return failure(404, "There is nothing here.")
        refused = self._front_end.weigh(len(call.body))
        if refused is not None:
            return refused
        if drawn.status:
            return failure(drawn.status, "A fault that was asked for.")
        deployment, started = admitted.deployment, time.perf_counter()
        if call.method == "POST":
            self._mirror(prefix, call)
        try:
            reply = await asyncio.wait_for(
                self._scored(prefix, deployment.name, call, drawn), deployment.request_timeout
            )
        except TimeoutError:
            return failure(408, "upstream request timeout")
        except asyncio.CancelledError:  # the endpoint is stopping, this task with it
            return failure(503, "The endpoint is stopping.")
        passed = {
            "azureml-model-deployment": deployment.name,
            "ms-azureml-model-time": f"{(time.perf_counter() - started) * 1000:.0f}",
        }
        return pass_on(reply).told(passed)

    async def _scored(self, prefix: str, name: str, call: Call, drawn: Drawn) -> Reply:
        """The container's answer, recorded."""
        if drawn.container:
            return failure(drawn.container, "A fault that was asked for.")
        record, started = self._records[name], time.perf_counter()
        whole = replace(call, rows_dropped=drawn.rows)
        loop, container = asyncio.get_running_loop(), self._containers[prefix, name]
        try:
            reply = await loop.run_in_executor(self._threads, container.answer, whole)
        except RuntimeError:  # the endpoint is stopping, its threads with it
            return failure(503, "The endpoint is stopping.")
        if call.path == "/score":
            record.seconds.append(time.perf_counter() - started)
            record.answers[reply.status] += 1
        _logger.debug("%s answered %d", container.task.value, reply.status)
        return reply

    def _mirror(self, prefix: str, call: Call) -> None:
        for deployment in self._front_end.mirrors():
            self._records[deployment.name].mirrored += 1
            task = asyncio.create_task(self._unheard(prefix, deployment.name, call))
            self._mirrored.add(task)
            task.add_done_callback(self._mirrored.discard)

    async def _unheard(self, prefix: str, name: str, call: Call) -> None:
        await self._scored(prefix, name, call, NOTHING)

    def _seen(self) -> list[Seen]:
        seen = []
        for (prefix, name), container in self._containers.items():
            title = f"{name} {prefix}".strip()
            seen += [Seen(title, file, row, container.model.reader) for file, row in container.last_images]
        return seen[:_SHOWN]

    async def _read(self, receive: Receive) -> bytearray | None:
        """The whole body, or the first bytes of one that is too large; None when the caller went away."""
        body = bytearray()
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            if len(body) <= self._rules.max_body_bytes:
                body += message.get("body", b"")
            more = message.get("more_body", False)
        return body


async def _write(reply: Reply, send: Send, *, head: bool) -> None:
    await send(_start(reply))
    await send({"type": "http.response.body", "body": b"" if head else reply.body})


def _start(reply: Reply) -> dict[str, Any]:
    headers = {"content-type": reply.content_type, "content-length": str(len(reply.body)), **reply.headers}
    encoded = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]
    return {"type": "http.response.start", "status": reply.status, "headers": encoded}


async def _break(reply: Reply, send: Send, where: str) -> None:
    """Lose the connection. ASGI has no word for it: uvicorn's ``send`` is a method of what holds the transport."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if where == "within":
        await send(_start(reply))
        await send({"type": "http.response.body", "body": reply.body[: len(reply.body) // 2], "more_body": True})
        if transport is not None:
            transport.close()
        return
    if transport is not None:
        connection = transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        transport.abort()

"""Scores through ``online_endpoints.invoke`` of azure-ai-ml, one call at a time, without its leaks.

``invoke`` writes the key and the deployment of a call into a dictionary shared by the whole process, so that a later
call without a deployment still goes to it, and two threads can exchange keys (azure-ai-ml 1.35). Here each call has
that dictionary to itself, behind one lock for the process.
"""

from __future__ import annotations

import asyncio
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from automl_cv_client._processes import ProcessLock
from automl_cv_client._protocol.control_plane import EndpointAddress
from automl_cv_client._protocol.http_headers import DEPLOYMENT
from automl_cv_client._protocol.messages import Reply, Request
from automl_cv_client._transports.azure_ai_ml import MLClientControl, our_error, reply_of, response_of
from automl_cv_client._transports.backends import AsyncTransport, Transport
from automl_cv_client.errors import AutoMLVisionError, InvalidInput, TimedOut

_INVOKING = ProcessLock()  # one for the process, as the dictionary it guards


class InvokeTransport:
    """Scores through ``online_endpoints.invoke``; other requests go the plain way. Thread-safe.

    A call asks the control plane two or three questions each time; calls wait for one another.

    Args:
        control: the endpoint.
        plain: for requests that ``invoke`` cannot make, such as the one of ``health()``.
    """

    def __init__(self, control: MLClientControl, plain: Transport) -> None:
        self._invoker = _Invoker(control)
        self._plain = plain

    def send(self, request: Request, limit: float) -> Reply:
        """The reply within ``limit`` seconds; raises TransportError, or StatusError of the control plane."""
        if request.method != "POST":
            return self._plain.send(request, limit)
        try:
            return _value(self._invoker.start(request, limit).result(limit))
        except FutureTimeout:
            pass
        raise self._invoker.too_slow(limit)

    def close(self) -> None:
        """Close the plain way."""
        self._plain.close()


class AsyncInvokeTransport:
    """As :class:`InvokeTransport`, awaited; ``invoke`` itself runs in a thread."""

    def __init__(self, control: MLClientControl, plain: AsyncTransport) -> None:
        self._invoker = _Invoker(control)
        self._plain = plain

    async def send(self, request: Request, limit: float) -> Reply:
        """As :meth:`InvokeTransport.send`, awaited."""
        if request.method != "POST":
            return await self._plain.send(request, limit)
        waiting = asyncio.wrap_future(self._invoker.start(request, limit))
        done, _ = await asyncio.wait([waiting], timeout=limit)
        if not done:
            raise self._invoker.too_slow(limit)
        return _value(waiting.result())

    async def close(self) -> None:
        """Close the plain way."""
        await self._plain.close()


class _Invoker:
    """Runs ``invoke`` in threads of its own, as it cannot be told how long it may take."""

    def __init__(self, control: MLClientControl) -> None:
        _shared_headers()  # refuse an unknown azure-ai-ml now, not at the first call
        self._control = control
        self._client = control.client
        self._address = control.address

    def start(self, request: Request, limit: float) -> Future[Reply | Exception]:
        self._control.refuse_fork()
        outcome: Future[Reply | Exception] = Future()
        outcome.set_running_or_notify_cancel()
        arguments = (request, time.monotonic() + limit, outcome)
        threading.Thread(target=self._run, args=arguments, daemon=True).start()
        return outcome

    def too_slow(self, limit: float) -> TimedOut:
        return TimedOut(f"online_endpoints.invoke gave no answer for {self._address} within {limit:.3g} s")

    def _run(self, request: Request, until: float, outcome: Future[Reply | Exception]) -> None:
        failure: Exception
        try:
            reply = self._invoked(request, until)
        except Exception as error:  # noqa: BLE001 - mapped below
            failure = error
        else:
            outcome.set_result(reply)
            return
        found = failure if isinstance(failure, AutoMLVisionError) else _answer_or_error(failure, request, self._address)
        outcome.set_result(found)

    def _invoked(self, request: Request, until: float) -> Reply:
        if not _INVOKING.acquire(timeout=max(0.0, until - time.monotonic())):
            raise TimedOut(f"other calls of invoke took all the time of this one for {self._address}")
        try:
            with _private_file(request.body) as file, _own_headers():
                text = self._client.online_endpoints.invoke(
                    endpoint_name=self._address.endpoint,
                    request_file=str(file),
                    deployment_name=request.headers.get(DEPLOYMENT),
                )
        finally:
            _INVOKING.release()
        return Reply(200, {}, str(text).encode("utf-8", "surrogatepass"), time.time())


@contextmanager
def _private_file(body: bytes) -> Iterator[Path]:
    """The request in a file that only this user can read, in a folder that is removed on every path."""
    with tempfile.TemporaryDirectory(prefix="automl-cv-") as folder:  # made with mode 0700
        file = Path(folder) / "request.json"
        file.write_bytes(body)
        yield file


@contextmanager
def _own_headers() -> Iterator[None]:
    """Lets ``invoke`` write into a dictionary of this call alone, and puts the shared one back as it was."""
    holder = _shared_headers()
    shared = holder.DEFAULT_HEADER
    holder.DEFAULT_HEADER = {"Content-Type": "application/json"}
    try:
        yield
    finally:
        holder.DEFAULT_HEADER = shared


def _shared_headers() -> Any:
    """The class of azure-ai-ml that holds the shared dictionary."""
    try:
        from azure.ai.ml.constants._endpoint import EndpointInvokeFields
    except ImportError:
        found = None
    else:
        found = EndpointInvokeFields
    if not isinstance(getattr(found, "DEFAULT_HEADER", None), dict):
        raise InvalidInput("invoke=True does not know this version of azure-ai-ml: use invoke=False")
    return found


def _value(outcome: Reply | Exception) -> Reply:
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def _answer_or_error(failure: Exception, request: Request, address: EndpointAddress) -> Reply | AutoMLVisionError:
    """The scoring endpoint's answer when the failure holds one, so that it is read like any other; else our error."""
    if type(failure).__name__ == "ValidationException":  # invoke looks for the deployment before it scores
        return Reply(404, {}, str(failure).encode(), time.time())
    response = response_of(failure)
    if response is not None and str(response.request.url).split("?")[0] == request.url.split("?")[0]:
        return reply_of(response)
    return our_error(failure, address)

"""Looks an endpoint up, and scores, through an ``MLClient`` of azure-ai-ml: the only file that knows its names.

``online_endpoints.invoke`` writes the key and the deployment of a call into a dictionary shared by the whole
process, so that a later call without a deployment still goes to it, and two threads can exchange keys. Here each
call has that dictionary to itself, behind one lock for the process.
"""

from __future__ import annotations

import asyncio
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from automl_cv_client._protocol.control_plane import (
    EndpointAddress,
    EndpointRecord,
    auth_mode,
    control_plane_error,
)
from automl_cv_client._protocol.excerpts import clean
from automl_cv_client._protocol.headers import DEPLOYMENT
from automl_cv_client._protocol.messages import Reply, Request
from automl_cv_client._transports.backends import AsyncTransport, Transport
from automl_cv_client._transports.looked_up import key_secret, looked_up_credential, token_secret
from automl_cv_client.credentials import Credential, Secret, cloud_for, token_credential, token_error
from automl_cv_client.errors import AutoMLVisionError, ConnectionFailed, InvalidInput, TimedOut, UnexpectedReply
from automl_cv_client.results import Deployment

T = TypeVar("T")
_INVOKING = threading.Lock()  # one for the process, as the dictionary it guards


class MLClientControl:
    """One endpoint's place in a workspace, asked through the user's ``MLClient``. Blocking; thread-safe."""

    def __init__(self, ml_client: Any, endpoint: str) -> None:
        if not hasattr(ml_client, "online_endpoints"):
            raise InvalidInput(f"ml_client must be an azure.ai.ml.MLClient, not {type(ml_client).__name__}")
        parts = (ml_client.subscription_id, ml_client.resource_group_name, ml_client.workspace_name)
        if not parts[2]:
            raise InvalidInput("ml_client has no workspace: make it with workspace_name=")
        self._client = ml_client
        self.address = EndpointAddress(*parts, endpoint)

    def look_up(self) -> EndpointRecord:
        """Scoring URI, authentication mode, state and traffic."""
        found = self._asked(lambda: self._client.online_endpoints.get(self.address.endpoint))
        state = found.provisioning_state or ""
        if not found.scoring_uri:
            raise InvalidInput(f"{self.address} has no scoring URI (state {state or 'not told'})")
        return EndpointRecord(found.scoring_uri, auth_mode(found.auth_mode), state, dict(found.traffic or {}))

    def credential(self, found: EndpointRecord) -> Credential:
        """The credential for the endpoint's authentication mode; tokens of Entra ID come from the MLClient's own."""
        own = getattr(self._client, "_credential", None)
        if found.mode == "aad_token" and own is not None:
            cloud = cloud_for(found.scoring_uri)
            return token_credential(own, cloud.scoring_scope, cloud)
        return looked_up_credential(found.mode, self._fetch_key, self._fetch_token)

    def deployments(self) -> tuple[Deployment, ...]:
        """All deployments with today's traffic."""
        share = {name.lower(): int(percent) for name, percent in self.look_up().traffic.items()}
        listed = self._asked(lambda: list(self._client.online_deployments.list(self.address.endpoint)))
        return tuple(
            Deployment(name=one.name, traffic=share.get(one.name.lower(), 0), state=one.provisioning_state or "")
            for one in listed
        )

    def bind(self, loop: asyncio.AbstractEventLoop) -> None:
        """An MLClient has a blocking credential: nothing to run in a loop."""

    def close(self) -> None:
        """The MLClient is the user's to close."""

    def _fetch_key(self, refused: str | None) -> Secret:
        keys = self._asked(lambda: self._client.online_endpoints.get_keys(self.address.endpoint))
        return key_secret(keys.primary_key, keys.secondary_key, refused)

    def _fetch_token(self, refused: str | None) -> Secret:
        token = self._asked(lambda: self._client.online_endpoints.get_keys(self.address.endpoint))
        return token_secret(token.access_token, token.expiry_time_utc, token.refresh_after_time_utc)

    def _asked(self, question: Callable[[], T]) -> T:
        failure: Exception
        try:
            return question()
        except Exception as error:  # noqa: BLE001 - mapped below: azure-ai-ml raises errors of several families
            failure = error
        raise _ours(failure, self.address)  # out of the handler: azure's error holds request and headers


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
        self._client = control._client
        self._address = control.address

    def start(self, request: Request, limit: float) -> Future[Reply | Exception]:
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
    response = _response_of(failure)
    if response is not None and str(response.request.url).split("?")[0] == request.url.split("?")[0]:
        return _reply(response)
    return _ours(failure, address)


def _ours(failure: Exception, address: EndpointAddress) -> AutoMLVisionError:
    """Our error for what azure-ai-ml raised about the control plane."""
    from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError, ServiceResponseError

    if isinstance(failure, AutoMLVisionError):
        return failure
    scope = "of Resource Manager"
    response = _response_of(failure)
    if response is not None and "providers/Microsoft.MachineLearningServices" in str(response.request.url):
        return control_plane_error(_reply(response), address, scope, _secret(response))
    if isinstance(failure, ClientAuthenticationError):
        return token_error(failure, scope)
    words = clean(f"{type(failure).__name__}: {failure}", longest=300)
    if isinstance(failure, ServiceRequestError | ServiceResponseError):
        certain = "CERTIFICATE_VERIFY_FAILED" not in words
        return ConnectionFailed(f"azure-ai-ml got no answer for {address} ({words})", retryable=certain)
    return UnexpectedReply(f"azure-ai-ml failed for {address} ({words}): from_workspace(…) does without it")


def _response_of(failure: Exception) -> Any:
    """The HTTP answer behind an error of azure-ai-ml, or None.

    For an answer that is not JSON, azure-ai-ml 1.35 raises an error of its body alone; the answer, with its status,
    is then only to be found where it was looked at.
    """
    response = getattr(failure, "response", None)
    for frame, _ in traceback.walk_tb(failure.__traceback__) if response is None else ():
        if frame.f_code.co_name == "validate_response":
            response = frame.f_locals.get("response")
    return response if hasattr(response, "status_code") and hasattr(response, "request") else None


def _reply(response: Any) -> Reply:
    headers = {name.lower(): value for name, value in response.headers.items()}
    body = response.content if hasattr(response, "content") else response.body()
    return Reply(response.status_code, headers, body, time.time())


def _secret(response: Any) -> str:
    return str(response.request.headers.get("Authorization", "")).removeprefix("Bearer ")

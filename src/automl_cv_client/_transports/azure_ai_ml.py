"""Looks an endpoint up through an ``MLClient`` of azure-ai-ml, and turns its errors into ours."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from automl_cv_client._processes import forks
from automl_cv_client._protocol.control_plane import (
    EndpointAddress,
    EndpointRecord,
    auth_mode,
    control_plane_error,
    deployment_with,
)
from automl_cv_client._protocol.excerpts import clean
from automl_cv_client._protocol.http_headers import secret_in
from automl_cv_client._protocol.messages import Reply
from automl_cv_client._transports.answers import without
from automl_cv_client._transports.looked_up import key_secret, looked_up_credential, token_secret
from automl_cv_client.credentials import Credential, Secret, cloud_for, token_credential, token_error
from automl_cv_client.errors import AutoMLVisionError, ConnectionFailed, InvalidInput, UnexpectedReply
from automl_cv_client.results import Deployment

T = TypeVar("T")


class MLClientLike(Protocol):
    """What is used of an ``azure.ai.ml.MLClient``: the names of its workspace, and two kinds of operations."""

    @property
    def subscription_id(self) -> str: ...
    @property
    def resource_group_name(self) -> str: ...
    @property
    def workspace_name(self) -> str | None: ...
    @property
    def online_endpoints(self) -> Any: ...
    @property
    def online_deployments(self) -> Any: ...


class MLClientControl:
    """One endpoint's place in a workspace, asked through the user's ``MLClient``. Blocking; thread-safe."""

    def __init__(self, ml_client: MLClientLike, endpoint: str) -> None:
        if not hasattr(ml_client, "online_endpoints"):
            raise InvalidInput(f"ml_client must be an azure.ai.ml.MLClient, not {type(ml_client).__name__}")
        workspace = ml_client.workspace_name
        if not workspace:
            raise InvalidInput("ml_client has no workspace: make it with workspace_name=")
        self._made_after = forks()
        self.client = ml_client
        self.address = EndpointAddress(ml_client.subscription_id, ml_client.resource_group_name, workspace, endpoint)

    def look_up(self) -> EndpointRecord:
        """Scoring URI, authentication mode, state and traffic."""
        found = self._asked(lambda: self.client.online_endpoints.get(self.address.endpoint))
        state = found.provisioning_state or ""
        if not found.scoring_uri:
            raise UnexpectedReply(f"{self.address} has no scoring URI (state {state or 'not told'}): it is not ready")
        return EndpointRecord(found.scoring_uri, auth_mode(found.auth_mode), state, dict(found.traffic or {}))

    def credential(self, found: EndpointRecord) -> Credential:
        """The credential for the endpoint's authentication mode; tokens of Entra ID come from the MLClient's own."""
        own = getattr(self.client, "_credential", None)
        if found.mode == "aad_token" and own is not None:
            cloud = cloud_for(found.scoring_uri)
            return token_credential(own, cloud.scoring_scope, cloud)
        return looked_up_credential(found.mode, self._fetch_key, self._fetch_token)

    def deployments(self) -> tuple[Deployment, ...]:
        """All deployments with today's traffic."""
        share = {name.lower(): int(percent) for name, percent in self.look_up().traffic.items()}
        listed = self._asked(lambda: list(self.client.online_deployments.list(self.address.endpoint)))
        return tuple(_deployment(each, share.get(each.name.lower(), 0)) for each in listed)

    def bind(self, loop: asyncio.AbstractEventLoop) -> None:
        """An MLClient has a blocking credential: nothing to run in a loop."""

    def close(self) -> None:
        """The MLClient is the user's to close."""

    def _fetch_key(self, refused: str | None) -> Secret:
        keys = self._asked(lambda: self.client.online_endpoints.get_keys(self.address.endpoint))
        return key_secret(keys.primary_key, keys.secondary_key, refused)

    def _fetch_token(self, refused: str | None) -> Secret:
        token = self._asked(lambda: self.client.online_endpoints.get_keys(self.address.endpoint))
        return token_secret(token.access_token, token.expiry_time_utc, token.refresh_after_time_utc)

    def refuse_fork(self) -> None:
        """Raise InvalidInput in a forked child: the MLClient's connections are the parent's."""
        if forks() != self._made_after:
            raise InvalidInput(
                "ml_client was made before this process was forked, and two processes cannot share its connections: "
                "make it, and the client that uses it, in each process"
            )

    def _asked(self, question: Callable[[], T]) -> T:
        self.refuse_fork()
        failure: Exception
        try:
            return question()
        except Exception as error:  # noqa: BLE001 - mapped below: azure-ai-ml raises errors of several families
            failure = error
        raise our_error(failure, self.address)  # out of the handler: azure's error holds request and headers


def _deployment(told: Any, traffic: int) -> Deployment:
    requests = getattr(told, "request_settings", None)
    timeout_ms = getattr(requests, "request_timeout_ms", None)
    return deployment_with(
        told.name,
        traffic,
        told.provisioning_state,
        is_managed=type(told).__name__ == "ManagedOnlineDeployment",
        scale=getattr(getattr(told, "scale_settings", None), "type", None),
        instances=getattr(told, "instance_count", None),
        per_instance=getattr(requests, "max_concurrent_requests_per_instance", None),
        request_timeout=None if timeout_ms is None else timeout_ms / 1000,
    )


def our_error(failure: Exception, address: EndpointAddress) -> AutoMLVisionError:
    """Our error for what azure-ai-ml raised about the control plane."""
    from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError, ServiceResponseError

    if isinstance(failure, AutoMLVisionError):
        return failure
    scope = "of Resource Manager"
    response = response_of(failure)
    if response is not None and "providers/Microsoft.MachineLearningServices" in str(response.request.url):
        return control_plane_error(reply_of(response), address, scope, _secret(response))
    if isinstance(failure, ClientAuthenticationError):
        return token_error(failure, scope)
    words = clean(f"{type(failure).__name__}: {failure}", longest=300)
    if isinstance(failure, ServiceRequestError | ServiceResponseError):
        certain = "CERTIFICATE_VERIFY_FAILED" not in words
        return ConnectionFailed(f"azure-ai-ml got no answer for {address} ({words})", retryable=certain)
    return UnexpectedReply(f"azure-ai-ml failed for {address} ({words}): from_workspace(…) does without it")


def response_of(failure: Exception) -> Any:
    """The HTTP answer behind an error of azure-ai-ml, or None.

    For an answer that is not JSON, azure-ai-ml 1.35 raises an error of its body alone; the answer, with its status,
    is then only to be found where it was looked at.
    """
    response = getattr(failure, "response", None)
    for frame, _ in traceback.walk_tb(failure.__traceback__) if response is None else ():
        if frame.f_code.co_name == "validate_response":
            response = frame.f_locals.get("response")
    return response if hasattr(response, "status_code") and hasattr(response, "request") else None


def reply_of(response: Any) -> Reply:
    """An answer of azure-core as plain values."""
    secret = _secret(response).encode("latin-1", "replace")
    headers = {
        name.lower(): without(value.encode("latin-1", "replace"), secret).decode("latin-1")
        for name, value in response.headers.items()
    }
    body = response.content if hasattr(response, "content") else response.body()
    return Reply(response.status_code, headers, body, time.time())


def _secret(response: Any) -> str:
    return secret_in(str(response.request.headers.get("Authorization", "")))

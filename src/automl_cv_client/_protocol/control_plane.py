"""Requests to Azure Resource Manager about an online endpoint, and what its answers mean; values in, values out.

https://learn.microsoft.com/rest/api/azureml/online-endpoints
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from automl_cv_client import errors
from automl_cv_client._protocol.excerpts import clean, excerpt
from automl_cv_client._protocol.http_headers import request_id, retry_after
from automl_cv_client._protocol.messages import Reply, Request
from automl_cv_client.results import Deployment

API_VERSION = "2024-04-01"
_PART = re.compile(r"[\w().-]{1,90}")  # resource groups may have brackets; the other names less
_MODES = {"key": "key", "amltoken": "aml_token", "aadtoken": "aad_token"}
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?", re.ASCII)
_LONGEST = 1_000_000  # bytes; answers are some kB

T = TypeVar("T", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class EndpointAddress:
    """Where an online endpoint is to be found in Azure. Raises InvalidInput, naming the part, for what cannot be."""

    subscription_id: str
    resource_group: str
    workspace: str
    endpoint: str

    def __post_init__(self) -> None:
        for name in ("subscription_id", "resource_group", "workspace", "endpoint"):
            value = getattr(self, name)
            if not isinstance(value, str) or not _PART.fullmatch(value) or value.strip(".") == "":
                raise errors.InvalidInput(f"{name} {value!r} is no name in Azure: letters, digits, - and _")

    def request(self, base: str, action: str = "", method: str = "GET") -> Request:
        """The request for the endpoint itself, or for ``action``: ``listKeys``, ``token``, ``deployments``."""
        workspace = (
            f"/subscriptions/{quote(self.subscription_id)}/resourceGroups/{quote(self.resource_group)}"
            f"/providers/Microsoft.MachineLearningServices/workspaces/{quote(self.workspace)}"
        )
        path = f"{workspace}/onlineEndpoints/{quote(self.endpoint)}{'/' + action if action else ''}"
        return Request(f"{base}{path}?api-version={API_VERSION}", b"", {"accept": "application/json"}, method)

    def __str__(self) -> str:
        return f"endpoint {self.endpoint!r} of workspace {self.workspace!r}"


@dataclass(frozen=True, slots=True)
class EndpointRecord:
    """What the control plane knows of an endpoint.

    Attributes:
        scoring_uri: where to score.
        mode: ``key``, ``aml_token`` or ``aad_token``.
        state: of the endpoint itself; ``Succeeded`` when it is ready.
        traffic: percent of the calls each deployment gets.
    """

    scoring_uri: str
    mode: str
    state: str = ""
    traffic: Mapping[str, int] = field(default_factory=dict)


class _Shape(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)


class _RequestSettings(_Shape):
    maxConcurrentRequestsPerInstance: int | None = None
    requestTimeout: str | None = None


class _ScaleSettings(_Shape):
    scaleType: str | None = None


class _Properties(_Shape):
    scoringUri: str | None = None
    authMode: str = ""
    traffic: dict[str, int] | None = None
    provisioningState: str | None = None
    endpointComputeType: str | None = None
    requestSettings: _RequestSettings | None = None
    scaleSettings: _ScaleSettings | None = None


class _Sku(_Shape):
    capacity: int | None = None


class _Resource(_Shape):
    name: str = ""
    properties: _Properties
    sku: _Sku | None = None


class _Resources(_Shape):
    value: list[_Resource]
    nextLink: str | None = None


class EndpointKeys(_Shape):
    """The two keys; hidden when shown."""

    primaryKey: str = Field(repr=False)
    secondaryKey: str | None = Field(default=None, repr=False)


class EndpointToken(_Shape):
    """A token of the mode ``aml_token``; times in seconds since the epoch."""

    accessToken: str = Field(repr=False)
    expiryTimeUtc: float = 0
    refreshAfterTimeUtc: float = 0


def auth_mode(words: str | None) -> str:
    """Our word for an authentication mode, however the service or its library writes it."""
    plain = (words or "").replace("_", "").lower()
    return _MODES.get(plain, words or "unknown")


def endpoint_of(reply: Reply, address: EndpointAddress) -> EndpointRecord:
    """The endpoint. Raises UnexpectedReply when the answer is of another shape or the endpoint has no scoring URI."""
    found = _read(_Resource, reply, address).properties
    if not found.scoringUri:
        raise errors.UnexpectedReply(
            f"{address} has no scoring URI (state {found.provisioningState or 'not told'}): it is still being made, "
            "or making it failed"
        )
    state = found.provisioningState or ""
    return EndpointRecord(found.scoringUri, auth_mode(found.authMode), state, found.traffic or {})


def keys_of(reply: Reply, address: EndpointAddress) -> EndpointKeys:
    """The keys. Raises UnexpectedReply."""
    return _read(EndpointKeys, reply, address)


def token_of(reply: Reply, address: EndpointAddress) -> EndpointToken:
    """The token. Raises UnexpectedReply."""
    return _read(EndpointToken, reply, address)


def deployments_of(
    reply: Reply, address: EndpointAddress, traffic: Mapping[str, int]
) -> tuple[list[Deployment], str | None]:
    """A page of deployments with their shares of ``traffic``, and the next page's URL. Raises UnexpectedReply."""
    page = _read(_Resources, reply, address)
    share = {name.lower(): percent for name, percent in traffic.items()}
    return [_deployment(resource, share.get(resource.name.lower(), 0)) for resource in page.value], page.nextLink


def _deployment(resource: _Resource, traffic: int) -> Deployment:
    told = resource.properties
    requests = told.requestSettings or _RequestSettings()
    return deployment_with(
        resource.name,
        traffic,
        told.provisioningState,
        is_managed=(told.endpointComputeType or "").lower() == "managed",
        scale=told.scaleSettings.scaleType if told.scaleSettings else None,
        instances=resource.sku.capacity if resource.sku else None,
        per_instance=requests.maxConcurrentRequestsPerInstance,
        request_timeout=_seconds(requests.requestTimeout),
    )


def deployment_with(
    name: str,
    traffic: int,
    state: str | None,
    *,
    is_managed: bool,
    scale: str | None,
    instances: int | None,
    per_instance: int | None,
    request_timeout: float | None,
) -> Deployment:
    """A deployment, with what it takes at once where that follows from what is told.

    https://learn.microsoft.com/azure/machine-learning/how-to-troubleshoot-online-endpoints (429): the service refuses
    what exceeds twice ``max_concurrent_requests_per_instance`` on all instances. A cluster's own rules are not known.
    """
    is_fixed = is_managed and (scale or "default").lower() == "default"
    instances = instances if is_fixed and instances is not None and instances > 0 else None
    is_told = instances is not None and per_instance is not None and per_instance > 0
    return Deployment(
        name=name,
        traffic=traffic,
        state=state or "",
        instances=instances,
        requests_at_once=2 * (per_instance or 0) * (instances or 0) if is_told else None,
        request_timeout=request_timeout,
    )


def _seconds(duration: str | None) -> float | None:
    """An ISO 8601 duration, such as ``PT1M30S``; None for what is none.

    >>> _seconds("PT1M30S"), _seconds("PT5S"), _seconds("soon")
    (90.0, 5.0, None)
    """
    found = _DURATION.fullmatch(duration or "")
    if found is None or not any(found.groups()):
        return None
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def same_origin(first: str, second: str) -> bool:
    """Whether two URLs go to the same server: a token is sent to no other."""
    return urlsplit(first)[:2] == urlsplit(second)[:2]


_ADVICE = {
    401: "the token was refused: check the tenant of the identity, and the cloud",
    403: "the identity may not do this: give it the role 'AzureML Data Scientist' on the workspace",
    404: "there is no such endpoint: check subscription, resource group, workspace and endpoint",
}


def control_plane_error(
    reply: Reply, address: EndpointAddress, scope: str, secret: str, **how: Any
) -> errors.StatusError:
    """The error for an answer other than 200, with what Resource Manager says itself."""
    kinds: dict[int, type[errors.StatusError]] = {
        401: errors.AuthenticationFailed,
        403: errors.PermissionDenied,
        404: errors.EndpointNotFound,
        429: errors.Throttled,
    }
    kind = kinds.get(reply.status, errors.ServiceUnavailable if reply.status >= 500 else errors.StatusError)
    advice = _ADVICE.get(reply.status, "retry later" if reply.status >= 500 else "the request was refused")
    return kind(
        f"Resource Manager answered {reply.status} for {address}: {advice} (scope {scope}; it said: "
        f"{_said(reply, secret)})",
        status=reply.status,
        request_id=request_id(reply.headers),
        retry_after=retry_after(reply),
        **how,
    )


def _said(reply: Reply, secret: str) -> str:
    try:
        error = json.loads(reply.body[:_LONGEST])["error"]
        words = f"{error['code']}: {error['message']}"
    except (ValueError, KeyError, TypeError, RecursionError):
        return excerpt(reply.body, (secret,), longest=200) or "nothing"
    return clean(words, (secret,), longest=300)


def _read(shape: type[T], reply: Reply, address: EndpointAddress) -> T:
    try:
        return shape.model_validate_json(reply.body[:_LONGEST])
    except ValidationError as error:
        where = ", ".join(
            ".".join(map(str, wrong["loc"])) or "the whole" for wrong in error.errors(include_input=False)
        )
    raise errors.UnexpectedReply(f"Resource Manager's answer about {address} has another shape ({clean(where)})")

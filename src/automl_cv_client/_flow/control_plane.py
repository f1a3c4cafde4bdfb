"""Conversations with Azure Resource Manager about one endpoint, as flows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from automl_cv_client._flow.call_settings import CallSettings, RetryPolicy
from automl_cv_client._flow.effects import Flow
from automl_cv_client._flow.retrying import Conversation
from automl_cv_client._protocol import control_plane
from automl_cv_client._protocol.control_plane import EndpointAddress, EndpointKeys, EndpointRecord, EndpointToken
from automl_cv_client._protocol.messages import Reply, Request
from automl_cv_client.errors import StatusError, UnexpectedReply
from automl_cv_client.results import Deployment

_MOST_PAGES = 20


def settings_for(resource_manager: str, scope: str, clock: Callable[[], float]) -> CallSettings:
    """How to talk to Resource Manager: with more patience between tries than for scoring, and less in all."""
    retry = RetryPolicy(attempts=4, backoff=1.0)
    return CallSettings(
        resource_manager, clock, timeout=30.0, deadline=120.0, retry=retry, mode="aad_token", scope=scope
    )


def endpoint(address: EndpointAddress, settings: CallSettings) -> Flow[EndpointRecord]:
    """Scoring URI, authentication mode, state and traffic."""
    reply = yield from _asked(address.request(settings.url), address, settings)
    return control_plane.endpoint_of(reply, address)


def keys(address: EndpointAddress, settings: CallSettings) -> Flow[EndpointKeys]:
    """Both keys of an endpoint of mode ``key``."""
    reply = yield from _asked(address.request(settings.url, "listKeys", "POST"), address, settings)
    return control_plane.keys_of(reply, address)


def token(address: EndpointAddress, settings: CallSettings) -> Flow[EndpointToken]:
    """A token of an endpoint of mode ``aml_token``."""
    reply = yield from _asked(address.request(settings.url, "token", "POST"), address, settings)
    return control_plane.token_of(reply, address)


def deployments(
    address: EndpointAddress, traffic: Mapping[str, int], settings: CallSettings
) -> Flow[tuple[Deployment, ...]]:
    """All deployments, page by page."""
    request = address.request(settings.url, "deployments")
    deployments_so_far: list[Deployment] = []
    for _ in range(_MOST_PAGES):
        reply = yield from _asked(request, address, settings)
        page, following = control_plane.deployments_of(reply, address, traffic)
        deployments_so_far += page
        if not following:
            return tuple(deployments_so_far)
        if not control_plane.same_origin(following, settings.url):
            break
        request = replace(request, url=following)
    raise UnexpectedReply(f"Resource Manager's list of deployments of {address} does not end, or leads elsewhere")


class _ControlConversation(Conversation):
    """A conversation whose errors speak of Resource Manager instead of scoring."""

    def __init__(self, address: EndpointAddress, settings: CallSettings) -> None:
        super().__init__(settings)
        self._address = address

    def _status_error(self, reply: Reply) -> StatusError:
        scope = self.settings.scope or ""
        return control_plane.control_plane_error(reply, self._address, scope, self.secret, **self.how())


def _asked(request: Request, address: EndpointAddress, settings: CallSettings) -> Flow[Reply]:
    return (yield from _ControlConversation(address, settings).send(request))

"""Conversations with Azure Resource Manager about one endpoint, as flows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from automl_cv_client._flow.effects import Flow
from automl_cv_client._flow.plan import Plan, RetryPolicy
from automl_cv_client._flow.retrying import Conversation
from automl_cv_client._protocol import control_plane
from automl_cv_client._protocol.control_plane import EndpointAddress, EndpointKeys, EndpointRecord, EndpointToken
from automl_cv_client._protocol.messages import Reply, Request
from automl_cv_client.errors import StatusError, UnexpectedReply
from automl_cv_client.results import Deployment

_MOST_PAGES = 20


def plan_for(resource_manager: str, scope: str, clock: Callable[[], float]) -> Plan:
    """How to talk to Resource Manager: with more patience between tries than for scoring, and less in all."""
    retry = RetryPolicy(attempts=4, backoff=1.0)
    return Plan(resource_manager, clock, timeout=30.0, deadline=120.0, retry=retry, mode="aad_token", scope=scope)


def endpoint(address: EndpointAddress, plan: Plan) -> Flow[EndpointRecord]:
    """Scoring URI, authentication mode, state and traffic."""
    reply = yield from _asked(address.request(plan.url), address, plan)
    return control_plane.endpoint_of(reply, address)


def keys(address: EndpointAddress, plan: Plan) -> Flow[EndpointKeys]:
    """Both keys of an endpoint of mode ``key``."""
    reply = yield from _asked(address.request(plan.url, "listKeys", "POST"), address, plan)
    return control_plane.keys_of(reply, address)


def token(address: EndpointAddress, plan: Plan) -> Flow[EndpointToken]:
    """A token of an endpoint of mode ``aml_token``."""
    reply = yield from _asked(address.request(plan.url, "token", "POST"), address, plan)
    return control_plane.token_of(reply, address)


def deployments(address: EndpointAddress, traffic: Mapping[str, int], plan: Plan) -> Flow[tuple[Deployment, ...]]:
    """All deployments, page by page."""
    request, found = address.request(plan.url, "deployments"), []
    for _ in range(_MOST_PAGES):
        reply = yield from _asked(request, address, plan)
        page, following = control_plane.deployments_of(reply, address, traffic)
        found += page
        if not following:
            return tuple(found)
        if not control_plane.same_origin(following, plan.url):
            break
        request = replace(request, url=following)
    raise UnexpectedReply(f"Resource Manager's list of deployments of {address} does not end, or leads elsewhere")


class _ControlConversation(Conversation):
    """A conversation whose errors speak of Resource Manager instead of scoring."""

    def __init__(self, address: EndpointAddress, plan: Plan) -> None:
        super().__init__(plan)
        self._address = address

    def _status_error(self, reply: Reply) -> StatusError:
        scope = self.plan.scope or ""
        return control_plane.control_plane_error(reply, self._address, scope, self.secret, **self.how())


def _asked(request: Request, address: EndpointAddress, plan: Plan) -> Flow[Reply]:
    return (yield from _ControlConversation(address, plan).send(request))

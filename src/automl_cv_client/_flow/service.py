"""Calls about the endpoint itself: is it well, and make it ready."""

from __future__ import annotations

from automl_cv_client._flow.call_settings import CallSettings
from automl_cv_client._flow.effects import Flow, authorize, send
from automl_cv_client._flow.retrying import Conversation
from automl_cv_client._imaging.encoding import grey_png
from automl_cv_client._protocol import requests
from automl_cv_client._protocol.endpoint import sibling
from automl_cv_client._protocol.http_headers import (
    CLIENT_REQUEST_ID,
    answering_deployment,
    deployment_header,
    new_client_request_id,
    request_id,
    secret_in,
)
from automl_cv_client._protocol.messages import Reply, Request
from automl_cv_client._protocol.statuses import error_of
from automl_cv_client.errors import CallError
from automl_cv_client.results import CallInfo, Health


def health(settings: CallSettings) -> Flow[Health]:
    """Whether the endpoint answers and takes our credential, by asking for its OpenAPI document once.

    A container that has no such document answers 404, which the front end passes on as 424: well, too.
    """
    started = settings.clock()
    client_request_id = new_client_request_id()
    try:
        header = yield from authorize(None, settings.timeout)
        headers = {"authorization": header or "", CLIENT_REQUEST_ID: client_request_id}
        request = Request(
            sibling(settings.url, "swagger.json"), b"", {**headers, **deployment_header(settings.deployment)}, "GET"
        )
        reply = yield from send(request, settings.timeout)
    except CallError as error:
        return Health(ok=False, detail=error.message, elapsed=settings.clock() - started)
    ok, detail = _judged(reply, settings, secret_in(header))
    return Health(
        ok=ok,
        status=reply.status,
        detail=detail,
        deployment=answering_deployment(reply.headers),
        request_id=request_id(reply.headers),
        elapsed=settings.clock() - started,
    )


def _judged(reply: Reply, settings: CallSettings, secret: str) -> tuple[bool, str]:
    if reply.status == 200:
        return True, "the endpoint answers"
    about = {"deployment": settings.deployment, "mode": settings.mode, "scope": settings.scope}
    error = error_of(reply, url=settings.shown_url, secret=secret, **about)
    if error.status == 424 and error.model_status == 404:
        return True, "the container answers; it has no OpenAPI document"
    return False, error.message


def warm_up(settings: CallSettings) -> Flow[CallInfo]:
    """Score a tiny grey image, so that token, connection and model are ready for the first real one.

    The reply is not looked at: any status 200 will do. Raises what scoring would raise.
    """
    conversation = Conversation(settings)
    body = harmless_body(settings)
    headers = {"content-type": requests.content_type(settings.dialect), **deployment_header(settings.deployment)}
    reply = yield from conversation.send(Request(settings.url, body, headers))
    return conversation.call_info(reply)


def harmless_body(settings: CallSettings) -> bytes:
    """A scoring request of a tiny grey image."""
    return requests.scoring_body([grey_png(32)], settings.dialect)

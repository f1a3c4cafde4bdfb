"""Calls about the endpoint itself: is it well, and make it ready."""

from __future__ import annotations

import struct
import zlib

from automl_cv_client._flow.effects import Flow, authorize, send
from automl_cv_client._flow.plan import Plan
from automl_cv_client._flow.retrying import Conversation
from automl_cv_client._protocol import requests
from automl_cv_client._protocol.endpoint import sibling
from automl_cv_client._protocol.headers import (
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


def health(plan: Plan) -> Flow[Health]:
    """Whether the endpoint answers and takes our credential, by asking for its OpenAPI document once.

    A container that has no such document answers 404, which the front end passes on as 424: well, too.
    """
    started = plan.clock()
    client_request_id = new_client_request_id()
    try:
        header = yield from authorize(None, plan.timeout)
        headers = {"authorization": header or "", CLIENT_REQUEST_ID: client_request_id}
        request = Request(
            sibling(plan.url, "swagger.json"), b"", {**headers, **deployment_header(plan.deployment)}, "GET"
        )
        reply = yield from send(request, plan.timeout)
    except CallError as error:
        return Health(ok=False, detail=error.message, elapsed=plan.clock() - started)
    ok, detail = _judged(reply, plan, secret_in(header))
    return Health(
        ok=ok,
        status=reply.status,
        detail=detail,
        deployment=answering_deployment(reply.headers),
        request_id=request_id(reply.headers),
        elapsed=plan.clock() - started,
    )


def _judged(reply: Reply, plan: Plan, secret: str) -> tuple[bool, str]:
    if reply.status == 200:
        return True, "the endpoint answers"
    about = {"deployment": plan.deployment, "mode": plan.mode, "scope": plan.scope}
    error = error_of(reply, url=plan.shown_url, secret=secret, **about)
    if error.status == 424 and error.model_status == 404:
        return True, "the container answers; it has no OpenAPI document"
    return False, error.message


def warm_up(plan: Plan) -> Flow[CallInfo]:
    """Score a tiny grey image, so that token, connection and model are ready for the first real one.

    The reply is not looked at: any status 200 will do. Raises what scoring would raise.
    """
    conversation = Conversation(plan)
    body = harmless_body(plan)
    headers = {"content-type": requests.content_type(plan.dialect), **deployment_header(plan.deployment)}
    reply = yield from conversation.send(Request(plan.url, body, headers))
    return conversation.call_info(reply)


def harmless_body(plan: Plan) -> bytes:
    """A scoring request of a tiny grey image."""
    return requests.scoring_body([grey_png(32)], plan.dialect)


def grey_png(side: int) -> bytes:
    """A grey PNG of ``side`` × ``side`` pixels, RGB, 8 bit."""
    row = b"\x00" + b"\x80" * (3 * side)
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(row * side)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )

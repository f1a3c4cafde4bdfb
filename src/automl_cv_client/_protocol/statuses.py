"""What an answer other than 200 means, and whether asking again helps; values in, values out.

Scoring has no side effects, so every failure is safe to repeat; the question is whether it helps.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from automl_cv_client import errors
from automl_cv_client._protocol.excerpts import clean, excerpt
from automl_cv_client._protocol.http_headers import (
    answering_deployment,
    model_failure,
    request_id,
    retry_after,
    says_script_raised,
)
from automl_cv_client._protocol.messages import Reply


class Again(Enum):
    """Whether another try helps: never, one try at double cost, or as often as the policy allows."""

    NEVER = 0
    ONCE = 1
    OFTEN = 2


_KINDS: dict[int, type[errors.StatusError]] = {
    401: errors.AuthenticationFailed,
    403: errors.PermissionDenied,
    404: errors.EndpointNotFound,
    413: errors.PayloadTooLarge,
    424: errors.ModelError,
    429: errors.Throttled,
    500: errors.ServiceUnavailable,
    502: errors.ServiceUnavailable,
    503: errors.ServiceUnavailable,
    504: errors.ServiceUnavailable,
}

_ADVICE = {
    400: "the endpoint could not read the request: check that it serves a model of AutoML for Images; in Python, "
    "dialect= speaks to other models",
    403: "the identity may not score here: give it the role 'AzureML Data Scientist', or one with the action "
    "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/score/action",
    408: "scoring took longer than the deployment's request_timeout_ms (5 s by default, at most 180 s): raise it, "
    "or send smaller images",
    413: "the request is larger than the endpoint takes: send smaller images, or fewer at once",
    415: "the endpoint refused the content type: check that it serves a model of AutoML for Images; in Python, "
    "dialect= speaks to other models",
    429: "more requests at once, or per second, than the deployment takes: lower the concurrency, or raise "
    "max_concurrent_requests_per_instance or the instance count",
    502: "on Kubernetes: the scoring script failed; else the service did: see the deployment's logs",
    504: "on Kubernetes: scoring took longer than the deployment's timeout (5 s by default); else the service did",
}

SCRIPT_RAISED = "scoring_script_raised"

_REASONS = {  # of 424, by ms-azureml-model-error-reason
    "model_not_ready": "the container is still starting: wait; in Python, warm_up() does",
    "too_few_model_instance": "too few instances for the load: lower the concurrency or add instances",
}


def error_of(
    reply: Reply,
    *,
    url: str,
    deployment: str | None,
    mode: str | None,
    secret: str,
    scope: str | None = None,
    **how: Any,
) -> errors.StatusError:
    """The error for a reply other than 200.

    Args:
        reply: the answer.
        url: the scoring URI, for the message.
        deployment: the deployment that was asked for, if one was.
        mode: the authentication mode in use: ``key``, ``aml_token`` or ``aad_token``.
        secret: the key or token, so that a server that echoes it does not put it into the message.
        scope: what the token was asked for, if it is one of Entra ID.
        how: ``attempts``, ``elapsed``, ``client_request_id``.
    """
    model_status, reason = model_failure(reply.headers)
    reason = clean(reason, (secret,), longest=100) if reason else None
    if reply.status >= 500 and says_script_raised(reply.headers):
        reason = SCRIPT_RAISED
    kind = _KINDS.get(reply.status, errors.StatusError)
    advice = _refused(mode, scope) if reply.status == 401 else _advice(reply.status, model_status, reason, deployment)
    words = f"{url} answered {reply.status}: {advice}"
    said = excerpt(reply.body, (secret,), longest=200)
    return kind(
        f"{words} (it said: {said})" if said else words,
        status=reply.status,
        model_status=model_status,
        reason=reason,
        request_id=request_id(reply.headers),
        deployment=answering_deployment(reply.headers) or deployment,
        retry_after=retry_after(reply),
        **how,
    )


def _advice(status: int, model_status: int | None, reason: str | None, deployment: str | None) -> str:
    if status == 404:
        return _not_found(deployment)
    if status == 424:
        return _model_failed(model_status, reason)
    if reason == SCRIPT_RAISED:
        return "the scoring script raised an exception: see the container's log"
    if 300 <= status < 400:
        return "a redirect, which is never followed: check the scoring URI"
    return _ADVICE.get(status, "the service failed: retry later" if status >= 500 else "the request was refused")


def _refused(mode: str | None, scope: str | None) -> str:
    """Of 401: names the mode, and the scope of a token."""
    if scope is None:
        whose = (
            "this is a key of this endpoint (another endpoint's, or an old one after a regeneration, is refused)"
            if mode == "key"
            else f"the {mode} belongs to this endpoint and has not expired"
        )
        return f"the {mode} was refused: check that the endpoint's authentication mode is '{mode}' and that {whose}"
    return (
        f"the token was refused (authentication mode {mode}, scope {scope}): check that the endpoint's "
        "authentication mode is 'aad_token', that the scope is of its cloud, and that the identity was not revoked"
    )


def _not_found(deployment: str | None) -> str:
    if deployment:
        return f"there is no deployment {deployment!r} at this endpoint, or no such endpoint: check both names"
    return "no such endpoint, or none of its deployments has traffic: check the scoring URI, or name a deployment"


def _model_failed(model_status: int | None, reason: str | None) -> str:
    if reason in _REASONS:
        return _REASONS[reason]
    status = f"status {model_status}" if model_status is not None else "no status told"
    return f"the model's container failed ({status}, reason {reason or 'not told'}): see the deployment's logs"


def script_raised(error: BaseException | None) -> bool:
    """Whether the container is there, and its scoring script raised an exception."""
    if not isinstance(error, errors.StatusError):
        return False
    return error.reason == SCRIPT_RAISED or (error.status == 424 and error.model_status == 500)


def again(error: BaseException) -> Again:
    """Whether another try can help after this error."""
    if isinstance(error, errors.ConnectionFailed):
        return Again.OFTEN if error.retryable else Again.NEVER
    if isinstance(error, errors.TimedOut):
        return Again.ONCE
    if isinstance(error, errors.StatusError):
        return _again_after(error)
    return Again.NEVER


def _again_after(error: errors.StatusError) -> Again:
    if error.reason == SCRIPT_RAISED:
        return Again.ONCE  # the same image will most likely fail again
    if error.status in (429, 500, 503):
        return Again.OFTEN
    if error.status in (408, 502, 504):
        return Again.ONCE
    if error.status == 424:
        return _again_after_model_failure(error.model_status, error.reason)
    return Again.NEVER


def _again_after_model_failure(status: int | None, reason: str | None) -> Again:
    if status in (408, 429, 503, 504) or reason in _REASONS:
        return Again.OFTEN
    if status is not None and 400 <= status < 500:
        return Again.NEVER
    return Again.ONCE  # a scoring exception: the same image will most likely fail again

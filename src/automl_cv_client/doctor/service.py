"""Checks the endpoint by using it: its OpenAPI document, a tiny image through the whole path, and the reply."""

from __future__ import annotations

from automl_cv_client._flow import scoring, service
from automl_cv_client._flow.call_settings import CallSettings
from automl_cv_client._flow.run import run
from automl_cv_client._imaging.encoding import grey_png
from automl_cv_client._protocol import requests
from automl_cv_client._transports.backends import BlockingBackend
from automl_cv_client.doctor.findings import Finding, failed, ok, warning
from automl_cv_client.errors import (
    AuthenticationFailed,
    AutoMLVisionError,
    EndpointNotFound,
    ImageDropped,
    ModelError,
    PayloadTooLarge,
    PermissionDenied,
    StatusError,
    Throttled,
    TimedOut,
    UnexpectedReply,
)
from automl_cv_client.results import (
    CallInfo,
    Classification,
    Detections,
    Instances,
    MultilabelClassification,
    Result,
)
from automl_cv_client.task import Task, as_commands

_ROUNDED = 0.01  # by so much the probabilities of a softmax may miss 1 in sum, half precision included
_SLOW = 5.0  # seconds: the service's own default limit for scoring
MODEL = "model"
"""The name of the check whether the model is of the task that was named."""

_LOGS = "az ml online-deployment get-logs -e <endpoint> -n <deployment>"


def check_swagger(settings: CallSettings, backend: BlockingBackend) -> Finding:
    """Whether the endpoint shows its OpenAPI document; one without can score nevertheless."""
    health = run(service.health(settings), backend)
    if health.ok:
        return ok("swagger", health.detail)
    return warning("swagger", health.detail, "see what scoring says below")


def check_scoring(settings: CallSettings, backend: BlockingBackend) -> Finding:
    """A grey image of 32 × 32 pixels, scored once."""
    problem: AutoMLVisionError | None = None
    try:
        called = run(service.warm_up(settings), backend)
    except AutoMLVisionError as error:
        problem = error.with_traceback(None)
    if problem is not None:
        return failed("scoring", str(problem), _advice(problem, settings))
    return _timed(called, settings)


def check_model(settings: CallSettings, backend: BlockingBackend, task: Task) -> Finding:
    """Whether the endpoint answers to a grey image as a model of this task does."""
    problem: AutoMLVisionError | None = None
    try:
        result = run(scoring.score_one(grey_png(32), task, settings), backend)
    except AutoMLVisionError as error:
        problem = error.with_traceback(None)
    if isinstance(problem, ImageDropped):
        return failed(MODEL, problem.message, "even a plain image is dropped: see the deployment's log")
    if isinstance(problem, UnexpectedReply):
        advice = f"this is no model of {task}: name its task, or ask another deployment"
        return failed(MODEL, as_commands(problem.message), advice)
    if problem is not None:
        return failed(MODEL, as_commands(str(problem)), _advice(problem, settings))
    return _fitting(result, task)


def _fitting(result: Result, task: Task) -> Finding:
    if isinstance(result, Detections | Instances):
        return ok(MODEL, f"answers as one of {task}, with {len(result)} objects in a grey image")
    assert isinstance(result, Classification | MultilabelClassification)
    words = f"answers as one of {task}, with {len(result.labels)} classes"
    sums_to_one = abs(sum(result.probs) - 1) < _ROUNDED
    if task is Task.CLASSIFICATION and not sums_to_one:
        advice = f"so do those of {Task.MULTILABEL}: if the model was trained for it, use classify-multilabel"
        return warning(MODEL, f"{words}, whose probabilities add up to {sum(result.probs):.2f}", advice)
    if task is Task.MULTILABEL and sums_to_one and len(result.labels) > 1:
        advice = f"so do those of {Task.CLASSIFICATION}: if the model was trained for it, use classify"
        return warning(MODEL, f"{words}, whose probabilities add up to 1", advice)
    return ok(MODEL, words)


def _timed(called: CallInfo, settings: CallSettings) -> Finding:
    sent = len(requests.scoring_body([grey_png(32)], settings.dialect))
    words = f"answered 200 in {called.elapsed:.2f} s to {sent} bytes"
    if called.model_time is not None:
        words += f", {called.model_time:.2f} s of it in the model"
    if called.deployment:
        words += f", deployment {called.deployment}"
    if called.elapsed < _SLOW:
        return ok("scoring", words)
    return warning("scoring", words, "slow for a tiny image: a cold start, or an instance that is too small")


def _advice(error: AutoMLVisionError, settings: CallSettings) -> str:
    match error:
        case AuthenticationFailed() if settings.mode == "key":
            return (
                "copy the key again (studio: Endpoints, tab 'Consume'); if the authentication mode there is not 'key', "
                "leave the key out, and sign in: 'az login' (in Python, a credential of azure-identity)"
            )
        case AuthenticationFailed():
            return (
                f"the endpoint refuses tokens of mode {settings.mode}: compare with its authentication mode and cloud"
            )
        case PermissionDenied():
            return "give the identity the role 'AzureML Data Scientist' on the endpoint or workspace"
        case EndpointNotFound() if settings.deployment:
            return f"check the name {settings.deployment!r}: az ml online-deployment list -e <endpoint>"
        case EndpointNotFound():
            return (
                "give a deployment traffic: az ml online-endpoint update --traffic <name>=100, or name one: "
                "--deployment, AUTOML_CV_DEPLOYMENT, or deployment= in Python"
            )
        case ModelError() if settings.dialect == "automl":
            return (
                f"the container failed: {_LOGS}; does the model come from Hugging Face, or a script from before MLflow "
                "answer? Then set AUTOML_CV_DIALECT to huggingface or legacy, in Python dialect="
            )
        case ModelError():
            return f"the container failed: {_LOGS}; or {settings.dialect!r} is not how it wants to be asked"
        case Throttled():
            return "others use the endpoint too: try again, or add instances"
        case PayloadTooLarge():
            return "even a tiny image is too large: this is not the scoring path of an online endpoint"
        case TimedOut():
            return "the model takes too long: look at its log, or give the doctor more time"
        case StatusError() if error.status == 408:
            return "raise request_timeout_ms of the deployment: az ml online-deployment update"
        case _:
            return "see the message; the service's status: https://status.azure.com"

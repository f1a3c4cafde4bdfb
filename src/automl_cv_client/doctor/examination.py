"""Examines an endpoint from the network to a scored image, and says what is wrong and what to do."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from automl_cv_client._flow.call_settings import CallSettings, RetryPolicy
from automl_cv_client._frames import without_locals
from automl_cv_client._options import new_settings
from automl_cv_client._protocol.control_plane import EndpointAddress
from automl_cv_client._protocol.endpoint import checked_uri, shown
from automl_cv_client._protocol.requests import Dialect
from automl_cv_client._transports.backends import BlockingBackend, ControlPlane
from automl_cv_client._transports.httpx import HttpxTransport
from automl_cv_client._transports.resource_manager import ResourceManager
from automl_cv_client.credentials import (
    Cloud,
    Credential,
    CredentialInput,
    cloud_from_env,
    credential_for,
    refuse_awaited,
)
from automl_cv_client.doctor import service, workspace
from automl_cv_client.doctor.findings import Finding, Report, failed, skipped
from automl_cv_client.doctor.identity import check_identity
from automl_cv_client.doctor.network import check_network
from automl_cv_client.errors import AutoMLVisionError
from automl_cv_client.settings import WorkspaceSettings, settings_from_env
from automl_cv_client.task import Task, TaskInput, task_of

_LAST = ("authentication", "swagger", "scoring")


@dataclass(frozen=True)
class _Wanted:
    """What is to be examined, and how."""

    deployment: str | None
    dialect: Dialect
    timeout: float
    allow_http: bool
    task: Task | None

    @property
    def last(self) -> tuple[str, ...]:
        """The checks that need an endpoint that was found."""
        return _LAST if self.task is None else (*_LAST, service.MODEL)

    def settings(self, uri: str, credential: Credential) -> CallSettings:
        return new_settings(
            uri,
            credential,
            allow_http=self.allow_http,
            deployment=self.deployment,
            dialect=self.dialect,
            timeout=self.timeout,
            retry=RetryPolicy(attempts=1),
        )


@without_locals
def examine(
    scoring_uri: str | None = None,
    credential: CredentialInput | None = None,
    *,
    deployment: str | None = None,
    timeout: float = 30.0,
    allow_http: bool = False,
    cloud: Cloud | None = None,
    environ: Mapping[str, str] | None = None,
    task: TaskInput | None = None,
) -> Report:
    """Check an endpoint step by step; never raises for what is wrong with the endpoint.

    Args:
        scoring_uri: the endpoint; None for the one of the environment variables, as :meth:`Client.from_env` finds it.
        credential: as for :class:`Client`; None for ``AUTOML_CV_KEY``, else ``DefaultAzureCredential``.
        deployment: the deployment to check; None for ``AUTOML_CV_DEPLOYMENT``, else the endpoint's own choice.
        timeout: seconds each check may take.
        allow_http: as for :class:`Client`.
        cloud: as for :meth:`Client.from_workspace`.
        environ: in place of this process's variables.
        task: also check that the model answers as one of this task; a second tiny image is scored.

    Returns:
        One finding a check. No secret is in it.

    Raises:
        InvalidInput: an argument or variable is missing or cannot be used; the message names it.
    """
    refuse_awaited(credential)
    given = {} if scoring_uri is None else {"AUTOML_CV_SCORING_URI": scoring_uri}
    settings = settings_from_env({**(os.environ if environ is None else environ), **given})
    kind = None if task is None else task_of(task)
    wanted = _Wanted(deployment or settings.deployment, settings.dialect, timeout, allow_http, kind)
    if isinstance(settings, WorkspaceSettings):
        return _examined_workspace(settings, credential, wanted, cloud or cloud_from_env(environ))
    uri = checked_uri(settings.scoring_uri, allow_http=allow_http)
    chosen = credential if credential is not None or settings.key is None else settings.secret()
    authorizer = credential_for(chosen, uri, awaited=False)
    findings = tuple(_scoring_findings(wanted.settings(uri, authorizer), authorizer, wanted))
    return Report(endpoint=shown(uri), findings=findings)


def _examined_workspace(settings: WorkspaceSettings, credential: Any, wanted: _Wanted, cloud: Cloud) -> Report:
    control: ControlPlane = ResourceManager(EndpointAddress(*settings.names()), credential, cloud)
    try:
        findings = [*_workspace_findings(control, wanted)]
    finally:
        control.close()
    return Report(endpoint=f"endpoint {settings.endpoint} of workspace {settings.workspace}", findings=tuple(findings))


def _workspace_findings(control: ControlPlane, wanted: _Wanted) -> Iterator[Finding]:
    problem = ""
    try:
        found = control.look_up()
        authorizer = control.credential(found)
        settings = wanted.settings(found.scoring_uri, authorizer)
    except AutoMLVisionError as error:
        problem = str(error)
    if problem:
        yield failed("workspace", problem, "the endpoint cannot be looked up: until it can, --uri and a key do without")
        yield from (skipped(name, "the endpoint was not found") for name in wanted.last)
        return
    yield workspace.check_endpoint(found)
    yield from workspace.check_deployments(control, wanted.deployment)
    yield from _scoring_findings(settings, authorizer, wanted)


def _scoring_findings(settings: CallSettings, authorizer: Credential, wanted: _Wanted) -> Iterator[Finding]:
    reached = True
    for finding in check_network(settings.url, settings.timeout):
        reached = reached and finding.state != "failed"
        yield finding
    identity, secret = check_identity(authorizer, settings.timeout)
    yield identity
    if not reached or not secret or identity.state == "failed":
        reason = "the credential will not do" if reached else "the host cannot be reached"
        yield from (skipped(name, reason) for name in wanted.last[1:])
        return
    backend = BlockingBackend(authorizer, HttpxTransport())
    try:
        yield service.check_swagger(settings, backend)
        scoring = service.check_scoring(settings, backend)
        yield scoring
        if wanted.task is not None:
            works = scoring.state != "failed"
            yield (
                service.check_model(settings, backend, wanted.task)
                if works
                else skipped(service.MODEL, "scoring failed")
            )
    finally:
        backend.close()

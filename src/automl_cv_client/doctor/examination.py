"""Examines an endpoint from the network to a scored picture, and says what is wrong and what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from automl_cv_client._flow.plan import Plan, RetryPolicy
from automl_cv_client._options import new_plan
from automl_cv_client._protocol.control_plane import EndpointAddress
from automl_cv_client._protocol.endpoint import checked_uri, shown
from automl_cv_client._transports.backends import ControlPlane, SyncWorld
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

_LAST = ("authentication", "swagger", "scoring")


def examine(
    scoring_uri: str | None = None,
    credential: CredentialInput | None = None,
    *,
    deployment: str | None = None,
    timeout: float = 30.0,
    allow_http: bool = False,
    cloud: Cloud | None = None,
    environ: Mapping[str, str] | None = None,
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

    Returns:
        One finding a check. No secret is in it.

    Raises:
        InvalidInput: an argument or variable is missing or cannot be used; the message names it.
    """
    refuse_awaited(credential)
    given = {} if scoring_uri is None else {"AUTOML_CV_SCORING_URI": scoring_uri}
    settings = settings_from_env({**_variables(environ), **given})
    deployment = deployment or settings.deployment
    if isinstance(settings, WorkspaceSettings):
        return _examined_workspace(
            settings, credential, deployment, timeout, allow_http, cloud or cloud_from_env(environ)
        )
    uri = checked_uri(settings.scoring_uri, allow_http=allow_http)
    chosen = credential if credential is not None or settings.key is None else settings.secret()
    authorizer = credential_for(chosen, uri, awaited=False)
    plan = _plan(uri, authorizer, deployment, timeout, allow_http)
    return Report(endpoint=shown(uri), findings=tuple(_scoring_findings(plan, authorizer)))


def _variables(environ: Mapping[str, str] | None) -> Mapping[str, str]:
    import os

    return os.environ if environ is None else environ


def _plan(uri: str, credential: Credential, deployment: str | None, timeout: float, allow_http: bool) -> Plan:
    once = RetryPolicy(attempts=1)
    return new_plan(uri, credential, allow_http=allow_http, deployment=deployment, timeout=timeout, retry=once)


def _examined_workspace(
    settings: WorkspaceSettings, credential: Any, deployment: str | None, timeout: float, allow_http: bool, cloud: Cloud
) -> Report:
    control: ControlPlane = ResourceManager(EndpointAddress(*settings.names()), credential, cloud)
    try:
        findings = [*_workspace_findings(control, deployment, timeout, allow_http)]
    finally:
        control.close()
    return Report(endpoint=f"endpoint {settings.endpoint} of workspace {settings.workspace}", findings=tuple(findings))


def _workspace_findings(
    control: ControlPlane, deployment: str | None, timeout: float, allow_http: bool
) -> Iterator[Finding]:
    problem = ""
    try:
        found = control.look_up()
        authorizer = control.credential(found)
        plan = _plan(found.scoring_uri, authorizer, deployment, timeout, allow_http)
    except AutoMLVisionError as error:
        problem = str(error)
    if problem:
        yield failed("workspace", problem, "the endpoint cannot be looked up: until it can, --uri and a key do without")
        yield from (skipped(name, "the endpoint was not found") for name in _LAST)
        return
    yield workspace.check_endpoint(found)
    yield from workspace.check_deployments(control, deployment)
    yield from _scoring_findings(plan, authorizer)


def _scoring_findings(plan: Plan, authorizer: Credential) -> Iterator[Finding]:
    reached = True
    for finding in check_network(plan.url, plan.timeout):
        reached = reached and finding.state != "failed"
        yield finding
    identity, secret = check_identity(authorizer, plan.timeout)
    yield identity
    if not reached or not secret or identity.state == "failed":
        reason = "the credential will not do" if reached else "the host cannot be reached"
        yield from (skipped(name, reason) for name in _LAST[1:])
        return
    world = SyncWorld(authorizer, HttpxTransport())
    try:
        yield service.check_swagger(plan, world)
        yield service.check_scoring(plan, world)
    finally:
        world.close()

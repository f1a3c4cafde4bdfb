"""Checks what the workspace says of the endpoint: that it is ready, and that a deployment gets the calls."""

from __future__ import annotations

from collections.abc import Iterator

from automl_cv_client._protocol.control_plane import EndpointRecord
from automl_cv_client._transports.backends import ControlPlane
from automl_cv_client.doctor.findings import Finding, failed, ok, warning
from automl_cv_client.errors import AutoMLVisionError
from automl_cv_client.results import Deployment

READY = "Succeeded"


def check_endpoint(found: EndpointRecord) -> Finding:
    """The endpoint's own state."""
    words = f"state {found.state or 'not told'}, authentication mode {found.mode}"
    if found.state in (READY, "Updating", ""):
        return ok("endpoint", words)
    return failed("endpoint", words, "wait until it is ready; after a failure, delete it and make it again")


def check_deployments(control: ControlPlane, wanted: str | None) -> Iterator[Finding]:
    """The deployments' states, and the way of a call to one of them."""
    try:
        found = control.deployments()
    except AutoMLVisionError as error:
        yield warning("deployments", error.message, "scoring may work nevertheless: the role may not list deployments")
        return
    shown = ", ".join(f"{deployment.name} {deployment.traffic} % ({deployment.state})" for deployment in found)
    yield ok("deployments", shown) if found else failed("deployments", "none", "deploy a model to this endpoint")
    if found:
        yield _named(found, wanted) if wanted else _by_traffic(found)


def _named(found: tuple[Deployment, ...], wanted: str) -> Finding:
    for deployment in found:
        if deployment.name.lower() == wanted.lower():
            return _state(deployment, f"{deployment.name} by name")
    names = ", ".join(deployment.name for deployment in found)
    return failed("traffic", f"there is no deployment {wanted!r}", f"use one of: {names}")


def _by_traffic(found: tuple[Deployment, ...]) -> Finding:
    served = [deployment for deployment in found if deployment.traffic > 0]
    if not served:
        return failed(
            "traffic",
            "no deployment gets traffic",
            f"give one traffic: az ml online-endpoint update --traffic {found[0].name}=100, or name it: --deployment, "
            "AUTOML_CV_DEPLOYMENT, or deployment= in Python",
        )
    worst = next((deployment for deployment in served if deployment.state != READY), served[0])
    return _state(worst, "by share: " + ", ".join(f"{deployment.name} {deployment.traffic} %" for deployment in served))


def _state(deployment: Deployment, words: str) -> Finding:
    if deployment.state == READY:
        return ok("traffic", words)
    return failed(
        "traffic",
        f"{words}; {deployment.name} is {deployment.state}",
        f"see its log: az ml online-deployment get-logs -n {deployment.name}",
    )

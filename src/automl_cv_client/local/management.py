"""Stand-ins for what manages an endpoint in Azure: Resource Manager, and a managed identity that gives out tokens.

So ``Client.from_workspace``, ``client.deployments()`` and ``automl-cv doctor`` work offline, with azure-identity's own
``DefaultAzureCredential``: it asks the identity of an App Service, whose address is a variable and may be plain http.
https://learn.microsoft.com/azure/app-service/overview-managed-identity and
https://learn.microsoft.com/rest/api/azureml/online-endpoints
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from automl_cv_client.local.container import Call, Reply
from automl_cv_client.local.rules import EndpointRules, LocalDeployment, shares_of
from automl_cv_client.local.tokens import WORKSPACE, Tokens

SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
GROUP, WORKSPACE_NAME, ENDPOINT = "local", "local", "local"
IDENTITY = "/identity/token"
_PREFIX = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/"
    f"{WORKSPACE_NAME}/onlineEndpoints/{ENDPOINT}"
).lower()
_MODES = {"key": "Key", "aml_token": "AMLToken", "aad_token": "AADToken"}


@dataclass(frozen=True)
class Managed:
    """What Resource Manager knows of the endpoint.

    Attributes:
        base: the server's address.
        scoring_uri: where to score.
        keys: primary and secondary.
        deployments: behind the endpoint.
        rules: its authentication mode, among others.
    """

    base: str
    scoring_uri: str
    keys: Sequence[str]
    deployments: Sequence[LocalDeployment]
    rules: EndpointRules


class Management:
    """Answers the requests of Resource Manager's clients, and of those who ask the identity for a token.

    Args:
        tokens: shared with the front end, which takes those for scoring.
    """

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._secret = secrets.token_urlsafe(24)
        self.managed: Managed | None = None

    def variables(self) -> dict[str, str]:
        """What to export so that this package and azure-identity come here."""
        base = self.managed.base if self.managed else ""
        return {
            "AUTOML_CV_ENDPOINT": ENDPOINT,
            "AUTOML_CV_SUBSCRIPTION_ID": SUBSCRIPTION,
            "AUTOML_CV_RESOURCE_GROUP": GROUP,
            "AUTOML_CV_WORKSPACE": WORKSPACE_NAME,
            "AUTOML_CV_RESOURCE_MANAGER": base,
            "IDENTITY_ENDPOINT": f"{base}{IDENTITY}",
            "IDENTITY_HEADER": self._secret,
        }

    def answer(self, call: Call) -> Reply | None:
        """The answer to a request of these paths; None for another one."""
        if call.path == IDENTITY:
            return self._identity(call)
        if not call.path.lower().startswith("/subscriptions/"):
            return None
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        if self.managed is None or scheme.lower() != "bearer" or not self._tokens.is_for(token, self.managed.base):
            return _error(
                401, "InvalidAuthenticationToken", "The token is missing, unknown, expired or for another audience."
            )
        if not call.path.lower().startswith(_PREFIX):
            return _error(404, "ResourceNotFound", "There is no such endpoint in this workspace.")
        return self._resource(self.managed, call.method, call.path[len(_PREFIX) :].strip("/").lower())

    def _identity(self, call: Call) -> Reply:
        if not secrets.compare_digest(call.headers.get("x-identity-header", "").encode(), self._secret.encode()):
            return _error(401, "Unauthorized", "The header X-IDENTITY-HEADER is missing or wrong.")
        resource = parse_qs(call.query).get("resource", [""])[0]
        token = self._tokens.issue(resource)
        return _json(
            {
                "access_token": token.token,
                "expires_on": str(token.expires_on),
                "resource": resource,
                "token_type": "Bearer",
                "client_id": SUBSCRIPTION,
            }
        )

    def _resource(self, managed: Managed, method: str, action: str) -> Reply:
        if (method, action) == ("GET", ""):
            return _json(_endpoint(managed))
        if (method, action) == ("GET", "deployments"):
            return _json({"value": [_deployment(deployment) for deployment in managed.deployments], "nextLink": None})
        if (method, action) == ("POST", "listkeys"):
            if managed.rules.auth != "key":
                return _error(400, "BadRequest", "Keys are given out in the mode key only.")
            return _json({"primaryKey": managed.keys[0], "secondaryKey": managed.keys[1]})
        if (method, action) == ("POST", "token"):
            if managed.rules.auth != "aml_token":
                return _error(400, "BadRequest", "Tokens are given out in the mode aml_token only.")
            token = self._tokens.issue(WORKSPACE)
            times = {"expiryTimeUtc": token.expires_on, "refreshAfterTimeUtc": token.refresh_after}
            return _json({"accessToken": token.token, "tokenType": "Bearer", **times})
        return _error(404, "ResourceNotFound", "There is no such resource.")


def _endpoint(managed: Managed) -> dict[str, Any]:
    mirror = {each.name: each.mirror for each in managed.deployments if each.mirror}
    return {
        "name": ENDPOINT,
        "kind": "Managed",
        "location": "local",
        "properties": {
            "scoringUri": managed.scoring_uri,
            "swaggerUri": managed.scoring_uri.removesuffix("score") + "swagger.json",
            "authMode": _MODES[managed.rules.auth],
            "provisioningState": "Succeeded",
            "traffic": shares_of(managed.deployments),
            "mirrorTraffic": mirror,
        },
    }


def _deployment(deployment: LocalDeployment) -> dict[str, Any]:
    seconds = deployment.request_timeout or 180
    return {
        "name": deployment.name,
        "kind": "Managed",
        "properties": {
            "endpointComputeType": "Managed",
            "provisioningState": "Succeeded",
            "instanceType": "local",
            "scaleSettings": {"scaleType": "Default"},
            "requestSettings": {
                "maxConcurrentRequestsPerInstance": deployment.concurrency or 1,
                "requestTimeout": f"PT{seconds:g}S",
                "maxQueueWait": "PT0.5S",
            },
        },
        "sku": {"name": "Default", "capacity": deployment.instances},
    }


def _json(document: Mapping[str, Any]) -> Reply:
    return Reply(200, json.dumps(document).encode())


def _error(status: int, code: str, message: str) -> Reply:
    return Reply(status, json.dumps({"error": {"code": code, "message": message}}).encode())

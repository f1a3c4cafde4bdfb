"""Looks an endpoint up in Azure Resource Manager over our own HTTP transport; needs no azure-ai-ml."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from automl_cv_client._flow import control_plane
from automl_cv_client._flow.run import run
from automl_cv_client._protocol.control_plane import EndpointAddress, EndpointRecord
from automl_cv_client._transports.backends import BlockingBackend
from automl_cv_client._transports.httpx import HttpxTransport
from automl_cv_client._transports.looked_up import key_secret, looked_up_credential, token_secret
from automl_cv_client.credentials import Cloud, Credential, Secret, token_credential
from automl_cv_client.results import Deployment


class ResourceManager:
    """One endpoint's place in Resource Manager. Blocking; thread-safe.

    Args:
        address: the endpoint.
        credential: a ``TokenCredential``, blocking or async; None for ``DefaultAzureCredential``.
        cloud: whose Resource Manager.
    """

    def __init__(self, address: EndpointAddress, credential: Any, cloud: Cloud) -> None:
        self._address = address
        self._given = credential
        self._cloud = cloud
        self._tokens = token_credential(credential, cloud.management_scope, cloud)
        self._backend = BlockingBackend(self._tokens, HttpxTransport())
        self._settings = control_plane.settings_for(cloud.resource_manager, cloud.management_scope, time.monotonic)

    def look_up(self) -> EndpointRecord:
        """Scoring URI, authentication mode, state and traffic: one request."""
        return run(control_plane.endpoint(self._address, self._settings), self._backend)

    def credential(self, found: EndpointRecord) -> Credential:
        """The credential for the endpoint's authentication mode. Its key or token is fetched at the first call."""
        if found.mode == "aad_token":
            return token_credential(self._given, self._cloud.scoring_scope, self._cloud)
        return looked_up_credential(found.mode, self._fetch_key, self._fetch_token, self.bind)

    def deployments(self) -> tuple[Deployment, ...]:
        """All deployments with today's traffic: two requests."""
        traffic = self.look_up().traffic
        return run(control_plane.deployments(self._address, traffic, self._settings), self._backend)

    def bind(self, loop: asyncio.AbstractEventLoop) -> None:
        """Run an async credential in this loop."""
        self._tokens.bind(loop)

    def close(self) -> None:
        """Close the connections."""
        self._backend.close()

    def _fetch_key(self, refused: str | None) -> Secret:
        keys = run(control_plane.keys(self._address, self._settings), self._backend)
        return key_secret(keys.primaryKey, keys.secondaryKey, refused)

    def _fetch_token(self, refused: str | None) -> Secret:
        token = run(control_plane.token(self._address, self._settings), self._backend)
        return token_secret(token.accessToken, token.expiryTimeUtc, token.refreshAfterTimeUtc)

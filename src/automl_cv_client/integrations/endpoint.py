"""Where an engine's workers score, with what, and how much at once. It crosses process borders, and holds no secret."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from typing import Literal, TypeAlias

from automl_cv_client._async_client import AsyncClient
from automl_cv_client._client import Client
from automl_cv_client.errors import InvalidInput
from automl_cv_client.results import Deployment
from automl_cv_client.settings import KEY, URI

_logger = logging.getLogger("automl_cv_client.integrations")

AtOnce: TypeAlias = int | Literal["ask"]
"""Requests that an endpoint takes at once; ``"ask"``: as Resource Manager says."""


@dataclass(frozen=True)
class Endpoint:
    """An endpoint, for workers in other processes: names of variables and secrets, never the secrets.

    A worker resolves the names when it scores its first image. Engines write what they ship to workers into object
    stores, event logs and spill files; a key by value would stand in all of them.

    Attributes:
        uri: the scoring URI, which is no secret.
        uri_env: the variable that holds it on the workers, where ``uri`` is not given.
        key_env: the variable that holds the key on the workers.
        key_secret: ``(scope, name)`` of a Databricks or Synapse secret that holds the key, in place of ``key_env``.
        sign_in: sign in with azure-identity (``DefaultAzureCredential`` on the worker), in place of a key.
        deployment: send every request to it; None for the endpoint's traffic rules.
        allow_http: allow plain http to another machine.

    Example:
        >>> Endpoint(uri="https://cats.westeurope.inference.ml.azure.com/score", key_env="CATS_KEY")
    """

    uri: str | None = None
    uri_env: str = URI
    key_env: str = KEY
    key_secret: tuple[str, str] | None = None
    sign_in: bool = False
    deployment: str | None = None
    allow_http: bool = False

    def client(self) -> Client:
        """A client of this process. Raises InvalidInput, naming what is missing on this worker."""
        return Client.from_env(self._variables(), deployment=self.deployment, allow_http=self.allow_http)

    def async_client(self) -> AsyncClient:
        """An awaited client of this process. Raises InvalidInput, naming what is missing on this worker."""
        return AsyncClient.from_env(self._variables(), deployment=self.deployment, allow_http=self.allow_http)

    def _variables(self) -> dict[str, str]:
        """What the client reads; without a key it signs in with azure-identity."""
        uri = self.uri or os.environ.get(self.uri_env, "").strip()
        if not uri:
            raise InvalidInput(
                f"this worker has no variable {self.uri_env}: set it to the scoring URI, or give Endpoint(uri=…)"
            )
        if self.sign_in:
            return {URI: uri}
        if self.key_secret is not None:
            return {URI: uri, KEY: _secret(*self.key_secret)}
        key = os.environ.get(self.key_env, "").strip()
        if not key:
            raise InvalidInput(
                f"this worker has no variable {self.key_env}: set it in the environment of the nodes (engines write "
                "those of runtime_env or spark.executorEnv into logs), or give key_secret= or sign_in=True"
            )
        return {URI: uri, KEY: key}


def _secret(scope: str, name: str) -> str:
    """A secret of Databricks (``dbutils``) or Synapse (``mssparkutils``)."""
    try:
        from databricks.sdk.runtime import dbutils
    except ImportError:
        pass
    else:
        return str(dbutils.secrets.get(scope, name))
    try:
        from notebookutils import mssparkutils
    except ImportError:
        pass
    else:
        return str(mssparkutils.credentials.getSecret(scope, name))
    raise InvalidInput("key_secret= needs Databricks or Synapse on the worker; elsewhere give key_env=")


def checked(at_once: int) -> int:
    """What the endpoint takes. Raises InvalidInput where that cannot be."""
    if isinstance(at_once, bool) or not isinstance(at_once, int) or at_once < 1:
        raise InvalidInput(f'at_once must be a whole number from 1, "ask" or None; not {at_once!r}')
    return at_once


def divided(at_once: int, workers: int) -> int:
    """Each worker's share of what the endpoint takes. Raises InvalidInput where it cannot be divided."""
    if checked(at_once) < workers:
        raise InvalidInput(
            f"the endpoint takes {at_once} requests at once, and there are {workers} workers: take {at_once}"
        )
    return at_once // workers


def asked(endpoint: Endpoint | None) -> int:
    """Requests that the endpoint takes at once, as Resource Manager says. Raises InvalidInput where it does not."""
    wanted = endpoint.deployment if endpoint else None
    with Client.from_env() as client:
        deployments = client.deployments()
    serving: list[Deployment] = [
        deployment for deployment in deployments if (deployment.name == wanted if wanted else deployment.traffic)
    ]
    takes = [deployment.requests_at_once for deployment in serving]
    if not takes or None in takes:
        raise InvalidInput("Resource Manager does not say what the endpoint takes at once: give at_once= a number")
    total = sum(take for take in takes if take is not None)
    _logger.info("the endpoint takes %d requests at once", total)
    return total

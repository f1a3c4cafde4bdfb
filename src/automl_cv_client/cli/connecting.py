"""The client that a command works with: from its options and the environment."""

from __future__ import annotations

import os

from automl_cv_client._client import Client
from automl_cv_client.settings import DEPLOYMENT, URI


def client_for(uri: str | None, deployment: str | None) -> Client:
    """A client by ``--uri`` and ``--deployment``, else by the variables; without a key, by azure-identity."""
    given = {name: value for name, value in ((URI, uri), (DEPLOYMENT, deployment)) if value is not None}
    return Client.from_env({**os.environ, **given})

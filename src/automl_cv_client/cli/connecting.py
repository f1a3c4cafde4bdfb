"""The client that a command works with: from its options and the environment."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from automl_cv_client._client import Client
from automl_cv_client._flow.call_settings import DEADLINE, TIMEOUT, RetryPolicy
from automl_cv_client._imaging import ImagePolicy
from automl_cv_client.cli.exits import Unusable
from automl_cv_client.cli.waiting import hooks
from automl_cv_client.settings import DEPLOYMENT, URI


def client_for(
    uri: str | None,
    deployment: str | None,
    *,
    timeout: float | None = None,
    deadline: float | None = None,
    retries: int | None = None,
    images: ImagePolicy | None = None,
) -> Client:
    """A client by ``--uri`` and ``--deployment``, else by the variables; without a key, by azure-identity.

    It tells on standard error what it waits for, as ``-v`` asks. What is None is as the client has it.
    """
    given = {name: value for name, value in ((URI, uri), (DEPLOYMENT, deployment)) if value is not None}
    environ = {**os.environ, **given}
    refuse_bare_host(environ.get(URI, ""))
    retry = RetryPolicy() if retries is None else RetryPolicy(attempts=retries + 1)
    return Client.from_env(
        environ,
        timeout=TIMEOUT if timeout is None else timeout,
        deadline=DEADLINE if deadline is None else deadline,
        retry=retry,
        images=images,
        hooks=hooks(retry.attempts),
    )


def refuse_bare_host(uri: str) -> None:
    """Raises Unusable for the address of a host alone: asked for a score it would answer 404, which says less."""
    try:
        parts = urlsplit(uri.strip())
    except ValueError:
        return  # the client says what is wrong with it
    if parts.scheme in ("http", "https") and parts.netloc and parts.path in ("", "/"):
        host = parts.netloc.rpartition("@")[2]
        raise Unusable(
            f"the scoring URI has no path: a scoring URI ends in /score, as in {parts.scheme}://{host}/score"
        )

"""Asks azure-identity, or any TokenCredential, for tokens of one scope; imports azure only when it does."""

from __future__ import annotations

import asyncio
import inspect
import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from automl_cv_client._processes import in_each_process, leave_to_parent
from automl_cv_client._protocol.excerpts import clean
from automl_cv_client.credentials.clouds import AUTHORITY, Cloud
from automl_cv_client.credentials.contract import Secret
from automl_cv_client.credentials.keys import bearer
from automl_cv_client.credentials.renewal import SKEW, RenewedCredential
from automl_cv_client.errors import (
    AuthenticationFailed,
    AutoMLVisionError,
    ConnectionFailed,
    InvalidInput,
    ServiceUnavailable,
    Throttled,
)


def token_credential(
    credential: Any, scope: str, cloud: Cloud, *, clock: Callable[[], float] = time.time
) -> RenewedCredential:
    """Tokens of ``scope``, kept and renewed five minutes before they expire, or when azure-identity says so.

    Args:
        credential: a ``TokenCredential``, blocking or async; None for azure-identity's ``DefaultAzureCredential``.
        scope: such as ``https://ml.azure.com/.default``.
        cloud: whose Entra ID the default credential asks.
        clock: seconds since the epoch.
    """
    source = _TokenSource(credential, scope, cloud)
    return RenewedCredential("aad_token", source.fetch, scope=scope, bind=source.bind, close=source.close, clock=clock)


def is_token_credential(credential: object) -> bool:
    """Whether this is a TokenCredential, blocking or async."""
    return callable(getattr(credential, "get_token", None)) or callable(getattr(credential, "get_token_info", None))


def is_awaited(credential: object) -> bool:
    """Whether this is an async TokenCredential, as those of ``azure.identity.aio``."""
    return any(inspect.iscoroutinefunction(getattr(credential, name, None)) for name in ("get_token", "get_token_info"))


class _TokenSource:
    """One credential and one scope. The default credential is made at the first token, and closed by us."""

    def __init__(self, credential: Any, scope: str, cloud: Cloud) -> None:
        self._credential = credential
        self._is_ours = credential is None
        self._scope = scope
        self._cloud = cloud
        in_each_process(self._begin)

    def _begin(self) -> None:
        """A child makes a default credential of its own; one that the user gave is the user's to make anew."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()
        if self._is_ours and self._credential is not None:
            leave_to_parent(self._credential)
            self._credential = None

    def bind(self, loop: asyncio.AbstractEventLoop) -> None:
        """Run an async credential in this loop."""
        self._loop = loop

    def fetch(self, refused: str | None) -> Secret:
        """A token as a secret; after a refusal one that was issued later, if it can be had."""
        failure: Exception
        try:
            token = self._ask()
            if refused is not None and bearer(token.token) == refused:
                token = self._ask(issued_from_now_on())  # azure-identity keeps tokens: this makes it fetch one
            renew_at = min(token.expires_on - SKEW, getattr(token, "refresh_on", None) or token.expires_on)
            return Secret(bearer(token.token), renew_at, token.expires_on)
        except InvalidInput:
            raise
        except Exception as error:  # noqa: BLE001 - mapped below: a credential may raise anything
            failure = error
        raise token_error(failure, self._scope)  # out of the handler: azure's error holds its request

    def close(self) -> None:
        """Close the default credential's connections; a user's own credential is the user's to close."""
        with self._lock:
            if self._is_ours and self._credential is not None:
                self._credential.close()
                self._credential = None

    def _ask(self, claims: str | None = None) -> Any:
        credential = self._made()
        if callable(getattr(credential, "get_token_info", None)):
            token = credential.get_token_info(self._scope, options={"claims": claims} if claims else {})
        else:
            token = credential.get_token(self._scope, **({"claims": claims} if claims else {}))
        return self._waited_for(token) if inspect.isawaitable(token) else token

    def _waited_for(self, token: Any) -> Any:
        if self._loop is None:
            token.close()
            raise InvalidInput("an async credential needs a running event loop")
        return asyncio.run_coroutine_threadsafe(token, self._loop).result()

    def _made(self) -> Any:
        with self._lock:
            if self._credential is None:
                self._credential = _default_credential(self._cloud)
            return self._credential


def _default_credential(cloud: Cloud) -> Any:
    import os

    from azure.identity import DefaultAzureCredential

    own_authority = os.environ.get(AUTHORITY)  # azure-identity reads it itself
    return DefaultAzureCredential() if own_authority else DefaultAzureCredential(authority=cloud.authority)


def issued_from_now_on() -> str:
    """The claims that ask Entra ID for a token issued now, as a service that revoked the old one words them.

    https://learn.microsoft.com/entra/identity-platform/claims-challenge
    """
    return json.dumps({"access_token": {"nbf": {"essential": True, "value": str(int(time.time()))}}})


def _chain(failure: BaseException | None) -> Iterator[BaseException]:
    """The failure and what led to it: azure-identity wraps a failed connection in a refusal."""
    for _ in range(5):
        if failure is None:
            return
        yield failure
        failure = failure.__cause__ or failure.__context__


def token_error(failure: Exception, scope: str) -> AutoMLVisionError:
    """Our error for what a credential raised, with plain values only."""
    from azure.core.exceptions import HttpResponseError, ServiceRequestError, ServiceResponseError

    words = clean(f"{type(failure).__name__}: {failure}", longest=700)
    if any(isinstance(error, ServiceRequestError | ServiceResponseError) for error in _chain(failure)):
        bad_certificate = "CERTIFICATE_VERIFY_FAILED" in str(failure)
        return ConnectionFailed(
            f"no token for {scope}: Entra ID cannot be reached ({words}): check the network, the proxy settings and "
            "AZURE_AUTHORITY_HOST",
            retryable=not bad_certificate,
        )
    status = getattr(failure, "status_code", None) if isinstance(failure, HttpResponseError) else None
    if status is not None and (status == 429 or status >= 500):
        kind = Throttled if status == 429 else ServiceUnavailable
        return kind(f"no token for {scope}: Entra ID answered {status} ({words})", status=status)
    return AuthenticationFailed(
        f"no token (authentication mode aad_token, scope {scope}): {words}: check the identity's variables AZURE_*, "
        "sign in with 'az login', or give the endpoint's key (AUTOML_CV_KEY)",
        status=401,
    )

"""Checks the credential before it is sent: the authentication mode, and a token's scope and time."""

from __future__ import annotations

import base64
import json
import time
from datetime import UTC, datetime
from typing import Any

from automl_cv_client._protocol.excerpts import clean
from automl_cv_client._protocol.http_headers import secret_in
from automl_cv_client.credentials import Credential
from automl_cv_client.doctor.findings import Finding, failed, ok, warning
from automl_cv_client.errors import AutoMLVisionError

CHECK = "authentication"


def check_identity(credential: Credential, timeout: float) -> tuple[Finding, str]:
    """The finding, and the secret without ``Bearer``, empty when there is none."""
    problem = ""
    try:
        header = credential.authorize(None, timeout)
    except AutoMLVisionError as error:
        problem = error.message
    if problem:
        return failed(CHECK, problem, _advice(credential)), ""
    secret = secret_in(header)
    return _judged(credential, _claims(secret)), secret


def _judged(credential: Credential, claims: dict[str, Any]) -> Finding:
    words = f"mode {credential.mode}"
    if credential.scope:
        words += f", scope {credential.scope}"
    end = claims.get("exp")
    if isinstance(end, int | float) and 0 < end < 1e11:
        when = datetime.fromtimestamp(end, UTC).strftime("%Y-%m-%d %H:%M UTC")
        if end <= time.time():
            return failed(
                CHECK,
                f"{words}: the token expired at {when}",
                "a token given as text is not renewed: give a credential of azure-identity instead, or the endpoint's "
                "key, or fetch a new token",
            )
        words += f", token until {when}"
    audience = claims.get("aud")
    if isinstance(audience, str):
        words += f", for {clean(audience, longest=80)}"
        if "management." in audience:
            return warning(CHECK, words, "this token is for Resource Manager: ask for https://ml.azure.com/.default")
    return ok(CHECK, words)


def _advice(credential: Credential) -> str:
    if credential.mode == "aad_token":
        return "sign in with 'az login', set the variables AZURE_* of azure-identity, or set AUTOML_CV_KEY"
    return "check the role of the identity on the workspace: it must be allowed to read the endpoint's keys and tokens"


def _claims(token: str) -> dict[str, Any]:
    """What an Entra token says of itself; nothing for keys. Not verified: that is the service's business."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}

"""Makes credentials of the keys and tokens that a control plane gives out."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

from automl_cv_client.credentials import RenewedCredential, Secret
from automl_cv_client.credentials.keys import bearer
from automl_cv_client.credentials.renewal import SKEW
from automl_cv_client.errors import UnexpectedReply

Fetch = Callable[[str | None], Secret]


def looked_up_credential(
    mode: str, fetch_key: Fetch, fetch_token: Fetch, bind: Callable[[asyncio.AbstractEventLoop], None] | None = None
) -> RenewedCredential:
    """The credential of mode ``key`` or ``aml_token``; raises UnexpectedReply for a mode unknown to us."""
    if mode not in ("key", "aml_token"):
        raise UnexpectedReply(
            f"the endpoint has the unknown authentication mode {mode[:40]!r}: give its scoring URI and key yourself "
            "(AUTOML_CV_SCORING_URI and AUTOML_CV_KEY; in Python, credential=)"
        )
    return RenewedCredential(mode, fetch_key if mode == "key" else fetch_token, bind=bind)


def key_secret(primary: str, secondary: str | None, refused: str | None) -> Secret:
    """The first key, or the second one when the first is the one that was refused."""
    first = Secret(bearer(primary))
    return Secret(bearer(secondary)) if secondary and first.header == refused else first


def token_secret(token: str, expires_at: float | None, refresh_after: float | None) -> Secret:
    """An ``aml_token``; times in seconds since the epoch, 0 or None where not told."""
    end = expires_at or math.inf
    return Secret(bearer(token), min(end - SKEW, refresh_after or math.inf), end)

"""Checks what both clients are made with, and turns it into the settings of its calls; no I/O."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import Any, TypedDict, Unpack, get_args

from automl_cv_client._flow.call_settings import DEADLINE, TIMEOUT, CallSettings, RetryPolicy
from automl_cv_client._flow.hooks import Hooks
from automl_cv_client._imaging import ImagePolicy, UrlRules
from automl_cv_client._keywords import named as named
from automl_cv_client._keywords import unknown_keyword
from automl_cv_client._protocol.endpoint import checked_uri
from automl_cv_client._protocol.http_headers import deployment_header
from automl_cv_client._protocol.requests import Dialect
from automl_cv_client.credentials import Credential
from automl_cv_client.errors import InvalidInput


class CallOptions(TypedDict, total=False):
    """What :meth:`Client.with_options` can change; see :class:`Client` for the meaning.

    Attributes:
        deployment: to send every call to; None for the endpoint's traffic rules.
        timeout: seconds one attempt may take.
        deadline: seconds a whole call may take; None for no bound.
        retry: how often and how patiently to try again.
        images: how images are read and prepared.
        dialect: how the endpoint wants to be asked.
        strict: refuse replies of other server versions, and with unknown keys.
        hooks: functions to call at each request, answer, retry and dropped row.
    """

    deployment: str | None
    timeout: float
    deadline: float | None
    retry: RetryPolicy
    images: ImagePolicy
    dialect: Dialect
    strict: bool
    hooks: Hooks


class ClientOptions(CallOptions, total=False):
    """What a client can be made with besides its address and credential; see :class:`Client` for the meaning.

    Attributes:
        allow_http: allow plain http to another machine.
    """

    allow_http: bool


def new_settings(
    scoring_uri: str, credential: Credential, *, allow_http: bool, **options: Unpack[CallOptions]
) -> CallSettings:
    """The settings of a new client. Raises InvalidInput, naming the argument, for what cannot be."""
    uri = checked_uri(scoring_uri, allow_http=allow_http)
    settings = CallSettings(
        uri, time.monotonic, timeout=TIMEOUT, deadline=DEADLINE, mode=credential.mode, scope=credential.scope
    )
    return changed_settings(settings, **options)


def changed_settings(settings: CallSettings, **options: Unpack[CallOptions]) -> CallSettings:
    """The settings with other options. Raises InvalidInput, naming the argument, for what cannot be."""
    unknown = sorted(set(options) - set(CallOptions.__annotations__))
    if unknown:
        raise unknown_keyword("Client.with_options()", unknown[0], CallOptions.__annotations__)
    changed = replace(settings, **options)
    deployment_header(changed.deployment)
    _check_seconds("timeout", changed.timeout)
    if changed.deadline is not None:
        _check_seconds("deadline", changed.deadline)
    _check_kind("retry", changed.retry, RetryPolicy)
    _check_kind("images", changed.images, ImagePolicy)
    _check_kind("hooks", changed.hooks, Hooks)
    if changed.images.urls is not None:
        changed = replace(changed, images=changed.images.fetching(_fetch))
    if changed.dialect not in get_args(Dialect):
        raise InvalidInput(f"dialect must be one of {', '.join(get_args(Dialect))}; not {changed.dialect!r}")
    return changed


def is_several(images: Any) -> bool:
    """Whether the argument holds several images (a list or tuple) rather than one."""
    return isinstance(images, list | tuple)


def _fetch(url: str, rules: UrlRules) -> bytes:
    from automl_cv_client._transports.image_urls import fetch_image  # only when a URL is given

    return fetch_image(url, rules)


def _check_seconds(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise InvalidInput(f"{name} must be a number of seconds above 0, not {value!r}")


def _check_kind(name: str, value: Any, kind: type) -> None:
    if not isinstance(value, kind):
        raise InvalidInput(f"{name} must be {kind.__name__}(…), not {type(value).__name__}")

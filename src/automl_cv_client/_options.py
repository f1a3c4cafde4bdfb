"""Checks what both clients are made with, and turns it into the settings of its calls; no I/O."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import Any, get_args

from automl_cv_client._flow.call_settings import DEADLINE, TIMEOUT, CallSettings, RetryPolicy
from automl_cv_client._flow.hooks import Hooks
from automl_cv_client._imaging import ImagePolicy, UrlRules
from automl_cv_client._keywords import named as named
from automl_cv_client._protocol.endpoint import checked_uri
from automl_cv_client._protocol.http_headers import deployment_header
from automl_cv_client._protocol.requests import Dialect
from automl_cv_client.credentials import Credential
from automl_cv_client.errors import InvalidInput


class _Unchanged:
    def __repr__(self) -> str:
        return "unchanged"


UNCHANGED: Any = _Unchanged()
"""The default of an option that is left as it is; Any, so that signatures show the option's own type."""


def new_settings(
    scoring_uri: str,
    credential: Credential,
    *,
    deployment: str | None = None,
    timeout: float = TIMEOUT,
    deadline: float | None = DEADLINE,
    retry: RetryPolicy | None = None,
    images: ImagePolicy | None = None,
    dialect: Dialect = "automl",
    strict: bool = False,
    hooks: Hooks | None = None,
    allow_http: bool = False,
) -> CallSettings:
    """The settings of a new client. Raises InvalidInput, naming the argument, for what cannot be."""
    _check_flag("allow_http", allow_http)
    uri = checked_uri(scoring_uri, allow_http=allow_http)
    settings = CallSettings(
        uri,
        time.monotonic,
        deployment=deployment,
        timeout=timeout,
        deadline=deadline,
        retry=RetryPolicy() if retry is None else retry,
        images=ImagePolicy() if images is None else images,
        dialect=dialect,
        strict=strict,
        mode=credential.mode,
        scope=credential.scope,
        hooks=Hooks() if hooks is None else hooks,
    )
    return changed_settings(settings, {})


def changed_settings(settings: CallSettings, changes: dict[str, Any]) -> CallSettings:
    """The settings with other options. Raises InvalidInput, naming the argument, for what cannot be."""
    changed = replace(settings, **{name: value for name, value in changes.items() if value is not UNCHANGED})
    deployment_header(changed.deployment)
    _check_seconds("timeout", changed.timeout)
    if changed.deadline is not None:
        _check_seconds("deadline", changed.deadline)
    _check_flag("strict", changed.strict)
    _check_kind("retry", changed.retry, RetryPolicy)
    _check_kind("images", changed.images, ImagePolicy)
    _check_kind("hooks", changed.hooks, Hooks)
    if changed.images.urls is not None:
        changed = replace(changed, images=changed.images.fetching(_fetch))
    if changed.dialect not in get_args(Dialect):
        raise InvalidInput(f"dialect must be one of {', '.join(get_args(Dialect))}; not {changed.dialect!r:.80}")
    return changed


def is_several(images: Any) -> bool:
    """Whether the argument holds several images (a list or tuple) rather than one."""
    return isinstance(images, list | tuple)


def _fetch(url: str, rules: UrlRules) -> bytes:
    from automl_cv_client._transports.image_urls import fetch_image  # only when a URL is given

    return fetch_image(url, rules)


def _check_seconds(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise InvalidInput(f"{name} must be a number of seconds above 0, not {value!r:.80}")


def _check_flag(name: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise InvalidInput(f"{name} must be True or False, not {value!r:.80}")


def _check_kind(name: str, value: Any, kind: type) -> None:
    if not isinstance(value, kind):
        raise InvalidInput(f"{name} must be {kind.__name__}(…), not {type(value).__name__}")

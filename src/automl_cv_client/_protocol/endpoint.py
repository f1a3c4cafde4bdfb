"""Checks scoring URIs and derives their neighbours; values in, values out."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit, urlunsplit

from automl_cv_client.errors import InvalidInput


def checked_uri(scoring_uri: str, *, allow_http: bool = False) -> str:
    """The scoring URI, when it is safe to send a key and images there.

    Raises:
        InvalidInput: no http(s) URL, a user name or password in it, or plain http to another machine.
    """
    if not isinstance(scoring_uri, str):
        raise InvalidInput(f"scoring_uri must be a str, not {type(scoring_uri).__name__}")
    uri = scoring_uri.strip()
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise InvalidInput(f"the scoring URI cannot be read: {error}") from None
    if parts.scheme not in ("http", "https") or not host or any(ord(letter) < 33 for letter in uri):
        raise InvalidInput(
            "the scoring URI must look like https://<endpoint>.<region>.inference.ml.azure.com/score; "
            f"this one begins with {uri[:12]!r}"
        )
    if parts.username is not None or parts.password is not None:
        raise InvalidInput(
            "the scoring URI holds a user name or password: leave them out, and give the key by AUTOML_CV_KEY; in "
            "Python, by credential="
        )
    if parts.scheme == "http" and not (allow_http or is_loopback(host)):
        raise InvalidInput(
            f"plain http to {host} would show the key and the images to everyone on the way: use https, or a tunnel "
            "that begins on this machine (http://localhost:…); in Python, inside a private network, allow_http=True"
        )
    return uri


def is_loopback(host: str) -> bool:
    """Whether the host is this machine, by its name or address alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def sibling(scoring_uri: str, name: str) -> str:
    """The URL beside the scoring URI, such as ``…/swagger.json`` for ``…/score``."""
    parts = urlsplit(scoring_uri)
    folder = parts.path.rpartition("/")[0]
    return urlunsplit((parts.scheme, parts.netloc, f"{folder}/{name}", parts.query, ""))


def shown(scoring_uri: str) -> str:
    """The URI for messages and logs: without its query, which may hold a signature."""
    parts = urlsplit(scoring_uri)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))

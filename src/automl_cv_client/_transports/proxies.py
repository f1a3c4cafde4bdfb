"""Which proxy a request takes."""

from __future__ import annotations

from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from automl_cv_client._protocol.endpoint import is_loopback


def proxy_for(url: str) -> str | None:
    """The proxy the environment names for this URL; none for this machine itself and hosts in NO_PROXY."""
    parts = urlsplit(url)
    if is_loopback(parts.hostname or "") or proxy_bypass(parts.hostname or ""):
        return None
    proxies = getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")

"""What the environment says of the way to an endpoint: proxies and certificates, as httpx and curl take them.

A variable that cannot be used is an error that names it and its value, a proxy's password left out.
"""

from __future__ import annotations

import base64
import ipaddress
import os
import re
import ssl
from dataclasses import dataclass, field
from importlib.util import find_spec
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, getproxies_environment, proxy_bypass

from automl_cv_client._protocol.endpoint import is_loopback
from automl_cv_client._text import printable
from automl_cv_client._transports.libraries import httpx
from automl_cv_client.errors import InvalidInput

CERT_FILE, CERT_DIR, CURL_BUNDLE, KEY_LOG = "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "SSLKEYLOGFILE"
_SCHEMES = ("http", "https", "socks5", "socks5h")
_HASHED = re.compile(r"[0-9a-fA-F]{8}\.\d+")  # how OpenSSL finds a certificate in a folder
_HOST = re.compile(r"[^\s/?#@\\]+")
_USER = re.compile(r"^([a-z0-9+.-]*://)?.*@", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Proxy:
    """The way to the endpoint leads through it.

    Attributes:
        url: with a scheme, and perhaps with a user and a password: never shown.
        shown: host and port.
        variable: where it comes from, such as ``HTTPS_PROXY``.
        secrets: what no message may hold.
    """

    url: str = field(repr=False)
    shown: str
    variable: str
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def __str__(self) -> str:
        return f"the proxy {self.shown} (from {self.variable})"


def proxy_for(url: str) -> Proxy | None:
    """The proxy the environment names for this URL; none for this machine itself and hosts in NO_PROXY.

    Raises:
        InvalidInput: the variable's value is no proxy.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if is_loopback(host) or _is_exempt(host, parts.port or (443 if parts.scheme == "https" else 80)):
        return None
    proxies = getproxies()
    for scheme in (parts.scheme, "all"):
        if value := proxies.get(scheme, "").strip():
            return _checked(value, _variable(f"{scheme}_proxy"))
    return None


def _is_exempt(host: str, port: int) -> bool:
    if not getproxies_environment():
        return bool(proxy_bypass(host))  # as the system's settings say, where it has some
    entries = os.environ.get("no_proxy", os.environ.get("NO_PROXY", ""))
    return any(_covers(entry, host, port) for entry in entries.replace(",", " ").lower().split())


def _covers(entry: str, host: str, port: int) -> bool:
    """Whether an entry of NO_PROXY is about a host: ``*``, a name and those below it, an address, a network."""
    if entry == "*":
        return True
    entry = entry.rpartition("://")[2].rstrip("/") if "://" in entry else entry
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        pass
    name, colon, only_port = entry.rpartition(":")
    if colon and only_port.isdigit():
        if int(only_port) != port:
            return False
        return _covers(name, host, port)
    name = entry.removeprefix("*").removeprefix(".").rstrip(".")
    host = host.lower().rstrip(".")
    return bool(name) and (host == name or host.endswith("." + name))


def _variable(name: str) -> str:
    """The variable's name as it is set; urllib takes the one in small letters first."""
    for spelled in (name, name.upper()):
        if os.environ.get(spelled):
            return spelled
    return next((found for found in os.environ if found.lower() == name), "the system's settings")


def _checked(value: str, variable: str) -> Proxy:
    url = value if "://" in value else f"http://{value}"
    shown = printable(_USER.sub(lambda user: (user[1] or "") + "<hidden>@", value)[:200])
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
        proxy = httpx.Proxy(url) if parts.scheme in _SCHEMES and host else None
        secrets = _secrets(parts.username or "", parts.password or "")
    except Exception:  # noqa: BLE001 - httpx has errors of its own for a URL; they may show it
        proxy = None
    if proxy is None or not host or not _HOST.fullmatch(host):
        raise InvalidInput(
            f"{variable}={shown} is no proxy: write it as http://host:port (also https, socks5, socks5h), or unset it"
        )
    if parts.scheme.startswith("socks") and find_spec("socksio") is None:
        raise InvalidInput(f"{variable}={shown} needs the package socksio: pip install socksio")
    name = f"[{host}]" if ":" in host else host
    port = port or {"http": 80, "https": 443}.get(parts.scheme, 1080)
    return Proxy(url, f"{name}:{port}", variable, secrets)


def _secrets(user: str, password: str) -> tuple[str, ...]:
    """A password in each form in which a message could hold it."""
    plain = unquote(password)
    both = f"{unquote(user)}:{plain}" if plain else ""
    return tuple(filter(None, (password, plain, base64.b64encode(both.encode()).decode())))


def tls_context() -> ssl.SSLContext:
    """Trusts the authorities of ``SSL_CERT_FILE``, ``SSL_CERT_DIR`` or ``CURL_CA_BUNDLE``, else httpx's own.

    Raises:
        InvalidInput: one of them, or ``SSLKEYLOGFILE``, cannot be used; the message names it and its value.
    """
    _check_key_log()
    for variable in (CERT_FILE, CERT_DIR, CURL_BUNDLE):
        if value := os.environ.get(variable):
            return _trusting_folders(variable, value) if variable == CERT_DIR else _trusting_file(variable, value)
    return httpx.create_ssl_context(trust_env=False)


def _trusting_file(variable: str, value: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=value)
    except (OSError, ValueError) as error:
        failure = error
    reason = "no certificate can be read from it"
    if not os.path.exists(value):
        reason = "there is no such file"
    elif os.path.isdir(value):
        reason = f"it is a folder; {CERT_DIR} is for folders"
    elif not isinstance(failure, ssl.SSLError):
        reason = getattr(failure, "strerror", None) or reason
    raise InvalidInput(
        f"{variable}={printable(value)} cannot be used: {reason}. Set it to a file of certificates in PEM form, or "
        "unset it"
    )


def _trusting_folders(variable: str, value: str) -> ssl.SSLContext:
    folders = [folder for folder in value.split(os.pathsep) if os.path.isdir(folder)]
    reason = "there is no such folder"
    if folders:
        reason = "no certificate in it has OpenSSL's name of eight digits (openssl rehash gives them)"
        try:
            if any(_HASHED.fullmatch(name) for folder in folders for name in os.listdir(folder)):
                return ssl.create_default_context(capath=os.pathsep.join(folders))
        except OSError as error:
            reason = error.strerror or type(error).__name__
    raise InvalidInput(
        f"{variable}={printable(value)} cannot be used: {reason}. Set it to a folder of certificates, or unset it"
    )


def _check_key_log() -> None:
    """ssl opens it by itself, and would fail without saying which variable is meant."""
    value = os.environ.get(KEY_LOG)
    if not value:
        return
    try:
        with open(value, "ab"):
            return
    except OSError as error:
        reason = error.strerror or type(error).__name__
    raise InvalidInput(f"{KEY_LOG}={printable(value)} cannot be written ({reason}): unset it, or name a file")

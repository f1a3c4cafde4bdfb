"""Checks the way to a host, step by step: proxy, name, port, certificate. Sends no secret."""

from __future__ import annotations

import time
from collections.abc import Iterator
from urllib.parse import urlsplit

from automl_cv_client._protocol.endpoint import is_loopback, sibling
from automl_cv_client._protocol.messages import Request
from automl_cv_client._transports.connecting import addresses_of, connect
from automl_cv_client._transports.environment import Proxy, proxy_for
from automl_cv_client._transports.httpx import HttpxTransport
from automl_cv_client.doctor.findings import Finding, failed, ok, skipped, warning
from automl_cv_client.errors import ConnectionFailed, InvalidInput, TransportError, UnexpectedReply

CHECKS = ("proxy", "dns", "port", "tls")


def check_network(scoring_uri: str, timeout: float) -> Iterator[Finding]:
    """One finding for each of ``CHECKS``; after a failure the others are skipped."""
    try:
        proxy = proxy_for(scoring_uri)
    except InvalidInput as error:
        yield failed("proxy", error.message, "the variable is read by the client too: correct or unset it")
        yield from (skipped(name, "the host cannot be reached") for name in CHECKS[1:])
        return
    host, port = _host_and_port(scoring_uri if proxy is None else proxy.url)
    yield ok("proxy", "none for this host" if proxy is None else f"{proxy.shown}, from {proxy.variable}")
    for number, check in enumerate((_name, _port, _certificate), start=1):
        finding = check(scoring_uri, host, port, timeout, proxy)
        yield finding
        if finding.state == "failed":
            yield from (skipped(name, "the host cannot be reached") for name in CHECKS[number + 1 :])
            return


def _host_and_port(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    default = {"http": 80, "https": 443}.get(parts.scheme, 1080)  # of SOCKS
    return parts.hostname or "", parts.port or default


def _name(scoring_uri: str, host: str, port: int, timeout: float, proxy: Proxy | None) -> Finding:
    try:
        addresses = sorted({str(address[4][0]) for address in addresses_of(host, port, timeout)})
    except (OSError, UnicodeError) as error:
        if proxy is not None:
            return failed("dns", f"{proxy} has a name without an address ({error})", _mend(scoring_uri, proxy))
        return failed(
            "dns",
            f"{host} has no address ({error})",
            "check the scoring URI for typing errors; inside a private network, that its DNS zone knows the endpoint",
        )
    return ok("dns", f"{host} is {', '.join(addresses[:3])}")


def _port(scoring_uri: str, host: str, port: int, timeout: float, proxy: Proxy | None) -> Finding:
    started = time.monotonic()
    try:
        connect(host, port, timeout).close()
    except OSError as error:
        if proxy is not None:
            return failed("port", f"{proxy} does not answer ({error})", _mend(scoring_uri, proxy))
        return failed(
            "port",
            f"no connection to {host}:{port} ({error})",
            "nothing listens there, or a firewall is in between: check the port, the firewall's rules for outbound "
            "traffic, and whether the endpoint allows public network access",
        )
    return ok("port", f"{host}:{port} answers in {(time.monotonic() - started) * 1e3:.0f} ms")


def _mend(scoring_uri: str, proxy: Proxy) -> str:
    host = urlsplit(scoring_uri).hostname
    return f"correct or unset {proxy.variable}, or name {host} in NO_PROXY where no proxy is needed"


def _certificate(scoring_uri: str, host: str, port: int, timeout: float, proxy: Proxy | None) -> Finding:
    """By a request without a credential, so that the client's own TLS settings and proxy are what is checked."""
    if not scoring_uri.startswith("https:"):
        if is_loopback(host):
            return ok("tls", "none, and none needed within this machine")
        return warning("tls", "plain http: everyone on the way can read key and images", "use https")
    transport = HttpxTransport()
    try:
        transport.send(Request(sibling(scoring_uri, "swagger.json"), method="GET"), timeout)
    except UnexpectedReply:
        return ok("tls", "the certificate is trusted")
    except InvalidInput as error:
        return failed("tls", error.message, "the variable is read by the client too: correct or unset it")
    except TransportError as error:
        if isinstance(error, ConnectionFailed) and not error.retryable:
            return failed(
                "tls",
                error.message,
                "a proxy may replace certificates, or the endpoint has one of a private authority: set SSL_CERT_FILE "
                "to a file with that authority's certificate. Do not switch the check off: it protects the key",
            )
        return failed("tls", error.message, "the host accepts connections and then breaks them: check port and proxy")
    finally:
        transport.close()
    return ok("tls", "the certificate is trusted")

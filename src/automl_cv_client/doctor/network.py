"""Checks the way to a host, step by step: proxy, name, port, certificate. Sends no secret."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

from automl_cv_client._protocol.endpoint import is_loopback, sibling
from automl_cv_client._protocol.messages import Request
from automl_cv_client._transports.httpx import HttpxTransport
from automl_cv_client._transports.proxies import proxy_for
from automl_cv_client.doctor.findings import Finding, failed, ok, skipped, warning
from automl_cv_client.errors import ConnectionFailed, TransportError, UnexpectedReply

CHECKS = ("proxy", "dns", "port", "tls")


def check_network(scoring_uri: str, timeout: float) -> Iterator[Finding]:
    """One finding for each of ``CHECKS``; after a failure the others are skipped."""
    proxy = proxy_for(scoring_uri)
    host, port = _host_and_port(proxy or scoring_uri)
    yield _proxy(proxy, host, port)
    for number, check in enumerate((_name, _port, _certificate), start=1):
        finding = check(scoring_uri, host, port, timeout)
        yield finding
        if finding.state == "failed":
            yield from (skipped(name, "the host cannot be reached") for name in CHECKS[number + 1 :])
            return


def _host_and_port(url: str) -> tuple[str, int]:
    parts = urlsplit(url if "//" in url else f"http://{url}")
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _proxy(proxy: str | None, host: str, port: int) -> Finding:
    if proxy is None:
        return ok("proxy", "none for this host")
    return ok("proxy", f"{host}:{port}, by HTTPS_PROXY or the system's settings")


def _name(scoring_uri: str, host: str, port: int, timeout: float) -> Finding:
    try:
        addresses = sorted({str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)})
    except (OSError, UnicodeError) as error:
        return failed(
            "dns",
            f"{host} has no address ({error})",
            "check the scoring URI for typing errors; inside a private network, that its DNS zone knows the endpoint",
        )
    return ok("dns", f"{host} is {', '.join(addresses[:3])}")


def _port(scoring_uri: str, host: str, port: int, timeout: float) -> Finding:
    started = time.monotonic()
    try:
        socket.create_connection((host, port), timeout).close()
    except OSError as error:
        return failed(
            "port",
            f"no connection to {host}:{port} ({error})",
            "nothing listens there, or a firewall is in between: check the port, the firewall's rules for outbound "
            "traffic, and whether the endpoint allows public network access",
        )
    return ok("port", f"{host}:{port} answers in {(time.monotonic() - started) * 1e3:.0f} ms")


def _certificate(scoring_uri: str, host: str, port: int, timeout: float) -> Finding:
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

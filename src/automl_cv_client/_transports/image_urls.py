"""Fetches images by URL, within rules: only public addresses, few redirects, bounded bytes and seconds.

Straight over httpcore, without proxies (which would resolve names by themselves), cookies or credentials.
"""

from __future__ import annotations

import time
from typing import NamedTuple
from urllib.parse import SplitResult, quote, urljoin, urlsplit

import idna

from automl_cv_client._imaging import UrlRules, describe
from automl_cv_client._transports.addresses import NotPublic, PublicNetwork
from automl_cv_client._transports.answers import Body, BrokenReply, ReplyTooLarge
from automl_cv_client._transports.environment import tls_context
from automl_cv_client._transports.libraries import httpcore
from automl_cv_client._transports.socket_network import Stopwatch
from automl_cv_client.errors import ImageError

_SAFE = "/%:@!$&'()*+,;=~-._?"
_REDIRECTS = (301, 302, 303, 307, 308)
_HEADERS = [(b"Accept", b"image/*"), (b"Accept-Encoding", b"identity"), (b"User-Agent", b"automl-cv-client")]


class _Refused(Exception):
    """Why, in words."""


class _Answer(NamedTuple):
    body: bytes
    redirect: str | None


def fetch_image(url: str, rules: UrlRules) -> bytes:
    """The bytes behind the URL. Raises ImageError: not allowed, not there, too large, too slow."""
    stopwatch = Stopwatch()
    stopwatch.until = time.monotonic() + rules.seconds
    try:
        return _followed(url, rules, stopwatch)
    except _Refused as error:
        reason = str(error)
    except NotPublic:
        reason = "its host is not on the public internet: this machine and private networks are never asked"
    except ReplyTooLarge:
        reason = f"it is larger than the {rules.most_bytes:,} bytes allowed: UrlRules(most_bytes=…)"
    except (httpcore.TimeoutException, TimeoutError):
        reason = f"it did not come within {rules.seconds:g} s: UrlRules(seconds=…)"
    except (httpcore.NetworkError, httpcore.ProtocolError, OSError, BrokenReply, ValueError) as error:
        reason = f"fetching it failed ({type(error).__name__})"
    raise ImageError(f"{describe(url)}: {reason}")


def _followed(url: str, rules: UrlRules, stopwatch: Stopwatch) -> bytes:
    for _ in range(rules.redirects + 1):
        answer = _asked(_checked(url, rules), rules, stopwatch)
        if answer.redirect is None:
            return answer.body
        target = urljoin(url, answer.redirect)
        if url.lower().startswith("https:") and not target.lower().startswith("https:"):
            raise _Refused("it redirects from https to plain http or another scheme")
        url = target
    raise _Refused(f"it redirects more than {rules.redirects} times")


def _checked(url: str, rules: UrlRules) -> SplitResult:
    """The parts of a URL that may be asked."""
    parts = urlsplit(url)
    if any(ord(letter) < 33 or ord(letter) == 127 for letter in url) or parts.scheme not in ("http", "https"):
        raise _Refused("it is, or redirects to, no http(s) URL")
    if parts.scheme == "http" and not rules.allow_http:
        raise _Refused("plain http is not allowed: UrlRules(allow_http=True)")
    if parts.username is not None or parts.password is not None:
        raise _Refused("it holds a user name or password")
    host = (parts.hostname or "").rstrip(".")
    if not host:
        raise _Refused("it has no host")
    if rules.hosts and not any(_matches(host, allowed.lower()) for allowed in rules.hosts):
        raise _Refused(f"its host {host[:100]!r} is not among those allowed: UrlRules(hosts=…)")
    return parts


def _matches(host: str, allowed: str) -> bool:
    return host.endswith(allowed) if allowed.startswith(".") else host == allowed


def _asked(parts: SplitResult, rules: UrlRules, stopwatch: Stopwatch) -> _Answer:
    """One request on a connection of its own."""
    context = tls_context() if parts.scheme == "https" else None
    left = stopwatch.left(None)
    timeouts = dict.fromkeys(("connect", "read", "write", "pool"), left)
    name = parts.hostname or ""
    host = name.encode() if name.isascii() else idna.encode(name, uts46=True)
    target = quote(parts.path or "/", safe=_SAFE) + (f"?{quote(parts.query, safe=_SAFE)}" if parts.query else "")
    url = httpcore.URL(scheme=parts.scheme.encode(), host=host, port=parts.port, target=target.encode("ascii"))
    with (
        httpcore.ConnectionPool(ssl_context=context, network_backend=PublicNetwork(stopwatch)) as pool,
        pool.stream("GET", url, headers=_HEADERS, extensions={"timeout": timeouts}) as response,
    ):
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
        if response.status in _REDIRECTS and "location" in headers:
            return _Answer(b"", headers["location"])
        if response.status != 200:
            raise _Refused(f"the server answered {response.status}")
        body = Body(headers, rules.most_bytes)
        for piece in response.iter_stream():
            body.add(piece)
            stopwatch.left(None)
        return _Answer(body.whole(), None)

"""Says which network addresses are public, and connects to no others.

The check is on the address that is connected to, not on the name: a name that answers with another address the
next time, a redirect, or a number in disguise (``0x7f.1``) changes nothing.
"""

from __future__ import annotations

import ipaddress
import socket
import time

from automl_cv_client._transports.connecting import Address, addresses_of, connect_to
from automl_cv_client._transports.socket_network import SocketNetwork

# https://www.iana.org/assignments/iana-ipv4-special-registry, written out as Python's own list differs by version
_NOT_PUBLIC_4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/3",
        "168.63.129.16/32",  # Azure's own: certificates, secrets and DNS of every virtual machine
    )
)  # fmt: skip
_PUBLIC_6 = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC_6 = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "2001::/23",  # protocols, Teredo's tunnels among them
        "2001:db8::/32", "3fff::/20",  # documentation
        "2620:4f:8000::/48",  # answers for private addresses, RFC 7535
    )
)  # fmt: skip
_LAST_32_BITS = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "::/96",  # compatible, RFC 4291
        "::ffff:0:0/96",  # mapped
        "::ffff:0:0:0/96",  # translated, RFC 2765
        "64:ff9b::/96",  # NAT64, RFC 6052
    )
)
_6TO4 = ipaddress.IPv6Network("2002::/16")
_ISATAP = 0x5EFE  # RFC 5214: before the last 32 bits, whatever the network


class NotPublic(Exception):
    """The name has an address that is not public."""


def is_public(address: str) -> bool:
    """Whether an address is reachable from everywhere: not this machine's, not private, not a cloud's own.

    IPv6 addresses that stand for an IPv4 address are judged by that one.

    >>> is_public("93.184.216.34"), is_public("169.254.169.254"), is_public("::ffff:10.0.0.1")
    (True, False, False)
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv4Address):
        return ip.is_global and not any(ip in network for network in _NOT_PUBLIC_4)
    if ip.scope_id is not None:
        return False
    embedded = _embedded(ip)
    if embedded is not None and not is_public(str(embedded)):
        return False
    if any(ip in network for network in _LAST_32_BITS):
        return True
    return ip in _PUBLIC_6 and not any(ip in network for network in _NOT_PUBLIC_6)


def _embedded(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    number = int(ip)
    if any(ip in network for network in _LAST_32_BITS) or (number >> 32) & 0xFCFFFFFF == _ISATAP:
        return ipaddress.IPv4Address(number & 0xFFFFFFFF)
    if ip in _6TO4:
        return ipaddress.IPv4Address((number >> 80) & 0xFFFFFFFF)
    return None


def resolve(host: str, port: int, seconds: float) -> list[Address]:
    """The addresses of a name. Raises OSError when there is none, or none in time."""
    return addresses_of(host, port, seconds)


class PublicNetwork(SocketNetwork):
    """Connects to public addresses only; a name is resolved once, and the addresses that were checked are used."""

    def _connected(self, host: str, port: int, seconds: float) -> socket.socket:
        until = time.monotonic() + seconds
        addresses = resolve(host, port, seconds)
        if not addresses or not all(is_public(str(address[4][0])) for address in addresses):
            raise NotPublic(host)
        return connect_to(addresses, until)

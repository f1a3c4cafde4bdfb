"""The embedded endpoint, as in tests/clients."""

from __future__ import annotations

from tests.clients.conftest import endpoint

__all__ = ["endpoint"]

"""Joins a credential and a transport to the outside world of a flow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from automl_cv_client._protocol.messages import Reply, Request
from automl_cv_client.credentials import Credential


class Transport(Protocol):
    """Sends requests, blocking."""

    def send(self, request: Request, limit: float) -> Reply: ...
    def close(self) -> None: ...


class AsyncTransport(Protocol):
    """Sends requests, awaited."""

    async def send(self, request: Request, limit: float) -> Reply: ...
    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class SyncWorld:
    """A credential and a blocking transport."""

    credential: Credential
    transport: Transport

    def authorize(self, refused: str | None, limit: float | None) -> str | None:
        return self.credential.authorize(refused, limit)

    def send(self, request: Request, limit: float) -> Reply:
        return self.transport.send(request, limit)


@dataclass(frozen=True, slots=True)
class AsyncWorld:
    """A credential and an awaited transport."""

    credential: Credential
    transport: AsyncTransport

    async def authorize(self, refused: str | None, limit: float | None) -> str | None:
        return await self.credential.authorize_async(refused, limit)

    async def send(self, request: Request, limit: float) -> Reply:
        return await self.transport.send(request, limit)

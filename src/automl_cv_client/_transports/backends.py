"""The backends of a flow: a credential and a transport, blocking and awaited."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from automl_cv_client._flow import run
from automl_cv_client._protocol.messages import Reply, Request
from automl_cv_client.credentials import Credential

if TYPE_CHECKING:
    from automl_cv_client._protocol.control_plane import EndpointRecord
    from automl_cv_client.results import Deployment


class Transport(Protocol):
    """Sends requests, blocking."""

    def send(self, request: Request, limit: float) -> Reply: ...
    def close(self) -> None: ...


class AsyncTransport(Protocol):
    """Sends requests, awaited."""

    async def send(self, request: Request, limit: float) -> Reply: ...
    async def close(self) -> None: ...


class ControlPlane(Protocol):
    """Where an endpoint is managed: tells what it is, gives out its keys or tokens. Blocking; thread-safe."""

    def look_up(self) -> EndpointRecord: ...
    def credential(self, found: EndpointRecord) -> Credential: ...
    def deployments(self) -> tuple[Deployment, ...]: ...
    def bind(self, loop: asyncio.AbstractEventLoop) -> None: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class BlockingBackend:
    """A credential and a blocking transport."""

    credential: Credential
    transport: Transport

    def authorize(self, refused: str | None, limit: float | None) -> str | None:
        return self.credential.authorize(refused, limit)

    def send(self, request: Request, limit: float) -> Reply:
        return self.transport.send(request, limit)

    def pause(self, seconds: float) -> None:
        run.pause(seconds)

    def close(self) -> None:
        """Close the connections, and what the credential opened."""
        self.transport.close()
        self.credential.close()


@dataclass(frozen=True, slots=True)
class AwaitedBackend:
    """A credential and an awaited transport."""

    credential: Credential
    transport: AsyncTransport

    async def authorize(self, refused: str | None, limit: float | None) -> str | None:
        return await self.credential.authorize_async(refused, limit)

    async def send(self, request: Request, limit: float) -> Reply:
        return await self.transport.send(request, limit)

    async def pause(self, seconds: float) -> None:
        await run.pause_async(seconds)

    async def close(self) -> None:
        """Close the connections, and what the credential opened."""
        await self.transport.close()
        self.credential.close()

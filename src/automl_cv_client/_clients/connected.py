"""What a client is before it scores anything: a settings, a way to the endpoint, and a life that ends."""

from __future__ import annotations

from types import TracebackType
from typing import NoReturn, Self, TypeVar, Unpack

from automl_cv_client._flow import service
from automl_cv_client._flow.call_settings import CallSettings
from automl_cv_client._flow.effects import Flow
from automl_cv_client._flow.run import run, run_async, running_loop
from automl_cv_client._options import CallOptions, changed_settings
from automl_cv_client._protocol.endpoint import shown
from automl_cv_client._transports.backends import AwaitedBackend, BlockingBackend, ControlPlane
from automl_cv_client.results import CallInfo, Health, Stats

T = TypeVar("T")


class WithSettings:
    """A client's options, and how it shows itself."""

    _settings: CallSettings
    _control: ControlPlane | None = None

    def with_options(self, **options: Unpack[CallOptions]) -> Self:
        """A copy with other options that shares the connections, the credential and the retry budget.

        Args:
            options: any of ``deployment``, ``timeout``, ``deadline``, ``retry``, ``images``, ``dialect``, ``strict``,
                ``hooks``.
        """
        return self._with_settings(changed_settings(self._settings, **options))

    def stats(self) -> Stats:
        """What this client and its copies have done so far, in numbers: no request is sent."""
        return self._settings.tally.stats()

    def __repr__(self) -> str:
        deployment = f", deployment={self._settings.deployment!r}" if self._settings.deployment else ""
        return f"{type(self).__name__}({shown(self._settings.url)!r}{deployment})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a client is not pickled, as it holds a secret and connections: make one in each process")

    def _settings_for(self, deployment: str | None) -> CallSettings:
        """The client's settings, for one call to this deployment where one is named."""
        return self._settings if deployment is None else changed_settings(self._settings, deployment=deployment)

    def _with_settings(self, settings: CallSettings) -> Self:
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__, _settings=settings)
        return copy


class Connected(WithSettings):
    """The blocking client's way to the endpoint."""

    _backend: BlockingBackend

    def health(self) -> Health:
        """Whether the endpoint answers and takes the credential: one small request, no model run, no retries."""
        return self._run(service.health(self._settings))

    def warm_up(self) -> CallInfo:
        """Get token, connection and model ready by scoring a tiny image; raises what scoring would raise."""
        return self._run(service.warm_up(self._settings))

    def close(self) -> None:
        """Close the connections, also for the copies made by :meth:`with_options`."""
        self._backend.close()
        if self._control is not None:
            self._control.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, flow: Flow[T]) -> T:
        return run(flow, self._backend)


class AsyncConnected(WithSettings):
    """The awaited client's way to the endpoint."""

    _backend: AwaitedBackend

    async def health(self) -> Health:
        """As :meth:`Client.health`, awaited."""
        return await self._run(service.health(self._settings))

    async def warm_up(self) -> CallInfo:
        """As :meth:`Client.warm_up`, awaited."""
        return await self._run(service.warm_up(self._settings))

    async def close(self) -> None:
        """Close the connections, also for the copies made by :meth:`with_options`."""
        await self._backend.close()
        if self._control is not None:
            self._control.close()

    async def __aenter__(self) -> Self:
        running_loop()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _run(self, flow: Flow[T]) -> T:
        return await run_async(flow, self._backend)

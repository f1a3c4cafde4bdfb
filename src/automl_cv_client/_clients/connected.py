"""What a client is before it scores anything: a plan, a way to the endpoint, and a life that ends."""

from __future__ import annotations

from types import TracebackType
from typing import NoReturn, Self, TypeVar, Unpack

from automl_cv_client._flow import service
from automl_cv_client._flow.effects import Flow
from automl_cv_client._flow.plan import Plan
from automl_cv_client._flow.run import run, run_async, running_loop
from automl_cv_client._options import CallOptions, changed_plan
from automl_cv_client._protocol.endpoint import shown
from automl_cv_client._transports.backends import AwaitedBackend, BlockingBackend, ControlPlane
from automl_cv_client.results import CallInfo, Health, Stats

T = TypeVar("T")


class WithPlan:
    """A client's options, and how it shows itself."""

    _plan: Plan
    _control: ControlPlane | None = None

    def with_options(self, **options: Unpack[CallOptions]) -> Self:
        """A copy with other options that shares the connections, the credential and the retry budget.

        Args:
            options: any of ``deployment``, ``timeout``, ``deadline``, ``retry``, ``images``, ``dialect``, ``strict``,
                ``hooks``.
        """
        return self._with_plan(changed_plan(self._plan, **options))

    def stats(self) -> Stats:
        """What this client and its copies have done so far, in numbers: no request is sent."""
        return self._plan.tally.stats()

    def __repr__(self) -> str:
        deployment = f", deployment={self._plan.deployment!r}" if self._plan.deployment else ""
        return f"{type(self).__name__}({shown(self._plan.url)!r}{deployment})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a client is not pickled, as it holds a secret and connections: make one in each process")

    def _plan_for(self, deployment: str | None) -> Plan:
        """The client's plan, for one call to this deployment where one is named."""
        return self._plan if deployment is None else changed_plan(self._plan, deployment=deployment)

    def _with_plan(self, plan: Plan) -> Self:
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__, _plan=plan)
        return copy


class Connected(WithPlan):
    """The blocking client's way to the endpoint."""

    _backend: BlockingBackend

    def health(self) -> Health:
        """Whether the endpoint answers and takes the credential: one small request, no model run, no retries."""
        return self._run(service.health(self._plan))

    def warm_up(self) -> CallInfo:
        """Get token, connection and model ready by scoring a tiny image; raises what scoring would raise."""
        return self._run(service.warm_up(self._plan))

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


class AsyncConnected(WithPlan):
    """The awaited client's way to the endpoint."""

    _backend: AwaitedBackend

    async def health(self) -> Health:
        """As :meth:`Client.health`, awaited."""
        return await self._run(service.health(self._plan))

    async def warm_up(self) -> CallInfo:
        """As :meth:`Client.warm_up`, awaited."""
        return await self._run(service.warm_up(self._plan))

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

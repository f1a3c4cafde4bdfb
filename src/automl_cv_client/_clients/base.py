"""What a client is before it scores anything: its settings, a way to the endpoint, and a life that ends."""

from __future__ import annotations

from types import TracebackType
from typing import NoReturn, Self, TypeVar

from automl_cv_client._flow import service
from automl_cv_client._flow.call_settings import DEADLINE, TIMEOUT, CallSettings, RetryPolicy
from automl_cv_client._flow.effects import Flow
from automl_cv_client._flow.hooks import Hooks
from automl_cv_client._flow.run import run, run_async, running_loop
from automl_cv_client._imaging import ImagePolicy
from automl_cv_client._options import UNCHANGED, changed_settings, new_settings
from automl_cv_client._protocol.endpoint import shown
from automl_cv_client._protocol.requests import Dialect
from automl_cv_client._transports.backends import AwaitedBackend, BlockingBackend, ControlPlane
from automl_cv_client._transports.choosing import (
    AsyncHttpClientInput,
    HttpClientInput,
    awaited_transport,
    blocking_transport,
)
from automl_cv_client._transports.fallback import AwaitedFallbackBackend, Fallback, FallbackBackend
from automl_cv_client.credentials import CredentialInput, credential_for
from automl_cv_client.results import CallInfo, Health, Stats

T = TypeVar("T")


class WithSettings:
    """What both clients share: the settings of their calls, and how they show themselves."""

    _settings: CallSettings
    _control: ControlPlane | None = None

    def with_options(
        self,
        *,
        deployment: str | None = UNCHANGED,
        timeout: float = UNCHANGED,
        deadline: float | None = UNCHANGED,
        retry: RetryPolicy = UNCHANGED,
        images: ImagePolicy = UNCHANGED,
        dialect: Dialect = UNCHANGED,
        strict: bool = UNCHANGED,
        hooks: Hooks = UNCHANGED,
    ) -> Self:
        """A copy with other options. What is not named stays as it is.

        The copy shares the connections, the credential, the retry budget and :meth:`stats` with this client; closing
        either closes both.

        Args:
            deployment: the deployment to send every call to; None for the endpoint's traffic rules.
            timeout: seconds one attempt may take.
            deadline: seconds a whole call may take, retries and pauses included; None for no bound.
            retry: how often and how patiently to retry.
            images: how images are read and prepared.
            dialect: how the endpoint wants to be asked.
            strict: refuse replies of other server versions, and with unknown keys.
            hooks: functions to call at each request, answer, retry and dropped row.

        Returns:
            A client of the same class.

        Raises:
            InvalidInput: an option cannot be used; the message names it.

        Example:
            >>> patient = client.with_options(timeout=180, retry=RetryPolicy(attempts=10))
            >>> patient.with_options(deployment="blue")
            Client(..., deployment='blue')
        """
        changes = {
            "deployment": deployment,
            "timeout": timeout,
            "deadline": deadline,
            "retry": retry,
            "images": images,
            "dialect": dialect,
            "strict": strict,
            "hooks": hooks,
        }
        twin = self.__copy__()
        twin._settings = changed_settings(self._settings, changes)
        return twin

    def stats(self) -> Stats:
        """What this client and its copies have done so far, in numbers. No request is sent.

        Returns:
            Counts of calls, images, requests, retries and bytes; images per second; latencies at p50 and p95.

        Example:
            >>> stats = client.stats()
            >>> print(stats.calls, stats.retries, stats.p95)
            0 0 None
        """
        return self._settings.tally.stats()

    def __repr__(self) -> str:
        deployment = f", deployment={self._settings.deployment!r}" if self._settings.deployment else ""
        return f"{type(self).__name__}({shown(self._settings.url)!r}{deployment})"

    def __copy__(self) -> Self:
        # In place of what __reduce__ would give, which refuses; also keeps what a subclass holds.
        twin = self.__class__.__new__(self.__class__)
        vars(twin).update(vars(self))
        return twin

    def __reduce__(self) -> NoReturn:
        name = type(self).__name__
        raise TypeError(
            f"a client is not pickled, as it holds a secret and connections: call {name}.from_env() in each process"
        )

    def _settings_for(self, deployment: str | None) -> CallSettings:
        """The client's settings, for one call to this deployment where one is named."""
        return self._settings if deployment is None else changed_settings(self._settings, {"deployment": deployment})


class Connected(WithSettings):
    """The blocking client's way to the endpoint."""

    _backend: BlockingBackend

    def __init__(
        self,
        scoring_uri: str,
        credential: CredentialInput | None = None,
        *,
        deployment: str | None = None,
        timeout: float = TIMEOUT,
        deadline: float | None = DEADLINE,
        retry: RetryPolicy | None = None,
        images: ImagePolicy | None = None,
        dialect: Dialect = "automl",
        strict: bool = False,
        hooks: Hooks | None = None,
        allow_http: bool = False,
        http_client: HttpClientInput | None = None,
    ) -> None:
        authorizer = credential_for(credential, scoring_uri, awaited=False)
        self._settings = new_settings(
            scoring_uri,
            authorizer,
            allow_http=allow_http,
            deployment=deployment,
            timeout=timeout,
            deadline=deadline,
            retry=retry,
            images=images,
            dialect=dialect,
            strict=strict,
            hooks=hooks,
        )
        self._backend = BlockingBackend(authorizer, blocking_transport(http_client))

    def health(self) -> Health:
        """Whether the endpoint answers and takes the credential: one small request, no model run, no retries.

        Returns:
            A :class:`Health`, true when all is well; its ``detail`` says what was found, and what to do about it.
            It raises nothing for an endpoint that is away or refuses.

        Example:
            >>> health = client.health()
            >>> print(health.ok, health.status)
            True 200
        """
        return self._run(service.health(self._settings))

    def warm_up(self) -> CallInfo:
        """Get token, connection and model ready by scoring a tiny image, so that the first real call is quick.

        Returns:
            How the call went: attempts, seconds, the deployment that answered.

        Raises:
            StatusError: the endpoint refused or failed. TransportError: no answer came.

        Example:
            >>> call = client.warm_up()
            >>> print(call.attempts, call.deployment)
            1 blue
        """
        return self._run(service.warm_up(self._settings))

    def with_fallback(self, fallback: Fallback) -> Self:
        """A copy that answers from a model on this machine while the endpoint cannot be reached.

        The call that notices costs its one timeout, and no retries; later ones are answered here at once. In the
        background the endpoint is asked now and then, and used again with its first answer. An answer that says
        no is never replaced: not a refused key, not an image that cannot be read, not a 503. Every result says who
        answered, ``result.call.answered_by``.

        Args:
            fallback: a :class:`~automl_cv_client.local.LocalModel` for the endpoint's task.

        Returns:
            A client of the same class, which shares the connections with this one.

        Example:
            >>> client = client.with_fallback(LocalModel("model.onnx", "image-object-detection"))
            >>> found = client.detect("img.jpg")
            >>> print(found.call.answered_by)
        """
        twin = self.__copy__()
        twin._backend = FallbackBackend(self._backend.credential, self._backend.transport, fallback)
        return twin

    def close(self) -> None:
        """Close the connections, also for the copies made by :meth:`with_options`. A closed client cannot be used.

        Leaving ``with`` does it, too. It may be called twice.

        Example:
            >>> client = Client(uri, key)
            >>> found = client.detect("img.jpg")
            >>> client.close()
        """
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

    def __init__(
        self,
        scoring_uri: str,
        credential: CredentialInput | None = None,
        *,
        deployment: str | None = None,
        timeout: float = TIMEOUT,
        deadline: float | None = DEADLINE,
        retry: RetryPolicy | None = None,
        images: ImagePolicy | None = None,
        dialect: Dialect = "automl",
        strict: bool = False,
        hooks: Hooks | None = None,
        allow_http: bool = False,
        http_client: AsyncHttpClientInput | None = None,
    ) -> None:
        authorizer = credential_for(credential, scoring_uri, awaited=True)
        self._settings = new_settings(
            scoring_uri,
            authorizer,
            allow_http=allow_http,
            deployment=deployment,
            timeout=timeout,
            deadline=deadline,
            retry=retry,
            images=images,
            dialect=dialect,
            strict=strict,
            hooks=hooks,
        )
        self._backend = AwaitedBackend(authorizer, awaited_transport(http_client))

    async def health(self) -> Health:
        """Whether the endpoint answers and takes the credential: one small request, no model run, no retries.

        Returns:
            A :class:`Health`, true when all is well; its ``detail`` says what was found, and what to do about it.
            It raises nothing for an endpoint that is away or refuses.

        Example:
            >>> health = await client.health()
            >>> print(health.ok, health.status)
            True 200
        """
        return await self._run(service.health(self._settings))

    async def warm_up(self) -> CallInfo:
        """Get token, connection and model ready by scoring a tiny image, so that the first real call is quick.

        Returns:
            How the call went: attempts, seconds, the deployment that answered.

        Raises:
            StatusError: the endpoint refused or failed. TransportError: no answer came.

        Example:
            >>> call = await client.warm_up()
            >>> print(call.attempts, call.deployment)
            1 blue
        """
        return await self._run(service.warm_up(self._settings))

    def with_fallback(self, fallback: Fallback) -> Self:
        """A copy that answers from a model on this machine while the endpoint cannot be reached.

        The call that notices costs its one timeout, and no retries; later ones are answered here at once. In the
        background the endpoint is asked now and then, and used again with its first answer. An answer that says
        no is never replaced: not a refused key, not an image that cannot be read, not a 503. Every result says who
        answered, ``result.call.answered_by``.

        Args:
            fallback: a :class:`~automl_cv_client.local.LocalModel` for the endpoint's task.

        Returns:
            A client of the same class, which shares the connections with this one.

        Example:
            >>> client = client.with_fallback(LocalModel("model.onnx", "image-object-detection"))
            >>> found = await client.detect("img.jpg")
            >>> print(found.call.answered_by)
        """
        twin = self.__copy__()
        twin._backend = AwaitedFallbackBackend(self._backend.credential, self._backend.transport, fallback)
        return twin

    async def close(self) -> None:
        """Close the connections, also for the copies made by :meth:`with_options`. A closed client cannot be used.

        Leaving ``async with`` does it, too. It may be called twice.

        Example:
            >>> client = AsyncClient(uri, key)
            >>> found = await client.detect("img.jpg")
            >>> await client.close()
        """
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

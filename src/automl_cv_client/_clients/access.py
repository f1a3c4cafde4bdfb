"""Ways to a client other than its scoring URI: environment variables, a workspace, azure-ai-ml; and deployments."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Self, TypeVar

from automl_cv_client._clients.base import AsyncConnected, Connected, WithSettings
from automl_cv_client._flow.call_settings import DEADLINE, TIMEOUT, RetryPolicy
from automl_cv_client._flow.hooks import Hooks
from automl_cv_client._flow.run import running_loop
from automl_cv_client._imaging import ImagePolicy
from automl_cv_client._protocol.requests import Dialect
from automl_cv_client._transports.backends import AwaitedBackend, BlockingBackend, ControlPlane
from automl_cv_client._transports.choosing import AsyncHttpClientInput, HttpClientInput
from automl_cv_client.credentials import (
    Cloud,
    CredentialInput,
    TokenInput,
    cloud_from_env,
    is_token_credential,
    refuse_awaited,
)
from automl_cv_client.errors import InvalidInput
from automl_cv_client.settings import EndpointSettings, settings_from_env

if TYPE_CHECKING:
    from automl_cv_client._transports.azure_ai_ml import MLClientControl, MLClientLike
    from automl_cv_client.results import Deployment

C = TypeVar("C", bound=WithSettings)


class Access(Connected):
    """The blocking methods."""

    @classmethod
    def from_env(
        cls,
        environ: Mapping[str, str] | None = None,
        *,
        credential: CredentialInput | None = None,
        deployment: str | None = None,
        timeout: float = TIMEOUT,
        deadline: float | None = DEADLINE,
        retry: RetryPolicy | None = None,
        images: ImagePolicy | None = None,
        dialect: Dialect | None = None,
        strict: bool = False,
        hooks: Hooks | None = None,
        allow_http: bool = False,
        http_client: HttpClientInput | None = None,
    ) -> Self:
        """A client from environment variables; explicit arguments win over them.

        ``AUTOML_CV_SCORING_URI`` with ``AUTOML_CV_KEY`` (without it: Entra ID). Or ``AUTOML_CV_ENDPOINT`` with
        ``AUTOML_CV_SUBSCRIPTION_ID``, ``AUTOML_CV_RESOURCE_GROUP`` and ``AUTOML_CV_WORKSPACE``, which may also come
        from the workspace's ``config.json`` in this folder or above: then as :meth:`from_workspace`. In both cases
        ``AUTOML_CV_DEPLOYMENT``, ``AUTOML_CV_DIALECT``, and ``AZURE_*`` as azure-identity reads them.

        Args:
            environ: in place of this process's variables; azure-identity reads the process's own all the same.
            credential: the endpoint's key or a ``TokenCredential``, in place of the variables' own.
            deployment: send every call to this deployment; by default the variable's, else the endpoint's
                traffic rules choose.
            timeout: seconds one attempt may take, from connecting to the last byte.
            deadline: seconds a whole call may take, retries and pauses included; None for no bound.
            retry: how often and how patiently to retry.
            images: how images are read and prepared.
            dialect: how the endpoint wants to be asked, for old or Hugging Face deployments; by default the variable's,
                else ``automl``.
            strict: refuse replies of other server versions and with unknown keys, instead of reading them.
            hooks: functions to call at each request, answer, retry and dropped row.
            allow_http: allow plain http to another machine, for private networks.
            http_client: a configured ``httpx.Client`` or ``httpx2.Client``, for scoring alone; it stays yours to close.

        Returns:
            A client; make one and keep it.

        Raises:
            InvalidInput: a variable is missing or cannot be used; the message names it.
            CallError: a workspace was asked, and refused or did not answer; as :meth:`from_workspace`.

        Example:
            >>> client = Client.from_env({"AUTOML_CV_SCORING_URI": uri, "AUTOML_CV_KEY": key}, timeout=30)
            >>> client
            Client(...)
        """
        settings = settings_from_env(environ)
        make = partial(
            cls,
            deployment=settings.deployment if deployment is None else deployment,
            timeout=timeout,
            deadline=deadline,
            retry=retry,
            images=images,
            dialect=settings.dialect if dialect is None else dialect,
            strict=strict,
            hooks=hooks,
            allow_http=allow_http,
            http_client=http_client,
        )
        if isinstance(settings, EndpointSettings):
            return make(settings.scoring_uri, _credential_of(credential, settings))
        refuse_awaited(credential)
        control = _resource_manager(*settings.names(), credential, cloud_from_env(environ))
        return _looked_up(control, make)

    @classmethod
    def from_workspace(
        cls,
        subscription_id: str,
        resource_group: str,
        workspace: str,
        endpoint: str,
        credential: TokenInput | None = None,
        *,
        cloud: Cloud | None = None,
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
    ) -> Self:
        """A client for an endpoint looked up in its workspace: scoring URI, authentication mode, key or token.

        Asks Azure Resource Manager once now and once at the first call, and again only when a key or token is
        refused or gets old; needs no azure-ai-ml.

        Args:
            subscription_id: the subscription's id.
            resource_group: the resource group's name.
            workspace: the workspace's name.
            endpoint: the endpoint's name.
            credential: a ``TokenCredential`` of azure-identity; None for its ``DefaultAzureCredential``.
            cloud: default: that of ``AZURE_AUTHORITY_HOST``, else the public one.
            deployment: send every call to this deployment; by default the endpoint's traffic rules choose.
            timeout: seconds one attempt may take, from connecting to the last byte.
            deadline: seconds a whole call may take, retries and pauses included; None for no bound.
            retry: how often and how patiently to retry.
            images: how images are read and prepared.
            dialect: how the endpoint wants to be asked; only for old or Hugging Face deployments.
            strict: refuse replies of other server versions and with unknown keys, instead of reading them.
            hooks: functions to call at each request, answer, retry and dropped row.
            allow_http: allow plain http to another machine, for private networks.
            http_client: a configured ``httpx.Client`` or ``httpx2.Client``, for scoring alone; it stays yours to close.

        Returns:
            A client; make one and keep it.

        Raises:
            InvalidInput: an argument cannot be used; nothing was sent.
            AuthenticationFailed: no token, or Resource Manager refused it. PermissionDenied: the role is missing.
            EndpointNotFound: a name is wrong. TransportError: no answer came.

        Example:
            >>> client = Client.from_workspace(subscription_id, "group", "work", "cats")
            >>> client.with_options(deployment="blue")
            Client(..., deployment='blue')
        """
        refuse_awaited(credential)
        make = partial(
            cls,
            deployment=deployment,
            timeout=timeout,
            deadline=deadline,
            retry=retry,
            images=images,
            dialect=dialect,
            strict=strict,
            hooks=hooks,
            allow_http=allow_http,
            http_client=http_client,
        )
        control = _resource_manager(subscription_id, resource_group, workspace, endpoint, credential, cloud)
        return _looked_up(control, make)

    @classmethod
    def from_ml_client(
        cls,
        ml_client: MLClientLike,
        endpoint: str,
        *,
        invoke: bool = False,
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
    ) -> Self:
        """A client for an endpoint looked up through an ``azure.ai.ml.MLClient`` (extra ``azureml``).

        Args:
            ml_client: an ``MLClient`` with a workspace. It stays yours to close.
            endpoint: the endpoint's name.
            invoke: score through ``ml_client.online_endpoints.invoke``, too. Slow: two or three control-plane calls
                per image, one call at a time, and without the service's request ids. For places where only
                azure-ai-ml's own HTTP settings reach the endpoint.
            deployment: send every call to this deployment; by default the endpoint's traffic rules choose.
            timeout: seconds one attempt may take, from connecting to the last byte.
            deadline: seconds a whole call may take, retries and pauses included; None for no bound.
            retry: how often and how patiently to retry.
            images: how images are read and prepared.
            dialect: how the endpoint wants to be asked; only for old or Hugging Face deployments.
            strict: refuse replies of other server versions and with unknown keys, instead of reading them.
            hooks: functions to call at each request, answer, retry and dropped row.
            allow_http: allow plain http to another machine, for private networks.
            http_client: a configured ``httpx.Client`` or ``httpx2.Client``, for what does not go through azure-ai-ml.

        Returns:
            A client; make one and keep it.

        Raises:
            InvalidInput: ``ml_client`` or ``endpoint`` cannot be used.
            CallError: the workspace refused or did not answer; as :meth:`from_workspace`.

        Example:
            >>> client = Client.from_ml_client(ml_client, "cats")
            >>> client.with_options(deployment="blue")
            Client(..., deployment='blue')
        """
        make = partial(
            cls,
            deployment=deployment,
            timeout=timeout,
            deadline=deadline,
            retry=retry,
            images=images,
            dialect=dialect,
            strict=strict,
            hooks=hooks,
            allow_http=allow_http,
            http_client=http_client,
        )
        control = _ml_client_control(ml_client, endpoint)
        client = _looked_up(control, make)
        if invoke:
            from automl_cv_client._transports.azure_ai_ml_invoke import InvokeTransport

            backend = client._backend
            client._backend = BlockingBackend(backend.credential, InvokeTransport(control, backend.transport))
        return client

    def deployments(self) -> tuple[Deployment, ...]:
        """The endpoint's deployments with state and traffic, asked for now.

        Returns:
            One :class:`Deployment` each, in the order of their names.

        Raises:
            InvalidInput: the client was made from a scoring URI, which tells nothing of deployments.
            AuthenticationFailed: Resource Manager refused the token. PermissionDenied: the role is missing.
            EndpointNotFound: the endpoint is gone. TransportError: no answer came.

        Example:
            >>> for deployment in client.deployments():
            ...     print(deployment.name, deployment.traffic)
            blue 90
            green 10
            red 0
        """
        return _control_of(self).deployments()


class AsyncAccess(AsyncConnected):
    """The awaited methods."""

    @classmethod
    def from_env(
        cls,
        environ: Mapping[str, str] | None = None,
        *,
        credential: CredentialInput | None = None,
        deployment: str | None = None,
        timeout: float = TIMEOUT,
        deadline: float | None = DEADLINE,
        retry: RetryPolicy | None = None,
        images: ImagePolicy | None = None,
        dialect: Dialect | None = None,
        strict: bool = False,
        hooks: Hooks | None = None,
        allow_http: bool = False,
        http_client: AsyncHttpClientInput | None = None,
    ) -> Self:
        """A client from environment variables; explicit arguments win over them.

        ``AUTOML_CV_SCORING_URI`` with ``AUTOML_CV_KEY`` (without it: Entra ID). Or ``AUTOML_CV_ENDPOINT`` with
        ``AUTOML_CV_SUBSCRIPTION_ID``, ``AUTOML_CV_RESOURCE_GROUP`` and ``AUTOML_CV_WORKSPACE``, which may also come
        from the workspace's ``config.json`` in this folder or above: then as :meth:`from_workspace`. In both cases
        ``AUTOML_CV_DEPLOYMENT``, ``AUTOML_CV_DIALECT``, and ``AZURE_*`` as azure-identity reads them.

        Not awaited, so a workspace is asked at once, blocking: in a running event loop prefer
        ``await AsyncClient.from_workspace(…)``.

        Args:
            environ: in place of this process's variables; azure-identity reads the process's own all the same.
            credential: the endpoint's key or a ``TokenCredential``, in place of the variables' own.
            deployment: send every call to this deployment; by default the variable's, else the endpoint's
                traffic rules choose.
            timeout: seconds one attempt may take, from connecting to the last byte.
            deadline: seconds a whole call may take, retries and pauses included; None for no bound.
            retry: how often and how patiently to retry.
            images: how images are read and prepared.
            dialect: how the endpoint wants to be asked, for old or Hugging Face deployments; by default the variable's,
                else ``automl``.
            strict: refuse replies of other server versions and with unknown keys, instead of reading them.
            hooks: functions to call at each request, answer, retry and dropped row.
            allow_http: allow plain http to another machine, for private networks.
            http_client: a configured ``httpx.AsyncClient``, ``httpx2.AsyncClient`` or ``aiohttp.ClientSession``, for
                scoring alone; it stays yours to close.

        Returns:
            A client; make one and keep it.

        Raises:
            InvalidInput: a variable is missing or cannot be used; the message names it.
            CallError: a workspace was asked, and refused or did not answer; as :meth:`from_workspace`.

        Example:
            >>> client = AsyncClient.from_env({"AUTOML_CV_SCORING_URI": uri, "AUTOML_CV_KEY": key}, timeout=30)
            >>> client
            AsyncClient(...)
        """
        settings = settings_from_env(environ)
        make = partial(
            cls,
            deployment=settings.deployment if deployment is None else deployment,
            timeout=timeout,
            deadline=deadline,
            retry=retry,
            images=images,
            dialect=settings.dialect if dialect is None else dialect,
            strict=strict,
            hooks=hooks,
            allow_http=allow_http,
            http_client=http_client,
        )
        if isinstance(settings, EndpointSettings):
            return make(settings.scoring_uri, _credential_of(credential, settings))
        refuse_awaited(credential, "await AsyncClient.from_workspace(…), as from_env asks the workspace blocking")
        control = _resource_manager(*settings.names(), credential, cloud_from_env(environ))
        return _looked_up(control, make)

    @classmethod
    async def from_workspace(
        cls,
        subscription_id: str,
        resource_group: str,
        workspace: str,
        endpoint: str,
        credential: TokenInput | None = None,
        *,
        cloud: Cloud | None = None,
        deployment: str | None = None,
        timeout: float = TIMEOUT,  # noqa: ASYNC109 - of its calls
        deadline: float | None = DEADLINE,
        retry: RetryPolicy | None = None,
        images: ImagePolicy | None = None,
        dialect: Dialect = "automl",
        strict: bool = False,
        hooks: Hooks | None = None,
        allow_http: bool = False,
        http_client: AsyncHttpClientInput | None = None,
    ) -> Self:
        """A client for an endpoint looked up in its workspace: scoring URI, authentication mode, key or token.

        Asks Azure Resource Manager once now and once at the first call, and again only when a key or token is
        refused or gets old; needs no azure-ai-ml.

        Args:
            subscription_id: the subscription's id.
            resource_group: the resource group's name.
            workspace: the workspace's name.
            endpoint: the endpoint's name.
            credential: a ``TokenCredential`` of azure-identity, blocking or async; None for its
                ``DefaultAzureCredential``.
            cloud: default: that of ``AZURE_AUTHORITY_HOST``, else the public one.
            deployment: send every call to this deployment; by default the endpoint's traffic rules choose.
            timeout: seconds one attempt may take, from connecting to the last byte.
            deadline: seconds a whole call may take, retries and pauses included; None for no bound.
            retry: how often and how patiently to retry.
            images: how images are read and prepared.
            dialect: how the endpoint wants to be asked; only for old or Hugging Face deployments.
            strict: refuse replies of other server versions and with unknown keys, instead of reading them.
            hooks: functions to call at each request, answer, retry and dropped row.
            allow_http: allow plain http to another machine, for private networks.
            http_client: a configured ``httpx.AsyncClient``, ``httpx2.AsyncClient`` or ``aiohttp.ClientSession``, for
                scoring alone; it stays yours to close.

        Returns:
            A client; make one and keep it.

        Raises:
            InvalidInput: an argument cannot be used; nothing was sent.
            AuthenticationFailed: no token, or Resource Manager refused it. PermissionDenied: the role is missing.
            EndpointNotFound: a name is wrong. TransportError: no answer came.

        Example:
            >>> client = await AsyncClient.from_workspace(subscription_id, "group", "work", "cats")
            >>> client.with_options(deployment="blue")
            AsyncClient(..., deployment='blue')
        """
        loop = running_loop()
        make = partial(
            cls,
            deployment=deployment,
            timeout=timeout,
            deadline=deadline,
            retry=retry,
            images=images,
            dialect=dialect,
            strict=strict,
            hooks=hooks,
            allow_http=allow_http,
            http_client=http_client,
        )
        names = (subscription_id, resource_group, workspace, endpoint)
        control = await asyncio.to_thread(_resource_manager, *names, credential, cloud)
        control.bind(loop)
        return await asyncio.to_thread(_looked_up, control, make)

    @classmethod
    async def from_ml_client(
        cls,
        ml_client: MLClientLike,
        endpoint: str,
        *,
        invoke: bool = False,
        deployment: str | None = None,
        timeout: float = TIMEOUT,  # noqa: ASYNC109 - of its calls
        deadline: float | None = DEADLINE,
        retry: RetryPolicy | None = None,
        images: ImagePolicy | None = None,
        dialect: Dialect = "automl",
        strict: bool = False,
        hooks: Hooks | None = None,
        allow_http: bool = False,
        http_client: AsyncHttpClientInput | None = None,
    ) -> Self:
        """A client for an endpoint looked up through an ``azure.ai.ml.MLClient`` (extra ``azureml``).

        azure-ai-ml itself runs in threads.

        Args:
            ml_client: an ``MLClient`` with a workspace. It stays yours to close.
            endpoint: the endpoint's name.
            invoke: score through ``ml_client.online_endpoints.invoke``, too. Slow: two or three control-plane calls
                per image, one call at a time, and without the service's request ids. For places where only
                azure-ai-ml's own HTTP settings reach the endpoint.
            deployment: send every call to this deployment; by default the endpoint's traffic rules choose.
            timeout: seconds one attempt may take, from connecting to the last byte.
            deadline: seconds a whole call may take, retries and pauses included; None for no bound.
            retry: how often and how patiently to retry.
            images: how images are read and prepared.
            dialect: how the endpoint wants to be asked; only for old or Hugging Face deployments.
            strict: refuse replies of other server versions and with unknown keys, instead of reading them.
            hooks: functions to call at each request, answer, retry and dropped row.
            allow_http: allow plain http to another machine, for private networks.
            http_client: a configured ``httpx.AsyncClient``, ``httpx2.AsyncClient`` or ``aiohttp.ClientSession``, for
                what does not go through azure-ai-ml.

        Returns:
            A client; make one and keep it.

        Raises:
            InvalidInput: ``ml_client`` or ``endpoint`` cannot be used.
            CallError: the workspace refused or did not answer; as :meth:`from_workspace`.

        Example:
            >>> client = await AsyncClient.from_ml_client(ml_client, "cats")
            >>> client.with_options(deployment="blue")
            AsyncClient(..., deployment='blue')
        """
        running_loop()
        make = partial(
            cls,
            deployment=deployment,
            timeout=timeout,
            deadline=deadline,
            retry=retry,
            images=images,
            dialect=dialect,
            strict=strict,
            hooks=hooks,
            allow_http=allow_http,
            http_client=http_client,
        )
        control = await asyncio.to_thread(_ml_client_control, ml_client, endpoint)
        client = await asyncio.to_thread(_looked_up, control, make)
        if invoke:
            from automl_cv_client._transports.azure_ai_ml_invoke import AsyncInvokeTransport

            backend = client._backend
            client._backend = AwaitedBackend(backend.credential, AsyncInvokeTransport(control, backend.transport))
        return client

    async def deployments(self) -> tuple[Deployment, ...]:
        """The endpoint's deployments with state and traffic, asked for now.

        Returns:
            One :class:`Deployment` each, in the order of their names.

        Raises:
            InvalidInput: the client was made from a scoring URI, which tells nothing of deployments.
            AuthenticationFailed: Resource Manager refused the token. PermissionDenied: the role is missing.
            EndpointNotFound: the endpoint is gone. TransportError: no answer came.

        Example:
            >>> for deployment in await client.deployments():
            ...     print(deployment.name, deployment.traffic)
            blue 90
            green 10
            red 0
        """
        control = _control_of(self)
        control.bind(asyncio.get_running_loop())
        return await asyncio.to_thread(control.deployments)


def _looked_up(control: ControlPlane, make: Callable[[str, Any], C]) -> C:
    """The client that ``make`` makes of the address and the credential that the control plane gives."""
    try:
        found = control.look_up()
        client = make(found.scoring_uri, control.credential(found))
    except BaseException:
        control.close()
        raise
    client._control = control
    return client


def _resource_manager(
    subscription_id: str, resource_group: str, workspace: str, endpoint: str, credential: Any, cloud: Cloud | None
) -> ControlPlane:
    from automl_cv_client._protocol.control_plane import EndpointAddress
    from automl_cv_client._transports.resource_manager import ResourceManager

    if credential is not None and not is_token_credential(credential):
        raise InvalidInput("a workspace is asked with a TokenCredential of azure-identity; it gives the key out itself")
    address = EndpointAddress(subscription_id, resource_group, workspace, endpoint)
    return ResourceManager(address, credential, cloud_from_env() if cloud is None else cloud)


def _ml_client_control(ml_client: MLClientLike, endpoint: str) -> MLClientControl:
    from automl_cv_client._transports.azure_ai_ml import MLClientControl

    return MLClientControl(ml_client, endpoint)


def _control_of(client: WithSettings) -> ControlPlane:
    if client._control is None:
        raise InvalidInput(
            "a scoring URI tells nothing of deployments: make the client with from_workspace(…) or from_ml_client(…)"
        )
    return client._control


def _credential_of(credential: CredentialInput | None, settings: EndpointSettings) -> CredentialInput | None:
    return credential if credential is not None or settings.key is None else settings.secret()

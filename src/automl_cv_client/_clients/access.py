"""Ways to a client other than its scoring URI: environment variables, a workspace, azure-ai-ml; and deployments."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, Unpack

from automl_cv_client._clients.connected import AsyncConnected, Connected, WithSettings
from automl_cv_client._flow.run import running_loop
from automl_cv_client._options import ClientOptions
from automl_cv_client._transports.backends import AwaitedBackend, BlockingBackend, ControlPlane
from automl_cv_client.credentials import (
    Cloud,
    CredentialInput,
    TokenInput,
    cloud_from_env,
    is_token_credential,
    refuse_awaited,
)
from automl_cv_client.errors import InvalidInput
from automl_cv_client.settings import EndpointSettings, WorkspaceSettings, settings_from_env

if TYPE_CHECKING:
    import aiohttp
    import httpx

    from automl_cv_client._transports.azure_ai_ml import MLClientControl
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
        http_client: httpx.Client | None = None,
        **options: Unpack[ClientOptions],
    ) -> Self:
        """A client from environment variables; explicit arguments win over them.

        ``AUTOML_CV_SCORING_URI`` with ``AUTOML_CV_KEY`` (without it: Entra ID). Or ``AUTOML_CV_ENDPOINT`` with
        ``AUTOML_CV_SUBSCRIPTION_ID``, ``AUTOML_CV_RESOURCE_GROUP`` and ``AUTOML_CV_WORKSPACE``, which may also come
        from the workspace's ``config.json`` in this folder or above: then as :meth:`from_workspace`. In both cases
        ``AUTOML_CV_DEPLOYMENT``, and ``AZURE_*`` as azure-identity reads them.

        Args:
            environ: in place of this process's variables; azure-identity reads the process's own all the same.
            credential: as for :class:`Client`.
            http_client: as for :class:`Client`; for scoring alone.
            options: as for :class:`Client`.

        Raises:
            InvalidInput: a variable is missing or cannot be used; the message names it.
        """
        settings = settings_from_env(environ)
        options = _with_deployment(options, settings)
        if isinstance(settings, EndpointSettings):
            chosen = _credential_of(credential, settings)
            return _made(cls, settings.scoring_uri, chosen, options, http_client=http_client)
        refuse_awaited(credential)
        control = _resource_manager(*settings.names(), credential, cloud_from_env(environ))
        return _looked_up(cls, control, options, http_client)

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
        http_client: httpx.Client | None = None,
        **options: Unpack[ClientOptions],
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
            http_client: as for :class:`Client`; for scoring alone.
            options: as for :class:`Client`.

        Raises:
            AuthenticationFailed: no token, or Resource Manager refused it. PermissionDenied: the role is missing.
            EndpointNotFound: a name is wrong. TransportError: no answer came.
        """
        refuse_awaited(credential)
        control = _resource_manager(subscription_id, resource_group, workspace, endpoint, credential, cloud)
        return _looked_up(cls, control, options, http_client)

    @classmethod
    def from_ml_client(
        cls,
        ml_client: Any,
        endpoint: str,
        *,
        invoke: bool = False,
        http_client: httpx.Client | None = None,
        **options: Unpack[ClientOptions],
    ) -> Self:
        """A client for an endpoint looked up through an ``azure.ai.ml.MLClient`` (extra ``azureml``).

        Args:
            ml_client: an ``MLClient`` with a workspace. It stays yours to close.
            endpoint: the endpoint's name.
            invoke: score through ``ml_client.online_endpoints.invoke`` too. Slow: two or three control-plane calls
                an image, one call at a time; the service's ids are not told. For places where only azure-ai-ml's
                own HTTP settings reach the endpoint.
            http_client: as for :class:`Client`; for what does not go through azure-ai-ml.
            options: as for :class:`Client`.

        Raises:
            InvalidInput: ``ml_client`` or ``endpoint`` cannot be used.
            CallError: as :meth:`from_workspace`.
        """
        control = _ml_client_control(ml_client, endpoint)
        client = _looked_up(cls, control, options, http_client)
        if invoke:
            from automl_cv_client._transports.azure_ai_ml_invoke import InvokeTransport

            backend = client._backend
            client._backend = BlockingBackend(backend.credential, InvokeTransport(control, backend.transport))
        return client

    def deployments(self) -> tuple[Deployment, ...]:
        """The endpoint's deployments with state and traffic, asked for now.

        Raises:
            InvalidInput: the client was made from a scoring URI, which tells nothing of deployments.
            StatusError: as :meth:`from_workspace`.
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
        http_client: httpx.AsyncClient | aiohttp.ClientSession | None = None,
        **options: Unpack[ClientOptions],
    ) -> Self:
        """As :meth:`Client.from_env`; not awaited, so a workspace is asked at once, blocking.

        In a running event loop prefer ``await AsyncClient.from_workspace(…)``.
        """
        settings = settings_from_env(environ)
        options = _with_deployment(options, settings)
        if isinstance(settings, EndpointSettings):
            chosen = _credential_of(credential, settings)
            return _made(cls, settings.scoring_uri, chosen, options, http_client=http_client)
        refuse_awaited(credential, "await AsyncClient.from_workspace(…), as from_env asks the workspace blocking")
        control = _resource_manager(*settings.names(), credential, cloud_from_env(environ))
        return _looked_up(cls, control, options, http_client)

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
        http_client: httpx.AsyncClient | aiohttp.ClientSession | None = None,
        **options: Unpack[ClientOptions],
    ) -> Self:
        """As :meth:`Client.from_workspace`, awaited; takes async credentials too."""
        loop = running_loop()
        names = (subscription_id, resource_group, workspace, endpoint)
        control = await asyncio.to_thread(_resource_manager, *names, credential, cloud)
        control.bind(loop)
        return await asyncio.to_thread(_looked_up, cls, control, options, http_client)

    @classmethod
    async def from_ml_client(
        cls,
        ml_client: Any,
        endpoint: str,
        *,
        invoke: bool = False,
        http_client: httpx.AsyncClient | aiohttp.ClientSession | None = None,
        **options: Unpack[ClientOptions],
    ) -> Self:
        """As :meth:`Client.from_ml_client`, awaited; azure-ai-ml itself runs in threads."""
        running_loop()
        control = await asyncio.to_thread(_ml_client_control, ml_client, endpoint)
        client = await asyncio.to_thread(_looked_up, cls, control, options, http_client)
        if invoke:
            from automl_cv_client._transports.azure_ai_ml_invoke import AsyncInvokeTransport

            backend = client._backend
            client._backend = AwaitedBackend(backend.credential, AsyncInvokeTransport(control, backend.transport))
        return client

    async def deployments(self) -> tuple[Deployment, ...]:
        """As :meth:`Client.deployments`, awaited."""
        control = _control_of(self)
        control.bind(asyncio.get_running_loop())
        return await asyncio.to_thread(control.deployments)


def _made(kind: type[C], scoring_uri: str, credential: Any, options: ClientOptions, **more: Any) -> C:
    make: Any = kind  # Client or AsyncClient, which have the same arguments
    client: C = make(scoring_uri, credential, **options, **more)
    return client


def _looked_up(kind: type[C], control: ControlPlane, options: ClientOptions, http_client: Any = None) -> C:
    try:
        found = control.look_up()
        client = _made(kind, found.scoring_uri, control.credential(found), options, http_client=http_client)
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


def _ml_client_control(ml_client: Any, endpoint: str) -> MLClientControl:
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


def _with_deployment(options: ClientOptions, settings: EndpointSettings | WorkspaceSettings) -> ClientOptions:
    """An explicit deployment wins over the variable's."""
    return {"deployment": settings.deployment, **options}

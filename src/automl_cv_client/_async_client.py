"""The client for event loops: the same flows as the blocking one, awaited."""

from __future__ import annotations

from automl_cv_client._clients.access import AsyncAccess
from automl_cv_client._clients.explain import AsyncExplain
from automl_cv_client._clients.many import AsyncMany
from automl_cv_client._clients.one import AsyncOne
from automl_cv_client._clients.streams import AsyncStreams
from automl_cv_client._clients.tiled import AsyncTiled
from automl_cv_client._keywords import named_methods


@named_methods
class AsyncClient(AsyncAccess, AsyncOne, AsyncMany, AsyncStreams, AsyncTiled, AsyncExplain):
    """Scores images with one deployed model of AutoML for Images, awaited. Make one and keep it.

    Connections are opened at the first call and shared by all calls of an event loop; another loop, such as that of
    a second ``asyncio.run``, gets its own. Use it in an ``async with`` block, or call :meth:`close`.

    Args:
        scoring_uri: the endpoint's scoring URI, ``https://<endpoint>.<region>.inference.ml.azure.com/score``.
        credential: the endpoint's key as ``str``, a :class:`~automl_cv_client.credentials.KeyCredential` with both
            keys, an ``azure.core.credentials.AzureKeyCredential``, or a ``TokenCredential`` of azure-identity,
            blocking or async.
            None for azure-identity's ``DefaultAzureCredential``. What is given stays yours to close.
        deployment: send every call to this deployment; by default the endpoint's traffic rules choose.
        timeout: seconds one attempt may take, from connecting to the last byte. The service itself stops
            scoring after at most 180 s.
        deadline: seconds a whole call may take, retries and pauses included; None for no bound.
        retry: how often to retry, and how long to wait in between.
        images: how images are read and prepared.
        dialect: how the endpoint wants to be asked; only for old or Hugging Face deployments.
        strict: refuse replies of other server versions and with unknown keys, instead of reading them.
        hooks: functions to call at each request, answer, retry and dropped row.
        allow_http: allow plain http to another machine, for private networks. Loopback is always allowed.
        http_client: a configured ``httpx.AsyncClient`` or ``httpx2.AsyncClient``, or one with their interface, or an
            ``aiohttp.ClientSession``, to send with. It stays yours to close.

    Raises:
        InvalidInput: an argument cannot be used; nothing is sent.
    """

"""The blocking client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from automl_cv_client._clients.access import Access
from automl_cv_client._clients.explaining_many import ExplainingMany
from automl_cv_client._clients.many import Many
from automl_cv_client._clients.scoring import Scoring
from automl_cv_client._clients.tiling import Tiling
from automl_cv_client._flow.call_settings import DEADLINE, TIMEOUT, RetryPolicy
from automl_cv_client._flow.hooks import Hooks
from automl_cv_client._imaging import ImagePolicy
from automl_cv_client._options import new_settings
from automl_cv_client._protocol.requests import Dialect
from automl_cv_client._transports.backends import BlockingBackend
from automl_cv_client._transports.choosing import blocking_transport
from automl_cv_client.credentials import CredentialInput, credential_for

if TYPE_CHECKING:
    import httpx


class Client(Access, Scoring, Many, Tiling, ExplainingMany):
    """Scores images with one deployed model of AutoML for Images. Thread-safe; make one and keep it.

    Connections are opened at the first call and shared by all calls. Use it in a ``with`` block, or call
    :meth:`close`.

    Args:
        scoring_uri: the endpoint's scoring URI, ``https://<endpoint>.<region>.inference.ml.azure.com/score``.
        credential: the endpoint's key as ``str``, a :class:`~automl_cv_client.credentials.KeyCredential` with both
            keys, an ``azure.core.credentials.AzureKeyCredential``, or a ``TokenCredential`` of azure-identity.
            None for azure-identity's ``DefaultAzureCredential``. What is given stays yours to close.
        deployment: send every call to this deployment; by default the endpoint's traffic rules choose.
        timeout: seconds one attempt may take, from connecting to the last byte. The service itself stops
            scoring after at most 180 s.
        deadline: seconds a whole call may take, retries and pauses included; None for no bound.
        retry: how often and how patiently to try again.
        images: how images are read and prepared.
        dialect: how the endpoint wants to be asked; only for old or Hugging Face deployments.
        strict: refuse replies of other server versions and with unknown keys, instead of reading them.
        hooks: functions to call at each request, answer, retry and dropped row.
        allow_http: allow plain http to another machine, for private networks. Loopback is always allowed.
        http_client: a configured ``httpx.Client`` (or one with its interface) to send with. It stays yours to
            close. ``deadline`` then holds between the pieces of a reply, not within one.

    Raises:
        InvalidInput: an argument cannot be used; nothing is sent.
    """

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
        http_client: httpx.Client | None = None,
    ) -> None:
        authorizer = credential_for(credential, scoring_uri, awaited=False)
        self._settings = new_settings(
            scoring_uri,
            authorizer,
            allow_http=allow_http,
            deployment=deployment,
            timeout=timeout,
            deadline=deadline,
            retry=RetryPolicy() if retry is None else retry,
            images=ImagePolicy() if images is None else images,
            dialect=dialect,
            strict=strict,
            hooks=Hooks() if hooks is None else hooks,
        )
        self._backend = BlockingBackend(authorizer, blocking_transport(http_client))
